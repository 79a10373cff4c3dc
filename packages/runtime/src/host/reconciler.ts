/**
 * Compares what is wanted with what is, and takes the next step, for each workload by itself: start beside the old revision, check, swap, drain, stop. If anything
 * fails the old revision stays, and the condition says why.
 */
import type { Desired, WorkloadId } from './desired.ts';

/** A condition as Kubernetes has them. */
export interface Condition {
  readonly type: 'Ready' | 'Current' | 'Healthy';
  readonly status: boolean;
  /** One word for programs: `Started`, `StartFailed`. */
  readonly reason: string;
  /** One sentence for people. */
  readonly message: string;
  /** When it became what it is, in milliseconds since 1970. */
  readonly since: number;
}

export type State = 'starting' | 'running' | 'degraded' | 'stopping' | 'stopped' | 'failed' | 'completed';

/** How a workload is. */
export interface Status extends WorkloadId {
  readonly application: string;
  readonly state: State;
  /** The revision that is wanted, and the one that serves. */
  readonly wanted: number;
  readonly serving: number | undefined;
  readonly restarts: number;
  readonly conditions: readonly Condition[];
}

/** A revision that runs. */
export interface Running {
  /** Sends new work to it. What it cannot (an address in use) rejects, and then nothing has changed. */
  activate(): Promise<void>;
  /** Asks whether it is well. @returns what is wrong, in one sentence; undefined when nothing is */
  check(signal: AbortSignal): Promise<string | undefined>;
  /** Takes no new work, finishes what is under way, and ends. */
  retire(): Promise<void>;
  /** Settles when it ends by itself: fulfilled when it has done its work, rejected when it failed. Never settles after {@link retire}. */
  readonly ended: Promise<void>;
}

/** Starts revisions: compiled, linked, with a first instance, but without work. */
export type Starter = (desired: Desired, signal: AbortSignal) => Promise<Running>;

/** Time, so that tests have their own. */
export interface Clock {
  now(): number;
  /** Resolves after so many milliseconds, or at once when the signal fires. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

export const SYSTEM_CLOCK: Clock = {
  now: Date.now,
  wait: (ms, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener('abort', done);
    }),
};

export interface ReconcilerOptions {
  readonly start: Starter;
  readonly clock?: Clock;
  /** Is called with each change of a status. */
  readonly changed?: (status: Status) => void;
}

const FIRST_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 60_000;
/** A workload that ran for so long has recovered: the next failure is a first one. */
const RECOVERED_MS = 60_000;

