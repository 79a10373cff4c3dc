/** A host: keeps what is wanted, brings workloads to it, and answers its API. */
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import type { Server } from 'node:http';
import { connectionMemory } from '../connections.ts';
import { RuntimeError } from '../errors.ts';
import type { HostedWorkload } from '../hosted-workload.ts';
import type { LogEntry } from '../log.ts';
import type { CellSinks } from '../messages.ts';
import { BUILT_IN_PLUGINS } from '../plugins/built-in.ts';
import { fullName } from '../plugins/needs.ts';
import { checkApplication } from '../spec/manifest.ts';
import type { Application, Listener } from '../spec/types.ts';
import { Supervisor } from '../supervisor.ts';
import { createApi, type HostMethods, type LogOptions } from './api.ts';
import type { Applied, HostStatus, WorkloadStatus } from './client.ts';
import { type Desired, DesiredState, type WorkloadId } from './desired.ts';
import { LogStore } from './log-store.ts';
import { Reconciler, type Running, type Status } from './reconciler.ts';
import { hostSocket, listenAt } from './socket.ts';
import { configOf, logName, needsOf, revisionsOf, routesOf, sharedOf } from './translate.ts';

export interface HostOptions {
  /** Where it keeps what is wanted and what workloads store. */
  readonly dataFolder: string;
  /** Cells in threads of their own; as many as there are processors unless given. */
  readonly threads?: number | undefined;
  /** Takes what happens, beside those who ask for it by the API. */
  readonly log?: ((entry: LogEntry) => void) | undefined;
  readonly worker?: URL | undefined;
  /** What it says of itself. */
  readonly version?: string | undefined;
}

/** How long a workload waits for those that it is linked to before it starts all the same, in milliseconds. */
const LINK_WAIT_MS = 10_000;

export class Host implements HostMethods {
  readonly id = randomUUID();
  readonly socket: string;
  readonly #options: HostOptions;
  readonly #threads: number;
  readonly #state: DesiredState;
  readonly #supervisor: Supervisor;
  readonly #reconciler: Reconciler;
  readonly #logs = new LogStore<LogEntry>();
  readonly #started = Date.now();
  readonly #serving = new Map<string, { readonly hosted: HostedWorkload; readonly since: number }>();
  readonly #listeners = new Map<string, ListenerState>();
  /** What was logged last of each workload's state. */
  readonly #said = new Map<string, string>();
  /** Resolves when the last of those that are connected to their listeners is. */
  #activating: Promise<void> = Promise.resolve();
  readonly #stopping = new AbortController();
  readonly #ended = Promise.withResolvers<void>();
  #api: Server | undefined;

