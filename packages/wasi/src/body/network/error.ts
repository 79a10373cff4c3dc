/** Why a socket refuses or fails: the names of WASI's `error-code`. */
export type SocketProblem =
  | 'unknown'
  | 'access-denied'
  | 'not-supported'
  | 'invalid-argument'
  | 'out-of-memory'
  | 'timeout'
  | 'concurrency-conflict'
  | 'not-in-progress'
  | 'would-block'
  | 'invalid-state'
  | 'new-socket-limit'
  | 'address-not-bindable'
  | 'address-in-use'
  | 'remote-unreachable'
  | 'connection-refused'
  | 'connection-reset'
  | 'connection-aborted'
  | 'datagram-too-large'
  | 'name-unresolvable'
  | 'temporary-resolver-failure'
  | 'permanent-resolver-failure';

/** A socket refused or failed. Mostly it is an answer and no fault, so it has no stack. */
export class SocketError extends Error {
  override readonly name = 'SocketError';
  readonly problem: SocketProblem;

  constructor(problem: SocketProblem, message: string = problem, cause?: unknown) {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(message, cause === undefined ? undefined : { cause });
    Error.stackTraceLimit = limit;
    this.problem = problem;
  }
}

const BY_CODE: Readonly<Record<string, SocketProblem>> = {
  EACCES: 'access-denied',
  EPERM: 'access-denied',
  EADDRINUSE: 'address-in-use',
  EADDRNOTAVAIL: 'address-not-bindable',
  EAFNOSUPPORT: 'not-supported',
  EAI_AGAIN: 'temporary-resolver-failure',
  EAI_FAIL: 'permanent-resolver-failure',
  EAI_NODATA: 'name-unresolvable',
  ECONNABORTED: 'connection-aborted',
  ECONNREFUSED: 'connection-refused',
  ECONNRESET: 'connection-reset',
  EHOSTUNREACH: 'remote-unreachable',
  EINVAL: 'invalid-argument',
  EMFILE: 'new-socket-limit',
  EMSGSIZE: 'datagram-too-large',
  ENETDOWN: 'remote-unreachable',
  ENETUNREACH: 'remote-unreachable',
  ENFILE: 'new-socket-limit',
  ENOBUFS: 'out-of-memory',
  ENOMEM: 'out-of-memory',
  ENOTFOUND: 'name-unresolvable',
  ENOTSUP: 'not-supported',
  EPIPE: 'connection-reset',
  ETIMEDOUT: 'timeout',
};

/** What Node reports, in the terms of sockets. */
export function socketError(error: unknown): SocketError {
  if (error instanceof SocketError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return new SocketError(BY_CODE[code] ?? 'unknown', error instanceof Error ? error.message : String(error), error);
}
