/** A pool of things that serve one request at a time: instances of a WASI 0.2 component. */
import { performance } from 'node:perf_hooks';
import { RuntimeError } from './errors.ts';

export interface PoolLimits {
  /** How many may live at once. */
  readonly maxInstances: number;
  /** How many requests may wait for one. */
  readonly maxQueue: number;
  /** How many requests one serves before a fresh one takes its place. */
  readonly maxRequestsPerInstance: number;
}

interface Entry<T> {
  readonly item: T;
  served: number;
}

/** Something taken from a pool: give it back with exactly one of `release` and `discard`. */
export interface Lease<T> {
  readonly item: T;
  /** The item is as good as new. */
  release(): void;
  /** The item trapped or never came back. */
  discard(): void;
}

interface Waiter<T> {
  readonly grant: (entry: Entry<T>) => void;
  readonly fail: (error: unknown) => void;
}

const LOOK_MS = 5;
const SATURATED = 0.9;

function threadLoad(): () => number {
  const before = performance.eventLoopUtilization();
  return () => performance.eventLoopUtilization(before).utilization;
}

export class Pool<T> {
  private readonly make: () => T;
  private readonly end: (item: T) => void;
  private readonly load: () => () => number;
  private readonly limits: PoolLimits;
  private readonly idle: Entry<T>[] = [];
  private readonly waiting: Waiter<T>[] = [];
  private live = 0;
  private looking: NodeJS.Timeout | undefined;
  /** The smallest number of idle items since the last {@link Pool.trim}. */
  private spare = 0;

  /**
   * @param end lets go of what an item holds: it is not used any more
   * @param load begins a measurement, whose result tells how busy the thread has been since, from 0 to 1
   */
  constructor(make: () => T, limits: PoolLimits, end: (item: T) => void, load: () => () => number = threadLoad) {
    this.make = make;
    this.limits = limits;
    this.end = end;
    this.load = load;
  }

  /** Makes one ahead of the first request. Throws what `make` throws. */
  warm(): void {
    if (this.live === 0) this.idle.push(this.create());
  }

  get size(): number {
    return this.live;
  }

  get queued(): number {
    return this.waiting.length;
  }

  /**
   * Takes an idle item, or makes one, or waits.
   * @throws RuntimeError TENON_RUNTIME_BUSY when the queue is full, and what `make` throws
   */
  acquire(): Lease<T> | Promise<Lease<T>> {
    const entry = this.idle.pop();
    if (entry !== undefined) {
      this.spare = Math.min(this.spare, this.idle.length);
      return this.lease(entry);
    }
    const full = this.waiting.length >= this.limits.maxQueue;
    if (this.live === 0 || (full && this.live < this.limits.maxInstances)) return this.lease(this.create());
    if (full) {
      throw new RuntimeError('TENON_RUNTIME_BUSY', `all ${this.live} instances are busy and ${this.waiting.length} requests wait already`);
    }
    return new Promise((grant, fail) => {
      this.waiting.push({ grant: (granted) => grant(this.lease(granted)), fail });
      this.look();
    });
  }

  /** Lets go of items that were idle since the last call, all but one. */
  trim(): void {
    const surplus = Math.min(this.spare, this.live - 1);
    // The front of the stack was idle longest.
    if (surplus > 0) {
      for (const { item } of this.idle.splice(0, surplus)) this.end(item);
      this.live -= surplus;
    }
    this.spare = this.idle.length;
  }

  private create(): Entry<T> {
    const item = this.make();
    this.live++;
    return { item, served: 0 };
  }

  /**
   * While requests wait, looks at intervals whether more items would help. In a thread that computes all the time they would not, they would
   * only take memory; in one that has time left, those that are in use wait for something.
   */
  private look(): void {
    if (this.looking !== undefined || this.waiting.length === 0 || this.live >= this.limits.maxInstances) return;
    const busy = this.load();
    this.looking = setTimeout(() => {
      this.looking = undefined;
      if (busy() < SATURATED) while (this.waiting.length > 0 && this.live < this.limits.maxInstances) this.replenish();
      this.look();
    }, LOOK_MS);
  }

  /** Serves the first waiter with a fresh item. */
  private replenish(): void {
    const waiter = this.waiting.shift();
    if (waiter === undefined) return;
    try {
      waiter.grant(this.create());
    } catch (error) {
      waiter.fail(error);
    }
  }

  private lease(entry: Entry<T>): Lease<T> {
    let open = true;
    const end = (reusable: boolean): void => {
      if (!open) return;
      open = false;
      if (reusable && ++entry.served < this.limits.maxRequestsPerInstance) this.putBack(entry);
      else this.drop(entry);
    };
    return { item: entry.item, release: () => end(true), discard: () => end(false) };
  }

  private putBack(entry: Entry<T>): void {
    const waiter = this.waiting.shift();
    if (waiter === undefined) this.idle.push(entry);
    else waiter.grant(entry);
  }

  private drop({ item }: Entry<T>): void {
    this.end(item);
    this.live--;
    // Where none can be made, nobody would ever be given one back.
    do this.replenish();
    while (this.live === 0 && this.waiting.length > 0);
  }
}
