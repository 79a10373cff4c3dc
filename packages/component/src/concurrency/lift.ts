/**
 * `canon lift`: a core function that is called as a task.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#canon-lift
 */
import { Context } from '../abi/context.ts';
import type { Binding, CoreFunction } from '../abi/contract.ts';
import { once } from '../abi/specialise.ts';
import { type LiftParams, type LiftResult, type LowerParams, paramsLifter, paramsLowerer, resultLifter } from '../abi/values.ts';
import type { StringEncoding } from '../binary/definitions.ts';
import { Trap } from '../errors.ts';
import { flags, MAY_LEAVE } from '../instance/flags.ts';
import type { ComponentInstance } from '../instance/state.ts';
import { flattenFunc } from '../types/layout.ts';
import type { FuncType } from '../types/types.ts';
import { CoreEntry, NOT_YET } from './core-entry.ts';
import { inWords } from './deadlock.ts';
import { type EnteringSet, enter, enteringSet, leave, mayEnter } from './entering.ts';
import { type Call, Task } from './task.ts';
import { type Held, Thread } from './thread.ts';
import { type Event, NO_EVENT, TASK_CANCELLED, waitableSetAt } from './waitable.ts';

/** Something that can be called: a lifted function or one of the embedder. `FuncInst` of the spec. */
export interface Callee {
  /** @param caller undefined for the embedder. @throws Trap */
  start(call: Call, caller: ComponentInstance | undefined): Held;
}

export interface LiftOptions {
  readonly encoding: StringEncoding;
  readonly async: boolean;
  readonly callback: CoreFunction | undefined;
  readonly postReturn: CoreFunction | undefined;
}

/** What all functions of one type have in common. */
interface Values {
  readonly lowerParams: LowerParams;
  readonly flatCount: number;
  readonly liftResult: LiftResult;
  /** Of `task.return`. */
  readonly liftReturned: LiftParams;
}

const values = new WeakMap<FuncType, Values>();

function valuesOf(type: FuncType): Values {
  let known = values.get(type);
  if (known === undefined) {
    const { result } = type;
    const returned: FuncType = { params: result === undefined ? [] : [{ name: 'result', type: result }], result: undefined, async: false };
    known = { ...paramsLowerer(type), liftResult: resultLifter(result), liftReturned: paramsLifter(returned) };
    values.set(type, known);
  }
  return known;
}

const CallbackCode = { EXIT: 0, YIELD: 1, WAIT: 2 } as const;
const CALLBACK_TYPE = { params: ['i32', 'i32', 'i32'], results: ['i32'] } as const;

/** A function of a component that is lifted: bound to an instance. */
export class LiftedFunction implements Callee {
  readonly instance: ComponentInstance;
  readonly type: FuncType;
  readonly name: string;
  readonly options: LiftOptions;
  readonly memory: WebAssembly.Memory | undefined;
  /** `needs_exclusive`: whether at most one task of its kind runs at a time. */
  readonly needsExclusive: boolean;
  private readonly cx: Context;
  private readonly values: () => Values;
  private readonly core: CoreEntry;
  private readonly callback: CoreEntry | undefined;
  private lastCaller: ComponentInstance | undefined = undefined;
  private entering: EnteringSet | undefined = undefined;

  /** @param suspends whether its code may be suspended */
  constructor(type: FuncType, options: LiftOptions, binding: Binding, core: CoreFunction, suspends: boolean) {
    const { instance } = binding;
    const { callback } = options;
    this.instance = instance;
    this.type = type;
    this.name = binding.name;
    this.options = options;
    this.memory = binding.memory;
    this.needsExclusive = !options.async || callback !== undefined;
    this.cx = new Context(binding, options.encoding);
    this.cx.internal = true;
    this.values = once(() => valuesOf(type));
    this.core = new CoreEntry(
      instance,
      core,
      flattenFunc(type, 'lift', { async: options.async, callback: callback !== undefined }),
      suspends,
    );
    this.callback = callback && new CoreEntry(instance, callback, CALLBACK_TYPE, suspends);
  }

  /** Most functions have one caller. */
  private enteringFrom(caller: ComponentInstance | undefined): EnteringSet {
    if (this.entering === undefined || this.lastCaller !== caller) {
      this.lastCaller = caller;
      this.entering = enteringSet(this.instance, caller);
    }
    return this.entering;
  }

  /** `Store.lift` */
  start(call: Call, caller: ComponentInstance | undefined): Held {
    const { store } = this.instance;
    const entering = this.enteringFrom(caller);
    if (!mayEnter(entering)) throw new Trap('wasm trap: cannot enter component instance');
    enter(entering);
    const held = this.run(call);
    if (held !== undefined) return held.then(() => leave(store, entering));
    leave(store, entering);
    return undefined;
  }

  /** `canon_lift` */
  private run(call: Call): Held {
    const task = new Task(this, call);
    call.callee = task;
    const thread = new Thread(task, () => task.enterImplicitThread(thread, () => this.begin(task, thread)));
    const held = thread.resume();
    return this.type.async ? held : untilResolved(task, held);
  }

