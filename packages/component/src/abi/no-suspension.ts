/**
 * Where a guest cannot be suspended: V8 throws a `SuspendError` for an import that could, before the import is called, and which the guest can catch.
 * So core code decides which function is called: the one that can suspend, or a plain one that fails for good if it would have to.
 */
import { mem, op } from '../adapter/wasm-code.ts';
import { ModuleWriter } from '../adapter/wasm-writer.ts';
import { allocateFlags, flags, flagsMemory, freeFlags } from '../instance/flags.ts';
import type { CoreFuncType } from '../types/types.ts';
import type { CoreFunction } from './contract.ts';

type Callable = (...args: unknown[]) => unknown;

const modules = new Map<string, WebAssembly.Module>();
/** Far more signatures than programs have, and few enough that hostile components cannot fill the memory with them. */
const MAX_KEPT = 1000;

/** Whether the guests of one store can be suspended just now. */
export class NoSuspension {
  /** Of a word that counts the calls of which JavaScript waits for the result. */
  private readonly address: number;

  constructor() {
    this.address = allocateFlags();
    flags.words[this.address >> 2] = 0;
    addresses.register(this, this.address);
  }

  /** The same function, in which the guest cannot be suspended. */
  during(call: Callable): Callable {
    const word = this.address >> 2;
    return (...args) => {
      flags.words[word] = (flags.words[word] as number) + 1;
      try {
        return call(...args);
      } finally {
        flags.words[word] = (flags.words[word] as number) - 1;
      }
    };
  }

  /**
   * @param type of both
   * @param suspending what is called where the guest can be suspended
   * @param plain what is called elsewhere
   */
  either(type: CoreFuncType, suspending: CoreFunction, plain: CoreFunction): CoreFunction {
    const key = `${type.params.join()}>${type.results.join()}`;
    let module = modules.get(key);
    if (module === undefined) {
      module = new WebAssembly.Module(eitherModule(type));
      if (modules.size < MAX_KEPT) modules.set(key, module);
    }
    const imports = {
      suspending: suspending as WebAssembly.ExportValue,
      plain: plain as WebAssembly.ExportValue,
      flags: flagsMemory,
      address: new WebAssembly.Global({ value: 'i32' }, this.address),
    };
    return new WebAssembly.Instance(module, { '': imports }).exports.either as CoreFunction;
  }
}

const addresses = new FinalizationRegistry<number>(freeFlags);

function eitherModule(type: CoreFuncType): Uint8Array<ArrayBuffer> {
  const writer = new ModuleWriter(() => {});
  const suspending = writer.importFunc('', 'suspending', type);
  const plain = writer.importFunc('', 'plain', type);
  const memory = writer.importMemory('', 'flags');
  const address = writer.importConstant('', 'address');
  const either = writer.func('either', type, (code) => {
    code.globalGet(address).access(mem.i32Load, memory);
    code.if(() =>
      code
        .get(...code.params)
        .call(plain)
        .op(op.return),
    );
    code.get(...code.params).call(suspending);
  });
  writer.exportFunc('either', either);
  return writer.finish(undefined);
}
