/**
 * The type section and everything that names a type: value types, function, component, instance and resource types,
 * external types and names.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md#type-definitions
 */
import type { PrimitiveKind } from '../types/types.ts';
import { readAlias } from './decode-aliases.ts';
import { readCoreType, readCoreValType } from './decode-core-types.ts';
import type { Declaration, DefValTypeExpr, ExternName, ExternTypeExpr, TypeExpr, ValTypeExpr } from './definitions.ts';
import {
  MAX_ENUM_CASES,
  MAX_FLAG_NAMES,
  MAX_FUNCTION_PARAMS,
  MAX_NESTING,
  MAX_RECORD_FIELDS,
  MAX_TUPLE_TYPES,
  MAX_TYPE_DECLARATIONS,
  MAX_VARIANT_CASES,
} from './limits.ts';
import { malformed, type Reader } from './reader.ts';

const PRIMITIVES: Readonly<Record<number, PrimitiveKind>> = {
  127: 'bool',
  126: 's8',
  125: 'u8',
  124: 's16',
  123: 'u16',
  122: 's32',
  121: 'u32',
  120: 's64',
  119: 'u64',
  118: 'f32',
  117: 'f64',
  116: 'char',
  115: 'string',
  100: 'error-context',
};

// Shared: a definition of a few bytes should not cost an object, since a component may have a million of them.
const perPrimitive = (make: (type: PrimitiveKind) => DefValTypeExpr): ReadonlyMap<ValTypeExpr | undefined, DefValTypeExpr> =>
  new Map(Object.values(PRIMITIVES).map((type) => [type, make(type)]));
const PRIMITIVE_TYPES = perPrimitive((type) => ({ kind: 'primitive', type }));
const LISTS = perPrimitive((element) => ({ kind: 'list', element, length: undefined }));
const OPTIONS = perPrimitive((type) => ({ kind: 'option', type }));
const TUPLES = perPrimitive((type) => ({ kind: 'tuple', types: [type] }));
const EMPTY_RESULT: DefValTypeExpr = { kind: 'result', ok: undefined, err: undefined };
const EMPTY_STREAM: DefValTypeExpr = { kind: 'stream', element: undefined };
const EMPTY_FUTURE: DefValTypeExpr = { kind: 'future', element: undefined };

/** `valtype`: a primitive, or a type index, which is a non-negative s33. */
export function readValType(reader: Reader): ValTypeExpr {
  const byte = reader.peek();
  const primitive = PRIMITIVES[byte];
  if (primitive !== undefined) {
    reader.byte();
    return primitive;
  }
  const offset = reader.position;
  const index = reader.signed(33);
  if (index < 0) throw reader.invalidByte(byte, 'component value type', offset);
  return index;
}

function readOptionalValType(reader: Reader): ValTypeExpr | undefined {
  const byte = reader.byte();
  if (byte > 1) throw reader.invalidByte(byte, 'optional component value type');
  return byte === 0 ? undefined : readValType(reader);
}

/** `resultlist`. */
export function readResultList(reader: Reader): ValTypeExpr | undefined {
  const byte = reader.byte();
  if (byte === 0x00) return readValType(reader);
  if (byte !== 0x01) throw reader.invalidByte(byte, 'component function results');
  const count = reader.byte();
  if (count !== 0x00) throw reader.invalidByte(count, 'number of results');
  return undefined;
}

/** `deftype`. `depth` counts the components and types around it. */
export function readType(reader: Reader, depth: number): TypeExpr {
  const byte = reader.byte();
  switch (byte) {
    case 0x3f: {
      const rep = readCoreValType(reader);
      const hasDestructor = reader.byte();
      if (hasDestructor > 1) throw reader.invalidByte(hasDestructor, 'resource destructor');
      return { kind: 'resource', rep, destructor: hasDestructor === 1 ? reader.u32() : undefined };
    }
    case 0x40:
    case 0x43: {
      const params = reader.vec(MAX_FUNCTION_PARAMS, 'component function parameters', () => readLabelValType(reader));
      return { kind: 'func', params, result: readResultList(reader), async: byte === 0x43 };
    }
    case 0x41:
      return { kind: 'component', declarations: readDeclarations(reader, depth + 1, true) };
    case 0x42:
      return { kind: 'instance', declarations: readDeclarations(reader, depth + 1, false) };
    default:
      return readDefValType(reader, byte);
  }
}

function readLabelValType(reader: Reader): { readonly name: string; readonly type: ValTypeExpr } {
  return { name: reader.name(), type: readValType(reader) };
}

function readDefValType(reader: Reader, byte: number): DefValTypeExpr {
  switch (byte) {
    case 0x72:
      return { kind: 'record', fields: reader.vec(MAX_RECORD_FIELDS, 'record field', () => readLabelValType(reader)) };
    case 0x71:
      return { kind: 'variant', cases: reader.vec(MAX_VARIANT_CASES, 'variant cases', () => readCase(reader)) };
    case 0x70:
      return list(readValType(reader));
    case 0x67:
      return { kind: 'list', element: readValType(reader), length: reader.u32() };
    case 0x6f:
      return tuple(reader.vec(MAX_TUPLE_TYPES, 'tuple types', () => readValType(reader)));
    case 0x6e:
      return { kind: 'flags', names: reader.vec(MAX_FLAG_NAMES, 'flag names', () => reader.name()) };
    case 0x6d:
      return { kind: 'enum', names: reader.vec(MAX_ENUM_CASES, 'enum cases', () => reader.name()) };
    case 0x6b:
      return option(readValType(reader));
    case 0x6a:
      return result(readOptionalValType(reader), readOptionalValType(reader));
    case 0x69:
      return { kind: 'own', resource: reader.u32() };
    case 0x68:
      return { kind: 'borrow', resource: reader.u32() };
    case 0x66:
      return streamLike('stream', readOptionalValType(reader));
    case 0x65:
      return streamLike('future', readOptionalValType(reader));
    case 0x63:
      return { kind: 'map', key: readValType(reader), value: readValType(reader) };
    default: {
      const type = PRIMITIVE_TYPES.get(PRIMITIVES[byte]);
      if (type === undefined) throw reader.invalidByte(byte, 'component defined type');
      return type;
    }
  }
}

