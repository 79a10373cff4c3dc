/** `wasi:io/streams` — https://github.com/WebAssembly/WASI/tree/main/wasip2/io */
import { blocking, inPlace, lending } from '@tenon/component';
import { type Budget, callerBudget } from '../body/budget.ts';
import { mustTurn, turn, whenReady } from '../body/readiness.ts';
import { CHUNK, EMPTY, type Sink, type Source } from '../body/streams.ts';
import { closed, failed } from './io-error.ts';
import { Pollable } from './io-poll.ts';

/** A `u64` length as a number that one step handles. */
function step(length: bigint): number {
  return length > CHUNK ? CHUNK : Number(length);
}

const ZEROES = new Uint8Array(64 * 1024);

/** What the host does for a guest in many steps ends with it. */
function goOn(budget: Budget): void {
  if (budget.ended) throw new Error('the guest has ended');
}

/** The resource `input-stream`. */
export class InputStream {
  readonly source: Source;

  constructor(source: Source) {
    this.source = source;
  }

  /** What is here already. When nothing is, the event loop goes round once first, so that what has arrived is seen. */
  read(length: bigint): Uint8Array | Promise<Uint8Array> {
    const bytes = this.take(step(length));
    if (bytes.length > 0 || length === 0n) return bytes;
    return turn().then(() => this.take(step(length)));
  }

  blockingRead(length: bigint): Uint8Array | Promise<Uint8Array> {
    const bytes = this.take(step(length));
    if (bytes.length > 0 || length === 0n) return mustTurn() ? turn().then(() => bytes) : bytes;
    return this.#awaited(step(length));
  }

  #blockingReadLent(length: bigint): Uint8Array | Promise<Uint8Array> {
    // Before a turn of the event loop nothing can be lent.
    if (mustTurn()) return turn().then(() => this.blockingRead(length));
    const bytes = this.#taken(() => this.source.readLent(step(length)));
    return bytes.length > 0 || length === 0n ? bytes : this.#awaited(step(length));
  }

  skip(length: bigint): bigint | Promise<bigint> {
    const skipped = this.read(length);
    return skipped instanceof Uint8Array ? BigInt(skipped.length) : skipped.then((bytes) => BigInt(bytes.length));
  }

  blockingSkip(length: bigint): bigint | Promise<bigint> {
    const skipped = this.blockingRead(length);
    return skipped instanceof Uint8Array ? BigInt(skipped.length) : skipped.then((bytes) => BigInt(bytes.length));
  }

  subscribe(): Pollable {
    return new Pollable(this.source);
  }

  /** Bytes that are here already, or the error case. */
  take(max: number): Uint8Array {
    return this.#taken(() => this.source.read(max));
  }

  #taken(read: () => Uint8Array | undefined): Uint8Array {
    let bytes: Uint8Array | undefined;
    try {
      bytes = read();
    } catch (error) {
      throw failed(error);
    }
    if (bytes === undefined) throw closed();
    return bytes;
  }

  async #awaited(max: number): Promise<Uint8Array> {
    const budget = callerBudget();
    for (;;) {
      await whenReady(this.source);
      goOn(budget);
      const bytes = this.take(max);
      if (bytes.length > 0) return bytes;
    }
  }

  [Symbol.dispose](): void {
    this.source.close();
  }

  static {
    for (const method of ['read', 'blockingRead', 'skip', 'blockingSkip'] as const) blocking(InputStream.prototype[method]);
    lending(InputStream.prototype.blockingRead, function (this: InputStream, length: bigint) {
      return this.#blockingReadLent(length);
    });
  }
}

/** The resource `output-stream`. */
export class OutputStream {
  readonly sink: Sink;
  /** What the last `check-write` allowed and was not used yet; undefined where it was used up, or nobody has asked. */
  #permit: number | undefined;

  constructor(sink: Sink) {
    this.sink = sink;
  }

  checkWrite(): bigint {
    const room = this.#room();
    this.#permit = room;
    return BigInt(room);
  }

