/**
 * Threads: what runs core code, one at a time. A thread that is blocked is either a closure that goes on with it (between two calls of a
 * `callback`) or a wasm stack that JSPI has put aside; whoever resumes it cannot tell them apart.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#thread-state
 */
import { failed, uncatchable } from '../abi/traps.ts';
import { Trap } from '../errors.ts';
import { Storage } from '../instance/context.ts';
import type { ComponentInstance } from '../instance/state.ts';
import type { Task } from './task.ts';

/** Settles when a turn ends that could not end at once, since a wasm stack goes on only in a microtask. Undefined: it has ended. */
export type Held = Promise<void> | undefined;

/** What a blocked thread waits for, in words, for the message of a deadlock. */
export type Reason = string | { readonly reason: string };

/** `Handler`: one stretch of a thread's life, from being resumed to blocking again or ending. */
class Turn {
  readonly previous: Thread | undefined;
  ended = false;
  /** The thread to switch to when the turn ends. */
  next: Thread | undefined = undefined;
  private settle: (() => void) | undefined = undefined;
  private reject: ((error: unknown) => void) | undefined = undefined;

  constructor(previous: Thread | undefined) {
    this.previous = previous;
  }

  end(next: Thread | undefined): void {
    this.ended = true;
    this.next = next;
    this.settle?.();
  }

  fail(error: unknown): void {
    this.reject?.(error);
  }

  /** To be told when a turn ends that has not ended yet. What is told must not run any thread: it is still on the stack of this one. */
  onEnd(settle: () => void, reject: (error: unknown) => void): void {
    this.settle = settle;
    this.reject = reject;
  }
}

const ALWAYS = (): boolean => true;

/** `Thread` of the spec. */
export class Thread {
  readonly task: Task;
  /** In the thread table of its instance; 0 while it is in none. */
  index = 0;
  /** Whether being blocked ends with the cancellation of its task. */
  cancellable = false;
  /** `ready_func`: set while the thread waits. */
  readyFunc: (() => boolean) | undefined = undefined;
  /** Whether the scheduler has it in its queue. */
  queued = false;
  /** When it began to wait, in turns of all threads: the one that waits longest goes first. */
  since = 0;
  /** Told the result of its core function, where that returns after it was suspended. */
  onExit: ((result: unknown) => void) | undefined = undefined;
  /** What it waits for while it is blocked. */
  reason: Reason = 'being started';
  /** Its task-local storage while it does not run, and that of the thread which it interrupted while it does. */
  private readonly storage: Storage | undefined;
  /** `cont`: how the thread goes on; undefined while it runs. */
  private cont: ((cancelled: boolean) => void) | undefined;
  private turn: Turn | undefined = undefined;

  /** @param start runs its code; until then the thread is suspended */
  constructor(task: Task, start: () => void) {
    this.task = task;
    this.cont = start;
    this.storage = task.instance.usesContext ? new Storage() : undefined;
  }

  get running(): boolean {
    return this.cont === undefined;
  }

  get suspended(): boolean {
    return !this.running && this.readyFunc === undefined;
  }

  get ready(): boolean {
    return this.readyFunc?.() === true;
  }

  private startWaiting(ready: () => boolean): void {
    const { scheduler } = this.task.instance.store;
    this.readyFunc = ready;
    this.since = scheduler.turns++;
    if (ready === ALWAYS || ready()) scheduler.wake(this);
  }

  /** `thread.resume-later`. */
  resumeLater(): void {
    this.startWaiting(ALWAYS);
  }

  /** `stop_waiting_internal`. The scheduler's queue may still hold it, and finds out then. */
  stopWaiting(): void {
    this.readyFunc = undefined;
  }

  /** Runs the thread, and those that it switches to, until one blocks or ends. @throws Trap */
  resume(cancelled = false): Held {
    this.stopWaiting();
    for (let thread: Thread | undefined = this; thread !== undefined; cancelled = false) {
      const turn = thread.begin(cancelled);
      if (!turn.ended) return new Promise<void>((settle, reject) => turn.onEnd(settle, reject)).then(() => turn.next?.resume());
      thread = turn.next;
    }
    return undefined;
  }

  /**
   * As {@link resume}, and tells when it is done without the promises of one more turn each.
   * @returns whether it is done already
   */
  run(done: () => void, failed: (error: unknown) => void): boolean {
    this.stopWaiting();
    for (let thread: Thread | undefined = this; thread !== undefined; ) {
      const turn = thread.begin(false);
      if (!turn.ended) {
        turn.onEnd(() => {
          const { next } = turn;
          if (next === undefined) done();
          else queueMicrotask(() => next.goOn(done, failed));
        }, failed);
        return false;
      }
      thread = turn.next;
    }
    return true;
  }

  private goOn(done: () => void, failed: (error: unknown) => void): void {
    try {
      if (this.run(done, failed)) done();
    } catch (error) {
      failed(error);
    }
  }

