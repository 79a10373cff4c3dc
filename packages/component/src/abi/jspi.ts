/** JavaScript Promise Integration, which TypeScript's library does not declare yet. https://github.com/WebAssembly/js-promise-integration */

import { ModuleWriter } from '../adapter/wasm-writer.ts';
import { ComponentError } from '../errors.ts';
import type { CoreFuncType } from '../types/types.ts';
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

/**
 * Makes a core function return a Promise, and able to be suspended.
 * @param core may be what {@link suspendingImport} made: a lowered host function can be lifted again
 * @throws ComponentError `TENON_UNSUPPORTED`
 */
export function promising(core: CoreFunction, type: CoreFuncType): (...args: unknown[]) => Promise<unknown> {
  if (promise === undefined) throw missing();
  return promise(typeof core === 'function' ? core : exported(core, type));
}

/** An import as a function of core wasm, which is all that a Promise can be made of. */
function exported(core: object, type: CoreFuncType): CoreFunction {
  const writer = new ModuleWriter(() => {});
  const imported = writer.importFunc('', 'f', type);
  const func = writer.func('f', type, (code) => code.get(...code.params).call(imported));
  writer.exportFunc('f', func);
  const imports = { '': { f: core as WebAssembly.ExportValue } };
  return new WebAssembly.Instance(new WebAssembly.Module(writer.finish(undefined)), imports).exports.f as CoreFunction;
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
