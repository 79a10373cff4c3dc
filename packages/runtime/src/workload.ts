/** A running workload: its threads, kept alive until it is stopped. */
import { createServer } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { RuntimeError, type RuntimeErrorCode } from './errors.ts';
import type { LogEntry } from './log.ts';
import type { FromWorker } from './messages.ts';
import { addressError, Thread, type ThreadEvents, type ThreadTask } from './thread.ts';

/** Where a workload's news and the output of its guests go. */
export interface WorkloadSinks {
  readonly log: (entry: LogEntry) => void;
  readonly output: (stream: 'stdout' | 'stderr', bytes: Uint8Array, workload: string) => void;
}

/** On these, threads listen on one port together, and a new thread takes a port over before the old one lets go. */
const SHARES_PORTS: boolean = ['linux', 'freebsd', 'dragonfly', 'sunos', 'aix'].includes(process.platform);

/** Pauses before a lost thread is replaced, in milliseconds: they double until a thread has lived for a while. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 30_000;
const STEADY_MS = 10_000;

export class Workload {
  readonly name: string;
  private task: ThreadTask;
  private readonly sinks: WorkloadSinks;
  private readonly events: ThreadEvents;
  private readonly threads = new Set<Thread>();
  private readonly launches = new Set<Promise<void>>();
  private readonly stopSignal = new AbortController();
  private pauseMs = FIRST_PAUSE_MS;
  private stopped: Promise<void> | undefined;
  private readonly whenEnded: PromiseWithResolvers<void> = Promise.withResolvers();

  /** @throws RuntimeError TENON_RUNTIME_ADDRESS, TENON_RUNTIME_START or TENON_RUNTIME_OPTION */
  static async start(name: string, task: ThreadTask, sinks: WorkloadSinks): Promise<Workload> {
    const { threads } = task.limits;
    if (threads > 1 && !SHARES_PORTS) {
      throw new RuntimeError(
        'TENON_RUNTIME_OPTION',
        `\`threads\` is ${threads}, but ${process.platform} does not share a port between threads`,
      );
    }
    // A shared port would be shared with a stranger too: whoever has it already must make itself known first.
    if (SHARES_PORTS && task.port !== 0) await requireFree(task.host, task.port);
    const workload = new Workload(name, { ...task, reusePort: SHARES_PORTS }, sinks);
    try {
      for (let i = 0; i < threads; i++) await workload.launch();
    } catch (error) {
      await workload.stop();
      throw error;
    }
    workload.log('info', 'listening', `serving on ${workload.url}`);
    return workload;
  }

  private constructor(name: string, task: ThreadTask, sinks: WorkloadSinks) {
    this.name = name;
    this.task = task;
    this.sinks = sinks;
    this.events = {
      message: (message) => this.receive(message),
      stuck: (thread) => void this.replaceStuck(thread),
      lost: (thread, reason) => this.replaceLost(thread, reason),
    };
  }

  /** Where it is reached, for example `http://127.0.0.1:8080`. */
  get url(): string {
    const { host, port } = this.task;
    return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  }

  /** Resolves when the workload was stopped and its threads are gone. */
  get ended(): Promise<void> {
    return this.whenEnded.promise;
  }

  /** Takes no more requests, lets those under way finish within the drain limit, and ends the threads. */
  stop(): Promise<void> {
    this.stopped ??= this.end();
    return this.stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  private async end(): Promise<void> {
    this.stopSignal.abort();
    await Promise.all([...this.launches, ...[...this.threads].map((thread) => thread.drain())]);
    this.threads.clear();
    this.whenEnded.resolve();
    this.log('info', 'stopped', 'stopped');
  }

  private async launch(): Promise<void> {
    const { thread, port } = await Thread.start(this.task, this.events);
    this.task = { ...this.task, port };
    if (this.stopSignal.signal.aborted) await thread.end();
    else this.threads.add(thread);
  }

  /** A guest computes without end: its thread can only be ended. */
  private async replaceStuck(thread: Thread): Promise<void> {
    const late = thread.answerWaiting();
    this.threads.delete(thread);
    const message = `a guest held its thread for over ${this.task.limits.requestTimeoutMs} ms; ${late} clients got 504 and the thread is replaced`;
    this.log('error', 'timeout', message, 'TENON_RUNTIME_TIMEOUT');
    if (!SHARES_PORTS) await thread.end();
    this.relaunch(0);
    await Promise.all(this.launches);
    await thread.end();
  }

  private replaceLost(thread: Thread, reason: Error): void {
    this.threads.delete(thread);
    this.log('error', 'restart', `a thread ended and is replaced: ${reason.message}`);
    if (thread.ageMs > STEADY_MS) this.pauseMs = FIRST_PAUSE_MS;
    this.relaunch(this.pauseMs);
  }

  private relaunch(pauseMs: number): void {
    const launch = this.launchAfter(pauseMs).finally(() => this.launches.delete(launch));
    this.launches.add(launch);
  }

  private async launchAfter(pauseMs: number): Promise<void> {
    try {
      if (pauseMs > 0) await setTimeout(pauseMs, undefined, { signal: this.stopSignal.signal });
      if (!this.stopSignal.signal.aborted) await this.launch();
    } catch (error) {
      if (this.stopSignal.signal.aborted) return;
      this.log('error', 'restart', `no new thread: ${error instanceof Error ? error.message : String(error)}`);
      this.pauseMs = Math.min(2 * this.pauseMs, LONGEST_PAUSE_MS);
      this.relaunch(this.pauseMs);
    }
  }

  private receive(message: Extract<FromWorker, { type: 'log' | 'output' }>): void {
    if (message.type === 'output') this.sinks.output(message.stream, message.bytes, this.name);
    else for (const entry of message.entries) this.sinks.log({ ...entry, workload: this.name });
  }

  private log(level: LogEntry['level'], event: LogEntry['event'], message: string, code?: RuntimeErrorCode): void {
    this.sinks.log({ level, event, message, workload: this.name, time: Date.now(), ...(code === undefined ? {} : { code }) });
  }
}

/** @throws RuntimeError TENON_RUNTIME_ADDRESS */
function requireFree(host: string, port: number): Promise<void> {
  return new Promise((settle, fail) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => fail(addressError(error.code ?? error.message, host, port)));
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => settle()));
  });
}
