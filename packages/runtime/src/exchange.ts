/** One request and its response in the main thread: Node's objects on the one side, frames on the other. */
import type { ServerResponse } from 'node:http';
import { answer, bodyFollows, collected, complete, isHttp2, paired, type Response, without } from './answers.ts';
import type { Limits } from './config.ts';
import {
  bytesOf,
  CANCEL,
  CREDIT,
  CREDIT_STEP,
  DATA,
  type Data,
  END,
  type FrameSender,
  GONE,
  joined,
  REQUEST,
  SECURE,
  SHORT,
  split,
  WAITS,
  WHOLE,
  WINDOW,
} from './frames.ts';
import { type Request, tooLong } from './protocol.ts';

/** A request that the server has accepted. */
export interface Arrival {
  readonly id: number;
  readonly request: Request;
  readonly response: Response;
  /** It came over TLS. */
  readonly secure: boolean;
  /** The client sends its body only when it is told to. */
  readonly waits: boolean;
}

export class Exchange {
  readonly id: number;
  readonly request: Request;
  readonly response: Response;
  readonly started: number = performance.now();
  /** When it was handed to a thread. */
  sent = 0;
  /** The client went away before it had all of the response. */
  gone = false;
  /** The guest, or its time limit, ended the response before it was complete. */
  cut = false;
  /** The client waits to be told to send the body. Whether it sends it when it gets its answer first nobody knows: its connection ends then. */
  private unasked: boolean;
  /** The client still sends the body. */
  uploading = false;
  private readonly arrival: Arrival;
  private readonly limits: Limits;
  private readonly giveUp: (exchange: Exchange, status: number, why: string) => void;
  /** Where the frames go, as long as a guest is at work. */
  private frames: FrameSender | undefined;
  private received = 0;
  /** Bytes of the request's body that were sent and not credited yet. */
  private unacknowledged = 0;
  /** Bytes of the response's body that were taken and not credited yet. */
  private owed = 0;
  /** The client takes no more of the response for now. */
  private full = false;
  private seen = 0;
  private silentSince = 0;

  /** @param giveUp is called with a status and a reason when the request must not go on */
  constructor(arrival: Arrival, limits: Limits, giveUp: (exchange: Exchange, status: number, why: string) => void) {
    this.id = arrival.id;
    this.request = arrival.request;
    this.response = arrival.response;
    this.arrival = arrival;
    this.unasked = arrival.waits;
    this.limits = limits;
    this.giveUp = giveUp;
  }

  get title(): string {
    return `${this.request.method} ${this.request.url}`;
  }

  /** Hands the request to a thread, with the next message that goes there. */
  send(frames: FrameSender): void {
    const { arrival, request, limits } = this;
    const { secure, waits } = arrival;
    if (request.readableLength > limits.maxBodyBytes) {
      this.giveUp(this, tooLong(limits).status, tooLong(limits).why);
      return;
    }
    this.frames = frames;
    this.sent = performance.now();
    const { rawHeaders, headers, method = '', url = '' } = request;
    const authority = headers[':authority'] ?? headers.host ?? '';
    const head = joined(`${method}\n${url}\n${authority}`, rawHeaders);
    const kind = REQUEST | (secure ? SECURE : 0) | (waits ? WAITS : 0);
    if (!bodyFollows(request) && request.readableLength <= SHORT && request.rawTrailers.length === 0) {
      this.unasked = false;
      const body = request.readableLength > 0 ? (request.read() as Buffer | null) : null;
      frames.add(this.id, kind | WHOLE, head, body === null ? undefined : frames.bytes(body, false));
      return;
    }
    frames.add(this.id, kind, head);
    this.upload();
  }

  private upload(): void {
    const { request } = this;
    this.uploading = true;
    this.silentSince = this.sent;
    request.on('data', (chunk: Buffer) => this.forward(chunk));
    request.on('end', () => {
      this.uploading = false;
      this.frames?.send(this.id, END, joined('', request.rawTrailers).slice(1));
    });
    request.on('error', () => {
      this.uploading = false;
      this.frames?.send(this.id, GONE);
    });
  }

  private forward(chunk: Buffer): void {
    this.received += chunk.length;
    this.unasked = false;
    const { frames, limits, request } = this;
    // A guest that is done leaves the rest of the body to nobody.
    if (frames === undefined) return;
    if (this.received > limits.maxBodyBytes) {
      this.giveUp(this, tooLong(limits).status, tooLong(limits).why);
      return;
    }
    frames.send(this.id, DATA, undefined, frames.bytes(chunk, false));
    this.unacknowledged += chunk.length;
    if (this.unacknowledged >= WINDOW) request.pause();
  }

