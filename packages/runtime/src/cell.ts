/** A cell: an event loop that hosts many workloads, each with its listeners, pools and guests. Nothing of a request leaves it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from '@tenon/plugin';
import { CellWorkload, tickMs } from './cell-workload.ts';
import type { Credentials } from './certificate.ts';
import type { Imports, Limits } from './config.ts';
import { ConnectionCount } from './connections.ts';
import { RuntimeError } from './errors.ts';
import { HttpServer } from './http-server.ts';
import type { Log } from './log.ts';
import type { Activation, CellAddress, CellMethods, CellSinks, CellTask, CellUsage, ExportCall, Started } from './messages.ts';
import type { CellPlugins } from './plugins/cell-plugins.ts';
import { pluginLog } from './plugins/log.ts';
import type { PluginHost } from './plugins/needs.ts';
import type { Match } from './router.ts';
import type { CellClock } from './ticker.ts';

/** How long clients have to take what was sent to them once a workload has stopped, in milliseconds. */
const LAST_BYTES_MS = 2000;

interface Hosted {
  readonly workload: CellWorkload;
  /** Where it has routes. */
  servers: readonly HttpServer[];
}

export class Cell implements CellMethods {
  /** Which of the runtime's cells it is. */
  private readonly index: number;
  private readonly clock: CellClock;
  private readonly sinks: CellSinks;
  private readonly hosted = new Map<number, Hosted>();
  /** What is not hosted yet, since its first instance is not up. */
  private readonly starting = new Map<number, Promise<Started>>();
  /** Servers by host and port. */
  private readonly servers = new Map<string, HttpServer>();

  private readonly plugins: Promise<CellPlugins> | undefined;
  /** The workload that has its work, by its full name. */
  private readonly active = new Map<string, CellWorkload>();

  constructor(index: number, clock: CellClock, sinks: CellSinks, plugins?: PluginHost) {
    this.index = index;
    this.clock = clock;
    this.sinks = sinks;
    this.plugins = plugins && this.startPlugins(plugins);
    this.plugins?.catch(() => {});
  }

  /** Their code is loaded only where there are some. */
  private async startPlugins(host: PluginHost): Promise<CellPlugins> {
    const { CellPlugins } = await import('./plugins/cell-plugins.ts');
    const log = (workload: string, plugin: string): Logger => pluginLog(this.sinks, workload, plugin);
    return CellPlugins.start(host, { cell: this.index, log, remember: this.sinks.remember });
  }

  /**
   * Compiles and links a component, makes its first instance and connects it to its address.
   * @param imports what it imports beside the system's interfaces
   */
  start(id: number, task: CellTask, imports: Imports = {}): Promise<Started> {
    const started = this.host(id, task, imports).finally(() => this.starting.delete(id));
    this.starting.set(id, started);
    return started;
  }

  private async host(id: number, task: CellTask, imports: Imports): Promise<Started> {
    // What is wrong with the component is said first, whatever has the port.
    const plugins = task.needs === undefined ? undefined : await this.plugins;
    await plugins?.add(task.needs?.plugins ?? []);
    const linked = (name: string): CellWorkload | undefined => this.active.get(name);
    const workload = await CellWorkload.start(task, { imports, sinks: this.sinks, clock: this.clock, plugins, linked });
    try {
      const at = task.address === undefined ? undefined : await this.listen(task.address, task, workload);
      this.hosted.set(id, { workload, servers: at === undefined ? [] : [at.server] });
      return { component: workload.shared, handler: workload.handler, names: workload.names, port: at?.port ?? 0 };
    } catch (error) {
      await workload.stop();
      throw error;
    }
  }

  async activate(id: number, { listeners, replaces }: Activation): Promise<readonly number[]> {
    const hosted = this.hosted.get(id);
    if (hosted === undefined) throw new RuntimeError('TENON_RUNTIME_STOPPED', 'the workload is stopped');
    const { workload } = hosted;
    if (listeners.length > 0) workload.requireHandler();
    const old = replaces === undefined ? undefined : this.hosted.get(replaces);
    const ports: number[] = [];
    const servers: HttpServer[] = [];
    const undos: (() => void)[] = [];
    try {
      await workload.startTriggers();
      for (const { address, matches } of listeners) {
        const { server, port, undo } = await this.listenFor(address, matches, workload, old?.workload);
        undos.push(undo);
        servers.push(server);
        ports.push(port);
      }
    } catch (error) {
      // The old one has its routes again, and nothing has changed.
      for (const undo of undos) undo();
      await workload.stopTriggers();
      throw error;
    }
    hosted.servers = servers;
    if (old !== undefined) await old.workload.stopTriggers();
    if (workload.fullName !== undefined) {
      this.active.set(workload.fullName, workload);
      for (const each of this.hosted.values()) each.workload.providerChanged(workload.fullName);
    }
    return ports;
  }

