/**
 * `canon lower`: a core function that calls a function of another component, or of the embedder, as a subtask.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#canon-lower
 */
import { Context } from '../abi/context.ts';
import type { Binding, CoreFunction } from '../abi/contract.ts';
import { mayWait } from '../abi/jspi.ts';
import type { Flat } from '../abi/lift-flat.ts';
import { checkMayLeave } from '../abi/resources.ts';
import { once } from '../abi/specialise.ts';
import { raise } from '../abi/traps.ts';
import { type LiftParams, type LowerResult, paramsLifter, resultLowerer } from '../abi/values.ts';
import type { StringEncoding } from '../binary/definitions.ts';
import { flattenParams, MAX_FLAT_ASYNC_PARAMS, MAX_FLAT_PARAMS, MAX_FLAT_RESULTS } from '../types/layout.ts';
import type { FuncType } from '../types/types.ts';
import { currentThread } from './current.ts';
import type { Callee } from './lift.ts';
import { Subtask, SubtaskState } from './subtask.ts';
import { blockStack } from './thread.ts';

export interface LowerOptions {
  readonly encoding: StringEncoding;
  readonly async: boolean;
}

interface Values {
  readonly liftParams: LiftParams;
  readonly lowerResult: LowerResult;
}

const values = [new WeakMap<FuncType, Values>(), new WeakMap<FuncType, Values>()] as const;

function valuesOf(type: FuncType, async: boolean): Values {
  const known = values[async ? 1 : 0];
  let made = known.get(type);
  if (made === undefined) {
    const most = async ? MAX_FLAT_ASYNC_PARAMS : MAX_FLAT_PARAMS;
    const { length } = flattenParams(type);
    made = {
      liftParams: paramsLifter(type, most),
      lowerResult: resultLowerer(type.result, length > most ? 1 : length, async ? 0 : MAX_FLAT_RESULTS),
    };
    known.set(type, made);
  }
  return made;
}

export class LoweredFunction {
  readonly name: string;
  /** Whether the callee is JavaScript code of the embedder. */
  readonly toHost: boolean;
  private readonly callee: Callee;
  private readonly options: LowerOptions;
  private readonly cx: Context;
  private readonly values: () => Values;

  constructor(type: FuncType, options: LowerOptions, binding: Binding, callee: Callee, toHost: boolean) {
    this.name = binding.name;
    this.toHost = toHost;
    this.callee = callee;
    this.options = options;
    this.cx = new Context(binding, options.encoding);
    this.cx.internal = !toHost;
    this.values = once(() => valuesOf(type, options.async));
  }

  /** @param suspends whether calling it may take more than this moment. @returns what core code imports */
  core(suspends: boolean): CoreFunction {
    const { instance } = this.cx;
    const call = (...flat: unknown[]): unknown => {
      try {
        checkMayLeave(instance);
        const subtask = new Subtask(this, flat);
        const held = this.callee.start(subtask, instance);
        if (held === undefined) return this.started(subtask);
        return held.then(
          () => {
            try {
              return this.started(subtask);
            } catch (error) {
              return raise(instance, this.name, error);
            }
          },
          (error) => raise(instance, this.name, error),
        );
      } catch (error) {
        return raise(instance, this.name, error);
      }
    };
    return mayWait(call, suspends);
  }

  private started(subtask: Subtask): unknown {
    const { instance } = this.cx;
    if (this.options.async) {
      if (subtask.resolved) {
        subtask.deliverResolve();
        return SubtaskState.RETURNED;
      }
      subtask.index = instance.handles.add(subtask);
      return subtask.state | (subtask.index << 4);
    }
    const result = (): unknown => {
      subtask.deliverResolve();
      return subtask.flatResult;
    };
    if (subtask.resolved) return result();
    const thread = currentThread(instance);
    subtask.syncWaiter = thread;
    return blockStack(instance, this.name, (then) => thread.waitUntil(() => subtask.resolved, false, subtask, then), result);
  }

  liftParams(subtask: Subtask, flat: Flat): readonly unknown[] {
    const { cx } = this;
    const { account } = cx.instance.store;
    if (account !== undefined) cx.left = account.left;
    cx.renew();
    cx.scope = subtask;
    try {
      return this.values().liftParams(cx, flat);
    } finally {
      cx.scope = undefined;
    }
  }

  lowerResult(result: unknown, flat: Flat): unknown {
    this.cx.renew();
    return this.values().lowerResult(this.cx, result, flat);
  }
}
