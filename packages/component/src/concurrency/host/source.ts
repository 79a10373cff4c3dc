/** Where the elements come from of a stream that the embedder gives: whatever JavaScript has that yields one thing after another. */
import { Misfit } from '../../abi/misfit.ts';

/** Yields chunks of elements, on demand. */
export interface StreamSource<T = unknown> {
  /**
   * @param most elements that the other end has room for, 1 where it only asks whether there are any; more may be given, and then wait
   * @returns the next elements, or undefined at the end
   */
  read(most: number): ArrayLike<T> | undefined | PromiseLike<ArrayLike<T> | undefined>;
  /**
   * Nobody wants any more. Called once, unless the end was reached.
   * @param left elements that were given and nobody took
   */
  cancel?(left: ArrayLike<T>): void;
}

/** How things that were iterated become chunks. */
export type Chunking = (item: unknown) => ArrayLike<unknown>;

class IteratorSource implements StreamSource {
  private readonly iterator: AsyncIterator<unknown> | Iterator<unknown>;
  private readonly chunk: Chunking;

  constructor(iterator: AsyncIterator<unknown> | Iterator<unknown>, chunk: Chunking) {
    this.iterator = iterator;
    this.chunk = chunk;
  }

  read(): ArrayLike<unknown> | undefined | PromiseLike<ArrayLike<unknown> | undefined> {
    const next = this.iterator.next();
    return 'then' in next ? (next as PromiseLike<IteratorResult<unknown>>).then((result) => this.take(result)) : this.take(next);
  }

  private take({ done, value }: IteratorResult<unknown>): ArrayLike<unknown> | undefined {
    return done === true ? undefined : this.chunk(value);
  }

  cancel(): void {
    const ended = this.iterator.return?.();
    if (ended instanceof Promise) ended.catch(() => {});
  }
}

class ReaderSource implements StreamSource {
  private readonly reader: ReadableStreamDefaultReader<unknown>;
  private readonly chunk: Chunking;

  constructor(stream: ReadableStream<unknown>, chunk: Chunking) {
    this.reader = stream.getReader();
    this.chunk = chunk;
  }

  async read(): Promise<ArrayLike<unknown> | undefined> {
    const { done, value } = await this.reader.read();
    return done ? undefined : this.chunk(value);
  }

  cancel(): void {
    this.reader.cancel().catch(() => {});
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** @throws Misfit */
export function sourceOf(value: unknown, chunk: Chunking): StreamSource {
  if (!isObject(value)) throw wrong(value);
  if (value instanceof Given) return value.source;
  if ('getReader' in value && typeof value.getReader === 'function') return new ReaderSource(value as ReadableStream<unknown>, chunk);
  if (Symbol.asyncIterator in value) return new IteratorSource((value as AsyncIterable<unknown>)[Symbol.asyncIterator](), chunk);
  // A list is one chunk, not one for each element; a list of chunks is not.
  if (ArrayBuffer.isView(value) || (Array.isArray(value) && !ArrayBuffer.isView(value[0])))
    return oneChunk(value as unknown as ArrayLike<unknown>);
  if (Symbol.iterator in value) return new IteratorSource((value as Iterable<unknown>)[Symbol.iterator](), chunk);
  throw wrong(value);
}

const wrong = (value: unknown): Misfit => new Misfit('a ReadableStream, an (async) iterable or what `streamOf` made', value);

function oneChunk(elements: ArrayLike<unknown>): StreamSource {
  let left: ArrayLike<unknown> | undefined = elements;
  return {
    read() {
      const chunk = left;
      left = undefined;
      return chunk;
    },
  };
}

/** What {@link streamOf} makes. */
class Given<T> {
  readonly source: StreamSource<T>;

  constructor(source: StreamSource<T>) {
    this.source = source;
  }
}

export type { Given as GivenStream };

/**
 * Makes a stream to be given to a component of a source that is asked for elements as they are wanted: without the cost of a
 * `ReadableStream`.
 * @example streamOf({ read: (most) => socket.read(most), cancel: () => socket.destroy() })
 */
export function streamOf<T>(source: StreamSource<T>): Given<T> {
  return new Given(source);
}
