/** The entry of a worker thread: one workload's HTTP server and its pool of instances. */
import { flushCompileCache } from 'node:module';
import { parentPort } from 'node:worker_threads';
import type { Component } from '@tenon/component';
import { wasi } from '@tenon/wasi';
import { Board } from './board.ts';
import { FrameSender } from './frames.ts';
import { HttpServer, type HttpServerOptions } from './http-server.ts';
import { guestMaker, handlerName, load } from './load.ts';
import type { LogEntry } from './log.ts';
import { type FromWorker, isFrames, type StartMessage, type ToWorker } from './messages.ts';
import { plainError } from './plain-errors.ts';
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

/** What serves once the start message has come. */
class Service {
  private readonly log = new Log();
  private readonly server: HttpServer;
  private readonly frames = new FrameSender(port);
  readonly tunnels: Tunnels;

  /** Makes the first instance. Throws what stands in the way. */
  constructor(message: StartMessage, component: Component, handler: string) {
    const { limits, tickMs, logRequests } = message;
    const system = wasi({
      env: message.environment,
      preopens: message.directories,
      http: message.egress,
      httpCa: message.egressCa,
      stdout: (bytes) => post({ type: 'output', stream: 'stdout', bytes }),
      stderr: (bytes) => post({ type: 'output', stream: 'stderr', bytes }),
    });
    const pool = new Pool(guestMaker(component, handler, system), limits);
    pool.warm();
    const log: HttpServerOptions['log'] = (entry) => this.log.add(entry);
    const board = new Board(message.board);
    this.server = new HttpServer({ pool, board, limits, tickMs, logRequests, log });
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

async function start(message: StartMessage): Promise<void> {
  try {
    const { component, release } = await load(message.component);
    const handler = message.handler ?? handlerName(component);
    service = new Service(message, component, handler);
    post({ type: 'ready', component: { ...component.share(), bytes: new Uint8Array() }, handler });
    release();
    // A thread may be ended at any time, and would then leave nothing for the next one.
    setImmediate(flushCompileCache);
  } catch (error) {
    post({ type: 'failed', error: plainError(error) });
    port.close();
  }
}

port.on('message', (message: ToWorker) => {
  if (isFrames(message)) service?.tunnels.receive(message);
  else if (message.type === 'start') void start(message);
  else void service?.stop();
});
