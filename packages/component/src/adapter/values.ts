/**
 * Moves one value from the caller's representation to the callee's, or back: lift and lower in one.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#lifting-and-lowering-values
 */
import { ComponentError } from '../errors.ts';
import { alignment, alignTo, elemSize, fieldsOf, flatten } from '../types/layout.ts';
import type { CoreValType, Field, FlagsType, ListType, PrimitiveKind, ValType } from '../types/types.ts';
import { listType, moveFixedList, moveList } from './lists.ts';
import { copyBytes, memoryOf } from './memory.ts';
import type { Passage, SharedModule } from './module.ts';
import { COPY_BYTES, cost, isBits, OUTLINE_COST, outlineCostIn } from './shapes.ts';
import { stringHelper } from './strings.ts';
import { TRAP } from './traps.ts';
import { moveVariant } from './variants.ts';
import { type Code, type Local, mem, op } from './wasm-code.ts';

/** Where a value is or goes: in memory, or in locals (in the order of its flat types, each possibly of a joined type). */
export type Place = MemoryPlace | FlatPlace;

export interface MemoryPlace {
  readonly kind: 'memory';
  readonly base: Local;
  readonly offset: number;
}

export interface FlatPlace {
  readonly kind: 'flat';
  readonly slots: readonly Local[];
}

/** What is needed to emit code that moves values. */
export interface Mover {
  readonly code: Code;
  readonly module: SharedModule;
  readonly passage: Passage;
  /** Types that cost more than this are moved by a function of their own. */
  readonly outlineCost: number;
}

export function moverIn(code: Code, module: SharedModule, passage: Passage): Mover {
  return { code, module, passage, outlineCost: OUTLINE_COST };
}

/** How a scalar stands in memory and on the stack. `flat` makes of any core value the one that the spec's lift and lower would give. */
interface Scalar {
  readonly core: CoreValType;
  readonly load: number;
  readonly store: number;
  readonly flat?: (code: Code) => void;
  /** Applied wherever the value comes from. */
  readonly always?: (code: Code) => void;
}

const toBool = (code: Code): void => void code.i32(0).op(op.i32Ne);
const mask = (bits: number) => (code: Code) => void code.i32(bits).op(op.i32And);
const I32: Scalar = { core: 'i32', load: mem.i32Load, store: mem.i32Store };
const I64: Scalar = { core: 'i64', load: mem.i64Load, store: mem.i64Store };

const SCALARS: Readonly<Partial<Record<PrimitiveKind, Scalar>>> = {
  bool: { core: 'i32', load: mem.i32Load8U, store: mem.i32Store8, always: toBool },
  s8: { core: 'i32', load: mem.i32Load8S, store: mem.i32Store8, flat: (code) => code.op(op.i32Extend8S) },
  u8: { core: 'i32', load: mem.i32Load8U, store: mem.i32Store8, flat: mask(0xff) },
  s16: { core: 'i32', load: mem.i32Load16S, store: mem.i32Store16, flat: (code) => code.op(op.i32Extend16S) },
  u16: { core: 'i32', load: mem.i32Load16U, store: mem.i32Store16, flat: mask(0xffff) },
  s32: I32,
  u32: I32,
  s64: I64,
  u64: I64,
  f32: { core: 'f32', load: mem.f32Load, store: mem.f32Store },
  f64: { core: 'f64', load: mem.f64Load, store: mem.f64Store },
};

const LOAD_UNSIGNED = { 1: mem.i32Load8U, 2: mem.i32Load16U, 4: mem.i32Load } as const;
const STORE = { 1: mem.i32Store8, 2: mem.i32Store16, 4: mem.i32Store } as const;

/** An unsigned integer of that many bytes in memory, an i32 when flat: a discriminant or flags. */
export function unsignedScalar(bytes: 1 | 2 | 4): Scalar {
  return { core: 'i32', load: LOAD_UNSIGNED[bytes], store: STORE[bytes] };
}

export function move(mover: Mover, type: ValType, from: Place, to: Place): void {
  if (cost(type) > mover.outlineCost) moveOutlined(mover, type, from, to);
  else moveInline(mover, type, from, to);
}

