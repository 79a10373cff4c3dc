import type { Readable, Writable } from 'node:stream';
import { type Charge, OBJECT_BYTES, tooMuch } from './budget.ts';
import { Signal, turn, whenReady } from './readiness.ts';

export const EMPTY: Uint8Array<ArrayBuffer> = new Uint8Array(0);

/** The most bytes that one read hands out. */
export const CHUNK = 1 << 20;

/** Bytes that arrive. Ready when there are some, at the end, and after a failure. */
export abstract class Source extends Signal {
  /**
   * Bytes that are here already: at most `max`, empty when none are, `undefined` at the end.
   * Throws a failure once; after that it is at the end.
   */
  abstract read(max: number): Uint8Array | undefined;
  /** The same, but what it returns may be another's at the next turn or the next read of anything. */
  readLent(max: number): Uint8Array | undefined {
    return this.read(max);
  }
  close(): void {}
}

/** Where bytes go. Ready when it takes more, when it is closed, and after a failure. */
export abstract class Sink extends Signal {
  /**
   * How many bytes {@link write} takes now: 0 while it is full or a flush is under way, `undefined` when closed.
   * Throws a failure once; after that it is closed.
   */
  abstract room(): number | undefined;
  /** Takes the bytes over: the caller does not touch them again. */
  abstract write(bytes: Uint8Array): void;
  /** Writes bytes that stay the caller's: what is kept of them is copied. */
  writeLent(bytes: Uint8Array): void {
    this.write(new Uint8Array(bytes));
  }
  /** Asks for all that was written to go out: until it has, there is no room. */
  flush(): void {}
  close(): void {}
}

/** Bytes from memory. */
export class BytesSource extends Source {
  #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    super();
    this.#bytes = bytes;
  }

  override ready(): boolean {
    return true;
  }

  override read(max: number): Uint8Array | undefined {
    if (this.#bytes.length === 0) return undefined;
    const part = this.#bytes.subarray(0, max);
    this.#bytes = this.#bytes.subarray(part.length);
    return part;
  }
}

/** Hands bytes to a function. While it works on some, which it says by returning a promise, it gets no more. */
export class CallSink extends Sink {
  readonly #take: (bytes: Uint8Array) => unknown;
  readonly #failed: ((error: unknown) => void) | undefined;
  #busy = false;
  #closed = false;
  /** What the function has failed with, until the guest has been told. */
  #failure: { readonly error: unknown } | undefined;

  /** @param failed is told of what `take` throws, or rejects with; it gets no more bytes then */
  constructor(take: (bytes: Uint8Array) => unknown, failed?: (error: unknown) => void) {
    super();
    this.#take = take;
    this.#failed = failed;
  }

  override ready(): boolean {
    return !this.#busy;
  }

  override room(): number | undefined {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure.error;
    if (this.#closed) return undefined;
    return this.#busy ? 0 : CHUNK;
  }

  override write(bytes: Uint8Array): void {
    let taken: unknown;
    try {
      taken = this.#take(bytes);
    } catch (error) {
      this.#fail(error);
      throw error;
    }
    if (taken instanceof Promise) this.#wait(taken);
  }

  #wait(taken: Promise<unknown>): void {
    this.#busy = true;
    const done = (): void => {
      this.#busy = false;
      this.notify();
    };
    taken.then(done, (error: unknown) => {
      this.#failure = { error };
      this.#fail(error);
      done();
    });
  }

  #fail(error: unknown): void {
    this.#closed = true;
    this.#failed?.(error);
  }
}

/** How a {@link ReadableSource} or {@link WritableSink} treats the Node stream under it. */
export interface NodeStreamOptions {
  /** Closing leaves the Node stream open: it belongs to someone else. */
  readonly keepOpen?: boolean;
  /** What closing does instead of destroying the Node stream. */
  readonly close?: () => void;
  /** A stream that closes without having ended has failed. */
  readonly whole?: boolean;
  /** What waits to be written is charged there. */
  readonly charge?: Charge;
  /** Translates the stream's errors. */
  readonly failure?: (error: Error) => Error;
  /** Is told of the error that a sink fails with. */
  readonly failed?: (error: unknown) => void;
}

/** Bytes of a Node stream. The stream is opened and listened to only when the first bytes are asked for. */
export class ReadableSource extends Source {
  readonly #open: () => Readable;
  readonly #options: NodeStreamOptions;
  #readable: Readable | undefined;
  #ended = false;
  #failure: Error | undefined;

  constructor(readable: Readable | (() => Readable), options: NodeStreamOptions = {}) {
    super();
    this.#open = typeof readable === 'function' ? readable : () => readable;
    this.#options = options;
  }

  override ready(): boolean {
    const readable = this.#start();
    return this.#ended || this.#failure !== undefined || readable.readableLength > 0;
  }

