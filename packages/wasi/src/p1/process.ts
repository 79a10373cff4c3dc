import type { Clocks } from '../body/clock.ts';
import type { Randomness } from '../body/random.ts';
import type { Descriptors } from './descriptors.ts';
import type { GuestMemory } from './memory.ts';

/** A guest of preview 1: what its functions work on. */
export interface Process {
  /** The snapshot that it was made for: `wasi_unstable` is 0, of which some layouts and numbers are others. */
  readonly preview: 0 | 1;
  readonly memory: GuestMemory;
  readonly descriptors: Descriptors;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly clocks: Clocks;
  readonly randomness: Randomness;
}

/**
 * A function of preview 1 without its errno: it takes unsigned numbers (`i32`) and bigints (`i64`), and throws errors of the system.
 * Its `length` is the number of its parameters.
 */
export type Call = (...args: never[]) => void | Promise<void>;

export type Calls = Readonly<Record<string, Call>>;