const keyOf = ({ namespace, name }: WorkloadId): string => `${namespace}/${name}`;
const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export class Reconciler {
  readonly #options: Required<ReconcilerOptions>;
  readonly #workloads = new Map<string, Actor>();

  constructor({ start, clock = SYSTEM_CLOCK, changed = () => {} }: ReconcilerOptions) {
    this.#options = { start, clock, changed };
  }

  /** Says what is wanted now; what is missing from it is stopped. Returns at once. */
  want(all: readonly Desired[]): void {
    const wanted = new Map(all.map((each) => [keyOf(each), each]));
    for (const [key, actor] of this.#workloads) if (!wanted.has(key)) actor.want(undefined);
    for (const [key, desired] of wanted) {
      let actor = this.#workloads.get(key);
      if (actor === undefined) {
        actor = new Actor(desired, this.#options, () => this.#workloads.delete(key));
        this.#workloads.set(key, actor);
      }
      actor.want(desired);
    }
  }

  /** Starts the serving revision of a workload anew, as if it had changed. @returns whether there is such a workload */
  restart(id: WorkloadId): boolean {
    const actor = this.#workloads.get(keyOf(id));
    actor?.restart();
    return actor !== undefined;
  }

  /** Resolves when the workload is what is wanted, or cannot be for now. @returns its status; undefined when it is gone */
  async settled(id: WorkloadId): Promise<Status | undefined> {
    return this.#workloads.get(keyOf(id))?.settled();
  }

  /** Says how the last check of what serves went. @param problem undefined when it is well */
  setHealth(id: WorkloadId, problem: string | undefined): void {
    this.#workloads.get(keyOf(id))?.setHealth(problem);
  }

  /** What runs for a workload now. */
  serving(id: WorkloadId): Running | undefined {
    return this.#workloads.get(keyOf(id))?.serving;
  }

  status(): readonly Status[] {
    return [...this.#workloads.values()].map((actor) => actor.status);
  }

  /** Stops all that runs, and resolves when it has ended. What is wanted stays wanted. */
  async stop(): Promise<void> {
    await Promise.all([...this.#workloads.values()].map((actor) => actor.shutDown()));
  }
}

/** One workload: a loop that takes one step at a time. */
class Actor {
  readonly #options: Required<ReconcilerOptions>;
  readonly #gone: () => void;
  #wanted: Desired | undefined;
  #serving: { readonly running: Running; readonly desired: Desired; readonly since: number; readonly generation: number } | undefined;
  #state: State = 'starting';
  #conditions = new Map<Condition['type'], Condition>();
  #restarts = 0;
  /** Counts what asks for a new start: another revision, a restart, a failure. */
  #generation = 0;
  #failures = 0;
  /** The generation that failed last: whoever waits for it is told. */
  #failedGeneration = -1;
  /** The generation that has ended for good: only another one starts anything. */
  #finishedGeneration = -1;
  #loop: Promise<void> | undefined;
  #interrupt = new AbortController();
  #closing = false;
  #waiters: ((status: Status) => void)[] = [];

  /** What was wanted last, for the status of what goes. */
  #last: Desired;

  constructor(desired: Desired, options: Required<ReconcilerOptions>, gone: () => void) {
    this.#options = options;
    this.#gone = gone;
    this.#last = desired;
  }

  get serving(): Running | undefined {
    return this.#serving?.running;
  }

  get status(): Status {
    const { namespace, name, application, revision } = this.#last;
    return {
      namespace,
      name,
      application,
      state: this.#state,
      wanted: revision.number,
      serving: this.#serving?.desired.revision.number,
      restarts: this.#restarts,
      conditions: [...this.#conditions.values()],
    };
  }

  want(desired: Desired | undefined): void {
    const same =
      desired !== undefined &&
      this.#wanted !== undefined &&
      desired.revision.number === this.#wanted.revision.number &&
      desired.state === this.#wanted.state;
    this.#wanted = desired;
    if (desired !== undefined) this.#last = desired;
    if (!same) this.#again();
    this.#run();
  }

  restart(): void {
    this.#again();
    this.#run();
  }

  setHealth(problem: string | undefined): void {
    if (this.#serving === undefined) return;
    if (problem === undefined) this.#set('Healthy', true, 'Checked', 'the last check found nothing wrong');
    else this.#set('Healthy', false, 'CheckFailed', problem);
    const current = this.#serving.generation === this.#generation;
    const state = problem === undefined && current ? 'running' : 'degraded';
    if (this.#state !== state && (this.#state === 'running' || this.#state === 'degraded')) {
      this.#state = state;
      this.#options.changed(this.status);
    }
  }

  async settled(): Promise<Status> {
    if (this.#isSettled()) return this.status;
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  async shutDown(): Promise<void> {
    this.#closing = true;
    this.#again();
    this.#run();
    await this.#loop;
  }

  #again(): void {
    this.#generation++;
    this.#failures = 0;
    this.#interrupt.abort();
    this.#interrupt = new AbortController();
  }

  #isSettled(): boolean {
    return this.#isDone() || this.#failedGeneration === this.#generation;
  }

  #run(): void {
    this.#loop ??= this.#steps().finally(() => {
      this.#loop = undefined;
      // What was wanted while the last step ended.
      if (!this.#isDone()) this.#run();
    });
  }

  #isDone(): boolean {
    if (this.#closing || this.#wanted === undefined || this.#wanted.state === 'stopped') return this.#serving === undefined;
    return this.#serving?.generation === this.#generation || this.#finishedGeneration === this.#generation;
  }

  async #steps(): Promise<void> {
    while (!this.#isDone()) {
      const wanted = this.#wanted;
      if (this.#closing || wanted === undefined || wanted.state === 'stopped') await this.#stopServing();
      else await this.#bringUp(wanted, this.#generation, this.#interrupt.signal);
      this.#wake();
    }
    if (this.#wanted === undefined && this.#serving === undefined) this.#gone();
    this.#wake();
  }

  async #bringUp(desired: Desired, generation: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    if (this.#failures > 0) {
      await clock.wait(Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (this.#failures - 1)), signal);
      if (signal.aborted) return;
    }
    if (this.#serving === undefined)
      this.#become('starting', 'Ready', false, 'Starting', `revision ${desired.revision.number} is starting`);
    else
      this.#set(
        'Current',
        false,
        'Replacing',
        `revision ${desired.revision.number} is starting beside revision ${this.#serving.desired.revision.number}`,
      );
    let running: Running | undefined;
    try {
      running = await this.#options.start(desired, signal);
      const problem = signal.aborted ? 'it is not wanted any more' : await running.check(signal);
      if (problem !== undefined) throw new Error(problem);
      if (signal.aborted) throw new Error('it is not wanted any more');
      await running.activate();
    } catch (error) {
      await running?.retire().catch(() => {});
      if (!signal.aborted) this.#startFailed(desired, generation, error);
      return;
    }
    const old = this.#serving;
    this.#serving = { running, desired, since: clock.now(), generation };
    this.#failedGeneration = -1;
    this.#watch(running, generation);
    this.#set('Current', true, 'UpToDate', `revision ${desired.revision.number} serves`);
    this.#set('Healthy', true, 'Checked', 'the last check found nothing wrong');
    this.#become('running', 'Ready', true, 'Started', `revision ${desired.revision.number} is running`);
    // The old one finishes what it has while the new one works.
    await old?.running.retire().catch(() => {});
  }

  #startFailed(desired: Desired, generation: number, error: unknown): void {
    this.#failures++;
    this.#failedGeneration = generation;
    const message = `revision ${desired.revision.number} did not start: ${wordsOf(error)}`;
    if (this.#serving === undefined) {
      this.#become('failed', 'Ready', false, 'StartFailed', message);
    } else {
      this.#set('Current', false, 'StartFailed', `${message}; revision ${this.#serving.desired.revision.number} goes on`);
      this.#become('degraded', 'Ready', true, 'OldRevision', `revision ${this.#serving.desired.revision.number} is running`);
    }
  }

  #watch(running: Running, generation: number): void {
    running.ended.then(
      () => this.#ended(running, generation, undefined),
      (error: unknown) => this.#ended(running, generation, error ?? new Error('it failed')),
    );
  }

  #ended(running: Running, generation: number, error: unknown): void {
    if (this.#serving?.running !== running) return;
    const ranFor = this.#options.clock.now() - this.#serving.since;
    this.#serving = undefined;
    const restart = this.#last.revision.spec.restart ?? 'always';
    const failed = error !== undefined;
    if (restart === 'never' || (restart === 'on-failure' && !failed)) {
      const message = failed ? `it failed: ${wordsOf(error)}` : 'it has done its work';
      this.#finishedGeneration = generation;
      this.#become(failed ? 'failed' : 'completed', 'Ready', false, failed ? 'Failed' : 'Completed', message);
      this.#wake();
      return;
    }
    this.#failures = ranFor >= RECOVERED_MS ? 1 : this.#failures + 1;
    this.#restarts++;
    const why = failed ? `it failed: ${wordsOf(error)}` : 'it has ended';
    this.#become('failed', 'Ready', false, failed ? 'Failed' : 'Ended', `${why}; it is started again`);
    this.#run();
  }

  async #stopServing(): Promise<void> {
    const serving = this.#serving;
    if (serving === undefined) return;
    this.#become('stopping', 'Ready', false, 'Stopping', 'what is under way is being finished');
    await serving.running.retire().catch(() => {});
    this.#serving = undefined;
    this.#become('stopped', 'Ready', false, 'Stopped', 'it was stopped');
  }

  #become(state: State, type: Condition['type'], status: boolean, reason: string, message: string): void {
    this.#state = state;
    this.#set(type, status, reason, message);
  }

  /** Sets a condition; `since` stays when nothing but the message changed. */
  #set(type: Condition['type'], status: boolean, reason: string, message: string): void {
    const before = this.#conditions.get(type);
    const since = before !== undefined && before.status === status && before.reason === reason ? before.since : this.#options.clock.now();
    this.#conditions.set(type, { type, status, reason, message, since });
    this.#options.changed(this.status);
  }

  #wake(): void {
    if (!this.#isSettled()) return;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter(this.status);
  }
}
