/** The pieces of the JavaScript value mapping that WAVE needs. */
import type { ValType } from '@tenon/component';

export const INTEGER_RANGES = {
  s8: [-(2n ** 7n), 2n ** 7n - 1n],
  u8: [0n, 2n ** 8n - 1n],
  s16: [-(2n ** 15n), 2n ** 15n - 1n],
  u16: [0n, 2n ** 16n - 1n],
  s32: [-(2n ** 31n), 2n ** 31n - 1n],
  u32: [0n, 2n ** 32n - 1n],
  s64: [-(2n ** 63n), 2n ** 63n - 1n],
  u64: [0n, 2n ** 64n - 1n],
} as const satisfies Record<string, readonly [bigint, bigint]>;

/** A list of numbers is a typed array in JavaScript; any other list stays an array. */
export function toNumericArray(element: ValType, items: unknown[]): unknown {
  switch (element.kind) {
    case 's8':
      return Int8Array.from(items as number[]);
    case 'u8':
      return Uint8Array.from(items as number[]);
    case 's16':
      return Int16Array.from(items as number[]);
    case 'u16':
      return Uint16Array.from(items as number[]);
    case 's32':
      return Int32Array.from(items as number[]);
    case 'u32':
      return Uint32Array.from(items as number[]);
    case 's64':
      return BigInt64Array.from(items as bigint[]);
    case 'u64':
      return BigUint64Array.from(items as bigint[]);
    case 'f32':
      return Float32Array.from(items as number[]);
    case 'f64':
      return Float64Array.from(items as number[]);
    default:
      return items;
  }
}
