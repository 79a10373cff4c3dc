/**
 * The immediates of every instruction that V8 takes: what is needed to step over it.
 * https://webassembly.github.io/spec/core/binary/instructions.html
 */

/** The shape of the bytes after an opcode. */
export const FORM = {
  unknown: 0,
  none: 1,
  /** One index. */
  index: 2,
  twoIndices: 3,
  block: 4,
  /** Alignment, where its sixth bit is set a memory, and an offset. */
  memory: 5,
  /** As `memory`, and a lane. */
  memoryLane: 6,
  leb: 7,
  four: 8,
  eight: 9,
  sixteen: 10,
  /** One byte. */
  lane: 11,
  branchTable: 12,
  valueTypes: 13,
  heapType: 14,
  tryTable: 15,
  /** Flags, a label and two heap types. */
  castBranch: 16,
  /** The opcode goes on with a number. */
  prefix: 17,
} as const;

export type Form = (typeof FORM)[keyof typeof FORM];

/** First opcode, last opcode, form. */
type Range = readonly [first: number, last: number, form: Form];

function table(size: number, ranges: readonly Range[]): Uint8Array {
  const forms = new Uint8Array(size);
  for (const [first, last, form] of ranges) forms.fill(form, first, last + 1);
  return forms;
}

/** By the first byte. */
export const FORMS: Uint8Array = table(256, [
  [0x00, 0x01, FORM.none], // unreachable, nop
  [0x02, 0x04, FORM.block], // block, loop, if
  [0x05, 0x05, FORM.none], // else
  [0x06, 0x06, FORM.block], // try
  [0x07, 0x09, FORM.index], // catch, throw, rethrow
  [0x0a, 0x0b, FORM.none], // throw_ref, end
  [0x0c, 0x0d, FORM.index], // br, br_if
  [0x0e, 0x0e, FORM.branchTable],
  [0x0f, 0x0f, FORM.none], // return
  [0x10, 0x10, FORM.index], // call
  [0x11, 0x11, FORM.twoIndices], // call_indirect
  [0x12, 0x12, FORM.index], // return_call
  [0x13, 0x13, FORM.twoIndices], // return_call_indirect
  [0x14, 0x15, FORM.index], // call_ref, return_call_ref
  [0x18, 0x18, FORM.index], // delegate
  [0x19, 0x1b, FORM.none], // catch_all, drop, select
  [0x1c, 0x1c, FORM.valueTypes], // select t
  [0x1f, 0x1f, FORM.tryTable],
  [0x20, 0x26, FORM.index], // local.*, global.*, table.get, table.set
  [0x28, 0x3e, FORM.memory], // loads and stores
  [0x3f, 0x40, FORM.index], // memory.size, memory.grow
  [0x41, 0x42, FORM.leb], // i32.const, i64.const
  [0x43, 0x43, FORM.four],
  [0x44, 0x44, FORM.eight],
  [0x45, 0xc4, FORM.none], // numeric
  [0xd0, 0xd0, FORM.heapType], // ref.null
  [0xd1, 0xd1, FORM.none], // ref.is_null
  [0xd2, 0xd2, FORM.index], // ref.func
  [0xd3, 0xd4, FORM.none], // ref.eq, ref.as_non_null
  [0xd5, 0xd6, FORM.index], // br_on_null, br_on_non_null
  [0xfb, 0xfe, FORM.prefix],
]);

/** Of the opcodes after 0xfb: garbage-collected objects. */
const GC = table(0x1f, [
  [0, 1, FORM.index], // struct.new, struct.new_default
  [2, 5, FORM.twoIndices], // struct.get*, struct.set
  [6, 7, FORM.index], // array.new, array.new_default
  [8, 10, FORM.twoIndices], // array.new_fixed, array.new_data, array.new_elem
  [11, 14, FORM.index], // array.get*, array.set
  [15, 15, FORM.none], // array.len
  [16, 16, FORM.index], // array.fill
  [17, 19, FORM.twoIndices], // array.copy, array.init_data, array.init_elem
  [20, 23, FORM.heapType], // ref.test, ref.cast
  [24, 25, FORM.castBranch],
  [26, 30, FORM.none], // any.convert_extern, extern.convert_any, ref.i31, i31.get_*
]);

/** Of the opcodes after 0xfc: saturating truncation, bulk memory and tables. */
const BULK = table(0x12, [
  [0, 7, FORM.none],
  [8, 8, FORM.twoIndices], // memory.init
  [9, 9, FORM.index], // data.drop
  [10, 10, FORM.twoIndices], // memory.copy
  [11, 11, FORM.index], // memory.fill
  [12, 12, FORM.twoIndices], // table.init
  [13, 13, FORM.index], // elem.drop
  [14, 14, FORM.twoIndices], // table.copy
  [15, 17, FORM.index], // table.grow, table.size, table.fill
]);

/** Of the opcodes after 0xfd: vectors, the relaxed ones last. */
const VECTOR = table(0x114, [
  [0x00, 0x0b, FORM.memory],
  [0x0c, 0x0d, FORM.sixteen], // v128.const, i8x16.shuffle
  [0x0e, 0x14, FORM.none],
  [0x15, 0x22, FORM.lane],
  [0x23, 0x53, FORM.none],
  [0x54, 0x5b, FORM.memoryLane],
  [0x5c, 0x5d, FORM.memory], // v128.load32_zero, v128.load64_zero
  [0x5e, 0x99, FORM.none],
  [0x9a, 0x9a, FORM.unknown],
  [0x9b, 0xa1, FORM.none],
  [0xa2, 0xa2, FORM.unknown],
  [0xa3, 0xa4, FORM.none],
  [0xa5, 0xa6, FORM.unknown],
  [0xa7, 0xae, FORM.none],
  [0xaf, 0xb0, FORM.unknown],
  [0xb1, 0xb1, FORM.none],
  [0xb2, 0xb4, FORM.unknown],
  [0xb5, 0xba, FORM.none],
  [0xbb, 0xbb, FORM.unknown],
  [0xbc, 0xc1, FORM.none],
  [0xc2, 0xc2, FORM.unknown],
  [0xc3, 0xc4, FORM.none],
  [0xc5, 0xc6, FORM.unknown],
  [0xc7, 0xce, FORM.none],
  [0xcf, 0xd0, FORM.unknown],
  [0xd1, 0xd1, FORM.none],
  [0xd2, 0xd4, FORM.unknown],
  [0xd5, 0xe1, FORM.none],
  [0xe2, 0xe2, FORM.unknown],
  [0xe3, 0xed, FORM.none],
  [0xee, 0xee, FORM.unknown],
  [0xef, 0xff, FORM.none],
  [0x100, 0x113, FORM.none],
]);

/** Of the opcodes after 0xfe: atomics. */
const ATOMIC = table(0x4f, [
  [0x00, 0x02, FORM.memory], // memory.atomic.notify, wait32, wait64
  [0x03, 0x03, FORM.lane], // atomic.fence
  [0x10, 0x4e, FORM.memory],
]);

const NONE = new Uint8Array(0);

/** By the prefix less 0xfb, then by the opcode. */
export const PREFIXED: readonly Uint8Array[] = [GC, BULK, VECTOR, ATOMIC, NONE];
