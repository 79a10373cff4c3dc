/**
 * Host → component: a core function becomes a function of JavaScript values.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#canon-lift
 */
import type { StringEncoding } from '../binary/definitions.ts';
import { ComponentError, Trap } from '../errors.ts';
import { flags, flagWords, MAY_LEAVE } from '../instance/flags.ts';
import { flattenFunc } from '../types/layout.ts';
import type { CoreFuncType, FuncType, ValType } from '../types/types.ts';
import { Context, Scope } from './context.ts';
import type { Binding, CoreFunction, PreparedLift } from './contract.ts';
import { Entry, enter, leave, refused } from './entry.ts';
import { invoke } from './invoke.ts';
import { promising } from './jspi.ts';
import { explain, Misfit } from './misfit.ts';
import { lowerScalar, NONE, scalarCode } from './scalars.ts';
import { passesHandles, passesOwn } from './signature.ts';
import { type LiftHelpers, once, type SpecialisedLift, specialisedLift } from './specialise.ts';
import { loadString, storeString } from './strings.ts';
import { failed, swallowed } from './traps.ts';
import { type LiftResult, type LowerParams, paramsLowerer, resultLifter, subject } from './values.ts';

type Lifted = (...args: unknown[]) => unknown;

export function prepareLift(type: FuncType, encoding: StringEncoding): PreparedLift {
  let special: SpecialisedLift | undefined;
  const general = once(() => prepare(type, encoding));
  return {
    bind(binding, core, postReturn, suspends): Lifted {
      if (suspends) return suspending(general, binding, core, flattenFunc(type, 'lift'), postReturn);
      const { instance } = binding;
      const alone = instance.parent === undefined && !instance.usesContext;
      const posts = postReturn !== undefined;
      if (special?.alone !== alone || special.posts !== posts) special = specialisedLift(type, alone, posts, helpers);
      const { factory } = special;
      if (factory === undefined) return synchronous(general, binding, core, postReturn);
      const entry = alone ? undefined : new Entry(instance, binding.name);
      return factory(core, binding, entry, type, special.strings ? new Context(binding, encoding) : undefined, postReturn);
    },
  };
}

const helpers: LiftHelpers = {
  flags,
  enter,
  leave,
  refused: ({ instance, name }) => refused(instance, name),
  misfit: wrongArgument,
  failed: (error, { instance, name }) => failed(error, instance, name),
  failedStoring,
  swallowed,
  storeString,
  loadResult(cx, core) {
    const address = core >>> 0;
    cx.check(address, 8, 4, 'return');
    return loadString(cx, cx.view.getUint32(address, true), cx.view.getUint32(address + 4, true));
  },
};

interface Prepared {
  readonly encoding: StringEncoding;
  readonly lowerParams: LowerParams;
  readonly flatCount: number;
  readonly liftResult: LiftResult;
  readonly handles: boolean;
  /** Some parameter contains `own`. */
  readonly gives: boolean;
  readonly result: ValType | undefined;
}

function prepare(type: FuncType, encoding: StringEncoding): Prepared {
  return {
    encoding,
    ...paramsLowerer(type),
    liftResult: resultLifter(type.result),
    handles: passesHandles(type),
    gives: passesOwn(type),
    result: type.result,
  };
}

/** One bound function. Its context is used by one call at a time: whoever enters the instance has it alone. */
class LiftedCall {
  readonly cx: Context;
  readonly entry: Entry;
  readonly flat: unknown[];
  private readonly prepared: Prepared;
  private readonly postReturn: CoreFunction | undefined;

  constructor(prepared: Prepared, binding: Binding, postReturn: CoreFunction | undefined) {
    this.prepared = prepared;
    this.cx = new Context(binding, prepared.encoding);
    this.entry = new Entry(binding.instance, binding.name);
    this.flat = new Array(prepared.flatCount).fill(0);
    this.postReturn = postReturn;
  }

  /** Enters the instance and lowers the parameters. What is wrong with them is the caller's fault and leaves the instance as it was. */
  begin(args: readonly unknown[]): Scope | undefined {
    const { cx, entry, prepared } = this;
    enter(entry);
    const scope = prepared.handles ? new Scope(cx.instance, prepared.gives) : undefined;
    cx.scope = scope;
    try {
      cx.renew();
      prepared.lowerParams(cx, args, this.flat);
    } catch (error) {
      if (error instanceof Trap || cx.instance.store.trap !== undefined) throw this.failed(error);
      scope?.abandon();
      leave(entry);
      throw error;
    } finally {
      cx.scope = undefined;
    }
    return scope;
  }