  private begin(task: Task, thread: Thread): void {
    const { cx } = this;
    const { flatCount, lowerParams } = this.values();
    const args = task.start();
    const flat: unknown[] = new Array(flatCount).fill(0);
    try {
      cx.renew();
      cx.scope = task;
      lowerParams(cx, args, flat);
    } catch (error) {
      if (error instanceof Trap || cx.instance.store.trap !== undefined) throw error;
      task.reject(thread, error);
      return;
    } finally {
      cx.scope = undefined;
    }
    const result = this.core.call(thread, flat, (later) => this.returned(task, thread, later));
    if (result !== NOT_YET) this.returned(task, thread, result);
  }

  private returned(task: Task, thread: Thread, result: unknown): void {
    if (this.callback !== undefined) {
      this.loop(this.callback, task, thread, result as number);
      return;
    }
    const { store } = this.instance;
    if (store.trap !== undefined) throw store.trap;
    if (!this.options.async) {
      task.return(this.lift(task, () => this.values().liftResult(this.cx, result)));
      this.postReturn(result);
    }
    task.exitImplicitThread(thread);
  }

  private postReturn(result: unknown): void {
    const { postReturn } = this.options;
    if (postReturn === undefined) return;
    const { flagsWord: word, store } = this.instance;
    flags.words[word] = (flags.words[word] ?? 0) & ~MAY_LEAVE;
    if (this.type.result === undefined) postReturn();
    else postReturn(result);
    if (store.trap !== undefined) throw store.trap;
    flags.words[word] = (flags.words[word] ?? 0) | MAY_LEAVE;
  }

  /** Lifts a result for whoever called the task. */
  private lift(task: Task, lift: () => unknown): unknown {
    const { cx } = this;
    cx.renew();
    cx.internal = !task.call.toHost;
    try {
      return lift();
    } finally {
      cx.internal = true;
    }
  }

  /** Lifts what `task.return` gave. */
  liftReturned(task: Task, flat: readonly unknown[]): unknown {
    return this.lift(task, () => this.values().liftReturned(this.cx, flat)[0]);
  }

  private loop(callback: CoreEntry, task: Task, thread: Thread, first: number): void {
    for (let packed = first; ; ) {
      const event = this.next(callback, task, thread, packed);
      if (event === undefined) return;
      const result = this.deliver(callback, task, thread, event);
      if (result === NOT_YET) return;
      packed = result as number;
    }
  }

  private deliver(callback: CoreEntry, task: Task, thread: Thread, event: Event): unknown {
    this.instance.exclusiveThread = thread;
    return callback.call(thread, [event.code, event.index, event.payload], (later) => this.loop(callback, task, thread, later as number));
  }

  /** Does what a callback asked for. @returns the event that is there already; undefined when the thread has ended or waits */
  private next(callback: CoreEntry, task: Task, thread: Thread, packed: number): Event | undefined {
    const { instance } = this;
    if (instance.store.trap !== undefined) throw instance.store.trap;
    const code = packed & 0xf;
    if (code === CallbackCode.EXIT) {
      task.exitImplicitThread(thread);
      return undefined;
    }
    instance.setExclusiveThread(undefined);
    let now: Event | undefined;
    let blocked = false;
    const goOn = (event: Event): void => {
      if (!blocked) {
        now = event;
        return;
      }
      const result = this.deliver(callback, task, thread, event);
      if (result !== NOT_YET) this.loop(callback, task, thread, result as number);
    };
    const free = (): boolean => instance.exclusiveThread === undefined;
    switch (code) {
      case CallbackCode.YIELD:
        thread.yield(true, (cancelled) => goOn(cancelled ? TASK_CANCELLED : NO_EVENT), undefined, free);
        break;
      case CallbackCode.WAIT:
        waitableSetAt(instance, packed >>> 4).waitForEventAnd(thread, free, true, goOn);
        break;
      default:
        throw new Trap(`unsupported callback code: ${code}`);
    }
    blocked = true;
    return now;
  }
}

/** A function whose type is not async may block only as long as other threads of its instance bring it on. */
function untilResolved(task: Task, held: Held): Held {
  if (held !== undefined) return held.then(() => untilResolved(task, undefined));
  while (!task.resolved) {
    const next = readyBeside(task);
    if (next === undefined) throw cannotBlock(task);
    const rest = next.resume();
    if (rest !== undefined) return rest.then(() => untilResolved(task, undefined));
  }
  return undefined;
}

/** The thread of the same instance that has been ready longest and does not need the instance for itself. */
function readyBeside({ instance }: Task): Thread | undefined {
  let found: Thread | undefined;
  for (const thread of instance.threadTable) {
    const { func, implicitThread } = thread.task;
    const exclusive = func.type.async && func.needsExclusive && thread === implicitThread;
    if (!exclusive && thread.ready && (found === undefined || thread.since < found.since)) found = thread;
  }
  return found;
}

function cannotBlock(task: Task): Trap {
  const { implicitThread } = task;
  const why = implicitThread === undefined || implicitThread.running ? '' : `: ${inWords(implicitThread)}`;
  if (implicitThread?.suspended === true && [...task.instance.threadTable].length > 1) {
    return new Trap(`wasm trap: deadlock detected: event loop cannot make further progress${why}, and no other thread is ready`);
  }
  return new Trap(`wasm trap: cannot block a synchronous task before returning${why}`);
}
