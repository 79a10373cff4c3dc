/** What decides how a type is moved: whether its bytes may be copied as they are, and how much code it takes. */
import { casesOf, elemSize, fieldsOf } from '../types/layout.ts';
import type { ValType } from '../types/types.ts';

/** Types that cost more than this are moved by a function of their own. */
export const OUTLINE_COST = 96;
/** The same for the parts of a type of very many parts, so that no function is larger than engines accept. */
const OUTLINE_COST_IN_LARGE = 8;
const LARGE = 4096;
const MAX_COST = 1_000_000;

/** The cost above which the parts of a type are moved by functions of their own. */
export function outlineCostIn(type: ValType): number {
  return cost(type) > LARGE ? OUTLINE_COST_IN_LARGE : OUTLINE_COST;
}

/** Values of more bytes are copied by `memory.copy`; fewer are moved word by word, which costs less than the call. */
export const COPY_BYTES = 64;

/** The longest fixed-length list in memory whose elements are moved without a loop. */
export const UNROLL_LENGTH = 4;

const bits = new WeakMap<ValType, boolean>();
const costs = new WeakMap<ValType, number>();

/** Whether every byte pattern is a valid value, equal on both sides, and no byte is padding. */
export function isBits(type: ValType): boolean {
  let known = bits.get(type);
  if (known === undefined) {
    known = computeBits(type);
    bits.set(type, known);
  }
  return known;
}

function computeBits(type: ValType): boolean {
  switch (type.kind) {
    case 's8':
    case 'u8':
    case 's16':
    case 'u16':
    case 's32':
    case 'u32':
    case 's64':
    case 'u64':
    case 'f32':
    case 'f64':
      return true;
    case 'flags':
      return type.names.length === 8 * elemSize(type);
    case 'record':
    case 'tuple': {
      const types = fieldsOf(type).map((field) => field.type);
      return types.every(isBits) && types.reduce((sum, field) => sum + elemSize(field), 0) === elemSize(type);
    }
    case 'list':
      return type.length !== undefined && isBits(type.element);
    default:
      return false;
  }
}

/** About how many instructions it takes to move a value of the type, its parts included. */
export function cost(type: ValType): number {
  let known = costs.get(type);
  if (known === undefined) {
    known = Math.min(MAX_COST, computeCost(type));
    costs.set(type, known);
  }
  return known;
}

function computeCost(type: ValType): number {
  switch (type.kind) {
    case 'string':
      return 4;
    case 'list':
      if (type.length === undefined) return 12 + (isBits(type.element) ? 0 : cost(type.element));
      // Flat ones are unrolled, but never have more elements than there are flat values.
      return 4 + Math.min(type.length, 16) * cost(type.element);
    case 'map':
      return 12 + cost(type.key) + cost(type.value);
    case 'record':
    case 'tuple':
      return fieldsOf(type).reduce((sum, field) => sum + cost(field.type), 0);
    case 'variant':
    case 'option':
    case 'result':
      return casesOf(type).reduce((sum, { type: payload }) => sum + (payload === undefined ? 0 : 2 + cost(payload)), 6);
    case 'enum':
      return 3;
    default:
      return 1;
  }
}
