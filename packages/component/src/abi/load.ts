/**
 * Loading values from linear memory. For each type a function is made once, from the functions of its parts.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#loading
 */
import { liftFuture, liftStream } from '../concurrency/async-values.ts';
import { liftErrorContext } from '../concurrency/error-context.ts';
import { Trap } from '../errors.ts';
import { alignment, casesOf, discriminantSize, elemSize, type VariantTypeLike } from '../types/layout.ts';
import type { BorrowType, FlagsType, RecordType, TupleType, ValType } from '../types/types.ts';
import type { Context } from './context.ts';
import { liftBorrow, liftBorrows, liftOwn, resourceOf } from './handles.ts';
import { KeptBorrows } from './kept-borrows.ts';
import { charOf } from './scalars.ts';
import {
  entryOf,
  flagKeys,
  MAX_LIST_BYTES,
  maybeUndefined,
  NUMBER_ARRAYS,
  type NumberArrayClass,
  partsOf,
  payloadOffset,
  tagsOf,
} from './shapes.ts';
import { loadString } from './strings.ts';

/** `load`. The address is aligned and the value lies within the memory: whoever got the address from the guest checked it. */
export type Load = (cx: Context, address: number) => unknown;
/** `load_list_from_range`: of an address and a number of elements that come from the guest. */
export type LoadRange = (cx: Context, address: number, length: number) => unknown;

const loads = new WeakMap<ValType, Load>();

export function loaderOf(type: ValType): Load {
  let load = loads.get(type);
  if (load === undefined) {
    load = makeLoad(type);
    loads.set(type, load);
  }
  return load;
}

function makeLoad(type: ValType): Load {
  switch (type.kind) {
    case 'bool':
      return (cx, address) => cx.bytes[address] !== 0;
    case 'u8':
      return (cx, address) => cx.bytes[address];
    case 's8':
      return (cx, address) => cx.view.getInt8(address);
    case 'u16':
      return (cx, address) => cx.view.getUint16(address, true);
    case 's16':
      return (cx, address) => cx.view.getInt16(address, true);
    case 'u32':
      return (cx, address) => cx.view.getUint32(address, true);
    case 's32':
      return (cx, address) => cx.view.getInt32(address, true);
    case 'u64':
      return (cx, address) => cx.view.getBigUint64(address, true);
    case 's64':
      return (cx, address) => cx.view.getBigInt64(address, true);
    case 'f32':
      return (cx, address) => cx.view.getFloat32(address, true);
    case 'f64':
      return (cx, address) => cx.view.getFloat64(address, true);
    case 'char':
      return (cx, address) => charOf(cx.view.getUint32(address, true));
    case 'string':
      return (cx, address) => loadString(cx, cx.view.getUint32(address, true), cx.view.getUint32(address + 4, true));
    case 'list':
    case 'map': {
      if (type.kind === 'list' && type.length !== undefined) {
        const { length } = type;
        const load = elements(type.element);
        return (cx, address) => load(cx, address, length);
      }
      const load = rangeLoaderOf(type);
      return (cx, address) => load(cx, cx.view.getUint32(address, true), cx.view.getUint32(address + 4, true));
    }
    case 'record':
    case 'tuple':
      return type.kind === 'record' ? record(type) : tuple(type);
    case 'flags':
      return flags(type);
    case 'enum':
    case 'variant':
    case 'option':
    case 'result':
      return variant(type);
    case 'own':
      return (cx, address) => liftOwn(cx, cx.view.getUint32(address, true), type);
    case 'borrow':
      return (cx, address) => liftBorrow(cx, cx.view.getUint32(address, true), type);
    case 'stream':
      return (cx, address) => liftStream(cx, cx.view.getUint32(address, true), type);
    case 'future':
      return (cx, address) => liftFuture(cx, cx.view.getUint32(address, true), type);
    case 'error-context':
      return (cx, address) => liftErrorContext(cx, cx.view.getUint32(address, true));
  }
}

/** For lists and maps whose address and length come from the guest. */
export function rangeLoaderOf(type: ValType & { kind: 'list' | 'map' }): LoadRange {
  const element = type.kind === 'map' ? entryOf(type) : type.element;
  const size = elemSize(element);
  const align = alignment(element);
  const load = elements(element);
  const isMap = type.kind === 'map';
  const footprint = footprintOf(element);
  return (cx, address, length) => {
    if (address % align !== 0) throw new Trap(`unaligned pointer: list pointer is not aligned to ${align}`);
    checkRange(cx, address, length * size);
    cx.hold(LIST + length * footprint);
    const list = load(cx, address, length);
    return isMap ? new Map(list as [unknown, unknown][]) : list;
  };
}

// What values take of V8's heap in bytes, about.
const WORD = 8;
const OBJECT = 32;
const LIST = 96;

/** What a value takes, without the elements of its lists and the characters of its strings, which show themselves when it is lifted. */
function footprintOf(type: ValType): number {
  let footprint = footprints.get(type);
  if (footprint === undefined) {
    // Types in types in types: what no memory can hold need not be told apart.
    footprint = Math.min(sumOf(type), 2 ** 40);
    footprints.set(type, footprint);
  }
  return footprint;
}

const footprints = new WeakMap<ValType, number>();

function sumOf(type: ValType): number {
  if (NUMBER_ARRAYS.has(type.kind)) return elemSize(type);
  switch (type.kind) {
    case 'record':
    case 'tuple':
      return partsOf(type).reduce((sum, part) => sum + Math.max(WORD, footprintOf(part.type)), OBJECT);
    case 'variant':
    case 'option':
    case 'result':
      return OBJECT + Math.max(0, ...casesOf(type).map((each) => (each.type === undefined ? 0 : footprintOf(each.type))));
    case 'flags':
      return OBJECT + WORD * type.names.length;
    case 'list':
      return type.length === undefined ? WORD : LIST + type.length * footprintOf(type.element);
    default:
      return WORD;
  }
}

