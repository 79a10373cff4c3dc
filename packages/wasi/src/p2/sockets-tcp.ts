/** `wasi:sockets/tcp` — https://github.com/WebAssembly/WASI/tree/main/wasip2/sockets */
import { blocking } from '@tenon/component';
import { type Budget, Charge, callerBudget } from '../body/budget.ts';
import { type Endpoint, type Family, isMany, isUnspecified } from '../body/network/address.ts';
import { SocketError } from '../body/network/error.ts';
import { checkFamily, type Network } from '../body/network/network.ts';
import { BUFFERED, type Connection, dial, Listener, type TcpOptions } from '../body/network/tcp.ts';
import { Later, READY, type Readiness } from '../body/readiness.ts';
import { Pollable } from './io-poll.ts';
import { InputStream, OutputStream } from './io-streams.ts';
import { attempt, attemptSoon, endpointOf, type IpSocketAddress, outcomeOf, refuse, socketAddress } from './sockets-network.ts';

type Step = 'bind' | 'connect' | 'listen';

/** The states of the specification's TCP socket; a step under way is kept beside. */
type State = 'unbound' | 'bound' | 'connected' | 'listening' | 'closed';

// What systems take for themselves where nobody has said anything.
const MILLISECOND = 1_000_000n;
const SECOND = 1000n * MILLISECOND;
const DEFAULT_IDLE = 7200n * SECOND;
const DEFAULT_INTERVAL = 75n * SECOND;
const DEFAULT_COUNT = 9;
const DEFAULT_BUFFER = 64n * 1024n;
const DEFAULT_HOP_LIMIT = 64;

/** Streams of a socket are closed with it. */
class SocketInput extends InputStream {
  override [Symbol.dispose](): void {}
}

class SocketOutput extends OutputStream {
  override [Symbol.dispose](): void {}
}

class TcpSocket {
  readonly #network: Network;
  readonly #family: Family;
  readonly #budget: Budget = callerBudget();
  #state: State = 'unbound';
  #step: { readonly kind: Step; readonly later: Later<SocketError | true> } | undefined;
  /** The address that it was to be bound to, before the system chose what was left to it. */
  #asked: Endpoint | undefined;
  #listener: Listener | undefined;
  #connection: Connection | undefined;
  #counted = false;
  #idle: bigint = DEFAULT_IDLE;
  #interval: bigint = DEFAULT_INTERVAL;
  #count: number = DEFAULT_COUNT;
  #receiveBuffer: bigint = DEFAULT_BUFFER;
  #sendBuffer: bigint = DEFAULT_BUFFER;
  #keepAlive = false;

  constructor(network: Network, family: Family, connection?: Connection) {
    this.#network = network;
    this.#family = family;
    if (connection === undefined) {
      attempt(() => network.open());
      this.#counted = true;
      return;
    }
    this.#connection = connection;
    this.#state = 'connected';
  }

