/**
 * A call of the embedder: `Store.invoke` of the spec.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#embedding
 */
import { refused } from '../../abi/entry.ts';
import { resultOrThrow } from '../../abi/lift.ts';
import { swallowed } from '../../abi/traps.ts';
import { Trap } from '../../errors.ts';
import type { Store } from '../../instance/state.ts';
import { enteringSet, mayEnter } from '../entering.ts';
import type { LiftedFunction } from '../lift.ts';
import type { PendingCall } from '../scheduler.ts';
import type { Call, Cancellable } from '../task.ts';
import type { Held } from '../thread.ts';

/** What a call from JavaScript may take behind its parameters. */
export interface CallOptions {
  /** Aborting requests that the task be cancelled. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds after which the instance is ended when its task has not honoured the request: 5,000 unless given. */
  readonly graceMilliseconds?: number | undefined;
}

const GRACE_MILLISECONDS = 5_000;

type Lifted = (...args: unknown[]) => unknown;

class HostCall implements Call, PendingCall {
  readonly toHost = true;
  readonly func: LiftedFunction;
  callee: Cancellable | undefined = undefined;
  private readonly args: readonly unknown[];
  private readonly options: CallOptions | undefined;
  private readonly resolve: (value: unknown) => void;
  private readonly reject: (error: unknown) => void;
  private timer: ReturnType<typeof setTimeout> | undefined = undefined;

  constructor(
    func: LiftedFunction,
    args: readonly unknown[],
    options: CallOptions | undefined,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    this.func = func;
    this.args = args;
    this.options = options;
    this.resolve = resolve;
    this.reject = reject;
  }

  get name(): string {
    return this.func.name;
  }

  private get store(): Store {
    return this.func.instance.store;
  }

  start(): void {
    const { options, store } = this;
    const { scheduler } = store;
    const signal = options?.signal;
    if (signal?.aborted === true) {
      this.reject(signal.reason);
      return;
    }
    scheduler.calls.add(this);
    signal?.addEventListener('abort', this.abort);
    scheduler.run(() => (scheduler.calls.has(this) ? this.func.start(this, undefined) : undefined));
  }

  private readonly abort = (): void => {
    const { store } = this;
    if (this.callee === undefined) {
      this.settle();
      this.reject(this.options?.signal?.reason);
      return;
    }
    const milliseconds = this.options?.graceMilliseconds ?? GRACE_MILLISECONDS;
    this.timer = setTimeout(
      () => store.end(new Trap(`the call of \`${this.name}\` was cancelled and did not end within ${milliseconds} ms`)),
      milliseconds,
    );
    // Whether the task honours it is not known to the scheduler: time passes, and that is enough to go on.
    store.scheduler.run((): Held => this.callee?.requestCancellation(undefined));
  };

  onStart(): readonly unknown[] {
    return this.args;
  }

  onResolve(result: unknown): void {
    this.settle();
    try {
      this.resolve(resultOrThrow(this.func.type.result, this.name, result));
    } catch (error) {
      this.reject(error);
    }
  }

  onCancelled(): void {
    this.settle();
    this.reject(this.options?.signal?.reason);
  }

  onRejected(error: unknown): void {
    this.settle();
    this.reject(error);
  }

  abandon(trap: Trap): void {
    this.settle();
    this.reject(swallowed(trap));
  }

  private settle(): void {
    this.store.scheduler.calls.delete(this);
    if (this.timer !== undefined) clearTimeout(this.timer);
    this.options?.signal?.removeEventListener('abort', this.abort);
  }
}

/** What the embedder calls: a promise for functions whose type is async, and for those that may be held up. */
export function hostCall(func: LiftedFunction, suspends: boolean): Lifted {
  return func.type.async ? asyncCall(func) : syncCall(func, suspends);
}

function asyncCall(func: LiftedFunction): Lifted {
  const { instance, name, type } = func;
  const arity = type.params.length;
  return (...args) =>
    new Promise((resolve, reject) => {
      if (instance.store.trap !== undefined) return reject(refused(instance, name));
      new HostCall(func, args, args[arity] as CallOptions | undefined, resolve, reject).start();
    });
}

/** A call that has returned when it returns, or that nothing else may come in between. */
function syncCall(func: LiftedFunction, suspends: boolean): Lifted {
  const { instance, name, type } = func;
  const { store } = instance;
  const entering = enteringSet(instance, undefined);
  return (...args) => {
    let outcome: { readonly value: unknown } | undefined;
    let refusal: { readonly error: unknown } | undefined;
    const call: Call = {
      toHost: true,
      callee: undefined,
      onStart: () => args,
      onResolve: (value) => {
        outcome = { value };
      },
      onCancelled: () => {},
      onRejected: (error) => {
        refusal = { error };
      },
    };
    const end = (): unknown => {
      if (refusal !== undefined) throw refusal.error;
      if (store.trap !== undefined) throw swallowed(store.trap);
      return resultOrThrow(type.result, name, outcome?.value);
    };
    const fail = (error: unknown): unknown => {
      store.fail(error);
      return end();
    };
    const run = (): unknown => {
      if (store.trap !== undefined || store.scheduler.isBusy || !mayEnter(entering)) throw refused(instance, name);
      // The outcome is taken before anything else runs, which may trap.
      return store.scheduler.runNow((): unknown => {
        try {
          const held = func.start(call, undefined);
          if (held !== undefined) return held.then(end, fail);
        } catch (error) {
          return fail(error);
        }
        return end();
      });
    };
    if (!suspends) return run();
    try {
      const value = run();
      return value instanceof Promise ? value : Promise.resolve(value);
    } catch (error) {
      return Promise.reject(error);
    }
  };
}
