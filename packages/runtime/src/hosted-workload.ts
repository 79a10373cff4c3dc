/** A workload as the supervisor has it: what it is made of, and the cells that run it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { Credentials } from './certificate.ts';
import type { WorkloadConfig } from './config.ts';
import { RuntimeError, type RuntimeErrorCode } from './errors.ts';
import type { LogEntry } from './log.ts';
import type { Activation, CellAddress, CellMethods, CellTask, CellUsage, ComponentSource, ExportCall, Names, Started } from './messages.ts';
import type { PluginNeeds } from './plugins/needs.ts';
import type { CellSlot, Supervisor } from './supervisor.ts';
import { DEFAULT_HOST, type WorkloadHost } from './workload.ts';

/** Whether the sockets of several threads can listen on one port, each for a share of the connections. */
const PORTS_ARE_SHARED = process.platform === 'linux';

/** Pauses before a cell is asked again to run what it could not start, in milliseconds. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 30_000;

/** Beyond its drain limit a workload has this long to stop, in milliseconds. */
const STOP_MS = 5000;

export class HostedWorkload implements WorkloadHost {
  readonly id: number;
  readonly config: WorkloadConfig;
  readonly connections: SharedArrayBuffer;
  port = 0;
  private readonly supervisor: Supervisor;
  private readonly slots: readonly CellSlot[];
  /** What the first cell has made of it. */
  private component: ComponentSource | undefined;
  private handler: string | undefined;
  private names: Names | undefined;
  private credentials: Credentials | undefined;
  private unwatch: (() => void) | undefined;
  /** It runs in the calling thread too, for requests that come from there. */
  private localStart: Promise<unknown> | undefined;
  private readonly stopping = new AbortController();
  private readonly needs: PluginNeeds | undefined;
  private activation: Activation | undefined;

  constructor(id: number, config: WorkloadConfig, supervisor: Supervisor, slots: readonly CellSlot[], needs?: PluginNeeds) {
    this.id = id;
    this.config = config;
    this.supervisor = supervisor;
    this.slots = slots;
    this.needs = needs;
    this.connections = supervisor.connections();
  }

  /** @throws RuntimeError TENON_RUNTIME_ADDRESS, TENON_RUNTIME_TLS or TENON_RUNTIME_START, ComponentError, WasiError */
  async start(bytes: Uint8Array, owned: boolean): Promise<void> {
    const { http } = this.config;
    if (http?.tls !== undefined) {
      // Most servers have no certificate, and Node's TLS takes memory.
      const { loadCredentials } = await import('./certificate.ts');
      this.credentials = await loadCredentials(http.tls);
    }
    this.component = bytes;
    this.port = http?.port ?? 0;
    const [first, ...others] = this.slots;
    const started = await this.startIn(first, owned, true);
    this.component = started.component;
    this.handler = started.handler;
    this.names = started.names;
    this.port = started.port;
    await Promise.all(others.map((slot) => this.startIn(slot, false, false)));
    if (http === undefined) return;
    if (http.tls !== undefined) {
      const { watchCredentials } = await import('./certificate.ts');
      this.unwatch = watchCredentials(http.tls, () => void this.reloadCertificate());
    }
    this.log('info', 'listening', `serving on ${http.tls === undefined ? 'http' : 'https'}://${http.host ?? DEFAULT_HOST}:${this.port}`);
  }