  /** There are guests that write without asking, which other hosts let pass: they are taken as if they had asked. */
  write(contents: Uint8Array): void {
    this.#use(contents.length, 'write');
    this.#putLent(contents);
  }

  #use(length: number, what: string): void {
    // It may have been closed since.
    const room = length > 0 ? this.#room() : 0;
    const permit = this.#permit ?? room;
    if (length > permit) throw new Error(`${what} of ${length} bytes where check-write allowed ${permit}`);
    if (this.#permit !== undefined) this.#permit = permit > length ? permit - length : undefined;
  }

  blockingWriteAndFlush(contents: Uint8Array): void | Promise<void> {
    if (this.#room() < contents.length) return this.#putAll(contents);
    this.#putLent(contents);
    return this.blockingFlush();
  }

  flush(): void {
    this.#room();
    this.sink.flush();
  }

  blockingFlush(): void | Promise<void> {
    this.sink.flush();
    if (this.#room() === 0) return this.#flushed();
    if (mustTurn()) return turn();
  }

  subscribe(): Pollable {
    return new Pollable(this.sink);
  }

  writeZeroes(length: bigint): void {
    const bytes = length > CHUNK ? CHUNK + 1 : Number(length);
    this.#use(bytes, 'write-zeroes');
    this.#put(new Uint8Array(bytes));
  }

  async blockingWriteZeroesAndFlush(length: bigint): Promise<void> {
    const budget = callerBudget();
    let left = length;
    while (left > 0n) {
      const part = left < ZEROES.length ? Number(left) : ZEROES.length;
      await this.#putAll(ZEROES.subarray(0, part), budget);
      left -= BigInt(part);
      // Others have a turn, whatever comes of this.
      if (left > 0n) await turn();
    }
  }

  splice(from: InputStream, length: bigint): bigint {
    const room = this.#room();
    const bytes = room === 0 ? EMPTY : from.take(Math.min(step(length), room));
    if (bytes.length > 0) this.#put(bytes);
    return BigInt(bytes.length);
  }

  async blockingSplice(from: InputStream, length: bigint): Promise<bigint> {
    if (length === 0n) return 0n;
    const budget = callerBudget();
    for (;;) {
      await whenReady(this.sink);
      await whenReady(from.source);
      goOn(budget);
      const moved = this.splice(from, length);
      if (moved > 0n) return moved;
    }
  }

  #room(): number {
    let room: number | undefined;
    try {
      room = this.sink.room();
    } catch (error) {
      throw failed(error);
    }
    if (room === undefined) throw closed();
    return room;
  }

  #put(bytes: Uint8Array): void {
    try {
      this.sink.write(bytes);
    } catch (error) {
      throw failed(error);
    }
  }

  #putLent(bytes: Uint8Array): void {
    try {
      this.sink.writeLent(bytes);
    } catch (error) {
      throw failed(error);
    }
  }

  async #putAll(contents: Uint8Array, budget = callerBudget()): Promise<void> {
    let left = contents;
    while (left.length > 0) {
      await whenReady(this.sink);
      goOn(budget);
      const room = this.#room();
      if (room === 0) continue;
      this.#putLent(left.subarray(0, room));
      left = left.subarray(room);
    }
    this.sink.flush();
    await this.#flushed(budget);
  }

  async #flushed(budget = callerBudget()): Promise<void> {
    do {
      // What nothing but the guest can set going is as far as it can be.
      if (this.sink.stuck() !== undefined) return;
      await whenReady(this.sink);
      goOn(budget);
    } while (this.#room() === 0);
  }

  [Symbol.dispose](): void {
    this.sink.close();
  }

  static {
    inPlace(OutputStream.prototype.write);
    inPlace(blocking(OutputStream.prototype.blockingWriteAndFlush));
    blocking(OutputStream.prototype.blockingFlush);
  }
}

export const ioStreams: object = { InputStream, OutputStream };
