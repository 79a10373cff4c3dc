/** Every type of value goes from the host through flat values and memory into a guest, out of it to a host function, and back. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import {
  bool,
  type CoreGuest,
  char,
  compileGuest,
  f32,
  f64,
  func,
  list,
  option,
  record,
  result,
  s32,
  s64,
  startGuest,
  string,
  tuple,
  u8,
  u32,
  u64,
  variant,
} from '../../test/core-guest.ts';
import type { StringEncoding } from '../binary/definitions.ts';
import { flattenFunc } from '../types/layout.ts';
import type { CoreValType, ValType } from '../types/types.ts';
import { prepareLift } from './lift.ts';
import { prepareLower } from './lower.ts';

let module: WebAssembly.Module;
before(async () => {
  module = await compileGuest();
});

/** What core wasm makes of a JavaScript value that is passed as a core type. */
function throughCore(type: CoreValType, value: unknown): unknown {
  switch (type) {
    case 'i64':
      return BigInt.asIntN(64, value as bigint);
    case 'f32':
      return Math.fround(value as number);
    case 'f64':
      return Number(value as number);
    default:
      assert.equal(typeof value, 'number', `a core ${type} from ${typeof value}`);
      return (value as number) | 0;
  }
}

/**
 * The core function of a guest whose lifted function does nothing but call its import: it passes its flat parameters on,
 * and the memory it gives for a spilled result.
 */
function passOn(
  guest: CoreGuest,
  type: ReturnType<typeof func>,
  lowered: (...args: unknown[]) => unknown,
): (...args: unknown[]) => unknown {
  const lift = flattenFunc(type, 'lift');
  const lower = flattenFunc(type, 'lower');
  return (...args) => {
    assert.equal(args.length, lift.params.length);
    const passed = args.map((arg, i) => throughCore(lift.params[i] ?? 'i32', arg));
    const out = lower.params.length > lift.params.length ? [guest.func('realloc')(0, 0, 16, 4096)] : [];
    const value = lowered(...passed, ...out);
    return out.length > 0 ? out[0] : lower.results[0] && throughCore(lower.results[0], value);
  };
}

function echo(type: ValType, encoding: StringEncoding, padding: number): (value: unknown) => unknown {
  const guest = startGuest(module);
  const signature = func([type, ...new Array<ValType>(padding).fill(u8)], type);
  const host = (value: unknown) => (type.kind === 'result' ? unresult(value) : value);
  const lowered = prepareLower(signature, encoding).bind(guest.binding('import'), host as never, false) as (...args: unknown[]) => unknown;
  const lifted = prepareLift(signature, encoding).bind(guest.binding('export'), passOn(guest, signature, lowered), undefined, false);
  return (value) => lifted(value, ...new Array(padding).fill(1));
}

function unresult(value: unknown): unknown {
  const { tag, val } = value as { tag: string; val: unknown };
  if (tag === 'ok') return val;
  throw Object.assign(new Error('the error case'), { code: 'TENON_RESULT', payload: val });
}

const flags = (...names: string[]): ValType => ({ kind: 'flags', names });
const enumOf = (count: number): ValType => ({ kind: 'enum', names: Array.from({ length: count }, (_, i) => `case-${i}`) });
const mixed = variant({ none: undefined, 'an-f32': f32, 'an-f64': f64, 'an-i32': s32, 'an-i64': u64, text: string, pair: tuple(f32, s64) });
const deep = record({
  'first-one': u8,
  second: option(record({ x: f64, names: list(string) })),
  third: variant({ a: list(tuple(u8, u64)), b: undefined }),
});

