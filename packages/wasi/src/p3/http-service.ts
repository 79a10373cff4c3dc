/** Serves requests with the export `wasi:http/handler` 0.3 — https://github.com/WebAssembly/WASI/tree/main/proposals/http */
import { type CallOptions, ComponentError } from '@tenon/component';
import { HttpError, httpError } from '../body/http/error.ts';
import { type ErrorCode, shown } from '../body/http/error-code.ts';
import { type ReceivedRequest, Reply, type Responder } from '../body/http/server.ts';
import { departing } from './http-bodies.ts';
import { Request, type Response } from './http-messages.ts';

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
    const { body, go } = await departing(response.take(), response.budget);
    breakOff = () => body?.fail(new HttpError('connection-terminated', 'the response took too long'));
    if (signal?.aborted) breakOff();
    else signal?.addEventListener('abort', breakOff);
    reply.give(response.getStatusCode(), response.headers, body);
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
