/**
 * Values of every type, as the embedder gives and gets them. They are passed through the host boundary alone and through a fused adapter:
 * both must treat them the same.
 */
import type { ValType } from '../src/types/types.ts';
import { bool, char, f32, f64, list, option, record, result, s32, s64, string, tuple, u8, u32, u64, variant } from './core-guest.ts';

const flags = (...names: string[]): ValType => ({ kind: 'flags', names });
const enumOf = (count: number): ValType => ({ kind: 'enum', names: Array.from({ length: count }, (_, i) => `case-${i}`) });
const mixed = variant({ none: undefined, 'an-f32': f32, 'an-f64': f64, 'an-i32': s32, 'an-i64': u64, text: string, pair: tuple(f32, s64) });
const deep = record({
  'first-one': u8,
  second: option(record({ x: f64, names: list(string) })),
  third: variant({ a: list(tuple(u8, u64)), b: undefined }),
});

/** Type, and values: alone when they come back equal, else as `[given, expected]` in `changed`. */
export const VALUE_CASES: readonly {
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
      [{ writeAll: true }, { read: false, writeAll: true, x: false }],
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
