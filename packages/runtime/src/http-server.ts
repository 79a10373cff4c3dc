/** The HTTP trigger inside a worker thread: requests in, one pooled instance each, and an answer whatever the guest does. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { Trap } from '@tenon/component';
import type { Board } from './board.ts';
import type { Limits } from './config.ts';
import { RuntimeError } from './errors.ts';
import type { Http2Server } from './http2-server.ts';
import type { LogEntry } from './log.ts';
import type { Lease, Pool } from './pool.ts';
import { type Refusal, type Request, refusal, tooLong } from './protocol.ts';
import type { TunnelSocket } from './tunnel.ts';

// An import would load everything that the module's lazy exports hold back, which is 8 MB in each thread.
const http = process.getBuiltinModule('node:http');

export type Response = ServerResponse | Http2ServerResponse;

/** Answers one request. Rejects when the guest traps or returns without an answer. */
export type HttpHandler = (request: Request, response: Response) => Promise<void>;

/** An instance that can answer requests, one at a time. */
export interface Guest {
  readonly handle: HttpHandler;
  /** Ends it for good, whatever it waits for. */
  end(): void;
}

export interface HttpServerOptions {
  readonly pool: Pool<Guest>;
  readonly board: Board;
  readonly limits: Limits;
  /** Interval of the heartbeat and of the look at the deadlines, in milliseconds. */
  readonly tickMs: number;
  readonly logRequests: boolean;
  readonly log: (entry: Omit<LogEntry, 'workload' | 'time'>) => void;
}

/** A request whose body's bytes are told of as they come. */
export interface Counted {
  counted: ((bytes: number) => void) | undefined;
}

/** A response that says so before its head goes out. */
export interface Announced {
  beforeHead: (() => void) | undefined;
}

class CountedRequest extends http.IncomingMessage implements Counted {
  counted: ((bytes: number) => void) | undefined = undefined;

  override push(chunk: Buffer | null, encoding?: BufferEncoding): boolean {
    if (chunk !== null) this.counted?.(chunk.length);
    return super.push(chunk, encoding);
  }
}

class AnnouncedResponse extends http.ServerResponse<CountedRequest> implements Announced {
  beforeHead: (() => void) | undefined = undefined;

  // biome-ignore lint/suspicious/noExplicitAny: passes on whatever overload it was called with
  override writeHead(...args: [any, any?, any?]): this {
    this.beforeHead?.();
    return super.writeHead(...args);
  }
}

/** One request under way. */
interface Flight {
  readonly socket: TunnelSocket;
  readonly request: Request & Counted;
  readonly response: Response & Announced;
  readonly started: number;
  lease: Lease<Guest> | undefined;
  /** The client has gone. */
  gone: boolean;
  /** It was answered from here, and the guest was ended. */
  ended: boolean;
  /** What the connection had received when it was last looked at, and since when it has received nothing more. */
  received: number;
  silentSince: number;
}

/** Instances that were not needed for so long are let go. */
const TRIM_MS = 10_000;

export class HttpServer {
  private readonly options: HttpServerOptions;
  private readonly server: Server<typeof CountedRequest, typeof AnnouncedResponse>;
  /** Made with the first connection that needs it. */
  private http2: Promise<Http2Server> | undefined;
  private readonly flights = new Set<Flight>();
  /** Those whose body is still on its way. */
  private readonly uploads = new Set<Flight>();
  private readonly ticking: NodeJS.Timeout;
  private readonly trimming: NodeJS.Timeout;
  private draining = false;

  constructor(options: HttpServerOptions) {
    this.options = options;
    const { limits, tickMs } = options;
    const settings = {
      IncomingMessage: CountedRequest,
      ServerResponse: AnnouncedResponse,
      maxHeaderSize: limits.maxHeaderBytes,
      headersTimeout: limits.headerTimeoutMs,
      // The guest's own limit ends what takes too long, and silence in the middle of a body is watched here.
      requestTimeout: 0,
      keepAliveTimeout: limits.idleTimeoutMs,
      connectionsCheckingInterval: tickMs,
    };
    this.server = http.createServer(settings, (request, response) => this.arrive(request, response, false));
    this.server.on('checkContinue', (request, response) => this.arrive(request, response, true));
    // Node would close the connection without a word.
    this.server.on('connect', (_request, socket) => socket.end(CONNECT_REFUSED));
    // Node begins to enforce its time limits for heads with this event, and closes idle connections only then.
    this.server.emit('listening');
    this.ticking = setInterval(() => this.tick(), tickMs);
    this.trimming = setInterval(() => options.pool.trim(), TRIM_MS);
  }

