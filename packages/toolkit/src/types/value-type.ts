/** The TypeScript type of a value type in Tenon's JavaScript mapping. */
import { camelCase, maybeUndefined, pascalCase, type ValType } from '@tenon/component';
import type { TypeNames } from '../wit/model.ts';

const NUMERIC_LISTS: Readonly<Partial<Record<ValType['kind'], string>>> = {
  s8: 'Int8Array',
  u8: 'Uint8Array',
  s16: 'Int16Array',
  u16: 'Uint16Array',
  s32: 'Int32Array',
  u32: 'Uint32Array',
  s64: 'BigInt64Array',
  u64: 'BigUint64Array',
  f32: 'Float32Array',
  f64: 'Float64Array',
};

/** The names of types where they are used. */
export interface Naming extends Pick<TypeNames, 'value' | 'resource'> {
  /** A name of JavaScript's own, such as `Promise`, which a type of the component may have too. */
  builtin(name: string): string;
}

/** @param declared names that the declarations give to types */
export function naming(names: TypeNames, declared: ReadonlySet<string>): Naming {
  return {
    value: (type) => names.value(type),
    resource: (type) => names.resource(type),
    builtin: (name) => (declared.has(name) ? `globalThis.${name}` : name),
  };
}

/**
 * @param side `lift` for what comes out of the engine, `lower` for what goes in: a numeric list may go in as a plain array
 * @param define whether the type is written out although it has a name
 */
export function valueType(type: ValType, names: Naming, side: 'lift' | 'lower', define = false): string {
  const text = (inner: ValType): string => valueType(inner, names, side);
  const name = define ? undefined : names.value(type);
  if (name !== undefined) {
    // An alias of a numeric list is the typed array; what goes in may be a plain array too.
    const plain = side === 'lower' && type.kind === 'list' && type.element.kind in NUMERIC_LISTS;
    return plain ? `${pascalCase(name)} | ${array(text(type.element))}` : pascalCase(name);
  }
  switch (type.kind) {
    case 'bool':
      return 'boolean';
    case 'char':
    case 'string':
      return 'string';
    case 's64':
    case 'u64':
      return 'bigint';
    case 'record':
      return `{ ${type.fields.map((field) => `${camelCase(field.name)}: ${text(field.type)}`).join('; ')} }`;
    case 'variant':
      return type.cases.map((c) => tagged(c.name, c.type, text)).join(' | ');
    case 'enum':
      return type.names.map((item) => `'${item}'`).join(' | ');
    case 'flags':
      return `{ ${type.names.map((item) => `${camelCase(item)}?: boolean`).join('; ')} }`;
    case 'list': {
      const numeric = NUMERIC_LISTS[type.element.kind];
      const plain = array(text(type.element));
      if (numeric === undefined) return plain;
      const lifted = names.builtin(numeric);
      if (side === 'lift') return lifted;
      return type.element.kind === 'u8' ? `${lifted} | ${names.builtin('ArrayBuffer')} | ${plain}` : `${lifted} | ${plain}`;
    }
    case 'map':
      return `${names.builtin('Map')}<${text(type.key)}, ${text(type.value)}>`;
    case 'tuple':
      return `[${type.types.map(text).join(', ')}]`;
    case 'option':
      if (maybeUndefined(type.type)) return `${tagged('none', undefined, text)} | ${tagged('some', type.type, text)}`;
      return `${text(type.type)} | undefined`;
    case 'result':
      return `${tagged('ok', type.ok, text)} | ${tagged('err', type.err, text)}`;
    case 'own':
    case 'borrow':
      return pascalCase(names.resource(type));
    case 'stream':
      return streamType(type.element?.kind === 'u8' ? names.builtin('Uint8Array') : type.element && text(type.element), names, side);
    case 'future': {
      const value = type.element === undefined ? 'undefined' : text(type.element);
      const promise = `${names.builtin('Promise')}<${value}>`;
      return side === 'lift' ? promise : `${promise} | ${value}`;
    }
    case 'error-context':
      return side === 'lift' ? '{ readonly debugMessage: string }' : `{ readonly debugMessage: string } | ${names.builtin('Error')}`;
    default:
      return 'number';
  }
}

/** @param item what it yields: chunks of bytes, elements of other things */
function streamType(item = 'undefined', names: Naming, side: 'lift' | 'lower'): string {
  const stream = `${names.builtin('ReadableStream')}<${item}>`;
  return side === 'lift' ? stream : `${stream} | ${names.builtin('AsyncIterable')}<${item}> | ${names.builtin('Iterable')}<${item}>`;
}

function tagged(tag: string, payload: ValType | undefined, text: (type: ValType) => string): string {
  return payload === undefined ? `{ tag: '${tag}' }` : `{ tag: '${tag}'; val: ${text(payload)} }`;
}

function array(element: string): string {
  return /^(?:[\w.]+|\[.*\])$/.test(element) ? `${element}[]` : `(${element})[]`;
}
