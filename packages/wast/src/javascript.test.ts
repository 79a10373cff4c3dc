import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ValType } from '@tenon/component';
import { fromJavaScript, toJavaScript } from './javascript.ts';
import { readSexprs } from './sexpr.ts';
import { difference, readValue, type Value } from './values.ts';

const value = (source: string): Value => {
  const [node] = readSexprs(source);
  assert.ok(node);
  return readValue(node);
};
const u8: ValType = { kind: 'u8' };
const option = (type: ValType): ValType => ({ kind: 'option', type });

test('each type maps to JavaScript and back', () => {
  const cases: [ValType, string, unknown][] = [
    [u8, '(u8.const 7)', 7],
    [{ kind: 's64' }, '(s64.const -7)', -7n],
    [{ kind: 'f64' }, '(f64.const -0)', -0],
    [{ kind: 'char' }, '(char.const "é")', 'é'],
    [{ kind: 'list', element: u8, length: undefined }, '(list.const (u8.const 1))', Uint8Array.of(1)],
    [{ kind: 'list', element: { kind: 'string' }, length: 1 }, '(list.const (str.const "x"))', ['x']],
    [{ kind: 'tuple', types: [u8, { kind: 'bool' }] }, '(tuple.const (u8.const 1) (bool.const false))', [1, false]],
    [{ kind: 'record', fields: [{ name: 'a-b', type: u8 }] }, '(record.const (field "a-b" u8.const 1))', { aB: 1 }],
    [{ kind: 'variant', cases: [{ name: 'a-b', type: u8 }] }, '(variant.const "a-b" (u8.const 1))', { tag: 'a-b', val: 1 }],
    [{ kind: 'variant', cases: [{ name: 'a', type: undefined }] }, '(variant.const "a")', { tag: 'a' }],
    [{ kind: 'enum', names: ['a-b'] }, '(enum.const "a-b")', 'a-b'],
    [{ kind: 'flags', names: ['a-b', 'c'] }, '(flags.const "c")', { aB: false, c: true }],
    [option(u8), '(option.none)', undefined],
    [option(u8), '(option.some (u8.const 1))', 1],
    [option(option(u8)), '(option.none)', { tag: 'none' }],
    [option(option(u8)), '(option.some (option.none))', { tag: 'some', val: undefined }],
    [option(option(option(u8))), '(option.none)', undefined],
    [option(option(option(u8))), '(option.some (option.none))', { tag: 'none' }],
    [{ kind: 'result', ok: undefined, err: u8 }, '(result.ok)', { tag: 'ok' }],
    [{ kind: 'result', ok: undefined, err: u8 }, '(result.err (u8.const 1))', { tag: 'err', val: 1 }],
  ];
  for (const [type, source, js] of cases) {
    const expected = value(source);
    const made = toJavaScript(expected, type);
    assert.deepEqual(ArrayBuffer.isView(js) ? (js.constructor as typeof Uint8Array).from(made as number[]) : made, js, source);
    assert.equal(difference(expected, fromJavaScript(js, type)), undefined, source);
  }
});

test('a map keeps its repeated keys on the way in', () => {
  const map: ValType = { kind: 'map', key: u8, value: { kind: 'string' } };
  const entries = value('(list.const (tuple.const (u8.const 1) (str.const "a")) (tuple.const (u8.const 1) (str.const "b")))');
  assert.deepEqual(toJavaScript(entries, map), [
    [1, 'a'],
    [1, 'b'],
  ]);
  const back = fromJavaScript(new Map([[1, 'a']]), map);
  assert.equal(difference(value('(list.const (tuple.const (u8.const 1) (str.const "a")))'), back), undefined);
});

test('a result of the wrong shape is an error', () => {
  const cases: [unknown, ValType][] = [
    ['7', u8],
    [256, u8],
    [-0, u8],
    [1.5, u8],
    [1, { kind: 'u64' }],
    [1, { kind: 'bool' }],
    ['ab', { kind: 'char' }],
    [[1], { kind: 'list', element: u8, length: undefined }],
    [Uint8Array.of(1), { kind: 'list', element: u8, length: 2 }],
    [{ 'a-b': 1 }, { kind: 'record', fields: [{ name: 'a-b', type: u8 }] }],
    [{ tag: 'x' }, { kind: 'variant', cases: [{ name: 'a', type: undefined }] }],
    [undefined, option(option(u8))],
    [{ aB: 1 }, { kind: 'flags', names: ['a-b'] }],
    [{}, { kind: 'result', ok: undefined, err: undefined }],
    [[], { kind: 'map', key: u8, value: u8 }],
    [{}, { kind: 'own', resource: 0 }],
  ];
  for (const [js, type] of cases) assert.throws(() => fromJavaScript(js, type), /the engine returned/, type.kind);
});

test('an argument of the wrong type is an error that names the place', () => {
  assert.throws(() => toJavaScript(value('(list.const (u8.const 1) (s8.const 1))'), { kind: 'list', element: u8, length: undefined }), {
    message: 'the argument[1] is (s8.const 1), not a u8',
  });
  assert.throws(() => toJavaScript(value('(enum.const "x")'), { kind: 'enum', names: ['a'] }), /not a enum/);
});
