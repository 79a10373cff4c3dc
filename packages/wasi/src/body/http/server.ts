import { Charge, OBJECT_BYTES } from '../budget.ts';
import { EMPTY } from '../streams.ts';
import type { Departing, Departure } from './body.ts';
import { HttpError, httpError } from './error.ts';
import type { FieldList } from './fields.ts';
import { Framing } from './framing.ts';
import type { Message } from './message.ts';

/** A request that a server received. */
export interface ReceivedRequest {
  readonly method: string;
  /** Path and query, or `*`. */
  readonly target: string | undefined;
  readonly authority: string | undefined;
  /** Whether it came over TLS. */
  readonly secure: boolean;
  /** Names and values in turn. */
  readonly rawHeaders: string[];
  /** The body and what follows it; asked for when a guest wants it. */
  readonly message: Message;
}

/** What takes the response to a request: it need not check that calls come in an order that HTTP allows. */
export interface Responder {
  /** Whether nobody takes it any more, because the client has gone or the response has ended. */
  readonly gone: boolean;
  /** Bytes that wait to be sent, and how many may. */
  readonly writableLength: number;
  readonly writableHighWaterMark: number;
  /** Sends a response ahead of the final one. */
  inform(status: number, fields: FieldList): void;
  /** Sends a response whose body is all here. It may keep and change both lists. */
  respond(status: number, pairs: string[], body: Uint8Array): void;
  /** Sends a head: the body follows in parts. It may keep and change the list. */
  begin(status: number, pairs: string[]): void;
  write(bytes: Uint8Array, written: () => void): void;
  end(trailers: FieldList | undefined): void;
  /** Sends an error of the host, or breaks off what has begun. @param why what the guest did, for who runs it and not for the client */
  refuse(status: number, why: string): void;
  /** Calls back when room or life may have changed. */
  watch(changed: () => void): void;
}

/** Bytes of responses ahead of the final one. */
const MOST_TOLD = 256 * 1024;

/** The response to one request, as a guest gives it. */
export class Reply implements Departure {
  readonly #responder: Responder;
  readonly #method: string;
  #status = 200;
  #body: Departing | undefined;
  #given = false;
  #told = 0;
  #informed: Charge | undefined;

  /** @param method that of the request */
  constructor(method: string, responder: Responder) {
    this.#method = method;
    this.#responder = responder;
  }

  /** Whether the guest has given its response. */
  get given(): boolean {
    return this.#given;
  }

  get gone(): boolean {
    return this.#responder.gone;
  }

  get writableLength(): number {
    return this.#responder.writableLength;
  }

  get writableHighWaterMark(): number {
    return this.#responder.writableHighWaterMark;
  }

  /**
   * Sends a response ahead of the final one: 102, 103. Nothing holds them back when the client does not take them, so there is a limit.
   * @returns undefined, or how many bytes they would be together where that is too much
   */
  inform(status: number, fields: FieldList): number | undefined {
    if (this.#given || this.gone) return undefined;
    const bytes = fields.pairs.reduce((sum, text) => sum + text.length, OBJECT_BYTES);
    this.#informed ??= new Charge();
    if (this.#told + bytes > MOST_TOLD || !this.#informed.take(bytes)) return this.#told + bytes;
    this.#told += bytes;
    this.#responder.inform(status, fields);
    return undefined;
  }

  /** Gives the response. Without a body it goes out at once. */
  give(status: number, fields: FieldList, body: Departing | undefined): void {
    this.#given = true;
    this.#status = status;
    this.#body = body;
    if (this.gone) return;
    try {
      const framing = Framing.response(this.#method, status, fields);
      if (body !== undefined) {
        body.depart(this, framing);
        return;
      }
      framing.check(0, true);
      this.sendAll(framing.whole(0, false), EMPTY);
    } catch (error) {
      const known = httpError(error);
      body?.fail(known);
      this.abort(known);
    }
  }

  /** Responds with an error of the host, or breaks the connection when it is too late for that. */
  refuse(status: number, why: string): void {
    this.#given = true;
    if (!this.gone) this.#responder.refuse(status, why);
  }

  /** The guest will not write any more: what it has not ended is cut off. */
  leave(): void {
    this.#informed?.end();
    const body = this.#body;
    if (body?.open) body.fail(new HttpError('connection-terminated', 'the guest returned before it had finished the body'));
  }

  sendAll(head: string[], body: Uint8Array): void {
    this.#responder.respond(this.#status, head, body);
  }

  sendHead(head: string[]): void {
    this.#responder.begin(this.#status, head);
  }

  write(bytes: Uint8Array, written: () => void): void {
    this.#responder.write(bytes, written);
  }

  end(trailers: FieldList | undefined): void {
    if (!this.gone) this.#responder.end(trailers);
  }

  abort(error: HttpError): void {
    this.refuse(500, error.message);
  }

  watch(changed: () => void): void {
    this.#responder.watch(changed);
  }
}

/** Reads what a guest has left of a request, so that the connection can carry the next. */
export function discard(request: Message): void {
  if (!request.unasked) request.resume();
}
