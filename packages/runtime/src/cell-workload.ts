/** One workload in one cell: its component, its pool of instances, and what it is granted there. */
import { type Component, ComponentError, type Instance, provider } from '@tenon/component';
import type { Invocation } from '@tenon/plugin';
import { wasi } from '@tenon/wasi';
import { collectSoon } from './collect.ts';
import type { Imports, Limits, Reuse } from './config.ts';
import { CpuShare } from './cpu-share.ts';
import { RuntimeError } from './errors.ts';
import { type Guest, type GuestMaker, guestMaker, handlerName, isService, noHandler, type Provided } from './guest.ts';
import { HttpRequests } from './http-requests.ts';
import { load } from './load.ts';
import type { Log } from './log.ts';
import type { CellSinks, CellTask, CellUsage, ComponentSource, ExportCall, Names } from './messages.ts';
import { Activity, activities, OutputLines } from './output.ts';
import { startError } from './plain-errors.ts';
import type { BoundWorkload, CellPlugins } from './plugins/cell-plugins.ts';
import { fullName } from './plugins/needs.ts';
import { Pool } from './pool.ts';
import { Probe } from './probe.ts';
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
  readonly plugins?: CellPlugins | undefined;
  /** Finds the workload that runs under a full name. */
  readonly linked?: ((name: string) => CellWorkload | undefined) | undefined;
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
  private readonly bound: BoundWorkload | undefined;
  private readonly maker: GuestMaker;
  /** What it imports and exports. */
  readonly names: Names;
  private endTriggers: (() => Promise<void>) | undefined;
  private servedAgain = false;
  private stopped = false;

  /**
   * Compiles and links the component and makes its first instance.
   * @throws ComponentError, WasiError, RuntimeError
   */
  static async start(task: CellTask, surroundings: Surroundings): Promise<CellWorkload> {
    try {
      const { component, release } = await load(task.component, task.owned, task.spec.limits);
      const bound = await bindPlugins(task, component, surroundings);
      try {
        const workload = new CellWorkload(task, component, surroundings, bound);
        release();
        return workload;
      } catch (error) {
        await bound?.unbind();
        throw error;
      }
    } catch (error) {
      throw startError(error);
    }
  }

  private constructor(
    task: CellTask,
    component: Component,
    { imports, sinks, clock, linked }: Surroundings,
    bound: BoundWorkload | undefined,
  ) {
    this.task = task;
    this.bound = bound;
    this.names = namesOf(task, component);
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
    const links = Object.entries(task.needs?.links ?? {});
    const maker = guestMaker(component, {
      system,
      handler,
      imports: { ...imports, ...bound?.imports },
      limits,
      clock: clock.clock,
      pause: () => this.share.wait(),
      fresh: this.reuse === 'fresh',
      provide: links.length === 0 ? undefined : () => provideLinks(links, linked),
    });
    this.maker = maker;
    this.share = new CpuShare(limits.cpuShare, maker.usage, () => this.pool.resume());
    const shares = isService(handler) && this.reuse !== 'fresh';
    this.pool = new Pool<Guest>(
      {
        make: () => maker.make(this.reuse === 'reset'),
        renew: (guest) => this.reuse === 'keep' || (this.reuse === 'reset' && guest.reset()),
        end: (guest) => guest.end(),
        paused: () => this.share.wait() !== undefined,
        held: () => this.http.held(),
        shed: () => this.http.shed(),
        free: () => shares,
      },
      // What it counts are requests at the same time.
      shares ? { ...limits, maxInstances: limits.maxInstances * limits.maxConcurrency } : limits,
    );
    const { logRequests } = sinks;
    this.http = new HttpRequests({
      name,
      limits,
      clock,
      logRequests,
      pool: this.pool,
      log: this.log,
      finish: this.finish,
      reused: this.reused,
    });
    this.pool.warm();
    this.shared = { ...component.share(), bytes: new Uint8Array() };
    this.timers = [
      setInterval(() => this.http.tick(performance.now()), tickMs(limits.requestTimeoutMs)).unref(),
      setInterval(() => {
        if (this.pool.trim() > 0) collectSoon();
      }, TRIM_MS).unref(),
    ];
  }

  /** Its full name, where it is one of a host. */
  get fullName(): string | undefined {
    return this.task.needs && fullName(this.task.needs.identity);
  }

  /** @throws RuntimeError TENON_RUNTIME_EXPORT when it exports no handler of requests */
  requireHandler(): void {
    if (this.handler !== undefined) return;
    throw new RuntimeError(
      'TENON_RUNTIME_EXPORT',
      `\`${this.task.spec.name}\` has routes, and its component exports no handler of HTTP requests`,
    );
  }

  get limits(): Limits {
    return this.task.spec.limits;
  }

  usage(): CellUsage {
    const { memoryBytes, cpuMs } = this.maker.usage;
    return { requests: this.http.requests, failures: this.http.failures, instances: this.pool.size, memory: memoryBytes, cpuMs };
  }

  /** Sends a request in process. @returns the status of the answer */
  async probe(path: string, timeoutMs: number): Promise<number> {
    const taken = this.pool.acquire();
    const lease = taken instanceof Promise ? await taken : taken;
    const probe = new Probe(path);
    this.clock.enter();
    try {
      await lease.item.respond(probe.request, probe, { timeoutMs, cpuMs: this.limits.maxCpuMs });
      lease.release();
    } catch (error) {
      lease.discard();
      throw error;
    } finally {
      this.clock.leave();
    }
    return probe.status;
  }

  /** Makes an instance for a workload that is linked to this one. */
  instantiateFor(): Instance {
    return this.maker.instantiate();
  }

  /** A workload that this one may be linked to runs anew. */
  providerChanged(name: string): void {
    if (Object.values(this.task.needs?.links ?? {}).includes(name)) this.pool.refresh();
  }

  async startTriggers(): Promise<void> {
    this.endTriggers = await this.bound?.startTriggers(new Set(this.names.exports), (invocation) => this.invoke(invocation));
  }

  async stopTriggers(): Promise<void> {
    const end = this.endTriggers;
    this.endTriggers = undefined;
    await end?.();
  }

  private invoke({ export: name, args, timeoutMs = this.limits.requestTimeoutMs, signal }: Invocation): Promise<unknown> {
    return this.call({ path: name.split('#'), args, timeoutMs }, signal);
  }
  /** A guest that was made for one request answers no second one. It is known by that none of its instances ever has. */
  private readonly reused = (served: boolean): void => {
    this.servedAgain ||= served;
    if (served || this.servedAgain || this.reuse !== 'keep') return;
    this.reuse = 'reset';
    this.pool.clear();
    const message = 'its instances answer one request and no second one: from now on each is made as new after a request';
    this.log({ level: 'warn', event: 'reuse', message });
  };

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
    // A service may run for ever, and compute as long.
    const forEver = timeoutMs === Number.POSITIVE_INFINITY;
    const limits = forEver ? { signal } : { timeoutMs, cpuMs: this.task.spec.limits.maxCpuMs, signal };
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
    const triggersEnded = this.stopTriggers();
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, drainTimeoutMs);
    await Promise.race([Promise.all([this.http.idle(), triggersEnded, Promise.allSettled(this.calls)]), late.promise]);
    clearTimeout(timer);
    this.share.stop();
    this.http.dismiss();
    for (const each of this.timers) clearInterval(each);
    this.pool.close(new RuntimeError('TENON_RUNTIME_STOPPED', `\`${this.task.spec.name}\` is stopped`));
    this.close();
    await this.bound?.unbind();
  }
}

