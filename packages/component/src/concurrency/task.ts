/**
 * Tasks: one for each call of a lifted function.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#task-state
 */
import type { HandleScope } from '../abi/context.ts';
import type { GuestHandle } from '../abi/guest-resource.ts';
import { Trap } from '../errors.ts';
import { CallScope, type ComponentInstance } from '../instance/state.ts';
import { enter, enteringSet, leave, mayEnter } from './entering.ts';
import type { LiftedFunction } from './lift.ts';
import type { Held, Thread } from './thread.ts';

/** Who called: `OnStart` and `OnResolve` of the spec. Another component's subtask, or a call of the embedder. */
export interface Call {
  /** Whether values go to JavaScript code of the embedder. */
  readonly toHost: boolean;
  /** Called once the task starts. @returns the arguments */
  onStart(): readonly unknown[];
  onResolve(result: unknown): void;
  /** `on_resolve(None)`: the task was cancelled. */
  onCancelled(): void;
  /** The arguments could not be lowered, which is the caller's fault. Throws it on where a caller cannot be at fault. */
  onRejected(error: unknown): void;
  /** How to request cancellation; set before the callee runs. */
  callee: Cancellable | undefined;
}

/** `OnCancel` of the spec. */
export interface Cancellable {
  requestCancellation(caller: ComponentInstance | undefined): Held;
}

export const TaskState = { INITIAL: 1, STARTED: 2, PENDING_CANCEL: 3, CANCEL_DELIVERED: 4, RESOLVED: 5 } as const;
export type TaskState = (typeof TaskState)[keyof typeof TaskState];

/** `Task` of the spec. */
export class Task extends CallScope implements HandleScope, Cancellable {
  readonly func: LiftedFunction;
  readonly call: Call;
  readonly gives = true;
  state: TaskState = TaskState.INITIAL;
  implicitThread: Thread | undefined = undefined;
  readonly threads: Thread[] = [];
  private lent: GuestHandle[] | undefined = undefined;
  private added: number[] | undefined = undefined;
  private moved: GuestHandle[] | undefined = undefined;

  constructor(func: LiftedFunction, call: Call) {
    super(func.instance, undefined);
    this.func = func;
    this.call = call;
  }

  /** Of the function, for messages. */
  get name(): string {
    return this.func.name;
  }

  get resolved(): boolean {
    return this.state === TaskState.RESOLVED;
  }

  /** `enter_implicit_thread`. @param then is called when the thread may run, if it is not cancelled before */
  enterImplicitThread(thread: Thread, then: () => void): void {
    const { func, instance } = this;
    this.implicitThread = thread;
    if (!func.type.async) {
      this.registerThread(thread);
      then();
      return;
    }
    const enter = (): void => {
      if (func.needsExclusive) instance.exclusiveThread = thread;
      this.registerThread(thread);
      then();
    };
    const free = (): boolean => instance.backpressure === 0 && !(func.needsExclusive && instance.exclusiveThread !== undefined);
    if (free() && instance.numWaitingToEnter === 0) {
      enter();
      return;
    }
    if (instance.numWaitingToEnter >= instance.store.maxTasks) {
      throw new Trap(`too many tasks: ${instance.store.maxTasks} wait to enter component instance \`${instance.path}\``);
    }
    instance.numWaitingToEnter++;
    thread.waitUntil(free, true, `component instance \`${instance.path}\` to let it in`, (cancelled) => {
      instance.numWaitingToEnter--;
      if (!cancelled) return enter();
      this.cancel();
      thread.end();
    });
    instance.park(thread);
  }

  registerThread(thread: Thread): void {
    this.instance.threadTable.add(thread);
    this.threads.push(thread);
  }

  exitImplicitThread(thread: Thread): void {
    this.unregisterThread(thread);
    if (this.func.type.async && this.func.needsExclusive) this.instance.setExclusiveThread(undefined);
    thread.end();
  }

