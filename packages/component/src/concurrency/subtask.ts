/**
 * Subtasks: a call that a component made, as the caller sees it.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#subtask-state
 */
import type { HandleScope } from '../abi/context.ts';
import type { GuestHandle } from '../abi/guest-resource.ts';
import { Trap } from '../errors.ts';
import type { CallScope, ComponentInstance, ResourceHandle } from '../instance/state.ts';
import { wrongEntry } from '../instance/state.ts';
import type { LoweredFunction } from './lower.ts';
import type { Call, Cancellable } from './task.ts';
import { type Event, EventCode, Waitable } from './waitable.ts';

export const SubtaskState = { STARTING: 0, STARTED: 1, RETURNED: 2, CANCELLED_BEFORE_STARTED: 3, CANCELLED_BEFORE_RETURNED: 4 } as const;
export type SubtaskState = (typeof SubtaskState)[keyof typeof SubtaskState];

/** `Subtask` of the spec, which is also the caller's side of the call. */
export class Subtask extends Waitable implements Call, HandleScope {
  readonly what = 'subtask';
  readonly func: LoweredFunction;
  readonly toHost: boolean;
  readonly gives = true;
  state: SubtaskState = SubtaskState.STARTING;
  callee: Cancellable | undefined = undefined;
  cancellationRequested = false;
  /** In the handle table; 0 while nobody but the call knows it. */
  index = 0;
  /** The core result of a synchronous call. */
  flatResult: unknown = undefined;
  resolveDelivered = false;
  private readonly flat: readonly unknown[];
  private lenders: ResourceHandle[] | undefined = undefined;
  private borrowed: GuestHandle[] | undefined = undefined;

  constructor(func: LoweredFunction, flat: readonly unknown[]) {
    super();
    this.func = func;
    this.toHost = func.toHost;
    this.flat = flat;
  }

  get resolved(): boolean {
    return this.state >= SubtaskState.RETURNED;
  }

  get reason(): string {
    return `\`${this.func.name}\` to ${this.state === SubtaskState.STARTING ? 'start' : 'return'}`;
  }

  onStart(): readonly unknown[] {
    this.onProgress();
    this.state = SubtaskState.STARTED;
    return this.func.liftParams(this, this.flat);
  }

  onResolve(result: unknown): void {
    this.onProgress();
    this.flatResult = this.func.lowerResult(result, this.flat);
    this.state = SubtaskState.RETURNED;
    this.wakeCaller();
  }

  onCancelled(): void {
    this.onProgress();
    this.state = this.state === SubtaskState.STARTING ? SubtaskState.CANCELLED_BEFORE_STARTED : SubtaskState.CANCELLED_BEFORE_RETURNED;
    this.wakeCaller();
  }

  onRejected(error: unknown): never {
    throw error;
  }

  private onProgress(): void {
    if (this.index !== 0) this.setPendingEvent();
  }

  /** A synchronous caller waits for the call itself, which is in no table. */
  private wakeCaller(): void {
    const { syncWaiter } = this;
    if (syncWaiter !== undefined) syncWaiter.task.instance.store.scheduler.wake(syncWaiter);
  }

  protected event(): Event {
    if (this.resolved) this.deliverResolve();
    return { code: EventCode.SUBTASK, index: this.index, payload: this.state };
  }

  /** `deliver_resolve`: what was lent is the caller's again. */
  deliverResolve(): void {
    this.resolveDelivered = true;
    if (this.borrowed !== undefined) for (const handle of this.borrowed) handle.endBorrow();
    if (this.lenders !== undefined) for (const handle of this.lenders) handle.lends--;
    this.borrowed = undefined;
    this.lenders = undefined;
  }

  override drop(): void {
    if (!this.resolveDelivered) throw new Trap('cannot drop a subtask which has not yet resolved');
    super.drop();
  }

  // As a scope of handles: its parameters are lifted in it.

  get task(): CallScope {
    throw new Error('internal error: a subtask receives no borrows');
  }

  add(): void {}

  move(): void {}

  lend(): void {}

  borrow(lender: ResourceHandle, borrowed: GuestHandle | undefined): void {
    lender.lends++;
    if (this.lenders === undefined) this.lenders = [lender];
    else this.lenders.push(lender);
    if (borrowed === undefined) return;
    if (this.borrowed === undefined) this.borrowed = [borrowed];
    else this.borrowed.push(borrowed);
  }
}

/** @throws Trap when the index holds no subtask */
export function subtaskAt(instance: ComponentInstance, index: number): Subtask {
  const entry = instance.handles.entry(index);
  if (!(entry instanceof Subtask)) throw wrongEntry(index, 'a subtask', entry);
  return entry;
}
