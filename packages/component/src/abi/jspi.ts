/** JavaScript Promise Integration, which TypeScript's library does not declare yet. https://github.com/WebAssembly/js-promise-integration */
import { ComponentError } from '../errors.ts';
import type { CoreFunction } from './contract.ts';
import { uncatchable } from './traps.ts';

interface Jspi {
  readonly promising?: (core: CoreFunction) => (...args: unknown[]) => Promise<unknown>;
  readonly Suspending?: new (func: (...args: unknown[]) => unknown) => object;
}

const { promising: promise, Suspending } = WebAssembly as unknown as Jspi;

const missing = (): ComponentError =>
  new ComponentError(
    'TENON_UNSUPPORTED',
    'needs JavaScript Promise Integration (WebAssembly.Suspending), which this JavaScript engine does not have',
  );

/** Whether wasm stacks can be put aside. Without it all works that does not wait. */
export const canSuspend: boolean = promise !== undefined && Suspending !== undefined;

/** Makes a core function return a Promise, and able to be suspended. @throws ComponentError `TENON_UNSUPPORTED` */
export function promising(core: CoreFunction): (...args: unknown[]) => Promise<unknown> {
  if (promise === undefined) throw missing();
  return promise(core);
}

/** Makes a function, to be imported by core code, suspend that code until its Promise settles. @throws ComponentError `TENON_UNSUPPORTED` */
export function suspendingImport(func: (...args: unknown[]) => unknown): CoreFunction {
  if (Suspending === undefined) throw missing();
  return new Suspending(func) as CoreFunction;
}

/** A function to be imported by core code, which may return a Promise where `suspends`. */
export function mayWait(func: (...args: unknown[]) => unknown, suspends: boolean): CoreFunction {
  if (!suspends) return func;
  if (canSuspend) return suspendingImport(func);
  return (...args: unknown[]): unknown => {
    const result = func(...args);
    if (result instanceof Promise) throw uncatchable(missing());
    return result;
  };
}
