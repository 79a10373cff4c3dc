/** Facts about types that rules ask for again and again; each is computed once per type object. */
import type {
  ComponentType,
  CoreExternType,
  CoreModuleType,
  DefinedType,
  ExternType,
  FuncType,
  InstanceType,
  ListType,
  ValType,
} from '../types/types.ts';

export interface TypeInfo {
  /** Nodes of the type written out as a tree: what structural algorithms may cost. */
  readonly size: number;
  readonly depth: number;
  readonly containsBorrow: boolean;
  /** No less than its `elem_size`, and cheaper: enough to know that almost every type is nowhere near the limit. */
  readonly maxBytes: number;
  /** Whether it holds a list, map or string outside streams and futures, so that passing it needs a memory. */
  readonly containsPointer: boolean;
}

export type AnyType = ValType | FuncType | InstanceType | ComponentType | CoreModuleType;

/** The largest scalar, a pointer and length of 64 bits each. */
const LEAF_BYTES = 16;
/** For a discriminant, or padding before a field and after the last one. */
const PADDING_BYTES = 8;

const LEAF: TypeInfo = { size: 1, depth: 1, containsBorrow: false, maxBytes: LEAF_BYTES, containsPointer: false };
const infos = new WeakMap<AnyType, TypeInfo>();

const STRING: TypeInfo = { ...LEAF, containsPointer: true };
const BORROW: TypeInfo = { ...LEAF, containsBorrow: true };
/** Types of so few nodes are cheaper to look at again than to remember. */
const MAX_FORGOTTEN_SIZE = 16;

/** The facts about a value type. */
export function valInfo(type: ValType): TypeInfo {
  const parts = children(type);
  return parts.length === 0 ? computeValInfo(type, parts) : memoised(type, () => computeValInfo(type, parts));
}

function computeValInfo(type: ValType, parts: readonly ValType[]): TypeInfo {
  switch (type.kind) {
    case 'string':
      return STRING;
    case 'borrow':
      return BORROW;
    case 'stream':
    case 'future':
      return { ...combine(parts), maxBytes: LEAF_BYTES, containsPointer: false };
    case 'list':
      return listInfo(type);
    case 'map':
      return { ...combine(parts), maxBytes: LEAF_BYTES, containsPointer: true };
    default:
      return combine(parts);
  }
}

function listInfo(type: ListType): TypeInfo {
  const element = valInfo(type.element);
  const info = sum([element]);
  if (type.length === undefined) return { ...info, maxBytes: LEAF_BYTES, containsPointer: true };
  return { ...info, maxBytes: element.maxBytes * type.length };
}

/** The facts about a function type. */
export function funcInfo(type: FuncType): TypeInfo {
  return memoised(type, () => {
    const parts = type.params.map((param) => valInfo(param.type));
    if (type.result !== undefined) parts.push(valInfo(type.result));
    return parts.length === 0 ? LEAF : sum(parts);
  });
}

/** The facts about anything that can be imported or exported. */
export function externInfo(extern: ExternType | DefinedType): TypeInfo {
  switch (extern.kind) {
    case 'value':
      return valInfo(extern.type);
    case 'func':
      return funcInfo(extern.type);
    case 'resource':
      return LEAF;
    case 'type':
      return externInfo(extern.type);
    case 'instance':
      return memoised(extern.type, () => sum(Array.from(extern.type.exports.values(), externInfo)));
    case 'component':
      return memoised(extern.type, () => sum([...extern.type.imports.values(), ...extern.type.exports.values()].map(externInfo)));
    case 'module':
      return memoised(extern.type, () => ({ ...LEAF, size: moduleSize(extern.type) }));
  }
}

/**
 * Counts nodes as {@link externInfo} does and remembers nothing, which is cheaper for small types.
 * @param most nodes that it may have
 * @returns what it leaves of them, less than 0 when it has more
 */
export function countDown(extern: ExternType | DefinedType, most: number): number {
  switch (extern.kind) {
    case 'value':
      return countValue(extern.type, most);
    case 'func': {
      let left = most - 1;
      for (const { type } of extern.type.params) left = countValue(type, left);
      return extern.type.result === undefined ? left : countValue(extern.type.result, left);
    }
    case 'resource':
      return most - 1;
    case 'type':
      return countDown(extern.type, most);
    case 'instance':
      return countAll(extern.type.exports.values(), most - 1);
    case 'component':
      return countAll(extern.type.exports.values(), countAll(extern.type.imports.values(), most - 1));
    case 'module':
      return -1;
  }
}

function countAll(externs: Iterable<ExternType>, most: number): number {
  let left = most;
  for (const extern of externs) {
    if (left < 0) break;
    left = countDown(extern, left);
  }
  return left;
}

function countValue(type: ValType, most: number): number {
  let left = most - 1;
  if (left < 0) return left;
  for (const part of children(type)) {
    if (left < 0) break;
    left = countValue(part, left);
  }
  return left;
}

function moduleSize(type: CoreModuleType): number {
  let size = 1;
  for (const { type: extern } of type.imports) size += coreSize(extern);
  for (const extern of type.exports.values()) size += coreSize(extern);
  return size;
}

function coreSize(type: CoreExternType): number {
  return type.kind === 'func' || type.kind === 'tag' ? 1 + type.type.params.length + type.type.results.length : 1;
}

function memoised(type: AnyType, compute: () => TypeInfo): TypeInfo {
  let info = infos.get(type);
  if (info === undefined) {
    info = compute();
    if (info.size > MAX_FORGOTTEN_SIZE) infos.set(type, info);
  }
  return info;
}

function combine(types: readonly ValType[]): TypeInfo {
  return types.length === 0 ? LEAF : sum(types.map(valInfo));
}

function sum(parts: readonly TypeInfo[]): TypeInfo {
  let size = 1;
  let depth = 1;
  let containsBorrow = false;
  let maxBytes = 2 * PADDING_BYTES;
  let containsPointer = false;
  for (const part of parts) {
    size += part.size;
    depth = Math.max(depth, part.depth + 1);
    containsBorrow ||= part.containsBorrow;
    maxBytes += part.maxBytes + PADDING_BYTES;
    containsPointer ||= part.containsPointer;
  }
  return { size, depth, containsBorrow, maxBytes, containsPointer };
}

const NO_TYPES: readonly ValType[] = [];

function present(types: readonly (ValType | undefined)[]): readonly ValType[] {
  const found: ValType[] = [];
  for (const type of types) if (type !== undefined) found.push(type);
  return found;
}

/** The value types that a value type is made of. */
export function children(type: ValType): readonly ValType[] {
  switch (type.kind) {
    case 'record':
      return type.fields.map((field) => field.type);
    case 'variant':
      return present(type.cases.map((c) => c.type));
    case 'tuple':
      return type.types;
    case 'list':
      return [type.element];
    case 'map':
      return [type.key, type.value];
    case 'option':
      return [type.type];
    case 'result':
      return present([type.ok, type.err]);
    case 'stream':
    case 'future':
      return type.element === undefined ? [] : [type.element];
    default:
      return NO_TYPES;
  }
}
