/** One address in a cell: Node's own servers on its own sockets, and the workloads that take requests there. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { ListenOptions, Server as NetServer, Socket } from 'node:net';
import type { TLSSocket, Server as TlsServer } from 'node:tls';
import { answer, isHttp2, isSpoilt, linger, type Response } from './answers.ts';
import type { Credentials } from './certificate.ts';
import type { Limits } from './config.ts';
import type { ConnectionCount } from './connections.ts';
import { RuntimeError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import type { HttpRequests } from './http-requests.ts';
import type { Arrival, Http2Server } from './http2-server.ts';
import type { Log } from './log.ts';
import { type Refusal, type Request, refusal } from './protocol.ts';
import { Router } from './router.ts';

// Imports would load everything that the modules' lazy exports hold back, which is 8 MB.
const http = process.getBuiltinModule('node:http');
const net = process.getBuiltinModule('node:net');

/** A client that wants TLS has this long to agree on it. */
const HANDSHAKE_MS = 10_000;

/** How a client begins that speaks HTTP/2 without having been asked (RFC 9113, section 3.4). */
const PREFACE = Buffer.from('PRI * HTTP/2.0');

export interface HttpServerOptions {
  /** Those of the workload that was first at this address: they hold for its connections. */
  readonly limits: Limits;
  /** How often time limits are looked at, in milliseconds. */
  readonly tickMs: number;
  /** With credentials, clients must speak TLS. */
  readonly credentials: Credentials | undefined;
  /** Connections of all cells at this address. */
  readonly connections: ConnectionCount;
  /** Whether other cells listen there too. */
  readonly shared: boolean;
  readonly logRequests: boolean;
  readonly log: Log;
}

/** A request and the workload that it is for. */
interface Boarding {
  readonly exchange: Exchange;
  readonly workload: HttpRequests;
}

export class HttpServer {
  readonly routes: Router<HttpRequests> = new Router();
  private readonly options: HttpServerOptions;
  /** Who listens and accepts. */
  private readonly door: NetServer;
  private readonly http1: Server;
  /** Made with the first connection that needs it. */
  private http2: Promise<Http2Server> | undefined;
  /** All connections, and whether they are of HTTP/2. */
  private readonly sockets = new Map<Socket, boolean>();
  /** Connections that have not agreed on TLS yet. */
  private readonly handshakes = new Set<Socket>();
  /** The last request of each connection of HTTP/1.1 that is not over. */
  private readonly last = new WeakMap<Socket, Boarding>();
  /** Connections on which bytes came that are no request. */
  private readonly misunderstood = new WeakSet<Socket>();
  private arrived: Boarding[] = [];
  private readonly stallTimeoutMs: number;
  private draining = false;
  private closed = false;

  constructor(options: HttpServerOptions) {
    this.options = options;
    const { limits, credentials } = options;
    this.stallTimeoutMs = stallTimeoutMs(limits);
    this.http1 = this.newHttp1();
    this.door = credentials === undefined ? this.newDoor() : this.newTlsDoor(credentials);
    // Those of other cells are counted when they are here; beyond this, Node closes a connection without looking at it.
    this.door.maxConnections = limits.maxConnections;
  }

  private newHttp1(): Server {
    const { limits, tickMs } = this.options;
    const settings = {
      maxHeaderSize: limits.maxHeaderBytes,
      headersTimeout: limits.headerTimeoutMs,
      // The guest's own limit ends what takes too long, and silence in the middle of a body is watched here.
      requestTimeout: 0,
      keepAliveTimeout: limits.idleTimeoutMs,
      connectionsCheckingInterval: tickMs,
    };
    const server = http.createServer(settings, (request, response) => this.arrive(request, response, false));
    server.on('checkContinue', (request, response) => this.arrive(request, response, true));
    // Node would close the connection without a word.
    server.on('connect', (_request, socket) => {
      socket.write(CONNECT_REFUSED);
      linger(socket as Socket);
    });
    server.on('clientError', (error, socket) => this.malformed(error, socket as Socket));
    // However many there are: their bytes are limited, and of those that Node left out nobody would know.
    server.maxHeadersCount = 0;
    server.timeout = this.stallTimeoutMs;
    // Node begins to enforce its time limits for heads with this event, and closes idle connections only then.
    server.emit('listening');
    return server;
  }