  /** @throws Trap when the last thread ends before the task has returned */
  unregisterThread(thread: Thread): void {
    if (this.threads.length === 1) this.threads.length = 0;
    else this.threads.splice(this.threads.indexOf(thread), 1);
    if (this.threads.length === 0 && !this.resolved) {
      throw new Trap(
        `wasm trap: async-lifted export failed to produce a result: \`${this.name}\` ended without calling \`task.return\` or \`task.cancel\``,
      );
    }
    this.instance.threadTable.remove(thread);
  }

  /** `start`: the arguments are lifted. */
  start(): readonly unknown[] {
    this.state = TaskState.STARTED;
    return this.call.onStart();
  }

  /** `return_`. @throws Trap */
  return(result: unknown): void {
    this.resolve();
    this.call.onResolve(result);
    this.state = TaskState.RESOLVED;
  }

  /** `cancel`. @throws Trap */
  cancel(): void {
    if (this.state !== TaskState.CANCEL_DELIVERED) {
      throw new Trap(
        this.resolved
          ? 'wasm trap: `task.return` or `task.cancel` called more than once for current task'
          : 'wasm trap: `task.cancel` called by task which has not been cancelled',
      );
    }
    this.resolve();
    this.call.onCancelled();
    this.state = TaskState.RESOLVED;
  }

  private resolve(): void {
    if (this.resolved) throw new Trap('wasm trap: `task.return` or `task.cancel` called more than once for current task');
    if (this.borrows > 0) throw new Trap('borrow handles still remain at the end of the call');
    this.added = undefined;
    this.moved = undefined;
    if (this.lent !== undefined) for (const handle of this.lent) handle.lends--;
    this.lent = undefined;
  }

  /** The arguments could not be lowered: undoes what was, and ends the task as if it had not been called. */
  reject(thread: Thread, error: unknown): void {
    for (const index of this.added?.reverse() ?? []) this.instance.handles.remove(index);
    for (const handle of this.moved ?? []) handle.moveBack();
    this.borrows = 0;
    this.resolve();
    this.state = TaskState.RESOLVED;
    this.call.onRejected(error);
    this.exitImplicitThread(thread);
  }

  /** `request_cancellation`. */
  requestCancellation(caller: ComponentInstance | undefined): Held {
    const { func, implicitThread, instance } = this;
    if (this.state === TaskState.INITIAL) {
      this.state = TaskState.CANCEL_DELIVERED;
      return implicitThread?.resume(true);
    }
    if (this.state !== TaskState.STARTED) return undefined;
    const excluded = func.needsExclusive && instance.exclusiveThread !== undefined && instance.exclusiveThread !== implicitThread;
    const candidate = this.threads.find((thread) => !thread.running && thread.cancellable && !(excluded && thread === implicitThread));
    const entering = enteringSet(instance, caller);
    if (candidate === undefined || !mayEnter(entering)) {
      this.state = TaskState.PENDING_CANCEL;
      return undefined;
    }
    this.state = TaskState.CANCEL_DELIVERED;
    enter(entering);
    const held = candidate.resume(true);
    if (held !== undefined) return held.then(() => leave(instance.store, entering));
    leave(instance.store, entering);
    return undefined;
  }

  hasPendingCancel(cancellable: boolean): boolean {
    return cancellable && this.state === TaskState.PENDING_CANCEL;
  }

  /** `deliver_pending_cancel`. */
  deliverPendingCancel(cancellable: boolean): boolean {
    if (!this.hasPendingCancel(cancellable)) return false;
    this.state = TaskState.CANCEL_DELIVERED;
    return true;
  }

  // As a scope of handles: its parameters are lowered in it.

  get task(): CallScope {
    return this;
  }

  add(index: number): void {
    if (this.added === undefined) this.added = [index];
    else this.added.push(index);
  }

  move(handle: GuestHandle): void {
    if (this.moved === undefined) this.moved = [handle];
    else this.moved.push(handle);
  }

  lend(handle: GuestHandle): void {
    handle.lend();
    if (this.lent === undefined) this.lent = [handle];
    else this.lent.push(handle);
  }

  borrow(): never {
    throw new Error('internal error: a task lends nothing of its own');
  }
}
