import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { dummy } from '../../test/dummy.ts';
import { generateTypes } from './generate.ts';

const WIT = `package root:component;
world root {
  import a:b/host;
  export a:b/api;
  export a:b/host;
  export sum: func(numbers: list<s32>, extra: option<u8>) -> s64;
}
package a:b {
  interface host {
    resource file { constructor(path: string); read: func() -> result<list<u8>, string>; open: static func() -> file; }
    delete: func(f: borrow<file>);
    record options { depth: u8, follow-links: option<bool>, kind: kind }
    enum kind { plain, fancy-one }
    walk: func(o: options) -> list<tuple<string, u64>>;
  }
  interface api {
    use host.{file, options};
    flags rights { read, write }
    variant shape { empty, circle(f64) }
    draw: func(s: shape, r: rights) -> result<shape, options>;
    nested: func(o: option<option<u8>>, p: option<option<option<u8>>>) -> result;
    take: func(f: file);
  }
}`;

/** Compiles only when the declarations say what Tenon does. */
const USE = `
import { api, host, sum, type Exports, type Imports, type ABApi, type ABHost, type ExportedABHost } from './c.wasm';
import { host as versioned } from './c.wasm';
const shape: ABApi.Shape = api.draw({ tag: 'circle', val: 1 }, { read: true });
const total: bigint = sum([1, 2], undefined) + sum(new Int32Array(2), 3);
const nothing: void = api.nested({ tag: 'some', val: undefined }, undefined);
using file: ExportedABHost.File = new host.File('x');
const bytes: Uint8Array = file.read();
const options: ExportedABHost.Options = { depth: 1, kind: 'fancy-one' };
const walked: [string, bigint][] = host.walk({ ...options, followLinks: true });
versioned.delete(file);
class HostFile {
  constructor(path: string) { void path; }
  read(): number[] { return [1]; }
  static open(): HostFile { return new HostFile(''); }
}
const imports: Imports = { 'a:b/host': { File: HostFile, delete: (f: ABHost.File) => {}, walk: () => [['a', 1n]] } };
const whole: Exports['api'] = api;
// @ts-expect-error no such case
api.draw({ tag: 'square' }, {});
// @ts-expect-error 64 bits are a bigint
const wrong: number = sum([], 1);
export { shape, total, nothing, bytes, walked, imports, whole, wrong };
`;

const SPECIAL = `package root:component;
world root {
  resource thing { constructor(n: u32); constructor-of: func() -> string; make: static func() -> thing; }
  resource bare;
  record point { x: u32, to-string: bool }
  import move-by: func(p: point) -> point;
  import a:b/host;
  export a:b/host;
  export then: func() -> u8;
  export bytes: func(b: list<u8>);
}
package a:b {
  interface host {
    resource symbol { then: func() -> u8; }
    resource promise;
    resource uint8-array;
    resource error;
    resource %map;
    resource awaitable;
    get: func(b: list<u8>, e: borrow<error>) -> list<u8>;
    then: func() -> u8;
  }
}`;

const USE_SPECIAL = `
import { bytes, host, then_, type ABHost, type Exports, type Imports, type Point } from './c.wasm';
const point: Point = { x: 1, toString: true };
class Thing {
  constructor(n: number) { void n; }
  constructorOf(): string { return ''; }
  static make(): Thing { return new Thing(1); }
}
class Bare { unrelated = 1; }
class Symbol_ { then_(): number { return 1; } }
const one: ABHost.Promise = new Bare();
const imports: Pick<Imports, 'thing' | 'bare' | 'move-by'> = { thing: Thing, bare: Bare, 'move-by': (p) => p };
const given: Imports['a:b/host'] = {
  Symbol: Symbol_, Promise: Bare, Uint8Array: Bare, Error: Bare, Map: Bare, Awaitable: Bare,
  get: (b: Uint8Array) => b, then_: () => 1,
};
const got: Uint8Array = host.get(new Uint8Array(1).buffer, undefined as never);
const n: number = then_() + host.then_();
bytes([1]);
const dispose = (s: Exports['a:b/host']['Symbol']['prototype']): void => s[Symbol.dispose]();
export { point, one, imports, given, got, n, dispose };
`;

const USE_ASYNC = `
import { api, host, sum, type World, type ExportedABHost } from './c.wasm';
const file: ExportedABHost.File = await new host.File('x');
await using other = await host.File.open();
const bytes: Uint8Array = await file.read();
const is: boolean = file instanceof host.File;
const total: bigint = await sum([1, 2], undefined);
{ using third = await new host.File('y'); await api.take(third); }
const exports: World['exports']['api'] = api;
// @ts-expect-error a constructor of a guest that may wait returns a Promise
void new host.File('x').read();
// @ts-expect-error so does a function
const wrong: bigint = sum([], 1);
// @ts-expect-error what a host function returns may be a Promise only where it is defined with \`waits\`
const walk: World['imports']['a:b/host']['walk'] = async () => [['a', 1n]];
export { bytes, is, total, exports, wrong, walk, other };
`;

for (const [name, wit, use, asyncExports] of [
  ['what TypeScript code writes', WIT, USE, undefined],
  ['what TypeScript code writes for a guest that may wait', WIT, USE_ASYNC, true],
  ['names that TypeScript and JavaScript have for something else', SPECIAL, USE_SPECIAL, undefined],
] as const) {
  test(`generated declarations fit ${name}`, async () => {
    const { component } = await dummy('c', wit);
    const folder = mkdtempSync(join(tmpdir(), 'tenon-types-'));
    try {
      writeFileSync(join(folder, 'c.d.wasm.ts'), generateTypes(component, { file: 'c.wasm', asyncExports }));
      writeFileSync(join(folder, 'use.ts'), use);
      writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
      const compilerOptions = {
        strict: true,
        noEmit: true,
        target: 'esnext',
        module: 'nodenext',
        lib: ['esnext'],
        types: [],
        allowArbitraryExtensions: true,
        exactOptionalPropertyTypes: true,
      };
      writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['use.ts'] }));
      const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
      const result = spawnSync(process.execPath, [tsc, '--project', folder], { encoding: 'utf8' });
      assert.equal(result.stdout + result.stderr, '');
      assert.equal(result.status, 0);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
}

for (const [name, wit, asyncExports, expected] of [
  ['nothing imported', 'world root { export f: func() -> u8; }', undefined, 'f: () => number;'],
  ['a plain import', 'world root { import g: func(); export f: func() -> u8; }', undefined, 'f: () => number;'],
  [
    'a WASI import that may wait',
    'world root { import wasi:io/poll@0.2.0; export f: func() -> u8; } package wasi:io@0.2.0 { interface poll { poll: func(); } }',
    undefined,
    'f: () => Promise<number>;',
  ],
  [
    'an async function',
    'world root { export f: async func(a: stream<u8>, b: future<u32>) -> stream<string>; }',
    undefined,
    'f: (a: ReadableStream<Uint8Array> | AsyncIterable<Uint8Array> | Iterable<Uint8Array>, b: Promise<number> | number, options?: { readonly signal?: AbortSignal; readonly graceMilliseconds?: number }) => Promise<ReadableStream<string>>;',
  ],
  ['an async import', 'world root { import f: async func() -> u8; }', undefined, 'f: () => Promise<number> | number;'],
  ['async on request', 'world root { export f: func() -> u8; }', true, 'f: () => Promise<number>;'],
] as const) {
  test(`exports with ${name}`, async () => {
    const { component } = await dummy('c', `package root:component; ${wit}`);
    assert.ok(generateTypes(component, { file: 'c.wasm', asyncExports }).includes(expected));
  });
}
