/** A request inside a worker thread, and the way of its response to the main thread. */
import { Readable } from 'node:stream';
import type { FieldList, Message, ReceivedRequest, Responder } from '@tenon/wasi';
import {
  bytesOf,
  CONTINUE,
  CREDIT,
  CREDIT_STEP,
  DATA,
  type Data,
  END,
  type FrameSender,
  HEAD,
  INFORM,
  joined,
  REFUSE,
  RESPONSE,
  SECURE,
  split,
  WAITS,
  WHOLE,
  WINDOW,
} from './frames.ts';

/** A body on its way from the client. */
class RequestBody extends Readable implements Message {
  readonly rawHeaders: string[] = [];
  rawTrailers: string[] = [];
  complete = false;
  /** Received, not credited yet. */
  private owed = 0;
  private readonly credited: (bytes: number) => void;
  /** Lets the client send, where it waits for that. */
  private ask: (() => void) | undefined;

  constructor(credited: (bytes: number) => void, ask: (() => void) | undefined) {
    super();
    this.credited = credited;
    this.ask = ask;
    // The guest hears of it when it reads.
    this.on('error', () => {});
  }

  receive(bytes: Buffer): void {
    this.owed += bytes.length;
    this.ask = undefined;
    if (this.push(bytes)) this.credit();
  }

  finish(trailers: string[]): void {
    this.rawTrailers = trailers;
    this.complete = true;
    this.push(null);
  }

  breakOff(): void {
    if (!this.complete) this.destroy(Object.assign(new Error('the client went away'), { code: 'ECONNRESET' }));
  }

  override _read(): void {
    this.ask?.();
    this.ask = undefined;
    this.credit();
  }

  get unasked(): boolean {
    return this.ask !== undefined;
  }

  private credit(): void {
    if (this.owed < CREDIT_STEP) return;
    this.credited(this.owed);
    this.owed = 0;
  }
}

export class Call implements ReceivedRequest, Responder {
  readonly id: number;
  readonly secure: boolean;
  /** The client sends its body only when it is told to. */
  readonly waits: boolean;
  readonly method: string;
  readonly target: string;
  readonly authority: string | undefined;
  /** The client has gone. */
  left = false;
  private readonly frames: FrameSender;
  /** The body is all here. */
  private readonly whole: boolean;
  private readonly head: string;
  private readonly fields: number;
  private body: RequestBody | undefined;
  private readonly early: Data;
  private ended = false;
  /** Sent and not credited by the main thread yet. */
  private unacknowledged = 0;
  private changed: (() => void) | undefined;

  /** @param kind, head, data those of the frame REQUEST */
  constructor(id: number, kind: number, head: string, data: Data, frames: FrameSender) {
    this.id = id;
    this.secure = (kind & SECURE) !== 0;
    this.waits = (kind & WAITS) !== 0;
    const method = head.indexOf('\n');
    const target = head.indexOf('\n', method + 1);
    const authority = (head.indexOf('\n', target + 1) + 1 || head.length + 1) - 1;
    this.method = head.slice(0, method);
    this.target = head.slice(method + 1, target);
    // HTTP/1.0 may have none.
    this.authority = authority > target + 1 ? head.slice(target + 1, authority) : undefined;
    this.fields = authority + 1;
    this.head = head;
    this.early = data;
    this.frames = frames;
    this.whole = (kind & WHOLE) !== 0;
    if (!this.whole) this.body = this.newBody();
  }

  get rawHeaders(): string[] {
    return split(this.head, this.fields);
  }

  get message(): Message {
    if (this.body === undefined) {
      this.body = this.newBody();
      if (this.early !== undefined) this.body.receive(bytesOf(this.early));
      this.body.finish([]);
    }
    return this.body;
  }

  private newBody(): RequestBody {
    const ask = this.waits && !this.whole ? (): void => this.frames.send(this.id, CONTINUE) : undefined;
    return new RequestBody((bytes) => this.frames.send(this.id, CREDIT, undefined, bytes), ask);
  }

  /** A part of the body came. */
  receive(data: Data): void {
    this.body?.receive(bytesOf(data));
  }

  /** The end of the body came. */
  finish(trailers: string): void {
    this.body?.finish(split(trailers, 0));
  }

  /** The client takes more of the response. */
  acknowledge(bytes: number): void {
    this.unacknowledged -= bytes;
    this.changed?.();
  }

  /** The client has gone, or its body broke off. */
  leave(): void {
    this.left = true;
    this.body?.breakOff();
    this.changed?.();
  }

  get gone(): boolean {
    return this.left || this.ended;
  }

  get writableLength(): number {
    return this.unacknowledged;
  }

  get writableHighWaterMark(): number {
    return WINDOW;
  }

  watch(changed: () => void): void {
    this.changed = changed;
  }

  inform(status: number, fields: FieldList): void {
    this.frames.send(this.id, INFORM, joined(String(status), fields.pairs));
  }

  respond(status: number, pairs: string[], body: Uint8Array): void {
    this.ended = true;
    const data = body.length === 0 ? undefined : this.frames.bytes(body, true);
    this.frames.send(this.id, RESPONSE, joined(String(status), pairs), data);
  }

  begin(status: number, pairs: string[]): void {
    this.frames.send(this.id, HEAD, joined(String(status), pairs));
  }

  write(bytes: Uint8Array, written: () => void): void {
    this.changed = written;
    this.unacknowledged += bytes.length;
    this.frames.send(this.id, DATA, undefined, this.frames.bytes(bytes, true));
  }

  end(trailers: FieldList | undefined): void {
    this.ended = true;
    const [name, ...rest] = trailers?.pairs ?? [];
    this.frames.send(this.id, END, name === undefined ? undefined : joined(name, rest));
  }

  refuse(_status: number, why: string): void {
    this.ended = true;
    this.frames.send(this.id, REFUSE, why);
  }
}
