import type { RemoteInfo, Socket } from 'node:dgram';
import { type Charge, OBJECT_BYTES } from '../budget.ts';
import { builtins } from '../builtins.ts';
import { Signal } from '../readiness.ts';
import { type Endpoint, type Family, unmapped } from './address.ts';
import { SocketError, socketError } from './error.ts';

/** A datagram, and where it came from or goes to. */
export interface Datagram {
  readonly data: Uint8Array;
  readonly remote: Endpoint;
}

// What waits to be received, in datagrams and in bytes: more are lost, as the system's own buffer would lose them.
const MOST_WAITING = 1024;
const MOST_BYTES = 4 * 1024 * 1024;
/** So many are remembered to whom was sent, where only they may answer. */
const MOST_PEERS = 1024;
/** Datagrams that may be on their way at a time. */
const MOST_SENDING = 64;

/** How often a free port is looked for before the system's choice is taken. */
const MOST_TRIES = 3;

function bound({ address, port }: Endpoint, family: Family): Socket {
  const socket = builtins.dgram.createSocket({
    type: family === 'ipv6' ? 'udp6' : 'udp4',
    ipv6Only: family === 'ipv6',
    // There are only addresses, and what is looked up is sent later.
    lookup: (address, _options, found) => found(null, address, family === 'ipv6' ? 6 : 4),
  });
  try {
    socket.bindSync({ address, port });
    return socket;
  } catch (error) {
    socket.close();
    throw socketError(error);
  }
}

/** A bound socket for datagrams. It is ready when there is something to receive. */
export class UdpSocket extends Signal {
  readonly #socket: Socket;
  /** Whom the socket is connected to. */
  #remote: Endpoint | undefined;
  /** Who may answer; undefined where anybody may be heard. The latest is last. */
  readonly #peers: Set<string> | undefined;
  #waiting: Datagram[] = [];
  #bytes = 0;
  #failure: SocketError | undefined;
  readonly #charge: Charge;
  #waking = false;
  /** Ready when more may be sent. */
  readonly sending: Sending;

