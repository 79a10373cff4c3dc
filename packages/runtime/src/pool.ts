/** A pool of things that do one thing at a time: instances of a WASI 0.2 component. */
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

/** How a pool makes and ends its items, and what it knows about those that use them. */
export interface PoolCare<T> {
  make(): T;
  /** Makes an item that was given back ready for the next request. Returns whether it can be. */
  renew?(item: T): boolean;
  /** Lets go of what an item holds: it is not used any more. */
  end(item: T): void;
  /** Whether nobody may be given an item for now; {@link Pool.resume} is called when it is over. */
  paused?(): boolean;
  /** How many items can do nothing because their clients are slow: as many more may be made. */
  held?(): number;
  /** Ends the use of one item by a slow client, because others wait. Returns whether there was one. */
  shed?(): boolean;
  /** Whether another item costs nothing, so that nobody need wait for one as long as there may be more. */
  free?(): boolean;
  /** Begins a measurement, whose result tells how busy the thread has been since, from 0 to 1. */
  load?(): () => number;
}

interface Entry<T> {
  readonly item: T;
  readonly generation: number;
  served: number;
}

/** Something taken from a pool: give it back with exactly one of `release` and `discard`. */
export interface Lease<T> {
  readonly item: T;
  /** Whether it has served before, and was not made anew since. */
  readonly used: boolean;
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
  private readonly care: PoolCare<T>;
  private readonly load: () => () => number;
  private readonly limits: PoolLimits;
  private readonly idle: Entry<T>[] = [];
  private readonly waiting: Waiter<T>[] = [];
  private live = 0;
  /** Counts the calls of {@link Pool.refresh}. */
  private generation = 0;
  private looking: NodeJS.Timeout | undefined;
  /** The smallest number of idle items since the last {@link Pool.trim}. */
  private spare = 0;
  private closed = false;
  /** How often an item was given back, and how often at the last look. */
  private returned = 0;
  private returnedBefore = -1;

  constructor(care: PoolCare<T>, limits: PoolLimits) {
    this.care = care;
    this.limits = limits;
    this.load = care.load?.bind(care) ?? threadLoad;
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

  /** How many may live now: slow clients keep only a share of them from others, and no more than there is room for twice. */
  private get most(): number {
    const { maxInstances } = this.limits;
    return this.live < maxInstances ? maxInstances : maxInstances + Math.min(this.care.held?.() ?? 0, maxInstances);
  }

  /**
   * Takes an idle item, or makes one, or waits.
   * @throws RuntimeError TENON_RUNTIME_BUSY when the queue is full, and what `make` throws
   */
  acquire(): Lease<T> | Promise<Lease<T>> {
    const paused = this.care.paused?.() === true;
    const entry = paused ? undefined : this.idle.pop();
    if (entry !== undefined) {
      this.spare = Math.min(this.spare, this.idle.length);
      return this.lease(entry);
    }
    const full = this.waiting.length >= this.limits.maxQueue;
    if (
      (!paused && (this.live === 0 || (this.care.free?.() === true && this.live < this.most))) ||
      (full && !paused && (this.live < this.most || this.care.shed?.() === true))
    )
      return this.lease(this.create());
    if (full) {
      throw new RuntimeError('TENON_RUNTIME_BUSY', `all ${this.live} instances are busy and ${this.waiting.length} requests wait already`);
    }
    return new Promise((grant, fail) => {
      this.waiting.push({ grant: (granted) => grant(this.lease(granted)), fail });
      this.look();
    });
  }

  /** Lets go of items that were idle since the last call, all but one. Returns how many those were. */
  trim(): number {
    const surplus = Math.min(this.spare, this.live - 1);
    // The front of the stack was idle longest.
    if (surplus > 0) {
      for (const { item } of this.idle.splice(0, surplus)) this.care.end(item);
      this.live -= surplus;
    }
    this.spare = this.idle.length;
    return Math.max(0, surplus);
  }

  /** Lets go of all items: idle ones now, those in use when they are given back. Others take their place. */
  refresh(): void {
    this.generation++;
    this.clear();
    this.spare = 0;
  }

  /** Ends all idle items; those in use end when they are given back, and nobody who waits is given one. */
  close(error: unknown): void {
    this.closed = true;
    clearTimeout(this.looking);
    for (const { item } of this.idle.splice(0)) this.care.end(item);
    for (const waiter of this.waiting.splice(0)) waiter.fail(error);
  }

  /** Ends all idle items: they are not as they should be. */
  clear(): void {
    const idle = this.idle.splice(0);
    this.live -= idle.length;
    for (const { item } of idle) this.care.end(item);
  }

  private create(): Entry<T> {
    const item = this.care.make();
    this.live++;
    return { item, served: 0, generation: this.generation };
  }

  /**
   * While requests wait, looks at intervals whether more items would help. In a thread that computes all the time they would not, they would
   * only take memory; in one that has time left, those that are in use wait for something. And where none is given back, guests that compute
   * for long have all of them. Where those in use wait for slow clients and there are too many, the one that was taken first is let go.
   */
  private look(): void {
    if (this.looking !== undefined || this.waiting.length === 0 || this.closed) return;
    const busy = this.load();
    this.looking = setTimeout(() => {
      this.looking = undefined;
      const stuck = this.returned === this.returnedBefore;
      this.returnedBefore = this.returned;
      if (this.care.paused?.() === true) this.returnedBefore = -1;
      else if (busy() < SATURATED) while (this.waiting.length > 0 && this.live < this.most) this.replenish();
      else if (stuck && this.waiting.length > 0 && this.live < this.most) this.replenish();
      if (stuck && this.waiting.length > 0 && this.live >= this.most) this.care.shed?.();
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
      this.returned++;
      if (reusable && this.reusable(entry)) this.putBack(entry);
      else this.drop(entry);
    };
    return { item: entry.item, used: entry.served > 0, release: () => end(true), discard: () => end(false) };
  }

  private reusable(entry: Entry<T>): boolean {
    if (this.closed || entry.generation !== this.generation || ++entry.served >= this.limits.maxRequestsPerInstance) return false;
    return this.care.renew?.(entry.item) ?? true;
  }

  /** Serves those who waited while the pool was paused. */
  resume(): void {
    while (this.waiting.length > 0 && this.idle.length > 0) this.putBack(this.idle.pop() as Entry<T>);
    if (this.live === 0) this.replenish();
  }

  private putBack(entry: Entry<T>): void {
    const waiter = this.care.paused?.() === true ? undefined : this.waiting.shift();
    if (waiter === undefined) this.idle.push(entry);
    else waiter.grant(entry);
  }

  private drop({ item }: Entry<T>): void {
    this.care.end(item);
    this.live--;
    if (this.closed || this.care.paused?.() === true) return;
    // Where none can be made, nobody would ever be given one back.
    do this.replenish();
    while (this.live === 0 && this.waiting.length > 0);
  }
}