function checkRange(cx: Context, address: number, byteLength: number): void {
  if (address + byteLength > cx.bytes.length) throw new Trap('list pointer/length out of bounds of memory');
  if (byteLength > MAX_LIST_BYTES) throw new Trap(`list of ${byteLength} bytes is longer than the limit of ${MAX_LIST_BYTES}`);
}

/** A `list<u8>` where it lies. */
export function viewBytes(cx: Context, address: number, length: number): Uint8Array {
  checkRange(cx, address, length);
  return cx.bytes.subarray(address, address + length);
}

/**
 * A `list<borrow<…>>` in the array that the function got with its last call, if that could be kept.
 * @param place that of the parameter
 */
export function keptBorrows(cx: Context, address: number, length: number, type: BorrowType, place: number): readonly unknown[] {
  if (address % 4 !== 0) throw new Trap('unaligned pointer: list pointer is not aligned to 4');
  checkRange(cx, address, length * 4);
  const indices = new Uint32Array(cx.bytes.buffer, address, length);
  const resource = resourceOf(cx, type);
  if (resource.implementer !== undefined) return liftBorrows(cx, indices, type);
  cx.kept ??= [];
  cx.kept[place] ??= new KeptBorrows();
  return cx.kept[place].update(cx.instance.handles, indices, resource) ?? liftBorrows(cx, indices, type);
}

const lists = new WeakMap<ValType, LoadRange>();

/** `load_list_from_valid_range`, made once for each type. */
export function listLoaderOf(element: ValType): LoadRange {
  let load = lists.get(element);
  if (load === undefined) {
    load = elements(element);
    lists.set(element, load);
  }
  return load;
}

function elements(element: ValType): LoadRange {
  const numbers = NUMBER_ARRAYS.get(element.kind);
  if (numbers === Uint8Array) return (cx, address, length) => cx.bytes.slice(address, address + length);
  if (numbers !== undefined) return copyOf(numbers);
  if (element.kind === 'borrow') {
    return (cx, address, length) => liftBorrows(cx, new Uint32Array(cx.bytes.buffer, address, length), element);
  }
  const load = loaderOf(element);
  const size = elemSize(element);
  return (cx, address, length) => {
    const list: unknown[] = [];
    for (let i = 0; i < length; i++) list.push(load(cx, address + i * size));
    return list;
  };
}

const copyOf =
  (numbers: NumberArrayClass): LoadRange =>
  (cx, address, length) =>
    new numbers(cx.bytes.buffer, address, length).slice();

function record(type: RecordType): Load {
  const parts = partsOf(type).map((part) => ({ ...part, load: loaderOf(part.type) }));
  return (cx, address) => {
    const value: Record<string, unknown> = {};
    for (const { key, load, offset } of parts) value[key] = load(cx, address + offset);
    return value;
  };
}

function tuple(type: TupleType): Load {
  const parts = partsOf(type).map((part) => ({ ...part, load: loaderOf(part.type) }));
  return (cx, address) => {
    const value: unknown[] = [];
    for (const { load, offset } of parts) value.push(load(cx, address + offset));
    return value;
  };
}

/** `unpack_flags_from_int`, once for each type. */
export function flagsUnpacker(type: FlagsType): (bits: number) => Record<string, boolean> {
  const keys = flagKeys(type);
  return (bits) => {
    const value: Record<string, boolean> = {};
    for (let i = 0; i < keys.length; i++) value[keys[i] as string] = ((bits >>> i) & 1) === 1;
    return value;
  };
}

function flags(type: FlagsType): Load {
  const unpack = flagsUnpacker(type);
  const discriminant = unsignedLoader(elemSize(type));
  return (cx, address) => unpack(discriminant(cx, address));
}

function unsignedLoader(size: number): (cx: Context, address: number) => number {
  if (size === 1) return (cx, address) => cx.bytes[address] as number;
  if (size === 2) return (cx, address) => cx.view.getUint16(address, true);
  return (cx, address) => cx.view.getUint32(address, true);
}

/** Makes the JavaScript value of a case. `lift` gives the payload; undefined for a case without one. */
export type CaseMaker = (index: number, payload: unknown) => unknown;

/** How a type with cases looks in JavaScript. The index is in range. */
export function caseMaker(type: VariantTypeLike): CaseMaker {
  if (type.kind === 'enum') return (index) => type.names[index];
  if (type.kind === 'option' && !maybeUndefined(type.type)) return (_index, payload) => payload;
  const tags = tagsOf(type);
  const hasPayload = casesOf(type).map((c) => c.type !== undefined);
  return (index, payload) => (hasPayload[index] === true ? { tag: tags[index], val: payload } : { tag: tags[index] });
}

export const invalidDiscriminant = (index: number, count: number): Trap =>
  new Trap(`invalid variant discriminant: ${index} is not in 0 to ${count - 1}`);

function variant(type: VariantTypeLike): Load {
  const cases = casesOf(type);
  const payloads = cases.map((c) => (c.type === undefined ? undefined : loaderOf(c.type)));
  const discriminant = unsignedLoader(discriminantSize(cases.length));
  const offset = payloadOffset(type);
  const make = caseMaker(type);
  return (cx, address) => {
    const index = discriminant(cx, address);
    if (index >= payloads.length) throw invalidDiscriminant(index, payloads.length);
    return make(index, payloads[index]?.(cx, address + offset));
  };
}
