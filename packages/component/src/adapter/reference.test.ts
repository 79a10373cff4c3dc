/**
 * The Canonical ABI's lifting and lowering in plain steps, as the specification writes them: what the adapters are compared with.
 * Values: numbers, bigints, booleans, strings; lists and records as arrays; variants as `[case, payload]`; flags as a number.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StringEncoding } from '../binary/definitions.ts';
import { alignment, alignTo, casesOf, discriminantSize, elemSize, fieldsOf, flatten } from '../types/layout.ts';
import type { CoreValType, ValType } from '../types/types.ts';
import { listType } from './lists.ts';

export type Value = number | bigint | boolean | string | undefined | readonly Value[];
export type CoreValue = number | bigint;
export type ReallocCall = readonly [old: number, oldSize: number, align: number, newSize: number];

/** One component as the tests see it: a memory, an allocator and its calls. */
export class Guest {
  readonly memory: WebAssembly.Memory = new WebAssembly.Memory({ initial: 4 });
  readonly reallocs: ReallocCall[] = [];
  readonly encoding: StringEncoding;
  private next = 1024;
  /** For strings that this guest writes as `latin1+utf16`: UTF-16 even where Latin-1 would do. */
  wide = false;
  /** Sees every realloc; what it returns is returned to the adapter. */
  onRealloc: ((...call: ReallocCall) => number) | undefined;

  constructor(encoding: StringEncoding) {
    this.encoding = encoding;
  }

  get view(): DataView {
    return new DataView(this.memory.buffer);
  }

  get bytes(): Uint8Array {
    return new Uint8Array(this.memory.buffer);
  }

  /** A bump allocator that always moves what grows, so that a stale pointer shows. */
  readonly realloc = (...call: ReallocCall): number => {
    this.reallocs.push(call);
    if (this.onRealloc !== undefined) return this.onRealloc(...call);
    const [old, oldSize, align, newSize] = call;
    if (old !== 0 && newSize <= oldSize) return old;
    const pointer = this.allocate(align, newSize);
    this.bytes.copyWithin(pointer, old, old + oldSize);
    return pointer;
  };

  allocate(align: number, size: number): number {
    const pointer = alignTo(this.next + 1, align);
    this.next = pointer + size;
    const missing = this.next - this.memory.buffer.byteLength;
    if (missing > 0) this.memory.grow(Math.ceil(missing / 65536));
    // Garbage, so that what is not written shows.
    this.bytes.fill(0xa5, pointer, pointer + size);
    return pointer;
  }
}

const INTEGERS = {
  u8: [1, false], s8: [1, true], u16: [2, false], s16: [2, true], u32: [4, false], s32: [4, true],
} as const; // biome-ignore format: a table

const isInteger = (kind: string): kind is keyof typeof INTEGERS => kind in INTEGERS;

function readUnsigned(view: DataView, pointer: number, size: number): number {
  return size === 1 ? view.getUint8(pointer) : size === 2 ? view.getUint16(pointer, true) : view.getUint32(pointer, true);
}

function writeInteger(view: DataView, pointer: number, size: number, value: number): void {
  if (size === 1) view.setUint8(pointer, value);
  else if (size === 2) view.setUint16(pointer, value, true);
  else view.setUint32(pointer, value, true);
}

function wrap(value: number, size: number, signed: boolean): number {
  return Number(signed ? BigInt.asIntN(8 * size, BigInt(value)) : BigInt.asUintN(8 * size, BigInt(value)));
}

