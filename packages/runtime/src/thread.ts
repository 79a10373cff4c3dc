/** One worker thread of a workload, as the main thread sees it. */
import { fstatSync, writeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { Board, Watchdog } from './board.ts';
import { RuntimeError } from './errors.ts';
import type { FromWorker, PlainError, StartMessage, ToWorker } from './messages.ts';

/** What every thread of a workload is started with. */
export type ThreadTask = Omit<StartMessage, 'type' | 'board'>;

export interface ThreadEvents {
  readonly message: (message: Extract<FromWorker, { type: 'log' | 'output' }>) => void;
  /** The thread ended without having been asked to. */
  readonly lost: (thread: Thread, reason: Error) => void;
  /** A guest has held the thread for longer than the request timeout. */
  readonly stuck: (thread: Thread) => void;
}

/** Requests whose answers are still being sent count as well, beside those with an instance and those in the queue. */
const SPARE_SLOTS = 1024;

export class Thread {
  private readonly worker: Worker;
  private readonly board: Board;
  private readonly task: ThreadTask;
  private readonly events: ThreadEvents;
  private readonly ended: Promise<void>;
  private watching: NodeJS.Timeout | undefined;
  private expectedToEnd = false;
  private readonly started = performance.now();

  /** Starts a thread and waits until it listens. Resolves to the thread and its port. */
  static async start(task: ThreadTask, events: ThreadEvents): Promise<{ readonly thread: Thread; readonly port: number }> {
    const thread = new Thread(task, events);
    try {
      return { thread, port: await thread.listening() };
    } catch (error) {
      await thread.end();
      throw error;
    }
  }

  private constructor(task: ThreadTask, events: ThreadEvents) {
    this.task = task;
    this.events = events;
    this.board = Board.ofCapacity(task.limits.maxInstances + task.limits.maxQueue + SPARE_SLOTS);
    // The guest sees none of the host's environment, so neither does its thread.
    this.worker = new Worker(new URL('./worker.ts', import.meta.url), { env: {}, name: task.handler });
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
    this.send({ type: 'start', board: this.board.memory, ...task });
  }

  get ageMs(): number {
    return performance.now() - this.started;
  }

  private listening(): Promise<number> {
    const { startTimeoutMs } = this.task.limits;
    // Until it listens, a failure is the business of who started it.
    this.expectedToEnd = true;
    return new Promise((settle, fail) => {
      const late = setTimeout(() => {
        fail(new RuntimeError('TENON_RUNTIME_START', `the first instance did not come up within ${startTimeoutMs} ms`));
      }, startTimeoutMs);
      void this.ended.then(() => {
        clearTimeout(late);
        fail(new RuntimeError('TENON_RUNTIME_START', 'the thread of the workload ended while it started'));
      });
      this.worker.on('error', (error) =>
        fail(new RuntimeError('TENON_RUNTIME_START', `the thread of the workload failed: ${String(error)}`, error)),
      );
      this.worker.on('message', (message: FromWorker) => {
        if (message.type === 'listening') {
          clearTimeout(late);
          this.expectedToEnd = false;
          this.watch();
          settle(message.port);
        } else if (message.type === 'failed') {
          clearTimeout(late);
          fail(startError(message.error, this.task));
        } else {
          this.events.message(message);
        }
      });
    });
  }

  private watch(): void {
    const { tickMs, limits } = this.task;
    const watchdog = new Watchdog(this.board, Math.ceil(limits.requestTimeoutMs / tickMs) + 1);
    this.watching = setInterval(() => {
      if (!watchdog.check()) return;
      clearInterval(this.watching);
      this.events.stuck(this);
    }, tickMs);
  }

  /**
   * Answers the clients that a stuck thread leaves waiting: 504 to those that waited for the whole limit, 503 to the others.
   * Returns how many got 504.
   */
  answerWaiting(): number {
    const { requestTimeoutMs } = this.task.limits;
    let late = 0;
    for (const { fd, ageMs } of this.board.waiting()) {
      const timedOut = ageMs >= requestTimeoutMs;
      if (timedOut) late++;
      answerSocket(fd, timedOut ? TIMED_OUT : RESTARTED);
    }
    return late;
  }

  /** Lets requests under way finish within the drain limit, then ends the thread. */
  async drain(): Promise<void> {
    this.expectedToEnd = true;
    this.send({ type: 'stop' });
    const forced = setTimeout(() => void this.worker.terminate(), this.task.limits.drainTimeoutMs + 1000);
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

const response = (status: string, text: string): Buffer =>
  Buffer.from(
    `HTTP/1.1 ${status}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: ${text.length}\r\nretry-after: 1\r\nconnection: close\r\n\r\n${text}`,
  );
const TIMED_OUT = response('504 Gateway Timeout', 'the component did not answer in time\n');
const RESTARTED = response('503 Service Unavailable', 'the component was restarted, try again\n');

function answerSocket(fd: number, bytes: Buffer): void {
  try {
    if (fstatSync(fd).isSocket()) writeSync(fd, bytes);
  } catch {
    // The client is gone or does not read; it is cut off in a moment.
  }
}

function startError(error: PlainError, task: ThreadTask): RuntimeError {
  if (error.code === 'EADDRINUSE' || error.code === 'EACCES' || error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND') {
    return addressError(error.code, task.host, task.port);
  }
  const backtrace = error.backtrace === undefined ? '' : `\n${error.backtrace}`;
  return new RuntimeError('TENON_RUNTIME_START', `the workload could not start: ${error.message}${backtrace}`);
}

const ADDRESS_PROBLEMS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is taken',
  EACCES: 'this user may not listen on the port',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'no such host',
};

/** Says why an address cannot be listened on. */
export function addressError(code: string, host: string, port: number): RuntimeError {
  return new RuntimeError('TENON_RUNTIME_ADDRESS', `cannot listen on ${host}:${port}: ${ADDRESS_PROBLEMS[code] ?? code}`);
}
