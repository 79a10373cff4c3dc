/**
 * How many live instances one process holds, each usable, with the memory and time for each; and what it costs to run without the guard
 * regions that V8 puts around every memory, which is what limits their number.
 */
import { spawnSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { Component, Linker } from '@tenon/component';
import { wasi } from '@tenon/wasi';
import { ensureGuest } from '../../guests/guests.ts';
import { assembled } from '../assemble.ts';
import { withFixedMemory } from '../fixed-memory.ts';
import { updatePage } from '../page.ts';

const TARGET = 50_000;
/** Each memory that can grow takes two of the 65,530 mappings that Linux gives a process; V8 aborts when there is none left. */
const MOST_GROWABLE = 30_000;
const NO_GUARDS = '--disable-wasm-trap-handler';
/** Makes V8 collect garbage when memories have grown by a part of what there is, and not each 64 MiB: every sixtieth instance of a guest. */
const PROPORTIONAL = '--external-memory-accounted-in-global-limit';
const LOOPS = [
  ['sum', 'read words in a row'],
  ['store', 'write bytes in a row'],
  ['chase', 'follow a chain of addresses'],
  ['copy', '`memory.copy` of 16 KiB'],
] as const;
const LOOP_ROUNDS = 5;

interface Outcome {
  readonly count: number;
  readonly bytesEach: number;
  readonly microsecondsEach: number;
  readonly error?: string;
}

/** Runs this file in a process of its own. */
function child<T>(flags: readonly string[], args: readonly string[]): T {
  const file = fileURLToPath(import.meta.url);
  const { status, stderr, stdout } = spawnSync(process.execPath, [...flags, file, ...args], { encoding: 'utf8', maxBuffer: 1 << 24 });
  if (status !== 0) throw new Error(`${flags.join(' ')} ended with ${status}\n${stderr.slice(0, 2000)}`);
  return JSON.parse(stdout) as T;
}

/** Prints the figures, and writes them to `bench/results/density.json` and the page on performance. */
export async function density(): Promise<void> {
  // Memories count as garbage collected, so V8's limit must be more than all of them are large.
  const heap = '--max-old-space-size=131072';
  const configurations = [
    { label: 'V8 as it is', flags: [heap], args: ['grows', TARGET] },
    { label: 'proportional collection', flags: [heap], args: ['grows', TARGET, PROPORTIONAL] },
    { label: 'and no guard regions', flags: [heap, NO_GUARDS], args: ['grows', MOST_GROWABLE, PROPORTIONAL] },
    { label: 'and memory of a fixed size', flags: [heap, NO_GUARDS], args: ['fixed', TARGET, PROPORTIONAL] },
  ];
  const table = ['| live instances of the Rust calculator, each called | | KiB each | µs each |', '|---|--:|--:|--:|'];
  const held = configurations.map(({ args, flags, label }) => {
    const outcome = child<Outcome>(flags, args.map(String));
    const { bytesEach, count, error, microsecondsEach } = outcome;
    const most = error === undefined ? '' : ', then no more';
    const row = `| ${label} | ${count.toLocaleString('en')}${most} | ${(bytesEach / 1024).toFixed(1)} | ${microsecondsEach.toFixed(0)} |`;
    console.log(row);
    table.push(row);
    return { label, ...outcome };
  });
  const samples = LOOPS.map(() => ({ guarded: [] as number[], checked: [] as number[] }));
  for (let round = 0; round < LOOP_ROUNDS; round++) {
    const guarded = child<number[]>([], ['loops']);
    const checked = child<number[]>([NO_GUARDS], ['loops']);
    for (const [i, sample] of samples.entries()) {
      sample.guarded.push(guarded[i] ?? Number.NaN);
      sample.checked.push(checked[i] ?? Number.NaN);
    }
  }
  table.push('', '| 16,384 steps of a loop over memory, µs | guard regions | bounds checks | |', '|---|--:|--:|--:|');
  const loops = LOOPS.map(([name, what], i) => {
    const { checked = [], guarded = [] } = samples[i] ?? {};
    // The best of all: what another process took does not belong to the loop.
    const [fast, slow] = [Math.min(...guarded), Math.min(...checked)];
    const row = `| ${what} | ${fast.toFixed(2)} | ${slow.toFixed(2)} | ${(slow / fast).toFixed(2)} × |`;
    console.log(row);
    table.push(row);
    return { name, guarded: fast, checked: slow };
  });
  const folder = fileURLToPath(new URL('../results/', import.meta.url));
  await mkdir(folder, { recursive: true });
  await writeFile(`${folder}density.json`, `${JSON.stringify({ held, loops }, undefined, 2)}\n`);
  await updatePage('density', table.join('\n'));
}

async function fill(fixed: boolean, target: number): Promise<Outcome> {
  type Math = { add(a: number, b: number): number };
  const linker = new Linker();
  linker.use(wasi({}));
  const bytes = new Uint8Array(await readFile(await ensureGuest('rust-calculator')));
  const prepared = await linker.prepare(await Component.compile(fixed ? withFixedMemory(bytes) : bytes));
  const kept: Math[] = [];
  const before = process.memoryUsage().rss;
  const since = performance.now();
  let error: string | undefined;
  try {
    while (kept.length < target) kept.push(prepared.instantiateSync().exports.math as Math);
  } catch (thrown) {
    error = String(thrown);
  }
  const took = performance.now() - since;
  for (const [i, math] of kept.entries()) if (math.add(i, 1) !== i + 1) throw new Error(`instance ${i} is not usable`);
  return {
    count: kept.length,
    bytesEach: (process.memoryUsage().rss - before) / kept.length,
    microsecondsEach: (took * 1000) / kept.length,
    ...(error === undefined ? {} : { error }),
  };
}

/** Microseconds for 16,384 steps of each loop, the best of many: a noisy machine must not hide a few per cent. */
async function loops(): Promise<number[]> {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(await assembled('memory-loops')));
  return LOOPS.map(([name]) => {
    const run = exports[name] as (n: number) => number;
    let best = Number.POSITIVE_INFINITY;
    for (let i = 0; i < 60; i++) {
      const since = process.hrtime.bigint();
      run(100);
      best = Math.min(best, Number(process.hrtime.bigint() - since) / 100_000);
    }
    return best;
  });
}

if (import.meta.main) {
  const [task = '', target, ...flags] = process.argv.slice(2);
  for (const flag of flags) setFlagsFromString(flag);
  console.log(JSON.stringify(task === 'loops' ? await loops() : await fill(task === 'fixed', Number(target))));
}
