/** Streams of bytes between a guest and the sources and sinks of the host. Each comes with a future of what became of it. */
import { type GivenStream, readerOf, type StreamSource, streamOf } from '@tenon/component';
import { mustTurn, turn, type Waiter, whenReady } from '../body/readiness.ts';
import { CHUNK, type Sink, type Source } from '../body/streams.ts';
import { OK, type Result } from './result.ts';

/** A stream that is given to a guest, and what came of it: it resolves after the stream has ended. */
export type Given<T, E> = [stream: GivenStream<T>, result: Promise<Result<undefined, E>>];

/** Error codes for what sources and sinks throw. */
export type Explain<E> = (error: unknown) => E;

class SourceStream<E> implements StreamSource<number> {
  readonly result: Promise<Result<undefined, E>>;
  readonly #source: Source;
  readonly #explain: Explain<E>;
  readonly #close: () => void;
  #settle: (result: Result<undefined, E>) => void = () => {};
  #stopWaiting: (() => void) | undefined;
  #over = false;

  constructor(source: Source, explain: Explain<E>, close: () => void) {
    this.#source = source;
    this.#explain = explain;
    this.#close = close;
    this.result = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  read(most: number): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    const bytes = this.#take(most);
    return bytes?.length === 0 ? this.#awaited(most) : bytes;
  }

  /** Whoever drops the stream has got what it wanted. */
  cancel(): void {
    this.#end(OK);
    this.#stopWaiting?.();
  }

  #take(most: number): Uint8Array | undefined {
    if (this.#over) return undefined;
    let bytes: Uint8Array | undefined;
    try {
      bytes = this.#source.read(Math.min(most, CHUNK));
    } catch (error) {
      this.#end({ tag: 'err', val: this.#explain(error) });
      return undefined;
    }
    if (bytes === undefined) this.#end(OK);
    return bytes;
  }

  async #awaited(most: number): Promise<Uint8Array | undefined> {
    for (;;) {
      if (!this.#source.ready()) await this.#arrival();
      const bytes = this.#take(most);
      if (bytes?.length !== 0) return bytes;
      await turn();
    }
  }

  #arrival(): Promise<void> {
    return new Promise((resolve) => {
      const waiter: Waiter = { wake: resolve };
      this.#source.add(waiter);
      this.#stopWaiting = () => {
        this.#source.remove(waiter);
        resolve();
      };
    });
  }

  #end(result: Result<undefined, E>): void {
    if (this.#over) return;
    this.#over = true;
    this.#close();
    // The end of the stream is told first, which may take some microtasks.
    process.nextTick(() => this.#settle(result));
  }
}

/**
 * Gives a guest what comes from a source.
 * @param close what to do when the guest has had all it wants: to close the source unless something else is given
 */
export function streamFrom<E>(source: Source, explain: Explain<E>, close: () => void = () => source.close()): Given<number, E> {
  const stream = new SourceStream(source, explain, close);
  return [streamOf<number>(stream), stream.result];
}

/** A stream that has ended before it began, because of an error. */
export function failedStream<T, E>(error: E): Given<T, E> {
  return [streamOf<T>({ read: () => undefined }), Promise.resolve({ tag: 'err', val: error })];
}

/** Nobody is at the other end of a sink any more. */
function closed(): Error {
  return Object.assign(new Error('the other end is closed'), { code: 'EPIPE' });
}

/** Bytes that a sink takes; waits until there is room. */
async function room(sink: Sink): Promise<number> {
  for (;;) {
    const room = sink.room();
    if (room === undefined) throw closed();
    if (room > 0) return Math.min(room, CHUNK);
    await whenReady(sink);
  }
}

/** What is read of a stream. */
export interface Reader {
  /** @returns at most so many bytes as soon as there are some; undefined at the end */
  read(most: number): Promise<ArrayLike<unknown> | undefined>;
  /** Reads no more. A read that is under way ends. */
  cancel(): void;
}

/** Writes all of a stream to a sink. Its writer learns at once when the sink fails, also while it writes nothing. */
export async function write(reader: Reader, sink: Sink): Promise<void> {
  let failure: { readonly error: unknown } | undefined;
  const watcher: Waiter = {
    wake() {
      try {
        if (sink.room() === undefined) throw closed();
        sink.add(watcher);
      } catch (error) {
        failure = { error };
        reader.cancel();
      }
    },
  };
  sink.add(watcher);
  try {
    for (;;) {
      if (mustTurn()) await turn();
      const most = await room(sink);
      const bytes = (await reader.read(most)) as Uint8Array | undefined;
      if (failure !== undefined) throw failure.error;
      if (bytes === undefined) break;
      sink.write(bytes);
    }
  } catch (error) {
    reader.cancel();
    throw failure?.error ?? error;
  } finally {
    sink.remove(watcher);
  }
}

/**
 * Writes what a guest gives to a sink. When the sink fails, the guest's end is dropped.
 * @param close what to do when all is written, or cannot be: to close the sink unless something else is given
 * @returns what became of it, when all that was written has gone out
 */
export async function streamTo<E>(
  stream: ReadableStream<unknown>,
  sink: Sink,
  explain: Explain<E>,
  close: () => void = () => sink.close(),
): Promise<Result<undefined, E>> {
  try {
    await write(readerOf(stream), sink);
    sink.flush();
    await room(sink);
    return OK;
  } catch (error) {
    return { tag: 'err', val: explain(error) };
  } finally {
    close();
  }
}

/** Drops a stream of a guest of which nothing is wanted. */
export function refuseStream<E>(stream: ReadableStream<unknown>, error: E): Promise<Result<undefined, E>> {
  readerOf(stream).cancel();
  return Promise.resolve({ tag: 'err', val: error });
}
