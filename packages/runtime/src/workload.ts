/** A running workload: its threads, kept alive until it is stopped. */
import { setTimeout } from 'node:timers/promises';
import type { Refusal } from '@tenon/wasi';
import type { Credentials } from './certificate.ts';
import type { TlsFiles } from './config.ts';
import { Dispatcher, type Log } from './dispatcher.ts';
import { RuntimeError, type RuntimeErrorCode } from './errors.ts';
import { HttpServer } from './http-server.ts';
import type { LogEntry } from './log.ts';
import { Thread, type ThreadEvents, type ThreadTask } from './thread.ts';

/** Where a workload's news and the output of its guests go. */
export interface WorkloadSinks {
  /** Whether each request is logged too. */
  readonly logRequests: boolean;
  readonly log: (entry: LogEntry) => void;
  readonly output: (stream: 'stdout' | 'stderr', bytes: Uint8Array, workload: string) => void | Promise<void>;
}

/** Pauses before a lost thread is replaced, in milliseconds: they double until a thread has lived for a while. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 30_000;
const STEADY_MS = 10_000;

/** How long clients have to take what was sent to them once all threads have ended, in milliseconds. */
const LAST_BYTES_MS = 2000;

/** Things not granted that are told of. */
const MOST_REFUSALS = 1000;

/** Where to listen. */
export interface Address {
  readonly host: string;
  readonly port: number;
  /** The certificate, where clients are to speak TLS. */
  readonly tls: TlsFiles | undefined;
}

export class Workload {
  readonly name: string;
  private task: ThreadTask;
  private readonly host: string;
  private readonly tls: TlsFiles | undefined;
  private unwatch: (() => void) | undefined;
  private port = 0;
  private readonly server: HttpServer;
  private readonly dispatcher: Dispatcher;
  private readonly sinks: WorkloadSinks;
  private readonly events: ThreadEvents;
  private readonly threads = new Set<Thread>();
  private readonly launches = new Set<Promise<void>>();
  private readonly stopSignal = new AbortController();
  private readonly refused = new Set<string>();
  private pauseMs = FIRST_PAUSE_MS;
  private stopped: Promise<void> | undefined;
  private readonly whenEnded: PromiseWithResolvers<void> = Promise.withResolvers();

  /** @throws RuntimeError TENON_RUNTIME_ADDRESS, TENON_RUNTIME_TLS or TENON_RUNTIME_START */
  static async start(name: string, task: ThreadTask, address: Address, sinks: WorkloadSinks): Promise<Workload> {
    const { tls } = address;
    // Most servers have no certificate, and Node's TLS takes memory.
    const certificates = tls === undefined ? undefined : await import('./certificate.ts');
    const credentials = tls === undefined ? undefined : await certificates?.loadCredentials(tls);
    const workload = new Workload(name, task, address, credentials, sinks);
    try {
      // What is wrong with the component is said first, whatever has the port.
      const launched = workload.launch();
      // Node loads it when something listens first, which takes as long as a thread takes to come up.
      process.getBuiltinModule('node:cluster');
      await launched;
      for (let i = 1; i < task.limits.threads; i++) await workload.launch();
      workload.port = await workload.server.listen(address.host, address.port);
    } catch (error) {
      await workload.stop();
      throw error;
    }
    if (tls !== undefined) workload.unwatch = certificates?.watchCredentials(tls, () => void workload.reloadCertificate());
    workload.log('info', 'listening', `serving on ${workload.url}`);
    return workload;
  }

