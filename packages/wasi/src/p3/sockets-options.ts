/** Options of sockets, in the units of `wasi:sockets`. */
import { SocketError } from '../body/network/error.ts';
import type { TcpOptions } from '../body/network/tcp.ts';

const MILLISECOND = 1_000_000n;
const SECOND = 1000n * MILLISECOND;

/** The longest time of keep-alive that Linux takes, in seconds. */
const LONGEST = 32_767n;
const MOST_COUNT = 127;
const MOST_BUFFER = 1n << 24n;

/** What Node has no way to change. */
export const HOP_LIMIT = 64;

function positive<T extends number | bigint>(value: T): T {
  if (value <= 0) throw new SocketError('invalid-argument', 'it is more than nothing');
  return value;
}

/** Times of keep-alive are counted in seconds, one at the least. */
function wholeSeconds(nanoseconds: bigint): bigint {
  const seconds = (positive(nanoseconds) + SECOND - 1n) / SECOND;
  return (seconds > LONGEST ? LONGEST : seconds) * SECOND;
}

export function bufferSize(value: bigint): bigint {
  return positive(value) > MOST_BUFFER ? MOST_BUFFER : value;
}

export function checkHopLimit(value: number): void {
  if (positive(value) !== HOP_LIMIT) throw new SocketError('not-supported', `the hop limit of a connection stays ${HOP_LIMIT}`);
}

/** Those of a TCP socket, which the connections that it accepts take over. At first they are what systems take where nobody has said anything. */
export class TcpSettings {
  keepAlive = false;
  #idle: bigint = 7200n * SECOND;
  #interval: bigint = 75n * SECOND;
  #count = 9;
  #receiveBuffer: bigint = 64n * 1024n;
  #sendBuffer: bigint = 64n * 1024n;

  copy(): TcpSettings {
    const copy = new TcpSettings();
    copy.keepAlive = this.keepAlive;
    copy.#idle = this.#idle;
    copy.#interval = this.#interval;
    copy.#count = this.#count;
    copy.#receiveBuffer = this.#receiveBuffer;
    copy.#sendBuffer = this.#sendBuffer;
    return copy;
  }

  get idle(): bigint {
    return this.#idle;
  }

  set idle(nanoseconds: bigint) {
    this.#idle = wholeSeconds(nanoseconds);
  }

  get interval(): bigint {
    return this.#interval;
  }

  set interval(nanoseconds: bigint) {
    this.#interval = wholeSeconds(nanoseconds);
  }

  get count(): number {
    return this.#count;
  }

  set count(value: number) {
    this.#count = Math.min(positive(value), MOST_COUNT);
  }

  get receiveBuffer(): bigint {
    return this.#receiveBuffer;
  }

  set receiveBuffer(value: bigint) {
    this.#receiveBuffer = bufferSize(value);
  }

  get sendBuffer(): bigint {
    return this.#sendBuffer;
  }

  set sendBuffer(value: bigint) {
    this.#sendBuffer = bufferSize(value);
  }

  /** As Node takes them. */
  get options(): TcpOptions {
    return {
      keepAlive: this.keepAlive,
      keepAliveIdle: Number(this.#idle / MILLISECOND),
      keepAliveInterval: Number(this.#interval / MILLISECOND),
      keepAliveCount: this.#count,
    };
  }
}
