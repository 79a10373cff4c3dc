/** Which functions may suspend the guest that calls them. */

/** Marks a host function that may return a Promise, during which the guest is suspended. */
export const BLOCKING: unique symbol = Symbol.for('tenon.blocking') as never;

/**
 * Declares that a host function may wait. Functions declared with `async`, and exports of components that wait, need no mark.
 * @param fn a function that returns a value or a Promise of it
 * @returns the same function
 */
export function blocking<F extends (...args: never[]) => unknown>(fn: F): F {
  Object.defineProperty(fn, BLOCKING, { value: true });
  return fn;
}

const AsyncFunction = (async () => {}).constructor;

export function isBlocking(fn: unknown): boolean {
  return fn instanceof AsyncFunction || (typeof fn === 'function' && (fn as { [BLOCKING]?: boolean })[BLOCKING] === true);
}
