/**
 * Bounds what the memories and tables of a core module may grow to, by what their types say.
 * https://webassembly.github.io/spec/core/binary/modules.html#memory-section
 */
import { ComponentError } from '../errors.ts';
import { readConstant } from '../rewrite/constant.ts';
import { UnknownInstruction } from '../rewrite/scan.ts';
import type { CoreLimits } from '../types/types.ts';
import { readMemoryType, readRefType, readTableType } from './decode-core-types.ts';
import { Reader } from './reader.ts';

const PREAMBLE_BYTES = 8;
const TABLE_SECTION = 4;
const MEMORY_SECTION = 5;
const CODE_SECTION = 10;
const PAGE_SIZE_LOG2 = 16;
const INITIALISED = 0x40;

export interface ModuleLimits {
  /** Bytes that each memory may grow to. */
  readonly maxMemoryBytes?: number | undefined;
  /** Elements that all tables may hold together. */
  readonly maxTableElements?: number | undefined;
}

/** A memory or table, and the bytes around its limits that stay. */
interface Item {
  readonly before: Uint8Array;
  readonly limits: CoreLimits;
  readonly after: Uint8Array;
}

/**
 * The module with the maximum of each memory and table that it defines lowered; the same bytes where nothing is above. What is no valid module
 * stays as it is: V8 says so.
 * @param offset where the module begins, for the error
 * @throws ComponentError TENON_MEMORY_LIMIT, TENON_TABLE_LIMIT when they begin larger than that
 */
export function limitModule(
  module: Uint8Array<ArrayBuffer>,
  { maxMemoryBytes, maxTableElements }: ModuleLimits,
  offset = 0,
): Uint8Array<ArrayBuffer> {
  let result = module;
  if (maxTableElements !== undefined) {
    result = limitSection(result, TABLE_SECTION, readTable, (tables) => boundedTables(tables, maxTableElements, offset));
  }
  if (maxMemoryBytes !== undefined) {
    result = limitSection(result, MEMORY_SECTION, readMemory, (memories) =>
      memories.map((each) => boundedMemory(each, maxMemoryBytes, offset)),
    );
  }
  return result;
}

function limitSection(
  module: Uint8Array<ArrayBuffer>,
  id: number,
  read: (reader: Reader) => Item,
  bound: (limits: readonly CoreLimits[]) => readonly CoreLimits[],
): Uint8Array<ArrayBuffer> {
  const section = findSection(module, id, read);
  if (section === undefined) return module;
  const { start, end, items } = section;
  const before = items.map(({ limits }) => limits);
  const limited = bound(before);
  if (limited.every((limits, index) => limits === before[index])) return module;
  const encoded = items.flatMap((item, index) => [...item.before, ...encode(limited[index] ?? item.limits), ...item.after]);
  const content = [...unsigned(BigInt(items.length)), ...encoded];
  const header = [id, ...unsigned(BigInt(content.length))];
  const result = new Uint8Array(start + header.length + content.length + module.length - end);
  result.set(module.subarray(0, start));
  result.set(header, start);
  result.set(content, start + header.length);
  result.set(module.subarray(end), start + header.length + content.length);
  return result;
}

function findSection(
  module: Uint8Array,
  wanted: number,
  read: (reader: Reader) => Item,
): { readonly start: number; readonly end: number; readonly items: readonly Item[] } | undefined {
  try {
    const reader = new Reader(module, PREAMBLE_BYTES);
    while (reader.left > 0) {
      const start = reader.position;
      const id = reader.byte();
      const size = reader.u32();
      if (id === CODE_SECTION) return undefined;
      if (id !== wanted) {
        reader.skip(size);
        continue;
      }
      const end = reader.position + size;
      const items = Array.from({ length: reader.count(size, 'item') }, () => read(reader));
      return reader.position === end ? { start, end, items } : undefined;
    }
  } catch (error) {
    if (!(error instanceof ComponentError) && !(error instanceof UnknownInstruction)) throw error;
  }
  return undefined;
}

const NOTHING = new Uint8Array(0);

const readMemory = (reader: Reader): Item => ({ before: NOTHING, limits: readMemoryType(reader).limits, after: NOTHING });

function readTable(reader: Reader): Item {
  const { bytes, position } = reader;
  const initialised = reader.peek() === INITIALISED;
  if (initialised) reader.skip(2);
  const typed = reader.position;
  readRefType(reader);
  const before = bytes.subarray(position, reader.position);
  reader.position = typed;
  const { limits } = readTableType(reader);
  const rest = reader.position;
  if (initialised) readConstant(reader, new Map());
  return { before, limits, after: bytes.subarray(rest, reader.position) };
}

function boundedMemory(limits: CoreLimits, maxBytes: number, offset: number): CoreLimits {
  const pageSizeLog2 = BigInt(limits.pageSizeLog2 ?? PAGE_SIZE_LOG2);
  const most = BigInt(maxBytes) >> pageSizeLog2;
  if (limits.min > most) {
    const message = `a memory of the core module at offset ${offset} begins with ${limits.min << pageSizeLog2} bytes; the limit is ${maxBytes}`;
    throw new ComponentError('TENON_MEMORY_LIMIT', message, { offset });
  }
  // What its addresses reach.
  const farthest = (limits.index64 ? 1n << 64n : 1n << 32n) >> pageSizeLog2;
  return lowered(limits, farthest, most);
}

/** Those that may grow share what is left. */
function boundedTables(tables: readonly CoreLimits[], maxElements: number, offset: number): readonly CoreLimits[] {
  const min = tables.reduce((sum, table) => sum + table.min, 0n);
  const left = BigInt(maxElements) - min;
  if (left < 0n) {
    const message = `the tables of the core module at offset ${offset} begin with ${min} elements; the limit is ${maxElements}`;
    throw new ComponentError('TENON_TABLE_LIMIT', message, { offset });
  }
  const growing = tables.filter((table) => table.max === undefined || table.max > table.min).length;
  const share = growing === 0 ? 0n : left / BigInt(growing);
  return tables.map((table) => lowered(table, 1n << 64n, table.min + share));
}

function lowered(limits: CoreLimits, farthest: bigint, most: bigint): CoreLimits {
  return (limits.max ?? farthest) <= most ? limits : { ...limits, max: most };
}

function encode({ min, max, shared, index64, pageSizeLog2 }: CoreLimits): number[] {
  const flags = (max === undefined ? 0 : 1) | (shared ? 2 : 0) | (index64 ? 4 : 0) | (pageSizeLog2 === undefined ? 0 : 8);
  const most = max === undefined ? [] : unsigned(max);
  return [flags, ...unsigned(min), ...most, ...(pageSizeLog2 === undefined ? [] : unsigned(BigInt(pageSizeLog2)))];
}

/** LEB128. */
function unsigned(value: bigint): number[] {
  const bytes: number[] = [];
  for (let left = value; ; left >>= 7n) {
    if (left < 128n) return [...bytes, Number(left)];
    bytes.push(Number(left & 127n) | 128);
  }
}
