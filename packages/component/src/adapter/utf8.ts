/** UTF-8 to UTF-8: validated and copied in one pass while it is ASCII. */
import type { SharedModule } from './module.ts';
import { utf8Validator } from './transcode.ts';
import type { Func, Local } from './wasm-code.ts';

/** `(source, length, target) -> ()`: traps when the bytes are not UTF-8. */
export function copyUtf8(module: SharedModule, fromMemory: number, toMemory: number): Func {
  const key = `copy utf8, memory ${fromMemory} to ${toMemory}`;
  return module.helper(key, { params: ['i32', 'i32', 'i32'], results: [] }, (code) => {
    const [source, length, target] = code.params as readonly [Local, Local, Local];
    code.get(source, source, length).op(0x6a).call(utf8Validator(module, fromMemory));
    code.get(target, source, length).memoryCopy(toMemory, fromMemory);
  });
}
