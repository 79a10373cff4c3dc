import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alignment, casesOf, discriminantSize, elemSize, fieldsOf, flatten, flattenFunc } from './layout.ts';
import type { FuncType, PrimitiveKind, ValType } from './types.ts';

const p = (kind: PrimitiveKind): ValType => ({ kind });
const record = (...types: ValType[]): ValType => ({ kind: 'record', fields: types.map((type, i) => ({ name: `f${i}`, type })) });
const variant = (...types: (ValType | undefined)[]): ValType => ({
  kind: 'variant',
  cases: types.map((type, i) => ({ name: `c${i}`, type })),
});
const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `n${i}`);
const list = (element: ValType, length?: number): ValType => ({ kind: 'list', element, length });
const many = (count: number, type: ValType): ValType => ({ kind: 'tuple', types: Array.from({ length: count }, () => type) });

const table: readonly (readonly [string, ValType, number, number, string])[] = [
  ['bool', p('bool'), 1, 1, 'i32'],
  ['s16', p('s16'), 2, 2, 'i32'],
  ['char', p('char'), 4, 4, 'i32'],
  ['u64', p('u64'), 8, 8, 'i64'],
  ['f32', p('f32'), 4, 4, 'f32'],
  ['f64', p('f64'), 8, 8, 'f64'],
  ['string', p('string'), 4, 8, 'i32 i32'],
  ['list', list(p('u64')), 4, 8, 'i32 i32'],
  ['fixed-length list', list(p('u16'), 3), 2, 6, 'i32 i32 i32'],
  ['map', { kind: 'map', key: p('u8'), value: p('string') }, 4, 8, 'i32 i32'],
  ['record with padding', record(p('u8'), p('u32'), p('u8')), 4, 12, 'i32 i32 i32'],
  ['tuple', { kind: 'tuple', types: [p('u8'), p('u64')] }, 8, 16, 'i32 i64'],
  ['option<u8>', { kind: 'option', type: p('u8') }, 1, 2, 'i32 i32'],
  ['option<f32>', { kind: 'option', type: p('f32') }, 4, 8, 'i32 f32'],
  ['result<f32, u32>', { kind: 'result', ok: p('f32'), err: p('u32') }, 4, 8, 'i32 i32'],
  ['result<f64, u64>', { kind: 'result', ok: p('f64'), err: p('u64') }, 8, 16, 'i32 i64'],
  ['result', { kind: 'result', ok: undefined, err: undefined }, 1, 1, 'i32'],
  ['variant that joins position by position', variant(p('string'), record(p('f32'), p('f64'), p('f32'))), 8, 32, 'i32 i32 i64 f32'],
  ['enum of 256', { kind: 'enum', names: names(256) }, 1, 1, 'i32'],
  ['enum of 257', { kind: 'enum', names: names(257) }, 2, 2, 'i32'],
  ['flags of 8', { kind: 'flags', names: names(8) }, 1, 1, 'i32'],
  ['flags of 9', { kind: 'flags', names: names(9) }, 2, 2, 'i32'],
  ['flags of 17', { kind: 'flags', names: names(17) }, 4, 4, 'i32'],
  ['own', { kind: 'own', resource: 0 }, 4, 4, 'i32'],
  ['stream', { kind: 'stream', element: p('u8') }, 4, 4, 'i32'],
];

for (const [name, type, align, size, flat] of table) {
  test(`layout of ${name}`, () => {
    assert.equal(alignment(type), align);
    assert.equal(elemSize(type), size);
    assert.equal(flatten(type).join(' '), flat);
  });
}

test('64-bit memories double pointers and lengths', () => {
  assert.equal(elemSize(p('string'), 'i64'), 16);
  assert.equal(alignment(list(p('u8')), 'i64'), 8);
  assert.deepEqual(flatten(record(p('string')), 'i64'), ['i64', 'i64']);
  assert.equal(elemSize(p('string')), 8);
});

test('discriminants have 1, 2 or 4 bytes', () => {
  assert.deepEqual([1, 256, 257, 65536, 65537].map(discriminantSize), [1, 1, 2, 2, 4]);
});

test('a huge type costs nothing to flatten', () => {
  assert.equal(flatten(list(list(p('u8'), 2 ** 30), 2 ** 30)).length, 17);
  assert.equal(flatten(many(10_000, p('u8'))).length, 17);
  assert.equal(flatten(variant(many(10_000, p('u8')), many(16, p('u64')))).length, 17);
});

test('cases and fields of specialised types', () => {
  assert.deepEqual(casesOf({ kind: 'option', type: p('u8') }), [
    { name: 'none', type: undefined },
    { name: 'some', type: p('u8') },
  ]);
  assert.deepEqual(
    casesOf({ kind: 'result', ok: p('u8'), err: undefined }).map((c) => c.name),
    ['ok', 'error'],
  );
  assert.deepEqual(
    casesOf({ kind: 'enum', names: ['a', 'b'] }).map((c) => c.name),
    ['a', 'b'],
  );
  assert.deepEqual(fieldsOf({ kind: 'tuple', types: [p('u8')] }), [{ name: '0', type: p('u8') }]);
});

const func = (params: ValType[], result?: ValType): FuncType => ({
  params: params.map((type, i) => ({ name: `p${i}`, type })),
  result,
  async: false,
});
const signature = (...args: Parameters<typeof flattenFunc>): string => {
  const { params, results } = flattenFunc(...args);
  return `${params.join(' ')} -> ${results.join(' ')}`;
};

test('function types spill', () => {
  const u32s = (count: number): ValType[] => Array.from({ length: count }, () => p('u32'));
  const sixteen = u32s(16);
  assert.equal(signature(func([p('string')], p('u64')), 'lift'), 'i32 i32 -> i64');
  assert.equal(signature(func([p('string')], p('string')), 'lift'), 'i32 i32 -> i32');
  assert.equal(signature(func([p('string')], p('string')), 'lower'), 'i32 i32 i32 -> ');
  assert.equal(signature(func(sixteen), 'lower'), `${'i32 '.repeat(16)}-> `);
  assert.equal(signature(func([...sixteen, p('u64')]), 'lift'), 'i32 -> ');
  assert.equal(signature(func([...sixteen, p('u64')], p('string')), 'lower'), 'i32 i32 -> ');
  assert.equal(signature(func(u32s(5), p('u8')), 'lower', { async: true }), 'i32 i32 -> i32');
  assert.equal(signature(func(u32s(4)), 'lower', { async: true }), 'i32 i32 i32 i32 -> i32');
  assert.equal(signature(func(u32s(4), p('string')), 'lift', { async: true }), 'i32 i32 i32 i32 -> ');
  assert.equal(signature(func([], p('string')), 'lift', { async: true, callback: true }), ' -> i32');
  assert.equal(signature(func([p('string')], p('string')), 'lower', { pointer: 'i64' }), 'i64 i64 i64 -> ');
});