function moveInline(outer: Mover, type: ValType, from: Place, to: Place): void {
  const { code, module, passage } = outer;
  const mover: Mover = { code, module, passage, outlineCost: Math.min(outer.outlineCost, outlineCostIn(type)) };
  if (from.kind === 'memory' && to.kind === 'memory' && elemSize(type) > COPY_BYTES && isBits(type)) {
    moveBits(mover, elemSize(type), from, to);
    return;
  }
  switch (type.kind) {
    case 'string': {
      const helper = stringHelper(module, passage);
      movePair(mover, from, to, () => code.call(helper));
      return;
    }
    case 'list':
      if (type.length === undefined) moveListPair(mover, type, from, to);
      else moveFixedList(mover, type, type.length, from, to);
      return;
    case 'map':
      moveListPair(mover, listType(type), from, to);
      return;
    case 'record':
    case 'tuple':
      moveFields(mover, fieldsOf(type), from, to);
      return;
    case 'variant':
    case 'enum':
    case 'option':
    case 'result':
      moveVariant(mover, type, from, to);
      return;
    case 'flags':
      moveScalar(mover, flagsScalar(type), from, to);
      return;
    case 'char':
      code.scratch('i32', (value) => {
        read(mover, I32, from);
        code.set(value);
        // One comparison: exclusive-or moves the surrogates to 0 … 0x7ff, from where the subtraction wraps.
        code.trapIf(TRAP.invalidChar, () => code.get(value).i32(0xd800).op(op.i32Xor).i32(0x800).op(op.i32Sub).i32(0x10f800).op(op.i32GeU));
        write(mover, I32, to, () => code.get(value));
      });
      return;
    case 'own':
    case 'borrow': {
      const transfer = module.transfer(type.kind, type.resource, passage.from.instance, passage.to.instance);
      write(mover, I32, to, () => {
        read(mover, I32, from);
        code.call(transfer);
      });
      return;
    }
    case 'stream':
    case 'future':
    case 'error-context':
      throw new ComponentError('TENON_UNSUPPORTED', `passing a ${type.kind} from one component to another needs concurrency`);
    default: {
      const scalar = SCALARS[type.kind];
      if (scalar === undefined) throw new TypeError(`unknown type ${type.kind}`);
      moveScalar(mover, scalar, from, to);
    }
  }
}

function flagsScalar(type: FlagsType): Scalar {
  const scalar = unsignedScalar(elemSize(type) as 1 | 2 | 4);
  const count = type.names.length;
  return count === 32 ? scalar : { ...scalar, always: mask(2 ** count - 1) };
}

/** Moves the fields of a record, laid out one after the other. */
function moveFields(mover: Mover, fields: readonly Field[], from: Place, to: Place): void {
  let offset = 0;
  let slot = 0;
  for (const { type } of fields) {
    offset = alignTo(offset, alignment(type));
    const slots = from.kind === 'flat' || to.kind === 'flat' ? flatten(type).length : 0;
    move(mover, type, within(from, offset, slot), within(to, offset, slot));
    offset += elemSize(type);
    slot += slots;
  }
}

/** A part of a value. */
export function within(place: Place, offset: number, slot: number): Place {
  return place.kind === 'memory' ? { ...place, offset: place.offset + offset } : { kind: 'flat', slots: place.slots.slice(slot) };
}

/** Copies a value whose bytes are equal on both sides. */
export function moveBits({ code, module, passage }: Mover, size: number, from: MemoryPlace, to: MemoryPlace): void {
  copyBytes(code, { memory: memoryOf(module, passage.from), ...from }, { memory: memoryOf(module, passage.to), ...to }, size);
}

function moveScalar(mover: Mover, scalar: Scalar, from: Place, to: Place): void {
  write(mover, scalar, to, () => {
    read(mover, scalar, from);
    // A narrow load or store has done it where either side is in memory.
    if (from.kind === 'flat' && to.kind === 'flat') scalar.flat?.(mover.code);
    scalar.always?.(mover.code);
  });
}

/** Pushes a scalar. */
export function read(mover: Mover, scalar: Scalar, from: Place): void {
  const { code, module, passage } = mover;
  if (from.kind === 'memory') {
    code.get(from.base).access(scalar.load, memoryOf(module, passage.from), from.offset);
    return;
  }
  const slot = first(from.slots);
  code.get(slot);
  coerce(code, slot.type, scalar.core);
}

/** Stores the scalar that `value` pushes. */
export function write(mover: Mover, scalar: Scalar, to: Place, value: () => void): void {
  const { code, module, passage } = mover;
  if (to.kind === 'memory') {
    code.get(to.base);
    value();
    code.access(scalar.store, memoryOf(module, passage.to), to.offset);
    return;
  }
  const slot = first(to.slots);
  value();
  coerce(code, scalar.core, slot.type);
  code.set(slot);
}

