/**
 * The body of one core function, written instruction by instruction.
 * https://webassembly.github.io/spec/core/binary/instructions.html
 */
import type { CoreValType } from '../types/types.ts';
import { Bytes } from './bytes.ts';

/** Opcodes that take no immediate. Those above 0xff have the SIMD prefix in front. */
export const op = {
  unreachable: 0x00, return: 0x0f, drop: 0x1a,
  i32Eqz: 0x45, i32Eq: 0x46, i32Ne: 0x47, i32LtU: 0x49, i32GtU: 0x4b, i32GeU: 0x4f,
  i64Ne: 0x52, i64GtU: 0x56,
  i32Add: 0x6a, i32Sub: 0x6b, i32Mul: 0x6c, i32And: 0x71, i32Or: 0x72, i32Xor: 0x73, i32Shl: 0x74, i32ShrU: 0x76,
  i64Add: 0x7c, i64Mul: 0x7e, i64And: 0x83, i64Or: 0x84, i64Shl: 0x86,
  i32WrapI64: 0xa7, i64ExtendI32U: 0xad,
  i32ReinterpretF32: 0xbc, i64ReinterpretF64: 0xbd, f32ReinterpretI32: 0xbe, f64ReinterpretI64: 0xbf,
  i32Extend8S: 0xc0, i32Extend16S: 0xc1,
  i8x16Swizzle: 0xfd0e, i8x16Splat: 0xfd0f, i16x8Eq: 0xfd2d,
  v128And: 0xfd4e, v128Or: 0xfd50, v128Xor: 0xfd51, v128AnyTrue: 0xfd53,
  i8x16Bitmask: 0xfd64, i8x16NarrowI16x8U: 0xfd66, i8x16Add: 0xfd6e, i8x16ShrU: 0xfd6d, i8x16SubSatU: 0xfd73,
  i16x8ExtendLowI8x16U: 0xfd89, i16x8ExtendHighI8x16U: 0xfd8a,
} as const; // biome-ignore format: a table

/** Loads and stores; each takes a memory and a constant offset. */
export const mem = {
  i32Load: 0x28, i64Load: 0x29, f32Load: 0x2a, f64Load: 0x2b,
  i32Load8S: 0x2c, i32Load8U: 0x2d, i32Load16S: 0x2e, i32Load16U: 0x2f,
  i32Store: 0x36, i64Store: 0x37, f32Store: 0x38, f64Store: 0x39, i32Store8: 0x3a, i32Store16: 0x3b,
  v128Load: 0xfd00, v128Store: 0xfd0b,
} as const; // biome-ignore format: a table

const VALUE_TYPES: Readonly<Record<string, number>> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b };

/** The byte that stands for a numeric or vector type. */
export function valueTypeCode(type: CoreValType): number {
  const code = VALUE_TYPES[type];
  if (code === undefined) throw new TypeError(`no adapter passes a value of core type ${type}`);
  return code;
}

/** A function of the module: imported ones have their final index, defined ones are numbered after all imports. */
export interface Func {
  readonly imported: boolean;
  readonly index: number;
}

export interface Local {
  readonly index: number;
  readonly type: CoreValType;
}

/** A target of branches. */
export interface Label {
  readonly depth: number;
}

/** Where in `bytes` the five-byte index of a defined function stands that is not known before all imports are. */
export interface CallSite {
  readonly at: number;
  readonly func: Func;
}

export class Code {
  readonly params: readonly Local[];
  readonly bytes: Bytes = new Bytes();
  readonly calls: CallSite[] = [];
  /** Whether {@link trapIf} was used: then the body stands in a block that yields the trap code. */
  traps = false;
  private readonly locals: Local[] = [];
  private readonly free = new Map<CoreValType, Local[]>();
  private depth = 0;

  constructor(params: readonly CoreValType[]) {
    this.params = params.map((type, index) => ({ index, type }));
  }

  /** A local that nothing else uses: it is zero until it is set. */
  fresh(type: CoreValType): Local {
    const local: Local = { index: this.params.length + this.locals.length, type };
    this.locals.push(local);
    return local;
  }

  /** Lends a local of any content to `use`. */
  scratch<T>(type: CoreValType, use: (local: Local) => T): T {
    const local = this.free.get(type)?.pop() ?? this.fresh(type);
    const result = use(local);
    const list = this.free.get(type);
    if (list === undefined) this.free.set(type, [local]);
    else list.push(local);
    return result;
  }

  /** The types of the locals, for the writer. */
  get localTypes(): readonly CoreValType[] {
    return this.locals.map((local) => local.type);
  }

