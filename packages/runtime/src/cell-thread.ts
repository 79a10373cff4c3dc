/** A cell in a worker thread, as the supervisor sees it. */
import type { Worker } from 'node:worker_threads';
import type { Credentials } from './certificate.ts';
import { RuntimeError } from './errors.ts';
import { Heartbeat, Watchdog } from './heartbeat.ts';
import type { Activation, CellMethods, CellSinks, CellTask, CellUsage, ExportCall, FromCell, Started, ToCell } from './messages.ts';
import { madeAnew } from './plain-errors.ts';
import type { PluginHost } from './plugins/needs.ts';
import { startWorker } from './start-worker.ts';
import type { TickerMemory } from './ticker.ts';

/**
 * Limits of a cell's JavaScript heap, which holds no guest's memory and no body. To collect a nursery takes longer the more requests are
 * under way, and not the larger it is; from this size on it is a twentieth of the thread's time. With a lower ceiling V8 collects earlier.
 */
const HEAP = { maxYoungGenerationSizeMb: 12, maxOldGenerationSizeMb: 256 };

/** A cell that is told to end has this long, in milliseconds. */
const END_MS = 1000;

export interface CellThreadOptions {
  /** Which of the runtime's cells it is. */
  readonly index: number;
  /** The file that the thread runs; beside this one unless given. */
  readonly worker: URL | undefined;
  readonly sinks: CellSinks;
  readonly ticker: TickerMemory;
  readonly plugins: PluginHost | undefined;
  /** The thread ended without having been asked to, or a guest holds it and it was ended. */
  readonly lost: (reason: Error) => void;
}

export class CellThread implements CellMethods {
  private readonly worker: Worker;
  private readonly sinks: CellSinks;
  private readonly ended: Promise<void>;
  private readonly asked = new Map<number, PromiseWithResolvers<unknown>>();
  private readonly watching: NodeJS.Timeout;
  private readonly started = performance.now();
  private lastAsk = 0;
  private expectedToEnd = false;
  private failure = new Error('the thread ended');
  /** A cell that shows no life for longer is replaced, in milliseconds. */
  patienceMs = 0;

  constructor({ index, worker, sinks, ticker, plugins, lost }: CellThreadOptions) {
    this.sinks = sinks;
    this.worker = startWorker(worker, {}, HEAP);
    const heartbeat = new Heartbeat();
    this.send({ type: 'begin', settings: { logRequests: sinks.logRequests, heartbeat: heartbeat.memory, ticker, cell: index, plugins } });
    this.worker.on('message', (message: FromCell) => this.receive(message));
    this.worker.on('error', (error) => {
      this.failure = error instanceof Error ? error : new Error(String(error));
    });
    this.ended = new Promise((settle) => {
      this.worker.on('exit', () => {
        clearInterval(this.watching);
        settle();
        const why = new RuntimeError(
          'TENON_RUNTIME_CELL',
          `the thread ended before it had answered: ${this.failure.message}`,
          this.failure,
        );
        for (const { reject } of this.asked.values()) reject(why);
        this.asked.clear();
        if (!this.expectedToEnd) lost(this.failure);
      });
    });
    const watchdog = new Watchdog(heartbeat);
    this.watching = setInterval(() => {
      if (watchdog.check() * Heartbeat.INTERVAL_MS <= this.patienceMs + 2 * Heartbeat.INTERVAL_MS || this.patienceMs === 0) return;
      this.failure = new Error(`something held it for over ${this.patienceMs} ms`);
      void this.worker.terminate();
    }, Heartbeat.INTERVAL_MS);
  }

  get ageMs(): number {
    return performance.now() - this.started;
  }

  start(id: number, task: CellTask): Promise<Started> {
    const { component, owned } = task;
    // They may be megabytes, and nobody else needs them.
    const transfer = owned && component instanceof Uint8Array ? [component.buffer as ArrayBuffer] : [];
    return this.ask((ask) => ({ type: 'start', ask, id, task }), transfer) as Promise<Started>;
  }

  async stop(id: number): Promise<void> {
    await this.ask((ask) => ({ type: 'stop', ask, id }));
  }

  activate(id: number, activation: Activation): Promise<readonly number[]> {
    return this.ask((ask) => ({ type: 'activate', ask, id, activation })) as Promise<readonly number[]>;
  }

  usage(id: number): Promise<CellUsage> {
    return this.ask((ask) => ({ type: 'usage', ask, id })) as Promise<CellUsage>;
  }

  probe(id: number, path: string, timeoutMs: number): Promise<number> {
    return this.ask((ask) => ({ type: 'probe', ask, id, path, timeoutMs })) as Promise<number>;
  }

  health(): ReturnType<CellMethods['health']> {
    return this.ask((ask) => ({ type: 'health', ask })) as ReturnType<CellMethods['health']>;
  }

  async renew(id: number, credentials: Credentials): Promise<void> {
    await this.ask((ask) => ({ type: 'renew', ask, id, credentials }));
  }

  call(id: number, call: ExportCall, signal?: AbortSignal): Promise<unknown> {
    let abort = (): void => {};
    const answered = this.ask((ask) => {
      abort = () => this.send({ type: 'abort', ask });
      return { type: 'call', ask, id, call };
    });
    if (signal === undefined) return answered;
    signal.addEventListener('abort', abort);
    return answered.finally(() => signal.removeEventListener('abort', abort));
  }

  private ask(message: (ask: number) => ToCell, transfer: ArrayBuffer[] = []): Promise<unknown> {
    const ask = ++this.lastAsk;
    const answered = Promise.withResolvers<unknown>();
    this.asked.set(ask, answered);
    try {
      this.send(message(ask), transfer);
    } catch (error) {
      this.asked.delete(ask);
      answered.reject(error);
    }
    return answered.promise;
  }

  private send(message: ToCell, transfer: ArrayBuffer[] = []): void {
    this.worker.postMessage(message, transfer);
  }

  private receive(message: FromCell): void {
    if (message.type === 'log') {
      for (const entry of message.entries) this.sinks.log(entry);
      return;
    }
    if (message.type === 'remember') {
      this.sinks.remember(message.workload, message.key, message.value);
      return;
    }
    if (message.type === 'output') {
      const taken = (): void => this.send({ type: 'taken', ask: message.ask });
      const taking = this.sinks.output(message.output);
      if (taking === undefined) taken();
      else void taking.finally(taken);
      return;
    }
    const asked = this.asked.get(message.ask);
    this.asked.delete(message.ask);
    if (message.type === 'result') asked?.resolve(message.value);
    else if (asked !== undefined) void madeAnew(message.error).then(asked.reject);
  }

  /** Lets the thread say what it has still to say, and ends it. */
  async end(): Promise<void> {
    this.expectedToEnd = true;
    this.send({ type: 'end' });
    const forced = setTimeout(() => void this.worker.terminate(), END_MS);
    await this.ended;
    clearTimeout(forced);
  }
}