  override read(max: number): Uint8Array | undefined {
    const readable = this.#start();
    const here = readable.readableLength;
    if (here > 0) {
      const chunk: unknown = readable.read(Math.min(max, here));
      // When these were the last bytes, the end shows itself only to those who read again.
      if (readable.readableLength === 0) readable.read(0);
      if (chunk !== null) return typeof chunk === 'string' ? Buffer.from(chunk) : (chunk as Uint8Array);
    }
    if (this.#failure !== undefined) {
      const failure = this.#failure;
      this.#failure = undefined;
      this.#ended = true;
      throw failure;
    }
    if (this.#ended) return undefined;
    readable.read(0);
    return EMPTY;
  }

  override close(): void {
    this.#ended = true;
    this.notify();
    const readable = this.#readable;
    if (readable === undefined) return;
    // Errors stay listened to: one that comes later must not end the process.
    readable.off('readable', this.#onReadable).off('end', this.#onEnd).off('close', this.#onClose);
    if (this.#options.close) this.#options.close();
    // Paused, it does not keep the process alive.
    else if (this.#options.keepOpen) readable.pause();
    else readable.destroy();
  }

  #start(): Readable {
    if (this.#readable !== undefined) return this.#readable;
    const readable = this.#open();
    this.#readable = readable;
    if (readable.errored) this.#onError(readable.errored);
    else if (readable.readableEnded) this.#ended = true;
    else if (readable.destroyed) this.#onClose();
    else readable.on('readable', this.#onReadable).on('end', this.#onEnd).on('error', this.#onError).on('close', this.#onClose);
    return readable;
  }

  readonly #onReadable = (): void => {
    // Readable without bytes: the end is there, and shows itself to those who read.
    if (this.#readable?.readableLength === 0) this.#readable.read(0);
    this.notify();
  };

  readonly #onEnd = (): void => {
    this.#ended = true;
    this.notify();
  };

  readonly #onClose = (): void => {
    if (this.#ended || this.#failure !== undefined) return;
    if (this.#options.whole) this.#onError(Object.assign(new Error('the stream broke off'), { code: 'ERR_STREAM_PREMATURE_CLOSE' }));
    else this.#onEnd();
  };

  readonly #onError = (error: Error): void => {
    this.#failure ??= this.#options.failure?.(error) ?? error;
    this.notify();
  };
}

/** Bytes to a Node stream. The stream is opened only when the first bytes are written. */
export class WritableSink extends Sink {
  readonly #open: () => Writable;
  readonly #options: NodeStreamOptions;
  #writable: Writable | undefined;
  #flushing = false;
  #closed = false;
  #failed = false;
  #failure: Error | undefined;

  constructor(writable: Writable | (() => Writable), options: NodeStreamOptions = {}) {
    super();
    this.#open = typeof writable === 'function' ? writable : () => writable;
    this.#options = options;
  }

  override ready(): boolean {
    return this.#closed || this.#failure !== undefined || this.#free() > 0;
  }

  override room(): number | undefined {
    if (this.#failure !== undefined) {
      const failure = this.#failure;
      this.#failure = undefined;
      this.#closed = true;
      throw failure;
    }
    return this.#closed ? undefined : this.#free();
  }

  override write(bytes: Uint8Array): void {
    const { charge } = this.#options;
    if (charge === undefined) {
      this.#put(bytes, this.#onWritten);
      return;
    }
    const weight = bytes.length + OBJECT_BYTES;
    if (!charge.take(weight)) throw tooMuch(`${bytes.length} bytes that wait to be written`);
    this.#put(bytes, (error) => {
      charge.give(weight);
      this.#onWritten(error);
    });
  }

  #put(bytes: Uint8Array, written: (error?: Error | null) => void): void {
    const writable = this.#start();
    // A stream that fails at once says so only later, and a guest that flushes would believe that all is well.
    if (!writable.write(bytes, written) && writable.errored) this.#onError(writable.errored);
  }

  override flush(): void {
    this.#flushing = this.#writable !== undefined && this.#writable.writableLength > 0;
  }

  override stuck(): Error | undefined {
    return this.ready() || (this.#writable?.writableLength ?? 0) > 0 ? undefined : tooMuch('bytes that wait to be written');
  }

  override close(): void {
    this.#closed = true;
    this.notify();
    if (!this.#options.keepOpen) this.#start().end();
  }

  /** Resolves when everything is handed to the system. */
  async drained(): Promise<void> {
    this.flush();
    await whenReady(this);
    await turn();
  }

  #free(): number {
    const pending = this.#writable?.writableLength ?? 0;
    if (this.#flushing && pending > 0) return 0;
    this.#flushing = false;
    const room = Math.max(0, (this.#writable?.writableHighWaterMark ?? CHUNK) - pending);
    const { charge } = this.#options;
    // Where a little waits already, more room will come.
    return charge === undefined ? room : Math.min(room, Math.max(0, charge.budget.left - OBJECT_BYTES));
  }

  #start(): Writable {
    if (this.#writable !== undefined) return this.#writable;
    const writable = this.#open();
    this.#writable = writable;
    writable.on('error', this.#onError).on('close', this.#onClose);
    return writable;
  }

  readonly #onWritten = (error?: Error | null): void => {
    // The event comes later, and whoever flushes would not see it.
    if (error) this.#onError(error);
    else if (this.ready()) this.notify();
  };

  readonly #onClose = (): void => {
    this.#closed = true;
    this.notify();
  };

  readonly #onError = (error: Error): void => {
    if (this.#failed) return;
    this.#failed = true;
    this.#options.failed?.(error);
    this.#failure = this.#options.failure?.(error) ?? error;
    this.notify();
  };
}
