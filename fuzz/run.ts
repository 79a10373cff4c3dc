/**
 * Looks for bytes that break the decoder, the validator, the linker or the adapters.
 *
 *   npm run fuzz -- [--seconds N] [--seed N] [--workers N] [--corpus FOLDER…] [--peer] [--json]
 *   npm run fuzz -- --file FILE [--peer]
 *
 * --seconds  how long to look; 60 when absent.
 * --seed     which inputs; the same seed and corpus make the same inputs in the same order. Of the clock when absent.
 * --workers  processes at a time; 1 when absent.
 * --corpus   a folder of .wast scripts (or one script) whose components join the corpus.
 * --peer     asks another implementation too, and fails when only one of them accepts a small input.
 * --file     tries one input, a finding for example.
 * --json     prints the summary and the findings as JSON.
 *
 * Exits with 1 when it found something. Findings are kept in fuzz/findings/.
 */
import { mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CLASS_NAMES, CLASSES, type ClassName } from './classes.ts';
import { writeCorpus } from './corpus.ts';
import { type Saved, save } from './findings.ts';
import { runWorker } from './process.ts';
import { type Finding, keyOf, type Stats } from './report.ts';

const FINDINGS = fileURLToPath(new URL('./findings', import.meta.url));
/** After so many different findings there is enough to do. */
const MAX_FINDINGS = 25;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    workers: { type: 'string', default: '1' },
    corpus: { type: 'string', multiple: true, default: [] },
    file: { type: 'string' },
    peer: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const seconds = Number(options.seconds);
const seed = Number(options.seed);
const workers = Number(options.workers);
if (![seconds, seed, workers].every((number) => Number.isSafeInteger(number) && number >= 0) || workers === 0) {
  console.error('error: --seconds, --seed and --workers take a whole number');
  process.exit(2);
}
// Workers take it from the environment.
if (options.peer) process.env.FUZZ_PEER = '1';
mkdirSync(FINDINGS, { recursive: true });
process.exitCode = (options.file === undefined ? await fuzz([...options.corpus, ...positionals]) : await tryFile(options.file)) ? 0 : 1;

async function tryFile(file: string): Promise<boolean> {
  const findings: Finding[] = [];
  const length = statSync(file).size;
  await runWorker(['--file', path.resolve(file)], length, { finding: (finding) => void findings.push(finding), stats: () => {} });
  for (const { kind, message, stack } of findings) console.log(`${kind}: ${message}\n${stack}`);
  if (findings.length === 0) console.log('nothing is wrong');
  return findings.length === 0;
}

async function fuzz(folders: readonly string[]): Promise<boolean> {
  const corpus = await writeCorpus(folders);
  const started = performance.now();
  const elapsed = (): number => (performance.now() - started) / 1000;
  const total: Stats = {
    runs: 0,
    adapters: 0,
    instantiated: 0,
    verdicts: {},
    slowest: { ms: 0, input: -1 },
    heaviest: { bytes: 0, input: -1 },
  };
  const found = new Map<string, Saved>();
  const next: Record<ClassName, number> = { small: 0, medium: 0, large: 0 };
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());
  const stop = AbortSignal.any([interrupted.signal, AbortSignal.timeout(1000 * seconds)]);
  let turn = 0;

  const progress = process.stderr.isTTY && !options.json ? setInterval(() => process.stderr.write(`\r${line()}   `), 500) : undefined;
  const line = (): string =>
    `${elapsed().toFixed(0)} s, ${total.runs} inputs, ${(total.runs / elapsed()).toFixed(0)}/s, ${total.verdicts.valid ?? 0} valid, ${found.size} findings`;

  const lane = async (): Promise<void> => {
    while (!stop.aborted && found.size < MAX_FINDINGS) {
      // Mostly small inputs, each with its turn of the larger ones.
      const className: ClassName = turn % 16 === 7 ? 'large' : turn % 4 === 1 ? 'medium' : 'small';
      turn++;
      const from = next[className];
      const to = from + CLASSES[className].batch;
      next[className] = to;
      await batch(className, from, to);
    }
  };

  const batch = async (className: ClassName, from: number, to: number): Promise<void> => {
    const identity = [corpus, className, String(seed)];
    for (let start = from; start < to && !stop.aborted; ) {
      const died = await runWorker([...identity, String(start), String(to)], CLASSES[className].limit, {
        finding: (finding) => pending.push(finding),
        stats: (stats) => addStats(total, stats),
        signal: stop,
      });
      for (const finding of pending.splice(0)) await report(identity, finding);
      start = died === undefined ? to : died + 1;
    }
  };
  const pending: Finding[] = [];
  const report = async (identity: readonly string[], finding: Finding): Promise<void> => {
    const key = keyOf(finding);
    if (found.has(key)) return;
    const saved = await save(FINDINGS, identity, finding);
    if (saved === undefined || found.has(key)) return;
    found.set(key, saved);
    if (!options.json)
      console.log(
        `\n${finding.kind}: ${finding.message}\n${finding.stack}\n  npm run fuzz -- --file ${path.relative(process.cwd(), saved.file)}${options.peer ? ' --peer' : ''}`,
      );
  };

  await Promise.all(Array.from({ length: workers }, lane));
  clearInterval(progress);
  if (options.json) console.log(JSON.stringify({ seed, seconds: elapsed(), ...total, findings: [...found.values()] }, null, 2));
  else console.log(`\n${summary(total, line())}`);
  return found.size === 0;
}

function addStats(total: Stats, stats: Stats): void {
  total.runs += stats.runs;
  total.adapters += stats.adapters;
  total.instantiated += stats.instantiated;
  for (const [verdict, count] of Object.entries(stats.verdicts)) total.verdicts[verdict] = (total.verdicts[verdict] ?? 0) + count;
  if (stats.slowest.ms > total.slowest.ms) total.slowest = stats.slowest;
  if (stats.heaviest.bytes > total.heaviest.bytes) total.heaviest = stats.heaviest;
}

function summary(total: Stats, line: string): string {
  const verdicts = Object.entries(total.verdicts).sort(([, a], [, b]) => b - a);
  return [
    `${line}, seed ${seed}, classes ${CLASS_NAMES.join(', ')}`,
    `${total.adapters} adapters, ${total.instantiated} instantiated`,
    ...verdicts.map(([verdict, count]) => `  ${verdict.padEnd(22)} ${count}`),
    `slowest ${total.slowest.ms.toFixed(0)} ms, most heap ${(total.heaviest.bytes / 1024 / 1024).toFixed(0)} MiB (garbage included)`,
  ].join('\n');
}
