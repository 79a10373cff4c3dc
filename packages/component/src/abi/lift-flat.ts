/**
 * Lifting values from flat core values.
 * A function is made for each value type at its place among the flat values; the types that the cases of a variant were
 * joined to are known then, so that each leaf converts once, whatever variants it is nested in.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#flat-lifting
 */
import { liftFuture, liftStream } from '../concurrency/async-values.ts';
import { liftErrorContext } from '../concurrency/error-context.ts';
import { casesOf, flatten, type VariantTypeLike } from '../types/layout.ts';
import type { CoreValType, RecordType, TupleType, ValType } from '../types/types.ts';
import type { Context } from './context.ts';
import { liftBorrow, liftOwn } from './handles.ts';
import { caseMaker, flagsUnpacker, invalidDiscriminant, rangeLoaderOf } from './load.ts';
import { liftScalar, scalarCode } from './scalars.ts';
import { NUMBER_ARRAYS, PlaceCache, partsOf } from './shapes.ts';
import { loadString } from './strings.ts';

/** Flat values: i32, f32 and f64 are numbers, i64 bigints. */
export type Flat = readonly unknown[];
export type LiftFlat = (cx: Context, flat: Flat) => unknown;

const made = new PlaceCache<LiftFlat>();

/** `have` holds the core types of all flat values, `at` is the index of this type's first. */
export function flatLifter(type: ValType, have: readonly CoreValType[], at: number): LiftFlat {
  return made.get(type, have, at) ?? made.set(type, have, at, makeLifter(type, have, at));
}

function makeLifter(type: ValType, have: readonly CoreValType[], at: number): LiftFlat {
  const code = scalarCode(type);
  if (code !== undefined) {
    const want = flatten(type)[0];
    if (have[at] === want) return (_cx, flat) => liftScalar(code, flat[at]);
    const read = coerced(have, at, want);
    return (_cx, flat) => liftScalar(code, read(flat));
  }
  switch (type.kind) {
    case 'string': {
      const [address, length] = pair(have, at);
      return (cx, flat) => loadString(cx, address(flat), length(flat));
    }
    case 'list':
      if (type.length !== undefined) return fixedList(type.element, type.length, have, at);
      return range(type, have, at);
    case 'map':
      return range(type, have, at);
    case 'record':
    case 'tuple':
      return sequence(type, have, at);
    case 'flags': {
      const read = unsigned(have, at);
      const unpack = flagsUnpacker(type);
      return (_cx, flat) => unpack(read(flat));
    }
    case 'enum':
    case 'variant':
    case 'option':
    case 'result':
      return variant(type, have, at);
    case 'own': {
      const read = unsigned(have, at);
      return (cx, flat) => liftOwn(cx, read(flat), type);
    }
    case 'borrow': {
      const read = unsigned(have, at);
      return (cx, flat) => liftBorrow(cx, read(flat), type);
    }
    case 'stream': {
      const read = unsigned(have, at);
      return (cx, flat) => liftStream(cx, read(flat), type);
    }
    case 'future': {
      const read = unsigned(have, at);
      return (cx, flat) => liftFuture(cx, read(flat), type);
    }
    case 'error-context': {
      const read = unsigned(have, at);
      return (cx, flat) => liftErrorContext(cx, read(flat));
    }
    default:
      throw new Error(`internal error: a ${type.kind} is a scalar`);
  }
}

const scratch = new DataView(new ArrayBuffer(8));

function floatOf(bits: number): number {
  scratch.setInt32(0, bits);
  return scratch.getFloat32(0);
}

function doubleOf(bits: bigint): number {
  scratch.setBigInt64(0, bits);
  return scratch.getFloat64(0);
}

/** `CoerceValueIter` of the spec. */
function coerced(have: readonly CoreValType[], at: number, want: CoreValType | undefined): (flat: Flat) => unknown {
  const joined = have[at];
  if (joined === want) return (flat) => flat[at];
  if (joined === 'i32') return (flat) => floatOf(flat[at] as number);
  if (want === 'i32') return (flat) => Number(BigInt.asIntN(32, flat[at] as bigint));
  if (want === 'f32') return (flat) => floatOf(Number(BigInt.asIntN(32, flat[at] as bigint)));
  return (flat) => doubleOf(flat[at] as bigint);
}

function unsigned(have: readonly CoreValType[], at: number): (flat: Flat) => number {
  if (have[at] === 'i32') return (flat) => (flat[at] as number) >>> 0;
  return (flat) => Number(BigInt.asUintN(32, flat[at] as bigint));
}

const pair = (have: readonly CoreValType[], at: number) => [unsigned(have, at), unsigned(have, at + 1)] as const;

function range(type: ValType & { kind: 'list' | 'map' }, have: readonly CoreValType[], at: number): LiftFlat {
  const [address, length] = pair(have, at);
  const load = rangeLoaderOf(type);
  return (cx, flat) => load(cx, address(flat), length(flat));
}

function fixedList(element: ValType, length: number, have: readonly CoreValType[], at: number): LiftFlat {
  const width = flatten(element).length;
  const lifts = Array.from({ length }, (_, i) => flatLifter(element, have, at + i * width));
  const numbers = NUMBER_ARRAYS.get(element.kind);
  if (numbers === undefined) return (cx, flat) => lifts.map((lift) => lift(cx, flat));
  return (cx, flat) => {
    const list = new numbers(new ArrayBuffer(length * numbers.BYTES_PER_ELEMENT), 0, length) as { [index: number]: unknown };
    for (let i = 0; i < length; i++) list[i] = lifts[i]?.(cx, flat);
    return list;
  };
}

function sequence(type: RecordType | TupleType, have: readonly CoreValType[], at: number): LiftFlat {
  let next = at;
  const parts = partsOf(type).map((part) => {
    const lift = flatLifter(part.type, have, next);
    next += flatten(part.type).length;
    return { key: part.key, lift };
  });
  if (type.kind === 'tuple') return (cx, flat) => parts.map(({ lift }) => lift(cx, flat));
  return (cx, flat) => {
    const value: Record<string, unknown> = {};
    for (const { key, lift } of parts) value[key] = lift(cx, flat);
    return value;
  };
}

function variant(type: VariantTypeLike, have: readonly CoreValType[], at: number): LiftFlat {
  const lifts = casesOf(type).map((c) => (c.type === undefined ? undefined : flatLifter(c.type, have, at + 1)));
  const discriminant = unsigned(have, at);
  const make = caseMaker(type);
  return (cx, flat) => {
    const index = discriminant(flat);
    if (index >= lifts.length) throw invalidDiscriminant(index, lifts.length);
    return make(index, lifts[index]?.(cx, flat));
  };
}
