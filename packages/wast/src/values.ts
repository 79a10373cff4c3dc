/**
 * Values as scripts write them, `(list.const (u8.const 1))`, in the specification's terms: `none` is not `undefined`, -0 is not 0.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/Explainer.md#type-definitions
 */
import { WastError } from './errors.ts';
import { nearestFloat } from './float.ts';
import { type Sexpr, textOf } from './sexpr.ts';

export type IntegerKind = 'u8' | 's8' | 'u16' | 's16' | 'u32' | 's32' | 'u64' | 's64';
export type Value =
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: IntegerKind; readonly value: bigint }
  /** Core integers carry no sign: kept as the unsigned number. */
  | { readonly kind: 'i32' | 'i64'; readonly value: bigint }
  | { readonly kind: 'f32' | 'f64'; readonly value: number }
  | { readonly kind: 'char' | 'string'; readonly value: string }
  | { readonly kind: 'list' | 'tuple'; readonly items: readonly Value[] }
  | { readonly kind: 'record'; readonly fields: readonly (readonly [string, Value])[] }
  | { readonly kind: 'variant'; readonly name: string; readonly payload: Value | undefined }
  | { readonly kind: 'enum'; readonly name: string }
  | { readonly kind: 'option'; readonly payload: Value | undefined }
  | { readonly kind: 'result'; readonly ok: boolean; readonly payload: Value | undefined }
  | { readonly kind: 'flags'; readonly names: readonly string[] };

/** Smallest and largest value of each integer kind. */
export const INTEGERS: Readonly<Record<string, readonly [bigint, bigint]>> = {
  u8: [0n, 0xffn],
  s8: [-0x80n, 0x7fn],
  u16: [0n, 0xffffn],
  s16: [-0x8000n, 0x7fffn],
  u32: [0n, 0xffffffffn],
  s32: [-0x80000000n, 0x7fffffffn],
  u64: [0n, 0xffffffffffffffffn],
  s64: [-0x8000000000000000n, 0x7fffffffffffffffn],
  i32: [-0x80000000n, 0xffffffffn],
  i64: [-0x8000000000000000n, 0xffffffffffffffffn],
};

/** @throws WastError TENON_WAST_SYNTAX (without a place: the caller knows the directive). */
export function readValue(node: Sexpr): Value {
  if (node.kind !== 'list') throw bad('expected a value such as `(u32.const 1)`');
  const [head, ...rest] = node.items;
  const keyword = head?.kind === 'atom' ? head.text : '';
  const one = (): Sexpr => {
    const [only] = rest;
    if (only === undefined || rest.length !== 1) throw bad(`\`${keyword}\` takes one operand`);
    return only;
  };
  const payload = (operands: readonly Sexpr[]): Value | undefined => {
    if (operands.length > 1) throw bad(`\`${keyword}\` takes one payload`);
    return operands[0] && readValue(operands[0]);
  };
  const [kind] = keyword.split('.const');
  switch (keyword) {
    case 'bool.const': {
      const word = atom(one());
      if (word !== 'true' && word !== 'false') throw bad(`\`${word}\` is not a bool`);
      return { kind: 'bool', value: word === 'true' };
    }
    case 'u8.const':
    case 's8.const':
    case 'u16.const':
    case 's16.const':
    case 'u32.const':
    case 's32.const':
    case 'u64.const':
    case 's64.const':
      return { kind: kind as IntegerKind, value: integer(atom(one()), kind as IntegerKind) };
    case 'i32.const':
    case 'i64.const': {
      const core = kind as 'i32' | 'i64';
      return { kind: core, value: BigInt.asUintN(core === 'i32' ? 32 : 64, integer(atom(one()), core)) };
    }
    case 'f32.const':
      return { kind: 'f32', value: float(atom(one()), 'f32') };
    case 'f64.const':
      return { kind: 'f64', value: float(atom(one()), 'f64') };
    case 'char.const': {
      const value = string(one());
      if ([...value].length !== 1) throw bad('`char.const` takes one character');
      return { kind: 'char', value };
    }
    case 'str.const':
      return { kind: 'string', value: string(one()) };
    case 'list.const':
      return { kind: 'list', items: rest.map(readValue) };
    case 'tuple.const':
      return { kind: 'tuple', items: rest.map(readValue) };
    case 'record.const':
      return { kind: 'record', fields: rest.map(field) };
    case 'variant.const': {
      const [name, ...operands] = rest;
      if (name === undefined) throw bad('`variant.const` needs the name of a case');
      return { kind: 'variant', name: string(name), payload: payload(operands) };
    }
    case 'enum.const':
      return { kind: 'enum', name: string(one()) };
    case 'option.none':
      if (rest.length > 0) throw bad('`option.none` has no payload');
      return { kind: 'option', payload: undefined };
    case 'option.some':
      return { kind: 'option', payload: readValue(one()) };
    case 'result.ok':
    case 'result.err':
      return { kind: 'result', ok: keyword === 'result.ok', payload: payload(rest) };
    case 'flags.const':
      return { kind: 'flags', names: rest.map(string) };
    default:
      throw bad(`\`${keyword}\` is not a value: expected something like \`(u32.const 1)\``);
  }
}

/** The field's value is written without parentheses of its own: `(field "x" u32.const 1)`; with them is read too. */
function field(node: Sexpr): readonly [string, Value] {
  if (node.kind === 'list') {
    const [head, name, ...operands] = node.items;
    const [only] = operands;
    if (head?.kind === 'atom' && head.text === 'field' && name && only) {
      const value = operands.length === 1 && only.kind === 'list' ? only : ({ ...node, items: operands } as const);
      return [string(name), readValue(value)];
    }
  }
  throw bad('expected `(field "name" VALUE)`');
}

