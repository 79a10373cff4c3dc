/** `wasi:io/error` — https://github.com/WebAssembly/WASI/tree/main/wasip2/io */
import { resultError } from '@tenon/component';

/** The resource `error`: what went wrong below a stream. */
export class IoError {
  readonly cause: unknown;

  constructor(cause: unknown) {
    this.cause = cause;
  }

  toDebugString(): string {
    return this.cause instanceof Error ? this.cause.message : String(this.cause);
  }
}

export const ioError: object = { Error: IoError };

/** The error case `closed` of `stream-error`. */
export function closed(): Error {
  return resultError({ tag: 'closed' }, 'the stream is closed');
}

/** The error case `last-operation-failed` of `stream-error`; a pipe that nobody reads any more is `closed`. */
export function failed(cause: unknown): Error {
  if (cause instanceof Error && 'code' in cause && cause.code === 'EPIPE') return closed();
  const error = new IoError(cause);
  return resultError({ tag: 'last-operation-failed', val: error }, error.toDebugString());
}
