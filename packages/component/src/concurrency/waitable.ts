/**
 * Waitables, and the sets that wait for any of them.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#waitable-state
 */
import { Trap } from '../errors.ts';
import type { ComponentInstance, TableEntry } from '../instance/state.ts';
import { wrongEntry } from '../instance/state.ts';
import { Queue } from './queue.ts';
import type { Thread } from './thread.ts';

export const EventCode = {
  NONE: 0,
  SUBTASK: 1,
  STREAM_READ: 2,
  STREAM_WRITE: 3,
  FUTURE_READ: 4,
  FUTURE_WRITE: 5,
  TASK_CANCELLED: 6,
} as const;

/** `EventTuple`. */
export interface Event {
  readonly code: number;
  readonly index: number;
  readonly payload: number;
}

export const NO_EVENT: Event = { code: EventCode.NONE, index: 0, payload: 0 };
export const TASK_CANCELLED: Event = { code: EventCode.TASK_CANCELLED, index: 0, payload: 0 };

/** `Waitable` of the spec. */
export abstract class Waitable implements TableEntry {
  readonly resource = undefined;
  abstract readonly what: string;
  /** Whether there is an event to be taken with {@link takeEvent}. */
  hasPendingEvent = false;
  wset: WaitableSet | undefined = undefined;
  /** The thread that waits for this waitable alone. */
  syncWaiter: Thread | undefined = undefined;

  /** Of the pending event: what it is then, and what follows from its being delivered. */
  protected abstract event(): Event;
  /** What it waits for, in words. */
  abstract get reason(): string;

  setPendingEvent(): void {
    if (this.hasPendingEvent) return;
    this.hasPendingEvent = true;
    const { syncWaiter } = this;
    if (syncWaiter !== undefined) syncWaiter.task.instance.store.scheduler.wake(syncWaiter);
    this.wset?.pending(this);
  }

  /** `get_pending_event`. */
  takeEvent(): Event {
    this.hasPendingEvent = false;
    return this.event();
  }

  /** `wait_for_pending_event`. @param then is called once there is one */
  waitForPendingEvent(thread: Thread, then: () => void): void {
    this.syncWaiter = thread;
    thread.waitUntil(
      () => this.hasPendingEvent,
      false,
      this,
      () => {
        this.syncWaiter = undefined;
        then();
      },
    );
  }

  join(wset: WaitableSet | undefined): void {
    this.wset?.remove();
    this.wset = wset;
    wset?.add(this);
  }

  drop(): void {
    this.join(undefined);
  }
}

/** `WaitableSet` of the spec. */
export class WaitableSet implements TableEntry {
  readonly resource = undefined;
  readonly what = 'waitable set';
  private size = 0;
  /** Those with a pending event, in the order in which they came to it, and perhaps some that have none any more. */
  private readonly ready = new Queue<Waitable>();
  /** The threads that wait for the set. */
  private readonly waiting: Thread[] = [];

  add(waitable: Waitable): void {
    this.size++;
    if (waitable.hasPendingEvent) this.pending(waitable);
  }

  remove(): void {
    this.size--;
  }

  /** A member has come to an event. */
  pending(waitable: Waitable): void {
    this.ready.push(waitable);
    for (const thread of this.waiting) thread.task.instance.store.scheduler.wake(thread);
  }

  private skipStale(): Waitable | undefined {
    for (let first = this.ready.first; first !== undefined; first = this.ready.first) {
      if (first.wset === this && first.hasPendingEvent) return first;
      this.ready.shift();
    }
    return undefined;
  }

  get hasPendingEvent(): boolean {
    return this.skipStale() !== undefined;
  }

  private takeEvent(): Event {
    const waitable = this.skipStale();
    if (waitable === undefined) throw new Error('internal error: no event');
    this.ready.shift();
    return waitable.takeEvent();
  }

  /** `wait_for_event_and`. */
  waitForEventAnd(thread: Thread, ready: () => boolean, cancellable: boolean, then: (event: Event) => void): void {
    this.waiting.push(thread);
    const both = (): boolean => ready() && this.hasPendingEvent;
    thread.waitUntil(both, cancellable, this, (cancelled) => {
      this.waiting.splice(this.waiting.indexOf(thread), 1);
      then(cancelled ? TASK_CANCELLED : this.takeEvent());
    });
  }

  poll(thread: Thread, cancellable: boolean): Event {
    if (thread.task.deliverPendingCancel(cancellable)) return TASK_CANCELLED;
    return this.hasPendingEvent ? this.takeEvent() : NO_EVENT;
  }

  /** @throws Trap */
  drop(): void {
    if (this.waiting.length > 0) throw new Trap('cannot drop waitable set with waiters');
    if (this.size > 0) throw new Trap('cannot drop waitable set with waitables in it');
  }

  get reason(): string {
    return this.size === 0 ? 'an event of a waitable set that is empty' : `an event of a waitable set of ${this.size}`;
  }
}

/** @throws Trap when the index holds no waitable set */
export function waitableSetAt(instance: ComponentInstance, index: number): WaitableSet {
  const entry = instance.handles.entry(index);
  if (!(entry instanceof WaitableSet)) throw wrongEntry(index, 'a waitable set', entry);
  return entry;
}

/** @throws Trap when the index holds no waitable */
export function waitableAt(instance: ComponentInstance, index: number): Waitable {
  const entry = instance.handles.entry(index);
  if (!(entry instanceof Waitable)) throw wrongEntry(index, 'a waitable', entry);
  return entry;
}

export const usedInSet = (): Trap => new Trap('waitable cannot be used synchronously while added to a waitable set');