export function load(guest: Guest, type: ValType, pointer: number): Value {
  const { view } = guest;
  assert.equal(pointer % alignment(type), 0, `${type.kind} at ${pointer} is not aligned`);
  if (isInteger(type.kind)) {
    const [size, signed] = INTEGERS[type.kind];
    return wrap(readUnsigned(view, pointer, size), size, signed);
  }
  switch (type.kind) {
    case 'bool': {
      const byte = view.getUint8(pointer);
      assert.ok(byte <= 1, `a bool is stored as ${byte}`);
      return byte === 1;
    }
    case 'u64':
      return view.getBigUint64(pointer, true);
    case 's64':
      return view.getBigInt64(pointer, true);
    case 'f32':
      return view.getFloat32(pointer, true);
    case 'f64':
      return view.getFloat64(pointer, true);
    case 'char':
      return String.fromCodePoint(view.getUint32(pointer, true));
    case 'own':
    case 'borrow':
      return view.getUint32(pointer, true);
    case 'flags':
      return readUnsigned(view, pointer, elemSize(type));
    case 'string':
      return loadString(guest, view.getUint32(pointer, true), view.getUint32(pointer + 4, true));
    case 'map':
      return load(guest, listType(type), pointer);
    case 'list': {
      const [begin, length] =
        type.length === undefined ? [view.getUint32(pointer, true), view.getUint32(pointer + 4, true)] : [pointer, type.length];
      return loadList(guest, type.element, begin, length);
    }
    case 'record':
    case 'tuple': {
      let at = pointer;
      return fieldsOf(type).map((field) => {
        at = alignTo(at, alignment(field.type));
        const value = load(guest, field.type, at);
        at += elemSize(field.type);
        return value;
      });
    }
    case 'variant':
    case 'enum':
    case 'option':
    case 'result': {
      const size = discriminantSize(casesOf(type).length);
      const index = readUnsigned(view, pointer, size);
      const payload = casesOf(type)[index]?.type;
      return [index, payload && load(guest, payload, pointer + payloadOffset(type))];
    }
    default:
      throw new Error(type.kind);
  }
}

function payloadOffset(type: Parameters<typeof casesOf>[0]): number {
  const align = Math.max(1, ...casesOf(type).map((c) => (c.type === undefined ? 1 : alignment(c.type))));
  return alignTo(discriminantSize(casesOf(type).length), align);
}

function loadList(guest: Guest, element: ValType, begin: number, length: number): Value[] {
  return Array.from({ length }, (_, i) => load(guest, element, begin + i * elemSize(element)));
}

function loadString(guest: Guest, pointer: number, tagged: number): string {
  const { bytes, encoding } = guest;
  const tag = encoding === 'latin1+utf16' && tagged >>> 31 === 1;
  const length = tag ? tagged & 0x7fffffff : tagged;
  if (encoding === 'utf8') return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.slice(pointer, pointer + length));
  const unit = encoding === 'utf16' || tag ? 2 : 1;
  assert.equal(pointer % 2, 0);
  assert.ok(pointer + unit * length <= bytes.length);
  let text = '';
  for (let i = 0; i < length; i++) text += String.fromCharCode(readUnsigned(guest.view, pointer + unit * i, unit));
  return text;
}

export function store(guest: Guest, type: ValType, value: Value, pointer: number): void {
  if (isInteger(type.kind)) {
    writeInteger(guest.view, pointer, INTEGERS[type.kind][0], value as number);
    return;
  }
  switch (type.kind) {
    case 'bool':
      guest.view.setUint8(pointer, value === true ? 1 : 0);
      return;
    case 'u64':
    case 's64':
      guest.view.setBigInt64(pointer, value as bigint, true);
      return;
    case 'f32':
      guest.view.setFloat32(pointer, value as number, true);
      return;
    case 'f64':
      guest.view.setFloat64(pointer, value as number, true);
      return;
    case 'char':
      guest.view.setUint32(pointer, (value as string).codePointAt(0) ?? 0, true);
      return;
    case 'own':
    case 'borrow':
      guest.view.setUint32(pointer, value as number, true);
      return;
    case 'flags':
      writeInteger(guest.view, pointer, elemSize(type), value as number);
      return;
    case 'map':
      store(guest, listType(type), value, pointer);
      return;
    case 'string': {
      const [begin, length] = storeString(guest, value as string);
      guest.view.setUint32(pointer, begin, true);
      guest.view.setUint32(pointer + 4, length, true);
      return;
    }
    case 'list': {
      const values = value as readonly Value[];
      if (type.length !== undefined) {
        for (const [i, v] of values.entries()) store(guest, type.element, v, pointer + i * elemSize(type.element));
        return;
      }
      const [begin, length] = storeList(guest, type.element, values);
      guest.view.setUint32(pointer, begin, true);
      guest.view.setUint32(pointer + 4, length, true);
      return;
    }
    case 'record':
    case 'tuple': {
      let at = pointer;
      for (const [i, field] of fieldsOf(type).entries()) {
        at = alignTo(at, alignment(field.type));
        store(guest, field.type, (value as readonly Value[])[i], at);
        at += elemSize(field.type);
      }
      return;
    }
    case 'variant':
    case 'enum':
    case 'option':
    case 'result': {
      const [index, payload] = value as readonly [number, Value];
      writeInteger(guest.view, pointer, discriminantSize(casesOf(type).length), index);
      const payloadType = casesOf(type)[index]?.type;
      if (payloadType !== undefined) store(guest, payloadType, payload, pointer + payloadOffset(type));
      return;
    }
    default:
      throw new Error(type.kind);
  }
}

