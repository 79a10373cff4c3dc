/** Names that mean something to JavaScript, and names that two items would have: on the side of exports and on the side of imports. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parse } from '@bytecodealliance/jco';
import { Component, Linker } from '../index.ts';

const compile = async (text: string): Promise<Component> => Component.compile(new Uint8Array(await parse(text)));

/** What an interface or a world exports: functions that return their number, and a resource `r` with such functions. */
const names = {
  plain: ['then', 'constructor', 'to-string', 'value-of', 'catch', 'default', 'foo-1', 'has-own-property'],
  statics: ['then', 'prototype', 'name', 'length', 'caller', 'arguments', 'apply', 's-1'],
  methods: ['then', 'constructor', 'to-string', 'value-of', 'to-json', 'm-1'],
};

const ALL = [
  ...names.plain.map((name) => ({ full: name, self: false })),
  ...names.statics.map((name) => ({ full: `[static]q.${name}`, self: false })),
  ...names.methods.map((name) => ({ full: `[method]r.${name}`, self: true })),
];

const EXPECTED = {
  plain: ['then_', 'constructor', 'toString', 'valueOf', 'catch', 'default', 'foo1', 'hasOwnProperty'],
  statics: ['then_', 'prototype_', 'name', 'length', 'caller', 'arguments', 'apply', 's1'],
  methods: ['then_', 'constructor_', 'toString', 'valueOf', 'toJson', 'm1'],
};

const imports = (kind: 'import' | 'export'): string => `
  (${kind} "q" (type (sub resource)))
  (${kind} "r" (type $r (sub resource)))
  (${kind} "make" (func (result (own $r))))
  ${ALL.map(({ full, self }) => `(${kind} "${full}" (func ${self ? '(param "self" (borrow $r))' : ''} (result u32)))`).join('\n')}`;

/** Exports all that it imports, so that what is defined for a name shows under the name that the export has. */
const INTERFACE = `(component (import "a:b/c" (instance $c ${imports('export')})) (export "d:e/f" (instance $c)))`;

const GUEST = `(component
  (type $r (resource (rep i32)))
  (core func $new (canon resource.new $r))
  (core module $m
    (import "" "new" (func $new (param i32) (result i32)))
    (func (export "make") (result i32) (call $new (i32.const 1)))
    ${ALL.map(({ self }, i) => `(func (export "${i}") ${self ? '(param i32)' : ''} (result i32) (i32.const ${i}))`).join('\n')})
  (core instance $i (instantiate $m (with "" (instance (export "new" (func $new))))))
  (type $q (resource (rep i32)))
  (export "q" (type $q))
  (export $R "r" (type $r))
  (func (export "make") (result (own $R)) (canon lift (core func $i "make")))
  ${ALL.map(
    ({ full, self }, i) =>
      `(func (export "${full}") ${self ? '(param "self" (borrow $R))' : ''} (result u32) (canon lift (core func $i "${i}")))`,
  ).join('\n')})`;

type Functions = Readonly<Record<string, () => number>>;
const call = (owner: object, key: string): number => {
  assert.ok(Object.hasOwn(owner, key) || Object.hasOwn(Object.getPrototypeOf(owner), key), key);
  return ((owner as Functions)[key] as () => number)();
};

test('every export has a name, and none is taken for something else', async () => {
  const instance = await new Linker().instantiate(await compile(GUEST));
  const exports = await instance.exports;
  const R = (await exports.R) as object;
  const resource = (await (exports.make as () => object)()) as object;
  let number = 0;
  for (const [owner, keys] of [
    [exports, EXPECTED.plain],
    [exports.Q as object, EXPECTED.statics],
    [resource, EXPECTED.methods],
  ] as const) {
    for (const key of keys) assert.equal(call(owner, key), number++, key);
  }
  assert.ok(resource instanceof (R as new () => object));
});

test('a host defines them under the same names', async () => {
  let number = 0;
  const functions = (keys: readonly string[]): object =>
    Object.fromEntries(
      keys.map((key) => [
        key,
        (
          (value) => () =>
            value
        )(number++),
      ]),
    );
  const plain = functions(EXPECTED.plain);
  const statics = functions(EXPECTED.statics);
  const methods = functions(EXPECTED.methods);
  class Q {}
  class R {}
  for (const [target, members] of [
    [Q, statics],
    [R.prototype, methods],
  ] as const) {
    for (const [key, value] of Object.entries(members)) Object.defineProperty(target, key, { value, configurable: true });
  }
  const given = Object.assign(Object.create(null) as object, { Q, R, make: () => new R() }, plain);
  const { exports } = await new Linker().define('a:b/c', given).instantiate(await compile(INTERFACE));
  const f = exports['d:e/f'] as object;
  for (const [i, key] of EXPECTED.plain.entries()) assert.equal(call(f, key), i, key);
  const component = await compile(GUEST);
  const guest = await new Linker().instantiate(component);
  await new Linker().define('a:b/c', guest.exports).instantiate(await compile(INTERFACE));
});

describe('short names', () => {
  const inner =
    '(component $c (core module $m (func (export "f"))) (core instance $i (instantiate $m)) (func (export "f") (canon lift (core func $i "f"))))';
  for (const { name, exports, keys } of [
    { name: 'of one interface', exports: ['a:b/c-d@1.0.0'], keys: ['a:b/c-d@1.0.0', 'cD'] },
    { name: 'of two versions', exports: ['a:b/c@1.0.0', 'a:b/c@2.0.0'], keys: ['a:b/c@1.0.0', 'a:b/c@2.0.0'] },
    { name: 'of two packages', exports: ['a:b/c', 'x:y/c'], keys: ['a:b/c', 'x:y/c'] },
    { name: 'and another instance’s name', exports: ['a:b/c', 'c'], keys: ['a:b/c', 'c'] },
  ]) {
    test(name, async () => {
      const text = exports.map((each, i) => `(instance $i${i} (instantiate $c)) (export "${each}" (instance $i${i}))`);
      const instance = await new Linker().instantiate(await compile(`(component ${inner} ${text.join('\n')})`));
      assert.deepEqual(Object.keys(instance.exports).sort(), keys.toSorted());
    });
  }
});

test('names that would be one in JavaScript are one to the Component Model', async () => {
  for (const text of [
    '(import "foo-1" (func)) (import "foo1" (func))',
    '(type $t (record (field "a-b" u8) (field "ab" u8))) (export "t" (type $t))',
    '(type $t (flags "a-b" "a-B")) (export "t" (type $t))',
  ]) {
    await assert.rejects(compile(`(component ${text})`), { code: 'TENON_INVALID', message: /conflicts with previous/ });
  }
});
