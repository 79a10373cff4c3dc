/**
 * WAVE text → JavaScript values, guided by the type.
 * https://github.com/bytecodealliance/wasm-tools/tree/main/crates/wasm-wave
 *
 * A `map` is written as a list of pairs, `[("a", 1), ("b", 2)]`: WAVE has no form of its own for it yet.
 */
import {
  camelCase,
  type FlagsType,
  type ListType,
  labelOf,
  type MapType,
  maybeUndefined,
  type OptionType,
  type RecordType,
  type ResultType,
  type TupleType,
  type ValType,
  type VariantType,
} from '@tenon/component';
import { ToolkitError } from '../errors.ts';
import { nearest } from '../names.ts';
import { fullText, typeText } from '../wit/type-text.ts';
import { INTEGER_RANGES, toNumericArray } from './mapping.ts';
import { Scanner } from './scanner.ts';

/**
 * Parses a whole WAVE text as a value of `type`.
 * @returns the value in Tenon's JavaScript mapping.
 * @throws ToolkitError TENON_WAVE, with the line and a caret at the place.
 */
export function parseValue(text: string, type: ValType): unknown {
  return parseSpan(new Scanner(text), type);
}

/** Parses all that is between the scanner's position and end as one value. */
export function parseSpan(scanner: Scanner, type: ValType): unknown {
  const value = parse(scanner, type);
  scanner.skip();
  if (!scanner.done) scanner.expected(`the end after the ${typeText(type)}`);
  return value;
}

function parse(scanner: Scanner, type: ValType): unknown {
  scanner.skip();
  switch (type.kind) {
    case 'bool':
      return parseBool(scanner);
    case 's8':
    case 'u8':
    case 's16':
    case 'u16':
    case 's32':
    case 'u32':
    case 's64':
    case 'u64':
      return parseInteger(scanner, type.kind);
    case 'f32':
    case 'f64':
      return parseFloating(scanner, type.kind);
    case 'char':
      return scanner.char();
    case 'string':
      return scanner.string();
    case 'list':
      return parseList(scanner, type);
    case 'map':
      return parseMap(scanner, type);
    case 'tuple':
      return parseTuple(scanner, type);
    case 'record':
      return parseRecord(scanner, type);
    case 'variant':
      return parseVariant(scanner, type);
    case 'enum':
      return parseCase(scanner, type.names, casesOf(type));
    case 'flags':
      return parseFlags(scanner, type);
    case 'option':
      return parseOption(scanner, type);
    case 'result':
      return parseResult(scanner, type);
    default:
      throw new ToolkitError('TENON_INVOKE_RESOURCE', `\`${typeText(type)}\` has no text form: call the function from JavaScript`);
  }
}

function parseBool(scanner: Scanner): boolean {
  const start = scanner.position;
  const label = scanner.label();
  if (label !== 'true' && label !== 'false') scanner.expected('bool (`true` or `false`)', start);
  return label === 'true';
}

function parseInteger(scanner: Scanner, kind: keyof typeof INTEGER_RANGES): number | bigint {
  const start = scanner.position;
  const token = scanner.number();
  if (token === undefined || !/^-?[0-9]+$/.test(token)) scanner.expected(kind, start);
  const value = BigInt(token);
  const [min, max] = INTEGER_RANGES[kind];
  if (value < min || value > max) scanner.fail(`${token} is out of range for ${kind} (${min} to ${max})`, start);
  return kind === 's64' || kind === 'u64' ? value : Number(value);
}

function parseFloating(scanner: Scanner, kind: 'f32' | 'f64'): number {
  const start = scanner.position;
  if (scanner.take('-inf')) return -Infinity;
  const token = scanner.number();
  if (token !== undefined) return kind === 'f32' ? Math.fround(Number(token)) : Number(token);
  const label = scanner.label();
  if (label === 'nan') return Number.NaN;
  if (label === 'inf') return Infinity;
  return scanner.expected(kind, start);
}

/** Comma-separated items up to `close`; a trailing comma is allowed. */
function sequence(scanner: Scanner, close: string, item: () => void): void {
  while (!scanner.take(close)) {
    item();
    if (scanner.take(',')) continue;
    scanner.require(close, `\`,\` or \`${close}\``);
    return;
  }
}

function parseList(scanner: Scanner, type: ListType): unknown {
  const start = scanner.position;
  scanner.require('[', fullText(type));
  const items: unknown[] = [];
  sequence(scanner, ']', () => items.push(parse(scanner, type.element)));
  if (type.length !== undefined && items.length !== type.length) {
    scanner.fail(`expected ${type.length} elements, found ${items.length}`, start);
  }
  return toNumericArray(type.element, items);
}

function parseMap(scanner: Scanner, type: MapType): Map<unknown, unknown> {
  scanner.require('[', `${typeText(type)} as a list of pairs`);
  const map = new Map<unknown, unknown>();
  sequence(scanner, ']', () => {
    scanner.require('(', 'a pair such as `(key, value)`');
    const key = parse(scanner, type.key);
    scanner.require(',');
    map.set(key, parse(scanner, type.value));
    scanner.take(',');
    scanner.require(')');
  });
  return map;
}

function parseTuple(scanner: Scanner, type: TupleType): unknown[] {
  const start = scanner.position;
  scanner.require('(', fullText(type));
  const values: unknown[] = [];
  sequence(scanner, ')', () => {
    const element = type.types[values.length];
    if (element === undefined) scanner.fail(`the tuple has only ${type.types.length} elements`);
    values.push(parse(scanner, element));
  });
  if (values.length < type.types.length) scanner.fail(`expected ${type.types.length} elements, found ${values.length}`, start);
  return values;
}

function plainLabel(label: string): string {
  return label.startsWith('%') ? label.slice(1) : label;
}

