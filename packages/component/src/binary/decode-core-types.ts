/**
 * Core WebAssembly 3.0 types, as they stand in core modules and in the core types of components.
 * A reference to a type index keeps it as `$index` in the text of the type (`(ref null $3)`).
 * https://webassembly.github.io/spec/core/binary/types.html
 */
import type { PlainFunction } from '../types/core-types.ts';
import type { CoreLimits, CoreValType } from '../types/types.ts';
import type { CoreExternTypeExpr, CoreModuleDeclaration, CoreSubType, CoreTypeExpr } from './definitions.ts';
import {
  MAX_FUNCTION_PARAMS,
  MAX_FUNCTION_RETURNS,
  MAX_INDEX_SPACE,
  MAX_MODULE_TYPE_DECLARATIONS,
  MAX_STRUCT_FIELDS,
  MAX_SUPERTYPES,
} from './limits.ts';
import { malformed, type Reader, unsupportedProposal } from './reader.ts';

/** What begins a type of the proposal on shared types (shared-everything threads). */
const SHARED = 0x65;

const NUMERIC: Readonly<Record<number, CoreValType>> = { 127: 'i32', 126: 'i64', 125: 'f32', 124: 'f64', 123: 'v128' };

const ABSTRACT_HEAP: Readonly<Record<number, string>> = {
  116: 'noexn',
  115: 'nofunc',
  114: 'noextern',
  113: 'none',
  112: 'func',
  111: 'extern',
  110: 'any',
  109: 'eq',
  108: 'i31',
  107: 'struct',
  106: 'array',
  105: 'exn',
};

/** `core:heaptype`: an abstract one by name, a concrete one as `$index`. */
export function readHeapType(reader: Reader): string {
  const offset = reader.position;
  const abstract = ABSTRACT_HEAP[reader.peek()];
  if (abstract !== undefined) {
    reader.byte();
    return abstract;
  }
  const index = reader.signed(33);
  if (index < 0) throw malformed('invalid heap type', offset);
  return `$${index}`;
}

function tryRefType(reader: Reader): CoreValType | undefined {
  const byte = reader.peek();
  if (byte === 0x63 || byte === 0x64) {
    reader.byte();
    return `(ref ${byte === 0x63 ? 'null ' : ''}${readHeapType(reader)})`;
  }
  const abstract = ABSTRACT_HEAP[byte];
  if (abstract === undefined) return undefined;
  reader.byte();
  return `(ref null ${abstract})`;
}

export function readRefType(reader: Reader): CoreValType {
  const type = tryRefType(reader);
  if (type === undefined) throw malformed('malformed reference type', reader.position);
  return type;
}

/** `core:valtype`; reference types are kept as text. */
export function readCoreValType(reader: Reader): CoreValType {
  const numeric = NUMERIC[reader.peek()];
  if (numeric !== undefined) {
    reader.byte();
    return numeric;
  }
  const type = tryRefType(reader);
  if (type === undefined) throw malformed('invalid value type', reader.position);
  return type;
}

function readFieldType(reader: Reader): string {
  const byte = reader.peek();
  let type: string;
  if (byte === 0x78 || byte === 0x77) {
    reader.byte();
    type = byte === 0x78 ? 'i8' : 'i16';
  } else {
    type = readCoreValType(reader);
  }
  return readMutability(reader) ? `(mut ${type})` : type;
}

function readMutability(reader: Reader): boolean {
  const byte = reader.byte();
  if (byte > 1) throw malformed('malformed mutability', reader.position - 1);
  return byte === 1;
}

// Shared, since it is three bytes, of which a component may have very many.
const NOTHING: CoreSubType = { final: true, supertypes: [], type: { kind: 'func', params: [], results: [] } };
const NOTHING_GROUP: CoreTypeExpr = { kind: 'rec', types: [NOTHING] };

function readSubType(reader: Reader): CoreSubType {
  let opcode = reader.byte();
  let final = true;
  let supertypes: readonly number[] = [];
  if (opcode === 0x50 || opcode === 0x4f) {
    final = opcode === 0x4f;
    supertypes = reader.vec(MAX_SUPERTYPES, 'supertype', () => reader.u32());
    opcode = reader.byte();
  }
  switch (opcode) {
    case 0x60: {
      const read = (): CoreValType => readCoreValType(reader);
      const params = reader.vec(MAX_FUNCTION_PARAMS, 'function params', read);
      const results = reader.vec(MAX_FUNCTION_RETURNS, 'function returns', read);
      if (final && supertypes.length === 0 && params.length === 0 && results.length === 0) return NOTHING;
      return { final, supertypes, type: { kind: 'func', params, results } };
    }
    case 0x5f: {
      const fields = reader.vec(MAX_STRUCT_FIELDS, 'struct fields', () => readFieldType(reader));
      return { final, supertypes, type: { kind: 'struct', text: fields.join(' ') } };
    }
    case 0x5e:
      return { final, supertypes, type: { kind: 'array', text: readFieldType(reader) } };
    default:
      if (opcode === SHARED) throw unsupportedProposal('shared types', reader.position - 1);
      throw reader.invalidByte(opcode, 'type');
  }
}

/**
 * Where a function type of its own ends whose every parameter and result is a number, which is what nearly all types of a module are.
 * @returns undefined when something else is there, well-formed or not
 */
