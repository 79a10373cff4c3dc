/** The resource `tcp-socket` of `wasi:sockets` 0.3 — https://github.com/WebAssembly/WASI/tree/main/proposals/sockets */
import { blocking, cancellable, type GivenStream, type StreamSource, streamOf } from '@tenon/component';
import { type Budget, Charge, callerBudget } from '../body/budget.ts';
import { type Endpoint, type Family, isMany, isUnspecified } from '../body/network/address.ts';
import { SocketError } from '../body/network/error.ts';
import { checkFamily, type Network } from '../body/network/network.ts';
import { BUFFERED, type Connection, dial, Listener } from '../body/network/tcp.ts';
import { endpointOf, type IpSocketAddress, socketAddress } from '../body/network/values.ts';
import type { Waiter } from '../body/readiness.ts';
import type { Result } from './result.ts';
import { attempt, attemptLater, type ErrorCode, errorCode } from './sockets-error.ts';
import { checkHopLimit, HOP_LIMIT, TcpSettings } from './sockets-options.ts';
import { failedStream, type Given, refuseStream, streamFrom, streamTo } from './streams.ts';

/** `binding` and `connecting` are steps on the way. */
type State = 'unbound' | 'binding' | 'bound' | 'connecting' | 'connected' | 'listening' | 'closed';

/** Any free port of any address. */
export function anywhere(family: Family): Endpoint {
  return { address: family === 'ipv6' ? '::' : '0.0.0.0', port: 0 };
}

abstract class TcpSocket {
  readonly #network: Network;
  readonly #family: Family;
  readonly #budget: Budget;
  readonly #settings: TcpSettings;
  #state: State = 'unbound';
  /** The address that it was to be bound to, before the system chose what was left to it. */
  #asked: Endpoint | undefined;
  #listener: Listener | undefined;
  #connection: Connection | undefined;
  #counted = false;
  #sent = false;
  #received = false;
  /** Streams of the connection that have not ended: they outlive the socket. */
  #streams = 0;
  #dropped = false;

  constructor(network: Network, family: Family, accepted?: { connection: Connection; settings: TcpSettings; budget: Budget }) {
    this.#network = network;
    this.#family = family;
    this.#settings = accepted?.settings ?? new TcpSettings();
    this.#budget = accepted?.budget ?? callerBudget();
    if (accepted === undefined) {
      network.open();
      this.#counted = true;
      return;
    }
    this.#connection = accepted.connection;
    this.#state = 'connected';
  }

  protected abstract accept(accepted: { connection: Connection; settings: TcpSettings; budget: Budget }): TcpSocket;