  private constructor(name: string, task: ThreadTask, address: Address, credentials: Credentials | undefined, sinks: WorkloadSinks) {
    this.name = name;
    this.task = task;
    this.host = address.host;
    this.tls = address.tls;
    this.sinks = sinks;
    const { limits, tickMs } = task;
    const { logRequests } = sinks;
    const log: Log = (entry) => sinks.log({ ...entry, workload: name, time: Date.now() });
    this.dispatcher = new Dispatcher(limits, log);
    this.server = new HttpServer({ limits, tickMs, credentials, dispatcher: this.dispatcher, logRequests, log });
    this.events = {
      output: ({ stream, bytes }) => sinks.output(stream, bytes, name),
      frames: (thread, frames) => this.dispatcher.receive(thread, frames),
      refused: (refusal) => this.tellRefusal(refusal),
      stuck: (thread) => void this.replaceStuck(thread),
      lost: (thread, reason) => this.replaceLost(thread, reason),
    };
  }

  /** Where it is reached, for example `http://127.0.0.1:8080`. */
  get url(): string {
    return `${this.tls === undefined ? 'http' : 'https'}://${this.host.includes(':') ? `[${this.host}]` : this.host}:${this.port}`;
  }

  /**
   * Loads the certificate and its key anew, as also happens by itself when the files change. New connections get the new certificate, those
   * that are there go on. With files that cannot be used the old certificate stays, and the log says why.
   */
  async reloadCertificate(): Promise<void> {
    if (this.tls === undefined) return;
    try {
      const { loadCredentials } = await import('./certificate.ts');
      this.server.renew(await loadCredentials(this.tls));
      this.log('info', 'certificate', `${this.tls.cert} was loaded anew`);
    } catch (error) {
      const code = error instanceof RuntimeError ? error.code : undefined;
      this.log('error', 'certificate', `the old certificate stays: ${error instanceof Error ? error.message : String(error)}`, code);
    }
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
    this.unwatch?.();
    this.server.drain();
    await Promise.all(this.launches);
    if (this.threads.size === 0) this.dispatcher.dismiss();
    const late = new AbortController();
    const limit = setTimeout(this.task.limits.drainTimeoutMs, undefined, { signal: late.signal }).catch(() => {});
    await Promise.race([this.dispatcher.idle(), limit]);
    late.abort();
    await Promise.all([...this.threads].map((thread) => this.dismissThread(thread)));
    await this.server.close(LAST_BYTES_MS);
    this.whenEnded.resolve();
    if (this.port !== 0) this.log('info', 'stopped', 'stopped');
  }

  /** Once, whichever thread it was asked for in. */
  private tellRefusal({ option, message }: Refusal): void {
    if (this.refused.has(option) || this.refused.size >= MOST_REFUSALS) return;
    this.refused.add(option);
    this.log('warn', 'refused', message);
  }

  private async dismissThread(thread: Thread): Promise<void> {
    this.retire(thread);
    await thread.stop();
  }

  private async launch(): Promise<void> {
    const { thread, compiled } = await Thread.start(this.task, this.events);
    this.task = { ...this.task, ...compiled };
    if (this.stopSignal.signal.aborted) {
      await thread.end();
      return;
    }
    this.threads.add(thread);
    this.dispatcher.add(thread);
  }

  /** Takes a thread out. Returns how many clients got 504. */
  private retire(thread: Thread): number {
    this.threads.delete(thread);
    const late = this.dispatcher.remove(thread);
    // Nobody comes to serve what waits.
    if (this.stopSignal.signal.aborted && this.threads.size === 0) this.dispatcher.dismiss();
    return late;
  }

  /** A guest computes without end: its thread can only be ended. */
  private async replaceStuck(thread: Thread): Promise<void> {
    const late = this.retire(thread);
    const message = `a guest held its thread for over ${this.task.limits.requestTimeoutMs} ms; ${late} clients got 504 and the thread is replaced`;
    this.log('error', 'timeout', message, 'TENON_RUNTIME_TIMEOUT');
    this.relaunch(0);
    await thread.end();
  }

  private replaceLost(thread: Thread, reason: Error): void {
    this.retire(thread);
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

  private log(level: LogEntry['level'], event: LogEntry['event'], message: string, code?: RuntimeErrorCode): void {
    this.sinks.log({ level, event, message, workload: this.name, time: Date.now(), ...(code === undefined ? {} : { code }) });
  }
}
