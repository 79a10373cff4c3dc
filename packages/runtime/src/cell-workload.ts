/** One workload in one cell: its component, its pool of instances, and what it is granted there. */
import { type Component, ComponentError } from '@tenon/component';
import { wasi } from '@tenon/wasi';
import type { Imports, Reuse } from './config.ts';
import { CpuShare } from './cpu-share.ts';
import { RuntimeError } from './errors.ts';
import { type Guest, guestMaker, handlerName, noHandler } from './guest.ts';
import { HttpRequests } from './http-requests.ts';
import { load } from './load.ts';
import type { Log } from './log.ts';
import type { CellSinks, CellTask, ComponentSource, ExportCall } from './messages.ts';
import { Activity, activities, OutputLines } from './output.ts';
import { startError } from './plain-errors.ts';
import { Pool } from './pool.ts';
import type { CellClock } from './ticker.ts';

/** Instances that were not needed for so long are let go, in milliseconds. */
const TRIM_MS = 5000;

/** A limit is looked at so many times before it is reached, and at least every second. */
const CHECKS_PER_TIMEOUT = 20;
const LONGEST_TICK_MS = 1000;

export const tickMs = (requestTimeoutMs: number): number => Math.min(LONGEST_TICK_MS, Math.ceil(requestTimeoutMs / CHECKS_PER_TIMEOUT));

/** What a cell has for each of its workloads. */
export interface Surroundings {
  readonly imports: Imports;
  readonly sinks: CellSinks;
  readonly clock: CellClock;
}

export class CellWorkload {
  readonly http: HttpRequests;
  readonly log: Log;
  /** What other cells need not work out again. */
  readonly shared: Exclude<ComponentSource, Uint8Array>;
  /** The name under which it exports its handler of requests. */
  readonly handler: string | undefined;
  private readonly task: CellTask;
  private readonly clock: CellClock;
  private reuse: Reuse;
  private readonly pool: Pool<Guest>;
  private readonly share: CpuShare;
  private readonly outputs: readonly OutputLines[];
  private readonly timers: readonly NodeJS.Timeout[];
  private readonly calls = new Set<Promise<unknown>>();
  private readonly close: () => void;
  private stopped = false;

  /**
   * Compiles and links the component and makes its first instance.
   * @throws ComponentError, WasiError, RuntimeError
   */
  static async start(task: CellTask, surroundings: Surroundings): Promise<CellWorkload> {
    try {
      const { component, release } = await load(task.component, task.owned, task.spec.limits);
      const workload = new CellWorkload(task, component, surroundings);
      release();
      return workload;
    } catch (error) {
      throw startError(error);
    }
  }

  private constructor(task: CellTask, component: Component, { imports, sinks, clock }: Surroundings) {
    this.task = task;
    this.clock = clock;
    this.reuse = task.spec.reuse;
    const { spec } = task;
    const { limits, name } = spec;
    const stdout = new OutputLines(name, 'stdout', sinks.output);
    const stderr = new OutputLines(name, 'stderr', sinks.output);
    this.outputs = [stdout, stderr];
    const system = wasi({
      args: spec.args,
      env: spec.environment,
      preopens: spec.directories,
      http: spec.egress,
      httpCa: spec.egressCa,
      httpPool: spec.egressPool,
      refused: ({ message }) => this.log({ level: 'warn', event: 'refused', message }),
      network: spec.sockets,
      limits: {
        openFiles: limits.maxOpenFiles,
        sockets: limits.maxSockets,
        outgoingRequests: limits.maxOutgoingRequests,
        hostBytes: limits.maxHostBytes,
        instanceHostBytes: limits.maxInstanceHostBytes,
      },
      stdout,
      stderr,
    });
    this.close = () => system.close();
    // What another cell has compiled was described there.
    const handler = task.component instanceof Uint8Array ? handlerName(component) : task.handler;
    if (spec.http !== undefined && handler === undefined) throw noHandler(component);
    this.handler = handler;
    this.log = (entry) => sinks.log({ ...entry, workload: name, time: Date.now() });
    const maker = guestMaker(component, { system, handler, imports, limits, clock: clock.clock, pause: () => this.share.wait() });
    this.share = new CpuShare(limits.cpuShare, maker.usage, () => this.pool.resume());
    this.pool = new Pool<Guest>(
      {
        make: () => maker.make(this.reuse === 'reset'),
        renew: (guest) => this.reuse === 'keep' || (this.reuse === 'reset' && guest.reset()),
        end: (guest) => guest.end(),
        paused: () => this.share.wait() !== undefined,
        held: () => this.http.held(),
        shed: () => this.http.shed(),
      },
      limits,
    );
    const { logRequests } = sinks;
    this.http = new HttpRequests({ name, limits, clock, logRequests, pool: this.pool, log: this.log, finish: this.finish });
    this.pool.warm();
    this.shared = { ...component.share(), bytes: new Uint8Array() };
    this.timers = [
      setInterval(() => this.http.tick(performance.now()), tickMs(limits.requestTimeoutMs)).unref(),
      setInterval(() => this.pool.trim(), TRIM_MS).unref(),
    ];
  }

  private readonly finish = (activity: Activity): void => {
    for (const output of this.outputs) output.finish(activity);
  };

  /** Calls an export in an instance of the pool. */
  call(call: ExportCall, signal: AbortSignal | undefined): Promise<unknown> {
    const done = this.run(call, signal).finally(() => this.calls.delete(done));
    this.calls.add(done);
    return done;
  }

  private async run({ path, args, timeoutMs }: ExportCall, signal: AbortSignal | undefined): Promise<unknown> {
    if (this.stopped) throw new RuntimeError('TENON_RUNTIME_STOPPED', `\`${this.task.spec.name}\` is stopped`);
    signal?.throwIfAborted();
    const taken = this.pool.acquire();
    const lease = taken instanceof Promise ? await taken : taken;
    const activity = new Activity(path.join('.'));
    const limits = { timeoutMs, cpuMs: this.task.spec.limits.maxCpuMs, signal };
    this.clock.enter();
    try {
      const value = await activities.run(activity, () => lease.item.call(path, args, limits));
      lease.release();
      return value;
    } catch (error) {
      // A guest that returned an error has done what it should.
      if (error instanceof ComponentError && error.code !== 'TENON_INSTANCE_POISONED' && error.code !== 'TENON_INSTANCE_ENDED')
        lease.release();
      else lease.discard();
      throw error;
    } finally {
      this.clock.leave();
      this.finish(activity);
    }
  }

  /** Takes no more calls, lets those under way finish within the drain limit, and ends all instances. */
  async stop(): Promise<void> {
    this.stopped = true;
    const { drainTimeoutMs } = this.task.spec.limits;
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, drainTimeoutMs);
    await Promise.race([Promise.all([this.http.idle(), Promise.allSettled(this.calls)]), late.promise]);
    clearTimeout(timer);
    this.share.stop();
    this.http.dismiss();
    for (const each of this.timers) clearInterval(each);
    this.pool.close(new RuntimeError('TENON_RUNTIME_STOPPED', `\`${this.task.spec.name}\` is stopped`));
    this.close();
  }
}
