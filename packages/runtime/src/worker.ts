/** The entry of a worker thread: one workload's HTTP server and its pool of instances. */
import { parentPort } from 'node:worker_threads';
import { Component, Linker } from '@tenon/component';
import { createIncomingHandler, type Handle, wasi } from '@tenon/wasi';
import { Board } from './board.ts';
import { RuntimeError } from './errors.ts';
import { FrameSender } from './frames.ts';
import { description, type HttpHandler, HttpServer, type HttpServerOptions } from './http-server.ts';
import type { LogEntry } from './log.ts';
import { type FromWorker, isFrames, type StartMessage, type ToWorker } from './messages.ts';
import { Pool } from './pool.ts';
import { Tunnels } from './tunnel.ts';

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
    http: message.egress,
    stdout: (bytes) => post({ type: 'output', stream: 'stdout', bytes }),
    stderr: (bytes) => post({ type: 'output', stream: 'stderr', bytes }),
  });
  const linker = new Linker();
  system.defineIn(linker);
  const prepared = linker.prepareSync(Component.fromShared(message.component));
  return () => {
    const { handle } = prepared.instantiateSync().exports[message.handler] as { readonly handle?: Handle };
    if (typeof handle === 'function') return createIncomingHandler(handle);
    throw new RuntimeError('TENON_RUNTIME_EXPORT', `\`${message.handler}\` has no function \`handle\``);
  };
}

/** What serves once the start message has come. */
class Service {
  private readonly log = new Log();
  private readonly server: HttpServer;
  private readonly frames = new FrameSender(port);
  readonly tunnels: Tunnels;

  constructor(message: StartMessage) {
    const { limits, tickMs, logRequests } = message;
    const pool = new Pool(handlers(message), limits);
    pool.warm();
    const log: HttpServerOptions['log'] = (entry) => this.log.add(entry);
    const board = new Board(message.board);
    this.server = new HttpServer({ pool, board, requestTimeoutMs: limits.requestTimeoutMs, tickMs, logRequests, log });
    this.tunnels = new Tunnels(this.frames, (socket) => this.server.accept(socket));
  }

  async stop(): Promise<void> {
    this.server.drain();
    await this.tunnels.empty();
    this.server.close();
    this.frames.flush();
    this.log.flush();
    port.close();
  }
}

let service: Service | undefined;

function start(message: StartMessage): void {
  try {
    service = new Service(message);
    post({ type: 'ready' });
  } catch (error) {
    const { code, backtrace } = description(error);
    post({ type: 'failed', error: { code, backtrace, message: error instanceof Error ? error.message : String(error) } });
    port.close();
  }
}

port.on('message', (message: ToWorker) => {
  if (isFrames(message)) service?.tunnels.receive(message);
  else if (message.type === 'start') start(message);
  else void service?.stop();
});
