import { Signal, type Waiter } from './readiness.ts';

/** A point in time: seconds since the epoch, and nanoseconds below a second. */
export interface Datetime {
  readonly seconds: bigint;
  readonly nanoseconds: number;
}

const SECOND = 1_000_000_000n;

export function datetimeOf(epochNanoseconds: bigint): Datetime {
  const nanoseconds = ((epochNanoseconds % SECOND) + SECOND) % SECOND;
  return { seconds: (epochNanoseconds - nanoseconds) / SECOND, nanoseconds: Number(nanoseconds) };
}

/** Nanoseconds since the epoch. */
export function nanosecondsOf(datetime: Datetime): bigint {
  return datetime.seconds * SECOND + BigInt(datetime.nanoseconds);
}

/** Where the time comes from. */
export interface Clocks {
  /** Nanoseconds from an arbitrary start, never going back. */
  monotonic(): bigint;
  /** Nanoseconds since the epoch. */
  wall(): bigint;
}

export const SYSTEM_CLOCKS: Clocks = {
  monotonic: () => process.hrtime.bigint(),
  wall: () => Temporal.Now.instant().epochNanoseconds,
};

// The longest delay that setTimeout knows, in milliseconds.
const LONGEST = 2 ** 31 - 1;

/** Ready from an instant of the monotonic clock on. It holds a timer only while someone waits. */
export class Timer extends Signal {
  readonly #clocks: Clocks;
  readonly #instant: bigint;
  #timeout: NodeJS.Timeout | undefined;

  constructor(clocks: Clocks, instant: bigint) {
    super();
    this.#clocks = clocks;
    this.#instant = instant;
  }

  override ready(): boolean {
    return this.#clocks.monotonic() >= this.#instant;
  }

  override add(waiter: Waiter): void {
    super.add(waiter);
    if (this.#timeout === undefined) this.#arm();
  }

  override remove(waiter: Waiter): void {
    super.remove(waiter);
    if (this.waited || this.#timeout === undefined) return;
    clearTimeout(this.#timeout);
    this.#timeout = undefined;
  }

  #arm(): void {
    const milliseconds = Math.ceil(Number(this.#instant - this.#clocks.monotonic()) / 1e6);
    this.#timeout = setTimeout(() => this.#fire(), Math.min(Math.max(milliseconds, 0), LONGEST));
  }

  #fire(): void {
    this.#timeout = undefined;
    if (this.ready()) this.notify();
    else if (this.waited) this.#arm();
  }
}
