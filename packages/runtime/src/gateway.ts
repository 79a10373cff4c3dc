/**
 * The main thread's end of connections. It owns the listening socket and every connection, and passes bytes to the threads and back.
 * So it can still answer when a guest holds a thread for ever, and a thread can be replaced without a connection being refused.
 */
import { createServer, type Server, type Socket } from 'node:net';
import type { Server as TlsServer } from 'node:tls';
import type { ConnectionState } from './board.ts';
import type { Credentials } from './certificate.ts';
import { RuntimeError } from './errors.ts';
import {
  bytesOf,
  CLOSE,
  CREDIT,
  CREDIT_STEP,
  DATA,
  END,
  type FrameSender,
  type Frames,
  HTTP2,
  OPEN,
  type Payload,
  receiveFrames,
  SECURE,
  WINDOW,
} from './frames.ts';

/** A thread that serves connections. */
export interface Backend {
  readonly frames: FrameSender;
}

/** After an answer from here the client has this long to take it, before the connection is closed whatever it still sends. */
const LINGER_MS = 2000;

/** A client that wants TLS has this long to agree on it. */
const HANDSHAKE_MS = 10_000;

/** How a client begins that speaks HTTP/2 without having been asked (RFC 9113, section 3.4). */
const PREFACE = Buffer.from('PRI * HTTP/2.0');

export interface GatewayOptions {
  readonly maxConnections: number;
  /** A connection on which no byte goes either way for this long is closed, in milliseconds. */
  readonly stallTimeoutMs: number;
  /** With credentials, clients must speak TLS. */
  readonly credentials: Credentials | undefined;
}

class Connection {
  readonly id: number;
  readonly socket: Socket;
  /** What it is, as OPEN says it; known with the first bytes. */
  kind: number | undefined;
  backend: Backend | undefined;
  /** Sent to the thread and not credited yet. */
  unacknowledged = 0;
  /** Received from the thread, not yet credited. */
  owed = 0;
  /** Bytes went to the thread and none came back since. */
  unanswered = false;
  ended = false;
  /** The last answer is on its way; what the client still sends is of no interest. */
  closing = false;

  constructor(id: number, socket: Socket, kind: number | undefined) {
    this.id = id;
    this.socket = socket;
    this.kind = kind;
  }
}

export class Gateway {
  private readonly server: Server;
  private readonly connections = new Map<number, Connection>();
  private readonly backends: Backend[] = [];
  private readonly stallTimeoutMs: number;
  /** Connections that have not agreed on TLS yet. */
  private readonly handshakes = new Set<Socket>();
  private closed = false;
  private turn = 0;
  private nextId = 1;

