/** `wasi:cli` 0.3 — https://github.com/WebAssembly/WASI/tree/main/proposals/cli */
import type { Sink, Source } from '../body/streams.ts';
import type { Result } from './result.ts';
import { type Given, streamFrom, streamTo } from './streams.ts';

type ErrorCode = 'io' | 'illegal-byte-sequence' | 'pipe';

function errorCode(error: unknown): ErrorCode {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED' ? 'pipe' : code === 'EILSEQ' ? 'illegal-byte-sequence' : 'io';
}

export function environment(env: Readonly<Record<string, string>>, args: readonly string[], cwd: string | undefined): object {
  const entries = Object.entries(env);
  return { getEnvironment: () => entries, getArguments: () => args, getInitialCwd: () => cwd };
}

/** The interface `types` has nothing but an error code. */
export const types: object = {};

// A standard stream outlives every stream that a guest has of it: none closes it.
const stayOpen = (): void => {};

export function stdin(source: Source): object {
  return { readViaStream: (): Given<number, ErrorCode> => streamFrom(source, errorCode, stayOpen) };
}

/** `stdout`, and `stderr` too. */
export function output(sink: Sink): object {
  return {
    writeViaStream: (data: ReadableStream<unknown>): Promise<Result<undefined, ErrorCode>> => streamTo(data, sink, errorCode, stayOpen),
  };
}
