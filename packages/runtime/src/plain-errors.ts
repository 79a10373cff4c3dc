/** Errors on their way between threads: classes do not survive it, so they travel as plain data and are made anew. */
import type { ErrorCode, MissingImport } from '@tenon/component';
import { ComponentError, TenonError, Trap, type TrapCode } from '@tenon/component/errors';
import { RUNTIME_ERRORS, RuntimeError, type RuntimeErrorCode } from './errors.ts';

export interface PlainError {
  readonly name: string;
  readonly code: string | undefined;
  readonly message: string;
  readonly stack: string | undefined;
  readonly offset: number | undefined;
  readonly path: string | undefined;
  readonly payload: unknown;
  readonly missing: readonly MissingImport[] | undefined;
  /** Of a trap: where it happened, and V8's error with the wasm backtrace. */
  readonly component: string | undefined;
  readonly func: string | undefined;
  readonly cause: PlainError | undefined;
}

export function plainError(error: unknown): PlainError {
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  const known = error instanceof ComponentError ? error : undefined;
  const trap = error instanceof Trap ? error : undefined;
  return {
    name,
    code: error instanceof TenonError ? error.code : undefined,
    message,
    stack,
    offset: known?.offset,
    path: known?.path,
    payload: known?.payload,
    missing: known !== undefined && 'missing' in known ? (known.missing as readonly MissingImport[]) : undefined,
    component: trap?.component,
    func: trap?.func,
    cause: trap?.cause instanceof Error ? plainError(trap.cause) : undefined,
  };
}

/** An error of the class that it had in the other thread. Classes that are rare are loaded only now. */
export async function madeAnew(plain: PlainError): Promise<Error> {
  const { name, code, missing, offset, path, payload } = plain;
  // Each line of it was made visible where it was thrown.
  const message = plain.message.split('\n');
  if (missing !== undefined) return new (await import('@tenon/component')).MissingImportsError(missing);
  if (name === 'ComponentError') {
    const details = { payload, ...(offset === undefined ? {} : { offset }), ...(path === undefined ? {} : { path }) };
    return new ComponentError(code as ErrorCode, message, details);
  }
  if (name === 'Trap') {
    const site = {
      code: code as TrapCode,
      ...(plain.component === undefined ? {} : { component: plain.component }),
      ...(plain.func === undefined ? {} : { func: plain.func }),
    };
    return new Trap(plain.message, plain.cause === undefined ? undefined : await madeAnew(plain.cause), site);
  }
  if (name === 'WasiError') {
    const { WasiError } = await import('@tenon/wasi');
    return new WasiError(code as ConstructorParameters<typeof WasiError>[0], message);
  }
  if (code !== undefined && Object.hasOwn(RUNTIME_ERRORS, code)) return new RuntimeError(code as RuntimeErrorCode, message);
  const error = code === undefined ? new Error(plain.message) : new TenonError(code, message);
  return Object.assign(error, { name, stack: plain.stack ?? '' });
}

/** Why a workload could not start: what is known for what it is stays so. */
export function startError(error: unknown): TenonError {
  if (error instanceof TenonError && !(error instanceof Trap)) return error;
  const lines = error instanceof Trap ? [error.message, ...error.backtrace] : String((error as Error).stack ?? error).split('\n');
  const [what = '', ...rest] = lines;
  return new RuntimeError('TENON_RUNTIME_START', [`the workload could not start: ${what}`, ...rest], error);
}