  constructor({ maxConnections, stallTimeoutMs, credentials }: GatewayOptions) {
    this.stallTimeoutMs = stallTimeoutMs;
    if (credentials === undefined) {
      this.server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (socket) => this.accept(socket, undefined));
    } else {
      // Node's TLS is loaded where it is needed.
      const tls = process.getBuiltinModule('node:tls');
      const options = {
        ...credentials,
        allowHalfOpen: true,
        noDelay: true,
        handshakeTimeout: HANDSHAKE_MS,
        ALPNProtocols: ['h2', 'http/1.1'],
      };
      this.server = tls.createServer(options, (socket) => {
        socket.pause();
        this.accept(socket, socket.alpnProtocol === 'h2' ? SECURE | HTTP2 : SECURE);
      });
      this.server.on('connection', (socket: Socket) => {
        this.handshakes.add(socket);
        socket.on('close', () => this.handshakes.delete(socket));
      });
      this.server.on('tlsClientError', (_error, socket) => socket.destroy());
    }
    this.server.maxConnections = maxConnections;
  }

  /** New connections get this certificate; those that are there keep theirs. */
  renew(credentials: Credentials): void {
    (this.server as TlsServer).setSecureContext(credentials);
  }

  /**
   * Starts to accept. Connections wait until there is a thread.
   * @returns the port
   * @throws RuntimeError TENON_RUNTIME_ADDRESS
   */
  listen(host: string, port: number): Promise<number> {
    return new Promise((settle, fail) => {
      this.server.once('error', (error: NodeJS.ErrnoException) => fail(addressError(error, host, port)));
      this.server.listen({ host, port, exclusive: true }, () => {
        const address = this.server.address();
        settle(address !== null && typeof address !== 'string' ? address.port : port);
      });
    });
  }

  /** Adds a thread; connections that wait for one go to it. */
  add(backend: Backend): void {
    this.backends.push(backend);
    for (const connection of this.connections.values()) if (connection.backend === undefined) connection.socket.resume();
  }

  /**
   * Takes a thread out. A connection with a request under way gets an answer from here, or is cut off in mid-answer; an idle one goes on
   * with another thread.
   * @param states the connections with a request under way, as the thread noted them
   * @returns how many clients got 504
   */
  remove(backend: Backend, states: ReadonlyMap<number, ConnectionState>, timeoutMs: number): number {
    const index = this.backends.indexOf(backend);
    if (index >= 0) this.backends.splice(index, 1);
    let late = 0;
    for (const connection of this.connections.values()) {
      if (connection.backend !== backend) continue;
      connection.backend = undefined;
      const state = states.get(connection.id);
      if (((connection.kind ?? 0) & HTTP2) !== 0) goAway(connection, state !== undefined);
      else if (state?.answering) connection.socket.destroy();
      else if (state !== undefined && state.ageMs >= timeoutMs) {
        late++;
        finish(connection, TIMED_OUT);
      } else if (state !== undefined || connection.unanswered) finish(connection, RESTARTED);
      else this.hold(connection);
    }
    return late;
  }

  /** Frames from a thread. */
  receive(backend: Backend, frames: Frames): void {
    receiveFrames(frames, (id, kind, payload) => {
      const connection = this.connections.get(id);
      if (connection?.backend === backend) this.take(connection, kind, payload);
    });
  }

  /** Accepts no more connections. */
  refuse(): void {
    this.server.close();
  }

  /** Resolves when every connection is closed; after `timeoutMs` they are closed by force. */
  async close(timeoutMs: number): Promise<void> {
    if (this.server.listening) this.refuse();
    this.closed = true;
    const force = setTimeout(() => {
      for (const { socket } of this.connections.values()) socket.destroy();
    }, timeoutMs);
    for (const connection of this.connections.values()) if (connection.backend === undefined) connection.socket.destroy();
    await Promise.all([...this.connections.values()].map(({ socket }) => new Promise((closed) => socket.once('close', closed))));
    clearTimeout(force);
    for (const socket of this.handshakes) socket.destroy();
  }

  private accept(socket: Socket, kind: number | undefined): void {
    if (this.closed) {
      socket.destroy();
      return;
    }
    const connection = new Connection(this.nextId++, socket, kind);
    this.connections.set(connection.id, connection);
    socket.setTimeout(this.stallTimeoutMs, () => socket.destroy());
    socket.on('data', (chunk: Buffer) => this.forward(connection, chunk));
    socket.on('drain', () => credit(connection));
    socket.on('end', () => {
      connection.ended = true;
      if (connection.backend === undefined) socket.destroy();
      else connection.backend.frames.send(connection.id, END);
    });
    // `close` follows, which is what counts.
    socket.on('error', () => {});
    socket.on('close', () => {
      this.connections.delete(connection.id);
      connection.backend?.frames.send(connection.id, CLOSE);
    });
    if (this.backends.length > 0) socket.resume();
  }

  private forward(connection: Connection, chunk: Buffer): void {
    const { socket } = connection;
    if (connection.closing) return;
    connection.kind ??= beginsHttp2(chunk) ? HTTP2 : 0;
    if (connection.backend === undefined) this.assign(connection);
    if (connection.backend === undefined) {
      // The last thread went away after the bytes were read: they wait where they were.
      socket.pause();
      socket.unshift(chunk);
      return;
    }
    connection.unanswered = true;
    connection.unacknowledged += connection.backend.frames.data(connection.id, chunk);
    if (connection.unacknowledged >= WINDOW) socket.pause();
  }

  private assign(connection: Connection): void {
    connection.backend = this.backends[this.turn++ % this.backends.length];
    connection.backend?.frames.send(connection.id, OPEN, connection.kind);
  }

  private take(connection: Connection, kind: number, payload: Payload): void {
    const { socket } = connection;
    if (kind === DATA) {
      connection.unanswered = false;
      if (typeof payload === 'string') {
        connection.owed += payload.length;
        socket.write(payload, 'latin1');
      } else {
        const bytes = bytesOf(payload);
        connection.owed += bytes.length;
        socket.write(bytes);
      }
      if (!socket.writableNeedDrain) credit(connection);
    } else if (kind === CREDIT) {
      connection.unacknowledged -= payload as number;
      if (connection.unacknowledged < WINDOW) socket.resume();
    } else if (kind === END) {
      socket.end();
    } else {
      connection.backend = undefined;
      if (!socket.writableEnded) socket.destroy();
      else if (connection.ended) socket.destroySoon();
      else linger(connection);
    }
  }

  /** An idle connection goes on with the next thread as if it were new. */
  private hold(connection: Connection): void {
    connection.unacknowledged = 0;
    connection.owed = 0;
    if (connection.ended) connection.socket.destroy();
    else if (this.backends.length === 0) connection.socket.pause();
    else connection.socket.resume();
  }
}

function credit(connection: Connection): void {
  if (connection.owed < CREDIT_STEP) return;
  connection.backend?.frames.send(connection.id, CREDIT, connection.owed);
  connection.owed = 0;
}

function finish(connection: Connection, response: string | Uint8Array): void {
  connection.socket.end(response, 'latin1');
  linger(connection);
}

/** What a client still sends is read and dropped for a while: to close at once could destroy the answer on its way. */
function linger(connection: Connection): void {
  const { socket } = connection;
  connection.closing = true;
  socket.resume();
  const late = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  socket.on('close', () => clearTimeout(late));
}

/** The preface may come in pieces, but no other request begins as its first piece does. */
function beginsHttp2(chunk: Buffer): boolean {
  const length = Math.min(chunk.length, PREFACE.length);
  return length >= 3 && chunk.compare(PREFACE, 0, length, 0, length) === 0;
}

/** Tells a client of HTTP/2 to begin anew on another connection: the state of this one went with its thread (RFC 9113, section 6.8). */
function goAway(connection: Connection, underWay: boolean): void {
  const frame = Buffer.alloc(17);
  frame.writeUIntBE(8, 0, 3);
  frame[3] = 7;
  frame.writeUInt32BE(0x7fffffff, 9);
  frame.writeUInt32BE(underWay ? INTERNAL_ERROR : 0, 13);
  finish(connection, frame);
}
const INTERNAL_ERROR = 2;

const response = (status: string, text: string): string =>
  `HTTP/1.1 ${status}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: ${text.length}\r\nretry-after: 1\r\nconnection: close\r\n\r\n${text}`;
const TIMED_OUT = response('504 Gateway Timeout', 'the component did not answer in time\n');
const RESTARTED = response('503 Service Unavailable', 'the component was restarted, try again\n');

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
