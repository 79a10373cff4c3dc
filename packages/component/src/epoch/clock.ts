/** The clock that guests look at: a few words of shared memory, which another thread advances. */

const FLAG = 0;
const NOW = 1;
const PERIOD = 2;
const TICKS = 3;
const WORDS = 4;

/** How often a clock ticks unless it is said. */
const PERIOD_MS = 5;

/** Milliseconds of the wall clock that never goes back, the same in all threads. Beyond 32 bits they begin anew. */
const milliseconds = (): number => Math.floor(performance.timeOrigin + performance.now()) | 0;

/**
 * The clock of a thread that runs guests. Guests that were compiled with `interruptible` look at it wherever they could go on for ever. Something
 * outside of the thread calls {@link EpochClock.tick} at regular intervals: a worker that got {@link EpochClock.share}.
 * @example
 * const clock = new EpochClock();
 * new Worker(ticker, { workerData: clock.share() }); // EpochClock.fromShared(workerData).tick(), every `periodMs`
 * const instance = await new Linker({ clock }).instantiate(component);
 */
export class EpochClock {
  /** What guests import. */
  readonly memory: WebAssembly.Memory;
  private readonly words: Int32Array;

  /** @param options.periodMs how often it is going to tick; 5 ms unless given */
  constructor({ memory, periodMs = PERIOD_MS }: { readonly memory?: WebAssembly.Memory; readonly periodMs?: number } = {}) {
    this.memory = memory ?? new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    this.words = new Int32Array(this.memory.buffer, 0, WORDS);
    if (memory !== undefined) return;
    this.words[PERIOD] = periodMs;
    this.words[NOW] = milliseconds();
  }

  /** The clock of this thread's guests where a `Linker` is given no other. Nobody is interrupted until something ticks it. */
  static get ofThread(): EpochClock {
    ofThread ??= new EpochClock();
    return ofThread;
  }

  /** The same clock in another thread. */
  static fromShared(memory: WebAssembly.Memory): EpochClock {
    return new EpochClock({ memory });
  }

  /** What to send to the thread that advances it, with `postMessage`. */
  share(): WebAssembly.Memory {
    return this.memory;
  }

  /** How often it ticks, in milliseconds. */
  get periodMs(): number {
    return this.words[PERIOD] as number;
  }

  /** How often it has ticked. */
  get ticks(): number {
    return (this.words[TICKS] as number) >>> 0;
  }

  /** The time at the last tick, in milliseconds; a number of 32 bits, so only differences mean something. */
  get now(): number {
    return this.words[NOW] as number;
  }

  /** Lets guests look up. To be called from a thread that no guest can hold. */
  tick(): void {
    const { words } = this;
    words[NOW] = milliseconds();
    words[TICKS] = (words[TICKS] as number) + 1;
    Atomics.store(words, FLAG, 1);
  }

  /** Guests that looked up go on. */
  clear(): void {
    this.words[FLAG] = 0;
  }
}

let ofThread: EpochClock | undefined;