  private async listenFor(
    address: CellAddress,
    matches: readonly Match[],
    { http, log, limits }: CellWorkload,
    old: CellWorkload | undefined,
  ): Promise<{ readonly server: HttpServer; readonly port: number; readonly undo: () => void }> {
    const key = `${address.host}:${address.port}`;
    const there = address.port === 0 ? undefined : this.servers.get(key);
    const server = there ?? this.server(address, limits, log);
    const before = old && server.routes.of(old.http);
    const undo = (): void => {
      if (old === undefined || before === undefined) server.routes.remove(http);
      else server.routes.replace(http, before, old.http);
    };
    const taken = old === undefined ? addAll(server, matches, http) : server.routes.replace(old.http, matches, http);
    if (taken !== undefined) throw new RuntimeError('TENON_RUNTIME_ADDRESS', `a route at ${key} is taken by \`${taken.name}\``);
    if (there !== undefined) return { server, port: address.port, undo };
    const port = await server.listen(address.host, address.port, address.first);
    this.servers.set(`${address.host}:${port}`, server);
    return { server, port, undo };
  }

  private server({ credentials, shared, connections }: CellAddress, limits: Limits, log: Log): HttpServer {
    return new HttpServer({
      limits,
      credentials,
      shared,
      logRequests: this.sinks.logRequests,
      log,
      tickMs: tickMs(limits.requestTimeoutMs),
      connections: new ConnectionCount(connections, this.index, limits.maxConnections),
    });
  }

  async usage(id: number): Promise<CellUsage> {
    return this.workload(id).usage();
  }

  async probe(id: number, path: string, timeoutMs: number): Promise<number> {
    return this.workload(id).probe(path, timeoutMs);
  }

  async health(): ReturnType<CellMethods['health']> {
    return (await this.plugins)?.health() ?? [];
  }

  private async listen(
    address: CellAddress,
    { spec }: CellTask,
    { http, log }: CellWorkload,
  ): Promise<{ readonly server: HttpServer; readonly port: number }> {
    const { host, port, first } = address;
    const match = spec.http?.match ?? {};
    const key = (each: number): string => `${host}:${each}`;
    const there = port === 0 ? undefined : this.servers.get(key(port));
    if (there !== undefined) {
      route(there, match, http, key(port));
      return { server: there, port };
    }
    const server = this.server(address, spec.limits, log);
    route(server, match, http, key(port));
    const taken = await server.listen(host, port, first);
    this.servers.set(key(taken), server);
    return { server, port: taken };
  }

  async renew(id: number, credentials: Credentials): Promise<void> {
    for (const server of this.hosted.get(id)?.servers ?? []) server.renew(credentials);
  }

  async call(id: number, call: ExportCall, signal?: AbortSignal): Promise<unknown> {
    return this.workload(id).call(call, signal);
  }

  /** Serves a request that somebody else's server received. */
  async handle(id: number, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { http } = this.workload(id);
    await http.serve(http.arrive(request, response, false));
  }

  private workload(id: number): CellWorkload {
    const hosted = this.hosted.get(id);
    if (hosted === undefined) throw new RuntimeError('TENON_RUNTIME_STOPPED', 'the workload is stopped');
    return hosted.workload;
  }

  async stop(id: number): Promise<void> {
    await this.starting.get(id)?.catch(() => {});
    const hosted = this.hosted.get(id);
    if (hosted === undefined) return;
    this.hosted.delete(id);
    const { workload, servers } = hosted;
    if (workload.fullName !== undefined && this.active.get(workload.fullName) === workload) this.active.delete(workload.fullName);
    for (const server of servers) server.routes.remove(workload.http);
    const last = servers.filter((server) => server.routes.empty);
    for (const server of last) {
      for (const [key, each] of this.servers) if (each === server) this.servers.delete(key);
      server.drain();
    }
    if (last.length > 0) workload.http.drain();
    await workload.stop();
    await Promise.all(last.map((server) => server.close(LAST_BYTES_MS)));
  }

  /** Ends what is left. */
  async end(): Promise<void> {
    await Promise.all([...this.hosted.keys()].map((id) => this.stop(id)));
    await (await this.plugins?.catch(() => undefined))?.stop();
  }
}

/** Adds routes, all or none. Returns who has one of them. */
function addAll(server: HttpServer, matches: readonly Match[], http: CellWorkload['http']): CellWorkload['http'] | undefined {
  for (const match of matches) {
    const taken = server.routes.add(match, http);
    if (taken === undefined) continue;
    server.routes.remove(http);
    return taken;
  }
  return undefined;
}

function route(server: HttpServer, match: Match, http: CellWorkload['http'], address: string): void {
  const other = server.routes.add(match, http);
  if (other === undefined) return;
  const where = match.host === undefined && match.path === undefined ? '' : ` for ${match.host ?? ''}${match.path ?? ''}`;
  throw new RuntimeError('TENON_RUNTIME_ADDRESS', `cannot listen on ${address}: the port is taken${where} by \`${other.name}\``);
}
