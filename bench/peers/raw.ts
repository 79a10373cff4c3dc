/** Bare V8 as a contender: the same work as core modules, without components. */
import { assembled } from '../assemble.ts';

/** @param ready what `ready` is: a plain function, or a `WebAssembly.Suspending` */
export async function rawExports(ready: WebAssembly.ImportValue = (a: number) => a): Promise<WebAssembly.Exports> {
  const module = new WebAssembly.Module(await assembled('raw'));
  return new WebAssembly.Instance(module, { '': { scalar: (a: number, b: number) => a + b, ready } }).exports;
}
