/** Bounds what the memories of a core module may grow to — https://webassembly.github.io/spec/core/binary/modules.html#memory-section */
import { ComponentError } from '../errors.ts';
import type { CoreExternType } from '../types/types.ts';
import { readMemoryType } from './decode-core-types.ts';
import { Reader } from './reader.ts';

const PREAMBLE_BYTES = 8;
const MEMORY_SECTION = 5;
const CODE_SECTION = 10;
const PAGE_SIZE_LOG2 = 16;

type MemoryLimits = Extract<CoreExternType, { kind: 'memory' }>['limits'];

/**
 * The module with the maximum of each memory that it defines lowered to `maxBytes`; the same bytes where nothing is above. What is no valid
 * module stays as it is: V8 says so.
 * @param offset where the module begins, for the error
 * @throws ComponentError TENON_MEMORY_LIMIT when a memory begins larger than that
 */
export function limitMemories(module: Uint8Array<ArrayBuffer>, maxBytes: number, offset = 0): Uint8Array<ArrayBuffer> {
  const section = findMemories(module);
  if (section === undefined) return module;
  const { start, end, memories } = section;
  const limited = memories.map((limits) => lowered(limits, maxBytes, offset));
  if (limited.every((limits, index) => limits === memories[index])) return module;
  const content = [...unsigned(BigInt(limited.length)), ...limited.flatMap(encode)];
  const header = [MEMORY_SECTION, ...unsigned(BigInt(content.length))];
  const result = new Uint8Array(start + header.length + content.length + module.length - end);
  result.set(module.subarray(0, start));
  result.set(header, start);
  result.set(content, start + header.length);
  result.set(module.subarray(end), start + header.length + content.length);
  return result;
}

function findMemories(
  module: Uint8Array,
): { readonly start: number; readonly end: number; readonly memories: readonly MemoryLimits[] } | undefined {
  try {
    const reader = new Reader(module, PREAMBLE_BYTES);
    while (reader.left > 0) {
      const start = reader.position;
      const id = reader.byte();
      const size = reader.u32();
      if (id === CODE_SECTION) return undefined;
      if (id !== MEMORY_SECTION) {
        reader.skip(size);
        continue;
      }
      const end = reader.position + size;
      const memories = Array.from({ length: reader.count(size, 'memory') }, () => readMemoryType(reader).limits);
      return reader.position === end ? { start, end, memories } : undefined;
    }
  } catch (error) {
    if (!(error instanceof ComponentError)) throw error;
  }
  return undefined;
}

function lowered(limits: MemoryLimits, maxBytes: number, offset: number): MemoryLimits {
  const pageSizeLog2 = BigInt(limits.pageSizeLog2 ?? PAGE_SIZE_LOG2);
  const most = BigInt(maxBytes) >> pageSizeLog2;
  if (limits.min > most) {
    const message = `a memory of the core module at offset ${offset} begins with ${limits.min << pageSizeLog2} bytes; the limit is ${maxBytes}`;
    throw new ComponentError('TENON_MEMORY_LIMIT', message, { offset });
  }
  // What its addresses reach.
  const farthest = (limits.index64 ? 1n << 64n : 1n << 32n) >> pageSizeLog2;
  return (limits.max ?? farthest) <= most ? limits : { ...limits, max: most };
}

function encode({ min, max = 0n, shared, index64, pageSizeLog2 }: MemoryLimits): number[] {
  const flags = 1 | (shared ? 2 : 0) | (index64 ? 4 : 0) | (pageSizeLog2 === undefined ? 0 : 8);
  return [flags, ...unsigned(min), ...unsigned(max), ...(pageSizeLog2 === undefined ? [] : unsigned(BigInt(pageSizeLog2)))];
}

/** LEB128. */
function unsigned(value: bigint): number[] {
  const bytes: number[] = [];
  for (let left = value; ; left >>= 7n) {
    if (left < 128n) return [...bytes, Number(left)];
    bytes.push(Number(left & 127n) | 128);
  }
}
