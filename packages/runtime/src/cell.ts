/** A cell: an event loop that hosts many workloads, each with its listeners, pools and guests. Nothing of a request leaves it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { CellWorkload, tickMs } from './cell-workload.ts';
import type { Credentials } from './certificate.ts';
import type { Imports } from './config.ts';
import { ConnectionCount } from './connections.ts';
import { RuntimeError } from './errors.ts';
import { HttpServer } from './http-server.ts';
import type { CellAddress, CellMethods, CellSinks, CellTask, ExportCall, Started } from './messages.ts';
import type { Match } from './router.ts';
import type { CellClock } from './ticker.ts';

/** How long clients have to take what was sent to them once a workload has stopped, in milliseconds. */
const LAST_BYTES_MS = 2000;

interface Hosted {
  readonly workload: CellWorkload;
  readonly server: HttpServer | undefined;
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

  constructor(index: number, clock: CellClock, sinks: CellSinks) {
    this.index = index;
    this.clock = clock;
    this.sinks = sinks;
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
    const workload = await CellWorkload.start(task, { imports, sinks: this.sinks, clock: this.clock });
    try {
      const at = task.address === undefined ? undefined : await this.listen(task.address, task, workload);
      this.hosted.set(id, { workload, server: at?.server });
      return { component: workload.shared, handler: workload.handler, port: at?.port ?? 0 };
    } catch (error) {
      await workload.stop();
      throw error;
    }
  }

  private async listen(
    address: CellAddress,
    { spec }: CellTask,
    { http, log }: CellWorkload,
  ): Promise<{ readonly server: HttpServer; readonly port: number }> {
    const { host, port, shared, first, credentials, connections } = address;
    const match = spec.http?.match ?? {};
    const key = (each: number): string => `${host}:${each}`;
    const there = port === 0 ? undefined : this.servers.get(key(port));
    if (there !== undefined) {
      route(there, match, http, key(port));
      return { server: there, port };
    }
    const { limits } = spec;
    const server = new HttpServer({
      limits,
      credentials,
      shared,
      logRequests: this.sinks.logRequests,
      log,
      tickMs: tickMs(limits.requestTimeoutMs),
      connections: new ConnectionCount(connections, this.index, limits.maxConnections),
    });
    route(server, match, http, key(port));
    const taken = await server.listen(host, port, first);
    this.servers.set(key(taken), server);
    return { server, port: taken };
  }

  async renew(id: number, credentials: Credentials): Promise<void> {
    this.hosted.get(id)?.server?.renew(credentials);
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
    const { workload, server } = hosted;
    server?.routes.remove(workload.http);
    const last = server?.routes.empty === true;
    if (last) {
      for (const [key, each] of this.servers) if (each === server) this.servers.delete(key);
      server.drain();
      workload.http.drain();
    }
    await workload.stop();
    if (last) await server.close(LAST_BYTES_MS);
  }

  /** Ends what is left. */
  async end(): Promise<void> {
    await Promise.all([...this.hosted.keys()].map((id) => this.stop(id)));
  }
}

function route(server: HttpServer, match: Match, http: CellWorkload['http'], address: string): void {
  const other = server.routes.add(match, http);
  if (other === undefined) return;
  const where = match.host === undefined && match.path === undefined ? '' : ` for ${match.host ?? ''}${match.path ?? ''}`;
  throw new RuntimeError('TENON_RUNTIME_ADDRESS', `cannot listen on ${address}: the port is taken${where} by \`${other.name}\``);
}