function suggestion(name: string, names: readonly string[]): string {
  const near = nearest(name, names);
  return near === undefined ? `; it has ${names.map((n) => `\`${n}\``).join(', ')}` : `; did you mean \`${near}\`?`;
}

function parseRecord(scanner: Scanner, type: RecordType): Record<string, unknown> {
  const start = scanner.position;
  scanner.require('{', fullText(type));
  const found = new Map<string, unknown>();
  const names = type.fields.map((field) => field.name);
  const label = labelOf(type);
  const what = label === undefined ? 'the record' : `the record \`${label}\``;
  if (scanner.take(':')) {
    scanner.require('}');
  } else {
    sequence(scanner, '}', () => {
      scanner.skip();
      const at = scanner.position;
      const name = plainLabel(scanner.label() ?? scanner.expected('a field name', at));
      const field = type.fields.find((candidate) => candidate.name === name);
      if (field === undefined) scanner.fail(`${what} has no field \`${name}\`${suggestion(name, names)}`, at);
      if (found.has(name)) scanner.fail(`the field \`${name}\` is given twice`, at);
      scanner.require(':');
      found.set(name, parse(scanner, field.type));
    });
  }
  const missing = type.fields.filter((field) => !found.has(field.name) && field.type.kind !== 'option');
  if (missing.length > 0) {
    const list = missing.map((field) => `\`${field.name}: ${typeText(field.type)}\``).join(', ');
    scanner.fail(`${what} lacks ${list}`, start);
  }
  const record: Record<string, unknown> = {};
  for (const field of type.fields) {
    record[camelCase(field.name)] = found.has(field.name) ? found.get(field.name) : noneOf(field.type);
  }
  return record;
}

function noneOf(type: ValType): unknown {
  return type.kind === 'option' && maybeUndefined(type.type) ? { tag: 'none' } : undefined;
}

function casesOf(type: ValType): string {
  const label = labelOf(type);
  return label === undefined ? 'one of the cases' : `a case of \`${label}\``;
}

function parseVariant(scanner: Scanner, type: VariantType): { tag: string; val?: unknown } {
  const start = scanner.position;
  const tag = parseCase(
    scanner,
    type.cases.map((c) => c.name),
    casesOf(type),
  );
  const payload = type.cases.find((c) => c.name === tag)?.type;
  if (payload === undefined) {
    if (scanner.peek() === '(') scanner.fail(`the case \`${tag}\` has no payload`, start);
    return { tag };
  }
  return { tag, val: parsePayload(scanner, tag, payload) };
}

function parsePayload(scanner: Scanner, tag: string, type: ValType): unknown {
  scanner.require('(', `\`${tag}(${typeText(type)})\``);
  const value = parse(scanner, type);
  scanner.take(',');
  scanner.require(')');
  return value;
}

const KEYWORDS: ReadonlySet<string> = new Set(['true', 'false', 'inf', 'nan', 'some', 'none', 'ok', 'err']);

function parseCase(scanner: Scanner, names: readonly string[], what: string): string {
  scanner.skip();
  const start = scanner.position;
  const label = scanner.label();
  const list = names.map((name) => `\`${KEYWORDS.has(name) ? '%' : ''}${name}\``).join(', ');
  if (label === undefined) scanner.expected(`${what} ${list}`, start);
  const name = plainLabel(label);
  if (!names.includes(name)) scanner.fail(`there is no case \`${name}\`${suggestion(name, names)}`, start);
  if (KEYWORDS.has(label)) scanner.fail(`\`${label}\` is a keyword: write \`%${label}\` for the case`, start);
  return name;
}

function parseFlags(scanner: Scanner, type: FlagsType): Record<string, boolean> {
  scanner.require('{', fullText(type));
  const flags: Record<string, boolean> = Object.fromEntries(type.names.map((name) => [camelCase(name), false]));
  sequence(scanner, '}', () => {
    scanner.skip();
    const at = scanner.position;
    const name = plainLabel(scanner.label() ?? scanner.expected('a flag name', at));
    if (!type.names.includes(name)) scanner.fail(`there is no flag \`${name}\`${suggestion(name, type.names)}`, at);
    if (flags[camelCase(name)] === true) scanner.fail(`the flag \`${name}\` is given twice`, at);
    flags[camelCase(name)] = true;
  });
  return flags;
}

/** Whether a payload may stand alone for `some(…)` or `ok(…)`. */
function mayBeFlat(type: ValType): boolean {
  return type.kind !== 'option' && type.kind !== 'result';
}

function parseOption(scanner: Scanner, type: OptionType): unknown {
  const start = scanner.position;
  const nested = maybeUndefined(type.type);
  const label = scanner.label();
  if (label === 'none') return nested ? { tag: 'none' } : undefined;
  let value: unknown;
  if (label === 'some') {
    value = parsePayload(scanner, 'some', type.type);
  } else {
    if (!mayBeFlat(type.type)) scanner.expected(`\`some(…)\` or \`none\` of ${typeText(type)}`, start);
    scanner.position = start;
    value = parse(scanner, type.type);
  }
  return nested ? { tag: 'some', val: value } : value;
}

function parseResult(scanner: Scanner, type: ResultType): { tag: 'ok' | 'err'; val?: unknown } {
  const start = scanner.position;
  const label = scanner.label();
  if (label === 'ok' || label === 'err') {
    const payload = label === 'ok' ? type.ok : type.err;
    return payload === undefined ? { tag: label } : { tag: label, val: parsePayload(scanner, label, payload) };
  }
  if (type.ok === undefined || !mayBeFlat(type.ok)) scanner.expected(`\`ok\` or \`err\` of ${typeText(type)}`, start);
  scanner.position = start;
  return { tag: 'ok', val: parse(scanner, type.ok) };
}
