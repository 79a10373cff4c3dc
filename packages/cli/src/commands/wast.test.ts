import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const folder = mkdtempSync(path.join(tmpdir(), 'cli-wast-'));
after(() => rmSync(folder, { recursive: true }));
writeFileSync(
  path.join(folder, 'a.wast'),
  '(module (func (export "f") (result i32) (i32.const 3)))\n(assert_return (invoke "f") (i32.const 4))\n',
);
writeFileSync(path.join(folder, 'known.json'), '{"a.wast:2": "three is not four"}');
writeFileSync(path.join(folder, 'stale.json'), '{"a.wast:1": "passes", "a.wast:2": "three is not four"}');

const BIN = fileURLToPath(new URL('../../bin/tenon.js', import.meta.url));
const wast = (...args: string[]) =>
  spawnSync(process.execPath, [BIN, 'wast', ...args], { cwd: folder, encoding: 'utf8', env: { ...process.env, NO_COLOR: '1' } });

test('exit codes and what is printed', () => {
  const cases: [string[], number, RegExp][] = [
    [['.'], 1, /^a\.wast:2: assert_return: fail: expected \(i32\.const 4\), got \(i32\.const 3\)$/m],
    [['--expected', 'known.json', '.'], 0, /^total +1 +2 +1 +1/m],
    [['--expected', 'stale.json', '.'], 1, /^a\.wast:1: passes, though it is listed in stale\.json$/m],
    [[], 2, /TENON_USAGE/],
    [['nowhere'], 2, /TENON_WAST_FILE/],
    [['--timeout', '0', '.'], 2, /from 1 to/],
  ];
  for (const [args, code, output] of cases) {
    const { status, stdout, stderr } = wast(...args);
    assert.match(stdout + stderr, output, args.join(' '));
    assert.equal(status, code, args.join(' '));
  }
});

test('--json prints a line a directive, and nothing else, to stdout', () => {
  const { stdout, stderr } = wast('--json', '.');
  assert.deepEqual(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
    [
      { file: 'a.wast', line: 1, type: 'module', status: 'pass', message: '' },
      { file: 'a.wast', line: 2, type: 'assert_return', status: 'fail', message: 'expected (i32.const 4), got (i32.const 3)' },
    ],
  );
  assert.match(stderr, /^total/m);
});
