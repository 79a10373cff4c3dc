/** Errors on their way between threads: classes do not survive it, so they travel as plain data and are made anew. */
import type { ErrorCode, MissingImport } from '@tenon/component';
import { ComponentError, TenonError, Trap } from '@tenon/component/errors';
import { RUNTIME_ERRORS, RuntimeError, type RuntimeErrorCode } from './errors.ts';

export interface PlainError {
  readonly name: string;
  readonly code: string | undefined;
  readonly message: string;
  readonly stack: string | undefined;
  readonly offset: number | undefined;
  readonly path: string | undefined;
  readonly missing: readonly MissingImport[] | undefined;
}

export function plainError(error: unknown): PlainError {
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  const known = error instanceof ComponentError ? error : undefined;
  return {
    name,
    code: error instanceof TenonError ? error.code : undefined,
    message: error instanceof Trap ? [message, ...error.backtrace].join('\n') : message,
    stack,
    offset: known?.offset,
    path: known?.path,
    missing: known !== undefined && 'missing' in known ? (known.missing as readonly MissingImport[]) : undefined,
  };
}

/** The error of a thread that could not start, of the class that it had there. The classes are loaded only now: a good start needs none. */
export async function startError(plain: PlainError): Promise<TenonError> {
  const { name, code, message, missing, offset, path } = plain;
  if (missing !== undefined) return new (await import('@tenon/component')).MissingImportsError(missing);
  // Each line of it was made visible where it was thrown.
  const lines = message.split('\n');
  if (name === 'ComponentError') {
    const details = { ...(offset === undefined ? {} : { offset }), ...(path === undefined ? {} : { path }) };
    return new ComponentError(code as ErrorCode, lines, details);
  }
  if (name === 'WasiError') {
    const { WasiError } = await import('@tenon/wasi');
    return new WasiError(code as ConstructorParameters<typeof WasiError>[0], lines);
  }
  if (code !== undefined && Object.hasOwn(RUNTIME_ERRORS, code)) return new RuntimeError(code as RuntimeErrorCode, lines);
  const [what = '', ...rest] = (code === undefined && plain.stack !== undefined ? plain.stack : message).split('\n');
  return new RuntimeError('TENON_RUNTIME_START', [`the workload could not start: ${what}`, ...rest]);
}
