/**
 * Value types that are one core value and need no memory, numbered so that a call can convert them without a closure each.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#flat-lifting
 */
import { Trap } from '../errors.ts';
import type { ValType } from '../types/types.ts';
import { Misfit } from './misfit.ts';

export const NONE = 0;
export const BOOL = 1;
export const S8 = 2;
export const U8 = 3;
export const S16 = 4;
export const U16 = 5;
export const S32 = 6;
export const U32 = 7;
export const S64 = 8;
export const U64 = 9;
export const F32 = 10;
export const F64 = 11;
export const CHAR = 12;

const NAMES: readonly (ValType['kind'] | 'nothing')[] = [
  'nothing', 'bool', 's8', 'u8', 's16', 'u16', 's32', 'u32', 's64', 'u64', 'f32', 'f64', 'char',
]; // biome-ignore format: numbered
const CODES: ReadonlyMap<string, number> = new Map(NAMES.map((name, code) => [name, code]));

/** The number of a scalar type, {@link NONE} for no type at all, undefined for all other types. */
export function scalarCode(type: ValType | undefined): number | undefined {
  return type === undefined ? NONE : CODES.get(type.kind);
}

/** Whether the flat core type is `i64`, whose JavaScript value is a bigint. */
export const isWide = (code: number): boolean => code === S64 || code === U64;

/**
 * JavaScript value → core value. Nothing is coerced: a value that the type does not have is an error.
 * @throws Misfit
 */
export function lowerScalar(code: number, value: unknown): number | bigint | undefined {
  switch (code) {
    case S32:
      if (typeof value === 'number' && (value | 0) === value) return value;
      break;
    case U32:
      if (typeof value === 'number' && value >>> 0 === value) return value;
      break;
    case F64:
    case F32:
      if (typeof value === 'number') return value;
      break;
    case S64:
      if (typeof value === 'bigint' && BigInt.asIntN(64, value) === value) return value;
      break;
    case U64:
      if (typeof value === 'bigint' && BigInt.asUintN(64, value) === value) return value;
      break;
    case BOOL:
      if (typeof value === 'boolean') return value ? 1 : 0;
      break;
    case U8:
      if (typeof value === 'number' && (value & 0xff) === value) return value;
      break;
    case S8:
      if (typeof value === 'number' && (value << 24) >> 24 === value) return value;
      break;
    case U16:
      if (typeof value === 'number' && (value & 0xffff) === value) return value;
      break;
    case S16:
      if (typeof value === 'number' && (value << 16) >> 16 === value) return value;
      break;
    case CHAR: {
      if (typeof value !== 'string') break;
      const point = value.codePointAt(0);
      if (point === undefined || value.length !== (point > 0xffff ? 2 : 1) || (point >= 0xd800 && point <= 0xdfff)) break;
      return point;
    }
    case NONE:
      // A function without a result may return anything, but a Promise means that it has not ended.
      if (!isThenable(value)) return undefined;
      break;
  }
  throw misfit(code, value);
}

/** Whether a value is a Promise or works like one. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as Partial<PromiseLike<unknown>>).then === 'function';
}

/** The least and the most of each integer type. */
const RANGES: ReadonlyMap<number, readonly [bigint, bigint]> = new Map(
  ([[S8, 8n], [U8, 8n], [S16, 16n], [U16, 16n], [S32, 32n], [U32, 32n], [S64, 64n], [U64, 64n]] as const).map(([code, bits]) => {
    const signed = code === S8 || code === S16 || code === S32 || code === S64;
    return [code, signed ? [-(2n ** (bits - 1n)), 2n ** (bits - 1n) - 1n] : [0n, 2n ** bits - 1n]];
  }),
); // biome-ignore format: a table

function misfit(code: number, value: unknown): Misfit {
  const range = RANGES.get(code);
  const inRange = range === undefined || !(isWide(code) ? typeof value === 'bigint' : Number.isInteger(value));
  return new Misfit(expectation(code), value, inRange ? '' : `out of range (${range[0]} to ${range[1]})`);
}

function expectation(code: number): string {
  const name = NAMES[code] ?? 'nothing';
  if (isWide(code)) return `${name} (a bigint)`;
  return code === CHAR ? 'char (a string of one Unicode scalar value)' : name;
}

/**
 * Core value → JavaScript value. Bits that the type does not have are ignored, as the spec says.
 * @throws Trap for a `char` that is no Unicode scalar value
 */
export function liftScalar(code: number, value: unknown): unknown {
  switch (code) {
    case S32:
    case F32:
    case F64:
    case S64:
      return value;
    case U32:
      return (value as number) >>> 0;
    case U64:
      return BigInt.asUintN(64, value as bigint);
    case BOOL:
      return value !== 0;
    case U8:
      return (value as number) & 0xff;
    case S8:
      return ((value as number) << 24) >> 24;
    case U16:
      return (value as number) & 0xffff;
    case S16:
      return ((value as number) << 16) >> 16;
    case CHAR:
      return charOf((value as number) >>> 0);
    default:
      return undefined;
  }
}

/** `convert_i32_to_char`. */
export function charOf(point: number): string {
  if (point >= 0x110000 || (point >= 0xd800 && point <= 0xdfff)) throw new Trap(`invalid \`char\` bit pattern 0x${point.toString(16)}`);
  return String.fromCodePoint(point);
}
