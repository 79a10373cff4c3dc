/**
 * Component → host: a JavaScript function becomes a core function to import.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#canon-lower
 */
import type { StringEncoding } from '../binary/definitions.ts';
import { TenonError, Trap, WouldWait } from '../errors.ts';
import { callFrom } from '../instance/account.ts';
import { flags } from '../instance/flags.ts';
import type { Store } from '../instance/state.ts';
import { flattenParams, MAX_FLAT_PARAMS } from '../types/layout.ts';
import type { FuncType } from '../types/types.ts';
import { Context, Scope } from './context.ts';
import type { Binding, CoreFunction, HostFunction, PreparedLower } from './contract.ts';
import { cannotLeave, mayLeave } from './entry.ts';
import { takesInPlace } from './in-place.ts';
import { invoke } from './invoke.ts';
import { suspendingImport } from './jspi.ts';
import type { Flat } from './lift-flat.ts';
import { explain, Misfit } from './misfit.ts';
import { isThenable, lowerScalar } from './scalars.ts';
import { passesHandles, passesOwn } from './signature.ts';
import { type LowerHelpers, once, specialisedLower } from './specialise.ts';
import { carriedBy, failed, isUnwind, swallowed, thrown, uncatchable } from './traps.ts';
import { type LiftParams, type LowerResult, paramsLifter, resultLowerer } from './values.ts';

export function prepareLower(type: FuncType, encoding: StringEncoding): PreparedLower {
  const specialise = once(() => specialisedLower(type, false, helpers));
  const specialiseSuspending = once(() => specialisedLower(type, true, helpers));
  const copying = once(() => prepare(type, encoding, false));
  const viewing = once(() => prepare(type, encoding, true));
  return {
    bind(binding, host, suspends): CoreFunction {
      const factory = suspends ? specialiseSuspending() : specialise();
      const general = takesInPlace(host) ? viewing : copying;
      if (factory === undefined) return suspends ? suspending(general, binding, host) : synchronous(general, binding, host);
      const core = factory(host, binding, binding.instance.flagsWord);
      return suspends ? suspendingImport(core) : core;
    },
  };
}

interface Prepared {
  readonly encoding: StringEncoding;
  readonly liftParams: LiftParams;
  readonly lowerResult: LowerResult;
  readonly handles: boolean;
  /** Some parameter contains `own`. */
  readonly gives: boolean;
  /** Whether the function's result is a `result`, whose error case the host throws. */
  readonly throws: boolean;
}

/** @param inPlace whether lists of bytes are lifted where they lie, and lists of borrows into the array of the last call */
function prepare(type: FuncType, encoding: StringEncoding, inPlace: boolean): Prepared {
  const { length } = flattenParams(type);
  return {
    encoding,
    liftParams: paramsLifter(type, MAX_FLAT_PARAMS, inPlace),
    lowerResult: resultLowerer(type.result, length > MAX_FLAT_PARAMS ? 1 : length),
    handles: passesHandles(type),
    gives: passesOwn(type),
    throws: type.result?.kind === 'result',
  };
}

/** What is thrown into the guest for what the host function threw. @param returnsErrors whether its result is a `result` */
export function hostThrew(error: unknown, returnsErrors = false): unknown {
  if (isUnwind(error)) return error;
  if (error instanceof WouldWait) return error;
  const hint = returnsErrors ? '; to return an error, throw `resultError(payload)` or an object with a `payload`' : '';
  // A guest that the host function called was ended with the call that both are in.
  const code = error instanceof Trap ? error.code : 'TENON_TRAP';
  return new Trap(`the host function threw ${thrown(error)}${hint}`, error, { code });
}

/** What is thrown into the guest for a result that does not fit, or that cannot be read. */
export function wrongResult(error: unknown, name: string): unknown {
  if (error instanceof Trap || isUnwind(error) || carriedBy(error) !== error) return error;
  if (!(error instanceof Misfit)) return new Trap(`reading what the host function returned threw ${thrown(error)}`, error);
  if (isThenable(error.value)) {
    return new Trap(
      'the host function returned a Promise: make it an `async function`, define it with `{ waits: … }` or mark it with `blocking`, so that the guest can wait',
    );
  }
  const cause = explain(error, `result of \`${name}\``);
  return new Trap(`the host function returned a wrong value: ${cause instanceof Error ? cause.message : ''}`, cause);
}

/** What `resultError` makes, and what hosts for jco throw: an object with a payload of its own. Traps and other errors of Tenon are no errors of a function. */
export function isResultError(error: unknown): error is { readonly payload?: unknown } {
  if (typeof error !== 'object' || error === null) return false;
  if (error instanceof TenonError) return error.code === 'TENON_RESULT';
  return Object.hasOwn(error, 'payload');
}

/** One bound function. Its context keeps nothing from one of these steps to the next but lists of borrows. */
class LoweredCall {
  readonly cx: Context;
  private readonly prepared: Prepared;

