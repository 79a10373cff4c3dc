import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { folder, guest } from '../test/tenon.ts';

const REGISTER = new URL('./register.ts', import.meta.url).href;

/** Runs a module in a folder that has components beside it. */
async function run(cwd: string, source: string): Promise<string> {
  writeFileSync(join(cwd, 'app.mjs'), source);
  return (await promisify(execFile)(process.execPath, ['--import', REGISTER, join(cwd, 'app.mjs')], { cwd })).stdout;
}

test('a component is a module', async (t) => {
  const cwd = folder(t);
  copyFileSync(guest('rust-calculator'), join(cwd, 'calculator.wasm'));
  const printed = await run(
    cwd,
    `import { math, 'example:calculator/math' as full } from './calculator.wasm';
     const dynamic = await import('./calculator.wasm');
     console.log(math.add(1, 2), full === math, dynamic.math === math);`,
  );
  assert.equal(printed, '3 true true\n');
});

test("imports are the modules that package.json names, and missing ones are the linker's error", async (t) => {
  const cwd = folder(t);
  copyFileSync(guest('rust-abi'), join(cwd, 'abi.wasm'));
  const source = `
    import { values, resources } from './abi.wasm';
    console.log(values.add(2, 3), resources.callHost('x'));`;
  await assert.rejects(run(cwd, source), /TENON_IMPORT_MISSING[\s\S]*example:abi\/host/);
  writeFileSync(join(cwd, 'package.json'), JSON.stringify({ imports: { '#example:abi/host': './host.mjs' } }));
  writeFileSync(
    join(cwd, 'host.mjs'),
    `export class Counter { constructor(n) { this.n = n; } next() { return this.n++; } static merge(a, b) { return new Counter(a.n + b.n); } }
     export const log = () => {};
     export const reverse = (text) => [...text].reverse().join('');
     export const parse = (text) => text.length;
     export const describe = () => [0, ''];`,
  );
  assert.match(await run(cwd, source), /^5 /);
});

test('what stands in the world itself is imported and exported, and an export that waits is another module’s import', async (t) => {
  const { parse } = await import('@bytecodealliance/jco');
  const cwd = folder(t);
  const members = (kind: string): string => `
    (${kind} "some-thing" (type $r (sub resource)))
    (${kind} "[constructor]some-thing" (func $new (param "n" u32) (result (own $r))))
    (${kind} "[method]some-thing.get" (func $get (param "self" (borrow $r)) (result u32)))
    (${kind} "then" (func $then (result u32)))`;
  writeFileSync(
    join(cwd, 'inner.wasm'),
    await parse(`(component ${members('import')}
      (core func $new (canon lower (func $new)))
      (core func $get (canon lower (func $get)))
      (core func $then (canon lower (func $then)))
      (core module $m
        (import "" "new" (func $new (param i32) (result i32)))
        (import "" "get" (func $get (param i32) (result i32)))
        (import "" "then" (func $then (result i32)))
        (func (export "run") (result i32) (i32.add (call $then) (call $get (call $new (i32.const 5))))))
      (core instance $i (instantiate $m (with "" (instance
        (export "new" (func $new)) (export "get" (func $get)) (export "then" (func $then))))))
      (func (export "run") (result u32) (canon lift (core func $i "run")))
      (func (export "then") (result u32) (canon lift (core func $i "run")))
      (export "class" (type $r)))`),
  );
  writeFileSync(
    join(cwd, 'outer.wasm'),
    await parse(`(component (import "run" (func $run (result u32)))
      (core func $run (canon lower (func $run)))
      (func (export "again") (result u32) (canon lift (core func $run))))`),
  );
  const imports = { '#some-thing': './thing.mjs', '#then': './thing.mjs', '#run': './inner.wasm' };
  writeFileSync(join(cwd, 'package.json'), JSON.stringify({ imports }));
  writeFileSync(
    join(cwd, 'thing.mjs'),
    `export class SomeThing { constructor(n) { this.n = n; } async get() { return this.n; } }
     export const then_ = () => 30;`,
  );
  const source = `const inner = await import('./inner.wasm');
    const { again } = await import('./outer.wasm');
    console.log(await inner.run(), await inner.then_(), typeof inner.Class, await again());`;
  assert.equal(await run(cwd, source), '35 35 function 35\n');
});

test('core modules and other files keep their own way', async (t) => {
  const cwd = folder(t);
  writeFileSync(join(cwd, 'core.wasm'), new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]));
  writeFileSync(join(cwd, 'data.json'), '{"a":1}');
  const source = `import data from './data.json' with { type: 'json' };
    const core = await import('./core.wasm').then((m) => Object.keys(m).length, (error) => error.code);
    console.log(data.a, core);`;
  const own = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', source], { cwd });
  assert.equal(await run(cwd, source), own.stdout);
  assert.ok(fileURLToPath(REGISTER).endsWith('register.ts'));
});
