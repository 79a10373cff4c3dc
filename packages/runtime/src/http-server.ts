/** The HTTP trigger inside a worker thread: requests in, one pooled instance each, and an answer whatever the guest does. */
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { Trap } from '@tenon/component';
import type { Board } from './board.ts';
import { RuntimeError } from './errors.ts';
import type { LogEntry } from './log.ts';
import type { Lease, Pool } from './pool.ts';
import type { TunnelSocket } from './tunnel.ts';

// An import would load everything that the module's lazy exports hold back, which is 8 MB in each thread.
const http = process.getBuiltinModule('node:http');

/** Answers one request. Rejects when the guest traps or returns without an answer. */
export type HttpHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** An instance that can answer requests, one at a time. */
export interface Guest {
  readonly handle: HttpHandler;
  /** Ends it for good, whatever it waits for. */
  end(): void;
}

export interface HttpServerOptions {
  readonly pool: Pool<Guest>;
  readonly board: Board;
  readonly requestTimeoutMs: number;
  /** Interval of the heartbeat and of the look at the deadlines, in milliseconds. */
  readonly tickMs: number;
  readonly logRequests: boolean;
  readonly log: (entry: Omit<LogEntry, 'workload' | 'time'>) => void;
}

/** A response that says so before its head goes out. */
class BoardResponse extends http.ServerResponse {
  beforeHead: (() => void) | undefined = undefined;

  // biome-ignore lint/suspicious/noExplicitAny: passes on whatever overload it was called with
  override writeHead(...args: [any, any?, any?]): this {
    this.beforeHead?.();
    return super.writeHead(...args);
  }
}

/** One request under way. */
interface Flight {
  readonly request: IncomingMessage;
  readonly response: BoardResponse;
  readonly started: number;
  lease: Lease<Guest> | undefined;
  /** The client has gone. */
  gone: boolean;
  /** Its time was up, and the guest was ended. */
  ended: boolean;
}

/** Instances that were not needed for so long are let go. */
const TRIM_MS = 10_000;

export class HttpServer {
  private readonly options: HttpServerOptions;
  private readonly server: Server;
  private readonly flights = new Set<Flight>();
  private readonly ticking: NodeJS.Timeout;
  private readonly trimming: NodeJS.Timeout;
  private draining = false;

  constructor(options: HttpServerOptions) {
    this.options = options;
    const listener: RequestListener<typeof IncomingMessage, typeof BoardResponse> = (request, response) =>
      void this.serve(request, response);
    this.server = http.createServer({ ServerResponse: BoardResponse }, listener);
    // Node begins to enforce its time limits for heads and bodies with this event, and closes idle connections only then.
    this.server.emit('listening');
    this.ticking = setInterval(() => this.tick(), options.tickMs);
    this.trimming = setInterval(() => options.pool.trim(), TRIM_MS);
  }

  /** Serves a connection. */
  accept(socket: Duplex): void {
    this.server.emit('connection', socket);
  }

  /** Lets requests under way finish and closes the other connections. */
  drain(): void {
    this.draining = true;
    for (const { response } of this.flights) if (!response.headersSent) response.setHeader('connection', 'close');
    this.server.closeIdleConnections();
  }

  /** Closes what is left. */
  close(): void {
    clearInterval(this.ticking);
    clearInterval(this.trimming);
    this.server.closeAllConnections();
    this.server.close();
  }

  private async serve(request: IncomingMessage, response: BoardResponse): Promise<void> {
    const { board } = this.options;
    const slot = board.enter((request.socket as Duplex as TunnelSocket).connection);
    if (slot === undefined) {
      this.refuse(request, response, 'too many requests are under way');
      return;
    }
    const flight: Flight = { request, response, started: performance.now(), lease: undefined, gone: false, ended: false };
    this.flights.add(flight);
    response.beforeHead = () => board.answering(slot);
    response.on('close', () => {
      board.leave(slot);
      if (!response.writableFinished) flight.gone = true;
      if (this.options.logRequests) this.logRequest(flight);
    });
    if (this.draining) response.setHeader('connection', 'close');
    try {
      await this.handle(flight);
    } finally {
      this.flights.delete(flight);
    }
  }

