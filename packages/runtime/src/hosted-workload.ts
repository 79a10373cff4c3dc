/** A workload as the supervisor has it: what it is made of, and the cells that run it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { Credentials } from './certificate.ts';
import type { WorkloadConfig } from './config.ts';
import { RuntimeError, type RuntimeErrorCode } from './errors.ts';
import type { LogEntry } from './log.ts';
import type { CellAddress, CellMethods, CellTask, ComponentSource, ExportCall, Started } from './messages.ts';
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
  private credentials: Credentials | undefined;
  private unwatch: (() => void) | undefined;
  /** It runs in the calling thread too, for requests that come from there. */
  private localStart: Promise<unknown> | undefined;
  private readonly stopping = new AbortController();

  constructor(id: number, config: WorkloadConfig, supervisor: Supervisor, slots: readonly CellSlot[]) {
    this.id = id;
    this.config = config;
    this.supervisor = supervisor;
    this.slots = slots;
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
    return { spec, component: this.component, handler: this.handler, owned, address };
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
        return;
      } catch (error) {
        if (slot.cell !== cell || this.stopping.signal.aborted) return;
        this.log('error', 'restart', `it does not run in a new cell: ${error instanceof Error ? error.message : String(error)}`);
        await pause(pauseMs, undefined, { signal: this.stopping.signal }).catch(() => {});
        pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
      }
    }
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