  private constructor(socket: Socket, open: boolean, charge: Charge) {
    super();
    this.#socket = socket;
    this.#charge = charge;
    this.#peers = open ? undefined : new Set();
    this.sending = new Sending(socket, charge);
    socket.on('message', (data, from) => this.#arrived(data, from));
    socket.on('error', (error) => {
      this.#failure = socketError(error);
      this.notify();
    });
  }

  /**
   * Linux takes away the port of a socket that is disconnected, unless that port was asked for by its number. So a free port is found
   * first, and then asked for.
   * @param open whether anybody may be heard, or only those to whom something was sent
   * @param charge what the host holds for it is charged there
   */
  static async open(local: Endpoint, family: Family, open: boolean, charge: Charge): Promise<UdpSocket> {
    for (let tries = local.port === 0 ? 0 : MOST_TRIES; tries < MOST_TRIES; tries++) {
      const free = bound(local, family);
      const { port } = free.address();
      await new Promise<void>((resolve) => free.close(resolve));
      try {
        return new UdpSocket(bound({ ...local, port }, family), open, charge);
      } catch (error) {
        // Somebody else was faster.
        if (!(error instanceof SocketError) || error.problem !== 'address-in-use') throw error;
      }
    }
    return new UdpSocket(bound(local, family), open, charge);
  }

  get socket(): Socket {
    return this.#socket;
  }

  get remote(): Endpoint | undefined {
    return this.#remote;
  }

  get local(): Endpoint {
    return this.#socket.address();
  }

  /**
   * Talks to one other only, or to everyone again. What waits from others is lost.
   * @throws SocketError
   */
  async connect(remote: Endpoint | undefined): Promise<void> {
    await new Promise<void>((resolve) => this.sending.whenIdle(resolve));
    if (this.#remote !== undefined) this.#socket.disconnect();
    this.#remote = undefined;
    this.#failure = undefined;
    try {
      if (remote !== undefined) this.#socket.connectSync(remote.port, remote.address);
    } catch (error) {
      throw socketError(error);
    }
    this.#remote = remote;
    // The system may have let others in before.
    const wanted = Map.groupBy(this.#waiting, (datagram) => this.#wanted(datagram.remote));
    this.#waiting = wanted.get(true) ?? [];
    this.#give(wanted.get(false) ?? []);
  }

  override ready(): boolean {
    return this.#waiting.length > 0 || this.#failure !== undefined;
  }

  receive(most: number): Datagram[] {
    if (this.#failure !== undefined) {
      const failure = this.#failure;
      this.#failure = undefined;
      throw failure;
    }
    const received = this.#waiting.splice(0, most);
    this.#give(received);
    return received;
  }

  /** They are not held any more. */
  #give(datagrams: readonly Datagram[]): void {
    for (const { data } of datagrams) {
      this.#bytes -= data.length;
      this.#charge.give(weight(data));
    }
  }

  /** Something is sent there, so that an answer may come. */
  expect(remote: Endpoint): void {
    if (this.#peers === undefined) return;
    const peer = key(remote);
    this.#peers.delete(peer);
    this.#peers.add(peer);
    if (this.#peers.size <= MOST_PEERS) return;
    for (const oldest of this.#peers) {
      this.#peers.delete(oldest);
      break;
    }
  }

  /** Sends what is on its way, then closes. */
  close(): void {
    this.sending.whenIdle(() => {
      this.#socket.close();
      this.#charge.end();
    });
  }

  #arrived(data: Uint8Array, from: RemoteInfo): void {
    const remote = { address: from.address, port: from.port };
    if (!this.#wanted(remote) || this.#waiting.length >= MOST_WAITING || this.#bytes + data.length > MOST_BYTES) return;
    // Lost, as the system loses what its own buffer has no room for.
    if (!this.#charge.take(weight(data))) return;
    this.#waiting.push({ data, remote });
    this.#bytes += data.length;
    // What else has arrived comes before this: who waits then gets all of it at once.
    if (!this.#waking) setImmediate(this.#wake);
    this.#waking = true;
  }

  readonly #wake = (): void => {
    this.#waking = false;
    this.notify();
  };

  #wanted(from: Endpoint): boolean {
    if (this.#remote !== undefined) return unmapped(from.address) === this.#remote.address && from.port === this.#remote.port;
    return this.#peers === undefined || this.#peers.has(key(from));
  }
}

/** What a datagram takes of the budget. */
function weight(data: Uint8Array): number {
  return data.length + 4 * OBJECT_BYTES;
}

function key({ address, port }: Endpoint): string {
  return `${unmapped(address)} ${port}`;
}

/** Datagrams on their way. */
export class Sending extends Signal {
  readonly #socket: Socket;
  readonly #charge: Charge;
  #under = 0;
  #idle: (() => void) | undefined;
  #failure: SocketError | undefined;

  constructor(socket: Socket, charge: Charge) {
    super();
    this.#socket = socket;
    this.#charge = charge;
  }

  override ready(): boolean {
    return this.#under < MOST_SENDING || this.#failure !== undefined;
  }

  /** How many datagrams may be sent now. Throws what went wrong with those before. */
  room(): number {
    if (this.#failure === undefined) return MOST_SENDING - this.#under;
    const failure = this.#failure;
    this.#failure = undefined;
    throw failure;
  }

  /**
   * @param connected whether the socket is connected to the one that the datagram is for
   * @param done is told what came of it; else whoever sends next is told of a failure
   */
  send({ data, remote }: Datagram, connected: boolean, done?: (error: SocketError | undefined) => void): void {
    if (!this.#charge.take(weight(data))) throw new SocketError('out-of-memory', 'the host holds as much for the guest as it may');
    this.#under++;
    const sent = (error: Error | null): void => {
      this.#under--;
      this.#charge.give(weight(data));
      const failure = error ? socketError(error) : undefined;
      if (done !== undefined) done(failure);
      else if (failure !== undefined) this.#failure = failure;
      this.notify();
      if (this.#under === 0) this.#idle?.();
    };
    if (connected) this.#socket.send(data, sent);
    else this.#socket.send(data, remote.port, remote.address, sent);
  }

  /** Calls once nothing is on its way. */
  whenIdle(idle: () => void): void {
    if (this.#under === 0) idle();
    else this.#idle = idle;
  }
}
