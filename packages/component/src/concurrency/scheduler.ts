/**
 * What runs next in a store. One thread runs at a time; when it blocks, the thread that has been ready longest goes on. Calls of the
 * embedder, and what it answers, come in between: `Store.invoke` and `Store.tick` of the spec.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#embedding
 */
import { Trap } from '../errors.ts';
import type { Store } from '../instance/state.ts';
import { deadlock } from './deadlock.ts';
import { enter, enteringSet, leave } from './entering.ts';
import { laterTurn } from './later.ts';
import { Queue } from './queue.ts';
import type { Held, Thread } from './thread.ts';

/** Threads that go on in one turn of the event loop before it goes round. */
const TURNS_AT_ONCE = 1000;
/** Milliseconds after which it goes round, if that is sooner. */
const MILLISECONDS_AT_ONCE = 4;
const CLOCK_EVERY = 16;

/** A call of the embedder that has not settled. */
export interface PendingCall {
  /** The function, for messages. */
  readonly name: string;
  /** Its store has ended. */
  abandon(trap: Trap): void;
}

type Job = () => Held;

export class Scheduler {
  /** How often threads began to wait. */
  turns = 0;
  /** Calls of the embedder that have not settled. */
  readonly calls = new Set<PendingCall>();
  /** What only the embedder can bring about: functions of the host that have not returned, and ends of streams and futures that it holds. */
  obligations = 0;
  private readonly store: Store;
  private readonly ready = new Queue<Thread>();
  /** What waits until no thread runs. */
  private readonly jobs = new Queue<Job>();
  /** Whether something runs, or is put aside in the middle of running. */
  private busy = false;
  private draining = false;
  private onNow = 0;
  /** What was done in this turn of the event loop, and since when. */
  private turnsNow = 0;
  private began = 0;

  constructor(store: Store) {
    this.store = store;
  }

  get isBusy(): boolean {
    return this.busy;
  }

  /** A thread may have become ready. */
  wake(thread: Thread): void {
    if (thread.queued) return;
    thread.queued = true;
    this.ready.push(thread);
    this.drainSoon();
  }

  /** Whether a running thread that need not wait may go on at once: not when others are ready, and not for ever. */
  mayGoOn(): boolean {
    return this.ready.length === 0 && this.onNow++ < TURNS_AT_ONCE;
  }

  /** Runs a job at once if nothing runs, otherwise when nothing runs any more. */
  run(job: Job): void {
    if (this.busy) this.jobs.push(job);
    else this.start(job);
  }

  /** Runs a job when what runs now has had its turn. */
  later(job: Job): void {
    this.jobs.push(job);
    this.drainSoon();
  }

  /**
   * Runs a job whose end is known when it has returned, or when its promise settles.
   * @returns what `job` returns
   */
  runNow<T>(job: () => T | Promise<T>): T | Promise<T> {
    this.busy = true;
    let result: T | Promise<T>;
    try {
      result = job();
    } catch (error) {
      this.free();
      throw error;
    }
    if (!(result instanceof Promise)) {
      this.free();
      return result;
    }
    return result.finally(() => this.free());
  }

  private start(job: Job): void {
    this.busy = true;
    let held: Held;
    try {
      held = job();
    } catch (error) {
      this.store.fail(error);
    }
    if (held === undefined) this.free();
    else {
      held.then(
        () => this.free(),
        (error: unknown) => {
          this.store.fail(error);
          this.free();
        },
      );
    }
  }

  private free(): void {
    this.busy = false;
    this.nudge();
  }

  /** Something has changed that may bring on what waits, or leave it to wait for ever. */
  nudge(): void {
    if (this.ready.length > 0 || this.jobs.length > 0 || this.calls.size > 0) this.drainSoon();
  }

  private drainSoon(): void {
    if (this.draining || this.busy) return;
    this.draining = true;
    queueMicrotask(this.drain);
  }

  private readonly drain = (): void => {
    if (this.drainSome()) laterTurn(this.drainAnew);
    else this.draining = false;
  };

  private readonly drainAnew = (): void => {
    this.turnsNow = 0;
    this.began = performance.now();
    this.drain();
  };

  /** @returns whether something is left for a later turn of the event loop */
  private drainSome(): boolean {
    while (!this.busy) {
      if (this.store.trap !== undefined) {
        this.ready.clear();
        this.jobs.clear();
        return false;
      }
      if (this.isLong()) return true;
      const job = this.jobs.shift();
      if (job !== undefined) this.start(job);
      else {
        const thread = this.nextReady();
        if (thread === undefined) {
          this.turnsNow = 0;
          this.idle();
          return false;
        }
        this.tick(thread);
      }
    }
    // What has been put aside drains the rest when it is done.
    return false;
  }

  /** Whether the event loop should go round before more is done. */
  private isLong(): boolean {
    const turns = ++this.turnsNow;
    if (turns === 1) this.began = performance.now();
    return turns >= TURNS_AT_ONCE || (turns % CLOCK_EVERY === 0 && performance.now() - this.began > MILLISECONDS_AT_ONCE);
  }

  private nextReady(): Thread | undefined {
    for (let thread = this.ready.shift(); thread !== undefined; thread = this.ready.shift()) {
      thread.queued = false;
      if (thread.readyFunc === undefined) continue;
      if (thread.readyFunc()) return thread;
      thread.task.instance.park(thread);
    }
    return undefined;
  }

  /** `Store.tick` */
  private tick(thread: Thread): void {
    const entering = enteringSet(thread.task.instance, undefined);
    this.onNow = 0;
    this.busy = true;
    enter(entering);
    const done = (): void => {
      leave(this.store, entering);
      this.free();
    };
    const failed = (error: unknown): void => {
      this.store.fail(error);
      this.free();
    };
    try {
      if (thread.run(done, failed)) done();
    } catch (error) {
      failed(error);
    }
  }

  /** Nothing is ready. If nobody can change that, those who wait for it must be told. */
  private idle(): void {
    this.onNow = 0;
    if (this.calls.size === 0 || this.obligations > 0) return;
    this.store.end(new Trap(deadlock(this.store, this.calls)));
  }
}