export function endOfNumericFunction(bytes: Uint8Array, start: number, end: number): number | undefined {
  if (bytes[start] !== 0x60) return undefined;
  let position = start + 1;
  for (let list = 0; list < 2; list++) {
    if (position >= end) return undefined;
    const count = bytes[position++] as number;
    // A longer count takes two bytes.
    if (count >= 0x80 || position + count > end) return undefined;
    for (const last = position + count; position < last; position++) {
      if (NUMERIC[bytes[position] as number] === undefined) return undefined;
    }
  }
  return position;
}

/** Reads what {@link endOfNumericFunction} found. */
export function readNumericFunction(bytes: Uint8Array, start: number): PlainFunction {
  const params = numbersAt(bytes, start + 1);
  return { kind: 'func', params, results: numbersAt(bytes, start + 2 + params.length) };
}

function numbersAt(bytes: Uint8Array, start: number): CoreValType[] {
  const types: CoreValType[] = [];
  const end = start + (bytes[start] as number);
  for (let i = start + 1; i <= end; i++) types.push(NUMERIC[bytes[i] as number] as CoreValType);
  return types;
}

/** `core:rectype`: the sub types of one group. */
export function readRecType(reader: Reader): readonly CoreSubType[] {
  if (reader.peek() !== 0x4e) return [readSubType(reader)];
  reader.byte();
  return reader.vec(MAX_INDEX_SPACE, 'rec group types', () => readSubType(reader));
}

/** `core:deftype` of a component: a group, or a module type; a lone non-final `sub` wears a prefix of 0x00. */
export function readCoreType(reader: Reader): CoreTypeExpr {
  switch (reader.peek()) {
    case 0x00: {
      reader.byte();
      const next = reader.peek();
      if (next !== 0x50) throw reader.invalidByte(next, 'non-final sub type', reader.position);
      return { kind: 'rec', types: readRecType(reader) };
    }
    case 0x50:
      reader.byte();
      return {
        kind: 'module',
        declarations: reader.vec(MAX_MODULE_TYPE_DECLARATIONS, 'module type declaration', () => readModuleDeclaration(reader)),
      };
    default: {
      const types = readRecType(reader);
      return types.length === 1 && types[0] === NOTHING ? NOTHING_GROUP : { kind: 'rec', types };
    }
  }
}

function readModuleDeclaration(reader: Reader): CoreModuleDeclaration {
  const offset = reader.position;
  const opcode = reader.byte();
  switch (opcode) {
    case 0x00:
      return { offset, kind: 'import', module: reader.name(), name: reader.name(), type: readCoreExternType(reader) };
    case 0x01:
      // Not `readCoreType`: a module type holds no module types, so 0x50 is a `sub` here.
      return { offset, kind: 'type', type: { kind: 'rec', types: readRecType(reader) } };
    case 0x02: {
      const sort = reader.byte();
      if (sort !== 0x10) throw reader.invalidByte(sort, 'outer alias kind');
      const target = reader.byte();
      if (target !== 0x01) throw reader.invalidByte(target, 'outer alias target');
      return { offset, kind: 'outer alias', count: reader.u32(), index: reader.u32() };
    }
    case 0x03:
      return { offset, kind: 'export', name: reader.name(), type: readCoreExternType(reader) };
    default:
      if (opcode === SHARED) throw unsupportedProposal('shared types', reader.position - 1);
      throw reader.invalidByte(opcode, 'type definition');
  }
}

/** `core:externtype`, with functions and tags as type indices. */
export function readCoreExternType(reader: Reader): CoreExternTypeExpr {
  const sort = reader.byte();
  switch (sort) {
    case 0x00:
      return { kind: 'func', type: reader.u32() };
    case 0x01:
      return readTableType(reader);
    case 0x02:
      return readMemoryType(reader);
    case 0x03:
      return readGlobalType(reader);
    case 0x04:
      return { kind: 'tag', type: readTagType(reader) };
    default:
      throw reader.invalidByte(sort, 'external kind');
  }
}

export function readTableType(reader: Reader): Extract<CoreExternTypeExpr, { kind: 'table' }> {
  const element = readRefType(reader);
  return { kind: 'table', element, limits: readLimits(reader, 0b101, 'table resizable') };
}

export function readMemoryType(reader: Reader): Extract<CoreExternTypeExpr, { kind: 'memory' }> {
  return { kind: 'memory', limits: readLimits(reader, 0b1111, 'memory') };
}

export function readGlobalType(reader: Reader): Extract<CoreExternTypeExpr, { kind: 'global' }> {
  return { kind: 'global', type: readCoreValType(reader), mutable: readMutability(reader) };
}

export function readTagType(reader: Reader): number {
  const attribute = reader.byte();
  if (attribute !== 0) throw malformed('invalid tag attributes', reader.position - 1);
  return reader.u32();
}

function readLimits(reader: Reader, allowed: number, what: string): CoreLimits {
  const offset = reader.position;
  const flags = reader.byte();
  if ((flags & ~allowed) !== 0) throw malformed(`invalid ${what} limits flags (0x${flags.toString(16)})`, offset);
  const min = reader.u64();
  const max = (flags & 1) === 0 ? undefined : reader.u64();
  const limits = { min, max, shared: (flags & 2) !== 0, index64: (flags & 4) !== 0 };
  if ((flags & 8) === 0) return limits;
  const pageSizeLog2 = reader.u32();
  if (pageSizeLog2 >= 64) throw malformed('invalid custom page size', offset);
  return { ...limits, pageSizeLog2 };
}
