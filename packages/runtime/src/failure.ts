/** Why a guest did not do its part. */
import { Trap } from '@tenon/component';
import type { LogEntry } from './log.ts';

export type Failure = Pick<LogEntry, 'message' | 'code' | 'component' | 'func' | 'backtrace'> & {
  readonly event: 'trap' | 'error' | 'busy' | 'timeout';
};

/** What is no fault of the guest's code, or not its own. */
const EVENTS = {
  TENON_RUNTIME_BUSY: 'busy',
  TENON_RUNTIME_TIMEOUT: 'timeout',
  TENON_DEADLINE: 'timeout',
  TENON_CPU_TIME: 'timeout',
} as const;

export function failure(error: unknown): Failure {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const trap = error instanceof Trap ? error : undefined;
  const message = error instanceof Error ? error.message : String(error);
  const where = trap === undefined ? '' : `trap in \`${trap.func ?? '?'}\` of component instance \`${trap.component ?? '?'}\`: `;
  const lines = trap?.backtrace ?? (code === undefined ? stackOf(error) : []);
  const event =
    code !== undefined && Object.hasOwn(EVENTS, code) ? EVENTS[code as keyof typeof EVENTS] : trap === undefined ? 'error' : 'trap';
  return {
    event,
    message: `${where}${message}`,
    ...(code === undefined ? {} : { code }),
    ...(trap?.component === undefined ? {} : { component: trap.component }),
    ...(trap?.func === undefined ? {} : { func: trap.func }),
    ...(lines.length === 0 ? {} : { backtrace: lines.join('\n') }),
  };
}

/** Where in the guest an error was thrown that nobody threw on purpose; our own files are nobody's business. */
function stackOf(error: unknown): string[] {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  return stack.split('\n').filter((line) => line.trimStart().startsWith('at ') && line.includes('wasm://'));
}
