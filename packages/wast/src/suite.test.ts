import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { judge, readExpected } from './expected.ts';
import { jsonLine, summarise, table } from './report.ts';
import { type DirectiveReport, runSuite } from './suite.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'wast-'));
after(() => rmSync(folder, { recursive: true }));
const write = (name: string, content: string): string => {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, content);
  return file;
};
const lines = (reports: readonly DirectiveReport[]): string[] =>
  reports.map((report) => `${report.file}:${report.line} ${report.type} ${report.status}`);

test('a file that hangs fails where it hangs, and the next file runs', async () => {
  write('hang/a.wast', '(module (func (export "f") (loop (br 0))))\n(invoke "f")\n(invoke "f")');
  write('hang/b/c.wast', '(module)');
  const seen: string[] = [];
  const reports = await runSuite([path.join(folder, 'hang')], {
    timeout: 1500,
    jobs: 2,
    onFile: (own) => seen.push(own[0]?.file ?? ''),
  });
  assert.deepEqual(lines(reports), ['a.wast:1 module pass', 'a.wast:2 invoke fail', 'a.wast:3 invoke not-run', 'b/c.wast:1 module pass']);
  assert.match(reports[1]?.message ?? '', /more than 1.5 s/);
  assert.deepEqual(seen, ['a.wast', 'b/c.wast']);
});

test('a directive that waits for what cannot come fails, and the file goes on', async () => {
  const file = write(
    'wait.wast',
    `(component
       (import "host" (instance $host (export "never-return" (func))))
       (core func $never (canon lower (func $host "never-return")))
       (core module $m (import "" "f" (func $f)) (func (export "run") (call $f)))
       (core instance $i (instantiate $m (with "" (instance (export "f" (func $never))))))
       (func (export "run") (canon lift (core func $i "run"))))
     (invoke "run")
     (component)`,
  );
  const reports = await runSuite([file]);
  assert.deepEqual(
    reports.map(({ status }) => status),
    ['pass', 'fail', 'pass'],
  );
  assert.match(reports[1]?.message ?? '', /waits for ever/);
});

test('a file that cannot be read as a script is one failure', async () => {
  const reports = await runSuite([write('broken.wast', '(component')]);
  assert.equal(reports.length, 1);
  assert.match(reports[0]?.message ?? '', /broken\.wast:1:1: this `\(` is not closed/);
});

test('paths that cannot be read', async () => {
  mkdirSync(path.join(folder, 'empty'));
  for (const given of ['nowhere', 'empty']) await assert.rejects(runSuite([path.join(folder, given)]), { code: 'TENON_WAST_FILE' });
});

const report = (file: string, line: number, status: DirectiveReport['status'], found?: string): DirectiveReport => ({
  file,
  line,
  type: 'assert_trap',
  status,
  message: '',
  text: found === undefined ? undefined : { expected: 'boom', found, matches: found.includes('boom') },
});
const REPORTS = [report('a/x.wast', 1, 'pass', 'big boom'), report('a/x.wast', 2, 'fail'), report('b.wast', 1, 'pass', 'bang')];

test('summary by folder', () => {
  const groups = summarise(REPORTS);
  assert.deepEqual(
    groups.map(({ name, files, directives, counts, texts }) => [
      name,
      files,
      directives,
      counts.pass,
      counts.fail,
      texts.matching,
      texts.total,
    ]),
    [
      ['a', 1, 2, 1, 1, 1, 1],
      ['.', 1, 1, 1, 0, 0, 1],
      ['total', 2, 3, 2, 1, 1, 2],
    ],
  );
  assert.match(table(groups), /^total +2 +3 +2 +1 +0 +0 +1\/2 \(50 %\)$/m);
  assert.deepEqual(JSON.parse(jsonLine(REPORTS[0] as DirectiveReport)), {
    file: 'a/x.wast',
    line: 1,
    type: 'assert_trap',
    status: 'pass',
    message: '',
    expected: 'boom',
    matches: true,
  });
});

test('known failures: an unlisted failure and an unexpected pass are both found', () => {
  const cases: [Record<string, string>, string[], string[]][] = [
    [{}, ['a/x.wast:2'], []],
    [{ 'a/x.wast:2': 'known' }, [], []],
    [{ 'a/x.wast:1': 'passes', 'a/x.wast:2': 'known', 'other.wast:9': 'did not run' }, [], ['a/x.wast:1']],
  ];
  for (const [known, unexpected, stale] of cases) {
    const file = write('expected.json', JSON.stringify(known));
    const verdict = judge(REPORTS, readExpected(file));
    assert.deepEqual(
      verdict.unexpected.map(({ file, line }) => `${file}:${line}`),
      unexpected,
    );
    assert.deepEqual(verdict.stale, stale);
  }
  for (const bad of ['[]', '{"a":"x"}', '{"a:1":""}', '{']) {
    assert.throws(() => readExpected(write('expected.json', bad)), { code: 'TENON_WAST_FILE' });
  }
});
