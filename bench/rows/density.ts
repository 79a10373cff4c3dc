/** How many live instances one process holds, each usable, and the memory for each. */
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Component, Linker } from '@tenon/component';
import { wasi } from '@tenon/wasi';
import { ensureGuest } from '../../guests/guests.ts';

const TARGET = 50_000;

interface Outcome {
  readonly count: number;
  readonly bytesEach: number;
  readonly microsecondsEach: number;
  readonly error?: string;
}

/** Runs itself in child processes, with and without V8's guard regions. */
export async function density(): Promise<void> {
  for (const [label, flags] of [
    ['V8 as it is', []],
    ['--disable-wasm-trap-handler', ['--disable-wasm-trap-handler']],
  ] as const) {
    const child = spawnSync(process.execPath, [...flags, '--max-old-space-size=16384', fileURLToPath(import.meta.url)], {
      encoding: 'utf8',
      maxBuffer: 1 << 24,
    });
    if (child.status !== 0) {
      console.log(`${label}: failed\n${child.stderr.slice(0, 2000)}`);
      continue;
    }
    const outcome = JSON.parse(child.stdout) as Outcome;
    const kib = (outcome.bytesEach / 1024).toFixed(1);
    console.log(
      `${label}: ${outcome.count} live instances of the Rust hello guest, ${kib} KiB and ${outcome.microsecondsEach.toFixed(0)} µs each` +
        (outcome.error === undefined ? '' : ` (then: ${outcome.error})`),
    );
  }
}

async function fill(): Promise<Outcome> {
  const linker = new Linker();
  wasi({}).defineIn(linker);
  const prepared = await linker.prepare(await Component.compile(new Uint8Array(await readFile(await ensureGuest('rust-calculator')))));
  const kept: { add(a: number, b: number): number }[] = [];
  const before = process.memoryUsage().rss;
  const since = performance.now();
  let error: string | undefined;
  try {
    while (kept.length < TARGET) kept.push(prepared.instantiateSync().exports.math as { add(a: number, b: number): number });
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

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(JSON.stringify(await fill()));
