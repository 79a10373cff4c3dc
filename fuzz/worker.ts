/**
 * Tries a batch of inputs in a process of its own, whose heap is bounded. It tells its parent on stdout, a line of JSON each time;
 * the number of the input that it is at stands in a file, so that it is known when the process hangs or dies.
 *
 *   worker.ts STATE CORPUS CLASS SEED FROM TO    a batch
 *   worker.ts STATE --file FILE                  one input
 *   worker.ts STATE --minimise FILE              makes an input smaller that ends in an error
 *
 * With FUZZ_PEER in the environment verdicts are compared with another implementation's. With FUZZ_WRITE the batch is written to that file and not tried.
 */
import { openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { getHeapStatistics } from 'node:v8';
import type { Bytes } from './bytes.ts';
import { CLASSES, type ClassName, readCorpus } from './classes.ts';
import { mutant } from './mutate.ts';
import { Random } from './random.ts';
import { type Finding, keyOf, type Message, memoryBound, type Stats, WATCHDOG_MS } from './report.ts';
import { MINIMISE_MS, shrink } from './shrink.ts';
import { examine } from './target.ts';

const REPORT_EVERY_MS = 500;

const [stateFile = '', ...args] = process.argv.slice(2);
const state = openSync(stateFile, 'w');
const compare = process.env.FUZZ_PEER !== undefined;
const tell = (message: Message): void => void writeSync(1, `${JSON.stringify(message)}\n`);

let stats = emptyStats();
function emptyStats(): Stats {
  return { runs: 0, adapters: 0, instantiated: 0, verdicts: {}, slowest: { ms: 0, input: -1 }, heaviest: { bytes: 0, input: -1 } };
}

/** Heap in use, garbage included: cheap to know, and a reason to look closer when it grew too much. */
function heap(): number {
  const { used_heap_size, external_memory } = getHeapStatistics();
  return used_heap_size + external_memory;
}

async function attempt(bytes: Bytes, input: number): Promise<void> {
  writeSync(state, String(input).padEnd(12), 0);
  const before = heap();
  const started = performance.now();
  try {
    const outcome = await examine(bytes, compare);
    stats.verdicts[outcome.verdict] = (stats.verdicts[outcome.verdict] ?? 0) + 1;
    stats.adapters += outcome.adapters;
    if (outcome.instantiated) stats.instantiated++;
  } catch (error) {
    tell({ kind: 'finding', finding: findingOf(error, input) });
  }
  const ms = performance.now() - started;
  const bytesUsed = heap() - before;
  stats.runs++;
  if (ms > stats.slowest.ms) stats.slowest = { ms, input };
  if (bytesUsed > stats.heaviest.bytes) stats.heaviest = { bytes: bytesUsed, input };
  if (bytesUsed > memoryBound(bytes.length)) {
    tell({
      kind: 'finding',
      finding: { kind: 'memory', input, message: `${bytes.length} bytes took ${bytesUsed} bytes of heap`, stack: '' },
    });
  }
}

function findingOf(error: unknown, input: number): Finding {
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  return { kind: 'error', input, message: `${name}: ${message}`, stack: stack ?? '' };
}

async function minimise(file: string): Promise<void> {
  const keyWith = (bytes: Bytes): Promise<string> =>
    examine(bytes, compare).then(
      () => '',
      (error) => keyOf(findingOf(error, 0)),
    );
  const bytes = new Uint8Array(readFileSync(file));
  const key = await keyWith(bytes);
  let attempts = 0;
  const smallest = await shrink(bytes, MINIMISE_MS, async (shorter) => {
    writeSync(state, String(attempts++).padEnd(12), 0);
    return (await keyWith(shorter)) === key;
  });
  writeFileSync(file, smallest);
}

const [mode, file = ''] = args;
if (mode === '--file') {
  const before = process.cpuUsage();
  await attempt(new Uint8Array(readFileSync(file)), 0);
  const { user, system } = process.cpuUsage(before);
  const message = `it took ${((user + system) / 1e6).toFixed(1)} s`;
  if ((user + system) / 1000 > WATCHDOG_MS) tell({ kind: 'finding', finding: { kind: 'hang', input: 0, message, stack: '' } });
} else if (mode === '--minimise') {
  await minimise(file);
} else {
  const [corpus = '', className = 'small', seed, from, to] = args;
  const seeds = readCorpus(corpus, className as ClassName);
  const { limit } = CLASSES[className as ClassName];
  const input = (number: number): Bytes =>
    number < seeds.length ? (seeds[number] ?? new Uint8Array()) : mutant(new Random(Number(seed), limit, number), seeds, limit);
  let reported = performance.now();
  for (let number = Number(from); number < Number(to) && seeds.length > 0; number++) {
    const bytes = input(number);
    if (process.env.FUZZ_WRITE !== undefined) writeFileSync(process.env.FUZZ_WRITE, bytes);
    else await attempt(bytes, number);
    if (performance.now() - reported < REPORT_EVERY_MS) continue;
    reported = performance.now();
    tell({ kind: 'stats', stats });
    stats = emptyStats();
  }
}
tell({ kind: 'stats', stats });
