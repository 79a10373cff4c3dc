/**
 * Component → host: a JavaScript function becomes a core function to import.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#canon-lower
 */
import type { StringEncoding } from '../binary/definitions.ts';
import { TenonError, Trap } from '../errors.ts';
import { callFrom } from '../instance/account.ts';
import { flags } from '../instance/flags.ts';
import type { Store } from '../instance/state.ts';
import { alignment, elemSize, flatten, flattenParams, MAX_FLAT_PARAMS, MAX_FLAT_RESULTS } from '../types/layout.ts';
import type { FuncType, TupleType, ValType } from '../types/types.ts';
import { Context, Scope } from './context.ts';
import type { Binding, CoreFunction, HostFunction, PreparedLower } from './contract.ts';
import { cannotLeave, mayLeave } from './entry.ts';
import { takesInPlace } from './in-place.ts';
import { invoke } from './invoke.ts';
import { suspendingImport } from './jspi.ts';
import { type Flat, flatLifter, type LiftFlat } from './lift-flat.ts';
import { keptBorrows, loaderOf, viewBytes } from './load.ts';
import { flatLowerer } from './lower-flat.ts';
import { explain, Misfit } from './misfit.ts';
import { isThenable, lowerScalar, NONE } from './scalars.ts';
import { passesHandles, passesOwn, refuseAsync } from './signature.ts';
import { type LowerHelpers, once, specialisedLower } from './specialise.ts';
import { storerOf } from './store.ts';
import { carriedBy, failed, isUnwind, swallowed, thrown, uncatchable } from './traps.ts';

/** @throws ComponentError `TENON_UNSUPPORTED` for what only the asynchronous Canonical ABI can do */
export function prepareLower(type: FuncType, encoding: StringEncoding): PreparedLower {
  refuseAsync(type);
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

type LiftParams = (cx: Context, flat: Flat) => unknown[];
/** Returns the core result, or stores it where the last flat parameter says. */
type LowerResult = (cx: Context, value: unknown, flat: Flat) => unknown;

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
  const flat = flattenParams(type);
  const spilled = flat.length > MAX_FLAT_PARAMS;
  return {
    encoding,
    liftParams: spilled ? spilledParams(type) : flatParams(type, inPlace),
    lowerResult: resultLowerer(type.result, spilled ? 1 : flat.length),
    handles: passesHandles(type),
    gives: passesOwn(type),
    throws: type.result?.kind === 'result',
  };
}

function flatParams(type: FuncType, inPlace: boolean): LiftParams {
  const have = flattenParams(type);
  const gives = passesOwn(type);
  let at = 0;
  const lifts = type.params.map((param) => {
    const lift = (inPlace ? lifterInPlace(param.type, at, gives) : undefined) ?? flatLifter(param.type, have, at);
    at += flatten(param.type).length;
    return lift;
  });
  return (cx, flat) => {
    const args = new Array<unknown>(lifts.length);
    for (let i = 0; i < lifts.length; i++) args[i] = lifts[i]?.(cx, flat);
    return args;
  };
}

/** Undefined for what is never lifted in place. @param gives whether the call also gives handles away: then what is borrowed must be marked as lent */
function lifterInPlace(type: ValType, at: number, gives: boolean): LiftFlat | undefined {
  if (type.kind !== 'list' || type.length !== undefined) return undefined;
  const { element } = type;
  if (element.kind === 'u8') return (cx, flat) => viewBytes(cx, (flat[at] as number) >>> 0, (flat[at + 1] as number) >>> 0);
  if (element.kind !== 'borrow' || gives) return undefined;
  return (cx, flat) => keptBorrows(cx, (flat[at] as number) >>> 0, (flat[at + 1] as number) >>> 0, element, at);
}

function spilledParams(type: FuncType): LiftParams {
  const tuple: TupleType = { kind: 'tuple', types: type.params.map((param) => param.type) };
  const size = elemSize(tuple);
  const align = alignment(tuple);
  const load = loaderOf(tuple);
  return (cx, flat) => {
    const address = (flat[0] as number) >>> 0;
    cx.check(address, size, align, 'parameter');
    return load(cx, address) as unknown[];
  };
}

function resultLowerer(type: ValType | undefined, outParam: number): LowerResult {
  if (type === undefined) return (_cx, value) => lowerScalar(NONE, value);
  const want = flatten(type);
  if (want.length <= MAX_FLAT_RESULTS) {
    const lower = flatLowerer(type, want, 0);
    return (cx, value) => {
      const flat: unknown[] = [0];
      lower(cx, value, flat);
      return flat[0];
    };
  }
  const size = elemSize(type);
  const align = alignment(type);
  const store = storerOf(type);
  return (cx, value, flat) => {
    const address = (flat[outParam] as number) >>> 0;
    cx.check(address, size, align, 'return');
    store(cx, value, address);
    return undefined;
  };
}

/** What is thrown into the guest for what the host function threw. @param returnsErrors whether its result is a `result` */
function hostThrew(error: unknown, returnsErrors = false): unknown {
  if (isUnwind(error)) return error;
  const hint = returnsErrors ? '; to return an error, throw `resultError(payload)` or an object with a `payload`' : '';
  // A guest that the host function called was ended with the call that both are in.
  const code = error instanceof Trap ? error.code : 'TENON_TRAP';
  return new Trap(`the host function threw ${thrown(error)}${hint}`, error, { code });
}

/** What is thrown into the guest for a result that does not fit, or that cannot be read. */
function wrongResult(error: unknown, name: string): unknown {
  if (error instanceof Trap || isUnwind(error) || carriedBy(error) !== error) return error;
  if (!(error instanceof Misfit)) return new Trap(`reading what the host function returned threw ${thrown(error)}`, error);
  if (isThenable(error.value)) {
    return new Trap(
      'the host function returned a Promise: make it an `async function` or mark it with `blocking`, so that the guest can wait',
    );
  }
  const cause = explain(error, `result of \`${name}\``);
  return new Trap(`the host function returned a wrong value: ${cause instanceof Error ? cause.message : ''}`, cause);
}

/** What `resultError` makes, and what hosts for jco throw: an object with a payload of its own. Traps and other errors of Tenon are no errors of a function. */
function isResultError(error: unknown): error is { readonly payload?: unknown } {
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
      const { account } = cx.instance.store;
      callFrom(account);
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
  const { guard, task } = store;
  guard?.waiting();
  const resume = (): void => {
    store.task = task;
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
