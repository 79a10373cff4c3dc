/**
 * How bytes of connections travel between the main thread, which owns the sockets, and a worker thread, which speaks HTTP on them:
 * frames of many connections in one message, and credits so that neither side sends faster than the other consumes.
 */

/** What a frame says about its connection. */
export const DATA = 0;
/** Data follows on a connection that the thread has not seen before; what it is says the payload, some of the two bits below. */
export const OPEN = 4;
/** The client speaks TLS with the main thread. */
export const SECURE = 1;
/** The client speaks HTTP/2. */
export const HTTP2 = 2;
/** The sender will send no more data. */
export const END = 1;
/** The sender is done with the connection altogether. */
export const CLOSE = 2;
/** So many bytes were consumed and may be sent anew. */
export const CREDIT = 3;

/** Bytes as a latin1 string where they are few: V8 hands a short string over faster than a buffer. */
export type Payload = string | Uint8Array<ArrayBuffer> | number | undefined;

/** Frames one after the other: connection, kind, payload. */
export type Frames = readonly (number | Payload)[];

/** Bytes that one side may send before the other has consumed them. */
export const WINDOW = 256 * 1024;
/** Consumed bytes are credited when there are this many: most exchanges are smaller and need no credit. */
export const CREDIT_STEP: number = WINDOW / 4;

const SHORT = 4 * 1024;

interface Port {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
}

/** Collects the frames of one turn of the event loop into one message. */
export class FrameSender {
  private readonly port: Port;
  private frames: (number | Payload)[] = [];
  private transfer: ArrayBuffer[] = [];

  constructor(port: Port) {
    this.port = port;
  }

  send(connection: number, kind: number, payload?: Payload): void {
    if (this.frames.length === 0) setImmediate(() => this.flush());
    this.frames.push(connection, kind, payload);
  }

  /** Sends data. The chunk may be reused by the caller. Returns its length in bytes. */
  data(connection: number, chunk: Buffer): number {
    if (chunk.length <= SHORT) {
      this.send(connection, DATA, chunk.toString('latin1'));
    } else {
      const copy = new Uint8Array(chunk);
      this.send(connection, DATA, copy);
      this.transfer.push(copy.buffer);
    }
    return chunk.length;
  }

  flush(): void {
    if (this.frames.length === 0) return;
    const { frames, transfer } = this;
    this.frames = [];
    this.transfer = [];
    this.port.postMessage(frames, transfer);
  }
}

/** Takes a message apart. */
export function receiveFrames(frames: Frames, take: (connection: number, kind: number, payload: Payload) => void): void {
  for (let i = 0; i < frames.length; i += 3) take(frames[i] as number, frames[i + 1] as number, frames[i + 2]);
}

/** The bytes of a DATA frame. */
export function bytesOf(payload: Payload): Buffer {
  return typeof payload === 'string' ? Buffer.from(payload, 'latin1') : Buffer.from((payload as Uint8Array<ArrayBuffer>).buffer);
}