  bind(address: IpSocketAddress): Promise<void> {
    return attemptLater(async () => {
      const local = endpointOf(address);
      checkFamily(local, this.#family);
      if (isMany(local.address)) throw new SocketError('invalid-argument', `${local.address} stands for many`);
      await this.#bind(local);
    });
  }

  async #bind(local: Endpoint): Promise<void> {
    this.#demand('unbound');
    this.#network.demandBind('listen', local);
    this.#state = 'binding';
    try {
      const listener = await Listener.open(local, this.#family, this.#network, this.#budget);
      if (this.#dropped) void listener.close();
      this.#listener = listener;
      this.#asked = local;
      this.#state = 'bound';
    } catch (error) {
      this.#state = 'unbound';
      throw error;
    }
  }

  connect(address: IpSocketAddress, signal: AbortSignal): Promise<void> {
    return attemptLater(async () => {
      const remote = endpointOf(address);
      checkFamily(remote, this.#family);
      const nowhere = remote.port === 0 || isUnspecified(remote.address) || isMany(remote.address);
      if (nowhere) throw new SocketError('invalid-argument', `nothing is at ${remote.address} port ${remote.port}`);
      this.#demand('unbound', 'bound');
      this.#network.demand('connect', remote);
      const charge = new Charge(this.#budget);
      if (!charge.take(BUFFERED)) throw new SocketError('out-of-memory', 'the host holds as much for the guest as it may');
      this.#state = 'connecting';
      const local = this.#listener?.local;
      // Its address is needed for the connection.
      await this.#listener?.close();
      this.#listener = undefined;
      try {
        this.#connection = await dial(remote, local, this.#settings.options, charge, signal);
        this.#state = 'connected';
      } catch (error) {
        this.#state = 'closed';
        if (signal.aborted) throw signal.reason;
        throw error;
      }
      this.#closeWhenIdle();
    });
  }

  listen(): Promise<GivenStream<TcpSocket>> {
    return attemptLater(async () => {
      this.#demand('unbound', 'bound');
      if (this.#state === 'unbound') await this.#bind(anywhere(this.#family));
      const listener = this.#listener;
      if (listener === undefined) throw new SocketError('invalid-state');
      // Whoever may listen at any port may do so at the one that the system has chosen.
      if (this.#asked !== undefined && !this.#network.allows('listen', listener.local)) this.#network.demand('listen', this.#asked);
      listener.listen();
      this.#state = 'listening';
      return streamOf(new Accepting(listener, (connection) => this.#accepted(connection)));
    });
  }

  #accepted(connection: Connection): TcpSocket {
    const settings = this.#settings.copy();
    connection.configure(settings.options);
    return this.accept({ connection, settings, budget: this.#budget });
  }

  send(data: ReadableStream<unknown>): Promise<Result<undefined, ErrorCode>> {
    const connection = this.#connection;
    if (connection === undefined || this.#sent) return refuseStream(data, { tag: 'invalid-state' });
    this.#sent = true;
    this.#streams++;
    return streamTo(data, connection.sink, errorCode, () => {
      connection.shutdown(false, true);
      this.#ended();
    });
  }

  receive(): Given<number, ErrorCode> {
    const connection = this.#connection;
    if (connection === undefined || this.#received) return failedStream({ tag: 'invalid-state' });
    this.#received = true;
    this.#streams++;
    return streamFrom(connection.source, errorCode, () => {
      connection.shutdown(true, false);
      this.#ended();
    });
  }

  getLocalAddress(): IpSocketAddress {
    return attempt(() => {
      const from = this.#connection ?? this.#listener;
      if (from === undefined) throw new SocketError('invalid-state', 'the socket is not bound');
      return socketAddress(from.local);
    });
  }

  getRemoteAddress(): IpSocketAddress {
    return attempt(() => {
      if (this.#connection === undefined) throw new SocketError('invalid-state', 'the socket is not connected');
      return socketAddress(this.#connection.remote);
    });
  }

  getIsListening(): boolean {
    return this.#state === 'listening';
  }

  getAddressFamily(): Family {
    return this.#family;
  }

  /** A hint that Node has no use for once the address is bound. */
  setListenBacklogSize(value: bigint): void {
    attempt(() => {
      if (value === 0n) throw new SocketError('invalid-argument', 'it is more than nothing');
    });
  }

  getKeepAliveEnabled(): boolean {
    return this.#settings.keepAlive;
  }

  setKeepAliveEnabled(value: boolean): void {
    this.#configure(() => {
      this.#settings.keepAlive = value;
    });
  }

  getKeepAliveIdleTime(): bigint {
    return this.#settings.idle;
  }

  setKeepAliveIdleTime(value: bigint): void {
    this.#configure(() => {
      this.#settings.idle = value;
    });
  }

  getKeepAliveInterval(): bigint {
    return this.#settings.interval;
  }

  setKeepAliveInterval(value: bigint): void {
    this.#configure(() => {
      this.#settings.interval = value;
    });
  }

  getKeepAliveCount(): number {
    return this.#settings.count;
  }

  setKeepAliveCount(value: number): void {
    this.#configure(() => {
      this.#settings.count = value;
    });
  }

  getHopLimit(): number {
    return HOP_LIMIT;
  }

  setHopLimit(value: number): void {
    attempt(() => checkHopLimit(value));
  }

  getReceiveBufferSize(): bigint {
    return this.#settings.receiveBuffer;
  }

  setReceiveBufferSize(value: bigint): void {
    this.#configure(() => {
      this.#settings.receiveBuffer = value;
    });
  }

  getSendBufferSize(): bigint {
    return this.#settings.sendBuffer;
  }

  setSendBufferSize(value: bigint): void {
    this.#configure(() => {
      this.#settings.sendBuffer = value;
    });
  }

  [Symbol.dispose](): void {
    if (this.#dropped) return;
    this.#dropped = true;
    // Whoever still has the stream of a listening socket goes on accepting.
    if (this.#state !== 'listening') void this.#listener?.close();
    this.#closeWhenIdle();
    if (this.#counted) this.#network.closed();
  }

  #configure(set: () => void): void {
    attempt(set);
    this.#connection?.configure(this.#settings.options);
  }

  #demand(...states: readonly State[]): void {
    if (!states.includes(this.#state)) throw new SocketError('invalid-state', `the socket is ${this.#state}`);
  }

  #ended(): void {
    this.#streams--;
    this.#closeWhenIdle();
  }

  #closeWhenIdle(): void {
    if (this.#dropped && this.#streams === 0) this.#connection?.close();
  }

  static {
    blocking(TcpSocket.prototype.bind);
    blocking(TcpSocket.prototype.listen);
    cancellable(TcpSocket.prototype.connect);
  }
}

/** Connections as they come, until nobody wants them any more: then the address is free again. */
class Accepting implements StreamSource<TcpSocket> {
  readonly #listener: Listener;
  readonly #accept: (connection: Connection) => TcpSocket;
  #stopWaiting: (() => void) | undefined;
  #over = false;

  constructor(listener: Listener, accept: (connection: Connection) => TcpSocket) {
    this.#listener = listener;
    this.#accept = accept;
  }

  read(most: number): TcpSocket[] | undefined | Promise<TcpSocket[] | undefined> {
    return this.#listener.ready() ? this.#take(most) : this.#arrival().then(() => this.#take(most));
  }

  cancel(left: ArrayLike<TcpSocket>): void {
    this.#over = true;
    for (const socket of Array.from(left)) socket[Symbol.dispose]();
    void this.#listener.close();
    this.#stopWaiting?.();
  }

  #take(most: number): TcpSocket[] | undefined {
    if (this.#over) return undefined;
    const sockets: TcpSocket[] = [];
    while (sockets.length < most && this.#listener.ready()) sockets.push(this.#accept(this.#listener.accept()));
    return sockets;
  }

  #arrival(): Promise<void> {
    return new Promise((resolve) => {
      const waiter: Waiter = { wake: resolve };
      this.#listener.add(waiter);
      this.#stopWaiting = () => {
        this.#listener.remove(waiter);
        resolve();
      };
    });
  }
}

export function tcpSocket(network: Network): object {
  return class extends TcpSocket {
    static create(family: Family): TcpSocket {
      return attempt(() => new this(network, family));
    }

    protected override accept(accepted: { connection: Connection; settings: TcpSettings; budget: Budget }): TcpSocket {
      return new (this.constructor as new (...args: ConstructorParameters<typeof TcpSocket>) => TcpSocket)(
        network,
        this.getAddressFamily(),
        accepted,
      );
    }
  };
}
