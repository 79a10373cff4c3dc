/** How much of a cell's time the guests of one workload may compute. */
import type { Usage } from '@tenon/component';

/** How often it is looked at, in milliseconds. */
const LOOK_MS = 20;

/** So long, in milliseconds, a workload may compute in a row after it has done nothing: short requests shall not feel the limit. */
const BURST_MS = 100;

export class CpuShare {
  private readonly percent: number;
  private readonly usage: Usage;
  private readonly resumed: () => void;
  private looking: NodeJS.Timeout | undefined;
  private seenMs = 0;
  private seenAt = performance.now();
  /** What may still be computed now, in milliseconds. */
  private left = BURST_MS;
  private paused: PromiseWithResolvers<void> | undefined;

  /**
   * @param usage of all its instances in this cell
   * @param resumed is called when they may compute again
   */
  constructor(percent: number, usage: Usage, resumed: () => void) {
    this.percent = percent;
    this.usage = usage;
    this.resumed = resumed;
  }

  /** Undefined when guests may compute; otherwise it settles when they may. */
  readonly wait = (): Promise<void> | undefined => {
    if (this.percent === 100) return undefined;
    this.look();
    return this.paused?.promise;
  };

  private look(): void {
    const now = performance.now();
    const used = this.usage.cpuMs - this.seenMs;
    this.left = Math.min(BURST_MS, this.left + ((now - this.seenAt) * this.percent) / 100) - used;
    this.seenAt = now;
    this.seenMs += used;
    if (this.left < 0) {
      this.paused ??= Promise.withResolvers();
      this.looking ??= setTimeout(() => {
        this.looking = undefined;
        this.look();
      }, LOOK_MS);
    } else if (this.paused !== undefined) {
      const { resolve } = this.paused;
      this.paused = undefined;
      resolve();
      this.resumed();
    }
  }

  stop(): void {
    clearTimeout(this.looking);
    this.paused?.resolve();
  }
}
