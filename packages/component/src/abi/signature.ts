/** What lifting and lowering a function have in common: the shape of its parameters. */
import { ComponentError } from '../errors.ts';
import type { FuncType, ValType } from '../types/types.ts';
import { CHAR, scalarCode } from './scalars.ts';

/** Of functions up to this many parameters, those of scalars only are called without an array. */
export const MAX_SCALAR_ARITY = 4;

export interface ScalarSignature {
  readonly params: readonly number[];
  readonly result: number;
}

/** The codes of a signature of few scalars; undefined for all others. `char` is left out where lifting it can trap. */
export function scalarSignature(type: FuncType, lifted: 'params' | 'result'): ScalarSignature | undefined {
  const params: number[] = [];
  for (const param of type.params) {
    const code = scalarCode(param.type);
    if (code === undefined || (lifted === 'params' && code === CHAR)) return undefined;
    params.push(code);
  }
  const result = scalarCode(type.result);
  if (result === undefined || params.length > MAX_SCALAR_ARITY || (lifted === 'result' && result === CHAR)) return undefined;
  return { params, result };
}

/** Whether a call must keep account of handles: some parameter contains `own` or `borrow`. */
export function passesHandles(type: FuncType): boolean {
  return type.params.some((param) => containsHandle(param.type));
}

function containsHandle(type: ValType | undefined): boolean {
  switch (type?.kind) {
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
