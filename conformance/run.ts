/**
 * Runs the Component Model's reference tests and compares with what is known not to pass.
 *
 *   npm run conformance -- FOLDER [--jobs N] [--timeout SECONDS] [--messages] [--interruptible] [--jco] [--update] [--write]
 *
 * FOLDER is the folder `test` of the repository WebAssembly/component-model.
 * --interruptible  runs it with rewritten core modules; nothing else may change.
 * --jco     runs the suite on jco too.
 * --update  writes what did not pass into expected.json; reasons that are there stay.
 * --write   writes docs/conformance.md.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type DirectiveReport, judge, place, readExpected, runSuite, summarise, table } from '@tenon/wast';
import { markdown } from './markdown.ts';

const EXPECTED = new URL('./expected.json', import.meta.url);
const DOCUMENT = new URL('../docs/conformance.md', import.meta.url);

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    jobs: { type: 'string', default: '2' },
    timeout: { type: 'string', default: '30' },
    messages: { type: 'boolean', default: false },
    interruptible: { type: 'boolean', default: false },
    jco: { type: 'boolean', default: false },
    update: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});
const [folder] = positionals;

if (folder === undefined || positionals.length > 1) {
  console.error('usage: npm run conformance -- FOLDER\nFOLDER is the folder `test` of https://github.com/WebAssembly/component-model');
  process.exitCode = 2;
} else {
  process.exitCode = (await run(folder)) ? 0 : 1;
}

async function run(suite: string): Promise<boolean> {
  const limits = { jobs: Number(options.jobs), timeout: 1000 * Number(options.timeout) };
  const engine = options.interruptible ? import.meta.resolve('@tenon/wast/interruptible') : undefined;
  const reports = await runSuite([suite], { ...limits, engine });
  const groups = summarise(reports);
  console.log(table(groups));
  if (options.messages) printMismatches(reports);
  if (options.update) update(reports);

  const expected = readExpected(EXPECTED.pathname);
  const { unexpected, stale } = judge(reports, expected);
  for (const report of unexpected) console.log(`unexpected: ${place(report)} ${report.type} ${report.status}: ${report.message}`);
  for (const key of stale) console.log(`expected to fail, but passes: ${key}`);

  const jco = options.jco
    ? await runSuite([suite], { ...limits, engine: new URL('./jco.ts', import.meta.url).href, texts: 'any' })
    : undefined;
  if (jco !== undefined) console.log(`\njco\n${table(summarise(jco))}`);
  if (options.write) writeFileSync(DOCUMENT, markdown(groups, jco && summarise(jco), expected));
  return unexpected.length === 0 && stale.length === 0;
}

function printMismatches(reports: readonly DirectiveReport[]): void {
  for (const report of reports) {
    if (report.text === undefined || report.text.matches) continue;
    console.log(`\n${place(report)} ${report.type}\n  expected: ${report.text.expected}\n  found:    ${report.text.found}`);
  }
}

function update(reports: readonly DirectiveReport[]): void {
  const before = readExpected(EXPECTED.pathname);
  const known: Record<string, string> = {};
  for (const report of reports) {
    if (report.status !== 'pass') known[place(report)] = before.get(place(report)) ?? `${report.status}: ${report.message}`.slice(0, 120);
  }
  writeFileSync(EXPECTED, `${JSON.stringify(known, null, 2)}\n`);
}
