/** A function of the embedder, as components call it. */
import type { HostFunction } from '../../abi/contract.ts';
import { invoke } from '../../abi/invoke.ts';
import { hostThrew, isResultError, wrongResult } from '../../abi/lower.ts';
import { isThenable } from '../../abi/scalars.ts';
import { callFrom } from '../../instance/account.ts';
import type { Store } from '../../instance/state.ts';
import type { FuncType } from '../../types/types.ts';
import type { Callee } from '../lift.ts';
import type { Call } from '../task.ts';
import type { Held } from '../thread.ts';
import { takesSignal } from './cancellable.ts';

export class HostCallee implements Callee {
  private readonly store: Store;
  private readonly type: FuncType;
  private readonly func: HostFunction;
  private readonly name: string;
  /** Whether the guest may be held up while a function that is not async waits. */
  private readonly blocking: boolean;
  private readonly throws: boolean;

  constructor(store: Store, type: FuncType, func: HostFunction, name: string, blocking: boolean) {
    this.store = store;
    this.type = type;
    this.func = func;
    this.name = name;
    this.blocking = blocking;
    this.throws = type.result?.kind === 'result';
  }

  start(call: Call): Held {
    const args = call.onStart();
    const cancelled = takesSignal(this.func) ? cancellation(call) : undefined;
    const signal = cancelled?.signal;
    let value: unknown;
    callFrom(this.store.account, this.store.signal);
    try {
      value = signal === undefined ? invoke(this.func, args) : invoke(this.func, [...args, signal]);
    } catch (error) {
      this.threw(call, error);
      return undefined;
    }
    if (!isThenable(value) || (!this.type.async && !this.blocking)) {
      this.returned(call, value);
      return undefined;
    }
    const settled = (then: () => void): void => {
      if (this.store.trap === undefined) then();
    };
    if (!this.type.async) {
      return Promise.resolve(value).then(
        (result) => settled(() => this.returned(call, result)),
        (error: unknown) => settled(() => this.threw(call, error)),
      );
    }
    const { life, scheduler, waiting } = this.store;
    scheduler.obligations++;
    if (cancelled !== undefined) waiting.add(cancelled);
    const later = (then: () => void): void =>
      scheduler.run(() => {
        scheduler.obligations--;
        if (cancelled !== undefined) waiting.delete(cancelled);
        if (this.store.life === life && this.store.trap === undefined) then();
        return undefined;
      });
    value.then(
      (result) => later(() => this.returned(call, result)),
      (error: unknown) => later(() => (signal?.aborted === true && signal.reason === error ? call.onCancelled() : this.threw(call, error))),
    );
    return undefined;
  }

  private returned(call: Call, value: unknown): void {
    this.resolve(call, this.throws ? { tag: 'ok', val: value } : value);
  }

  /** The error case of a `result` is thrown; all else that is thrown is a trap. */
  private threw(call: Call, error: unknown): void {
    if (!this.throws || !isResultError(error)) throw hostThrew(error, this.throws);
    this.resolve(call, { tag: 'err', val: error.payload });
  }

  private resolve(call: Call, value: unknown): void {
    try {
      call.onResolve(value);
    } catch (error) {
      throw wrongResult(error, this.name);
    }
  }
}

/** What aborts when the guest cancels the call, or has ended. */
function cancellation(call: Call): AbortController {
  const controller = new AbortController();
  call.callee = {
    requestCancellation() {
      controller.abort();
      return undefined;
    },
  };
  return controller;
}