  private async startIn(slot: CellSlot | undefined, owned: boolean, first: boolean): Promise<Started> {
    if (slot?.cell === undefined) throw new RuntimeError('TENON_RUNTIME_CELL', 'the cell ended before the workload had started');
    const { startTimeoutMs } = this.config.limits;
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      late.reject(new RuntimeError('TENON_RUNTIME_START', `the first instance did not come up within ${startTimeoutMs} ms`));
    }, startTimeoutMs);
    try {
      const task = this.task(owned, first, slot.index);
      const starting = this.supervisor.inThisThread
        ? (await this.supervisor.local()).start(this.id, task, this.config.imports)
        : slot.cell.start(this.id, task);
      return await Promise.race([starting, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  private task(owned: boolean, first: boolean, cell: number): CellTask {
    const { component: _, ...spec } = this.config.spec;
    if (this.component === undefined) throw new Error('internal error: nothing to start');
    const address = PORTS_ARE_SHARED || cell === 0 ? this.address(first) : undefined;
    return { spec, component: this.component, handler: this.handler, names: this.names, owned, address, needs: this.needs };
  }

  private address(first: boolean): CellAddress | undefined {
    const { http } = this.config;
    if (http === undefined) return undefined;
    const { connections, credentials, port } = this;
    const shared = PORTS_ARE_SHARED && this.slots.length > 1;
    return { host: http.host ?? DEFAULT_HOST, port, shared, first, credentials, connections };
  }

  /** Runs in a cell that has taken the place of a lost one; what fails there is tried again. */
  async join(slot: CellSlot): Promise<void> {
    const { cell } = slot;
    for (let pauseMs = FIRST_PAUSE_MS; slot.cell === cell && !this.stopping.signal.aborted; ) {
      try {
        await this.startIn(slot, false, false);
        if (this.activation !== undefined) await cell?.activate(this.id, { ...this.activation, replaces: undefined });
        return;
      } catch (error) {
        if (slot.cell !== cell || this.stopping.signal.aborted) return;
        this.log('error', 'restart', `it does not run in a new cell: ${error instanceof Error ? error.message : String(error)}`);
        await pause(pauseMs, undefined, { signal: this.stopping.signal }).catch(() => {});
        pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
      }
    }
  }

  /**
   * Gives it its work in all cells, in place of another workload. What one cell cannot do is undone in the others.
   * @returns the port of each listener
   */
  async activate(activation: Activation): Promise<readonly number[]> {
    const done: CellMethods[] = [];
    let ports: readonly number[] = activation.listeners.map(({ address }) => address.port);
    const listens = (index: number): boolean => PORTS_ARE_SHARED || index === 0;
    try {
      for (const { cell, index } of this.slots) {
        if (cell === undefined) continue;
        const first = done.length === 0;
        const listeners = activation.listeners
          .filter(() => listens(index))
          .map(({ address, matches }, each) => ({
            matches,
            address: { ...address, first: address.first && first, port: ports[each] ?? address.port },
          }));
        const taken = await cell.activate(this.id, { ...activation, listeners });
        if (first) ports = taken;
        done.push(cell);
      }
    } catch (error) {
      const { replaces } = activation;
      // Who was there before takes over again.
      if (replaces !== undefined)
        for (const cell of done) await cell.activate(replaces, { ...activation, replaces: this.id }).catch(() => {});
      throw error;
    }
    this.activation = {
      replaces: undefined,
      listeners: activation.listeners.map(({ address, matches }, each) => ({
        matches,
        address: { ...address, first: false, port: ports[each] ?? 0 },
      })),
    };
    return ports;
  }

  /** Sends a request in process, in one of the cells. @returns the status of the answer */
  probe(path: string, timeoutMs: number): Promise<number> {
    const cell = this.slots.find((slot) => slot.cell !== undefined)?.cell;
    if (cell === undefined) throw new RuntimeError('TENON_RUNTIME_CELL', 'a new cell is on its way: try again');
    return cell.probe(this.id, path, timeoutMs);
  }

  /** What it takes in all cells. */
  async usage(): Promise<CellUsage> {
    const each = await Promise.all(this.slots.map(({ cell }) => cell?.usage(this.id).catch(() => undefined)));
    const sum = (of: (usage: CellUsage) => number): number =>
      each.reduce((total, usage) => total + (usage === undefined ? 0 : of(usage)), 0);
    return {
      requests: sum((usage) => usage.requests),
      failures: sum((usage) => usage.failures),
      instances: sum((usage) => usage.instances),
      memory: sum((usage) => usage.memory),
      cpuMs: sum((usage) => usage.cpuMs),
    };
  }

  call(call: ExportCall, signal: AbortSignal | undefined): Promise<unknown> {
    let slot: CellSlot | undefined;
    for (const each of this.slots) if (each.cell !== undefined && (slot === undefined || each.calls < slot.calls)) slot = each;
    if (slot?.cell === undefined) throw new RuntimeError('TENON_RUNTIME_CELL', 'a new cell is on its way: try again');
    const taken = slot;
    taken.calls++;
    return slot.cell.call(this.id, call, signal).finally(() => taken.calls--);
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const cell = await this.supervisor.local();
    if (!this.supervisor.inThisThread) {
      this.localStart ??= cell.start(this.id, { ...this.task(false, false, -1), address: undefined });
      await this.localStart;
    }
    await cell.handle(this.id, request, response);
  }

  async reloadCertificate(): Promise<void> {
    const tls = this.config.http?.tls;
    if (tls === undefined) return;
    try {
      const { loadCredentials } = await import('./certificate.ts');
      const credentials = await loadCredentials(tls);
      this.credentials = credentials;
      await Promise.all(this.slots.map(({ cell }) => cell?.renew(this.id, credentials)));
      this.log('info', 'certificate', `${tls.cert} was loaded anew`);
    } catch (error) {
      const code = error instanceof RuntimeError ? error.code : undefined;
      this.log('error', 'certificate', `the old certificate stays: ${error instanceof Error ? error.message : String(error)}`, code);
    }
  }

  /** Stops it in all cells. */
  async stop(): Promise<void> {
    await this.supervisor.forget(this);
    if (this.config.http !== undefined) this.log('info', 'stopped', 'stopped');
  }

  async end(): Promise<void> {
    this.stopping.abort();
    this.unwatch?.();
    const cells: (CellMethods | undefined)[] = this.slots.map(({ cell }) => cell);
    if (this.localStart !== undefined) cells.push(await this.supervisor.local());
    // A cell that is lost meanwhile has nothing to stop, and one that something holds does not answer.
    const stopped = Promise.all(cells.map((cell) => cell?.stop(this.id).catch(() => {})));
    const late = new AbortController();
    const { drainTimeoutMs } = this.config.limits;
    await Promise.race([stopped, pause(drainTimeoutMs + STOP_MS, undefined, { signal: late.signal }).catch(() => {})]);
    late.abort();
  }

  log(level: LogEntry['level'], event: LogEntry['event'], message: string, code?: RuntimeErrorCode): void {
    this.supervisor.sinks.log({
      level,
      event,
      message,
      workload: this.config.name,
      time: Date.now(),
      ...(code === undefined ? {} : { code }),
    });
  }
}
