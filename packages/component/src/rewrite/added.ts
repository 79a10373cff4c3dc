/** The types, globals, tables, functions and exports that a rewritten module has more than the original. */
import { leb, sleb } from './byte-writer.ts';
import { LARGE_ARRAY_BYTES, NAMES, SERVICE } from './layout.ts';
import { type Helpers, UnknownInstruction } from './scan.ts';
import type { Shape, Value } from './shape.ts';

const I32 = 0x7f;
const I64 = 0x7e;
const F64 = 0x7c;
const EXTERNREF = 0x6f;

const END = 0x0b;
const VOID = 0x40;

const localGet = (index: number): number[] => [0x20, index];
const localSet = (index: number): number[] => [0x21, index];
const globalGet = (index: number): number[] => [0x23, ...leb(index)];
const globalSet = (index: number): number[] => [0x24, ...leb(index)];
const i32 = (value: number): number[] => [0x41, ...sleb(value)];
const i64 = (value: number): number[] => [0x42, ...sleb(value)];
const f64 = (value: number): number[] => [0x44, ...new Uint8Array(new Float64Array([value]).buffer)];

/** How long a guest that waits by itself is not looked at. */
const WAIT_SLICE_NS = 5_000_000;

/** Programs wait at offset zero. */
const MAX_WAITS = 1000;

/** Unsigned and back, by the type of an address: `f64.convert_…_u`, `…trunc_sat_f64_s`. */
const toFloat = (wide: boolean): number[] => [wide ? 0xba : 0xb8];
const fromFloat = (wide: boolean): number[] => [0xfc, wide ? 0x06 : 0x02];

/** `ref null` of the same heap type. */
function nullable({ bytes }: Value): number[] {
  return bytes[0] === 0x64 ? [0x63, ...bytes.subarray(1)] : [...bytes];
}

/** The heap type of a reference type: an abstract one's short form is its heap type. */
function heapType({ bytes }: Value): number[] {
  return bytes[0] === 0x63 || bytes[0] === 0x64 ? [...bytes.subarray(1)] : [...bytes];
}

const isNonNull = ({ bytes }: Value): boolean => bytes[0] === 0x64;

function zero(type: Value): number[] {
  switch (type.bytes[0]) {
    case 0x7f:
      return i32(0);
    case 0x7e:
      return i64(0);
    case 0x7d:
      return [0x43, 0, 0, 0, 0];
    case 0x7c:
      return f64(0);
    case 0x7b:
      return [0xfd, 12, ...new Array<number>(16).fill(0)];
    default:
      return [0xd0, ...heapType(type)];
  }
}

interface AddedFunction {
  readonly type: number;
  /** Local declarations and code, without the size. */
  readonly body: readonly number[];
}

export class Added implements Helpers {
  readonly types: number[][] = [];
  readonly functions: AddedFunction[] = [];
  readonly globals: number[][] = [];
  readonly tables: number[][] = [];
  readonly exports: { readonly name: string; readonly kind: number; readonly index: number }[] = [];
  /** What a check calls. */
  readonly interrupt: number;
  private readonly shape: Shape;
  private readonly made = new Map<string, number>();
  private readonly state: number;
  private readonly interruptHook: number;
  private readonly serviceHook: number;
  private readonly interruptType: number;
  private readonly serviceType: number;
  private readonly clock: readonly number[];
  private waits = 0;

  /** @param clock loads the word that says that the clock has moved */
  constructor(shape: Shape, clock: readonly number[]) {
    this.clock = clock;
    this.shape = shape;
    this.interruptType = this.type([EXTERNREF], []);
    this.serviceType = this.type([EXTERNREF, I32, I32, F64], [F64]);
    this.state = this.global([EXTERNREF], [0xd0, EXTERNREF]);
    this.interruptHook = this.global([0x63, ...sleb(this.interruptType)], [0xd0, ...sleb(this.interruptType)]);
    this.serviceHook = this.global([0x63, ...sleb(this.serviceType)], [0xd0, ...sleb(this.serviceType)]);
    const interrupt = [...globalGet(this.state), ...globalGet(this.interruptHook), 0x14, ...leb(this.interruptType)];
    this.interrupt = this.func([], [], [], interrupt);
    this.addInit();
  }

