/** What workers tell their parent, and the bounds that both hold. */

/** What one input may take before it counts as hanging, in milliseconds. */
export const WATCHDOG_MS = 10_000;

/** Bytes of memory that an input of `length` bytes may take, which is compiled twice, with the garbage of the first time. */
export const memoryBound = (length: number): number => 128 * length + 64 * 1024 * 1024;

export interface Finding {
  readonly kind: 'error' | 'memory' | 'hang' | 'death';
  /** The number of the input. */
  readonly input: number;
  readonly message: string;
  readonly stack: string;
}

export interface Stats {
  runs: number;
  adapters: number;
  instantiated: number;
  /** How many inputs were valid, or refused with each code. */
  readonly verdicts: Record<string, number>;
  slowest: { readonly ms: number; readonly input: number };
  heaviest: { readonly bytes: number; readonly input: number };
}

export type Message = { readonly kind: 'finding'; readonly finding: Finding } | { readonly kind: 'stats'; readonly stats: Stats };

/** What makes two findings the same: where it was thrown, or what was thrown with its numbers left out. */
export function keyOf(finding: Finding): string {
  const frame = /at .*\/packages\/[^\s)]*/.exec(finding.stack)?.[0] ?? '';
  return `${finding.kind} ${finding.message.replaceAll(/\d+/g, 'N').slice(0, 120)} ${frame}`;
}
