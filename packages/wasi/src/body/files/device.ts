/**
 * A device that files are on, and how quick it is. Short operations are done at once on this thread as long as they take no longer, on
 * average, than the way to the thread pool and back would cost this thread. What they take more is a debt, which is paid off by quick
 * operations and by leaving the device to the thread pool for ten times as long: a slow disk costs everyone else a tenth of the time.
 */
export class Device {
  /** What the thread pool would cost, in milliseconds an operation. */
  static readonly POOL = 0.05;
  static readonly AMENDS = 10;
  /** How much debt is nothing yet: any disk pauses once in a while, in milliseconds. */
  static readonly CREDIT = 250;

  readonly #now: () => number;
  /** Until when the debt is paid off if nothing more is done, in milliseconds. */
  #paid = 0;

  /** @param now milliseconds that never go back */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  get quick(): boolean {
    return this.#paid === 0 || this.#paid <= this.#now() + Device.CREDIT * Device.AMENDS;
  }

  /** Runs an operation and accounts for the time that it takes. */
  run<T>(operation: () => T): T {
    const start = this.#now();
    try {
      return operation();
    } finally {
      const excess = this.#now() - start - Device.POOL;
      const paid = Math.max(this.#paid, start) + Device.AMENDS * excess;
      this.#paid = paid > start ? paid : 0;
    }
  }
}

const devices = new Map<bigint, Device>();

/** @param number what `stat` calls it. There are few, and what is known of them is kept. */
export function deviceOf(number: bigint): Device {
  let device = devices.get(number);
  if (device === undefined) {
    device = new Device();
    devices.set(number, device);
  }
  return device;
}