  private type(params: readonly number[], results: readonly number[]): number {
    const bytes = [0x60, ...leb(paramsCount(params)), ...params, ...leb(paramsCount(results)), ...results];
    return this.once(`type ${bytes}`, () => this.shape.typeCount + this.types.push(bytes) - 1);
  }

  private once(key: string, make: () => number): number {
    let index = this.made.get(key);
    if (index === undefined) {
      index = make();
      this.made.set(key, index);
    }
    return index;
  }

  private global(type: readonly number[], init: readonly number[]): number {
    return this.shape.globals.length + this.globals.push([...type, 1, ...init, END]) - 1;
  }

  private func(params: readonly number[], results: readonly number[], locals: readonly number[], code: readonly number[]): number {
    const declared = [...leb(locals.length), ...locals.flatMap((local) => [1, local])];
    return this.shape.functionCount + this.functions.push({ type: this.type(params, results), body: [...declared, ...code, END] }) - 1;
  }

  private export(name: string, index: number): void {
    this.exports.push({ name, kind: 0, index });
  }

  private addInit(): void {
    const hooks = [0x63, ...sleb(this.interruptType), 0x63, ...sleb(this.serviceType)];
    const bytes = [0x60, 3, EXTERNREF, ...hooks, 0];
    const type = this.once(`type ${bytes}`, () => this.shape.typeCount + this.types.push(bytes) - 1);
    const code = [this.state, this.interruptHook, this.serviceHook].flatMap((global, i) => [...localGet(i), ...globalSet(global)]);
    const index = this.shape.functionCount + this.functions.push({ type, body: [0, ...code, END] }) - 1;
    this.export(NAMES.init, index);
    if (this.shape.start !== undefined) this.export(NAMES.start, this.shape.start);
  }

  /** Calls the service; its result, an f64, is left on the stack. */
  private service(what: number, which: number, value: readonly number[]): number[] {
    const { serviceHook, serviceType, state } = this;
    return [...globalGet(state), ...i32(what), ...i32(which), ...value, ...globalGet(serviceHook), 0x14, ...leb(serviceType)];
  }

  memorySize(memory: number): number {
    const wide = this.wideMemory(memory);
    return this.once(`size ${memory}`, () =>
      this.func([], [wide ? I64 : I32], [], [...this.service(SERVICE.memorySize, memory, f64(0)), ...fromFloat(wide)]),
    );
  }

  memoryGrow(memory: number): number {
    const wide = this.wideMemory(memory);
    const address = wide ? I64 : I32;
    return this.once(`grow ${memory}`, () => {
      const delta = [...localGet(0), ...toFloat(wide)];
      return this.func([address], [address], [], [...this.service(SERVICE.memoryGrow, memory, delta), ...fromFloat(wide)]);
    });
  }

  private wideMemory(memory: number): boolean {
    return this.shape.memories[memory]?.limits.index64 === true;
  }

  tableGrow(table: number): number {
    return this.once(`grow table ${table}`, () => {
      const { element, index64 } = this.shape.tables[table] ?? { element: { bytes: Uint8Array.of(0x70), text: '' }, index64: false };
      const address = index64 ? I64 : I32;
      const delta = [...localGet(1), ...toFloat(index64)];
      const code = [
        ...this.service(SERVICE.tableMayGrow, table, delta),
        ...[...f64(0), 0x63, 0x04, VOID, ...(index64 ? i64(-1) : i32(-1)), 0x0f, END],
        ...[...localGet(0), ...localGet(1), 0xfc, 15, ...leb(table), ...localSet(2)],
        ...[...localGet(2), ...(index64 ? [...i64(-1), 0x52] : [...i32(-1), 0x47]), 0x04, VOID],
        ...[...this.service(SERVICE.tableGrew, table, delta), 0x1a, END],
        ...localGet(2),
      ];
      const params = [0x60, 2, ...element.bytes, address, 1, address];
      const type = this.once(`type ${params}`, () => this.shape.typeCount + this.types.push(params) - 1);
      return this.shape.functionCount + this.functions.push({ type, body: [1, 1, address, ...code, END] }) - 1;
    });
  }

  arrayLength(type: number): number {
    const size = this.shape.arrays.get(type) ?? 8;
    return this.once(`array of ${size}`, () => {
      const bytes = [...localGet(0), ...toFloat(false), ...f64(size), 0xa2];
      return this.func(
        [I32],
        [I32],
        [],
        [
          ...[...localGet(0), ...i32(LARGE_ARRAY_BYTES / size), 0x4b, 0x04, VOID],
          ...[...this.service(SERVICE.array, 0, bytes), 0x1a, END],
          ...localGet(0),
        ],
      );
    });
  }

