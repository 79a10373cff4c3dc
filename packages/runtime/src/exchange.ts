/** One request in a cell: Node's objects for it, and what became of them. */
import type { ServerResponse } from 'node:http';
import { NodeResponder, type ReceivedRequest, receivedByNode } from '@tenon/wasi';
import { answer, bodyFollows, broken, complete, isHttp2, type Response } from './answers.ts';
import type { Limits } from './config.ts';
import { Activity } from './output.ts';
import type { Lease } from './pool.ts';
import { type Request, tooLong } from './protocol.ts';

/** Who sees that the request is answered whatever its guest does. */
export interface Keeper {
  readonly limits: Limits;
  /** Ends the guest and answers in its place. */
  giveUp(exchange: Exchange, status: number, why: string): void;
  /** Node does not send what the guest responds. */
  unsendable(exchange: Exchange, error: unknown): void;
  /** What the guest gave is no response, or not a whole one. */
  refused(exchange: Exchange, why: string): void;
  /** The client went away before it had all of the response. */
  left(exchange: Exchange): void;
}

/** A body on its way from the client. */
class Upload {
  received: number;
  /** All of it is here. */
  whole = false;
  /** The client sends it only when it is told to, and nobody has read. */
  unasked: boolean;
  private seen = -1;
  private silentSince = 0;

  /** @param ask tells the client to send; undefined where it sends by itself */
  constructor(request: Request, most: number, exceeded: () => void, ask: (() => void) | undefined) {
    this.received = request.readableLength;
    this.unasked = ask !== undefined;
    if (ask !== undefined) this.askFor(request, ask);
    const push = request.push;
    request.push = (chunk: Buffer | null, encoding?: BufferEncoding): boolean => {
      if (chunk === null) this.whole = true;
      else this.received += chunk.length;
      this.unasked = false;
      if (this.received > most) exceeded();
      return push.call(request, chunk, encoding);
    };
  }

  private askFor(request: Request, ask: () => void): void {
    const { read } = request;
    Object.defineProperty(request, 'unasked', { get: () => this.unasked });
    request.read = (size?: number): unknown => {
      if (this.unasked) {
        this.unasked = false;
        ask();
      }
      return read.call(request, size);
    };
  }

  /** For how long nothing has come, in milliseconds, while the guest had taken all that came before. */
  silence(now: number, buffered: number): number {
    if (this.received !== this.seen || buffered > 0) {
      this.seen = this.received;
      this.silentSince = now;
    }
    return now - this.silentSince;
  }
}

export class Exchange extends NodeResponder {
  readonly request: Request;
  readonly response: Response;
  readonly started: number = performance.now();
  /** The client went away before it had all of the response. */
  left = false;
  /** The guest, or its time limit, ended the response before it was complete. */
  cut = false;
  /** What the guest still says is of no interest: it was ended, or somebody else has answered. */
  over = false;
  /** The instance that serves it. */
  lease: Lease<unknown> | undefined;
  readonly activity: Activity;
  private readonly keeper: Keeper;
  private readonly upload: Upload | undefined;

  /** @param waits the client sends its body only when it is told to */
  constructor(request: Request, response: Response, waits: boolean, keeper: Keeper) {
    super(response);
    this.request = request;
    this.response = response;
    this.activity = new Activity(`${request.method} ${request.url}`);
    this.keeper = keeper;
    const { limits } = keeper;
    this.upload = bodyFollows(request)
      ? new Upload(
          request,
          limits.maxBodyBytes,
          () => keeper.giveUp(this, tooLong(limits).status, tooLong(limits).why),
          waits ? () => this.continue() : undefined,
        )
      : undefined;
    response.on('close', () => {
      if (this.cut || complete(response)) return;
      this.left = true;
      keeper.left(this);
    });
    // The guest hears of it where it writes.
    response.on('error', () => {});
  }

  get title(): string {
    return this.activity.title;
  }

  get received(): ReceivedRequest {
    return receivedByNode(this.request);
  }

  /** Whether there is no use in giving it to a guest. */
  get dead(): boolean {
    return this.left || this.over || broken(this.response);
  }

  override get gone(): boolean {
    return this.over || super.gone;
  }

  /** Whether the client has sent nothing of its body for too long. */
  stalled(now: number): boolean {
    const { upload, request } = this;
    if (upload === undefined || upload.whole || upload.unasked) return false;
    return upload.silence(now, request.readableLength) > this.keeper.limits.bodyTimeoutMs;
  }

  /** Whether the guest can do nothing until its client sends more of the body or takes more of the response. */
  get waitsForClient(): boolean {
    const { upload, request, response } = this;
    const sending = upload !== undefined && !upload.whole && !upload.unasked;
    return (sending && request.readableLength === 0) || response.writableNeedDrain;
  }

  private get unasked(): boolean {
    return this.upload?.unasked === true;
  }

  /** Whether the client sends a body that nobody asked for when it gets its answer first, nobody knows: its connection ends then. */
  private closeUnasked(): void {
    if (this.unasked && !isHttp2(this.response)) this.response.shouldKeepAlive = false;
  }

  override respond(status: number, pairs: string[], body: Uint8Array): void {
    if (this.gone) return;
    this.closeUnasked();
    try {
      super.respond(status, pairs, body);
    } catch (error) {
      this.keeper.unsendable(this, error);
    }
  }

  override begin(status: number, pairs: string[]): void {
    if (this.gone) return;
    const response = this.response as ServerResponse;
    this.closeUnasked();
    try {
      this.writeHead(status, pairs);
    } catch (error) {
      this.keeper.unsendable(this, error);
      return;
    }
    // A part of the body may come in the same turn.
    process.nextTick(() => {
      if (!response.writableEnded && !response.destroyed) response.flushHeaders();
    });
  }

  override write(bytes: Uint8Array, written: () => void): void {
    if (!this.gone) super.write(bytes, written);
  }

  override refuse(_status: number, why: string): void {
    if (!this.gone) this.keeper.refused(this, why);
  }

  /** Answers in place of the guest, or cuts its response off. */
  answer(status: number, text: string, last = false): void {
    if (this.left) return;
    this.cut ||= this.response.headersSent && !this.response.writableEnded;
    answer(this.response, status, text, last || this.unasked);
  }

  /** Somebody reads the body: the client may send it. */
  private continue(): void {
    if (!this.gone && !this.response.headersSent) this.response.writeContinue();
  }

  /** Nothing more comes from the guest. What is left of the request is read and dropped, so that the connection can go on. */
  detach(): void {
    this.over = true;
    const { upload, request } = this;
    if (upload === undefined || upload.unasked || request.readableEnded) return;
    request.removeAllListeners('readable');
    request.resume();
  }
}