  /** Serves a connection. */
  accept(socket: TunnelSocket): void {
    if (!socket.http2) this.server.emit('connection', socket);
    else {
      this.http2 ??= this.startHttp2();
      void this.http2.then((server) => server.accept(socket));
    }
  }

  private async startHttp2(): Promise<Http2Server> {
    const { Http2Server } = await import('./http2-server.ts');
    const server = new Http2Server(this.options.limits, (socket, request, response, waits) => this.board(socket, request, response, waits));
    if (this.draining) server.drain();
    return server;
  }

  /** Lets requests under way finish and closes the other connections. */
  drain(): void {
    this.draining = true;
    for (const { response } of this.flights)
      if (response instanceof http.ServerResponse && !response.headersSent) response.setHeader('connection', 'close');
    this.server.closeIdleConnections();
    void this.http2?.then((server) => server.drain());
  }

  /** Closes what is left. */
  close(): void {
    clearInterval(this.ticking);
    clearInterval(this.trimming);
    this.server.closeAllConnections();
    this.server.close();
    void this.http2?.then((server) => server.close());
  }

  private arrive(request: CountedRequest, response: AnnouncedResponse, waits: boolean): void {
    const socket = request.socket as unknown as TunnelSocket;
    if (socket.refused) return;
    if (this.draining) response.setHeader('connection', 'close');
    this.board(socket, request, response, waits);
  }

  /** @param waits whether the client sends its body only when it is told to */
  private board(socket: TunnelSocket, request: Request & Counted, response: Response & Announced, waits: boolean): void {
    const { limits, board } = this.options;
    const refused = refusal(request, socket.encrypted, limits);
    if (refused !== undefined) {
      socket.refused = !socket.http2;
      if (this.options.logRequests) this.logRefusal(request, refused);
      answer(response, refused.status, refused.why, true);
      return;
    }
    const slot = board.enter(socket.connection);
    if (slot === undefined) {
      this.busy(request, response, 'too many requests are under way');
      return;
    }
    const flight: Flight = {
      socket,
      request,
      response,
      started: performance.now(),
      lease: undefined,
      gone: false,
      ended: false,
      received: 0,
      silentSince: 0,
    };
    this.flights.add(flight);
    response.beforeHead = () => board.answering(slot);
    response.on('close', () => {
      board.leave(slot);
      this.uploads.delete(flight);
      flight.gone ||= !complete(response);
      if (this.options.logRequests) this.logRequest(flight);
    });
    let body = 0;
    request.counted = (bytes) => {
      body += bytes;
      if (body > limits.maxBodyBytes && !flight.ended) this.giveUp(flight, tooLong(limits).status, tooLong(limits).why);
    };
    void this.serve(flight, waits);
  }

  private async serve(flight: Flight, waits: boolean): Promise<void> {
    // What came together with the head is parsed first: a request that breaks the protocol in its body is then known for what it is.
    await undefined;
    try {
      const { socket, request, response } = flight;
      if (flight.gone || flight.ended || broken(socket, response)) return;
      if (bodyFollows(request)) {
        flight.silentSince = flight.started;
        this.uploads.add(flight);
      }
      await this.handle(flight, waits);
    } finally {
      this.flights.delete(flight);
    }
  }

