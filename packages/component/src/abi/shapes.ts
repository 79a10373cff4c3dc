/** What lifting and lowering have in common about how types look in JavaScript. */
import { alignment, alignTo, casesOf, discriminantSize, elemSize, fieldsOf, type VariantTypeLike } from '../types/layout.ts';
import type { CoreValType, FlagsType, MapType, RecordType, TupleType, ValType } from '../types/types.ts';
import { camelCase } from './names.ts';

/** `MAX_LIST_BYTE_LENGTH` of the spec. */
export const MAX_LIST_BYTES: number = 2 ** 28 - 1;

/** A part of a record or tuple: its property in JavaScript and its offset in bytes. */
export interface Part {
  readonly key: string;
  readonly type: ValType;
  readonly offset: number;
}

/** The parts of a record (keys in camelCase) or tuple (keys `0`, `1`, …). */
export function partsOf(type: RecordType | TupleType): readonly Part[] {
  let end = 0;
  return fieldsOf(type).map((field) => {
    const offset = alignTo(end, alignment(field.type));
    end = offset + elemSize(field.type);
    return { key: type.kind === 'record' ? camelCase(field.name) : field.name, type: field.type, offset };
  });
}

const entries = new WeakMap<MapType, TupleType>();

/** `map<K, V>` is passed as `list<tuple<K, V>>`. */
export function entryOf(type: MapType): TupleType {
  let known = entries.get(type);
  if (known === undefined) {
    known = { kind: 'tuple', types: [type.key, type.value] };
    entries.set(type, known);
  }
  return known;
}

/** Whether every object has such a property: `constructor`, `toString`. What is inherited there was not given, and no value is a function. */
export const isInherited = (key: string): boolean => key in Object.prototype;

/** Makes `use` take a property that is only inherited for one that is missing. */
export function ofOwn<C, R>(key: string, use: (cx: C, value: unknown, to: R) => void): (cx: C, value: unknown, to: R) => void {
  if (!isInherited(key)) return use;
  return (cx, value, to) => use(cx, typeof value === 'function' ? undefined : value, to);
}

export const flagKeys = (type: FlagsType): readonly string[] => type.names.map(camelCase);

/** Whether `undefined` is a value of the type's JavaScript form, so that an option of it needs the form with a tag. */
export function maybeUndefined(type: ValType): boolean {
  return type.kind === 'option' && !maybeUndefined(type.type);
}

/** The tags of a type with cases, as JavaScript sees them. */
export function tagsOf(type: VariantTypeLike): readonly string[] {
  return type.kind === 'result' ? ['ok', 'err'] : casesOf(type).map((c) => c.name);
}

/** Where the payload of a type with cases begins, in bytes. */
export function payloadOffset(type: VariantTypeLike): number {
  const cases = casesOf(type);
  let align = 1;
  for (const c of cases) if (c.type !== undefined) align = Math.max(align, alignment(c.type));
  return alignTo(discriminantSize(cases.length), align);
}

export type NumberArray =
  | Uint8Array<ArrayBuffer> | Int8Array<ArrayBuffer> | Uint16Array<ArrayBuffer> | Int16Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | BigUint64Array<ArrayBuffer> | BigInt64Array<ArrayBuffer>
  | Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>; // biome-ignore format: one pair of signs a line

export interface NumberArrayClass {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): NumberArray;
}

/** Whether it is an `ArrayBuffer`, of this realm or another. */
export function isArrayBuffer(value: unknown): value is ArrayBuffer {
  return value instanceof ArrayBuffer || Object.prototype.toString.call(value) === '[object ArrayBuffer]';
}

/** The typed array of a list of numbers. */
export const NUMBER_ARRAYS: ReadonlyMap<string, NumberArrayClass> = new Map<string, NumberArrayClass>(
  Object.entries({
    u8: Uint8Array,
    s8: Int8Array,
    u16: Uint16Array,
    s16: Int16Array,
    u32: Uint32Array,
    s32: Int32Array,
    u64: BigUint64Array,
    s64: BigInt64Array,
    f32: Float32Array,
    f64: Float64Array,
  }) as unknown as [string, NumberArrayClass][],
);

/**
 * What was made for a type at its place among flat values. A type that occurs in many cases is made once for each place:
 * without that, nested variants with shared types would take exponential time.
 */
export class PlaceCache<T> {
  private readonly made = new WeakMap<readonly CoreValType[], Map<ValType, T[]>>();

  get(type: ValType, flat: readonly CoreValType[], at: number): T | undefined {
    return this.made.get(flat)?.get(type)?.[at];
  }

  set(type: ValType, flat: readonly CoreValType[], at: number, value: T): T {
    let types = this.made.get(flat);
    if (types === undefined) {
      types = new Map();
      this.made.set(flat, types);
    }
    let places = types.get(type);
    if (places === undefined) {
      places = [];
      types.set(type, places);
    }
    places[at] = value;
    return value;
  }
}
