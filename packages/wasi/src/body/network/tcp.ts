import type { Server, Socket } from 'node:net';
import { type Budget, Charge } from '../budget.ts';
import { builtins } from '../builtins.ts';
import { Signal } from '../readiness.ts';
import { ReadableSource, WritableSink } from '../streams.ts';
import type { Endpoint, Family } from './address.ts';
import { SocketError, socketError } from './error.ts';
import type { Network } from './network.ts';

/** Connections that wait to be accepted: more are turned away. */
const MOST_WAITING = 1024;

/** Bytes that a connection holds for its guest, about. */
export const BUFFERED: number = 16 * 1024;

/** Options of a connection. */
export interface TcpOptions {
  readonly keepAlive: boolean;
  /** Milliseconds without a byte until the other side is asked whether it is still there. */
  readonly keepAliveIdle: number;
  /** Milliseconds between questions. */
  readonly keepAliveInterval: number;
  /** Questions without an answer until the connection is given up. */
  readonly keepAliveCount: number;
}

/** A connection. */
export class Connection {
  readonly socket: Socket;
  readonly source: ReadableSource;
  readonly sink: WritableSink;

  /** @param charge what the host holds for it is charged there, beside {@link BUFFERED} */
  constructor(socket: Socket, charge: Charge) {
    this.socket = socket;
    socket.once('close', () => charge.end());
    // An error shows itself to those who read and write; nobody has to.
    socket.on('error', () => {});
    // There is no option for it in WASI, and a guest that writes wants its bytes to go.
    socket.setNoDelay(true);
    this.source = new ReadableSource(socket, { failure: socketError, close: () => {} });
    this.sink = new WritableSink(socket, { failure: socketError, keepOpen: true, charge });
  }

  configure(options: TcpOptions): void {
    this.socket.setKeepAlive(options.keepAlive, options.keepAliveIdle, options.keepAliveInterval, options.keepAliveCount);
  }

  get local(): Endpoint {
    return endpoint(this.socket.localAddress, this.socket.localPort);
  }

  get remote(): Endpoint {
    return endpoint(this.socket.remoteAddress, this.socket.remotePort);
  }

  shutdown(receive: boolean, send: boolean): void {
    if (receive) {
      this.source.close();
      // What has arrived is not read any more.
      this.socket.read();
      this.socket.resume();
    }
    if (!send) return;
    this.sink.close();
    this.socket.end();
  }

  /** Sends what was written, then closes. */
  close(): void {
    this.source.close();
    this.socket.destroySoon();
  }
}

function endpoint(address: string | undefined, port: number | undefined): Endpoint {
  if (address === undefined || port === undefined) throw new SocketError('invalid-state', 'the connection is closed');
  return { address, port };
}

/**
 * Connects.
 * @param local where from; the port 0 stands for any
 * @param signal aborts it
 */
export function dial(
  remote: Endpoint,
  local: Endpoint | undefined,
  options: TcpOptions,
  charge: Charge,
  signal?: AbortSignal,
): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const socket = builtins.net.connect({
      host: remote.address,
      port: remote.port,
      allowHalfOpen: true,
      ...(local && { localAddress: local.address, localPort: local.port }),
    });
    const abort = (): void => void socket.destroy(new SocketError('connection-aborted', 'the guest wants the connection no more'));
    signal?.addEventListener('abort', abort, { once: true });
    const failed = (error: Error): void => {
      charge.end();
      reject(socketError(error));
    };
    socket.once('error', failed);
    socket.once('connect', () => {
      socket.off('error', failed);
      signal?.removeEventListener('abort', abort);
      const connection = new Connection(socket, charge);
      connection.configure(options);
      resolve(connection);
    });
  });
}

/**
 * A bound address, which may come to listen.
 * Node binds and listens in one step, so the system takes connections from the moment of binding; those that come before the guest
 * listens are turned away.
 */
export class Listener extends Signal {
  readonly #server: Server;
  readonly #network: Network;
  readonly #budget: Budget;
  #waiting: Connection[] = [];
  #listening = false;

  private constructor(server: Server, network: Network, budget: Budget) {
    super();
    this.#budget = budget;
    this.#server = server;
    this.#network = network;
    server.on('connection', (socket: Socket) => this.#arrived(socket));
    server.on('error', () => {});
  }

  /** @param budget what the host holds for connections is charged there */
  static open(local: Endpoint, family: Family, network: Network, budget: Budget): Promise<Listener> {
    return new Promise((resolve, reject) => {
      const server = builtins.net.createServer({ allowHalfOpen: true, pauseOnConnect: true });
      const failed = (error: Error): void => reject(socketError(error));
      server.once('error', failed);
      server.listen({ host: local.address, port: local.port, ipv6Only: family === 'ipv6', backlog: MOST_WAITING }, () => {
        server.off('error', failed);
        resolve(new Listener(server, network, budget));
      });
    });
  }

  get local(): Endpoint {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new SocketError('invalid-state');
    return address;
  }

  listen(): void {
    this.#listening = true;
  }

  override ready(): boolean {
    return this.#waiting.length > 0;
  }

  accept(): Connection {
    const connection = this.#waiting.shift();
    if (connection === undefined) throw new SocketError('would-block');
    return connection;
  }

  /** Frees the address. */
  close(): Promise<void> {
    for (const connection of this.#waiting) connection.socket.destroy();
    this.#waiting = [];
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #arrived(socket: Socket): void {
    if (!this.#listening || this.#waiting.length >= MOST_WAITING) {
      socket.resetAndDestroy();
      return;
    }
    const charge = new Charge(this.#budget);
    try {
      if (!charge.take(BUFFERED)) throw new SocketError('out-of-memory');
      this.#network.open();
    } catch {
      charge.end();
      socket.resetAndDestroy();
      return;
    }
    socket.once('close', () => this.#network.closed());
    this.#waiting.push(new Connection(socket, charge));
    this.notify();
  }
}
