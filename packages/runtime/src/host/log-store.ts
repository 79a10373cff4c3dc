/** The last lines of a host's log, for those who ask later, and for those who follow. */
import type { LogOptions } from './api.ts';

/** Lines that are kept. */
const KEPT = 10_000;
/** Lines that a slow follower may be behind before it loses the oldest. */
const MAX_BEHIND = 1000;

interface Line {
  readonly workload?: string | undefined;
}

export class LogStore<L extends Line> {
  #lines: L[] = [];
  readonly #followers = new Set<(line: L) => void>();

  add(line: L): void {
    this.#lines.push(line);
    if (this.#lines.length > 2 * KEPT) this.#lines = this.#lines.slice(-KEPT);
    for (const follower of this.#followers) follower(line);
  }

  /**
   * Hands out lines, and with `follow` those that come until the signal fires.
   * @param write resolves when it takes more; a slow reader misses lines and is told how many
   */
  async read(options: LogOptions, write: (line: unknown) => boolean | Promise<void>, signal: AbortSignal): Promise<void> {
    const fits = (line: L): boolean => options.workload === undefined || line.workload === options.workload;
    const waiting: unknown[] = options.tail === 0 ? [] : this.#lines.filter(fits).slice(-options.tail);
    let missed = 0;
    let wake = (): void => {};
    const follower = (line: L): void => {
      if (!fits(line)) return;
      if (waiting.length >= Math.max(MAX_BEHIND, options.tail)) missed++;
      else waiting.push(line);
      wake();
    };
    if (options.follow) this.#followers.add(follower);
    const onAbort = (): void => wake();
    signal.addEventListener('abort', onAbort);
    try {
      while (!signal.aborted) {
        const line = waiting.shift();
        if (line !== undefined) await write(line);
        else if (missed > 0) {
          await write({
            time: Date.now(),
            level: 'warn',
            event: 'missed',
            message: `${missed} lines were not sent: the reader is too slow`,
          });
          missed = 0;
        } else if (options.follow) await new Promise<void>((resolve) => (wake = resolve));
        else return;
      }
    } finally {
      this.#followers.delete(follower);
      signal.removeEventListener('abort', onAbort);
    }
  }
}
