/** The runtime: starts workloads in cells, and keeps both going. */
import { readComponent } from './component-file.ts';
import type { WorkloadConfig } from './config.ts';
import { RuntimeError } from './errors.ts';
import { formatEntry, type LogEntry } from './log.ts';
import type { CellSinks } from './messages.ts';
import { Supervisor } from './supervisor.ts';
import type { Workload } from './workload.ts';

export interface RuntimeOptions {
  /**
   * Cells in threads of their own, 1 unless given: each has its own listeners and instances of every workload. With 0 there is one cell, in the
   * calling thread; then host functions may be closures. Where the system cannot share a port among threads (macOS, Windows), only one listens.
   */
  readonly threads?: number;
  /** Takes what happens; without it, warnings and errors go to stderr as text. */
  readonly log?: (entry: LogEntry) => void;
  /** Whether each request is logged too, at level `info`; false. */
  readonly logRequests?: boolean;
  /**
   * Takes what guests write to their standard output and error, whole lines as far as they write lines, with the request or call that it was
   * written for; without it, the process's own get it. A guest that writes faster than the Promises settle has to wait.
   */
  readonly output?: (stream: 'stdout' | 'stderr', bytes: Uint8Array, workload: string, request: string | undefined) => void | Promise<void>;
  /**
   * The file that worker threads run. For programs that are bundled into one file: bundle `@tenon/runtime/worker` as another one, and name it here.
   * @example Runtime.create({ worker: new URL('./tenon-worker.js', import.meta.url) })
   */
  readonly worker?: URL;
}

const MOST_THREADS = 256;

/**
 * Runs components as workloads.
 * @example
 * const runtime = await Runtime.create();
 * const workload = await runtime.startWorkload(new WorkloadConfig('shop.wasm').withInterface('wasi:http/incoming-handler'));
 * console.log(workload.url);
 * await runtime.stop();
 */
export class Runtime {
  private readonly supervisor: Supervisor;
  private readonly workloads = new Set<Workload>();
  private stopped: Promise<void> | undefined;

  /** @throws RuntimeError TENON_RUNTIME_OPTION for a number of threads that cannot be */
  static async create(options: RuntimeOptions = {}): Promise<Runtime> {
    return new Runtime(options);
  }

  private constructor({ threads = 1, log = logToStderr, logRequests = false, output = writeThrough, worker }: RuntimeOptions) {
    if (!Number.isInteger(threads) || threads < 0 || threads > MOST_THREADS) {
      throw new RuntimeError('TENON_RUNTIME_OPTION', `\`threads\` is ${threads}, but must be an integer from 0 to ${MOST_THREADS}`);
    }
    const sinks: CellSinks = {
      log,
      logRequests,
      remember: () => {},
      output: ({ stream, bytes, workload, request }) => output(stream, bytes, workload, request),
    };
    this.supervisor = new Supervisor({ threads, worker, sinks });
  }

  /**
   * Compiles and links a component, makes its first instances and connects its triggers.
   * @throws RuntimeError for a configuration that cannot work, ComponentError for a component that is invalid or lacks an import, and
   *   WasiError for a directory that cannot be granted
   */
  async startWorkload(config: WorkloadConfig): Promise<Workload> {
    this.requireRunning();
    const { component } = config.spec;
    const read = typeof component === 'string' ? readComponent(component) : Promise.resolve(component);
    const workload = await this.supervisor.start(config, read, typeof component === 'string');
    this.workloads.add(workload);
    void workload.ended.then(() => this.workloads.delete(workload));
    if (this.stopped !== undefined) await workload.stop();
    this.requireRunning();
    return workload;
  }

  /** Stops all workloads, each within its drain limit. */
  stop(): Promise<void> {
    this.stopped ??= this.end();
    return this.stopped;
  }

  private async end(): Promise<void> {
    await Promise.all([...this.workloads].map((workload) => workload.stop()));
    await this.supervisor.end();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  private requireRunning(): void {
    if (this.stopped !== undefined) throw new RuntimeError('TENON_RUNTIME_STOPPED', 'the runtime is stopped');
  }
}

function logToStderr(entry: LogEntry): void {
  if (entry.level !== 'info') process.stderr.write(`${formatEntry(entry)}\n`);
}

function writeThrough(stream: 'stdout' | 'stderr', bytes: Uint8Array): Promise<void> {
  // Whether it was written or nobody reads it any more: it is no longer here.
  return new Promise((settle) => process[stream].write(bytes, () => settle()));
}
