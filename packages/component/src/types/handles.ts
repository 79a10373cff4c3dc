/** Which kinds of handles a value type holds, found once for each type. */
import { casesOf, fieldsOf } from './layout.ts';
import type { ValType } from './types.ts';

const BORROW = 1;
const OWN = 2;

const known = new WeakMap<ValType, number>();

/** `contains_borrow` of the spec. */
export const hasBorrow = (type: ValType): boolean => (kindsIn(type) & BORROW) !== 0;
export const hasOwn = (type: ValType): boolean => (kindsIn(type) & OWN) !== 0;
export const hasHandle = (type: ValType): boolean => kindsIn(type) !== 0;

function kindsIn(type: ValType): number {
  let kinds = known.get(type);
  if (kinds === undefined) {
    kinds = findKinds(type);
    known.set(type, kinds);
  }
  return kinds;
}

const ofAll = (parts: readonly { readonly type: ValType | undefined }[]): number =>
  parts.reduce((kinds, { type }) => (type === undefined ? kinds : kinds | kindsIn(type)), 0);

function findKinds(type: ValType): number {
  switch (type.kind) {
    case 'own':
      return OWN;
    case 'borrow':
      return BORROW;
    case 'list':
      return kindsIn(type.element);
    case 'map':
      return kindsIn(type.key) | kindsIn(type.value);
    case 'record':
    case 'tuple':
      return ofAll(fieldsOf(type));
    case 'variant':
    case 'option':
    case 'result':
      return ofAll(casesOf(type));
    default:
      return 0;
  }
}
