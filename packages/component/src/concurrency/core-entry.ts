/**
 * Calls a core function in a thread. Where it may be suspended it gets a wasm stack of its own; a function around it, in wasm too, tells
 * when it has returned, since the promise that JSPI gives says so only in a microtask.
 */
import type { CoreFunction } from '../abi/contract.ts';
import { invoke } from '../abi/invoke.ts';
import { canSuspend, promising } from '../abi/jspi.ts';
import { ModuleWriter } from '../adapter/wasm-writer.ts';
import type { ComponentInstance } from '../instance/state.ts';
import type { CoreFuncType } from '../types/types.ts';
import type { Thread } from './thread.ts';

/** What {@link CoreEntry.call} returns when the function has not returned yet. */
export const NOT_YET: unique symbol = Symbol('not yet');

const modules = new Map<string, WebAssembly.Module>();
/** Far more signatures than programs have. */
const MAX_KEPT = 1000;

/** A core function that calls `callee` and then `exit` with its results. */
function reporting(callee: CoreFunction, type: CoreFuncType, exit: (result: unknown) => void): CoreFunction {
  const key = `${type.params.join()}:${type.results.join()}`;
  let module = modules.get(key);
  if (module === undefined) {
    const writer = new ModuleWriter(() => {});
    const [inner, report] = [writer.importFunc('', 'callee', type), writer.importFunc('', 'exit', { params: type.results, results: [] })];
    const run = writer.func('thread', { params: type.params, results: [] }, (code) =>
      code
        .get(...code.params)
        .call(inner)
        .call(report),
    );
    writer.exportFunc('run', run);
    module = new WebAssembly.Module(writer.finish(undefined));
    if (modules.size < MAX_KEPT) modules.set(key, module);
  }
  return new WebAssembly.Instance(module, { '': { callee: callee as WebAssembly.ExportValue, exit } }).exports.run as CoreFunction;
}

export class CoreEntry {
  private readonly core: CoreFunction;
  private readonly type: CoreFuncType;
  private readonly instance: ComponentInstance;
  private readonly suspends: boolean;
  private promised: CoreFunction | undefined = undefined;
  private exited = false;
  private result: unknown = undefined;

  constructor(instance: ComponentInstance, core: CoreFunction, type: CoreFuncType, suspends: boolean) {
    this.instance = instance;
    this.core = core;
    this.type = type;
    this.suspends = suspends && canSuspend;
  }

  /**
   * @param then is called with the result when the function returns later
   * @returns the result, or {@link NOT_YET}
   */
  call(thread: Thread, args: readonly unknown[], then: (result: unknown) => void): unknown {
    if (!this.suspends) return invoke(this.core, args);
    this.promised ??= promising(reporting(this.core, this.type, this.exit), this.type);
    const { guard } = this.instance.store;
    guard?.promise();
    this.exited = false;
    const running = invoke(this.promised, args) as Promise<unknown>;
    if (this.exited) {
      guard?.settled();
      return this.take();
    }
    let result: unknown;
    thread.onExit = (value) => {
      result = value;
    };
    running.then(
      () => {
        guard?.settled();
        try {
          then(result);
        } catch (error) {
          thread.fail(error);
        }
      },
      (error: unknown) => {
        guard?.settled();
        thread.fail(error);
      },
    );
    return NOT_YET;
  }

  private readonly exit = (result: unknown): void => {
    const { thread } = this.instance.store;
    if (thread?.onExit === undefined) {
      this.exited = true;
      this.result = result;
      return;
    }
    const { onExit } = thread;
    thread.onExit = undefined;
    onExit(result);
  };

  private take(): unknown {
    const { result } = this;
    this.exited = false;
    this.result = undefined;
    return result;
  }
}