  private begin(cancelled: boolean): Turn {
    const { instance } = this.task;
    const { store } = instance;
    const turn = new Turn(store.thread);
    this.storage?.swap(instance);
    const { cont } = this;
    if (cont === undefined) throw new Error('internal error: the thread runs already');
    this.turn = turn;
    this.cont = undefined;
    store.thread = this;
    store.guard?.running();
    try {
      cont(cancelled);
    } catch (error) {
      throw failed(error, instance, this.task.name);
    }
    return turn;
  }

  /** The running thread has blocked or ended: whoever resumed it goes on. */
  private pause(next: Thread | undefined): void {
    const { turn } = this;
    if (turn === undefined) throw new Error('internal error: the thread does not run');
    const { instance } = this.task;
    this.turn = undefined;
    this.storage?.swap(instance);
    const { store } = instance;
    store.thread = turn.previous;
    if (turn.previous === undefined) store.guard?.waiting();
    turn.end(next);
  }

  /** The thread has ended. */
  end(): void {
    this.pause(undefined);
  }

  /** The thread trapped at a time when only a promise can tell. */
  fail(error: unknown): void {
    const trap = failed(error, this.task.instance, this.task.name);
    this.turn?.fail(trap);
  }

  /** `block_internal`, `switch_to_internal`. @param then goes on with the thread */
  private block(cancellable: boolean, reason: Reason, then: (cancelled: boolean) => void, next: Thread | undefined): void {
    this.cancellable = cancellable;
    this.reason = reason;
    this.cont = then;
    this.pause(next);
  }

  /** `suspend`. The three below run `then` at once where a cancellation was pending. */
  suspend(cancellable: boolean, then: (cancelled: boolean) => void, next?: Thread): void {
    if (this.task.deliverPendingCancel(cancellable)) then(true);
    else this.block(cancellable, 'another thread to resume it', then, next);
  }

  /** `wait_until`. */
  waitUntil(ready: () => boolean, cancellable: boolean, reason: Reason, then: (cancelled: boolean) => void): void {
    if (this.task.deliverPendingCancel(cancellable)) {
      then(true);
      return;
    }
    if (ready() && this.task.instance.store.scheduler.mayGoOn()) {
      then(false);
      return;
    }
    this.startWaiting(ready);
    this.block(cancellable, reason, then, undefined);
  }

  /** `yield_`, and `yield_then_resume` where a thread to switch to is given. @param ready when it may go on after others had their turn */
  yield(cancellable: boolean, then: (cancelled: boolean) => void, next?: Thread, ready: () => boolean = ALWAYS): void {
    if (this.task.deliverPendingCancel(cancellable)) {
      then(true);
      return;
    }
    this.startWaiting(ready);
    this.block(cancellable, 'its turn', then, next);
  }
}

/** How one of the thread's ways to block is called: with the continuation. */
type Blocking = (then: (cancelled: boolean) => void) => void;

/**
 * Blocks from within a core function's import.
 * @param after makes what the import returns, when the thread goes on
 * @returns a promise that JSPI waits for, unless the thread did not have to block
 */
export function blockStack<T>(
  instance: ComponentInstance,
  func: string,
  blocking: Blocking,
  after: (cancelled: boolean) => T,
): T | Promise<T> {
  let goesOn: ((value: T) => void) | undefined;
  let fails: ((error: unknown) => void) | undefined;
  let now: { readonly value: T } | undefined;
  blocking((cancelled) => {
    if (goesOn === undefined) {
      now = { value: after(cancelled) };
      return;
    }
    try {
      goesOn(after(cancelled));
    } catch (error) {
      fails?.(uncatchable(failed(error, instance, func)));
    }
  });
  if (now !== undefined) return now.value;
  return new Promise<T>((resolve, reject) => {
    goesOn = resolve;
    fails = reject;
  });
}

/** The threads of a component instance: `Table` of the spec. */
export class ThreadTable {
  private readonly threads: (Thread | undefined)[] = [undefined];
  private readonly free: number[] = [];
  private readonly most: number;

  /** @param most threads that it may hold */
  constructor(most: number) {
    this.most = most;
  }

  /** @throws Trap */
  get(index: number): Thread {
    const thread = this.threads[index >>> 0];
    if (thread === undefined) throw new Trap(`unknown thread index ${index >>> 0}`);
    return thread;
  }

  add(thread: Thread): void {
    const reused = this.free.pop();
    if (reused === undefined && this.threads.length > this.most) {
      throw new Trap(`too many threads: a component instance may have ${this.most} tasks and threads under way`);
    }
    thread.index = reused ?? this.threads.length;
    this.threads[thread.index] = thread;
  }

  get size(): number {
    return this.threads.length - 1 - this.free.length;
  }

  remove(thread: Thread): void {
    this.threads[thread.index] = undefined;
    this.free.push(thread.index);
    thread.index = 0;
  }

  /** Those that are there, in no order. */
  *[Symbol.iterator](): Iterator<Thread> {
    for (const thread of this.threads) if (thread !== undefined) yield thread;
  }
}
