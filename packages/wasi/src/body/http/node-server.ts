/** Requests and responses of Node's own servers. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { collected, type FieldList, paired } from './fields.ts';
import type { Message } from './message.ts';
import type { ReceivedRequest, Responder } from './server.ts';

// Up to here it is cheaper to hand Node one string than to let it write head and body as two buffers.
const SMALL = 8 * 1024;

/** RFC 9113, section 7. */
const INTERNAL_ERROR = 2;

/** A request of HTTP/1.1 or HTTP/2. */
export type NodeRequest = IncomingMessage | Http2ServerRequest;

/** A response of HTTP/1.1 or HTTP/2. */
export type NodeResponse = ServerResponse | Http2ServerResponse;

const isHttp2 = (response: NodeResponse): response is Http2ServerResponse => 'stream' in response;

export const BODY_READ: string =
  'something read the body of the request before the component could: put the component in front of what parses bodies';

/** Whether there was a body, and it is not all here any more. */
export function isRead({ readableDidRead, headers }: NodeRequest): boolean {
  return readableDidRead && (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0);
}

export function receivedByNode(request: NodeRequest): ReceivedRequest {
  const { headers } = request;
  const pseudo = headers[':authority'];
  return {
    method: request.method ?? 'GET',
    target: request.url,
    authority: typeof pseudo === 'string' ? pseudo : headers.host,
    secure: 'scheme' in request ? request.scheme === 'https' : (request.socket as TLSSocket).encrypted,
    rawHeaders: request.rawHeaders,
    message: request as Message,
  };
}

export class NodeResponder implements Responder {
  /** Why there is an error in place of the guest's response, or behind a part of it. */
  refusal: string | undefined;
  readonly #response: NodeResponse;

  constructor(response: NodeResponse) {
    this.#response = response;
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

  inform(status: number, fields: FieldList): void {
    const response = this.#response;
    if (isHttp2(response)) response.stream.additionalHeaders({ ':status': status, ...collected(fields.pairs) });
    // Clients of HTTP/1.0 know of none (RFC 9110, section 15.2).
    else if (response.req.httpVersion !== '1.0') response.writeInformation(status, [...fields.pairs]);
  }

  respond(status: number, pairs: string[], body: Uint8Array): void {
    const response = this.writeHead(status, pairs);
    if (body.length === 0) response.end();
    else if (body.length <= SMALL) response.end(Buffer.from(body.buffer, body.byteOffset, body.length).toString('latin1'), 'latin1');
    else response.end(body);
  }

  begin(status: number, pairs: string[]): void {
    this.writeHead(status, pairs).flushHeaders();
  }

  // The declarations know lists of pairs only for HTTP/1.1, the code for both.
  protected writeHead(status: number, pairs: string[]): ServerResponse {
    const { req } = this.#response;
    // HTTP/1.0 has no trailers, and Node announces none there.
    return (this.#response as ServerResponse).writeHead(status, req.httpVersion === '1.0' ? withoutTrailer(pairs) : pairs);
  }

  write(bytes: Uint8Array, written: () => void): void {
    (this.#response as ServerResponse).write(bytes, written);
  }

  end(trailers: FieldList | undefined): void {
    const response = this.#response;
    if (trailers !== undefined && isHttp2(response)) response.addTrailers(collected(trailers.pairs));
    else if (trailers !== undefined) (response as ServerResponse).addTrailers(paired(trailers));
    response.end();
  }

  refuse(status: number, why: string): void {
    this.refusal ??= why;
    const response = this.#response;
    // To destroy a stream of HTTP/2 would say that there was no error, which clients take for the end.
    if (response.headersSent && isHttp2(response)) response.stream.close(INTERNAL_ERROR);
    else if (response.headersSent) response.destroy();
    else this.writeHead(status, ['content-type', 'text/plain', 'content-length', '0']).end();
  }

  watch(changed: () => void): void {
    this.#response.on('drain', changed).on('close', changed);
  }
}

function withoutTrailer(pairs: readonly string[]): string[] {
  return pairs.filter((_, index) => pairs[index - (index % 2)] !== 'trailer');
}
