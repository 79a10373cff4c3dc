import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ValType } from '@tenon/component';
import { ToolkitError } from '../errors.ts';
import { parseValue } from './parse.ts';
import { printValue } from './print.ts';

const bool: ValType = { kind: 'bool' };
const u8: ValType = { kind: 'u8' };
const s32: ValType = { kind: 's32' };
const u64: ValType = { kind: 'u64' };
const f32: ValType = { kind: 'f32' };
const f64: ValType = { kind: 'f64' };
const char: ValType = { kind: 'char' };
const string: ValType = { kind: 'string' };
const list = (element: ValType, length?: number): ValType => ({ kind: 'list', element, length });
const option = (type: ValType): ValType => ({ kind: 'option', type });
const result = (ok: ValType | undefined, err: ValType | undefined): ValType => ({ kind: 'result', ok, err });
const record: ValType = {
  kind: 'record',
  fields: [
    { name: 'must-have', type: u8 },
    { name: 'maybe', type: option(u8) },
  ],
};
const allOptional: ValType = { kind: 'record', fields: [{ name: 'maybe', type: option(u8) }] };
const variant: ValType = {
  kind: 'variant',
  cases: [
    { name: 'empty', type: undefined },
    { name: 'body', type: list(u8) },
    { name: 'err', type: string },
  ],
};
const status: ValType = { kind: 'enum', names: ['ok', 'not-found'] };
const perms: ValType = { kind: 'flags', names: ['read', 'write-all'] };

/** `printed` is given where it is not the text itself. */
const values: { type: ValType; text: string; value: unknown; printed?: string }[] = [
  { type: bool, text: 'true', value: true },
  { type: u8, text: '255', value: 255 },
  { type: s32, text: '-2147483648', value: -2147483648 },
  { type: u64, text: '18446744073709551615', value: 18446744073709551615n },
  { type: f64, text: '6.022e+23', value: 6.022e23 },
  { type: f64, text: 'nan', value: Number.NaN },
  { type: f64, text: '-inf', value: -Infinity },
  { type: f64, text: '-0', value: -0 },
  { type: f32, text: '0.1', value: Math.fround(0.1) },
  { type: f32, text: '16777216', value: 16777216 },
  { type: char, text: "'☃'", value: '☃' },
  { type: char, text: "'\\''", value: "'" },
  { type: char, text: "'\\u{0}'", value: '\0' },
  { type: string, text: '"abc\\t\\"☃\\" \\\\"', value: 'abc\t"☃" \\' },
  { type: string, text: '"\\u{1F600}"', value: '😀', printed: '"😀"' },
  { type: string, text: '"""\nA single line\n"""', value: 'A single line', printed: '"A single line"' },
  { type: string, text: '"""\n    one\n      two\n  """', value: '  one\n    two', printed: '"  one\\n    two"' },
  { type: string, text: '"""\n"""', value: '', printed: '""' },
  { type: { kind: 'tuple', types: [u8, string] }, text: '(123, "abc")', value: [123, 'abc'] },
  { type: { kind: 'tuple', types: [u8] }, text: '( 1 , )', value: [1], printed: '(1)' },
  { type: list(u8), text: '[1, 2, 3]', value: new Uint8Array([1, 2, 3]) },
  { type: list(u64), text: '[1, 2,]', value: new BigUint64Array([1n, 2n]), printed: '[1, 2]' },
  { type: list(f32, 2), text: '[0.5, nan]', value: new Float32Array([0.5, Number.NaN]) },
  { type: list(char), text: "['a', 'b']", value: ['a', 'b'] },
  { type: list(bool), text: '[]', value: [] },
  { type: record, text: '{maybe: 3, must-have: 1}', value: { mustHave: 1, maybe: 3 }, printed: '{must-have: 1, maybe: some(3)}' },
  { type: record, text: '{must-have: 1}', value: { mustHave: 1, maybe: undefined } },
  { type: allOptional, text: '{:}', value: { maybe: undefined } },
  { type: variant, text: 'empty', value: { tag: 'empty' } },
  { type: variant, text: 'body([79, 75])', value: { tag: 'body', val: new Uint8Array([79, 75]) } },
  { type: variant, text: '%err("oops")', value: { tag: 'err', val: 'oops' } },
  { type: status, text: '%ok', value: 'ok' },
  { type: status, text: 'not-found', value: 'not-found' },
  { type: perms, text: '{write-all, read,}', value: { read: true, writeAll: true }, printed: '{read, write-all}' },
  { type: perms, text: '{}', value: { read: false, writeAll: false } },
  { type: option(u8), text: '123', value: 123, printed: 'some(123)' },
  { type: option(u8), text: 'none', value: undefined },
  { type: option(status), text: '%ok', value: 'ok', printed: 'some(%ok)' },
  { type: option(option(u8)), text: 'some(none)', value: { tag: 'some', val: undefined } },
  { type: option(option(u8)), text: 'none', value: { tag: 'none' } },
  { type: option(option(option(u8))), text: 'none', value: undefined },
  { type: option(option(option(u8))), text: 'some(none)', value: { tag: 'none' } },
  { type: result(u8, undefined), text: '7', value: { tag: 'ok', val: 7 }, printed: 'ok(7)' },
  { type: result(undefined, string), text: 'err("oops")', value: { tag: 'err', val: 'oops' } },
  { type: result(undefined, undefined), text: 'ok', value: { tag: 'ok' } },
  {
    type: { kind: 'map', key: string, value: u8 },
    text: '[("a", 1), ("b", 2)]',
    value: new Map([
      ['a', 1],
      ['b', 2],
    ]),
  },
  { type: list(u8), text: '[ // one\n 1 ]', value: new Uint8Array([1]), printed: '[1]' },
];

