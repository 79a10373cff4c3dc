/** What guests may take, and what they have taken: of one instance, or of all instances of a workload. */

export interface BudgetLimits {
  /** Bytes of all linear memories together. */
  readonly maxMemoryBytes?: number | undefined;
  /** Elements of all tables together. */
  readonly maxTableElements?: number | undefined;
  /** What the JavaScript heap of this thread holds, where GC objects and tables lie, and may hold, in bytes. A guest that fills it is ended. */
  readonly heap?: (() => { readonly used: number; readonly limit: number }) | undefined;
  /** Is asked when a guest gives way to others: it goes on when the Promise has settled. */
  readonly pause?: (() => Promise<void> | undefined) | undefined;
}

/** What was taken. */
export interface Usage {
  /** Bytes of linear memories. */
  readonly memoryBytes: number;
  readonly tableElements: number;
  /** Time that guests have computed, in milliseconds, as the ticks of the clock tell it. */
  readonly cpuMs: number;
}

/**
 * A budget that all instances of a workload share.
 * @example const budget = new Budget({ maxMemoryBytes: 512 * 2 ** 20 });
 * const linker = new Linker({ budget });
 */
export class Budget implements Usage {
  memoryBytes = 0;
  tableElements = 0;
  cpuMs = 0;
  readonly heap: BudgetLimits['heap'];
  readonly pause: BudgetLimits['pause'];
  private readonly maxMemoryBytes: number;
  private readonly maxTableElements: number;

  constructor({ maxMemoryBytes = Number.POSITIVE_INFINITY, maxTableElements = Number.POSITIVE_INFINITY, heap, pause }: BudgetLimits = {}) {
    this.heap = heap;
    this.pause = pause;
    this.maxMemoryBytes = maxMemoryBytes;
    this.maxTableElements = maxTableElements;
  }

  /** @returns whether so much is left; then it is taken. Negative numbers give back. */
  takeMemory(bytes: number): boolean {
    if (this.memoryBytes + bytes > this.maxMemoryBytes) return false;
    this.memoryBytes += bytes;
    return true;
  }

  mayTakeElements(count: number): boolean {
    return this.tableElements + count <= this.maxTableElements;
  }

  takeElements(count: number): boolean {
    if (!this.mayTakeElements(count)) return false;
    this.tableElements += count;
    return true;
  }

  /** The largest array that a guest may make, in bytes. */
  get largestArray(): number {
    return this.maxMemoryBytes;
  }
}
