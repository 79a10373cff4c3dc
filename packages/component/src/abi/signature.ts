/** What lifting and lowering a function have in common: the shape of its parameters. */
import type { FuncType, ValType } from '../types/types.ts';

/** Whether a call must keep account of handles: some parameter contains `own` or `borrow`. */
export function passesHandles(type: FuncType): boolean {
  return type.params.some((param) => handlesIn(param.type) !== 0);
}

/** Whether a call gives handles away: some parameter contains `own`. */
export function passesOwn(type: FuncType): boolean {
  return type.params.some((param) => (handlesIn(param.type) & OWN) !== 0);
}

const BORROW = 1;
const OWN = 2;

const known = new WeakMap<ValType, number>();

function handlesIn(type: ValType | undefined): number {
  if (type === undefined) return 0;
  let kinds = known.get(type);
  if (kinds === undefined) {
    kinds = findHandles(type);
    known.set(type, kinds);
  }
  return kinds;
}

const allOf = (types: readonly (ValType | undefined)[]): number => types.reduce((kinds, type) => kinds | handlesIn(type), 0);

function findHandles(type: ValType): number {
  switch (type.kind) {
    case 'own':
      return OWN;
    case 'borrow':
      return BORROW;
    case 'record':
      return allOf(type.fields.map((field) => field.type));
    case 'variant':
      return allOf(type.cases.map((c) => c.type));
    case 'list':
      return handlesIn(type.element);
    case 'map':
      return handlesIn(type.key) | handlesIn(type.value);
    case 'tuple':
      return allOf(type.types);
    case 'option':
      return handlesIn(type.type);
    case 'result':
      return handlesIn(type.ok) | handlesIn(type.err);
    default:
      return 0;
  }
}