/** Type, and values: alone when they come back equal, else as `[given, expected]` in `changed`. */
const CASES: readonly {
  readonly name: string;
  readonly type: ValType;
  readonly values: readonly unknown[];
  readonly changed?: readonly (readonly [unknown, unknown])[];
}[] = [
  { name: 'bool', type: bool, values: [true, false] },
  { name: 'u8', type: u8, values: [0, 255] },
  { name: 's8', type: { kind: 's8' }, values: [-128, 127] },
  { name: 'u16', type: { kind: 'u16' }, values: [0, 65535] },
  { name: 's16', type: { kind: 's16' }, values: [-32768, 32767] },
  { name: 'u32', type: u32, values: [0, 2 ** 32 - 1, 2 ** 31] },
  { name: 's32', type: s32, values: [-(2 ** 31), 2 ** 31 - 1] },
  { name: 'u64', type: u64, values: [0n, 2n ** 64n - 1n, 2n ** 63n] },
  { name: 's64', type: s64, values: [-(2n ** 63n), 2n ** 63n - 1n] },
  { name: 'f32', type: f32, values: [0, -0, 1.5, Infinity, -Infinity, NaN], changed: [[0.1, Math.fround(0.1)]] },
  { name: 'f64', type: f64, values: [0, -0, 0.1, Number.MAX_VALUE, 5e-324, -Infinity, NaN] },
  { name: 'char', type: char, values: ['a', '\0', 'é', '\ud7ff', '\ue000', '😀', '\u{10ffff}'] },
  {
    name: 'string',
    type: string,
    values: [
      '',
      'a',
      'eleven char',
      'x'.repeat(25),
      'é',
      'ÿ'.repeat(40),
      'aé',
      '語',
      'x'.repeat(100),
      `${'x'.repeat(100)}é`,
      `${'x'.repeat(50)}語`,
      '😀😀',
      '\ufeffbom',
      'nul\0',
      'é'.repeat(70_000),
      '語'.repeat(70_000),
    ],
    changed: [
      ['lone \ud800', 'lone \ufffd'],
      ['\udc00', '\ufffd'],
      [`${'x'.repeat(60)}\ud800x`, `${'x'.repeat(60)}\ufffdx`],
    ],
  },
  {
    name: 'list<u8>',
    type: list(u8),
    values: [new Uint8Array([]), new Uint8Array([1, 255]), new Uint8Array(100_000).fill(9)],
    changed: [
      [[1, 2], new Uint8Array([1, 2])],
      [new Set([3]), new Uint8Array([3])],
      [new Uint8ClampedArray([4]), new Uint8Array([4])],
    ],
  },
  { name: 'list<s16>', type: list({ kind: 's16' }), values: [new Int16Array([-1, 2])], changed: [[[-5], new Int16Array([-5])]] },
  { name: 'list<u64>', type: list(u64), values: [new BigUint64Array([1n, 2n ** 64n - 1n])] },
  {
    name: 'list<s64>',
    type: list(s64),
    values: [new BigInt64Array([-1n])],
    changed: [[[-(2n ** 63n)], new BigInt64Array([-(2n ** 63n)])]],
  },
  { name: 'list<f32>', type: list(f32), values: [new Float32Array([1.5, NaN])] },
  { name: 'list<f64>', type: list(f64), values: [new Float64Array([0.1])] },
  { name: 'list<bool>', type: list(bool), values: [[true, false]] },
  { name: 'list<char>', type: list(char), values: [['a', '😀']] },
  { name: 'list<string>', type: list(string), values: [[], ['', 'a', 'b'.repeat(40_000), 'é']] },
  { name: 'list<list<string>>', type: list(list(string)), values: [[[], ['x'], ['y', 'z']]] },
  { name: 'list<u8, 3>', type: list(u8, 3), values: [new Uint8Array([1, 2, 3])], changed: [[[1, 2, 3], new Uint8Array([1, 2, 3])]] },
  { name: 'list<f32, 2>', type: list(f32, 2), values: [new Float32Array([1.5, -2])] },
  { name: 'list<string, 2>', type: list(string, 2), values: [['a', 'b']] },
  { name: 'list<u16, 20>', type: list({ kind: 'u16' }, 20), values: [Uint16Array.from({ length: 20 }, (_, i) => i)] },
  {
    name: 'map<string, u32>',
    type: { kind: 'map', key: string, value: u32 },
    values: [
      new Map(),
      new Map([
        ['a', 1],
        ['b', 2],
      ]),
    ],
    changed: [[[['k', 3]], new Map([['k', 3]])]],
  },
  { name: 'tuple', type: tuple(u8, u64, string), values: [[1, 2n, 'three']] },
  { name: 'record', type: record({ a: u8, 'b-c': u32 }), values: [{ a: 1, bC: 2 }] },
  {
    name: 'flags',
    type: flags('read', 'write-all', 'x'),
    values: [{ read: true, writeAll: false, x: true }],
    changed: [
      [{}, { read: false, writeAll: false, x: false }],
      [
        { writeAll: true, other: 1 },
        { read: false, writeAll: true, x: false },
      ],
    ],
  },
  { name: 'flags of 9', type: flags(...'abcdefghi'), values: [Object.fromEntries([...'abcdefghi'].map((k, i) => [k, i % 2 === 0]))] },
  {
    name: 'flags of 32',
    type: flags(...Array.from({ length: 32 }, (_, i) => `f${i}`)),
    values: [Object.fromEntries(Array.from({ length: 32 }, (_, i) => [`f${i}`, i === 31 || i === 0]))],
  },
  { name: 'enum', type: enumOf(3), values: ['case-0', 'case-2'] },
  { name: 'enum of 300', type: enumOf(300), values: ['case-0', 'case-299'] },
  {
    name: 'variant',
    type: mixed,
    values: [
      { tag: 'none' },
      { tag: 'an-f32', val: 1.5 },
      { tag: 'an-f64', val: 0.1 },
      { tag: 'an-i32', val: -1 },
      { tag: 'an-i64', val: 2n ** 64n - 1n },
      { tag: 'text', val: 'é' },
      { tag: 'pair', val: [-0.5, -1n] },
    ],
  },
  {
    name: 'variant of f32 and i32',
    type: variant({ f: f32, i: s32 }),
    values: [
      { tag: 'f', val: -1.25 },
      { tag: 'i', val: -7 },
    ],
  },
  {
    name: 'variant in variant',
    type: variant({ outer: variant({ inner: f32, other: u32 }), wide: f64 }),
    values: [
      { tag: 'outer', val: { tag: 'inner', val: 2.5 } },
      { tag: 'outer', val: { tag: 'other', val: 2 ** 32 - 1 } },
      { tag: 'wide', val: 0.1 },
    ],
  },
  {
    name: 'variant of handles of lists',
    type: variant({ l: list(u8), w: u64, o: option(string) }),
    values: [
      { tag: 'l', val: new Uint8Array([1]) },
      { tag: 'w', val: 1n },
      { tag: 'o', val: 'x' },
      { tag: 'o', val: undefined },
    ],
  },
  { name: 'option', type: option(u32), values: [undefined, 0, 7], changed: [[null, undefined]] },
  {
    name: 'option<option>',
    type: option(option(u32)),
    values: [{ tag: 'none' }, { tag: 'some', val: undefined }, { tag: 'some', val: 3 }],
  },
  {
    name: 'option<option<option>>',
    type: option(option(option(u32))),
    values: [undefined, { tag: 'none' }, { tag: 'some', val: undefined }, { tag: 'some', val: 3 }],
  },
  { name: 'a result as part', type: tuple(result(u32, string)), values: [[{ tag: 'ok', val: 1 }], [{ tag: 'err', val: 'no' }]] },
  { name: 'result<_, _> as part', type: tuple(result()), values: [[{ tag: 'ok' }], [{ tag: 'err' }]] },
  {
    name: 'deep',
    type: deep,
    values: [
      {
        firstOne: 1,
        second: { x: 0.5, names: ['a', 'é'] },
        third: {
          tag: 'a',
          val: [
            [1, 2n],
            [3, 4n],
          ],
        },
      },
      { firstOne: 2, second: undefined, third: { tag: 'b' } },
    ],
  },
];