  /**
   * Starts a host and brings back what ran.
   * @throws RuntimeError TENON_HOST_RUNNING when another host has the folder, TENON_HOST_STATE when its state cannot be read
   */
  static async start(options: HostOptions): Promise<Host> {
    try {
      mkdirSync(options.dataFolder, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw new RuntimeError(
        'TENON_HOST_STATE',
        `${options.dataFolder} cannot be the folder of a host: ${(error as Error).message}`,
        error,
      );
    }
    const host = new Host(options);
    try {
      host.#api = createApi(host);
      await listenAt(host.#api, host.socket);
    } catch (error) {
      host.#state.close();
      throw error;
    }
    host.#reconciler.want(host.#state.all());
    return host;
  }

  private constructor(options: HostOptions) {
    this.#options = options;
    this.socket = hostSocket(options.dataFolder);
    this.#threads = options.threads ?? 1;
    this.#state = new DesiredState(options.dataFolder);
    const sinks: CellSinks = {
      log: (entry) => this.#log(entry),
      logRequests: false,
      output: ({ stream, bytes, workload, request }) => {
        for (const message of Buffer.from(bytes).toString().replace(/\n$/, '').split('\n')) {
          this.#log({
            level: 'info',
            event: 'output',
            workload,
            message,
            time: Date.now(),
            stream,
            ...(request === undefined ? {} : { request }),
          });
        }
      },
      remember: (workload, key, value) => this.#state.remember(`${workload} ${key}`, value),
    };
    const plugins = { plugins: BUILT_IN_PLUGINS, dataFolder: `${options.dataFolder}/data`, hostId: this.id };
    this.#supervisor = new Supervisor({ threads: this.#threads, worker: options.worker, sinks, plugins });
    this.#reconciler = new Reconciler({
      start: (desired, signal) => this.#start(desired, signal),
      changed: (status) => this.#changed(status),
    });
  }

  /** Resolves when the host has stopped. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Finishes what is under way and ends. What was wanted is brought back by the next host. */
  async stop(): Promise<void> {
    if (this.#stopping.signal.aborted) return this.ended;
    this.#stopping.abort();
    await this.#reconciler.stop();
    await this.#supervisor.end();
    this.#api?.closeAllConnections();
    this.#api?.close();
    this.#state.close();
    this.#ended.resolve();
  }

  shutDown(): void {
    void this.stop();
  }

  async status(): Promise<HostStatus> {
    const cells = await this.#supervisor.running();
    const plugins = await cells[0]?.health().catch(() => []);
    return {
      id: this.id,
      version: this.#options.version ?? '',
      pid: process.pid,
      started: this.#started,
      cells: Math.max(1, this.#threads),
      dataFolder: this.#options.dataFolder,
      memory: process.memoryUsage.rss(),
      listeners: [...this.#listeners].map(([, { name, listener, port }]) => ({ name, url: urlOf(listener, port) })),
      plugins: plugins ?? [],
      workloads: await Promise.all(this.#reconciler.status().map((status) => this.#withUsage(status))),
    };
  }

  putComponent(bytes: Uint8Array): Promise<string> {
    return this.#state.putComponent(bytes);
  }

  hasComponent(digest: string): boolean {
    return this.#state.hasComponent(digest);
  }

  async apply(namespace: string, name: string, description: unknown): Promise<Applied> {
    const { folder, application, components } = description as { folder?: unknown; application?: unknown; components?: unknown };
    if (typeof folder !== 'string' || typeof components !== 'object' || components === null) {
      throw new RuntimeError('TENON_HOST_REQUEST', 'an application needs "folder", "application" and "components"');
    }
    checkApplication(application);
    const wanted = revisionsOf(application as Application, folder, components as Record<string, string>);
    for (const [workload, { components: digests }] of wanted) {
      for (const [component, digest] of Object.entries(digests)) {
        if (this.hasComponent(digest)) continue;
        throw new RuntimeError('TENON_HOST_REQUEST', `the bytes of ${component} of "${workload}" were not sent`);
      }
    }
    const { changed, removed } = this.#state.apply(namespace, name, wanted);
    this.#reconciler.want(this.#state.all());
    const workloads: Status[] = [];
    for (const each of wanted.keys()) {
      const status = await this.#reconciler.settled({ namespace, name: each });
      if (status !== undefined) workloads.push(status);
    }
    await Promise.all(removed.map((name) => this.#reconciler.settled({ namespace, name })));
    this.#state.collect();
    return { changed, removed, workloads };
  }

  async removeApplication(namespace: string, application: string): Promise<{ readonly removed: readonly string[] }> {
    const { removed } = this.#state.apply(namespace, application, new Map());
    this.#reconciler.want(this.#state.all());
    await Promise.all(removed.map((name) => this.#reconciler.settled({ namespace, name })));
    this.#state.collect();
    return { removed };
  }

  async workload(namespace: string, name: string): Promise<WorkloadStatus & { readonly revisions: unknown }> {
    const id = this.#known(namespace, name);
    const status = this.#reconciler.status().find((each) => each.namespace === namespace && each.name === name);
    if (status === undefined) throw unknown(namespace, name);
    return { ...(await this.#withUsage(status)), revisions: this.#state.revisions(id) };
  }

  async restart(namespace: string, name: string): Promise<Status> {
    const id = this.#known(namespace, name);
    this.#reconciler.restart(id);
    return this.#settled(id);
  }

  async setState(namespace: string, name: string, state: 'running' | 'stopped'): Promise<Status> {
    const id = this.#known(namespace, name);
    this.#state.setState(id, state);
    this.#reconciler.want(this.#state.all());
    return this.#settled(id);
  }

  async rollBack(namespace: string, name: string, revision: number | undefined): Promise<Status> {
    const id = this.#known(namespace, name);
    this.#state.rollBack(id, revision);
    this.#reconciler.want(this.#state.all());
    return this.#settled(id);
  }

  async call(namespace: string, name: string, path: string, args: string, signal: AbortSignal): Promise<string> {
    const id = this.#known(namespace, name);
    const serving = this.#serving.get(fullName(id));
    const desired = this.#state.get(id);
    if (serving === undefined || desired === undefined) throw new RuntimeError('TENON_RUNTIME_STOPPED', `\`${logName(id)}\` does not run`);
    const { Component } = await import('@tenon/component');
    const { findFunction, functionPath, invoke, parseArguments, parseInvoke } = await import('@tenon/toolkit');
    const component = await Component.compile(await this.#bytes(desired));
    const written = parseInvoke(`${path}(${args})`);
    const found = findFunction(component.exports, written.name);
    const values = parseArguments(written, found);
    const { limits } = serving.hosted.config;
    const target = (...given: unknown[]): Promise<unknown> => {
      const call = {
        path: found.interface === undefined ? [found.name] : [found.interface, found.name],
        args: given,
        timeoutMs: limits.requestTimeoutMs,
      };
      return serving.hosted.call(call, signal);
    };
    const { text, failed } = await invoke(target, found.type, values);
    if (failed) throw new RuntimeError('TENON_HOST_CALL', `\`${functionPath(found)}\` returned ${text}`);
    return text;
  }

  logs(options: LogOptions, write: (line: unknown) => boolean | Promise<void>, signal: AbortSignal): Promise<void> {
    return this.#logs.read(options, write, AbortSignal.any([signal, this.#stopping.signal]));
  }

  async #settled(id: WorkloadId): Promise<Status> {
    const status = await this.#reconciler.settled(id);
    if (status === undefined) throw unknown(id.namespace, id.name);
    return status;
  }

  #known(namespace: string, name: string): WorkloadId {
    if (this.#state.get({ namespace, name }) === undefined) throw unknown(namespace, name);
    return { namespace, name };
  }

  #log(entry: LogEntry): void {
    this.#logs.add(entry);
    this.#options.log?.(entry);
  }

  #changed(status: Status): void {
    const key = fullName(status);
    const wrong = status.conditions.find((condition) => !condition.status);
    const ready = status.conditions.find((condition) => condition.type === 'Ready');
    const message = `${status.state}: ${(wrong ?? ready)?.message ?? ''}`;
    if (this.#said.get(key) === message) return;
    this.#said.set(key, message);
    const level = status.state === 'failed' ? 'error' : status.state === 'degraded' ? 'warn' : 'info';
    this.#log({ level, event: 'state', workload: logName(status), message, time: Date.now() });
  }

  async #withUsage(status: Status): Promise<WorkloadStatus> {
    const serving = this.#serving.get(fullName(status));
    const usage = (await serving?.hosted.usage()) ?? { requests: 0, failures: 0, instances: 0, memory: 0, cpuMs: 0 };
    const desired = this.#state.get(status);
    const urls =
      serving === undefined || desired === undefined ? [] : routesOf(desired).flatMap(({ listener }) => this.#url(desired, listener));
    return { ...status, ...usage, since: serving?.since, urls };
  }

  #url(desired: Desired, name: string): readonly string[] {
    const listener = sharedOf(desired).listeners[name];
    const state = listener && this.#listeners.get(listenerKey(desired, name, listener));
    return state === undefined ? [] : [urlOf(state.listener, state.port)];
  }

  /** The bytes that a revision runs. */
  async #bytes(desired: Desired): Promise<Uint8Array> {
    const parts = Object.entries(desired.revision.components).map(([name, digest]) => ({ name, bytes: this.#state.component(digest) }));
    const [only] = parts;
    if (only !== undefined && parts.length === 1) return only.bytes;
    const { composeParts } = await import('./compose-parts.ts');
    return composeParts(parts);
  }

  async #start(desired: Desired, signal: AbortSignal): Promise<Running> {
    await this.#providers(desired, signal);
    const key = fullName(desired);
    const memory = Object.fromEntries(this.#state.recallAll(`${desired.name} `));
    const bytes = await this.#bytes(desired);
    const hosted = await this.#supervisor.host(configOf(desired, bytes), Promise.resolve(bytes), false, needsOf(desired, memory));
    const { health } = desired.revision.spec;
    let failures = 0;
    const check = async (): Promise<string | undefined> => {
      if (health === undefined) return undefined;
      const { path = '/healthz', status: expected = 200, timeoutMs = 5000 } = health;
      try {
        const status = await hosted.probe(path, timeoutMs);
        return status === expected ? undefined : `${path} answered ${status}, and ${expected} is expected`;
      } catch (error) {
        return `${path} was not answered: ${error instanceof Error ? error.message : String(error)}`;
      }
    };
    const ended = Promise.withResolvers<void>();
    let timer: NodeJS.Timeout | undefined;
    const look = async (): Promise<void> => {
      const problem = await check();
      failures = problem === undefined ? 0 : failures + 1;
      this.#reconciler.setHealth(desired, problem);
      if (problem !== undefined && failures >= (health?.failures ?? 3)) ended.reject(new Error(problem));
    };
    return {
      ended: ended.promise,
      check,
      activate: async () => {
        const before = this.#serving.get(key)?.hosted;
        await this.#activate(desired, hosted, before);
        this.#serving.set(key, { hosted, since: Date.now() });
        if (health !== undefined) timer = setInterval(() => void look(), health.intervalMs ?? 10_000);
      },
      retire: async () => {
        clearInterval(timer);
        if (this.#serving.get(key)?.hosted === hosted) this.#serving.delete(key);
        await hosted.stop();
      },
    };
  }

  /** Waits until those that a workload is linked to run. */
  async #providers(desired: Desired, signal: AbortSignal): Promise<void> {
    const names = Object.values(needsOf(desired, {}).links);
    if (names.length === 0) return;
    const late = AbortSignal.any([signal, AbortSignal.timeout(LINK_WAIT_MS)]);
    const aborted = new Promise<void>((resolve) => late.addEventListener('abort', () => resolve(), { once: true }));
    const settled = names.map((each) => {
      const [namespace = '', name = ''] = each.split('/');
      return this.#reconciler.settled({ namespace, name });
    });
    await Promise.race([Promise.all(settled), aborted]);
  }

  /** One after the other: the first that needs a listener opens it, and the next ones find it. */
  async #activate(desired: Desired, hosted: HostedWorkload, before: HostedWorkload | undefined): Promise<void> {
    const earlier = this.#activating;
    const done = Promise.withResolvers<void>();
    this.#activating = done.promise;
    await earlier;
    try {
      await this.#connect(desired, hosted, before);
    } finally {
      done.resolve();
    }
  }

  async #connect(desired: Desired, hosted: HostedWorkload, before: HostedWorkload | undefined): Promise<void> {
    const shared = sharedOf(desired);
    const routes = routesOf(desired).map(({ listener: name, matches }) => {
      const listener = shared.listeners[name];
      if (listener === undefined) throw new RuntimeError('TENON_MANIFEST', `there is no listener "${name}"`);
      return { name, listener, matches, key: listenerKey(desired, name, listener) };
    });
    const listeners = await Promise.all(
      routes.map(async ({ listener, matches, key }) => {
        const { host = '127.0.0.1', port = 8080, tls } = listener;
        const known = this.#listeners.get(key);
        const credentials = tls === undefined ? undefined : await (await import('../certificate.ts')).loadCredentials(tls);
        const connections = known?.connections ?? connectionMemory(this.#threads + 1);
        const address = {
          host,
          port: known?.port ?? port,
          shared: this.#threads > 1,
          first: known === undefined,
          credentials,
          connections,
        };
        return { address, matches };
      }),
    );
    const ports = await hosted.activate({ listeners, replaces: before?.id });
    for (const [index, { name, listener, key }] of routes.entries()) {
      const address = listeners[index]?.address;
      if (address !== undefined && !this.#listeners.has(key)) {
        this.#listeners.set(key, { name, listener, port: ports[index] ?? address.port, connections: address.connections });
      }
    }
  }
}

/** A listener that is there, or was and may come again at the same port. */
interface ListenerState {
  readonly name: string;
  readonly listener: Listener;
  readonly port: number;
  readonly connections: SharedArrayBuffer;
}

/** Listeners at one address are one; one that takes any free port is its application's own. */
function listenerKey({ namespace, application }: Desired, name: string, { host = '127.0.0.1', port = 8080 }: Listener): string {
  return port === 0 ? `${namespace}/${application}/${name}` : `${host}:${port}`;
}

function urlOf({ host = '127.0.0.1', tls }: Listener, port: number): string {
  return `${tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

const unknown = (namespace: string, name: string): RuntimeError =>
  new RuntimeError('TENON_HOST_UNKNOWN', `there is no workload "${logName({ namespace, name })}"`);