  private async handle(flight: Flight, waits: boolean): Promise<void> {
    const { request, response } = flight;
    try {
      const taken = this.options.pool.acquire();
      const lease = taken instanceof Promise ? await taken : taken;
      if (flight.gone || flight.ended) {
        lease.release();
        return;
      }
      flight.lease = lease;
      if (waits) response.writeContinue();
      await lease.item.handle(request, response);
      lease.release();
    } catch (error) {
      flight.lease?.discard();
      if (error instanceof RuntimeError && error.code === 'TENON_RUNTIME_BUSY') this.busy(request, response, error.message);
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

  private busy(request: Request, response: Response, why: string): void {
    this.options.log({ level: 'warn', event: 'busy', code: 'TENON_RUNTIME_BUSY', message: `${request.method} ${request.url}: ${why}` });
    response.setHeader('retry-after', '1');
    answer(response, 503, 'the service is busy, try again');
  }

  private tick(): void {
    const { board, limits } = this.options;
    board.beat();
    const now = performance.now();
    for (const flight of this.flights) {
      // In order of arrival.
      if (flight.started > now - limits.requestTimeoutMs) break;
      this.timedOut(flight);
    }
    for (const flight of this.uploads) this.watch(flight, now);
  }

  /** Looks whether the client still sends the body that it has promised. */
  private watch(flight: Flight, now: number): void {
    const { request, socket } = flight;
    if (request.complete || flight.ended) {
      this.uploads.delete(flight);
    } else if (socket.received !== flight.received || request.readableLength > 0) {
      flight.received = socket.received;
      flight.silentSince = now;
    } else if (now - flight.silentSince > this.options.limits.bodyTimeoutMs) {
      this.giveUp(flight, 408, 'the body did not come in time');
    }
  }

  private timedOut(flight: Flight): void {
    const { request, gone } = flight;
    if (!gone) {
      const message = `${request.method} ${request.url}: no answer within ${this.options.limits.requestTimeoutMs} ms`;
      this.options.log({ level: 'error', event: 'timeout', code: 'TENON_RUNTIME_TIMEOUT', message });
    }
    this.giveUp(flight, 504, 'the component did not answer in time');
  }

  /** Ends the guest and answers in its place. */
  private giveUp(flight: Flight, status: number, why: string): void {
    this.flights.delete(flight);
    this.uploads.delete(flight);
    flight.ended = true;
    flight.socket.refused = !flight.socket.http2;
    flight.lease?.item.end();
    flight.lease?.discard();
    if (!flight.gone) answer(flight.response, status, why, true);
  }

  private logRequest({ request, response, started, gone }: Flight): void {
    const status = response.headersSent ? response.statusCode : 0;
    const durationMs = performance.now() - started;
    const method = request.method ?? '';
    const path = request.url ?? '';
    const outcome = gone ? `${status} (the client went away)` : status;
    const message = `${method} ${path} ${outcome} ${durationMs.toFixed(1)} ms`;
    this.options.log({ level: 'info', event: 'request', message, method, path, status, durationMs });
  }

  private logRefusal({ method = '', url: path = '' }: Request, { status, why }: Refusal): void {
    const message = `${method} ${path} ${status} refused: ${why}`;
    this.options.log({ level: 'info', event: 'request', message, method, path, status, durationMs: 0 });
  }
}

const CONNECT_REFUSED = 'HTTP/1.1 405 Method Not Allowed\r\nconnection: close\r\ncontent-length: 0\r\n\r\n';

const isHttp2 = (message: Response): message is Http2ServerResponse => 'stream' in message;

/** Whether the connection broke, or was answered by Node because what followed the head was no HTTP. */
function broken(socket: TunnelSocket, response: Response): boolean {
  return isHttp2(response) ? response.stream.destroyed || response.stream.closed : socket.destroyed || socket.writableEnded;
}

function bodyFollows(request: Request): boolean {
  return 'stream' in request ? !(request as Http2ServerRequest).stream.endAfterHeaders : !(request as IncomingMessage).complete;
}

/** Whether all of the response went out. */
function complete(response: Response): boolean {
  return isHttp2(response) ? response.writableEnded && response.stream.rstCode === 0 : response.writableFinished;
}

/**
 * The runtime's own answers are short texts; a response that has begun can only be cut off.
 * @param last whether nothing more is read from the client: of a connection of HTTP/1.1 it is the last answer
 */
function answer(response: Response, status: number, text: string, last = false): void {
  if (response.writableEnded) return;
  if (response.headersSent) {
    response.destroy();
    return;
  }
  for (const name of response.getHeaderNames()) if (name !== 'retry-after' && name !== 'connection') response.removeHeader(name);
  const headers = { 'content-type': 'text/plain; charset=utf-8' };
  if (isHttp2(response)) {
    response.writeHead(status, headers).end(`${text}\n`);
    // Whoever has its answer need not send the rest (RFC 9113, section 8.1).
    const { stream } = response;
    if (last && !stream.endAfterHeaders) stream.on('finish', () => stream.close());
    return;
  }
  if (last) response.shouldKeepAlive = false;
  response.writeHead(status, headers).end(`${text}\n`);
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
