import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const folder = mkdtempSync(path.join(tmpdir(), 'cli-wast-'));
after(() => rmSync(folder, { recursive: true }));
for (const name of ['texts', 'imports', 'legacy']) mkdirSync(path.join(folder, name));
writeFileSync(
  path.join(folder, 'a.wast'),
  '(module (func (export "f") (result i32) (i32.const 3)))\n(assert_return (invoke "f") (i32.const 4))\n',
);
writeFileSync(path.join(folder, 'known.json'), '{"a.wast:2": "three is not four"}');
writeFileSync(path.join(folder, 'stale.json'), '{"a.wast:1": "passes", "a.wast:2": "three is not four"}');

writeFileSync(
  path.join(folder, 'texts', 'trap.wast'),
  '(module (func (export "f") unreachable))\n(assert_trap (invoke "f") "wasm `unreachable` instruction executed")\n(assert_trap (invoke "f") "other words")\n',
);
writeFileSync(path.join(folder, 'texts.json'), '{"other words": ["nothing", "unreachable"]}');
writeFileSync(path.join(folder, 'empty.json'), '{"other words": ""}');
writeFileSync(
  path.join(folder, 'imports', 'a.wast'),
  '(component (import "nowhere" (func $f)) (export "f" (func $f)))\n(assert_return (invoke "f"))\n(assert_invalid (component) "")\n',
);
writeFileSync(
  path.join(folder, 'legacy', 'a.wast'),
  '(component (core module $m (func (export "d") (param i32))) (core instance $m (instantiate $m)) (type (resource (rep i32) (dtor (func $m "d")))))',
);

const BIN = fileURLToPath(new URL('../../bin/tenon.js', import.meta.url));
const wast = (...args: string[]) =>
  spawnSync(process.execPath, [BIN, 'wast', ...args], { cwd: folder, encoding: 'utf8', env: { ...process.env, NO_COLOR: '1' } });

test('exit codes and what is printed', () => {
  const cases: [string[], number, RegExp][] = [
    [['a.wast'], 1, /^a\.wast:2: assert_return: fail: expected \(i32\.const 4\), got \(i32\.const 3\)$/m],
    [['--expected', 'known.json', 'a.wast'], 0, /^total +1 +2 +1 +1/m],
    [['--expected', 'stale.json', 'a.wast'], 1, /^a\.wast:1: passes, though it is listed in stale\.json$/m],
    [['texts'], 1, /^trap\.wast:3: assert_trap: fail: it trapped, but not with "other words": wasm trap: wasm `unreachable`/m],
    [['--texts', 'texts.json', 'texts'], 0, /^total +1 +3 +3/m],
    [['--texts', 'empty.json', 'texts'], 2, /none of them empty/],
    [['imports'], 1, /nowhere/],
    [['--validate', 'imports'], 1, /^a\.wast:3: assert_invalid: fail: .*accepted[\s\S]*^total +1 +2 +1 +1/m],
    [['legacy'], 1, /WAST_STRICT_COMPONENT_INDICES=0/],
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

test('the assembler takes legacy references where the environment says so', () => {
  const env = { ...process.env, WAST_STRICT_COMPONENT_INDICES: '0' };
  const { status, stdout } = spawnSync(process.execPath, [BIN, 'wast', 'legacy'], { cwd: folder, encoding: 'utf8', env });
  assert.equal(status, 0, stdout);
});

test('--json prints a line a directive, and nothing else, to stdout', () => {
  const { stdout, stderr } = wast('--json', 'a.wast');
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