  startBind(_network: object, address: IpSocketAddress): void {
    attempt(() => {
      this.#idleIn('unbound');
      const local = endpointOf(address);
      checkFamily(local, this.#family);
      if (isMany(local.address)) throw new SocketError('invalid-argument', `${local.address} stands for many`);
      this.#network.demandBind('listen', local);
      this.#asked = local;
      this.#start('bind', async () => {
        this.#listener = await Listener.open(local, this.#family, this.#network, this.#budget);
      });
    });
  }

  finishBind(): void | Promise<void> {
    return this.#finish('bind', 'bound', 'unbound');
  }

  startConnect(_network: object, address: IpSocketAddress): void {
    attempt(() => {
      this.#idleIn('unbound', 'bound');
      const remote = endpointOf(address);
      checkFamily(remote, this.#family);
      const nowhere = remote.port === 0 || isUnspecified(remote.address) || isMany(remote.address);
      if (nowhere) throw new SocketError('invalid-argument', `nothing is at ${remote.address} port ${remote.port}`);
      this.#network.demand('connect', remote);
      const charge = new Charge(this.#budget);
      if (!charge.take(BUFFERED)) throw new SocketError('out-of-memory', 'the host holds as much for the guest as it may');
      this.#start('connect', () => this.#connect(remote, charge));
    });
  }

  finishConnect(): [InputStream, OutputStream] | Promise<[InputStream, OutputStream]> {
    return this.#finish('connect', 'connected', 'closed', () => this.#streams());
  }

  startListen(): void {
    attempt(() => {
      this.#idleIn('bound');
      this.#demandListen();
      this.#start('listen', async () => this.#listener?.listen());
    });
  }

  /** Whoever may listen at any port may do so at the one that the system has chosen. */
  #demandListen(): void {
    if (this.#asked === undefined || this.#listener === undefined || this.#network.allows('listen', this.#listener.local)) return;
    this.#network.demand('listen', this.#asked);
  }

  finishListen(): void | Promise<void> {
    return this.#finish('listen', 'listening', 'closed');
  }

  accept(): [TcpSocket, InputStream, OutputStream] | Promise<[TcpSocket, InputStream, OutputStream]> {
    return attemptSoon((): [TcpSocket, InputStream, OutputStream] => {
      if (this.#state !== 'listening' || this.#listener === undefined) throw new SocketError('invalid-state');
      const connection = this.#listener.accept();
      connection.configure(this.#options());
      const socket = new TcpSocket(this.#network, this.#family, connection);
      socket.#keepAlive = this.#keepAlive;
      socket.#idle = this.#idle;
      socket.#interval = this.#interval;
      socket.#count = this.#count;
      socket.#receiveBuffer = this.#receiveBuffer;
      socket.#sendBuffer = this.#sendBuffer;
      return [socket, ...socket.#streams()];
    });
  }

  localAddress(): IpSocketAddress {
    return attempt(() => {
      const from = this.#connection ?? (this.#step?.kind === 'bind' ? undefined : this.#listener);
      if (from === undefined) throw new SocketError('invalid-state');
      return socketAddress(from.local);
    });
  }

  remoteAddress(): IpSocketAddress {
    return attempt(() => {
      if (this.#connection === undefined || this.#state !== 'connected') throw new SocketError('invalid-state');
      return socketAddress(this.#connection.remote);
    });
  }

  isListening(): boolean {
    return this.#state === 'listening';
  }

  addressFamily(): Family {
    return this.#family;
  }

  /** A hint that Node has no use for once the address is bound. */
  setListenBacklogSize(value: bigint): void {
    if (value === 0n) throw refuse('invalid-argument');
    if (this.#state === 'connected' || this.#state === 'closed') throw refuse('invalid-state');
  }

  keepAliveEnabled(): boolean {
    return this.#keepAlive;
  }

  setKeepAliveEnabled(value: boolean): void {
    this.#keepAlive = value;
    this.#connection?.configure(this.#options());
  }

  keepAliveIdleTime(): bigint {
    return this.#idle;
  }

  setKeepAliveIdleTime(value: bigint): void {
    this.#idle = wholeSeconds(value);
    this.#connection?.configure(this.#options());
  }

  keepAliveInterval(): bigint {
    return this.#interval;
  }

  setKeepAliveInterval(value: bigint): void {
    this.#interval = wholeSeconds(value);
    this.#connection?.configure(this.#options());
  }

  keepAliveCount(): number {
    return this.#count;
  }

  setKeepAliveCount(value: number): void {
    if (value === 0) throw refuse('invalid-argument');
    this.#count = Math.min(value, 127);
    this.#connection?.configure(this.#options());
  }

  hopLimit(): number {
    return DEFAULT_HOP_LIMIT;
  }

  /** Node has no way to change it. */
  setHopLimit(value: number): void {
    if (value === 0) throw refuse('invalid-argument');
    if (value !== DEFAULT_HOP_LIMIT) throw refuse('not-supported');
  }

  receiveBufferSize(): bigint {
    return this.#receiveBuffer;
  }

  setReceiveBufferSize(value: bigint): void {
    this.#receiveBuffer = bufferSize(value);
  }

  sendBufferSize(): bigint {
    return this.#sendBuffer;
  }

  setSendBufferSize(value: bigint): void {
    this.#sendBuffer = bufferSize(value);
  }

  subscribe(): Pollable {
    return new Pollable(this.#readiness());
  }

  shutdown(type: 'receive' | 'send' | 'both'): void {
    if (this.#state !== 'connected') throw refuse('invalid-state');
    this.#connection?.shutdown(type !== 'send', type !== 'receive');
  }

  [Symbol.dispose](): void {
    this.#state = 'closed';
    this.#connection?.close();
    void this.#listener?.close();
    if (this.#counted) this.#network.closed();
    this.#counted = false;
  }

  /** Ready when a `finish` or an `accept` would not block, whichever comes next. */
  #readiness(): Readiness {
    const current = (): Readiness => this.#step?.later ?? (this.#state === 'listening' ? this.#listener : undefined) ?? READY;
    return { ready: () => current().ready(), add: (waiter) => current().add(waiter), remove: (waiter) => current().remove(waiter) };
  }

  #idleIn(...states: readonly State[]): void {
    if (this.#step !== undefined) throw new SocketError('concurrency-conflict', `a ${this.#step.kind} is under way`);
    if (!states.includes(this.#state)) throw new SocketError('invalid-state', `the socket is ${this.#state}`);
  }

  #start(kind: Step, operation: () => Promise<unknown>): void {
    const later = new Later<SocketError | true>();
    this.#step = { kind, later };
    outcomeOf(operation(), later);
  }

  #finish<T = void>(kind: Step, done: State, failed: State, result?: () => T): T | Promise<T> {
    return attemptSoon(() => {
      if (this.#step?.kind !== kind) throw new SocketError('not-in-progress');
      const outcome = this.#step.later.value;
      if (outcome === undefined) throw new SocketError('would-block');
      this.#step = undefined;
      this.#state = outcome === true ? done : failed;
      if (outcome !== true) throw outcome;
      return result?.() as T;
    });
  }

  async #connect(remote: Endpoint, charge: Charge): Promise<void> {
    const local = this.#listener?.local;
    // Its address is needed for the connection.
    await this.#listener?.close();
    this.#listener = undefined;
    const connection = await dial(remote, local, this.#options(), charge);
    if (this.#state === 'closed') connection.close();
    this.#connection = connection;
  }

  #streams(): [InputStream, OutputStream] {
    if (this.#connection === undefined) throw refuse('invalid-state');
    return [new SocketInput(this.#connection.source), new SocketOutput(this.#connection.sink)];
  }

  #options(): TcpOptions {
    const keepAliveIdle = Number(this.#idle / MILLISECOND);
    return {
      keepAlive: this.#keepAlive,
      keepAliveIdle,
      keepAliveInterval: Number(this.#interval / MILLISECOND),
      keepAliveCount: this.#count,
    };
  }

  static {
    for (const method of ['finishBind', 'finishConnect', 'finishListen', 'accept'] as const) blocking(TcpSocket.prototype[method]);
  }
}

/** The longest time of keep-alive that Linux takes, in seconds. */
const LONGEST = 32_767n;

/** Times of keep-alive are counted in seconds, one at the least. */
function wholeSeconds(nanoseconds: bigint): bigint {
  if (nanoseconds === 0n) throw refuse('invalid-argument');
  const seconds = (nanoseconds + SECOND - 1n) / SECOND;
  return (seconds > LONGEST ? LONGEST : seconds) * SECOND;
}

function bufferSize(value: bigint): bigint {
  if (value === 0n) throw refuse('invalid-argument');
  return value > 1n << 24n ? 1n << 24n : value;
}

export const tcp: object = { TcpSocket };

export function tcpCreateSocket(network: Network): object {
  return { createTcpSocket: (family: Family) => new TcpSocket(network, family) };
}