  constructor(prepared: Prepared, binding: Binding) {
    this.prepared = prepared;
    this.cx = new Context(binding, prepared.encoding);
  }

  scope(): Scope | undefined {
    const { cx, prepared } = this;
    return prepared.handles ? new Scope(cx.instance, prepared.gives) : undefined;
  }

  liftParams(scope: Scope | undefined, flat: Flat): unknown[] {
    const { cx, prepared } = this;
    try {
      if (!mayLeave(cx.instance.flagsWord)) throw cannotLeave();
      cx.renew();
      cx.scope = scope;
      const { account, signal } = cx.instance.store;
      callFrom(account, signal);
      if (account !== undefined) cx.left = account.left;
      return prepared.liftParams(cx, flat);
    } catch (error) {
      throw this.failed(error);
    } finally {
      cx.scope = undefined;
    }
  }

  returned(scope: Scope | undefined, value: unknown, flat: Flat): unknown {
    return this.end(scope, this.prepared.throws ? { tag: 'ok', val: value } : value, flat);
  }

  /** A host function returns the error case of its `result` by throwing; all else that it throws is a trap. */
  threw(scope: Scope | undefined, error: unknown, flat: Flat): unknown {
    if (this.prepared.throws && isResultError(error)) return this.end(scope, { tag: 'err', val: error.payload }, flat);
    throw this.failed(hostThrew(error, this.prepared.throws));
  }

  private end(scope: Scope | undefined, value: unknown, flat: Flat): unknown {
    const { cx, prepared } = this;
    try {
      cx.renew();
      const core = prepared.lowerResult(cx, value, flat);
      scope?.end();
      return core;
    } catch (error) {
      throw this.failed(wrongResult(error, cx.name));
    }
  }

  private failed(error: unknown): unknown {
    return uncatchable(failed(error, this.cx.instance, this.cx.name));
  }
}

type MakePrepared = () => Prepared;

// In the following two the call is made when it is first needed: an instance has many imports and calls few.

function synchronous(prepared: MakePrepared, binding: Binding, host: HostFunction): CoreFunction {
  let call: LoweredCall | undefined;
  return (...flat: unknown[]) => {
    call ??= new LoweredCall(prepared(), binding);
    const scope = call.scope();
    const args = call.liftParams(scope, flat);
    let value: unknown;
    try {
      value = invoke(host, args);
    } catch (error) {
      return call.threw(scope, error, flat);
    }
    return call.returned(scope, value, flat);
  };
}

/** Restores the task of the suspended guest when the host has settled. A guest whose store has ended meanwhile does not run on. */
function resumed(
  store: Store,
  promise: PromiseLike<unknown>,
  returned: (value: unknown) => unknown,
  threw: (error: unknown) => unknown,
): Promise<unknown> {
  const { guard, scope } = store;
  guard?.waiting();
  const resume = (): void => {
    store.scope = scope;
    guard?.running();
    if (store.trap !== undefined) throw uncatchable(swallowed(store.trap));
  };
  return Promise.resolve(promise).then(
    (value) => {
      resume();
      return returned(value);
    },
    (error) => {
      resume();
      return threw(error);
    },
  );
}

/** The guest's stack is suspended while the host waits. Its instance stays entered, so that nothing else runs in it. */
function suspending(prepared: MakePrepared, binding: Binding, host: HostFunction): CoreFunction {
  let made: LoweredCall | undefined;
  const core = (...flat: unknown[]): unknown => {
    made ??= new LoweredCall(prepared(), binding);
    const call = made;
    const scope = call.scope();
    const args = call.liftParams(scope, flat);
    let value: unknown;
    try {
      value = invoke(host, args);
    } catch (error) {
      return call.threw(scope, error, flat);
    }
    if (!isThenable(value)) return call.returned(scope, value, flat);
    return resumed(
      binding.instance.store,
      value,
      (settled) => call.returned(scope, settled, flat),
      (error) => call.threw(scope, error, flat),
    );
  };
  return suspendingImport(core);
}

const threw = (error: unknown, { instance, name }: Binding): unknown => uncatchable(failed(hostThrew(error), instance, name));

function lowered(code: number, value: unknown, { instance, name }: Binding): unknown {
  try {
    return lowerScalar(code, value);
  } catch (error) {
    throw uncatchable(failed(wrongResult(error, name), instance, name));
  }
}

const helpers: LowerHelpers = {
  callFrom,
  flags,
  isThenable,
  refused: ({ instance, name }) => uncatchable(failed(cannotLeave(), instance, name)),
  threw,
  misfit: lowered,
  settle: (code, result, binding) =>
    resumed(
      binding.instance.store,
      result,
      (value) => lowered(code, value, binding),
      (error) => {
        throw threw(error, binding);
      },
    ),
};
