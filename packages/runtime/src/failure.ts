/** Why a guest did not do its part. */
import { Trap } from '@tenon/component';
import type { LogEntry } from './log.ts';

export type Failure = Pick<LogEntry, 'message' | 'code' | 'component' | 'func' | 'backtrace'> & {
  readonly event: 'trap' | 'error' | 'busy';
};

export function failure(error: unknown): Failure {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const trap = error instanceof Trap ? error : undefined;
  const message = error instanceof Error ? error.message : String(error);
  const where = trap === undefined ? '' : `trap in \`${trap.func ?? '?'}\` of component instance \`${trap.component ?? '?'}\`: `;
  const cause = trap?.cause instanceof Error ? trap.cause : error;
  const event = trap !== undefined ? 'trap' : code === 'TENON_RUNTIME_BUSY' ? 'busy' : 'error';
  return {
    event,
    message: `${where}${message}`,
    ...(code === undefined ? {} : { code }),
    ...(trap?.component === undefined ? {} : { component: trap.component }),
    ...(trap?.func === undefined ? {} : { func: trap.func }),
    ...(cause instanceof Error && cause.stack !== undefined ? { backtrace: lines(cause.stack, trap !== undefined) } : {}),
  };
}

/** The lines of a stack; of a trap only those inside wasm, where there are any. */
function lines(stack: string, wasmOnly: boolean): string {
  const all = stack.split('\n').filter((line) => line.trimStart().startsWith('at '));
  const wasm = all.filter((line) => line.includes('wasm'));
  return (wasmOnly && wasm.length > 0 ? wasm : all).join('\n');
}
