import type { HostFunction } from './contract.ts';

const IN_PLACE: unique symbol = Symbol.for('tenon.in-place') as never;

/**
 * Declares that a host function uses what it gets as `list<u8>` only until it has returned, or until the Promise that it returned has
 * settled. Such parameters are then views of the guest's memory, not copies. They must not be written to.
 * @param fn a function whose parameters are lists of bytes, among others
 * @returns the same function
 */
export function inPlace<F extends (...args: never[]) => unknown>(fn: F): F {
  Object.defineProperty(fn, IN_PLACE, { value: true });
  return fn;
}

export function takesInPlace(fn: unknown): boolean {
  return typeof fn === 'function' && (fn as HostFunction & { readonly [IN_PLACE]?: boolean })[IN_PLACE] === true;
}
