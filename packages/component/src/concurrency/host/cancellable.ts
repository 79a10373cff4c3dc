import type { HostFunction } from '../../abi/contract.ts';

const SIGNAL: unique symbol = Symbol.for('tenon.cancellable') as never;

/**
 * Declares that an async host function takes an `AbortSignal` behind its parameters. It is aborted when the guest cancels the call; when
 * the function then rejects with `signal.reason`, the call is cancelled, and when it returns, it has returned after all.
 * @param fn a function that returns a promise
 * @returns the same function
 */
export function cancellable<F extends (...args: never[]) => unknown>(fn: F): F {
  Object.defineProperty(fn, SIGNAL, { value: true });
  return fn;
}

export function takesSignal(fn: HostFunction): boolean {
  return (fn as { readonly [SIGNAL]?: boolean })[SIGNAL] === true;
}