function storeList(guest: Guest, element: ValType, values: readonly Value[]): [number, number] {
  const begin = guest.allocate(alignment(element), values.length * elemSize(element));
  for (const [i, value] of values.entries()) store(guest, element, value, begin + i * elemSize(element));
  return [begin, values.length];
}

function storeString(guest: Guest, text: string): [number, number] {
  if (guest.encoding === 'utf8') {
    const encoded = new TextEncoder().encode(text);
    const pointer = guest.allocate(1, encoded.length);
    guest.bytes.set(encoded, pointer);
    return [pointer, encoded.length];
  }
  const latin1 = guest.encoding === 'latin1+utf16' && !guest.wide && !/[^\0-\xff]/.test(text);
  const unit = latin1 ? 1 : 2;
  const pointer = guest.allocate(2, unit * text.length);
  for (let i = 0; i < text.length; i++) writeInteger(guest.view, pointer + unit * i, unit, text.charCodeAt(i));
  return [pointer, guest.encoding === 'utf16' || latin1 ? text.length : (text.length | 0x80000000) >>> 0];
}

const scratch = new DataView(new ArrayBuffer(8));

function floatBits(core: CoreValType, value: CoreValue): bigint {
  scratch.setBigUint64(0, 0n);
  if (core === 'f32') scratch.setFloat32(0, Number(value), true);
  else if (core === 'f64') scratch.setFloat64(0, Number(value), true);
  else scratch.setBigUint64(0, BigInt.asUintN(core === 'i32' ? 32 : 64, BigInt(value)), true);
  return scratch.getBigUint64(0, true);
}

function fromBits(core: CoreValType, bits: bigint): CoreValue {
  scratch.setBigUint64(0, bits, true);
  if (core === 'f32') return scratch.getFloat32(0, true);
  if (core === 'f64') return scratch.getFloat64(0, true);
  return core === 'i64' ? scratch.getBigUint64(0, true) : scratch.getUint32(0, true);
}

export function lowerFlat(guest: Guest, type: ValType, value: Value): CoreValue[] {
  switch (type.kind) {
    case 'u64':
    case 's64':
      return [BigInt.asUintN(64, value as bigint)];
    case 'f32':
    case 'f64':
      return [value as number];
    case 'bool':
      return [value === true ? 1 : 0];
    case 'char':
      return [(value as string).codePointAt(0) ?? 0];
    case 'string':
      return storeString(guest, value as string);
    case 'map':
      return storeList(guest, listType(type).element, value as Value[]);
    case 'list':
      if (type.length === undefined) return storeList(guest, type.element, value as Value[]);
      return (value as readonly Value[]).flatMap((v) => lowerFlat(guest, type.element, v));
    case 'record':
    case 'tuple':
      return fieldsOf(type).flatMap((field, i) => lowerFlat(guest, field.type, (value as readonly Value[])[i]));
    case 'variant':
    case 'enum':
    case 'option':
    case 'result': {
      const [index, payload] = value as readonly [number, Value];
      const [, ...slots] = flatten(type);
      const payloadType = casesOf(type)[index]?.type;
      const have = payloadType === undefined ? [] : flatten(payloadType);
      const values = payloadType === undefined ? [] : lowerFlat(guest, payloadType, payload);
      return [index, ...slots.map((core, i) => fromBits(core, i < values.length ? floatBits(have[i] ?? 'i32', values[i] ?? 0) : 0n))];
    }
    default:
      return [(value as number) >>> 0];
  }
}

