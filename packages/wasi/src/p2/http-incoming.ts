/** Serves requests with the export `wasi:http/incoming-handler` — https://github.com/WebAssembly/WASI/tree/main/wasip2/http */
import { BODY_READ, isRead, type NodeRequest, NodeResponder, type NodeResponse, receivedByNode } from '../body/http/node-server.ts';
import { type ReceivedRequest, Reply, type Responder } from '../body/http/server.ts';
import { WasiError } from '../errors.ts';
import { IncomingRequest, ResponseOutparam } from './http-messages.ts';

/** The function `handle` that a component exports. */
export type Handle = (request: IncomingRequest, response: ResponseOutparam) => unknown;

/** A function for `http.createServer` and `http2.createServer`. */
export type IncomingHandler = (request: NodeRequest, response: NodeResponse) => Promise<void>;

/**
 * Lets a guest respond to a request.
 *
 * @param handle the export `handle`; it must not be called again before the promise has settled.
 * @returns a promise that resolves when the guest is done; what remains of the response goes out by itself. It rejects with the guest's error,
 *   and the response is then the caller's business.
 */
export async function respondTo(handle: Handle, request: ReceivedRequest, responder: Responder): Promise<void> {
  const reply = new Reply(request.method, responder);
  await handle(new IncomingRequest(request), new ResponseOutparam(reply));
  reply.leave();
  if (!reply.given) throw new WasiError('TENON_NO_RESPONSE', 'the guest returned without an answer');
}

/**
 * Makes a request handler for Node's HTTP servers of a component's `handle`.
 * The promise it returns resolves when the guest is done; what remains of the response goes out by itself. When the guest fails it
 * rejects with the guest's error, and with a WasiError `TENON_BAD_RESPONSE` when what the guest gave cannot be sent or is incomplete, after
 * the client has been answered: with status 500, or, where the head had gone, by a connection that breaks off. It rejects with
 * `TENON_BODY_READ` when the body was read by somebody else before, such as a body parser.
 *
 * @param handle the export `handle`; it must not be called again before the promise has settled.
 */
export function createIncomingHandler(handle: Handle): IncomingHandler {
  return async (request, response) => {
    const responder = new NodeResponder(response);
    try {
      if (isRead(request)) throw new WasiError('TENON_BODY_READ', BODY_READ);
      await respondTo(handle, receivedByNode(request), responder);
    } catch (error) {
      if (!responder.gone) responder.refuse(500, 'the guest failed');
      throw error;
    }
    if (responder.refusal !== undefined) throw new WasiError('TENON_BAD_RESPONSE', responder.refusal);
  };
}
