import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSexprs } from './sexpr.ts';
import { difference, readValue, show, type Value } from './values.ts';

const value = (source: string): Value => {
  const [node] = readSexprs(source);
  assert.ok(node);
  return readValue(node);
};

test('reads and shows every kind of value', () => {
  const same = [
    '(bool.const true)',
    '(u8.const 255)',
    '(s8.const -128)',
    '(u64.const 18446744073709551615)',
    '(s64.const -9223372036854775808)',
    '(f32.const 0.5)',
    '(f64.const -0)',
    '(f64.const NaN)',
    '(char.const "é")',
    '(str.const "a b")',
    '(list.const (u8.const 1) (u8.const 2))',
    '(tuple.const (u8.const 1) (str.const "x"))',
    '(record.const (field "a-b" (u32.const 1)))',
    '(variant.const "a")',
    '(variant.const "a" (u8.const 1))',
    '(enum.const "x")',
    '(option.none)',
    '(option.some (option.none))',
    '(result.ok)',
    '(result.err (str.const "e"))',
    '(flags.const "a" "b")',
  ];
  for (const source of same) assert.equal(show(value(source.replace('NaN', 'nan'))), source);
  assert.equal(show(value('(record.const (field "a" list.const (u8.const 1)))')), '(record.const (field "a" (list.const (u8.const 1))))');
});

test('number literals', () => {
  const cases: [string, bigint | number][] = [
    ['(u32.const 0xff_ff)', 65535n],
    ['(s32.const -0x80000000)', -2147483648n],
    ['(i32.const -1)', 4294967295n],
    ['(i64.const 0xffffffffffffffff)', 18446744073709551615n],
    ['(f64.const 1_0.5e1)', 105],
    ['(f64.const 0x1.8p3)', 12],
    ['(f64.const 0x1p-1074)', 5e-324],
    ['(f64.const -inf)', -Infinity],
    ['(f32.const 0.1)', Math.fround(0.1)],
    ['(f32.const nan:canonical)', NaN],
  ];
  for (const [source, expected] of cases) {
    const read = value(source);
    assert.ok('value' in read && Object.is(read.value, expected), source);
  }
});

test('refuses what is not a value', () => {
  const cases = [
    'x',
    '(u8.const 256)',
    '(u8.const -1)',
    '(u8.const 1.5)',
    '(u8.const)',
    '(u8.const 1 2)',
    '(bool.const 1)',
    '(char.const "ab")',
    '(char.const "")',
    '(record.const (u8.const 1))',
    '(option.none (u8.const 1))',
    '(f32.const x)',
    '(v128.const 1)',
    '(str.const "\\ff")',
  ];
  for (const source of cases) assert.throws(() => value(source), { code: 'TENON_WAST_SYNTAX' }, source);
});

test('differences are the specification’s, not JavaScript’s', () => {
  const cases: [string, string, string | undefined][] = [
    ['(f64.const nan)', '(f64.const nan:0x1)', undefined],
    ['(f64.const 0)', '(f64.const -0)', 'expected (f64.const 0), got (f64.const -0)'],
    ['(u32.const 1)', '(s32.const 1)', 'expected (u32.const 1), got (s32.const 1)'],
    ['(option.some (option.none))', '(option.none)', 'expected (option.some (option.none)), got (option.none)'],
    ['(option.some (option.none))', '(option.some (option.none))', undefined],
    ['(flags.const "a" "b")', '(flags.const "b" "a")', undefined],
    ['(flags.const "a")', '(flags.const)', 'expected (flags.const "a"), got (flags.const)'],
    ['(result.ok)', '(result.err)', 'expected (result.ok), got (result.err)'],
    ['(enum.const "a")', '(variant.const "a")', 'expected (enum.const "a"), got (variant.const "a")'],
    ['(list.const (u8.const 1))', '(list.const (u8.const 2))', '[0]: expected (u8.const 1), got (u8.const 2)'],
    ['(list.const)', '(list.const (u8.const 2))', 'expected (list.const), got (list.const (u8.const 2))'],
    ['(variant.const "a" (u8.const 1))', '(variant.const "a" (u8.const 3))', '.payload: expected (u8.const 1), got (u8.const 3)'],
    [
      '(record.const (field "a" u8.const 1) (field "b" u8.const 2))',
      '(record.const (field "a" u8.const 1) (field "b" u8.const 0))',
      '.b: expected (u8.const 2), got (u8.const 0)',
    ],
  ];
  for (const [expected, actual, message] of cases)
    assert.equal(difference(value(expected), value(actual)), message, `${expected} ${actual}`);
});

test('long values are cut', () => {
  assert.ok(show({ kind: 'list', items: Array.from({ length: 10_000 }, () => ({ kind: 'u8', value: 1n })) }).length < 300);
});
