/** The variants `error-code` of `wasi:sockets` 0.3. */
import { resultError } from '@tenon/component';
import { SocketError, type SocketProblem, socketError } from '../body/network/error.ts';
import type { Coded } from './result.ts';

type Tag =
  | 'access-denied'
  | 'not-supported'
  | 'invalid-argument'
  | 'out-of-memory'
  | 'timeout'
  | 'invalid-state'
  | 'address-not-bindable'
  | 'address-in-use'
  | 'remote-unreachable'
  | 'connection-refused'
  | 'connection-broken'
  | 'connection-reset'
  | 'connection-aborted'
  | 'datagram-too-large';

export type ErrorCode = Coded<Tag>;

/** Problems that have a name of their own, and those that 0.3 calls something else. */
const TAGS: Readonly<Partial<Record<SocketProblem, Tag>>> = {
  'access-denied': 'access-denied',
  'not-supported': 'not-supported',
  'invalid-argument': 'invalid-argument',
  'out-of-memory': 'out-of-memory',
  timeout: 'timeout',
  'concurrency-conflict': 'invalid-state',
  'invalid-state': 'invalid-state',
  'address-not-bindable': 'address-not-bindable',
  'address-in-use': 'address-in-use',
  'remote-unreachable': 'remote-unreachable',
  'connection-refused': 'connection-refused',
  'connection-reset': 'connection-reset',
  'connection-aborted': 'connection-aborted',
  'datagram-too-large': 'datagram-too-large',
};

/** How the system says that a connection takes nothing any more. */
const BROKEN: ReadonlySet<unknown> = new Set(['EPIPE', 'ERR_STREAM_DESTROYED', 'ERR_STREAM_WRITE_AFTER_END']);

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined);

export function errorCode(error: unknown): ErrorCode {
  if (BROKEN.has(codeOf(error)) || (error instanceof SocketError && BROKEN.has(codeOf(error.cause)))) return { tag: 'connection-broken' };
  const { problem, message } = socketError(error);
  const tag = TAGS[problem];
  return tag === undefined ? { tag: 'other', val: message } : { tag };
}

/** Runs an operation; what it throws of sockets is the error case. */
export function attempt<T>(operation: () => T): T {
  try {
    return operation();
  } catch (error) {
    throw error instanceof SocketError ? resultError(errorCode(error), error.message) : error;
  }
}

/** Runs an operation that waits; what it throws of sockets is the error case. */
export async function attemptLater<T>(operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    throw error instanceof SocketError ? resultError(errorCode(error), error.message) : error;
  }
}

type LookupCode = Coded<
  'access-denied' | 'invalid-argument' | 'name-unresolvable' | 'temporary-resolver-failure' | 'permanent-resolver-failure'
>;

const LOOKUP_TAGS: ReadonlySet<string> = new Set([
  'access-denied',
  'invalid-argument',
  'name-unresolvable',
  'temporary-resolver-failure',
  'permanent-resolver-failure',
]);

export function lookupErrorCode({ problem, message }: SocketError): LookupCode {
  return LOOKUP_TAGS.has(problem) ? ({ tag: problem } as LookupCode) : { tag: 'other', val: message };
}
