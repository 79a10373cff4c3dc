/** Measures rows: every contender of a row in turn, round by round, so that a noisy machine is fair to all. */

/** `less` for times and memory, `more` for rates. */
export type Better = 'less' | 'more';

/** One implementation in a row. */
export interface Contender {
  readonly name: string;
  /** Prepares it once; undefined when it is not there (no Python, say), with the reason told to `skip`. */
  open(skip: (why: string) => void): Promise<Open | undefined>;
}

/** A contender that is ready. `sample` measures once and returns the figure in the row's unit. */
export interface Open {
  sample(): number | Promise<number>;
  close?(): void | Promise<void>;
}

/**
 * What Tenon must reach: its figure divided by the peer's (times, memory) must be at most `ratio`; for rates, at least. Without a peer,
 * `plus` alone is what it is divided by.
 */
export interface Target {
  readonly peer?: string;
  readonly ratio: number;
  /** Added to the peer's figure before the ratio is taken. */
  readonly plus?: number;
}

/** A figure in the row's unit that must be reached whatever the peers do. */
export const absolute = (figure: number): Target => ({ ratio: 1, plus: figure });

export interface Row {
  readonly group: string;
  readonly name: string;
  readonly unit: string;
  readonly better: Better;
  readonly contenders: readonly Contender[];
  readonly targets: readonly Target[];
}

export interface Measured {
  readonly row: Row;
  /** All samples by contender, in order of the rounds. */
  readonly samples: ReadonlyMap<string, readonly number[]>;
  readonly skipped: ReadonlyMap<string, string>;
}

export interface TargetResult {
  readonly target: Target;
  readonly ratio: number;
  readonly reached: boolean;
}

/** @param rounds how often each contender is sampled after one warm-up sample */
export async function measure(row: Row, rounds: number, progress: (done: number, of: number) => void): Promise<Measured> {
  const skipped = new Map<string, string>();
  const open: { readonly name: string; readonly contender: Open; readonly samples: number[] }[] = [];
  try {
    for (const contender of row.contenders) {
      const opened = await contender.open((why) => skipped.set(contender.name, why));
      if (opened !== undefined) open.push({ name: contender.name, contender: opened, samples: [] });
    }
    for (const { contender } of open) await contender.sample();
    for (let round = 0; round < rounds; round++) {
      // Start with another contender each round: whoever runs first pays for what the one before left behind.
      for (let i = 0; i < open.length; i++) {
        const turn = open[(i + round) % open.length];
        if (turn !== undefined) turn.samples.push(await turn.contender.sample());
      }
      progress(round + 1, rounds);
    }
  } finally {
    for (const { contender } of open) await contender.close?.();
  }
  return { row, samples: new Map(open.map(({ name, samples }) => [name, samples])), skipped };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** The median of the ratios round by round, which a drift of the machine's speed does not touch. */
export function ratioTo(measured: Measured, peer: string | undefined, plus = 0): number | undefined {
  const tenon = measured.samples.get('tenon');
  if (tenon === undefined) return undefined;
  if (peer === undefined) return median(tenon.map((value) => value / plus));
  const other = measured.samples.get(peer);
  if (other === undefined) return undefined;
  return median(tenon.map((value, i) => value / ((other[i] ?? Number.NaN) + plus)));
}

export function results(measured: Measured): TargetResult[] {
  const found: TargetResult[] = [];
  for (const target of measured.row.targets) {
    const ratio = ratioTo(measured, target.peer, target.plus);
    if (ratio === undefined) continue;
    found.push({ target, ratio, reached: measured.row.better === 'less' ? ratio <= target.ratio : ratio >= target.ratio });
  }
  return found;
}

/**
 * A sample of a call that takes nanoseconds is the best of this many windows: what another process took from one of them is no part of
 * the call. All contenders are treated so.
 */
export const WINDOWS = 8;

/** Times a loop of `n` calls. @returns nanoseconds a call; `n` is raised until a window takes at least `minMs` */
export function timedLoop(loop: (n: number) => void, start = 1000, minMs = 5): Open {
  let n = start;
  const window = (): number => {
    const before = process.hrtime.bigint();
    loop(n);
    return Number(process.hrtime.bigint() - before);
  };
  return {
    sample() {
      let best = window();
      while (best < minMs * 1e6) {
        n = Math.min(n * Math.max(2, Math.min(100, Math.ceil((minMs * 1.2e6) / Math.max(best, 1)))), 2_000_000_000);
        best = window();
      }
      for (let i = 1; i < WINDOWS; i++) best = Math.min(best, window());
      return best / n;
    },
  };
}
