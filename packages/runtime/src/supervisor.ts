/** The supervisor: has the cells, tells each what to run, and replaces one that is lost. It speaks no HTTP and runs no guest. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import type { Cell } from './cell.ts';
import { CellThread } from './cell-thread.ts';
import type { WorkloadConfig } from './config.ts';
import { connectionMemory, forget } from './connections.ts';
import { RuntimeError } from './errors.ts';
import { HostedWorkload } from './hosted-workload.ts';
import type { LogEntry } from './log.ts';
import type { CellMethods, CellSinks } from './messages.ts';
import type { PluginHost, PluginNeeds } from './plugins/needs.ts';
import { startWorker } from './start-worker.ts';
import { CellClock, type TickerMemory, tickerMemory } from './ticker.ts';
import { Workload } from './workload.ts';

/** Pauses before a lost cell is replaced, in milliseconds: they double until one has lived for a while. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 30_000;
const STEADY_MS = 10_000;

/** It does next to nothing. */
const TICKER_HEAP = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 16, stackSizeMb: 1 };

/** Things not granted that are told of. */
const MOST_REFUSALS = 1000;

/** Tells each refusal once, whichever cells it was asked for in. */
function once(log: CellSinks['log']): CellSinks['log'] {
  const told = new Set<string>();
  return (entry: LogEntry) => {
    if (entry.event === 'refused') {
      const key = `${entry.workload} ${entry.message}`;
      if (told.has(key) || told.size >= MOST_REFUSALS) return;
      told.add(key);
    }
    log(entry);
  };
}

export interface SupervisorOptions {
  readonly threads: number;
  readonly worker: URL | undefined;
  readonly sinks: CellSinks;
  /** What its cells begin with. */
  readonly plugins?: PluginHost | undefined;
}

/** The place of one cell; a lost one is replaced in it. */
export interface CellSlot {
  readonly index: number;
  /** Undefined while there is none. */
  cell: CellMethods | undefined;
  /** Calls of exports that are under way there. */
  calls: number;
}

export class Supervisor {
  readonly sinks: CellSinks;
  private readonly options: SupervisorOptions;
  private slots: readonly CellSlot[] | undefined;
  private readonly threads = new Set<CellThread>();
  private readonly hosted = new Map<number, HostedWorkload>();
  private readonly ticker: TickerMemory;
  private ticking: Worker | undefined;
  /** A cell in the calling thread, where one is needed. */
  private here: Promise<Cell> | undefined;
  private readonly stopping = new AbortController();
  private pauseMs = FIRST_PAUSE_MS;
  private lastId = 0;

  constructor(options: SupervisorOptions) {
    this.options = options;
    this.sinks = { ...options.sinks, log: once(options.sinks.log) };
    this.ticker = tickerMemory(options.threads + 1);
  }

  /** Whether guests run in the calling thread. */
  get inThisThread(): boolean {
    return this.options.threads === 0;
  }

  /**
   * Starts a workload in all cells.
   * @param owned whether the bytes are nobody else's
   */
  async start(config: WorkloadConfig, bytes: Promise<Uint8Array>, owned: boolean): Promise<Workload> {
    return new Workload(await this.host(config, bytes, owned));
  }

  /** As {@link Supervisor.start}. @param needs what it needs of plugins; it has no work before it is activated then */
  async host(config: WorkloadConfig, bytes: Promise<Uint8Array>, owned: boolean, needs?: PluginNeeds): Promise<HostedWorkload> {
    if (!this.inThisThread && Object.keys(config.imports).length > 0) {
      const why = 'host functions are closures, which threads cannot share: Runtime.create({ threads: 0 }) runs workloads in this thread';
      throw new RuntimeError(
        'TENON_RUNTIME_OPTION',
        `\`${config.name}\` has imports of its own (${Object.keys(config.imports).join(', ')}); ${why}`,
      );
    }
    // It is read while the threads come up.
    bytes.catch(() => {});
    const slots = await this.cells();
    const hosted = new HostedWorkload(++this.lastId, config, this, slots, needs);
    this.hosted.set(hosted.id, hosted);
    this.setPatience();
    try {
      await hosted.start(await bytes, owned);
    } catch (error) {
      await this.forget(hosted);
      throw error;
    }
    return hosted;
  }

  async forget(hosted: HostedWorkload): Promise<void> {
    await hosted.end();
    this.hosted.delete(hosted.id);
    this.setPatience();
  }

  /** The cells that are there. */
  async running(): Promise<readonly CellMethods[]> {
    return (await this.cells()).flatMap(({ cell }) => cell ?? []);
  }

  /** Memory for the connections of an address. */
  connections(): SharedArrayBuffer {
    return connectionMemory(this.options.threads + 1);
  }

  private async cells(): Promise<readonly CellSlot[]> {
    if (this.slots !== undefined) return this.slots;
    const { threads } = this.options;
    const slots: CellSlot[] = Array.from({ length: Math.max(1, threads) }, (_, index) => ({ index, cell: undefined, calls: 0 }));
    this.slots = slots;
    this.ticking = startWorker(this.options.worker, { ticker: this.ticker }, TICKER_HEAP);
    // It is no reason for a program to go on.
    this.ticking.unref();
    for (const slot of slots) slot.cell = this.inThisThread ? await this.local() : this.thread(slot);
    return slots;
  }

  /** The cell in the calling thread. Its code is loaded only where it is needed. */
  local(): Promise<Cell> {
    const { threads } = this.options;
    this.here ??= import('./cell.ts').then(
      ({ Cell }) => new Cell(threads, new CellClock(this.ticker, threads), this.sinks, this.options.plugins),
    );
    return this.here;
  }

  private thread(slot: CellSlot): CellThread {
    const { worker, plugins } = this.options;
    const lost = (reason: Error): void => {
      this.threads.delete(thread);
      void this.replace(slot, thread, reason);
    };
    const thread: CellThread = new CellThread({ index: slot.index, worker, sinks: this.sinks, ticker: this.ticker, plugins, lost });
    this.threads.add(thread);
    this.setPatience();
    return thread;
  }

  /** No guest can hold a cell for long. Where one does so all the same, the cell is lost when its workloads would have given up. */
  private setPatience(): void {
    const limits = [...this.hosted.values()].map(({ config }) => Math.max(config.limits.requestTimeoutMs, config.limits.startTimeoutMs));
    for (const thread of this.threads) thread.patienceMs = Math.max(0, ...limits);
  }

  private async replace(slot: CellSlot, lost: CellThread, reason: Error): Promise<void> {
    slot.cell = undefined;
    CellClock.forget(this.ticker, slot.index);
    for (const hosted of this.hosted.values()) {
      hosted.log('error', 'restart', `a cell ended and is replaced: ${reason.message}`);
      forget(hosted.connections, slot.index);
    }
    if (lost.ageMs > STEADY_MS) this.pauseMs = FIRST_PAUSE_MS;
    else this.pauseMs = Math.min(2 * this.pauseMs, LONGEST_PAUSE_MS);
    try {
      if (lost.ageMs <= STEADY_MS) await pause(this.pauseMs, undefined, { signal: this.stopping.signal });
    } catch {
      return;
    }
    if (this.stopping.signal.aborted) return;
    slot.cell = this.thread(slot);
    for (const hosted of this.hosted.values()) void hosted.join(slot);
  }

  /** Ends all cells. Workloads have been stopped before. */
  async end(): Promise<void> {
    this.stopping.abort();
    await Promise.all([...this.threads].map((thread) => thread.end()));
    await (await this.here)?.end();
    await this.ticking?.terminate();
  }
}
