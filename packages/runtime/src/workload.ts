/** A running workload, as the program that started it sees it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { WorkloadConfig } from './config.ts';
import { RuntimeError } from './errors.ts';
import type { ExportCall } from './messages.ts';

/** How a call of an export is bounded. */
export interface CallOptions {
  /** Milliseconds until the guest is ended; the workload's `requestTimeoutMs` unless given. */
  readonly timeoutMs?: number;
  /** Ends the guest when it is aborted. */
  readonly signal?: AbortSignal;
}

/** A function for `http.createServer`, Express and the like. It settles when the guest is done. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** What the supervisor does for a workload. */
export interface WorkloadHost {
  readonly config: WorkloadConfig;
  /** The port that it listens on; 0 without an address. */
  readonly port: number;
  /** Calls an export in the cell that has the fewest calls. */
  call(call: ExportCall, signal: AbortSignal | undefined): Promise<unknown>;
  reloadCertificate(): Promise<void>;
  /** Serves a request in this thread. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
  stop(): Promise<void>;
}

export class Workload {
  private readonly host: WorkloadHost;
  private readonly whenEnded: PromiseWithResolvers<void> = Promise.withResolvers();
  private stopped: Promise<void> | undefined;

  constructor(host: WorkloadHost) {
    this.host = host;
  }

  get name(): string {
    return this.host.config.name;
  }

  /**
   * Where it is reached, for example `http://127.0.0.1:8080`.
   * @throws RuntimeError TENON_RUNTIME_TRIGGER when it was started without `wasi:http/incoming-handler`
   */
  get url(): string {
    const { http } = this.host.config;
    if (http === undefined) {
      throw new RuntimeError('TENON_RUNTIME_TRIGGER', `\`${this.name}\` has no address: add withInterface('wasi:http/incoming-handler')`);
    }
    const { host = DEFAULT_HOST, tls } = http;
    return `${tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${this.host.port}`;
  }

  /**
   * Calls an export in an instance of the workload's pool, within its limits.
   * @param path the interface, with or without package and version, and the function; or the function alone
   * @param args JavaScript values, as the exports of an instance take them. They and the result are values: no resources, streams or functions.
   * @throws what the function throws; RuntimeError TENON_RUNTIME_EXPORT, TENON_RUNTIME_TIMEOUT, TENON_RUNTIME_BUSY, TENON_RUNTIME_STOPPED
   * @example await workload.call('math', 'add', [2, 3], { timeoutMs: 100 })
   */
  call(path: string, args?: readonly unknown[], options?: CallOptions): Promise<unknown>;
  call(owner: string, path: string, args?: readonly unknown[], options?: CallOptions): Promise<unknown>;
  async call(first: string, ...rest: readonly unknown[]): Promise<unknown> {
    const [second] = rest;
    const path = typeof second === 'string' ? [first, second] : [first];
    const [args = [], options = {}] = rest.slice(path.length - 1) as [args?: readonly unknown[], options?: CallOptions];
    const { timeoutMs = this.host.config.limits.requestTimeoutMs, signal } = options;
    if (this.stopped !== undefined) throw new RuntimeError('TENON_RUNTIME_STOPPED', `\`${this.name}\` is stopped`);
    signal?.throwIfAborted();
    const call: ExportCall = { path, args, timeoutMs };
    return this.host.call(call, signal);
  }

  /**
   * Serves requests of a server of one's own: `http.createServer(workload.handler)`, `app.use('/shop', workload.handler)`. The guest runs in the
   * calling thread, whatever cells the runtime has.
   */
  get handler(): Handler {
    return (request, response) => this.host.handle(request, response);
  }

  /**
   * Loads the certificate and its key anew, as also happens by itself when the files change. New connections get the new certificate, those
   * that are there go on. With files that cannot be used the old certificate stays, and the log says why.
   */
  reloadCertificate(): Promise<void> {
    return this.host.reloadCertificate();
  }

  /** Resolves when the workload was stopped and its instances are gone. */
  get ended(): Promise<void> {
    return this.whenEnded.promise;
  }

  /** Takes no more requests, lets those under way finish within the drain limit, and ends the instances. */
  stop(): Promise<void> {
    this.stopped ??= this.host.stop().then(this.whenEnded.resolve);
    return this.stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

export const DEFAULT_HOST = '127.0.0.1';
