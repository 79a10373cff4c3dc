/**
 * How requests and responses travel between the main thread, which speaks HTTP, and a worker thread, which runs guests: frames of many requests
 * in one message, and credits so that neither side sends bodies faster than the other consumes them.
 */

// From the main thread.
/** A request; the text is its head (see {@link joined}), the data a short body that is all here. */
export const REQUEST = 0;
/** The client has gone, or its body broke off. */
export const GONE = 1;
/** The guest is to be ended. */
export const CANCEL = 2;

// From both.
/** A part of a body. */
export const DATA = 3;
/** The end of a body; the text is its trailers. */
export const END = 4;
/** So many bytes of a body, as the data says, were consumed and may be sent anew. */
export const CREDIT = 5;

// From a worker thread.
/** A whole response: head and body. */
export const RESPONSE = 6;
/** The head of a response whose body follows. */
export const HEAD = 7;
/** A response ahead of the final one. */
export const INFORM = 8;
/** The client may send its body. */
export const CONTINUE = 9;
/** The guest gave an error in place of a response, or one that cannot be sent, or broke it off; the text says why. */
export const REFUSE = 10;
/** The guest is done with the request. */
export const DONE = 11;
/** The guest failed; the data is a {@link Failure}. */
export const FAILED = 12;

// Beside the kind of a REQUEST.
/** No body follows. */
export const WHOLE = 16;
/** It came over TLS. */
export const SECURE = 32;
/** The client sends its body only when it is told to. */
export const WAITS = 64;
export const KIND = 15;

// Beside the kind of a RESPONSE.
/** As a DONE behind it. */
const LAST = 128;

/** Why a guest did not do its part. */
export interface Failure {
  readonly event: 'trap' | 'error' | 'busy';
  readonly message: string;
  readonly code?: string;
  readonly component?: string;
  readonly func?: string;
  readonly backtrace?: string;
}

/** Bytes as a latin1 string where they are few: V8 hands a short string over faster than a buffer. */
export type Bytes = string | Uint8Array<ArrayBuffer>;
export type Data = Bytes | number | Failure | undefined;

/** Frames one after the other: the number of the request, kind, text, data. */
export type Frames = readonly (number | string | Data)[];
const SLOTS = 4;

/** Bytes of one body that a side may send before the other has consumed them. */
export const WINDOW = 256 * 1024;
/** Consumed bytes are credited when there are this many: most bodies are smaller and need no credit. */
export const CREDIT_STEP: number = WINDOW / 4;

/** Bodies up to this length travel as strings, and together with their head when they are all here. */
export const SHORT = 4 * 1024;

interface Port {
  postMessage(message: unknown): void;
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
}

/** So many frames make a message at most, so that the other thread can begin while this one goes on. More messages would wake it more often, which costs more than that gains. */
export const BURST = 16;

/** Collects the frames of this turn of the event loop, and sends them as few messages. */
export class FrameSender {
  private readonly port: Port;
  private frames: (number | string | Data)[] = [];
  private scheduled = false;
  private readonly onTurn = (): void => {
    this.scheduled = false;
    this.flush();
  };

  constructor(port: Port) {
    this.port = port;
  }

  /** Adds a frame to a message for which {@link flush} will be called. */
  add(request: number, kind: number, text?: string, data?: Data): void {
    if (this.frames.length >= BURST * SLOTS) this.flush();
    this.frames.push(request, kind, text, data);
  }

  /** Most guests are done when they have responded: then that frame says it too. */
  private finishes(request: number): boolean {
    const { frames } = this;
    const at = frames.length - SLOTS;
    if (at < 0 || frames[at] !== request || frames[at + 1] !== RESPONSE) return false;
    frames[at + 1] = RESPONSE | LAST;
    return true;
  }

  send(request: number, kind: number, text?: string, data?: Data): void {
    if (kind === DONE && this.finishes(request)) return;
    this.add(request, kind, text, data);
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(this.onTurn);
  }

  /** Makes bytes ready to be sent. They are handed over when they have a buffer of their own and are `owned` here, and otherwise copied. */
  bytes(bytes: Uint8Array, owned: boolean): Bytes {
    const { buffer, byteOffset, byteLength } = bytes;
    if (byteLength <= SHORT) return (bytes instanceof Buffer ? bytes : Buffer.from(buffer, byteOffset, byteLength)).toString('latin1');
    const whole = owned && buffer instanceof ArrayBuffer && buffer.byteLength === byteLength;
    return whole ? new Uint8Array(buffer) : new Uint8Array(bytes);
  }

  flush(): void {
    if (this.frames.length === 0) return;
    const { frames } = this;
    this.frames = [];
    const transfer: ArrayBuffer[] = [];
    for (let i = SLOTS - 1; i < frames.length; i += SLOTS) {
      const data = frames[i];
      if (data instanceof Uint8Array) transfer.push(data.buffer);
    }
    // To pass an empty list on costs as much as a frame.
    if (transfer.length === 0) this.port.postMessage(frames);
    else this.port.postMessage(frames, transfer);
  }
}

/** Takes a message apart. */
export function receiveFrames(frames: Frames, take: (request: number, kind: number, text: string, data: Data) => void): void {
  for (let i = 0; i < frames.length; i += SLOTS) {
    const request = frames[i] as number;
    const kind = frames[i + 1] as number;
    take(request, kind & ~LAST, (frames[i + 2] as string | undefined) ?? '', frames[i + 3] as Data);
    if ((kind & LAST) !== 0) take(request, DONE, '', undefined);
  }
}

/** The bytes of a frame. */
export function bytesOf(data: Data): Buffer {
  if (typeof data === 'string') return Buffer.from(data, 'latin1');
  const { buffer, byteOffset, byteLength } = data as Uint8Array<ArrayBuffer>;
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** One string of many, none of which has a newline in it: V8 hands one over faster than many. */
export function joined(first: string, rest: readonly string[]): string {
  let text = first;
  for (const each of rest) text += `\n${each}`;
  return text;
}

/** What {@link joined} put behind the first strings, from this position on. */
export function split(text: string, from: number): string[] {
  return from >= text.length ? [] : text.slice(from).split('\n');
}