  private async handle(flight: Flight): Promise<void> {
    const { request, response } = flight;
    try {
      const taken = this.options.pool.acquire();
      const lease = taken instanceof Promise ? await taken : taken;
      if (flight.gone || flight.ended) {
        lease.release();
        return;
      }
      flight.lease = lease;
      await lease.item.handle(request, response);
      lease.release();
    } catch (error) {
      flight.lease?.discard();
      if (error instanceof RuntimeError && error.code === 'TENON_RUNTIME_BUSY') this.refuse(request, response, error.message);
      else if (!flight.ended) this.failed(flight, error);
    }
  }

  private failed(flight: Flight, error: unknown): void {
    const { request, response } = flight;
    const trap = error instanceof Trap ? error : undefined;
    const message = error instanceof Error ? error.message : String(error);
    const where = trap === undefined ? '' : ` in \`${trap.func ?? '?'}\` of component instance \`${trap.component ?? '?'}\``;
    this.options.log({
      level: 'error',
      event: trap === undefined ? 'error' : 'trap',
      message: `${request.method} ${request.url}: ${trap === undefined ? '' : 'trap'}${where}: ${message}`,
      ...description(error),
    });
    answer(response, 500, 'the component failed');
  }

  private refuse(request: IncomingMessage, response: BoardResponse, why: string): void {
    this.options.log({ level: 'warn', event: 'busy', code: 'TENON_RUNTIME_BUSY', message: `${request.method} ${request.url}: ${why}` });
    response.setHeader('retry-after', '1');
    answer(response, 503, 'the service is busy, try again');
  }

  private tick(): void {
    this.options.board.beat();
    const late = performance.now() - this.options.requestTimeoutMs;
    for (const flight of this.flights) {
      // In order of arrival.
      if (flight.started > late) break;
      this.timedOut(flight);
    }
  }

  private timedOut(flight: Flight): void {
    const { request, response } = flight;
    this.flights.delete(flight);
    flight.ended = true;
    flight.lease?.item.end();
    flight.lease?.discard();
    if (flight.gone) return;
    const message = `${request.method} ${request.url}: no answer within ${this.options.requestTimeoutMs} ms`;
    this.options.log({ level: 'error', event: 'timeout', code: 'TENON_RUNTIME_TIMEOUT', message });
    response.shouldKeepAlive = false;
    answer(response, 504, 'the component did not answer in time');
  }

  private logRequest({ request, response, started }: Flight): void {
    const status = response.headersSent ? response.statusCode : 0;
    const durationMs = performance.now() - started;
    const method = request.method ?? '';
    const path = request.url ?? '';
    const outcome = response.writableFinished ? status : `${status} (the client went away)`;
    const message = `${method} ${path} ${outcome} ${durationMs.toFixed(1)} ms`;
    this.options.log({ level: 'info', event: 'request', message, method, path, status, durationMs });
  }
}

/** The runtime's own answers are short texts; a response that has begun can only be cut off. */
function answer(response: ServerResponse, status: number, text: string): void {
  if (response.writableEnded) return;
  if (response.headersSent) {
    response.destroy();
    return;
  }
  for (const name of response.getHeaderNames()) if (name !== 'retry-after' && name !== 'connection') response.removeHeader(name);
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' });
  response.end(`${text}\n`);
}

/** What a log entry says of an error. */
export function description(error: unknown): Pick<LogEntry, 'code' | 'component' | 'func' | 'backtrace'> {
  const found: { -readonly [Name in 'code' | 'component' | 'func' | 'backtrace']?: string } = {};
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') found.code = error.code;
  if (error instanceof Trap) {
    if (error.component !== undefined) found.component = error.component;
    if (error.func !== undefined) found.func = error.func;
  }
  const cause = error instanceof Trap && error.cause instanceof Error ? error.cause : error;
  if (cause instanceof Error && cause.stack !== undefined) found.backtrace = frames(cause.stack, error instanceof Trap);
  return found;
}

/** The frames of a stack; of a trap only those inside wasm, where there are any. */
function frames(stack: string, wasmOnly: boolean): string {
  const lines = stack.split('\n').filter((line) => line.trimStart().startsWith('at '));
  const wasm = lines.filter((line) => line.includes('wasm'));
  return (wasmOnly && wasm.length > 0 ? wasm : lines).join('\n');
}
