/**
 * Lowering JavaScript values to flat core values. Made for each value type at its place, as in `lift-flat.ts`.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#flat-lowering
 */
import { lowerFuture, lowerStream } from '../concurrency/async-values.ts';
import { lowerErrorContext } from '../concurrency/error-context.ts';
import { casesOf, flatten, type VariantTypeLike } from '../types/layout.ts';
import type { CoreValType, RecordType, TupleType, ValType } from '../types/types.ts';
import type { Context } from './context.ts';
import { lowerBorrow, lowerOwn } from './handles.ts';
import { Misfit, within } from './misfit.ts';
import { lowerScalar, scalarCode } from './scalars.ts';
import { maybeUndefined, ofOwn, PlaceCache, partsOf } from './shapes.ts';
import { asObject, asTuple, caseMatcher, flagsPacker, rangeStorerOf } from './store.ts';
import { storeString } from './strings.ts';

/** Writes the flat values of `value` to their places in `flat`. */
export type LowerFlat = (cx: Context, value: unknown, flat: unknown[]) => void;

const made = new PlaceCache<LowerFlat>();

/** `want` holds the core types of all flat values, `at` is the index of this type's first. */
export function flatLowerer(type: ValType, want: readonly CoreValType[], at: number): LowerFlat {
  return made.get(type, want, at) ?? made.set(type, want, at, makeLowerer(type, want, at));
}

function makeLowerer(type: ValType, want: readonly CoreValType[], at: number): LowerFlat {
  const code = scalarCode(type);
  if (code !== undefined) {
    const put = writer(flatten(type)[0], want, at);
    if (put !== undefined) return (_cx, value, flat) => put(flat, lowerScalar(code, value));
    return (_cx, value, flat) => {
      flat[at] = lowerScalar(code, value);
    };
  }
  switch (type.kind) {
    case 'string': {
      const [putAddress, putLength] = [index(want, at), index(want, at + 1)];
      return (cx, value, flat) => {
        if (typeof value !== 'string') throw new Misfit(type, value);
        putAddress(flat, storeString(cx, value));
        putLength(flat, cx.units);
      };
    }
    case 'list':
      if (type.length !== undefined) return fixedList(type, type.element, type.length, want, at);
      return range(type, want, at);
    case 'map':
      return range(type, want, at);
    case 'record':
    case 'tuple':
      return sequence(type, want, at);
    case 'flags': {
      const pack = flagsPacker(type);
      const put = index(want, at);
      return (_cx, value, flat) => put(flat, pack(value));
    }
    case 'enum':
    case 'variant':
    case 'option':
    case 'result':
      return variant(type, want, at);
    case 'own': {
      const put = index(want, at);
      return (cx, value, flat) => put(flat, lowerOwn(cx, value, type));
    }
    case 'borrow': {
      const put = index(want, at);
      return (cx, value, flat) => put(flat, lowerBorrow(cx, value, type));
    }
    case 'stream': {
      const put = index(want, at);
      return (cx, value, flat) => put(flat, lowerStream(cx, value, type));
    }
    case 'future': {
      const put = index(want, at);
      return (cx, value, flat) => put(flat, lowerFuture(cx, value, type));
    }
    case 'error-context': {
      const put = index(want, at);
      return (cx, value, flat) => put(flat, lowerErrorContext(cx, value));
    }
    default:
      throw new Error(`internal error: a ${type.kind} is a scalar`);
  }
}

const scratch = new DataView(new ArrayBuffer(8));

function floatBits(value: number): number {
  scratch.setFloat32(0, value);
  return scratch.getUint32(0);
}

function doubleBits(value: number): bigint {
  scratch.setFloat64(0, value);
  return scratch.getBigUint64(0);
}

type Write = (flat: unknown[], value: unknown) => void;

/** Converts to the joined type; undefined where nothing is to be converted. */
function writer(have: CoreValType | undefined, want: readonly CoreValType[], at: number): Write | undefined {
  const joined = want[at];
  if (joined === have) return undefined;
  const convert =
    joined === 'i32'
      ? (value: unknown) => floatBits(value as number)
      : have === 'i32'
        ? (value: unknown) => BigInt((value as number) >>> 0)
        : have === 'f32'
          ? (value: unknown) => BigInt(floatBits(value as number))
          : (value: unknown) => doubleBits(value as number);
  return (flat, value) => {
    flat[at] = convert(value);
  };
}

/** Writes an unsigned number: an address, length, discriminant, handle index or flags. */
function index(want: readonly CoreValType[], at: number): (flat: unknown[], value: number) => void {
  if (want[at] === 'i64') {
    return (flat, value) => {
      flat[at] = BigInt(value);
    };
  }
  return (flat, value) => {
    flat[at] = value;
  };
}

function range(type: ValType & { kind: 'list' | 'map' }, want: readonly CoreValType[], at: number): LowerFlat {
  const store = rangeStorerOf(type);
  const [putAddress, putLength] = [index(want, at), index(want, at + 1)];
  return (cx, value, flat) => {
    putAddress(flat, store(cx, value));
    putLength(flat, cx.units);
  };
}

function fixedList(type: ValType, element: ValType, length: number, want: readonly CoreValType[], at: number): LowerFlat {
  const width = flatten(element).length;
  const lowers = Array.from({ length }, (_, i) => flatLowerer(element, want, at + i * width));
  return (cx, value, flat) => {
    const list = asObject(type, value);
    if (list.length !== length) throw new Misfit(type, value);
    let i = 0;
    try {
      for (; i < length; i++) lowers[i]?.(cx, list[i], flat);
    } catch (error) {
      throw within(`[${i}]`, error);
    }
  };
}

function sequence(type: RecordType | TupleType, want: readonly CoreValType[], at: number): LowerFlat {
  let next = at;
  const parts = partsOf(type).map((part) => {
    const lower = flatLowerer(part.type, want, next);
    next += flatten(part.type).length;
    return { key: part.key, lower: ofOwn(part.key, lower) };
  });
  const isTuple = type.kind === 'tuple';
  return (cx, value, flat) => {
    const object = isTuple ? asTuple(type, value) : asObject(type, value);
    let part = '';
    try {
      for (const { key, lower } of parts) {
        part = key;
        lower(cx, object[key], flat);
      }
    } catch (error) {
      throw within(isTuple ? `[${part}]` : `.${part}`, error);
    }
  };
}

const zeroOf = (type: CoreValType | undefined): number | bigint => (type === 'i64' ? 0n : 0);

function variant(type: VariantTypeLike, want: readonly CoreValType[], at: number): LowerFlat {
  const end = at + flatten(type).length;
  const zeros = Array.from({ length: end }, (_, i) => zeroOf(want[i]));
  const cases = casesOf(type).map((c) =>
    c.type === undefined
      ? { lower: undefined, end: at + 1 }
      : { lower: flatLowerer(c.type, want, at + 1), end: at + 1 + flatten(c.type).length },
  );
  const putIndex = index(want, at);
  const matcher = caseMatcher(type);
  const place = type.kind === 'option' && !maybeUndefined(type.type) ? '' : '.val';
  return (cx, value, flat) => {
    const found = matcher.index(value);
    putIndex(flat, found);
    const chosen = cases[found];
    if (chosen === undefined) return;
    try {
      chosen.lower?.(cx, matcher.payload(value), flat);
    } catch (error) {
      throw within(place, error);
    }
    for (let i = chosen.end; i < end; i++) flat[i] = zeros[i];
  };
}
