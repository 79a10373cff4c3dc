/**
 * Storing JavaScript values in linear memory. For each type a function is made once, from the functions of its parts.
 * Values are read once each; the views of the context are read anew after every part, since `realloc` may replace them.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#storing
 */

import { lowerFuture, lowerStream } from '../concurrency/async-values.ts';
import { lowerErrorContext } from '../concurrency/error-context.ts';
import { alignment, casesOf, discriminantSize, elemSize, type VariantTypeLike } from '../types/layout.ts';
import type { FlagsType, RecordType, TupleType, ValType } from '../types/types.ts';
import type { Context } from './context.ts';
import { lowerBorrow, lowerOwn } from './handles.ts';
import { listed, Misfit, within } from './misfit.ts';
import { lowerScalar, scalarCode } from './scalars.ts';
import {
  entryOf,
  flagKeys,
  isArrayBuffer,
  isInherited,
  MAX_LIST_BYTES,
  maybeUndefined,
  NUMBER_ARRAYS,
  ofOwn,
  partsOf,
  payloadOffset,
  tagsOf,
} from './shapes.ts';
import { storeString } from './strings.ts';

/** `store`. The address is aligned and the value's place lies within the memory. */
export type Store = (cx: Context, value: unknown, address: number) => void;

const stores = new WeakMap<ValType, Store>();

export function storerOf(type: ValType): Store {
  let store = stores.get(type);
  if (store === undefined) {
    store = makeStore(type);
    stores.set(type, store);
  }
  return store;
}

function makeStore(type: ValType): Store {
  switch (type.kind) {
    case 'bool':
    case 'u8':
    case 's8':
    case 'u16':
    case 's16':
    case 'u32':
    case 's32':
    case 'char': {
      const code = scalarCode(type) ?? 0;
      const put = unsignedStorer(elemSize(type));
      return (cx, value, address) => put(cx, address, lowerScalar(code, value) as number);
    }
    case 'u64':
    case 's64': {
      const code = scalarCode(type) ?? 0;
      return (cx, value, address) => cx.view.setBigInt64(address, lowerScalar(code, value) as bigint, true);
    }
    case 'f32':
      return (cx, value, address) => {
        if (typeof value !== 'number') throw new Misfit(type, value);
        cx.view.setFloat32(address, value, true);
      };
    case 'f64':
      return (cx, value, address) => {
        if (typeof value !== 'number') throw new Misfit(type, value);
        cx.view.setFloat64(address, value, true);
      };
    case 'string':
      return (cx, value, address) => {
        if (typeof value !== 'string') throw new Misfit(type, value);
        const begin = storeString(cx, value);
        cx.view.setUint32(address, begin, true);
        cx.view.setUint32(address + 4, cx.units, true);
      };
    case 'list':
    case 'map': {
      if (type.kind === 'list' && type.length !== undefined) {
        const { length } = type;
        const { put, read } = elements(type);
        return (cx, value, address) => put(cx, read(value), address, length);
      }
      const store = rangeStorerOf(type);
      return (cx, value, address) => {
        const begin = store(cx, value);
        const { units } = cx;
        cx.view.setUint32(address, begin, true);
        cx.view.setUint32(address + 4, units, true);
      };
    }
    case 'record':
    case 'tuple':
      return sequence(type);
    case 'flags': {
      const pack = flagsPacker(type);
      const put = unsignedStorer(elemSize(type));
      return (cx, value, address) => put(cx, address, pack(value));
    }
    case 'enum':
    case 'variant':
    case 'option':
    case 'result':
      return variant(type);
    case 'own':
      return (cx, value, address) => cx.view.setUint32(address, lowerOwn(cx, value, type), true);
    case 'borrow':
      return (cx, value, address) => cx.view.setUint32(address, lowerBorrow(cx, value, type), true);
    case 'stream':
      return (cx, value, address) => cx.view.setUint32(address, lowerStream(cx, value, type), true);
    case 'future':
      return (cx, value, address) => cx.view.setUint32(address, lowerFuture(cx, value, type), true);
    case 'error-context':
      return (cx, value, address) => cx.view.setUint32(address, lowerErrorContext(cx, value), true);
  }
}

type Put = (cx: Context, address: number, value: number) => void;

function unsignedStorer(size: number): Put {
  if (size === 1) {
    return (cx, address, value) => {
      cx.bytes[address] = value;
    };
  }
  if (size === 2) return (cx, address, value) => cx.view.setUint16(address, value, true);
  return (cx, address, value) => cx.view.setUint32(address, value, true);
}

type Elements = ArrayLike<unknown>;
/** `length` is what was allocated, whatever the list has become since. */
type PutElements = (cx: Context, list: Elements, address: number, length: number) => void;

/** How a list is read from JavaScript, and its elements put in place (`store_list_into_valid_range`). */
function elements(type: ValType & { kind: 'list' | 'map' }): { read: (value: unknown) => Elements; put: PutElements } {
  const element = type.kind === 'map' ? entryOf(type) : type.element;
  const fixed = type.kind === 'map' ? undefined : type.length;
  const ofBytes = element.kind === 'u8';
  const read = (value: unknown): Elements => {
    const list = ofBytes && isArrayBuffer(value) ? new Uint8Array(value) : listOf(value);
    if (list === undefined || (fixed !== undefined && list.length !== fixed)) throw new Misfit(type, value);
    return list;
  };
  const size = elemSize(element);
  const store = storerOf(element);
  const each: PutElements = (cx, list, address, length) => {
    let i = 0;
    try {
      for (; i < length; i++) store(cx, list[i], address + i * size);
    } catch (error) {
      throw within(`[${i}]`, error);
    }
  };
  const numbers = NUMBER_ARRAYS.get(element.kind);
  if (numbers === undefined) return { read, put: each };
  const put: PutElements = (cx, list, address, length) => {
    if (!(list instanceof numbers)) return each(cx, list, address, length);
    if (numbers === Uint8Array) cx.bytes.set(list as Uint8Array, address);
    else (new numbers(cx.bytes.buffer, address, length) as Uint8Array).set(list as Uint8Array);
  };
  return { read, put };
}

