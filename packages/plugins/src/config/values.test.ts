import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { read, type Source, SourceError, Values } from './values.ts';

const folder = mkdtempSync(join(tmpdir(), 'tenon-config-'));
after(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
function file(text: string): string {
  const path = join(folder, `f${++files}`);
  writeFileSync(path, text);
  return path;
}

/** A directory as Kubernetes mounts it: keys are links through `..data`, which is swapped as a whole. */
function mounted(values: Record<string, string>): { path: string; swap(values: Record<string, string>): void } {
  const path = join(folder, `d${++files}`);
  let version = 0;
  const write = (current: Record<string, string>): void => {
    const name = `..v${++version}`;
    mkdirSync(join(path, name), { recursive: true });
    for (const [key, value] of Object.entries(current)) writeFileSync(join(path, name, key), value);
    symlinkSync(name, join(path, '..new'));
    renameSync(join(path, '..new'), join(path, '..data'));
  };
  write(values);
  for (const key of Object.keys(values)) symlinkSync(join('..data', key), join(path, key));
  return { path, swap: write };
}

const cases: readonly [what: string, source: () => Source, expected: Record<string, string>][] = [
  ['values', () => ({ values: { a: '1' } }), { a: '1' }],
  ['the environment by prefix', () => ({ environment: 'APP_' }), { A: 'x', B_C: 'y' }],
  [
    'lines',
    () => ({ file: file('# comment\n\nA = 1\nB="two words"\nC=\'x\'\r\nD=a=b\nE=\n') }),
    { A: '1', B: 'two words', C: 'x', D: 'a=b', E: '' },
  ],
  ['JSON', () => ({ file: file(' {"a":"x","n":1.5,"t":true}') }), { a: 'x', n: '1.5', t: 'true' }],
  ['a mounted directory', () => ({ directory: mounted({ a: '1', b: 'two\n' }).path }), { a: '1', b: 'two\n' }],
];
for (const [what, source, expected] of cases) {
  test(`reads ${what}`, () => {
    assert.deepEqual(Object.fromEntries(read(source(), { APP_A: 'x', APP_B_C: 'y', APP_: 'no', OTHER: 'z' })), expected);
  });
}

const bad: readonly [what: string, source: () => Source, message: RegExp][] = [
  ['a file that is not there', () => ({ file: join(folder, 'none') }), /none: ENOENT/],
  ['a directory that is not there', () => ({ directory: join(folder, 'none') }), /none: ENOENT/],
  ['a line without a key', () => ({ file: file('A=1\nnonsense') }), /line 2 is not KEY=VALUE/],
  ['JSON in JSON', () => ({ file: file('{"a":{}}') }), /"a" is not a string/],
  ['broken JSON', () => ({ file: file('{"a":') }), /JSON/],
  ['a huge file', () => ({ file: file('A='.padEnd(2 ** 20 + 1, 'x')) }), /larger than/],
];
for (const [what, source, message] of bad) {
  test(`refuses ${what} by its path`, () =>
    assert.throws(
      () => new Values([source()]),
      (error) => error instanceof SourceError && message.test(error.message),
    ));
}

test('later sources win, and changes are seen within a second', () => {
  const clock = { ms: 0 };
  const directory = mounted({ b: 'old' });
  const path = file('c=1');
  const values = new Values([{ values: { a: '1', b: '1' } }, { directory: directory.path }, { file: path }], () => clock.ms);
  assert.deepEqual(Object.fromEntries(values.current), { a: '1', b: 'old', c: '1' });
  directory.swap({ b: 'new' });
  writeFileSync(path, 'c=2\nd=3');
  assert.equal(values.current.get('b'), 'old');
  clock.ms += 1000;
  assert.deepEqual(Object.fromEntries(values.current), { a: '1', b: 'new', c: '2', d: '3' });
  rmSync(path);
  clock.ms += 1000;
  assert.equal(values.current.get('d'), '3');
});