for (const { type, text, value, printed } of values) {
  test(`wave: ${JSON.stringify(text)} of ${type.kind}`, () => {
    const parsed = parseValue(text, type);
    assert.deepEqual(parsed, value);
    assert.equal(printValue(parsed, type), printed ?? text);
    assert.deepEqual(parseValue(printed ?? text, type), value);
  });
}

const errors: { type: ValType; text: string; message: RegExp; column: number }[] = [
  { type: s32, text: '"x"', message: /expected s32, found `"x"`/, column: 0 },
  { type: s32, text: '', message: /expected s32, found the end/, column: 0 },
  { type: u8, text: '256', message: /256 is out of range for u8 \(0 to 255\)/, column: 0 },
  { type: u8, text: '1.5', message: /expected u8, found `1.5`/, column: 0 },
  { type: u8, text: '01', message: /expected the end after the u8/, column: 1 },
  { type: u8, text: '1 2', message: /expected the end after the u8, found `2`/, column: 2 },
  { type: string, text: '"abc', message: /no closing/, column: 0 },
  { type: string, text: '"\\x"', message: /unknown escape `\\x`/, column: 1 },
  { type: string, text: '"\\u{d800}"', message: /no Unicode scalar value/, column: 1 },
  { type: char, text: "'ab'", message: /one Unicode scalar value/, column: 1 },
  { type: char, text: "''", message: /one character/, column: 1 },
  { type: list(u8), text: '[1, true]', message: /expected u8, found `true`/, column: 4 },
  { type: list(u8), text: '[1', message: /expected `,` or `\]`, found the end/, column: 2 },
  { type: list(u8, 2), text: '[1]', message: /expected 2 elements, found 1/, column: 0 },
  { type: record, text: '{}', message: /lacks `must-have: u8`/, column: 0 },
  { type: record, text: '{must-hav: 1}', message: /no field `must-hav`; did you mean `must-have`\?/, column: 1 },
  { type: record, text: '{must-have: 1, must-have: 2}', message: /given twice/, column: 15 },
  { type: variant, text: 'bodi([])', message: /no case `bodi`; did you mean `body`\?/, column: 0 },
  { type: variant, text: 'empty(1)', message: /has no payload/, column: 0 },
  { type: variant, text: 'body', message: /expected `body\(list<u8>\)`, found the end/, column: 4 },
  { type: status, text: 'ok', message: /write `%ok`/, column: 0 },
  { type: perms, text: '{exec}', message: /no flag `exec`/, column: 1 },
  { type: option(option(u8)), text: '1', message: /expected `some\(…\)` or `none`/, column: 0 },
  { type: { kind: 'tuple', types: [u8] }, text: '(1, 2)', message: /has only 1 elements/, column: 4 },
  { type: string, text: '"""\n  a\n b\n  """', message: /at least 2 spaces/, column: 0 },
];

for (const { type, text, message, column } of errors) {
  test(`wave error: ${JSON.stringify(text)} of ${type.kind}`, () => {
    assert.throws(
      () => parseValue(text, type),
      (error) => {
        assert.ok(error instanceof ToolkitError);
        assert.equal(error.code, 'TENON_WAVE');
        assert.match(error.message, message);
        assert.equal(error.message.split('\n').at(-1), `  ${' '.repeat(column)}^`);
        return true;
      },
    );
  });
}

test('wave errors on long input stay short, and show the place', () => {
  const long = 'x'.repeat(100_000);
  const cases: { type: ValType; text: string; shown: RegExp }[] = [
    { type: list(u8), text: `[${'1, '.repeat(50_000)}true]`, shown: /^ {2}….*1, 1, true\]$/m },
    { type: list(u8), text: `[true, ${'1, '.repeat(50_000)}]`, shown: /^ {2}\[true, 1, .*…$/m },
    { type: s32, text: `"${long}"`, shown: /expected s32, found `"x{10,}/ },
    { type: record, text: `{${long}: 1}`, shown: /no field `x+…`/ },
    { type: status, text: long, shown: /`x+…`/ },
    { type: string, text: `"${long}`, shown: /no closing/ },
    { type: string, text: `"\u001b[2J${long}\n"`, shown: /line break/ },
  ];
  for (const { type, text, shown } of cases) {
    assert.throws(
      () => parseValue(text, type),
      (error) => {
        assert.ok(error instanceof ToolkitError);
        assert.match(error.message, shown);
        assert.ok(error.message.length < 500, `${error.message.length}`);
        const [line = '', caret = ''] = error.message.split('\n').slice(-2);
        assert.match(caret, /^ +\^$/);
        assert.ok(caret.length <= line.length + 1, 'the caret is below the text');
        return true;
      },
    );
  }
});