const listStores = new WeakMap<ValType, PutElements>();

/** `store_list_into_valid_range`, made once for each type of elements. */
export function listStorerOf(element: ValType): PutElements {
  let store = listStores.get(element);
  if (store === undefined) {
    store = elements({ kind: 'list', element, length: undefined }).put;
    listStores.set(element, store);
  }
  return store;
}

/** Arrays and typed arrays as they are, other iterables as arrays. A string is no list, although it is iterable. */
function listOf(value: unknown): Elements | undefined {
  if (Array.isArray(value)) return value;
  if (typeof value !== 'object' || value === null) return undefined;
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) return value as Uint8Array;
  return Symbol.iterator in value ? Array.from(value as Iterable<unknown>) : undefined;
}

/** `store_list_into_range`: returns the address, and leaves the number of elements in `cx.units`. */
export function rangeStorerOf(type: ValType & { kind: 'list' | 'map' }): (cx: Context, value: unknown) => number {
  const element = type.kind === 'map' ? entryOf(type) : type.element;
  const size = elemSize(element);
  const align = alignment(element);
  const { put, read } = elements(type);
  return (cx, value) => {
    const list = read(value);
    const { length } = list;
    if (length * size > MAX_LIST_BYTES) throw new Misfit(`a list of at most ${MAX_LIST_BYTES} bytes`, value);
    const address = cx.realloc(0, 0, align, length * size);
    put(cx, list, address, length);
    cx.units = length;
    return address;
  };
}

/** Any object or array; what it lacks shows when its parts are lowered. */
export function asObject(type: ValType, value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) throw new Misfit(type, value);
  return value as Record<string, unknown>;
}

/** A tuple is any array-like object of the right length. */
export function asTuple(type: TupleType, value: unknown): Record<string, unknown> {
  const list = asObject(type, value);
  if (list.length !== type.types.length) throw new Misfit(type, value);
  return list;
}

function sequence(type: RecordType | TupleType): Store {
  const parts = partsOf(type).map((part) => ({ ...part, store: ofOwn(part.key, storerOf(part.type)) }));
  const isTuple = type.kind === 'tuple';
  return (cx, value, address) => {
    const object = isTuple ? asTuple(type, value) : asObject(type, value);
    let at = '';
    try {
      for (const { key, offset, store } of parts) {
        at = key;
        store(cx, object[key], address + offset);
      }
    } catch (error) {
      throw within(isTuple ? `[${at}]` : `.${at}`, error);
    }
  };
}

/** `pack_flags_into_int`, once for each type. A flag that is missing is not set, and no object at all means that none is. */
export function flagsPacker(type: FlagsType): (value: unknown) => number {
  const keys = flagKeys(type);
  const known: ReadonlySet<string> = new Set(keys);
  return (value) => {
    if (value === undefined) return 0;
    const object = asObject(type, value);
    if (Array.isArray(value)) throw new Misfit(type, value);
    let bits = 0;
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as string;
      const flag = object[key];
      if (flag === true) bits |= 1 << i;
      else if (flag !== false && flag !== undefined && !isInherited(key)) throw within(`.${key}`, new Misfit('a boolean', flag));
    }
    for (const key in object) {
      if (!known.has(key)) throw within(`.${key}`, new Misfit(`no such flag (they are ${listed(keys, String)})`, object[key]));
    }
    return bits >>> 0;
  };
}

/** `match_case`: the index of the case, and in `payload` what goes with it. */
export interface CaseMatcher {
  readonly index: (value: unknown) => number;
  readonly payload: (value: unknown) => unknown;
}

export function caseMatcher(type: VariantTypeLike): CaseMatcher {
  if (type.kind === 'option' && !maybeUndefined(type.type)) {
    return { index: (value) => (value === undefined || value === null ? 0 : 1), payload: (value) => value };
  }
  const indices: ReadonlyMap<unknown, number> = new Map(tagsOf(type).map((tag, index) => [tag, index]));
  const find = (tag: unknown, value: unknown): number => {
    const index = indices.get(tag);
    if (index === undefined) throw new Misfit(type, value);
    return index;
  };
  if (type.kind === 'enum') return { index: (value) => find(value, value), payload: () => undefined };
  return {
    index: (value) => {
      const { tag } = asObject(type, value);
      return find(tag, typeof tag === 'string' ? tag : value);
    },
    payload: (value) => (value as { readonly val?: unknown }).val,
  };
}

function variant(type: VariantTypeLike): Store {
  const cases = casesOf(type);
  const payloads = cases.map((c) => (c.type === undefined ? undefined : storerOf(c.type)));
  const put = unsignedStorer(discriminantSize(cases.length));
  const offset = payloadOffset(type);
  const { index, payload } = caseMatcher(type);
  const place = type.kind === 'option' && !maybeUndefined(type.type) ? '' : '.val';
  return (cx, value, address) => {
    const found = index(value);
    put(cx, address, found);
    const store = payloads[found];
    if (store === undefined) return;
    try {
      store(cx, payload(value), address + offset);
    } catch (error) {
      throw within(place, error);
    }
  };
}
