/** What is thrown while lowering when a JavaScript value does not fit its type, until the boundary knows whose value it was. */
import { ComponentError } from '../errors.ts';
import type { ValType } from '../types/types.ts';
import { camelCase } from './names.ts';

/** Not an Error: it never leaves the engine, and needs no stack. */
export class Misfit {
  readonly expected: string;
  readonly value: unknown;
  /** Where in the value, outermost first: `.name`, `[3]`. */
  path = '';

  /** Why it does not fit, where what it is does not say. */
  readonly why: string;

  constructor(expected: ValType | string, value: unknown, why = '') {
    this.expected = typeof expected === 'string' ? expected : typeName(expected);
    this.value = value;
    this.why = why;
  }
}

/** Adds the place of a part to an error that is on its way out. */
export function within(part: string, error: unknown): unknown {
  if (error instanceof Misfit) error.path = part + error.path;
  return error;
}

/** Turns a {@link Misfit} into the error that the embedder sees; leaves all others as they are. */
export function explain(error: unknown, subject: string): unknown {
  if (!(error instanceof Misfit)) return error;
  const { expected, path, value, why } = error;
  const found = `found ${inWords(value)}${why === '' ? '' : `, which is ${why}`}`;
  return new ComponentError('TENON_VALUE_TYPE', `${subject}${path}: expected ${expected}, ${found}`);
}

/** A short rendering of any value, safe for hostile ones. */
export function inWords(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
    case 'bigint':
      return `${value}n`;
    case 'number':
    case 'boolean':
    case 'undefined':
      return String(value);
    case 'symbol':
      return 'a symbol';
    case 'function':
      return 'a function';
    default:
      if (value === null) return 'null';
      if (Array.isArray(value)) return `an array of ${value.length}`;
      return `an object of class ${className(value as object)}`;
  }
}

function className(value: object): string {
  try {
    const name: unknown = value.constructor?.name;
    return typeof name === 'string' && name !== '' ? name : 'unknown';
  } catch {
    return 'unknown';
  }
}

/** Deeper parts are not named: types can share parts, and then the name of the whole has exponential length. */
const MAX_NAME_DEPTH = 3;

/** A value type as WIT writes it, for messages; names of records and resources are not known here. */
export function typeName(type: ValType, depth = 0): string {
  const part = (inner: ValType | undefined): string =>
    inner === undefined ? '_' : depth === MAX_NAME_DEPTH ? '…' : typeName(inner, depth + 1);
  switch (type.kind) {
    case 'list':
      return type.length === undefined ? `list<${part(type.element)}>` : `list<${part(type.element)}, ${type.length}>`;
    case 'map':
      return `map<${part(type.key)}, ${part(type.value)}>`;
    case 'tuple':
      return `tuple<${listed(type.types, part)}>`;
    case 'option':
      return `option<${part(type.type)}>`;
    case 'result':
      return `result<${part(type.ok)}, ${part(type.err)}>`;
    case 'record':
      return `a record of ${listed(type.fields, (field) => camelCase(field.name))}`;
    case 'variant':
      return `a variant with the tag ${listed(type.cases, (c) => JSON.stringify(c.name))}`;
    case 'enum':
      return `one of ${listed(type.names, JSON.stringify)}`;
    case 'flags':
      return `flags of ${listed(type.names, camelCase)} (an object of booleans)`;
    default:
      return type.kind;
  }
}

const MAX_LISTED = 12;

export function listed<T>(items: readonly T[], name: (item: T) => string): string {
  const names = items.slice(0, MAX_LISTED).map((item) => name(item));
  return items.length > MAX_LISTED ? `${names.join(', ')}, …` : names.join(', ');
}
