/** The entry of a worker thread: one workload's HTTP server and its pool of instances. */
import { parentPort } from 'node:worker_threads';
import { Component, Linker } from '@tenon/component';
import { createIncomingHandler, wasi } from '@tenon/wasi';
import { Board } from './board.ts';
import { description, type HttpHandler, HttpServer } from './http-server.ts';
import type { LogEntry } from './log.ts';
import type { FromWorker, StartMessage, ToWorker } from './messages.ts';
import { Pool } from './pool.ts';

if (parentPort === null) throw new Error('internal error: this file runs in a worker thread');
const port = parentPort;
const post = (message: FromWorker): void => port.postMessage(message);

/** Log entries of one turn of the event loop travel together. */
class Log {
  private entries: Omit<LogEntry, 'workload'>[] = [];

  add(entry: Omit<LogEntry, 'workload' | 'time'>): void {
    if (this.entries.length === 0) setImmediate(() => this.flush());
    this.entries.push({ ...entry, time: Date.now() });
  }

  flush(): void {
    if (this.entries.length > 0) post({ type: 'log', entries: this.entries });
    this.entries = [];
  }
}

function handlers(message: StartMessage): () => HttpHandler {
  const system = wasi({
    env: message.environment,
    preopens: message.directories,
    stdout: (bytes) => post({ type: 'output', stream: 'stdout', bytes }),
    stderr: (bytes) => post({ type: 'output', stream: 'stderr', bytes }),
  });
  const linker = new Linker();
  system.defineIn(linker);
  const prepared = linker.prepareSync(Component.fromShared(message.component));
  return () => {
    const { handle } = prepared.instantiateSync().exports[message.handler] as { handle: Parameters<typeof createIncomingHandler>[0] };
    return createIncomingHandler(handle);
  };
}

async function start(message: StartMessage): Promise<HttpServer> {
  const log = new Log();
  const pool = new Pool(handlers(message), message.limits);
  pool.warm();
  const server = new HttpServer({
    pool,
    board: new Board(message.board),
    requestTimeoutMs: message.limits.requestTimeoutMs,
    tickMs: message.tickMs,
    logRequests: message.logRequests,
    log: (entry) => log.add(entry),
  });
  const { host, port: wanted, reusePort } = message;
  post({ type: 'listening', port: await server.listen({ host, port: wanted, reusePort, exclusive: true }) });
  return server;
}

let running: Promise<HttpServer> | undefined;
let drainTimeoutMs = 0;

async function receive(message: ToWorker): Promise<void> {
  if (message.type === 'start') {
    drainTimeoutMs = message.limits.drainTimeoutMs;
    running = start(message);
    running.catch((error: unknown) => {
      const { code, backtrace } = description(error);
      post({ type: 'failed', error: { code, backtrace, message: error instanceof Error ? error.message : String(error) } });
      port.close();
    });
  } else {
    await (await running)?.drain(drainTimeoutMs);
    // What the last requests logged goes out before the thread ends.
    setImmediate(() => port.close());
  }
}

port.on('message', (message: ToWorker) => void receive(message));
