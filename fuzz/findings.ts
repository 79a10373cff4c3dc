/** Keeps findings: tried again alone, made as small as they get, written to a file. */
import { createHash } from 'node:crypto';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { runWorker } from './process.ts';
import { type Finding, keyOf } from './report.ts';
import { MINIMISE_MS, shrink } from './shrink.ts';

export interface Saved {
  readonly kind: Finding['kind'];
  readonly message: string;
  readonly file: string;
  readonly bytes: number;
}

/**
 * @param identity corpus, class and seed of the input
 * @returns undefined when the input alone does nothing wrong: garbage that the heap had no need to collect, or a busy machine
 */
export async function save(folder: string, identity: readonly string[], finding: Finding): Promise<Saved | undefined> {
  const file = path.join(folder, `partial-${process.pid}-${finding.input}.wasm`);
  const range = [String(finding.input), String(finding.input + 1)];
  const ignore = { finding: () => {}, stats: () => {} };
  await runWorker([...identity, ...range], 2 ** 24, { ...ignore, env: { FUZZ_WRITE: file } });
  const again = await attempt(file);
  if (again === undefined) {
    rmSync(file);
    return undefined;
  }
  await minimise(file, again);
  const bytes = readFileSync(file);
  const name = `${finding.kind}-${createHash('sha256').update(bytes).digest('hex').slice(0, 12)}.wasm`;
  const saved = path.join(folder, name);
  writeFileSync(saved, bytes);
  rmSync(file);
  return { kind: again.kind, message: again.message, file: saved, bytes: bytes.length };
}

/** Tries one input in a process whose heap is bounded for it. */
async function attempt(file: string): Promise<Finding | undefined> {
  let found: Finding | undefined;
  const listener = {
    finding: (finding: Finding) => {
      // Garbage counts only when it cannot be collected, and then the process dies.
      if (finding.kind !== 'memory' || finding.stack !== '') found ??= finding;
    },
    stats: () => {},
    // On a busy machine the clock says little: the worker measures what it computed.
    patience: 4,
  };
  await runWorker(['--file', file], statSync(file).size, listener);
  return found;
}

/** An error is found again at once; whatever ends a process takes a process for each try. */
async function minimise(file: string, finding: Finding): Promise<void> {
  if (finding.kind === 'error') {
    await runWorker(['--minimise', file], statSync(file).size, { finding: () => {}, stats: () => {} });
    return;
  }
  const key = keyOf(finding);
  const smallest = await shrink(new Uint8Array(readFileSync(file)), MINIMISE_MS, async (bytes) => {
    writeFileSync(file, bytes);
    const same = await attempt(file);
    return same !== undefined && keyOf(same) === key;
  });
  writeFileSync(file, smallest);
}
