import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { Departing, Departure } from './body.ts';
import { HttpError } from './error.ts';
import { collected, type FieldList, paired } from './fields.ts';
import type { Message } from './message.ts';

// Up to here it is cheaper to hand Node one string than to let it write head and body as two buffers.
const SMALL = 8 * 1024;

/** A request as Node's servers have it, of HTTP/1.1 or HTTP/2. */
export type ServerRequest = IncomingMessage | Http2ServerRequest;

/** A response as Node's servers have it. */
export type ServerReply = ServerResponse | Http2ServerResponse;

const isHttp2 = (response: ServerReply): response is Http2ServerResponse => 'stream' in response;

/** The answer to one request. */
export class Reply implements Departure {
  readonly #response: ServerReply;
  #status = 200;
  #pairs: readonly string[] = [];
  #body: Departing | undefined;
  #given = false;

  constructor(response: ServerReply) {
    this.#response = response;
  }

  /** Whether the guest has given its answer. */
  get given(): boolean {
    return this.#given;
  }

  get gone(): boolean {
    const response = this.#response;
    if (response.writableEnded) return true;
    return isHttp2(response) ? response.stream.destroyed || response.stream.closed : response.destroyed || response.req.socket.destroyed;
  }

  get writableLength(): number {
    return this.#response.writableLength;
  }

  get writableHighWaterMark(): number {
    return this.#response.writableHighWaterMark;
  }

  /** Sends a response ahead of the answer: 102, 103. */
  inform(status: number, fields: FieldList): void {
    if (this.gone || this.#response.headersSent) return;
    const response = this.#response;
    if (isHttp2(response)) response.stream.additionalHeaders({ ':status': status, ...collected(fields) });
    else response.writeInformation(status, [...fields.pairs]);
  }

  /** Gives the answer. Without a body it goes out at once. */
  give(status: number, fields: FieldList, body: Departing | undefined): void {
    this.#given = true;
    this.#status = status;
    this.#pairs = fields.pairs;
    this.#body = body;
    if (this.gone) return;
    if (body !== undefined) body.depart(this);
    else this.sendAll(new Uint8Array(0));
  }

  /** Answers with an error of the host, or breaks the connection when it is too late for that. */
  refuse(status: number): void {
    this.#given = true;
    if (this.gone) return;
    if (this.#response.headersSent) this.#response.destroy();
    else this.#head(status, ['content-type', 'text/plain', 'content-length', '0']).end();
  }

  /** The guest will not write any more: what it has not ended is cut off. */
  leave(): void {
    const body = this.#body;
    if (body?.open) body.fail(new HttpError('connection-terminated', 'the guest returned before it had finished the body'));
  }

  sendAll(body: Uint8Array): void {
    const response = this.#response;
    const pairs = [...this.#pairs];
    const bodiless = this.#status === 204 || this.#status === 304;
    if (!bodiless && !has(pairs, 'content-length') && !(response.req.method === 'HEAD' && body.length === 0)) {
      pairs.push('content-length', String(body.length));
    }
    this.#head(this.#status, pairs);
    if (body.length === 0) response.end();
    else if (body.length <= SMALL) response.end(Buffer.from(body.buffer, body.byteOffset, body.length).toString('latin1'), 'latin1');
    else response.end(body);
  }

  sendHead(): void {
    this.#head(this.#status, [...this.#pairs]).flushHeaders();
  }

  // The declarations know lists of pairs only for HTTP/1.1, the code for both.
  #head(status: number, pairs: string[]): ServerResponse {
    return (this.#response as ServerResponse).writeHead(status, pairs);
  }

  write(bytes: Uint8Array, written: () => void): void {
    (this.#response as ServerResponse).write(bytes, written);
  }

  end(trailers: FieldList | undefined): void {
    if (this.gone) return;
    const response = this.#response;
    if (trailers !== undefined && isHttp2(response)) response.addTrailers(collected(trailers));
    else if (trailers !== undefined) (response as ServerResponse).addTrailers(paired(trailers));
    response.end();
  }

  abort(): void {
    this.refuse(500);
  }

  watch(changed: () => void): void {
    this.#response.on('drain', changed).on('close', changed);
  }
}

function has(pairs: readonly string[], name: string): boolean {
  for (let index = 0; index < pairs.length; index += 2) if (pairs[index] === name) return true;
  return false;
}

/** Reads what a guest has left of a request, so that the connection can carry the next. */
export function discard(request: Message): void {
  request.resume();
}
