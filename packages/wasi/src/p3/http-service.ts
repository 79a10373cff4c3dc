/** Serves requests with the export `wasi:http/handler` 0.3 — https://github.com/WebAssembly/WASI/tree/main/proposals/http */
import { type CallOptions, ComponentError } from '@tenon/component';
import { HttpError, httpError } from '../body/http/error.ts';
import { type ErrorCode, shown } from '../body/http/error-code.ts';
import { BODY_READ, isRead, type NodeRequest, NodeResponder, type NodeResponse, receivedByNode } from '../body/http/node-server.ts';
import { type ReceivedRequest, Reply, type Responder } from '../body/http/server.ts';
import { WasiError } from '../errors.ts';
import { departing } from './http-bodies.ts';
import { Request, type Response } from './http-messages.ts';
import { OK } from './result.ts';

/** The function `handle` that a service exports. It may be called again before the promise has settled. */
export type ServiceHandle = (request: Request, options?: CallOptions) => Promise<Response>;

/**
 * Lets a service respond to a request.
 * @param handle the export `handle` of `wasi:http/handler`
 * @param options its signal cancels the task, and when the response has begun breaks it off
 * @returns a promise that resolves when the response is complete, or nobody takes it any more. It rejects with the guest's error, and the
 *   response is then the caller's business.
 */
export async function serviceResponse(
  handle: ServiceHandle,
  request: ReceivedRequest,
  responder: Responder,
  options: CallOptions = {},
): Promise<void> {
  const reply = new Reply(request.method, responder);
  let response: Response;
  try {
    response = await handle(Request.received(request), options);
  } catch (error) {
    if (!(error instanceof ComponentError) || error.code !== 'TENON_RESULT') throw error;
    reply.refuse(500, `the guest answered with the error ${shown(error.payload as ErrorCode)}`);
    return;
  }
  const { signal } = options;
  let breakOff = (): void => {};
  try {
    const content = response.take();
    const { body, go } = await departing(content, response.budget);
    breakOff = () => body?.fail(new HttpError('connection-terminated', 'the response took too long'));
    if (signal?.aborted) breakOff();
    else signal?.addEventListener('abort', breakOff);
    reply.give(response.getStatusCode(), response.headers, body);
    if (body === undefined) content.sent(OK);
    await go();
    reply.leave();
  } catch (error) {
    reply.refuse(500, httpError(error).message);
  } finally {
    signal?.removeEventListener('abort', breakOff);
    response[Symbol.dispose]();
  }
  signal?.throwIfAborted();
}

/**
 * Makes a request handler for Node's HTTP servers of a service's `handle`. It may be called for the next request at any time. The promise that it
 * returns resolves when the response is complete, or its client has gone. When the guest fails it rejects with the guest's error, and with a
 * WasiError `TENON_BAD_RESPONSE` when what the guest gave cannot be sent or is incomplete, after the client has been answered: with status 500, or,
 * where the head had gone, by a connection that breaks off. It rejects with `TENON_BODY_READ` when the body was read by somebody else before.
 * @param handle the export `handle` of `wasi:http/handler`
 */
export function createServiceHandler(handle: ServiceHandle): (request: NodeRequest, response: NodeResponse) => Promise<void> {
  return async (request, response) => {
    const responder = new NodeResponder(response);
    try {
      if (isRead(request)) throw new WasiError('TENON_BODY_READ', BODY_READ);
      await serviceResponse(handle, receivedByNode(request), responder);
    } catch (error) {
      if (!responder.gone) responder.refuse(500, 'the guest failed');
      throw error;
    }
    if (responder.refusal !== undefined) throw new WasiError('TENON_BAD_RESPONSE', responder.refusal);
  };
}
