import type { HostFunction } from './contract.ts';

const IN_PLACE: unique symbol = Symbol.for('tenon.in-place') as never;

/**
 * Declares that a host function uses its list parameters only until it has returned, or until the Promise that it returned has settled.
 * A `list<u8>` is then a view of the guest's memory, not a copy. A list of borrowed host resources is a {@link KeptList}, the same array in
 * each call of a guest brought up to date, unless it is too long to be kept. The function must not write to either.
 * @param fn a function whose parameters are such lists, among others
 * @returns the same function
 */
export function inPlace<F extends (...args: never[]) => unknown>(fn: F): F {
  Object.defineProperty(fn, IN_PLACE, { value: true });
  return fn;
}

export function takesInPlace(fn: unknown): boolean {
  return typeof fn === 'function' && (fn as HostFunction & { readonly [IN_PLACE]?: boolean })[IN_PLACE] === true;
}

const LENT: unique symbol = Symbol.for('tenon.lent') as never;

/**
 * Gives a method another form for calls from guests. What that returns at once is copied into the guest's memory before anything else runs, so
 * it may be used again for the next call; what a Promise resolves to is copied soon after. JavaScript goes on calling the method itself.
 * @param fn a method of a host's resource class
 * @param lent the other form, with the same parameters
 * @returns the method
 */
export function lending<F extends (...args: never[]) => unknown>(fn: F, lent: F): F {
  Object.defineProperty(fn, LENT, { value: lent });
  return fn;
}

/** The other form of a method, as a function of the object and the parameters. */
export function lentCall(fn: unknown): HostFunction | undefined {
  if (typeof fn !== 'function') return undefined;
  const lent = (fn as unknown as { readonly [LENT]?: (...args: unknown[]) => unknown })[LENT];
  return lent && ((self: object, ...args: unknown[]) => lent.apply(self, args));
}