for (const encoding of ['utf8', 'utf16', 'latin1+utf16'] as const) {
  // 16 more parameters: all of them go through memory.
  for (const padding of [0, 16]) {
    describe(`${encoding}, ${padding === 0 ? 'flat' : 'spilled'} parameters`, () => {
      for (const { name, type, values, changed = [] } of CASES) {
        test(name, () => {
          const call = echo(type, encoding, padding);
          for (const [given, expected] of [...values.map((value) => [value, value]), ...changed])
            assert.deepStrictEqual(call(given), expected);
        });
      }
    });
  }
}

describe('a result as the result of a function', () => {
  const type = result(u32, variant({ 'not-found': undefined, other: string }));
  const call = (): ((value: unknown) => unknown) => echo(type, 'utf8', 0);

  test('ok is the return value', () => assert.equal(call()({ tag: 'ok', val: 5 }), 5));
  test('err is thrown with its payload', () => {
    assert.throws(() => call()({ tag: 'err', val: { tag: 'other', val: 'why' } }), {
      code: 'TENON_RESULT',
      payload: { tag: 'other', val: 'why' },
    });
    assert.throws(() => call()({ tag: 'err', val: { tag: 'not-found' } }), {
      code: 'TENON_RESULT',
      payload: { tag: 'not-found' },
      message: /not-found/,
    });
  });
  test('the instance can be called again after it', () => {
    const again = call();
    assert.throws(() => again({ tag: 'err', val: { tag: 'not-found' } }), { code: 'TENON_RESULT' });
    assert.equal(again({ tag: 'ok', val: 6 }), 6);
  });
});