  /** Lifts the result and ends the task. */
  end(scope: Scope | undefined, core: unknown): unknown {
    const { cx, postReturn, prepared } = this;
    const { store } = cx.instance;
    if (store.trap !== undefined) throw swallowed(store.trap);
    cx.renew();
    const value = prepared.liftResult(cx, core);
    scope?.end();
    if (postReturn !== undefined) {
      const word = cx.instance.flagsWord;
      flagWords[word] = (flagWords[word] ?? 0) & ~MAY_LEAVE;
      if (prepared.result === undefined) postReturn();
      else postReturn(core);
      if (store.trap !== undefined) throw swallowed(store.trap);
      flagWords[word] = (flagWords[word] ?? 0) | MAY_LEAVE;
    }
    return value;
  }

  /** Leaves the instance. A `result` that is the function's result becomes a return value or an exception. */
  leave(value: unknown): unknown {
    leave(this.entry);
    return resultOrThrow(this.prepared.result, this.cx.name, value);
  }

  failed(error: unknown): unknown {
    return failed(error, this.cx.instance, this.cx.name);
  }
}

/** A `result` that is a function's result is a return value or an exception. */
export function resultOrThrow(type: ValType | undefined, func: string, value: unknown): unknown {
  if (type?.kind !== 'result') return value;
  const { tag, val } = value as { readonly tag: string; readonly val?: unknown };
  if (tag === 'ok') return val;
  throw new ComponentError('TENON_RESULT', `\`${func}\` returned an error${inWords(val)}`, { payload: val });
}

/** The payload of an error, as far as it is a word. */
function inWords(payload: unknown): string {
  if (typeof payload === 'string') return `: ${payload}`;
  const tag = typeof payload === 'object' && payload !== null ? (payload as { readonly tag?: unknown }).tag : undefined;
  return typeof tag === 'string' ? `: ${tag}` : '';
}

type MakePrepared = () => Prepared;

// In the following two the call is made when it is first needed: many exports of a component are never called.

function synchronous(prepared: MakePrepared, binding: Binding, core: CoreFunction, postReturn: CoreFunction | undefined): Lifted {
  let call: LiftedCall | undefined;
  return (...args) => {
    call ??= new LiftedCall(prepared(), binding, postReturn);
    const scope = call.begin(args);
    let value: unknown;
    try {
      value = call.end(scope, invoke(core, call.flat));
    } catch (error) {
      throw call.failed(error);
    }
    return call.leave(value);
  };
}

function suspending(
  prepared: MakePrepared,
  binding: Binding,
  core: CoreFunction,
  type: CoreFuncType,
  postReturn: CoreFunction | undefined,
): Lifted {
  let made: LiftedCall | undefined;
  // To make it costs V8 as much as a tenth of a small instance.
  let promised: CoreFunction | undefined;
  const { store } = binding.instance;
  return (...args) => {
    let call: LiftedCall;
    let scope: Scope | undefined;
    try {
      made ??= new LiftedCall(prepared(), binding, postReturn);
      promised ??= promising(core, type);
      call = made;
      scope = call.begin(args);
    } catch (error) {
      return Promise.reject(error);
    }
    const scopeBefore = store.scope;
    const { guard } = store;
    let running: Promise<unknown>;
    guard?.promise();
    try {
      running = invoke(promised, call.flat) as Promise<unknown>;
    } catch (error) {
      guard?.settled();
      // Traps of the guest reject; only the call itself can throw, when the stack is exhausted.
      return Promise.reject(call.failed(error));
    }
    guard?.waiting();
    return running.then(
      (core) => {
        guard?.settled();
        store.scope = scopeBefore;
        let value: unknown;
        try {
          value = call.end(scope, core);
        } catch (error) {
          throw call.failed(error);
        }
        return call.leave(value);
      },
      (error) => {
        guard?.settled();
        throw call.failed(error);
      },
    );
  };
}

/** Finds which of the arguments, scalars and strings, does not fit. */
function wrongArgument(type: FuncType, { name: func }: Binding, args: readonly unknown[]): unknown {
  for (const [i, param] of type.params.entries()) {
    try {
      if (param.type.kind !== 'string') lowerScalar(scalarCode(param.type) ?? NONE, args[i]);
      else if (typeof args[i] !== 'string') throw new Misfit(param.type, args[i]);
    } catch (error) {
      return explain(error, subject(func, param.name));
    }
  }
  return new Error('internal error: all arguments fit');
}

/** As {@link LiftedCall.begin}: only `realloc` can fail for good. */
function failedStoring(error: unknown, { instance, name: func }: Binding, type: FuncType, args: readonly unknown[]): unknown {
  if (instance.store.trap !== undefined) return failed(error, instance, func);
  leave(new Entry(instance, func));
  if (!(error instanceof Misfit)) return error;
  return explain(error, subject(func, type.params[args.indexOf(error.value)]?.name ?? ''));
}