/** Takes its values from the front of `values`. */
export function liftFlat(guest: Guest, type: ValType, values: CoreValue[]): Value {
  const next = (): CoreValue => {
    const value = values.shift();
    assert.notEqual(value, undefined, 'too few flat values');
    return value ?? 0;
  };
  if (isInteger(type.kind)) {
    const [size, signed] = INTEGERS[type.kind];
    const value = Number(next());
    assert.equal(value | 0, wrap(value, size, signed) | 0, `${type.kind} is passed as ${value}`);
    return wrap(value, size, signed);
  }
  switch (type.kind) {
    case 'bool': {
      const value = Number(next());
      assert.ok(value === 0 || value === 1, `a bool is passed as ${value}`);
      return value === 1;
    }
    case 'u64':
      return BigInt.asUintN(64, next() as bigint);
    case 's64':
      return BigInt.asIntN(64, next() as bigint);
    case 'f32':
    case 'f64':
      return Number(next());
    case 'char':
      return String.fromCodePoint(Number(next()));
    case 'string':
      return loadString(guest, Number(next()) >>> 0, Number(next()) >>> 0);
    case 'map':
      return loadList(guest, listType(type).element, Number(next()) >>> 0, Number(next()) >>> 0);
    case 'list':
      if (type.length === undefined) return loadList(guest, type.element, Number(next()) >>> 0, Number(next()) >>> 0);
      return Array.from({ length: type.length }, () => liftFlat(guest, type.element, values));
    case 'record':
    case 'tuple':
      return fieldsOf(type).map((field) => liftFlat(guest, field.type, values));
    case 'variant':
    case 'enum':
    case 'option':
    case 'result': {
      const index = Number(next());
      const [, ...slots] = flatten(type);
      const raw = slots.map(() => next());
      const payloadType = casesOf(type)[index]?.type;
      const want = payloadType === undefined ? [] : flatten(payloadType);
      for (const [i, core] of slots.entries()) {
        if (i >= want.length) assert.equal(floatBits(core, raw[i] ?? 0), 0n, 'a slot that the case has no use for is not zero');
      }
      return [
        index,
        payloadType &&
          liftFlat(
            guest,
            payloadType,
            want.map((core, i) => fromBits(core, floatBits(slots[i] ?? 'i32', raw[i] ?? 0))),
          ),
      ];
    }
    default:
      return Number(next()) >>> 0;
  }
}

test('the reference lifts what it lowered', () => {
  const type: ValType = {
    kind: 'tuple',
    types: [
      { kind: 'option', type: { kind: 'f32' } },
      { kind: 'list', element: { kind: 'string' }, length: undefined },
      { kind: 'result', ok: { kind: 's64' }, err: { kind: 'f32' } },
      { kind: 's8' },
    ],
  };
  const value: Value = [[1, 1.5], ['ä', '☃'], [1, -2.5], -7];
  for (const encoding of ['utf8', 'utf16', 'latin1+utf16'] as const) {
    const guest = new Guest(encoding);
    assert.deepEqual(liftFlat(guest, type, lowerFlat(guest, type, value)), value);
    const pointer = guest.allocate(alignment(type), elemSize(type));
    store(guest, type, value, pointer);
    assert.deepEqual(load(guest, type, pointer), value);
  }
});
