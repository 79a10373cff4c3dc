import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Bytes } from './bytes.ts';

/** Inputs by size: each has a bound on memory of its own, and large ones are tried less often. */
export const CLASSES = {
  small: { limit: 64 * 1024, batch: 4_000 },
  medium: { limit: 1024 * 1024, batch: 150 },
  large: { limit: 32 * 1024 * 1024, batch: 4 },
} as const;
export type ClassName = keyof typeof CLASSES;
export const CLASS_NAMES = Object.keys(CLASSES) as ClassName[];

/**
 * The inputs of a class, in the same order on every machine.
 * @param corpus the folder that `writeCorpus` made
 */
export function readCorpus(corpus: string, className: ClassName): readonly Bytes[] {
  const folder = path.join(corpus, className);
  return readdirSync(folder)
    .sort()
    .map((file) => new Uint8Array(readFileSync(path.join(folder, file))));
}
