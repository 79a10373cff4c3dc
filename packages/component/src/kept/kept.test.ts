import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import { type CodeCache, Component, ComponentError, Linker } from '../index.ts';
import { decodeGraph, encodeGraph } from './graph.ts';

const shared = { deep: [1n, 'text'] };
const loop: unknown[] = [];
loop.push(loop, { loop });

const values: { what: string; value: unknown }[] = [
  { what: 'primitives', value: [null, true, -1.5, 'a\u2028\ud800', 12345678901234567890n, undefined] },
  { what: 'an object with undefined', value: { a: undefined, b: [undefined] } },
  { what: 'maps with any keys', value: new Map<unknown, unknown>([[1, 'one'], [shared, new Map()]]) }, // biome-ignore format: short
  { what: 'bytes', value: { empty: new Uint8Array(), bytes: new Uint8Array([1, 2, 255]), more: new Uint8Array([9]) } },
  { what: 'lists that look like tags', value: [['map', 1, 2], ['bytes', 0, 1], ['list']] },
  { what: 'names with a meaning', value: JSON.parse('{ "__proto__": { "x": 1 }, "constructor": 2 }') },
];

for (const { what, value } of values) {
  test(`plain data, to bytes and back: ${what}`, () => {
    assert.deepEqual(decodeGraph(encodeGraph(value)), value);
  });
}

test('what is one object stays one, also in a circle', () => {
  const copy = decodeGraph(encodeGraph([shared, shared, loop])) as [object, object, unknown[]];
  assert.equal(copy[0], copy[1]);
  assert.equal(copy[2][0], copy[2]);
  let doubled: unknown = 'x';
  for (let depth = 0; depth < 200; depth++) doubled = [doubled, doubled];
  assert.ok(encodeGraph(doubled).length < 10_000);
  assert.throws(() => encodeGraph(new Date()), TypeError);
});

/** A cache in memory that counts, and can be spoilt. */
function memory(): CodeCache & { readonly kept: Map<string, Uint8Array>; hits: number } {
  const kept = new Map<string, Uint8Array>();
  return {
    kept,
    hits: 0,
    async get(key) {
      assert.match(key, /^[0-9a-f]+$/);
      const found = kept.get(key);
      if (found !== undefined) this.hits++;
      return found;
    },
    async put(key, bytes) {
      kept.set(key, bytes);
    },
  };
}

const guest = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(fileURLToPath(new URL(`../../../../guests/${name}/${name}.wasm`, import.meta.url))));

const names = (component: Component): unknown => [
  component.imports.map((i) => [i.name, i.type.kind]),
  component.exports.map((e) => [e.name, e.type]),
];

test('a component from the cache is as one that was validated', async () => {
  for (const name of ['rust-calculator', 'rust-abi', 'rust-cli', 'c-abi']) {
    const cache = memory();
    const first = await Component.compile(guest(name), { cache });
    assert.equal(cache.kept.size, 1);
    const second = await Component.compile(guest(name), { cache });
    assert.equal(cache.hits, 1);
    assert.deepEqual(names(second), names(first));
    assert.deepEqual(second.ownPlan(), first.ownPlan());
    assert.deepEqual(second.definition, first.definition);
  }
  const cache = memory();
  await Component.compile(guest('rust-calculator'), { cache });
  const { exports } = await new Linker().instantiate(await Component.compile(guest('rust-calculator'), { cache }));
  assert.equal((exports.math as { add(a: number, b: number): number }).add(2, 3), 5);
});

test('what is damaged, or another component, is not used', async () => {
  const cache = memory();
  const bytes = guest('rust-calculator');
  await Component.compile(bytes, { cache });
  const [[key = '', good = new Uint8Array()] = []] = cache.kept;
  for (const spoilt of [good.subarray(0, 3), good.subarray(0, good.length >> 1), new Uint8Array(100), new Uint8Array()]) {
    cache.kept.set(key, spoilt);
    const component = await Component.compile(bytes, { cache });
    assert.equal(component.exports.length, 1);
    assert.deepEqual(cache.kept.get(key), good, 'it is made anew');
  }
  await Component.compile(guest('c-abi'), { cache });
  assert.equal(cache.kept.size, 2);
});

test('a cache that fails is none, and what is invalid is refused each time and never kept', async () => {
  const broken: CodeCache = { get: () => Promise.reject(new Error('no')), put: () => Promise.reject(new Error('no')) };
  assert.equal((await Component.compile(guest('rust-calculator'), { cache: broken })).exports.length, 1);
  const cache = memory();
  const invalid = guest('rust-calculator').fill(0xff, 2000, 2010);
  for (let i = 0; i < 2; i++) await assert.rejects(Component.compile(invalid, { cache }), ComponentError);
  assert.equal(cache.kept.size, 0);
});

test('what depends on more than the bytes is not kept: components for component imports, types of core modules that are exported', async () => {
  const cases = [
    '(component (core module (func (export "f"))) (export "m" (core module 0)))',
    '(component (import "c" (component (export "f" (func)))) (instance (instantiate 0)) (export "i" (instance 0)))',
  ];
  for (const text of cases) {
    const cache = memory();
    const component = await Component.compile(await parse(text), { cache });
    assert.equal(cache.kept.size, 0, text);
    assert.equal(component.isPlanned, text.includes('core module'), text);
  }
});
