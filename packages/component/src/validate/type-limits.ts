/** Bounds on the size and depth of types, the same as in the other tools. */
import type { DefinedType, ExternType } from '../types/types.ts';
import { countDown, externInfo } from './type-info.ts';
import type { Validation } from './validation.ts';

const MAX_SIZE = 1_000_000;
const MAX_VALUE_DEPTH = 100;
/** For types around functions around values; keeps recursion over any type within the stack. */
const MAX_DEPTH = 200;
/** Types of so few nodes are within all of these. */
const SMALL = 64;

/** Returns a type that is not too large or deep. */
export function bounded<T extends DefinedType | ExternType>(v: Validation, type: T): T {
  if (countDown(type, SMALL) >= 0) return type;
  const { size, depth } = externInfo(type);
  if (size > MAX_SIZE) throw v.error(`effective type size exceeds the limit of ${MAX_SIZE}`);
  if (depth > (type.kind === 'value' ? MAX_VALUE_DEPTH : MAX_DEPTH)) throw v.error('type nesting is too deep');
  return type;
}
