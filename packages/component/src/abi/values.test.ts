/** Every type of value goes from the host through flat values and memory into a guest, out of it to a host function, and back. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import {
  bool,
  char,
  compileGuest,
  f64,
  func,
  list,
  option,
  record,
  result,
  s32,
  startGuest,
  string,
  tuple,
  u8,
  u32,
  u64,
  variant,
} from '../../test/core-guest.ts';
import { passOn } from '../../test/pass-on.ts';
import { VALUE_CASES } from '../../test/value-cases.ts';
import type { StringEncoding } from '../binary/definitions.ts';
import type { ValType } from '../types/types.ts';
import { prepareLift } from './lift.ts';
import { prepareLower } from './lower.ts';

let module: WebAssembly.Module;
before(async () => {
  module = await compileGuest();
});

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

for (const encoding of ['utf8', 'utf16', 'latin1+utf16'] as const) {
  // 16 more parameters: all of them go through memory.
  for (const padding of [0, 16]) {
    describe(`${encoding}, ${padding === 0 ? 'flat' : 'spilled'} parameters`, () => {
      for (const { name, type, values, changed = [] } of VALUE_CASES) {
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
  const flags: ValType = { kind: 'flags', names: ['a'] };
  const choice: ValType = { kind: 'enum', names: ['case-0', 'case-1'] };
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
    ['flags', flags, { a: 1 }, /parameter `a`\.a: expected a boolean, found 1/],
    ['an unknown flag', flags, { b: true }, /parameter `a`\.b: expected no such flag \(they are a\), found true/],
    ['flags of a list', flags, ['a'], /expected flags of a \(an object of booleans\), found an array of 1/],
    ['flags of null', flags, null, /expected flags of a/],
    ['names in camel case', { kind: 'flags', names: ['write-all'] }, 1, /expected flags of writeAll /],
    ['fields in camel case', record({ 'x-y': u8 }), 1, /expected a record of xY, found 1/],
    ['u8 out of range', u8, 256, /expected u8, found 256, which is out of range \(0 to 255\)$/],
    ['s16 out of range', { kind: 's16' }, -32769, /expected s16, found -32769, which is out of range \(-32768 to 32767\)$/],
    ['u64 out of range', u64, -1n, /expected u64 \(a bigint\), found -1n, which is out of range \(0 to 18446744073709551615\)$/],
    ...[u8, u32, { kind: 's32' } as const, { kind: 's8' } as const, f64, bool].flatMap((type) =>
      [1n, Symbol('s'), {}, { valueOf: () => 1 }, [1], null, undefined].map(
        (value) =>
          [`${type.kind} of ${typeof value}`, type, value, new RegExp(`^\`f\`: parameter \`a\`: expected ${type.kind}.*found `)] as const,
      ),
    ),
    ['enum', choice, 'case-2', /expected one of "case-0", "case-1", found "case-2"/],
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

test('bytes may be given as an ArrayBuffer, and flags as nothing', () => {
  const bytes = Uint8Array.of(1, 2, 3);
  assert.deepEqual(echo(list(u8), 'utf8', 0)(bytes.buffer), bytes);
  assert.deepEqual(echo(list(u8), 'utf8', 16)(bytes.buffer), bytes);
  assert.deepEqual(echo({ kind: 'flags', names: ['a'] }, 'utf8', 0)(undefined), { a: false });
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
