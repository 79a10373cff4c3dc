/** Pointers into linear memories: checks, allocation by the guest's `realloc`, and the instance flags around it. */
import { ComponentError } from '../errors.ts';
import { FLAGS_CONTEXT_OFFSET, MAY_LEAVE } from '../instance/flags.ts';
import type { SharedModule } from './module.ts';
import type { AdapterSide } from './requests.ts';
import { COPY_BYTES } from './shapes.ts';
import { TRAP } from './traps.ts';
import { type Code, type Local, mem, op } from './wasm-code.ts';

/** Strings and lists above this many bytes are never lifted. CanonicalABI.md#loading */
export const MAX_BYTE_LENGTH: number = 2 ** 28 - 1;

/** The memory of a side whose signature needs one; validation has made sure of it. */
export function memoryOf(module: SharedModule, side: AdapterSide): number {
  if (side.memory === undefined)
    throw new ComponentError('TENON_INVALID', 'the canonical options of a function lack the memory that its type needs');
  return module.memory(side.memory);
}

/** Traps when the pointer is not a multiple of `align`. */
export function checkAligned(code: Code, pointer: Local, align: number): void {
  if (align === 1) return;
  code.trapIf(TRAP.unalignedPointer, () =>
    code
      .get(pointer)
      .i32(align - 1)
      .op(op.i32And),
  );
}

/** Traps with `trap` when the bytes, whose number `length` pushes, do not all lie within the memory. */
export function checkBounds(code: Code, memory: number, pointer: Local, length: () => void, trap: number): void {
  code.trapIf(trap, () => {
    code.get(pointer).op(op.i64ExtendI32U);
    length();
    code.op(op.i64ExtendI32U, op.i64Add);
    code.memorySize(memory).op(op.i64ExtendI32U).i64(16n).op(op.i64Shl, op.i64GtU);
  });
}

/** Traps when `length` elements of `size` bytes are more than a list or string may have, unless they lie outside of the memory, which comes first. */
export function checkLength(code: Code, memory: number, pointer: Local, length: Local, size: number, traps: LengthTraps): void {
  code
    .get(length)
    .i32(Math.floor(MAX_BYTE_LENGTH / size))
    .op(op.i32GtU);
  code.if(() => {
    code.trapIf(traps.outOfBounds, () => {
      code.get(pointer).op(op.i64ExtendI32U).get(length).op(op.i64ExtendI32U).i64(BigInt(size)).op(op.i64Mul, op.i64Add);
      code.memorySize(memory).op(op.i64ExtendI32U).i64(16n).op(op.i64Shl, op.i64GtU);
    });
    code.trap(traps.tooLong);
  });
}

interface LengthTraps {
  readonly outOfBounds: number;
  readonly tooLong: number;
}

/** Traps when a pointer from the guest to a value of known size and alignment is bad. */
export function checkPointer(code: Code, memory: number, pointer: Local, align: number, size: number): void {
  checkAligned(code, pointer, align);
  checkBounds(code, memory, pointer, () => code.i32(size), TRAP.pointerOutOfBounds);
}

/** Bytes in one of the module's memories. */
export interface Bytes {
  readonly memory: number;
  readonly base: Local;
  readonly offset: number;
}

const WORDS = [
  { size: 8, load: mem.i64Load, store: mem.i64Store },
  { size: 4, load: mem.i32Load, store: mem.i32Store },
  { size: 2, load: mem.i32Load16U, store: mem.i32Store16 },
  { size: 1, load: mem.i32Load8U, store: mem.i32Store8 },
] as const;

/** Copies a number of bytes that is known: word by word, or by `memory.copy` when they are many. */
export function copyBytes(code: Code, from: Bytes, to: Bytes, size: number): void {
  if (size > COPY_BYTES) {
    code.get(to.base).i32(to.offset).op(op.i32Add);
    code.get(from.base).i32(from.offset).op(op.i32Add);
    code.i32(size).memoryCopy(to.memory, from.memory);
    return;
  }
  let done = 0;
  for (const word of WORDS) {
    for (; size - done >= word.size; done += word.size) {
      code
        .get(to.base, from.base)
        .access(word.load, from.memory, from.offset + done)
        .access(word.store, to.memory, to.offset + done);
    }
  }
}

/** What `realloc` is called with: what is there already (if anything) and how many bytes are wanted. */
export interface Allocation {
  readonly old?: { readonly pointer: Local; readonly size: () => void };
  readonly align: number;
  readonly size: () => void;
  /** The trap when the guest's answer is outside of its memory. */
  readonly outOfBounds: number;
}

/** Calls the `realloc` of a side, checks what it returns and sets `pointer` to it: `LiftLowerContext.reallocate` of the spec. */
export function reallocate(code: Code, module: SharedModule, side: AdapterSide, pointer: Local, allocation: Allocation): void {
  if (side.realloc === undefined)
    throw new ComponentError('TENON_INVALID', 'the canonical options of a function lack the realloc that its type needs');
  const { old, align, size, outOfBounds } = allocation;
  const restoreContext = freshContext(code, module, side);
  withoutLeave(code, module, side.instance, () => {
    if (old === undefined) code.i32(0).i32(0);
    else {
      code.get(old.pointer);
      old.size();
    }
    code.i32(align);
    size();
    code.call(module.realloc(side.realloc as number)).set(pointer);
  });
  restoreContext();
  checkAligned(code, pointer, align);
  checkBounds(code, memoryOf(module, side), pointer, size, outOfBounds);
}

const CONTEXT_OFFSETS = [FLAGS_CONTEXT_OFFSET, FLAGS_CONTEXT_OFFSET + 8];

/** Gives a new thread of an instance zeros for storage: a task has one, and so has each `realloc`. Returns what puts the old storage back. */
export function freshContext(code: Code, module: SharedModule, { instance, usesContext }: AdapterSide): () => void {
  if (!usesContext) return () => {};
  const flags = module.flagsMemory();
  const address = module.flagsAddress(instance);
  const saved = CONTEXT_OFFSETS.map((offset) => ({ offset, value: code.fresh('i64') }));
  for (const { offset, value } of saved) {
    code.globalGet(address).access(mem.i64Load, flags, offset).set(value);
    code.globalGet(address).i64(0n).access(mem.i64Store, flags, offset);
  }
  return () => {
    for (const { offset, value } of saved) code.globalGet(address).get(value).access(mem.i64Store, flags, offset);
  };
}

/** Runs guest code that must not call out: MAY_LEAVE is cleared around it. */
export function withoutLeave(code: Code, module: SharedModule, instance: number, body: () => void): void {
  setFlags(code, module, instance, 0);
  body();
  setFlags(code, module, instance, MAY_LEAVE);
}

/**
 * Sets the flags of an instance. They are always known: an idle instance may be entered and left, one that runs may only be left.
 * So they are written without being read, since reading what was just written makes each step wait for the one before.
 */
export function setFlags(code: Code, module: SharedModule, instance: number, flags: number): void {
  code.globalGet(module.flagsAddress(instance)).i32(flags).access(mem.i32Store, module.flagsMemory());
}