const list = (element: ValTypeExpr): DefValTypeExpr => LISTS.get(element) ?? { kind: 'list', element, length: undefined };
const option = (type: ValTypeExpr): DefValTypeExpr => OPTIONS.get(type) ?? { kind: 'option', type };
const tuple = (types: readonly ValTypeExpr[]): DefValTypeExpr => (types.length === 1 && TUPLES.get(types[0])) || { kind: 'tuple', types };
const result = (ok: ValTypeExpr | undefined, err: ValTypeExpr | undefined): DefValTypeExpr =>
  ok === undefined && err === undefined ? EMPTY_RESULT : { kind: 'result', ok, err };

function streamLike(kind: 'stream' | 'future', element: ValTypeExpr | undefined): DefValTypeExpr {
  if (element !== undefined) return { kind, element };
  return kind === 'stream' ? EMPTY_STREAM : EMPTY_FUTURE;
}

function readCase(reader: Reader): { readonly name: string; readonly type: ValTypeExpr | undefined } {
  const name = reader.name();
  const type = readOptionalValType(reader);
  const zero = reader.byte();
  if (zero !== 0x00) throw reader.invalidByte(zero, 'zero byte required');
  return { name, type };
}

function readDeclarations(reader: Reader, depth: number, imports: boolean): readonly Declaration[] {
  if (depth > MAX_NESTING) throw malformed(`types are nested more than ${MAX_NESTING} deep`, reader.position);
  return reader.vec(MAX_TYPE_DECLARATIONS, `${imports ? 'component' : 'instance'} type declaration`, () =>
    readDeclaration(reader, depth, imports),
  );
}

function readDeclaration(reader: Reader, depth: number, imports: boolean): Declaration {
  const offset = reader.position;
  const byte = reader.byte();
  switch (byte) {
    case 0x00:
      return { offset, kind: 'core type', type: readCoreType(reader) };
    case 0x01:
      return { offset, kind: 'type', type: readType(reader, depth) };
    case 0x02:
      return { offset, kind: 'alias', alias: readAlias(reader) };
    case 0x03:
      if (!imports) break;
      return { offset, kind: 'import', name: readExternName(reader), type: readExternType(reader) };
    case 0x04:
      return { offset, kind: 'export', name: readExternName(reader), type: readExternType(reader) };
  }
  throw reader.invalidByte(byte, 'component or instance type declaration', offset);
}

/** `nameattributes`. */
export function readExternName(reader: Reader): ExternName {
  const form = reader.byte();
  if (form > 0x02) throw reader.invalidByte(form, 'component name');
  const name = reader.name();
  if (form < 0x02) return { name };
  const attributes: { implements?: string; versionSuffix?: string; externalId?: string } = {};
  const count = reader.u32();
  for (let i = 0; i < count; i++) {
    const offset = reader.position;
    const kind = reader.byte();
    const key = ATTRIBUTES[kind];
    if (key === undefined) throw reader.invalidByte(kind, 'name option');
    const value = reader.name();
    // At most one of each kind also bounds the loop: a hostile count ends here.
    if (attributes[key] !== undefined) throw malformed(`duplicate '${ATTRIBUTE_NAMES[key]}' option in name`, offset);
    attributes[key] = value;
  }
  return { name, ...attributes };
}

const ATTRIBUTES: readonly ('implements' | 'versionSuffix' | 'externalId')[] = ['implements', 'versionSuffix', 'externalId'];
const ATTRIBUTE_NAMES = { implements: 'implements', versionSuffix: 'versionsuffix', externalId: 'external-id' } as const;

/** `externtype`. */
export function readExternType(reader: Reader): ExternTypeExpr {
  const sort = reader.byte();
  switch (sort) {
    case 0x00: {
      const core = reader.byte();
      if (core !== 0x11) throw reader.invalidByte(core, 'component external kind');
      return { kind: 'module', type: reader.u32() };
    }
    case 0x01:
      return { kind: 'func', type: reader.u32() };
    case 0x02: {
      const bound = reader.byte();
      if (bound > 1) throw reader.invalidByte(bound, 'value bound');
      return bound === 0 ? { kind: 'value eq', value: reader.u32() } : { kind: 'value', type: readValType(reader) };
    }
    case 0x03: {
      const bound = reader.byte();
      if (bound > 1) throw reader.invalidByte(bound, 'type bound');
      return bound === 0 ? { kind: 'type eq', type: reader.u32() } : { kind: 'resource' };
    }
    case 0x04:
      return { kind: 'component', type: reader.u32() };
    case 0x05:
      return { kind: 'instance', type: reader.u32() };
    default:
      throw reader.invalidByte(sort, 'component external kind');
  }
}
