/** `wasi:sockets/udp` — https://github.com/WebAssembly/WASI/tree/main/wasip2/sockets */
import { blocking } from '@tenon/component';
import { Charge } from '../body/budget.ts';
import { type Endpoint, type Family, isUnspecified } from '../body/network/address.ts';
import { SocketError } from '../body/network/error.ts';
import { checkFamily, type Network } from '../body/network/network.ts';
import { UdpSocket as Datagrams } from '../body/network/udp.ts';
import { Later, READY, type Readiness, turn } from '../body/readiness.ts';
import { Pollable } from './io-poll.ts';
import {
  attempt,
  attemptLater,
  attemptSoon,
  endpointOf,
  type IpSocketAddress,
  outcomeOf,
  refuse,
  socketAddress,
} from './sockets-network.ts';

interface IncomingDatagram {
  readonly data: Uint8Array;
  readonly remoteAddress: IpSocketAddress;
}

interface OutgoingDatagram {
  readonly data: Uint8Array;
  readonly remoteAddress?: IpSocketAddress | undefined;
}

class IncomingDatagramStream {
  readonly #socket: Datagrams;

  constructor(socket: Datagrams) {
    this.#socket = socket;
  }

  /** What has arrived. When nothing has, the event loop goes round once first. */
  receive(most: bigint): IncomingDatagram[] | Promise<IncomingDatagram[]> {
    const here = this.#take(most);
    return here.length > 0 || most === 0n ? here : turn().then(() => this.#take(most));
  }

  #take(most: bigint): IncomingDatagram[] {
    return attempt(() =>
      this.#socket.receive(most > 1024n ? 1024 : Number(most)).map(({ data, remote }) => ({ data, remoteAddress: socketAddress(remote) })),
    );
  }

  subscribe(): Pollable {
    return new Pollable(this.#socket);
  }

  static {
    blocking(IncomingDatagramStream.prototype.receive);
  }
}

class OutgoingDatagramStream {
  readonly #socket: Datagrams;
  readonly #family: Family;
  readonly #network: Network;
  readonly #remote: Endpoint | undefined;
  #permit = 0;

  constructor(socket: Datagrams, family: Family, network: Network) {
    this.#socket = socket;
    this.#family = family;
    this.#network = network;
    this.#remote = socket.remote;
  }