/** Interfaces that the system provides itself. */
const SYSTEM = /^wasi:(cli|clocks|filesystem|http|io|random|sockets)\//;

async function bindPlugins(task: CellTask, component: Component, { plugins, imports }: Surroundings): Promise<BoundWorkload | undefined> {
  const { needs } = task;
  if (needs === undefined || plugins === undefined) return undefined;
  const given = [...Object.keys(imports), ...Object.keys(needs.links)];
  const wanted = namesOf(task, component).imports.filter((name) => !SYSTEM.test(name) && provider(given, name) === undefined);
  return plugins.bind(needs, wanted, task.spec.limits.maxInstanceHostBytes);
}

/** A component that another cell has compiled comes without the bytes that would tell. */
const namesOf = ({ names }: CellTask, component: Component): Names =>
  names ?? { imports: component.imports.map(({ name }) => name), exports: component.exports.map(({ name }) => name) };

/** Instances of the workloads that one is linked to. */
function provideLinks(links: readonly (readonly [name: string, workload: string])[], linked: Surroundings['linked']): Provided {
  const instances = new Map<string, Instance>();
  const end = (): void => {
    for (const instance of instances.values()) instance.end();
  };
  const imports: Record<string, unknown> = {};
  try {
    for (const [name, workload] of links) {
      const found = linked?.(workload);
      if (found === undefined)
        throw new RuntimeError('TENON_LINK', `\`${name}\` is linked to the workload ${workload}, which does not run`);
      const instance = instances.get(workload) ?? found.instantiateFor();
      instances.set(workload, instance);
      const key = provider(Object.keys(instance.exports), name);
      if (key === undefined)
        throw new RuntimeError('TENON_LINK', `the workload ${workload} does not export \`${name}\` in a version that fits`);
      imports[name] = instance.exports[key];
    }
  } catch (error) {
    end();
    throw error;
  }
  return { imports, end };
}