  /** Whether the client has sent nothing of its body for too long. */
  stalled(now: number): boolean {
    if (this.received !== this.seen || this.unacknowledged >= WINDOW || this.unasked) {
      this.seen = this.received;
      this.silentSince = now;
    }
    return now - this.silentSince > this.limits.bodyTimeoutMs;
  }

  /** The thread has consumed a part of the body. */
  acknowledge(bytes: number): void {
    this.unacknowledged -= bytes;
    if (this.unacknowledged < WINDOW) this.request.resume();
  }

  /** Nothing more goes to the guest or comes from it. What is left of the request is read and dropped, so that the connection can go on. */
  detach(): void {
    this.frames = undefined;
    if (!this.uploading) return;
    this.uploading = false;
    this.request.resume();
  }

  /** Ends the guest. */
  cancel(): void {
    this.frames?.send(this.id, CANCEL);
    this.detach();
  }

  /** The response is over; tells the guest when it ended too early. */
  close(): void {
    this.gone ||= !complete(this.response);
    if (this.gone && !this.cut) this.frames?.send(this.id, GONE);
  }

  /** @param text, data of a frame RESPONSE */
  respond(text: string, data: Data): void {
    if (!this.writeHead(text)) return;
    if (typeof data === 'string') (this.response as ServerResponse).end(data, 'latin1');
    else if (data === undefined) this.response.end();
    else this.response.end(bytesOf(data));
  }

  /** @param text of a frame HEAD */
  begin(text: string): void {
    if (!this.writeHead(text)) return;
    const response = this.response as ServerResponse;
    // A part of the body may come in the same message.
    process.nextTick(() => {
      if (!response.writableEnded && !response.destroyed) response.flushHeaders();
    });
  }

  private writeHead(text: string): boolean {
    const response = this.response as ServerResponse;
    if (this.gone || response.headersSent || response.writableEnded) return false;
    const pairs = split(text, PAIRS);
    if (this.unasked && !isHttp2(this.response)) response.shouldKeepAlive = false;
    // The declarations know lists of pairs only for HTTP/1.1, the code for both. HTTP/1.0 has no trailers, and Node announces none there.
    response.writeHead(statusOf(text), this.request.httpVersion === '1.0' ? without(pairs, 'trailer') : pairs);
    return true;
  }

  write(data: Data): void {
    const response = this.response as ServerResponse;
    if (this.gone || response.writableEnded) return;
    this.owed += (data as string | Uint8Array).length;
    const room = typeof data === 'string' ? response.write(data, 'latin1') : response.write(bytesOf(data));
    if (room) {
      this.credit();
    } else if (!this.full) {
      this.full = true;
      response.once('drain', this.credit);
    }
  }

  private readonly credit = (): void => {
    this.full = false;
    if (this.owed < CREDIT_STEP) return;
    this.frames?.send(this.id, CREDIT, undefined, this.owed);
    this.owed = 0;
  };

  /** @param text the trailers */
  end(text: string): void {
    const { response } = this;
    if (this.gone || response.writableEnded) return;
    const trailers = split(text, 0);
    if (trailers.length > 0 && isHttp2(response)) response.addTrailers(collected(trailers));
    else if (trailers.length > 0) (response as ServerResponse).addTrailers(paired(trailers));
    response.end();
  }

  /** @param text of a frame INFORM */
  inform(text: string): void {
    const { response } = this;
    if (this.gone || response.headersSent || response.writableEnded) return;
    const pairs = split(text, PAIRS);
    if (isHttp2(response)) response.stream.additionalHeaders({ ':status': statusOf(text), ...collected(pairs) });
    // Clients of HTTP/1.0 know of none (RFC 9110, section 15.2).
    else if (this.request.httpVersion !== '1.0') response.writeInformation(statusOf(text), pairs);
  }

  /** Somebody reads the body: the client may send it. */
  continue(): void {
    this.unasked = false;
    if (!this.gone && !this.response.headersSent) this.response.writeContinue();
  }

  fail(): void {
    this.answer(500, 'the component failed');
  }

  /** Answers in place of the guest, or cuts its response off. */
  answer(status: number, text: string, last = false): void {
    if (this.gone) return;
    this.cut = this.response.headersSent && !this.response.writableEnded;
    answer(this.response, status, text, last || this.unasked);
  }
}

/** Status and fields are lines of one text; the status has three digits. */
const PAIRS = 4;
const statusOf = (text: string): number => Number(text.slice(0, 3));