  private newDoor(): NetServer {
    return net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      if (!this.accept(socket)) return;
      // Whether it is HTTP/2 says the first piece.
      const look = (): void => {
        const piece = socket.read() as Buffer | null;
        // Nothing to read is the end.
        if (piece === null) {
          socket.destroy();
          return;
        }
        socket.off('readable', look);
        socket.unshift(piece);
        this.serve(socket, beginsHttp2(piece));
      };
      socket.on('readable', look);
    });
  }

  private newTlsDoor(credentials: Credentials): TlsServer {
    // Node's TLS is loaded where it is needed.
    const tls = process.getBuiltinModule('node:tls');
    const options = {
      ...credentials,
      allowHalfOpen: true,
      noDelay: true,
      handshakeTimeout: HANDSHAKE_MS,
      ALPNProtocols: ['h2', 'http/1.1'],
    };
    const door = tls.createServer(options, (socket) => {
      if (this.accept(socket)) this.serve(socket, socket.alpnProtocol === 'h2');
    });
    door.on('connection', (socket: Socket) => {
      this.handshakes.add(socket);
      socket.on('close', () => this.handshakes.delete(socket));
    });
    door.on('tlsClientError', (_error, socket) => socket.destroy());
    return door;
  }

  /** New connections get this certificate; those that are there keep theirs. */
  renew(credentials: Credentials): void {
    (this.door as TlsServer).setSecureContext(credentials);
  }

  /**
   * Starts to accept.
   * @param first whether it is the first cell there: then nobody else may be
   * @returns the port
   * @throws RuntimeError TENON_RUNTIME_ADDRESS
   */
  async listen(host: string, port: number, first: boolean): Promise<number> {
    // Another process of the same user could otherwise share the port without either knowing.
    if (this.options.shared && first && port !== 0) await requireFree(host, port);
    return new Promise((settle, fail) => {
      this.door.once('error', (error: NodeJS.ErrnoException) => fail(addressError(error, host, port)));
      const options: ListenOptions = { host, port, exclusive: true, reusePort: this.options.shared };
      this.door.listen(options, () => {
        const address = this.door.address();
        settle(address !== null && typeof address !== 'string' ? address.port : port);
      });
    });
  }

  /** Accepts no more connections, closes idle ones, and the others with their last response. */
  drain(): void {
    this.draining = true;
    this.door.close();
    this.http1.closeIdleConnections();
    void this.http2?.then((server) => server.drain());
  }

  /** Resolves when every connection is closed; after `timeoutMs` they are closed by force. */
  async close(timeoutMs: number): Promise<void> {
    this.closed = true;
    if (this.door.listening) this.door.close();
    const force = setTimeout(() => {
      for (const socket of this.sockets.keys()) socket.destroy();
    }, timeoutMs);
    for (const [socket, http2] of this.sockets) {
      // Sessions of HTTP/2 close by themselves, and what was written goes out first.
      if (http2 || socket.writableEnded) continue;
      if (socket.writableLength > 0) socket.end();
      else socket.destroy();
    }
    await Promise.all([...this.sockets.keys()].map((socket) => new Promise((closed) => socket.once('close', closed))));
    clearTimeout(force);
    for (const socket of this.handshakes) socket.destroy();
    this.http1.close();
  }

  /** Returns whether there is room for one more. */
  private accept(socket: Socket): boolean {
    const { connections } = this.options;
    if (!connections.enter()) {
      socket.destroy();
      return false;
    }
    this.sockets.set(socket, false);
    socket.on('close', () => {
      this.sockets.delete(socket);
      connections.leave();
    });
    // `close` follows, which is what counts.
    socket.on('error', () => {});
    // Node ends a connection of HTTP/1.1 by it once the last response is out.
    socket.destroySoon = () => linger(socket);
    socket.setTimeout(this.stallTimeoutMs, () => socket.destroy());
    if (this.closed) socket.destroy();
    return !this.closed;
  }

  private serve(socket: Socket, http2: boolean): void {
    if (!http2) {
      this.http1.emit('connection', socket);
      return;
    }
    this.sockets.set(socket, true);
    // A session has its own.
    socket.setTimeout(0);
    this.http2 ??= this.newHttp2();
    void this.http2.then((server) => {
      if (!socket.destroyed) server.accept(socket);
    });
  }

  private async newHttp2(): Promise<Http2Server> {
    const { Http2Server } = await import('./http2-server.ts');
    const board: Arrival = (request, response, waits) => {
      this.board(request, response, request.stream.session?.encrypted === true, waits);
    };
    const server = new Http2Server(this.options.limits, board, this.options.log);
    if (this.draining) server.drain();
    return server;
  }

  private arrive(request: IncomingMessage, response: ServerResponse, waits: boolean): void {
    const { socket } = request;
    if (isSpoilt(socket)) return;
    if (this.draining) response.setHeader('connection', 'close');
    this.board(request, response, (socket as TLSSocket).encrypted === true, waits);
  }

  /** Bytes came that are no HTTP, or not in time. What was asked before them is answered first: answers come in order. */
  private malformed(error: NodeJS.ErrnoException, socket: Socket): void {
    const last = this.last.get(socket);
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    // Whatever is behind a request that says it is the last is nobody's.
    if (this.misunderstood.has(socket) || isSpoilt(socket) || error.code === 'HPE_CLOSED_CONNECTION') return;
    this.misunderstood.add(socket);
    const refusal = parserRefusal(error);
    if (last === undefined) {
      this.refuseBytes(socket, refusal);
    } else if (last.exchange.request.complete) {
      last.exchange.response.once('close', () => this.refuseBytes(socket, refusal));
    } else if (!last.exchange.response.writableEnded) {
      last.workload.giveUp(last.exchange, refusal.status, refusal.why);
    } else {
      linger(socket);
    }
  }

  private refuseBytes(socket: Socket, refusal: Refusal): void {
    if (!socket.writable || isSpoilt(socket)) return;
    const { status, why } = refusal;
    const { logRequests, log } = this.options;
    if (logRequests) log({ level: 'info', event: 'request', message: `${status} refused: ${why}`, status, durationMs: 0 });
    socket.write(`HTTP/1.1 ${status} ${http.STATUS_CODES[status]}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
    linger(socket);
  }

  private board(request: Request, response: Response, secure: boolean, waits: boolean): void {
    const refused = refusal(request, secure, this.workload(request)?.limits ?? this.options.limits);
    // A target in absolute form has its own host.
    const workload = this.workload(request);
    if (refused !== undefined) {
      workload?.forbidden(request, refused);
      answer(response, refused.status, refused.why, true);
      return;
    }
    if (workload === undefined) {
      answer(response, 404, 'nothing is served here');
      return;
    }
    const boarding = { workload, exchange: workload.arrive(request, response, waits) };
    if (!isHttp2(response)) {
      const { socket } = response.req;
      this.last.set(socket, boarding);
      response.on('close', () => {
        if (request.complete && this.last.get(socket) === boarding) this.last.delete(socket);
      });
    }
    // What came together with the head is parsed first: a request that breaks the protocol in its body is then known for what it is.
    if (this.arrived.length === 0) setImmediate(this.submit);
    this.arrived.push(boarding);
  }

  private workload({ headers, url = '', method }: Request): HttpRequests | undefined {
    return this.routes.find((headers[':authority'] as string | undefined) ?? headers.host, url, method);
  }

  private readonly submit = (): void => {
    const { arrived } = this;
    this.arrived = [];
    for (const { workload, exchange } of arrived) void workload.serve(exchange);
  };
}

async function requireFree(host: string, port: number): Promise<void> {
  const probe = net.createServer();
  try {
    await new Promise<void>((settle, fail) => probe.once('error', fail).listen({ host, port, exclusive: true }, settle));
  } catch (error) {
    throw addressError(error as NodeJS.ErrnoException, host, port);
  }
  await new Promise((closed) => probe.close(closed));
}

const CONNECT_REFUSED = 'HTTP/1.1 405 Method Not Allowed\r\nconnection: close\r\ncontent-length: 0\r\n\r\n';

const PARSER_REFUSALS: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: { status: 431, why: 'header fields that are too long' },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: 413, why: 'extensions of chunks that are too long' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, why: 'the request did not come in time' },
};

/** What Node's parser found, as an answer to it. */
function parserRefusal({ code = '' }: NodeJS.ErrnoException): Refusal {
  return PARSER_REFUSALS[code] ?? { status: 400, why: `what came is no HTTP (${code})` };
}

/** The preface may come in pieces, but no other request begins as its first piece does. */
function beginsHttp2(chunk: Buffer): boolean {
  const length = Math.min(chunk.length, PREFACE.length);
  return length >= 3 && chunk.compare(PREFACE, 0, length, 0, length) === 0;
}

/** Whoever neither sends nor takes a byte for longer than a connection may be idle and a guest may think is gone, or means ill. */
const stallTimeoutMs = (limits: Limits): number => Math.min(limits.idleTimeoutMs + limits.requestTimeoutMs, 2 ** 31 - 1);

const ADDRESS_PROBLEMS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is taken',
  EACCES: 'this user may not listen on the port',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'no such host',
};

function addressError(error: NodeJS.ErrnoException, host: string, port: number): RuntimeError {
  const why = ADDRESS_PROBLEMS[error.code ?? ''] ?? error.message;
  return new RuntimeError('TENON_RUNTIME_ADDRESS', `cannot listen on ${host}:${port}: ${why}`, error);
}