  checkSend(): bigint {
    this.#permit = attempt(() => this.#socket.sending.room());
    return BigInt(this.#permit);
  }

  send(datagrams: readonly OutgoingDatagram[]): bigint {
    if (datagrams.length > this.#permit) throw new Error(`send of ${datagrams.length} datagrams where check-send allowed ${this.#permit}`);
    let sent = 0;
    for (const datagram of datagrams) {
      try {
        this.#send(datagram);
      } catch (error) {
        // What went before counts; the guest meets the error when it sends the rest.
        if (sent > 0) break;
        throw error;
      }
      sent++;
      this.#permit--;
    }
    return BigInt(sent);
  }

  #send({ data, remoteAddress }: OutgoingDatagram): void {
    attempt(() => {
      if (this.#remote !== this.#socket.remote) throw new SocketError('invalid-state', 'the socket has later streams');
      const remote = remoteAddress === undefined ? this.#remote : endpointOf(remoteAddress);
      if (remote === undefined) throw new SocketError('invalid-argument', 'the datagram goes nowhere');
      const other = this.#remote !== undefined && (remote.address !== this.#remote.address || remote.port !== this.#remote.port);
      if (other) throw new SocketError('invalid-argument', 'the socket is connected to another');
      checkRemote(remote, this.#family);
      this.#network.demand('send', remote);
      if (data.length > 65_507) throw new SocketError('datagram-too-large');
      this.#socket.expect(remote);
      this.#socket.sending.send({ data, remote }, this.#remote !== undefined);
    });
  }

  subscribe(): Pollable {
    return new Pollable(this.#socket.sending);
  }
}

function checkRemote(remote: Endpoint, family: Family): void {
  checkFamily(remote, family);
  if (remote.port === 0 || isUnspecified(remote.address)) throw new SocketError('invalid-argument', 'nothing is there');
}

// What a socket is told to have before it is bound.
const DEFAULT_BUFFER = 64 * 1024;

class UdpSocket {
  readonly #network: Network;
  readonly #family: Family;
  readonly #charge = new Charge();
  #socket: Datagrams | undefined;
  #binding: Later<SocketError | true> | undefined;
  #bound = false;
  #open = true;
  #hopLimit = 64;
  /** What was set; a socket of Node has sizes once it is bound. */
  #receiveBuffer: number | undefined;
  #sendBuffer: number | undefined;

  constructor(network: Network, family: Family) {
    this.#network = network;
    this.#family = family;
    attempt(() => network.open());
  }

  startBind(_network: object, address: IpSocketAddress): void {
    attempt(() => {
      if (this.#binding !== undefined) throw new SocketError('concurrency-conflict');
      if (this.#bound) throw new SocketError('invalid-state');
      const local = endpointOf(address);
      checkFamily(local, this.#family);
      this.#network.demandBind('receive', local);
      this.#binding = new Later();
      outcomeOf(this.#bind(local), this.#binding);
    });
  }

  finishBind(): void | Promise<void> {
    return attemptSoon(() => {
      if (this.#binding === undefined) throw new SocketError('not-in-progress');
      const outcome = this.#binding.value;
      if (outcome === undefined) throw new SocketError('would-block');
      this.#binding = undefined;
      if (outcome !== true) throw outcome;
      this.#bound = true;
    });
  }

  async stream(remoteAddress: IpSocketAddress | undefined): Promise<[IncomingDatagramStream, OutgoingDatagramStream]> {
    return attemptLater(async () => {
      const socket = this.#ready();
      const remote = remoteAddress && endpointOf(remoteAddress);
      if (remote !== undefined) {
        checkRemote(remote, this.#family);
        this.#network.demand('send', remote);
      }
      await socket.connect(remote);
      return [new IncomingDatagramStream(socket), new OutgoingDatagramStream(socket, this.#family, this.#network)];
    });
  }

  localAddress(): IpSocketAddress {
    return attempt(() => socketAddress(this.#ready().local));
  }

  remoteAddress(): IpSocketAddress {
    return attempt(() => {
      const { remote } = this.#ready();
      if (remote === undefined) throw new SocketError('invalid-state');
      return socketAddress(remote);
    });
  }

  addressFamily(): Family {
    return this.#family;
  }

  unicastHopLimit(): number {
    return this.#hopLimit;
  }

  setUnicastHopLimit(value: number): void {
    if (value === 0) throw refuse('invalid-argument');
    this.#hopLimit = value;
    this.#socket?.socket.setTTL(value);
  }

  receiveBufferSize(): bigint {
    return attempt(() => BigInt(this.#socket?.socket.getRecvBufferSize() ?? this.#receiveBuffer ?? DEFAULT_BUFFER));
  }

  setReceiveBufferSize(value: bigint): void {
    attempt(() => {
      this.#receiveBuffer = bufferSize(value);
      this.#socket?.socket.setRecvBufferSize(this.#receiveBuffer);
    });
  }

  sendBufferSize(): bigint {
    return attempt(() => BigInt(this.#socket?.socket.getSendBufferSize() ?? this.#sendBuffer ?? DEFAULT_BUFFER));
  }

  setSendBufferSize(value: bigint): void {
    attempt(() => {
      this.#sendBuffer = bufferSize(value);
      this.#socket?.socket.setSendBufferSize(this.#sendBuffer);
    });
  }

  subscribe(): Pollable {
    const current = (): Readiness => this.#binding ?? READY;
    return new Pollable({
      ready: () => current().ready(),
      add: (waiter) => current().add(waiter),
      remove: (waiter) => current().remove(waiter),
    });
  }

  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    this.#socket?.close();
    this.#network.closed();
  }

  async #bind(local: Endpoint): Promise<void> {
    const socket = await Datagrams.open(local, this.#family, this.#network.allows('receive', local), this.#charge);
    if (!this.#open) {
      socket.close();
      return;
    }
    if (this.#hopLimit !== 64) socket.socket.setTTL(this.#hopLimit);
    if (this.#receiveBuffer !== undefined) socket.socket.setRecvBufferSize(this.#receiveBuffer);
    if (this.#sendBuffer !== undefined) socket.socket.setSendBufferSize(this.#sendBuffer);
    this.#socket = socket;
  }

  #ready(): Datagrams {
    if (!this.#bound || this.#socket === undefined) throw new SocketError('invalid-state', 'the socket is not bound');
    return this.#socket;
  }

  static {
    blocking(UdpSocket.prototype.finishBind);
    blocking(UdpSocket.prototype.stream);
  }
}

function bufferSize(value: bigint): number {
  if (value === 0n) throw new SocketError('invalid-argument');
  return value > 1n << 24n ? 1 << 24 : Number(value);
}

export const udp: object = { UdpSocket, IncomingDatagramStream, OutgoingDatagramStream };

export function udpCreateSocket(network: Network): object {
  return { createUdpSocket: (family: Family) => new UdpSocket(network, family) };
}
