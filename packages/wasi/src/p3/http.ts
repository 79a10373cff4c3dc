/** `wasi:http/types` and `wasi:http/client` 0.3 — https://github.com/WebAssembly/WASI/tree/main/proposals/http */
import { cancellable, resultError } from '@tenon/component';
import type { Client } from '../body/http/client.ts';
import { HttpError, httpError } from '../body/http/error.ts';
import { errorCode } from '../body/http/error-code.ts';
import { departing } from './http-bodies.ts';
import { Fields } from './http-fields.ts';
import { Request, RequestOptions, Response } from './http-messages.ts';
import { OK } from './result.ts';
import { awaited } from './waiting.ts';

export const types: object = { Fields, Request, RequestOptions, Response };

export function client(client: Client): object {
  const send = async (request: Request, signal: AbortSignal): Promise<Response> => {
    const { budget } = request;
    const content = request.take();
    try {
      const { parts, timeouts } = request;
      const { body, go } = await departing(content, budget);
      const later = client.send({ ...parts, ...timeouts, body, signal });
      void go();
      await awaited(later, signal);
      const { value } = later;
      if (value === undefined || value instanceof HttpError) throw value ?? new HttpError('internal-error');
      if (body === undefined) content.sent(OK);
      return Response.received(value, budget);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      const known = httpError(error);
      content.sent({ tag: 'err', val: errorCode(known) });
      content.discard();
      throw resultError(errorCode(known), known.message);
    } finally {
      request[Symbol.dispose]();
    }
  };
  return { send: cancellable(send) };
}