function first(slots: readonly Local[]): Local {
  const slot = slots[0];
  if (slot === undefined) throw new TypeError('a flat place lacks a slot');
  return slot;
}

/** Between a flat type and what it was joined with in a variant: `CoerceValueIter` and `lower_flat_variant` of the spec. */
function coerce(code: Code, have: CoreValType, want: CoreValType): void {
  if (have === want) return;
  switch (`${have} ${want}`) {
    case 'i32 f32':
      return void code.op(op.f32ReinterpretI32);
    case 'i64 i32':
      return void code.op(op.i32WrapI64);
    case 'i64 f32':
      return void code.op(op.i32WrapI64, op.f32ReinterpretI32);
    case 'i64 f64':
      return void code.op(op.f64ReinterpretI64);
    case 'f32 i32':
      return void code.op(op.i32ReinterpretF32);
    case 'i32 i64':
      return void code.op(op.i64ExtendI32U);
    case 'f32 i64':
      return void code.op(op.i32ReinterpretF32, op.i64ExtendI32U);
    case 'f64 i64':
      return void code.op(op.i64ReinterpretF64);
    default:
      throw new TypeError(`${have} is never joined with ${want}`);
  }
}

function moveListPair(mover: Mover, type: ListType, from: Place, to: Place): void {
  const { code } = mover;
  movePair(mover, from, to, () =>
    code.scratch('i32', (pointer) =>
      code.scratch('i32', (length) =>
        code.scratch('i32', (target) => {
          code.set(length).set(pointer);
          moveList(mover, type.element, pointer, length, target);
          code.get(target, length);
        }),
      ),
    ),
  );
}

/** Moves a pointer and a length: `convert` takes them from the stack and leaves those of the other side. */
function movePair(mover: Mover, from: Place, to: Place, convert: () => void): void {
  const { code } = mover;
  read(mover, I32, from);
  read(mover, I32, within(from, 4, 1));
  convert();
  code.scratch('i32', (pointer) =>
    code.scratch('i32', (length) => {
      code.set(length).set(pointer);
      write(mover, I32, to, () => code.get(pointer));
      write(mover, I32, within(to, 4, 1), () => code.get(length));
    }),
  );
}

/** Moves a value by a function of its own, so that code stays in proportion to the types however often one is used. */
function moveOutlined(mover: Mover, type: ValType, from: Place, to: Place): void {
  const { code, module, passage } = mover;
  const coreFrom = from.kind === 'flat' ? flatten(type) : (['i32'] as const);
  const coreTo = to.kind === 'flat' ? flatten(type) : (['i32'] as const);
  const params = to.kind === 'flat' ? coreFrom : [...coreFrom, 'i32'];
  const results = to.kind === 'flat' ? coreTo : [];
  const helper = module.helper(`move ${module.typeNumber(type)} ${from.kind} ${to.kind} ${passage.key}`, { params, results }, (inner) => {
    const source: Place =
      from.kind === 'flat'
        ? { kind: 'flat', slots: inner.params.slice(0, coreFrom.length) }
        : { kind: 'memory', base: param(inner, 0), offset: 0 };
    const target: Place =
      to.kind === 'flat'
        ? { kind: 'flat', slots: coreTo.map((core) => inner.fresh(core)) }
        : { kind: 'memory', base: param(inner, params.length - 1), offset: 0 };
    moveInline(moverIn(inner, module, passage), type, source, target);
    if (target.kind === 'flat') inner.get(...target.slots);
  });
  if (from.kind === 'memory') code.get(from.base).i32(from.offset).op(op.i32Add);
  else {
    coreFrom.forEach((core, index) => {
      const slot = first(from.slots.slice(index));
      code.get(slot);
      coerce(code, slot.type, core);
    });
  }
  if (to.kind === 'memory') code.get(to.base).i32(to.offset).op(op.i32Add);
  code.call(helper);
  if (to.kind === 'flat') {
    for (let index = coreTo.length - 1; index >= 0; index--) {
      const slot = first(to.slots.slice(index));
      coerce(code, coreTo[index] ?? 'i32', slot.type);
      code.set(slot);
    }
  }
}

function param(code: Code, index: number): Local {
  return first(code.params.slice(index));
}
