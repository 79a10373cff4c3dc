/**
 * `npm run bench`: Tenon and its peers in one run.
 *
 *   npm run bench                       everything, several rounds
 *   npm run bench -- --quick            a smoke run of a few minutes
 *   npm run bench -- --only 'string'    rows whose group or name contains the text
 *   npm run bench -- --density          how many live instances one process holds
 *   npm run bench -- --wasmtime PATH    `wasmtime serve` of this binary beside the servers
 *   npm run bench -- --jsco PATH        a build of jsco beside them, where it can run a row
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Measured, measure, type Row, results } from './harness.ts';
import { updatePage } from './page.ts';
import { Jsco } from './peers/jsco.ts';
import { Wasmtime } from './peers/wasmtime.ts';
import { type Machine, rowText, toJson, toMarkdown, toSvg } from './report.ts';
import { asyncRows } from './rows/async.ts';
import { coldRows } from './rows/cold.ts';
import { composedRows } from './rows/composed.ts';
import { density } from './rows/density.ts';
import { hostRows } from './rows/host.ts';
import { httpRows } from './rows/http.ts';
import { interruptibleRows } from './rows/interruptible.ts';
import { platformRows } from './rows/platform.ts';
import { processRows } from './rows/process.ts';
import { startupRows } from './rows/startup.ts';
import { toolRows } from './rows/tools.ts';
import { wasiRows } from './rows/wasi.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    rounds: { type: 'string' },
    density: { type: 'boolean', default: false },
    jsco: { type: 'string' },
    wasmtime: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

if (values.help) {
  console.log(
    'npm run bench -- [--quick] [--only TEXT] [--rounds N] [--density] [--wasmtime PATH] [--jsco PATH] [--json]\nexample: npm run bench -- --only string --rounds 3',
  );
} else if (values.density) {
  await density();
} else {
  await bench();
}

async function bench(): Promise<void> {
  const rounds = Number(values.rounds ?? (values.quick ? 1 : 5));
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds takes a whole number from 1');
  const say = (text: string): void => void process[values.json ? 'stderr' : 'stdout'].write(text);
  const wasmtime = await Wasmtime.start((why) => say(`Wasmtime is left out: ${why}\n`));
  const jsco = values.jsco === undefined ? undefined : await Jsco.load(values.jsco);
  const only = values.only?.toLowerCase();
  const rows: Row[] = [
    ...composedRows(wasmtime),
    ...asyncRows(),
    ...hostRows(jsco),
    ...startupRows(wasmtime),
    ...toolRows(),
    ...interruptibleRows(),
    ...coldRows(),
    ...platformRows(),
    ...processRows(),
    ...httpRows(values.quick, values.wasmtime),
    ...wasiRows(values.quick),
  ].filter((row) => only === undefined || `${row.group} ${row.name}`.toLowerCase().includes(only));
  const all: Measured[] = [];
  let group = '';
  try {
    for (const row of rows) {
      if (row.group !== group) say(`${row.group}\n`);
      group = row.group;
      const tty = process.stderr.isTTY === true;
      const measured = await measure(row, rounds, (done, of) => {
        if (tty) process.stderr.write(`\r  ${row.name} … ${done}/${of}\x1b[K`);
      }).catch((error: unknown) => {
        say(`  ${row.name}: failed, ${String(error).slice(0, 500)}\n`);
        process.exitCode = 1;
        return undefined;
      });
      if (tty) process.stderr.write('\r\x1b[K');
      // A row that fails must not cost the figures of all others.
      if (measured === undefined) continue;
      all.push(measured);
      say(`${rowText(measured)}\n`);
    }
  } finally {
    await wasmtime?.close();
  }
  const machine: Machine = {
    node: process.versions.node,
    v8: process.versions.v8,
    cpu: `${cpus()[0]?.model ?? 'unknown'} × ${cpus().length}`,
    date: new Date().toISOString().slice(0, 10),
  };
  const json = toJson(machine, rounds, all);
  if (values.json) process.stdout.write(json);
  if (only === undefined) {
    const folder = fileURLToPath(new URL('results/', import.meta.url));
    await mkdir(folder, { recursive: true });
    const name = values.quick ? 'quick' : 'latest';
    await writeFile(`${folder}${name}.json`, json);
    await writeFile(`${folder}${name}.svg`, toSvg(machine, all));
    if (!values.quick) await updatePage('figures', toMarkdown(machine, rounds, all));
    say(`written: bench/results/${name}.json, bench/results/${name}.svg\n`);
  }
  const targets = all.flatMap(results);
  say(`${targets.filter((t) => t.reached).length} of ${targets.length} targets reached\n`);
}
