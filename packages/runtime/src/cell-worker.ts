/** A cell in a worker thread: the supervisor is on the other side of the port. */
import { flushCompileCache } from 'node:module';
import { parentPort } from 'node:worker_threads';
import { BACKTRACE_FRAMES } from '@tenon/component';
import { Cell } from './cell.ts';
import { Heartbeat } from './heartbeat.ts';
import type { LogEntry } from './log.ts';
import type { CellSettings, CellSinks, FromCell, Started, ToCell } from './messages.ts';
import { plainError } from './plain-errors.ts';
import { CellClock } from './ticker.ts';

const post = (message: FromCell): void => parentPort?.postMessage(message);

/** Sends the entries of a turn of the event loop as one message. */
class Log {
  private entries: LogEntry[] = [];

  readonly add = (entry: LogEntry): void => {
    if (this.entries.length === 0) setImmediate(this.flush);
    this.entries.push(entry);
    // Whoever gets an error for an answer may look for its reason at once.
    if (entry.level !== 'info') this.flush();
  };

  readonly flush = (): void => {
    if (this.entries.length > 0) post({ type: 'log', entries: this.entries });
    this.entries = [];
  };
}

const log = new Log();
/** Outputs that were not taken yet. */
const outputs = new Map<number, () => void>();
let lastOutput = 0;

const output: CellSinks['output'] = (bytes) =>
  new Promise((settle) => {
    outputs.set(++lastOutput, settle);
    post({ type: 'output', ask: lastOutput, output: bytes });
  });

/** Calls that may still be aborted. */
const calls = new Map<number, AbortController>();

const remember: CellSinks['remember'] = (workload, key, value) => post({ type: 'remember', workload, key, value });

let cell: Cell | undefined;

function begin({ logRequests, heartbeat, ticker, cell: index, plugins }: CellSettings): void {
  // This thread is the guests' own.
  Error.stackTraceLimit = BACKTRACE_FRAMES;
  cell = new Cell(index, new CellClock(ticker, index), { logRequests, log: log.add, output, remember }, plugins);
  const beat = new Heartbeat(heartbeat);
  setInterval(() => beat.beat(), Heartbeat.INTERVAL_MS);
}

/** What a thread leaves for the next one, it leaves when it has been of use. */
async function start(host: Cell, { id, task }: Extract<ToCell, { type: 'start' }>): Promise<Started> {
  process.exitCode ??= 1;
  const started = await host.start(id, task);
  process.exitCode = 0;
  return started;
}

async function answer(ask: number, method: () => Promise<unknown>): Promise<void> {
  try {
    post({ type: 'result', ask, value: await method() });
  } catch (error) {
    post({ type: 'failed', ask, error: plainError(error) });
  }
}

async function call(host: Cell, { ask, id, call: what }: Extract<ToCell, { type: 'call' }>): Promise<void> {
  const controller = new AbortController();
  calls.set(ask, controller);
  await answer(ask, () => host.call(id, what, controller.signal));
  calls.delete(ask);
}

/** Guests may still wait for something: the thread ends all the same. */
function end(): void {
  log.flush();
  process.exit();
}

function receive(host: Cell, message: ToCell): void {
  switch (message.type) {
    case 'begin':
      break;
    case 'start':
      // A thread may be ended at any time, and would then leave nothing for the next one.
      void answer(message.ask, () => start(host, message)).then(() => setImmediate(flushCompileCache));
      break;
    case 'stop':
      void answer(message.ask, () => host.stop(message.id)).then(log.flush);
      break;
    case 'renew':
      void answer(message.ask, () => host.renew(message.id, message.credentials));
      break;
    case 'activate':
      void answer(message.ask, () => host.activate(message.id, message.activation));
      break;
    case 'usage':
      void answer(message.ask, () => host.usage(message.id));
      break;
    case 'probe':
      void answer(message.ask, () => host.probe(message.id, message.path, message.timeoutMs));
      break;
    case 'health':
      void answer(message.ask, () => host.health());
      break;
    case 'call':
      void call(host, message);
      break;
    case 'abort':
      calls.get(message.ask)?.abort();
      break;
    case 'taken':
      outputs.get(message.ask)?.();
      outputs.delete(message.ask);
      break;
    case 'end':
      end();
  }
}

/** Begins to listen to the supervisor. */
export function serve(): void {
  parentPort?.on('message', (message: ToCell) => {
    if (message.type === 'begin') begin(message.settings);
    else if (cell !== undefined) receive(cell, message);
  });
}
