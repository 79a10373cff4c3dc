/** The resource `udp-socket` of `wasi:sockets` 0.3 — https://github.com/WebAssembly/WASI/tree/main/proposals/sockets */
import { blocking, cancellable } from '@tenon/component';
import { Charge } from '../body/budget.ts';
import { type Endpoint, type Family, isUnspecified } from '../body/network/address.ts';
import { SocketError } from '../body/network/error.ts';
import { checkFamily, type Network } from '../body/network/network.ts';
import { UdpSocket as Datagrams } from '../body/network/udp.ts';
import { endpointOf, type IpSocketAddress, socketAddress } from '../body/network/values.ts';
import { whenReady } from '../body/readiness.ts';
import { attempt, attemptLater } from './sockets-error.ts';
import { bufferSize } from './sockets-options.ts';
import { anywhere } from './sockets-tcp.ts';
import { awaited } from './waiting.ts';

/** The most that a datagram of UDP carries, over IPv4. */
const LONGEST = 65_507;
const HOP_LIMIT = 64;
// What a socket is told to have before it is bound.
const BUFFER = 64 * 1024;

class UdpSocket {
  readonly #network: Network;
  readonly #family: Family;
  readonly #charge = new Charge();
  #socket: Datagrams | undefined;
  #binding: Promise<void> | undefined;
  #dropped = false;
  #hopLimit: number = HOP_LIMIT;
  /** What was set; a socket of Node has sizes once it is bound. */
  #receiveBuffer: number | undefined;
  #sendBuffer: number | undefined;

  constructor(network: Network, family: Family) {
    this.#network = network;
    this.#family = family;
    network.open();
  }

  bind(address: IpSocketAddress): Promise<void> {
    return attemptLater(async () => {
      const local = endpointOf(address);
      checkFamily(local, this.#family);
      if (this.#socket !== undefined || this.#binding !== undefined) throw new SocketError('invalid-state', 'the socket is bound');
      await this.#bind(local);
    });
  }

  connect(address: IpSocketAddress): Promise<void> {
    return attemptLater(async () => {
      const remote = this.#remoteOf(address);
      this.#network.demand('send', remote);
      const socket = await this.#bound();
      await socket.connect(remote);
    });
  }

  disconnect(): Promise<void> {
    return attemptLater(async () => {
      if (this.#socket?.remote === undefined) throw new SocketError('invalid-state', 'the socket is not connected');
      await this.#socket.connect(undefined);
    });
  }

  send(data: Uint8Array, address: IpSocketAddress | undefined): Promise<void> {
    return attemptLater(async () => {
      const connected = this.#socket?.remote;
      const remote = address === undefined ? connected : this.#remoteOf(address);
      if (remote === undefined) throw new SocketError('invalid-argument', 'the datagram goes nowhere');
      const other = connected !== undefined && (remote.address !== connected.address || remote.port !== connected.port);
      if (other) throw new SocketError('invalid-argument', 'the socket is connected to another');
      this.#network.demand('send', remote);
      if (data.length > LONGEST) throw new SocketError('datagram-too-large', `a datagram has at most ${LONGEST} bytes`);
      const socket = await this.#bound();
      await whenReady(socket.sending);
      socket.expect(remote);
      await new Promise<void>((resolve, reject) => {
        socket.sending.send({ data, remote }, socket.remote !== undefined, (error) => (error === undefined ? resolve() : reject(error)));
      });
    });
  }

  receive(signal: AbortSignal): Promise<[Uint8Array, IpSocketAddress]> {
    return attemptLater(async () => {
      const socket = this.#socket;
      if (socket === undefined) throw new SocketError('invalid-state', 'the socket is not bound');
      for (;;) {
        // Another one may have taken what came.
        const [datagram] = socket.ready() ? socket.receive(1) : [];
        if (datagram !== undefined) return [datagram.data, socketAddress(datagram.remote)];
        await awaited(socket, signal);
      }
    });
  }

  getLocalAddress(): IpSocketAddress {
    return attempt(() => {
      if (this.#socket === undefined) throw new SocketError('invalid-state', 'the socket is not bound');
      return socketAddress(this.#socket.local);
    });
  }

  getRemoteAddress(): IpSocketAddress {
    return attempt(() => {
      if (this.#socket?.remote === undefined) throw new SocketError('invalid-state', 'the socket is not connected');
      return socketAddress(this.#socket.remote);
    });
  }

  getAddressFamily(): Family {
    return this.#family;
  }

  getUnicastHopLimit(): number {
    return this.#hopLimit;
  }

  setUnicastHopLimit(value: number): void {
    attempt(() => {
      if (value === 0) throw new SocketError('invalid-argument', 'a datagram that goes no hop goes nowhere');
      this.#hopLimit = value;
      this.#socket?.socket.setTTL(value);
    });
  }

  getReceiveBufferSize(): bigint {
    return BigInt(this.#socket?.socket.getRecvBufferSize() ?? this.#receiveBuffer ?? BUFFER);
  }

  setReceiveBufferSize(value: bigint): void {
    attempt(() => {
      this.#receiveBuffer = Number(bufferSize(value));
      this.#socket?.socket.setRecvBufferSize(this.#receiveBuffer);
    });
  }

  getSendBufferSize(): bigint {
    return BigInt(this.#socket?.socket.getSendBufferSize() ?? this.#sendBuffer ?? BUFFER);
  }

  setSendBufferSize(value: bigint): void {
    attempt(() => {
      this.#sendBuffer = Number(bufferSize(value));
      this.#socket?.socket.setSendBufferSize(this.#sendBuffer);
    });
  }

  [Symbol.dispose](): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.#socket?.close();
    this.#network.closed();
  }

  #remoteOf(address: IpSocketAddress): Endpoint {
    const remote = endpointOf(address);
    checkFamily(remote, this.#family);
    if (remote.port === 0 || isUnspecified(remote.address)) throw new SocketError('invalid-argument', 'nothing is there');
    return remote;
  }

  /** The socket, bound to any free port unless it is bound already. */
  async #bound(): Promise<Datagrams> {
    if (this.#socket === undefined) await (this.#binding ?? this.#bind(anywhere(this.#family)));
    if (this.#socket === undefined) throw new SocketError('invalid-state', 'the socket is not bound');
    return this.#socket;
  }

  #bind(local: Endpoint): Promise<void> {
    this.#binding = this.#open(local).finally(() => {
      this.#binding = undefined;
    });
    return this.#binding;
  }

  async #open(local: Endpoint): Promise<void> {
    this.#network.demandBind('receive', local);
    const socket = await Datagrams.open(local, this.#family, this.#network.allows('receive', local), this.#charge);
    if (this.#dropped) {
      socket.close();
      return;
    }
    if (this.#hopLimit !== HOP_LIMIT) socket.socket.setTTL(this.#hopLimit);
    if (this.#receiveBuffer !== undefined) socket.socket.setRecvBufferSize(this.#receiveBuffer);
    if (this.#sendBuffer !== undefined) socket.socket.setSendBufferSize(this.#sendBuffer);
    this.#socket = socket;
  }

  static {
    blocking(UdpSocket.prototype.bind);
    blocking(UdpSocket.prototype.connect);
    blocking(UdpSocket.prototype.disconnect);
    cancellable(UdpSocket.prototype.receive);
  }
}

export function udpSocket(network: Network): object {
  return class extends UdpSocket {
    static create(family: Family): UdpSocket {
      return attempt(() => new this(network, family));
    }
  };
}
