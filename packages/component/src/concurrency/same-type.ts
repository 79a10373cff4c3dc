/** Whether two value types are the same: components write down each their own, and only resources have an identity. */
import type { ValType } from '../types/types.ts';

const known = new WeakMap<ValType, WeakMap<ValType, boolean>>();

export function sameElement(a: ValType | undefined, b: ValType | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined || a.kind !== b.kind) return false;
  let others = known.get(a);
  if (others === undefined) {
    others = new WeakMap();
    known.set(a, others);
  }
  let same = others.get(b);
  if (same === undefined) {
    same = compare(a, b);
    others.set(b, same);
  }
  return same;
}

const all = <T>(a: readonly T[], b: readonly T[], same: (a: T, b: T) => boolean): boolean =>
  a.length === b.length && a.every((item, i) => same(item, b[i] as T));

interface Named {
  readonly name: string;
  readonly type: ValType | undefined;
}
const sameNamed = (a: Named, b: Named): boolean => a.name === b.name && sameElement(a.type, b.type);
const sameText = (a: string, b: string): boolean => a === b;

function compare(a: ValType, b: ValType): boolean {
  switch (a.kind) {
    case 'record':
      return b.kind === 'record' && all(a.fields, b.fields, sameNamed);
    case 'variant':
      return b.kind === 'variant' && all(a.cases, b.cases, sameNamed);
    case 'list':
      return b.kind === 'list' && a.length === b.length && sameElement(a.element, b.element);
    case 'map':
      return b.kind === 'map' && sameElement(a.key, b.key) && sameElement(a.value, b.value);
    case 'tuple':
      return b.kind === 'tuple' && all(a.types, b.types, sameElement);
    case 'flags':
    case 'enum':
      return b.kind === a.kind && all(a.names, b.names, sameText);
    case 'option':
      return b.kind === 'option' && sameElement(a.type, b.type);
    case 'result':
      return b.kind === 'result' && sameElement(a.ok, b.ok) && sameElement(a.err, b.err);
    case 'own':
    case 'borrow':
      return b.kind === a.kind && a.resource === b.resource;
    case 'stream':
    case 'future':
      return b.kind === a.kind && sameElement(a.element, b.element);
    default:
      return true;
  }
}