  /** Waits a slice at a time, and looks at the clock in between. Address, expected value, nanoseconds: forever below zero. */
  atomicWait(opcode: number, memory: number, offset: bigint): number {
    return this.once(`wait ${opcode} ${memory} ${offset}`, () => {
      // Each is a function of its own, and bytes could ask for millions.
      if (++this.waits > MAX_WAITS) throw new UnknownInstruction(`memory.atomic.wait with more than ${MAX_WAITS} different offsets`, 0);
      const address = this.wideMemory(memory) ? I64 : I32;
      const [left, slice, result] = [2, 3, 4];
      const align = opcode === 1 ? 2 : 3;
      const wait = [0xfe, opcode, 0x40 | align, ...leb(memory), ...leb(offset)];
      const code = [
        ...[0x03, VOID, ...this.clock, 0x04, VOID, 0x10, ...leb(this.interrupt), END],
        // slice = left unless it is longer, or without end
        ...[
          ...localGet(left),
          ...i64(WAIT_SLICE_NS),
          0x56,
          0x04,
          0x7e,
          ...i64(WAIT_SLICE_NS),
          0x05,
          ...localGet(left),
          END,
          ...localSet(slice),
        ],
        ...[...localGet(0), ...localGet(1), ...localGet(slice), ...wait, ...localSet(result)],
        ...[...localGet(result), ...i32(2), 0x47, 0x04, VOID, ...localGet(result), 0x0f, END],
        // for ever: again
        ...[...localGet(left), ...i64(0), 0x53, 0x0d, 0],
        ...[...localGet(left), ...localGet(slice), 0x7d, ...localSet(left)],
        ...[...localGet(left), 0x50, 0x45, 0x0d, 0],
        END,
        ...i32(2),
      ];
      return this.func([address, opcode === 1 ? I32 : I64, I64], [I32], [I64, I32], code);
    });
  }

  /**
   * Functions that record the mutable globals, and the tables that some code changes, and put them back.
   * @returns whether there is anything to record
   */
  addState(tablesChanged: ReadonlySet<number>): boolean {
    const record: number[] = [];
    const restore: number[] = [];
    for (const [index, { imported, mutable, type }] of this.shape.globals.entries()) {
      // One that is imported belongs to another instance.
      if (imported || !mutable) continue;
      const kept = this.global(type.bytes[0] === 0x64 ? nullable(type) : [...type.bytes], zero(type));
      record.push(...globalGet(index), ...globalSet(kept));
      restore.push(...globalGet(kept), ...(isNonNull(type) ? [0xd4] : []), ...globalSet(index));
    }
    for (const index of tablesChanged) {
      const table = this.shape.tables[index];
      if (table === undefined || isNonNull(table.element)) continue;
      const kept = this.shape.tables.length + this.tables.push([...nullable(table.element), 0, 0]) - 1;
      const size = [0xfc, 16, ...leb(index), ...(table.index64 ? [0xa7] : [])];
      const start = table.index64 ? i64(0) : i32(0);
      record.push(0xd0, ...heapType(table.element), ...size, 0xfc, 15, ...leb(kept), 0x1a);
      record.push(...i32(0), ...start, ...size, 0xfc, 14, ...leb(kept), ...leb(index));
      const keptSize = [0xfc, 16, ...leb(kept)];
      restore.push(...size, ...keptSize, 0x47, 0x04, VOID, ...i32(0), 0x0f, END);
      restore.push(...start, ...i32(0), ...keptSize, 0xfc, 14, ...leb(index), ...leb(kept));
    }
    if (record.length === 0) return false;
    this.export(NAMES.record, this.func([], [], [], record));
    this.export(NAMES.restore, this.func([], [I32], [], [...restore, ...i32(1)]));
    return true;
  }
}

/** Value types here take one byte each. */
const paramsCount = (types: readonly number[]): number => types.length;

/** Loads the word of the clock. */
export function clockLoad(memory: number): number[] {
  return memory === 0 ? [...i32(0), 0x28, 2, 0] : [...i32(0), 0x28, 0x42, ...leb(memory), 0];
}
