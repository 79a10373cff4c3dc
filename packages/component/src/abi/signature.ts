/** What lifting and lowering a function have in common: the shape of its parameters. */
import { hasHandle, hasOwn } from '../types/handles.ts';
import type { FuncType } from '../types/types.ts';

/** Whether a call must keep account of handles: some parameter contains `own` or `borrow`. */
export function passesHandles(type: FuncType): boolean {
  return type.params.some((param) => hasHandle(param.type));
}

/** Whether a call gives handles away: some parameter contains `own`. */
export function passesOwn(type: FuncType): boolean {
  return type.params.some((param) => hasOwn(param.type));
}