  op(...opcodes: readonly number[]): this {
    for (const opcode of opcodes) this.opcode(opcode);
    return this;
  }

  get(...locals: readonly Local[]): this {
    for (const local of locals) this.immediate(0x20, local.index);
    return this;
  }

  set(local: Local): this {
    return this.immediate(0x21, local.index);
  }

  tee(local: Local): this {
    return this.immediate(0x22, local.index);
  }

  globalGet(index: number): this {
    return this.immediate(0x23, index);
  }

  i32(value: number): this {
    this.bytes.push(0x41);
    this.bytes.signed(value);
    return this;
  }

  i64(value: bigint): this {
    this.bytes.push(0x42);
    this.bytes.signedLong(value);
    return this;
  }

  /** A vector of sixteen byte lanes. */
  v128(...lanes: readonly number[]): this {
    this.bytes.push(0xfd, 0x0c);
    for (let i = 0; i < 16; i++) this.bytes.push(lanes[i % lanes.length] ?? 0);
    return this;
  }

  /** `i8x16.shuffle` of the two vectors on the stack. */
  shuffle(lanes: readonly number[]): this {
    this.bytes.push(0xfd, 0x0d, ...lanes);
    return this;
  }

  /** A load: takes the address from the stack. A store: takes the address and the value. */
  access(opcode: number, memory: number, offset = 0): this {
    this.opcode(opcode);
    // The alignment is a hint that engines ignore; one byte is always allowed.
    if (memory === 0) this.bytes.push(0);
    else {
      this.bytes.push(0x40);
      this.bytes.unsigned(memory);
    }
    this.bytes.unsigned(offset);
    return this;
  }

  memorySize(memory: number): this {
    return this.immediate(0x3f, memory);
  }

  /** Takes destination, source and length from the stack. */
  memoryCopy(to: number, from: number): this {
    this.bytes.push(0xfc, 0x0a);
    this.bytes.unsigned(to);
    this.bytes.unsigned(from);
    return this;
  }

  call(func: Func): this {
    this.bytes.push(0x10);
    if (func.imported) this.bytes.unsigned(func.index);
    else {
      this.calls.push({ at: this.bytes.length, func });
      this.bytes.push(0, 0, 0, 0, 0);
    }
    return this;
  }

  block(body: (end: Label) => void): this {
    return this.nest(0x02, body);
  }

  loop(body: (start: Label) => void): this {
    return this.nest(0x03, body);
  }

  /** Takes the condition from the stack. */
  if(then: () => void, otherwise?: () => void): this {
    return this.nest(0x04, () => {
      then();
      if (otherwise !== undefined) {
        this.bytes.push(0x05);
        otherwise();
      }
    });
  }

  /** Catches every exception that `body` lets out, and goes on after it. `body` does not end: it returns or branches. */
  catchAll(body: () => void): this {
    return this.block(() => {
      this.bytes.push(0x1f, 0x40, 0x01, 0x02, 0x00);
      this.depth++;
      body();
      this.depth--;
      this.bytes.push(0x0b, op.unreachable);
    });
  }

  br(label: Label): this {
    return this.immediate(0x0c, this.depth - label.depth);
  }

  brIf(label: Label): this {
    return this.immediate(0x0d, this.depth - label.depth);
  }

  /** Takes the index from the stack; the last label is the default. */
  brTable(labels: readonly Label[]): this {
    this.bytes.push(0x0e);
    this.bytes.unsigned(labels.length - 1);
    for (const label of labels) this.bytes.unsigned(this.depth - label.depth);
    return this;
  }

  /** Leaves the function with the trap of that code when the condition that `condition` pushes holds. */
  trapIf(code: number, condition: () => void): this {
    this.traps = true;
    this.i32(code);
    condition();
    // Out of line, so that the way without a trap is straight and short.
    return this.immediate(0x0d, this.depth).op(op.drop);
  }

  trap(code: number): this {
    this.traps = true;
    return this.i32(code).immediate(0x0c, this.depth);
  }

  private nest(opcode: number, body: (label: Label) => void): this {
    this.bytes.push(opcode, 0x40);
    this.depth++;
    body({ depth: this.depth });
    this.depth--;
    this.bytes.push(0x0b);
    return this;
  }

  private opcode(opcode: number): void {
    if (opcode <= 0xff) this.bytes.push(opcode);
    else {
      this.bytes.push(opcode >> 8);
      this.bytes.unsigned(opcode & 0xff);
    }
  }

  private immediate(opcode: number, value: number): this {
    this.bytes.push(opcode);
    this.bytes.unsigned(value);
    return this;
  }
}
