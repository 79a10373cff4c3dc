/** One worker thread of a workload, as the main thread sees it. */
import { getCompileCacheDir } from 'node:module';
import { dirname, extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Refusal } from '@tenon/wasi';
import { readComponent } from './component-file.ts';
import { RuntimeError } from './errors.ts';
import { FrameSender, type Frames } from './frames.ts';
import { Heartbeat, Watchdog } from './heartbeat.ts';
import { type ComponentSource, type FromWorker, isFrames, type StartMessage, type ToWorker } from './messages.ts';
import { startError } from './plain-errors.ts';

/** What every thread of a workload is started with; the component may be a path. */
export type ThreadTask = Omit<StartMessage, 'type' | 'heartbeat' | 'component'> & { readonly component: string | ComponentSource };

/** What the first thread has worked out and the next ones need not. */
export type Compiled = Pick<ThreadTask, 'component' | 'handler'>;

export interface ThreadEvents {
  /** Takes a guest's output; more comes when the Promise has settled. */
  readonly output: (message: Extract<FromWorker, { type: 'output' }>) => void | Promise<void>;
  readonly frames: (thread: Thread, frames: Frames) => void;
  /** A guest asked for what is not granted. */
  readonly refused: (refusal: Refusal) => void;
  /** The thread ended without having been asked to. */
  readonly lost: (thread: Thread, reason: Error) => void;
  /** A guest has held the thread for longer than the request timeout. */
  readonly stuck: (thread: Thread) => void;
}

/**
 * Limits of a thread's JavaScript heap, which holds no guest's memory and no body. To collect a nursery takes longer the more requests are
 * under way, and not the larger it is; from this size on it is a twentieth of the thread's time. With a lower ceiling V8 collects earlier.
 */
const HEAP = { maxYoungGenerationSizeMb: 12, maxOldGenerationSizeMb: 256 };

/** The code that a thread begins with. A thread has no compile cache unless it asks for one: where the process has one, it uses the same. */
function bootstrap(): string {
  const cache = getCompileCacheDir();
  // What is told is a folder for this version of Node inside the one that was asked for.
  const enable = cache === undefined ? '' : `require('node:module').enableCompileCache(${JSON.stringify(dirname(cache))});`;
  return `${enable} import(${JSON.stringify(new URL(`./worker${extname(import.meta.url)}`, import.meta.url).href)});`;
}

/** A thread that is told to stop has this long, in milliseconds. */
const STOP_MS = 1000;

export class Thread {
  readonly frames: FrameSender;
  private readonly worker: Worker;
  private readonly heartbeat = new Heartbeat();
  private readonly watchdog: Watchdog;
  private readonly task: ThreadTask;
  private readonly events: ThreadEvents;
  private readonly ended: Promise<void>;
  private watching: NodeJS.Timeout | undefined;
  private expectedToEnd = false;
  private readonly started = performance.now();

  /** Starts a thread and waits until its first instance is up. */
  static async start(task: ThreadTask, events: ThreadEvents): Promise<{ readonly thread: Thread; readonly compiled: Compiled }> {
    const thread = new Thread(task, events);
    try {
      const [compiled] = await Promise.all([thread.ready(), thread.begin()]);
      return { thread, compiled };
    } catch (error) {
      await thread.end();
      throw error;
    }
  }

  private constructor(task: ThreadTask, events: ThreadEvents) {
    this.task = task;
    this.events = events;
    this.watchdog = new Watchdog(this.heartbeat, Math.ceil(task.limits.requestTimeoutMs / task.tickMs) + 2);
    // The guest sees none of the host's environment, so neither does its thread.
    this.worker = new Worker(bootstrap(), {
      eval: true,
      env: {},
      resourceLimits: HEAP,
    });
    this.frames = new FrameSender(this.worker);
    let failure = new Error('the thread ended');
    this.worker.on('error', (error) => {
      failure = error instanceof Error ? error : new Error(String(error));
    });
    this.ended = new Promise((settle) => {
      this.worker.on('exit', () => {
        clearInterval(this.watching);
        settle();
        if (!this.expectedToEnd) events.lost(this, failure);
      });
    });
  }

  /** Says what to serve. A file is read while the thread comes up. */
  private async begin(): Promise<void> {
    const { component: source, ...task } = this.task;
    const component = typeof source === 'string' ? await readComponent(source) : source;
    const message: StartMessage = { type: 'start', heartbeat: this.heartbeat.memory, component, ...task };
    // What was read here is nobody else's, and too large to copy; small files share a buffer with others.
    const own = typeof source === 'string' && component instanceof Uint8Array && component.byteLength === component.buffer.byteLength;
    this.worker.postMessage(message, own ? [component.buffer as ArrayBuffer] : []);
  }

  get ageMs(): number {
    return performance.now() - this.started;
  }

  private ready(): Promise<Compiled> {
    const { startTimeoutMs } = this.task.limits;
    // Until then a failure is the business of who started it.
    this.expectedToEnd = true;
    let failed = false;
    return new Promise((settle, fail) => {
      const late = setTimeout(() => {
        fail(new RuntimeError('TENON_RUNTIME_START', `the first instance did not come up within ${startTimeoutMs} ms`));
      }, startTimeoutMs);
      void this.ended.then(() => {
        clearTimeout(late);
        if (!failed) fail(new RuntimeError('TENON_RUNTIME_START', 'the thread of the workload ended while it started'));
      });
      this.worker.on('error', (error) =>
        fail(new RuntimeError('TENON_RUNTIME_START', `the thread of the workload failed: ${String(error)}`, error)),
      );
      this.worker.on('message', (message: FromWorker) => {
        if (isFrames(message)) {
          this.events.frames(this, message);
        } else if (message.type === 'ready') {
          clearTimeout(late);
          this.expectedToEnd = false;
          this.watch();
          settle({ component: message.component, handler: message.handler });
        } else if (message.type === 'failed') {
          clearTimeout(late);
          failed = true;
          void startError(message.error).then(fail);
        } else if (message.type === 'refused') {
          this.events.refused(message.refusal);
        } else {
          void this.pass(message);
        }
      });
    });
  }

  private async pass(message: Extract<FromWorker, { type: 'output' }>): Promise<void> {
    const { stream, bytes } = message;
    await this.events.output(message);
    this.send({ type: 'taken', stream, bytes: bytes.length });
  }

  private watch(): void {
    this.watching = setInterval(() => {
      if (!this.watchdog.check()) return;
      clearInterval(this.watching);
      this.events.stuck(this);
    }, this.task.tickMs);
  }

  /** Something has held the thread for a while, so that it does nothing else. */
  get silent(): boolean {
    return this.watchdog.silent;
  }

  /** Lets the thread say what it has still to say, and ends it. */
  async stop(): Promise<void> {
    this.expectedToEnd = true;
    this.send({ type: 'stop' });
    const forced = setTimeout(() => void this.worker.terminate(), STOP_MS);
    await this.ended;
    clearTimeout(forced);
  }

  /** Ends the thread at once, whatever it does. */
  async end(): Promise<void> {
    this.expectedToEnd = true;
    await this.worker.terminate();
  }

  private send(message: ToWorker): void {
    this.worker.postMessage(message);
  }
}
