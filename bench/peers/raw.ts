/** Bare V8 as a contender: the same work as core modules, without components. */
import { assembled } from '../assemble.ts';

/** JavaScript Promise Integration, which TypeScript's library does not declare yet. */
const jspi = WebAssembly as unknown as {
  readonly Suspending: new (fn: (...args: never[]) => unknown) => WebAssembly.ExportValue;
  promising(fn: (...args: never[]) => unknown): (...args: unknown[]) => Promise<unknown>;
};

export const suspending = (fn: (...args: never[]) => unknown): WebAssembly.ImportValue => new jspi.Suspending(fn);
export const promising = (fn: (...args: never[]) => unknown): ((...args: unknown[]) => Promise<unknown>) => jspi.promising(fn);

/** @param ready what `ready` is: a plain function, or a `WebAssembly.Suspending` */
export async function rawExports(ready: WebAssembly.ImportValue = (a: number) => a): Promise<WebAssembly.Exports> {
  const module = new WebAssembly.Module(await assembled('raw'));
  return new WebAssembly.Instance(module, { '': { scalar: (a: number, b: number) => a + b, ready } }).exports;
}
