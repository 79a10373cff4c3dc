/** Serves requests with the export `wasi:http/incoming-handler` — https://github.com/WebAssembly/WASI/tree/main/wasip2/http */
import { Reply, type ServerReply, type ServerRequest } from '../body/http/server.ts';
import { WasiError } from '../errors.ts';
import { IncomingRequest, ResponseOutparam } from './http-messages.ts';

/** The function `handle` that a component exports. */
export type Handle = (request: IncomingRequest, response: ResponseOutparam) => unknown;

/** A function for `http.createServer` and `http2.createServer`. */
export type IncomingHandler = (request: ServerRequest, response: ServerReply) => Promise<void>;

/**
 * Makes a request handler for Node's HTTP servers of a component's `handle`.
 * The promise it returns resolves when the guest is done; what remains of the response goes out by itself. When the guest fails it
 * rejects with the guest's error, after the client has been answered: with status 500, or, where the head had gone, by a connection that
 * breaks off.
 *
 * @param handle the export `handle`; it must not be called again before the promise has settled.
 */
export function createIncomingHandler(handle: Handle): IncomingHandler {
  return async (request, response) => {
    const reply = new Reply(response);
    try {
      await handle(new IncomingRequest(request), new ResponseOutparam(reply));
    } catch (error) {
      reply.refuse(500);
      throw error;
    }
    reply.leave();
    if (reply.given) return;
    reply.refuse(500);
    throw new WasiError('TENON_NO_RESPONSE', 'the guest returned without an answer');
  };
}