const bad = (message: string): WastError => new WastError('TENON_WAST_SYNTAX', message);

function atom(node: Sexpr): string {
  if (node.kind !== 'atom') throw bad('expected a literal');
  return node.text;
}

function string(node: Sexpr): string {
  if (node.kind !== 'string') throw bad('expected a string');
  return textOf(node);
}

function integer(literal: string, kind: string): bigint {
  const match = /^([+-]?)(\d+(?:_\d+)*|0x[0-9a-fA-F]+(?:_[0-9a-fA-F]+)*)$/.exec(literal);
  if (match?.[2] === undefined) throw bad(`\`${literal}\` is not an integer`);
  const value = BigInt(match[2].replaceAll('_', '')) * (match[1] === '-' ? -1n : 1n);
  const [least, most] = INTEGERS[kind] ?? [0n, 0n];
  if (value < least || value > most) throw bad(`\`${literal}\` is out of range for ${kind}`);
  return value;
}

function float(literal: string, kind: 'f32' | 'f64'): number {
  const text = literal.replaceAll('_', '');
  const sign = text.startsWith('-') ? -1 : 1;
  const magnitude = text.replace(/^[+-]/, '');
  if (magnitude === 'inf') return sign * Number.POSITIVE_INFINITY;
  // The Component Model has one NaN: payloads and signs do not survive lifting and lowering.
  if (/^nan(:.*)?$/.test(magnitude)) return Number.NaN;
  const value = nearestFloat(magnitude, kind);
  if (value === undefined) throw bad(`\`${literal}\` is not a float`);
  return sign * value;
}

/** Why `actual` is not `expected`; undefined when it is. */
export function difference(expected: Value, actual: Value, path = ''): string | undefined {
  const mismatch = (): string => `${path === '' ? '' : `${path}: `}expected ${show(expected)}, got ${show(actual)}`;
  if (expected.kind !== actual.kind) return mismatch();
  switch (expected.kind) {
    case 'list':
    case 'tuple': {
      if (actual.kind !== expected.kind || expected.items.length !== actual.items.length) return mismatch();
      for (const [index, item] of expected.items.entries()) {
        const other = actual.items[index];
        const found = other && difference(item, other, `${path}[${index}]`);
        if (found !== undefined) return found;
      }
      return undefined;
    }
    case 'record': {
      if (actual.kind !== 'record' || expected.fields.length !== actual.fields.length) return mismatch();
      for (const [index, [name, value]] of expected.fields.entries()) {
        const other = actual.fields[index];
        if (other === undefined || other[0] !== name) return mismatch();
        const found = difference(value, other[1], `${path}.${name}`);
        if (found !== undefined) return found;
      }
      return undefined;
    }
    case 'variant':
    case 'option':
    case 'result': {
      if (actual.kind !== 'variant' && actual.kind !== 'option' && actual.kind !== 'result') return mismatch();
      if (expected.kind === 'variant' && actual.kind === 'variant' && expected.name !== actual.name) return mismatch();
      if (expected.kind === 'result' && actual.kind === 'result' && expected.ok !== actual.ok) return mismatch();
      if (expected.payload === undefined || actual.payload === undefined)
        return expected.payload === actual.payload ? undefined : mismatch();
      return difference(expected.payload, actual.payload, `${path}.payload`);
    }
    case 'enum':
      return actual.kind === 'enum' && expected.name === actual.name ? undefined : mismatch();
    case 'flags':
      return actual.kind === 'flags' && new Set(expected.names).symmetricDifference(new Set(actual.names)).size === 0
        ? undefined
        : mismatch();
    default:
      // Object.is: every NaN is equal, and -0 is not 0.
      return 'value' in actual && Object.is(expected.value, actual.value) ? undefined : mismatch();
  }
}

const PRINT_LIMIT = 200;

/** A value as a script would write it, cut where it gets long. */
export function show(value: Value): string {
  const text = print(value);
  return text.length > PRINT_LIMIT ? `${text.slice(0, PRINT_LIMIT)}…` : text;
}

function print(value: Value): string {
  const wrap = (keyword: string, operands: readonly string[]): string => `(${[keyword, ...operands].join(' ')})`;
  switch (value.kind) {
    case 'list':
    case 'tuple':
      return wrap(`${value.kind}.const`, value.items.slice(0, PRINT_LIMIT).map(print));
    case 'record':
      return wrap(
        'record.const',
        value.fields.map(([name, inner]) => `(field ${JSON.stringify(name)} ${print(inner)})`),
      );
    case 'variant':
      return wrap('variant.const', [JSON.stringify(value.name), ...(value.payload ? [print(value.payload)] : [])]);
    case 'enum':
      return wrap('enum.const', [JSON.stringify(value.name)]);
    case 'option':
      return value.payload ? wrap('option.some', [print(value.payload)]) : '(option.none)';
    case 'result':
      return wrap(value.ok ? 'result.ok' : 'result.err', value.payload ? [print(value.payload)] : []);
    case 'flags':
      return wrap(
        'flags.const',
        value.names.map((name) => JSON.stringify(name)),
      );
    case 'string':
      return wrap('str.const', [JSON.stringify(value.value)]);
    case 'char':
      return wrap('char.const', [JSON.stringify(value.value)]);
    default:
      return wrap(`${value.kind}.const`, [Object.is(value.value, -0) ? '-0' : String(value.value)]);
  }
}
