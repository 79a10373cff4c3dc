/** The runtime: starts workloads and keeps track of them. */
import type { WorkloadConfig } from './config.ts';
import { RuntimeError } from './errors.ts';
import { formatEntry, type LogEntry } from './log.ts';
import type { ThreadTask } from './thread.ts';
import { Workload, type WorkloadSinks } from './workload.ts';

export interface RuntimeOptions {
  /** Takes what happens; without it, warnings and errors go to stderr as text. */
  readonly log?: (entry: LogEntry) => void;
  /** Whether each request is logged too, at level `info`; false. */
  readonly logRequests?: boolean;
  /**
   * Takes what guests write to their standard output and error; without it, the process's own get it. A guest that writes faster than the
   * Promises settle has to wait.
   */
  readonly output?: (stream: 'stdout' | 'stderr', bytes: Uint8Array, workload: string) => void | Promise<void>;
}

const DEFAULT_HOST = '127.0.0.1';
const CHECKS_PER_TIMEOUT = 20;
const LONGEST_TICK_MS = 1000;

/**
 * Runs components as workloads.
 * @example
 * const runtime = await Runtime.create();
 * const workload = await runtime.startWorkload(new WorkloadConfig('shop.wasm').withInterface('wasi:http/incoming-handler'));
 * console.log(workload.url);
 * await runtime.stop();
 */
export class Runtime {
  private readonly sinks: WorkloadSinks;
  private readonly workloads = new Set<Workload>();
  private stopped = false;

  static async create(options: RuntimeOptions = {}): Promise<Runtime> {
    return new Runtime(options);
  }

  private constructor(options: RuntimeOptions) {
    this.sinks = { logRequests: options.logRequests ?? false, log: options.log ?? logToStderr, output: options.output ?? writeThrough };
  }

  /**
   * Compiles and links a component, makes its first instance and connects its triggers.
   * @throws RuntimeError for a configuration that cannot work, ComponentError for a component that is invalid or lacks an import, and
   *   WasiError for a directory that cannot be granted
   */
  async startWorkload(config: WorkloadConfig): Promise<Workload> {
    this.requireRunning();
    if (config.http === undefined) {
      throw new RuntimeError(
        'TENON_RUNTIME_TRIGGER',
        `nothing would call \`${config.name}\`: add withInterface('wasi:http/incoming-handler')`,
      );
    }
    const { host = DEFAULT_HOST, port = 0, tls } = config.http;
    const workload = await Workload.start(config.name, taskOf(config), { host, port, tls }, this.sinks);
    this.workloads.add(workload);
    void workload.ended.then(() => this.workloads.delete(workload));
    if (this.stopped) await workload.stop();
    this.requireRunning();
    return workload;
  }

  /** Stops all workloads, each within its drain limit. */
  async stop(): Promise<void> {
    this.stopped = true;
    await Promise.all([...this.workloads].map((workload) => workload.stop()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  private requireRunning(): void {
    if (this.stopped) throw new RuntimeError('TENON_RUNTIME_STOPPED', 'the runtime is stopped');
  }
}

function taskOf(config: WorkloadConfig): ThreadTask {
  const { source, limits, args, environment, directories, egress, egressCa, egressPool, sockets } = config;
  const tickMs = Math.min(LONGEST_TICK_MS, Math.ceil(limits.requestTimeoutMs / CHECKS_PER_TIMEOUT));
  const grants = { args, environment, directories, egress, egressCa, egressPool, sockets };
  return { component: source, handler: undefined, ...grants, limits, tickMs };
}

function logToStderr(entry: LogEntry): void {
  if (entry.level !== 'info') process.stderr.write(`${formatEntry(entry)}\n`);
}

function writeThrough(stream: 'stdout' | 'stderr', bytes: Uint8Array): Promise<void> {
  // Whether it was written or nobody reads it any more: it is no longer here.
  return new Promise((settle) => process[stream].write(bytes, () => settle()));
}
