/** The runtime's own answers to requests, and what Node's two kinds of responses have in common. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { Socket } from 'node:net';
import type { Request } from './protocol.ts';

export type Response = ServerResponse | Http2ServerResponse;

export const isHttp2 = (message: Response): message is Http2ServerResponse => 'stream' in message;

/** Connections of HTTP/1.1 that carry no more requests, and the last answer on each. */
const spoilt = new WeakMap<Socket, ServerResponse>();

/** Whether the last request on this connection was not taken to its end, so that nobody knows what follows it. */
export const isSpoilt = (socket: Socket): boolean => spoilt.has(socket);

/** RFC 9113, section 7. */
const INTERNAL_ERROR = 2;

/** After the last answer a client has this long to take it, in milliseconds, before the connection is closed whatever it still sends. */
export const LINGER_MS = 2000;

/** Ends a connection. What the client still sends is read and dropped for a while: to close at once could destroy the answer on its way. */
export function linger(socket: Socket): void {
  socket.end();
  socket.resume();
  const late = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  socket.on('close', () => clearTimeout(late));
}

/**
 * Answers with a short text; a response that has begun can only be cut off.
 * @param last whether nothing more is read from the client: of a connection of HTTP/1.1 it is the last answer
 */
export function answer(response: Response, status: number, text: string, last = false): void {
  if (last && !isHttp2(response)) spoilt.set(response.req.socket, response);
  if (response.writableEnded) return;
  if (response.headersSent) {
    // To destroy a stream of HTTP/2 would say that there was no error, which clients take for the end.
    if (isHttp2(response)) response.stream.close(INTERNAL_ERROR);
    else response.destroy();
    return;
  }
  for (const name of response.getHeaderNames()) if (name !== 'connection') response.removeHeader(name);
  response.setHeader('content-type', 'text/plain; charset=utf-8');
  if (status === 503) response.setHeader('retry-after', '1');
  if (isHttp2(response)) {
    // Whoever has its answer need not send the rest (RFC 9113, section 8.1).
    const { stream } = response;
    if (last && !stream.endAfterHeaders) stream.on('finish', () => stream.close());
  } else if (last) {
    response.shouldKeepAlive = false;
  }
  response.statusCode = status;
  response.end(`${text}\n`);
}

/** Whether the connection broke, or carries no more responses because of what is before or behind the request on it. */
export function broken(response: Response): boolean {
  if (isHttp2(response)) return response.stream.destroyed || response.stream.closed;
  const { socket } = response.req;
  if (socket.destroyed || socket.writableEnded) return true;
  const last = spoilt.get(socket);
  // One that waits for its turn has others in front of it.
  return last !== undefined && (last === response || last.socket !== null || last.writableFinished);
}

/** Whether all of the response went out. */
export function complete(response: Response): boolean {
  return isHttp2(response) ? response.writableEnded && response.stream.rstCode === 0 : response.writableFinished;
}

export function bodyFollows(request: Request): boolean {
  return 'stream' in request ? !(request as Http2ServerRequest).stream.endAfterHeaders : !(request as IncomingMessage).complete;
}
