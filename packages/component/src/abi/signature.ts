/** What lifting and lowering a function have in common: the shape of its parameters. */
import { ComponentError } from '../errors.ts';
import type { FuncType, ValType } from '../types/types.ts';

/** Whether a call must keep account of handles: some parameter contains `own` or `borrow`. */
export function passesHandles(type: FuncType): boolean {
  return type.params.some((param) => containsHandle(param.type));
}

const known = new WeakMap<ValType, boolean>();

function containsHandle(type: ValType | undefined): boolean {
  if (type === undefined) return false;
  let contains = known.get(type);
  if (contains === undefined) {
    contains = findHandle(type);
    known.set(type, contains);
  }
  return contains;
}

function findHandle(type: ValType): boolean {
  switch (type.kind) {
    case 'own':
    case 'borrow':
      return true;
    case 'record':
      return type.fields.some((field) => containsHandle(field.type));
    case 'variant':
      return type.cases.some((c) => containsHandle(c.type));
    case 'list':
      return containsHandle(type.element);
    case 'map':
      return containsHandle(type.key) || containsHandle(type.value);
    case 'tuple':
      return type.types.some(containsHandle);
    case 'option':
      return containsHandle(type.type);
    case 'result':
      return containsHandle(type.ok) || containsHandle(type.err);
    default:
      return false;
  }
}

/** @throws ComponentError `TENON_UNSUPPORTED` */
export function refuseAsync(type: FuncType): void {
  if (type.async) throw new ComponentError('TENON_UNSUPPORTED', 'needs `async` functions');
}