describe('values that do not fit', () => {
  const cases: readonly (readonly [string, ValType, unknown, RegExp])[] = [
    ['bool', bool, 1, /parameter `a`: expected bool, found 1/],
    ['u8', u8, 256, /expected u8, found 256/],
    ['u8 of a fraction', u8, 1.5, /expected u8, found 1.5/],
    ['u32 of a string', u32, '1', /expected u32, found "1"/],
    ['s32', s32, 2 ** 31, /expected s32/],
    ['s32 of NaN', s32, NaN, /expected s32, found NaN/],
    ['u64 of a number', u64, 1, /expected u64 \(a bigint\), found 1/],
    ['u64 of a negative', u64, -1n, /expected u64 .*found -1n/],
    ['f64', f64, '1', /expected f64/],
    ['char', char, 'ab', /expected char/],
    ['char of a surrogate', char, '\ud800', /expected char/],
    ['string', string, 5, /expected string, found 5/],
    ['list of a string', list(char), 'ab', /expected list<char>, found "ab"/],
    ['list of an object', list(u8), {}, /expected list<u8>, found an object of class Object/],
    ['list element', list(u8), [1, 300], /parameter `a`\[1\]: expected u8, found 300/],
    ['fixed list', list(u8, 2), [1], /expected list<u8, 2>, found an array of 1/],
    ['tuple', tuple(u8, u8), [1], /expected tuple<u8, u8>, found an array of 1/],
    ['record', record({ x: u8 }), undefined, /expected a record of x, found undefined/],
    ['record field', record({ 'x-y': record({ z: u8 }) }), { xY: { z: -1 } }, /parameter `a`\.xY\.z: expected u8, found -1/],
    ['flags', flags('a'), { a: 1 }, /parameter `a`\.a: expected a boolean, found 1/],
    ['enum', enumOf(2), 'case-2', /expected one of "case-0", "case-1", found "case-2"/],
    ['variant', variant({ a: u8 }), { tag: 'b' }, /expected a variant with the tag "a", found "b"/],
    ['variant payload', variant({ a: u8 }), { tag: 'a' }, /parameter `a`\.val: expected u8, found undefined/],
    ['option payload', option(u8), 'x', /parameter `a`: expected u8, found "x"/],
    ['map', { kind: 'map', key: string, value: u8 }, new Map([['a', 'b']]), /parameter `a`\[0\]\[1\]: expected u8, found "b"/],
  ];
  for (const padding of [0, 16]) {
    for (const [name, type, value, message] of cases) {
      test(`${name}${padding === 0 ? '' : ', spilled'}`, () => {
        const guest = startGuest(module);
        const signature = func([type, ...new Array<ValType>(padding).fill(u8)]);
        const call = prepareLift(signature, 'utf8').bind(guest.binding('f'), () => undefined, undefined, false);
        const rest = new Array(padding).fill(0);
        assert.throws(() => call(value, ...rest), { code: 'TENON_VALUE_TYPE', message });
        // The instance is as it was.
        assert.throws(() => call(value, ...rest), { code: 'TENON_VALUE_TYPE' });
        assert.equal(guest.instance.store.trap, undefined);
      });
    }
  }
});

test('what a getter throws passes unchanged, and the instance stays usable', () => {
  const guest = startGuest(module);
  const call = prepareLift(func([record({ x: u8 })]), 'utf8').bind(guest.binding('f'), () => undefined, undefined, false);
  const error = new Error('mine');
  const value = {
    get x(): number {
      throw error;
    },
  };
  assert.throws(
    () => call(value),
    (thrown) => thrown === error,
  );
  assert.equal(call({ x: 1 }), undefined);
});

test('types that share their parts take no exponential time or text', () => {
  let nested: ValType = u32;
  for (let i = 0; i < 14; i++) nested = variant(Object.fromEntries(Array.from({ length: 10 }, (_, c) => [`case-${c}`, nested])));
  let value: unknown = 5;
  for (let i = 0; i < 14; i++) value = { tag: 'case-9', val: value };
  assert.deepEqual(echo(nested, 'utf8', 0)(value), value);
  assert.deepEqual(echo(nested, 'utf8', 16)(value), value);
  let pairs: ValType = u8;
  for (let i = 0; i < 40; i++) pairs = tuple(pairs, option(pairs));
  const call = prepareLift(func([pairs, { kind: 'own', resource: 0 }]), 'utf8').bind(
    startGuest(module).binding('f'),
    () => undefined,
    undefined,
    false,
  );
  assert.throws(
    () => call(1),
    (error) => error instanceof Error,
  );
});
