/** `wasi:http/types` and `wasi:http/outgoing-handler` — https://github.com/WebAssembly/WASI/tree/main/wasip2/http */
import { resultError } from '@tenon/component';
import { type Client, TIMEOUTS } from '../body/http/client.ts';
import { HttpError } from '../body/http/error.ts';
import { FutureTrailers, IncomingBody, OutgoingBody } from './http-bodies.ts';
import { errorCode, httpErrorCode } from './http-errors.ts';
import { Fields } from './http-fields.ts';
import {
  FutureIncomingResponse,
  IncomingRequest,
  IncomingResponse,
  OutgoingRequest,
  OutgoingResponse,
  RequestOptions,
  ResponseOutparam,
} from './http-messages.ts';

export const httpTypes: object = {
  Fields,
  FutureIncomingResponse,
  FutureTrailers,
  IncomingBody,
  IncomingRequest,
  IncomingResponse,
  OutgoingBody,
  OutgoingRequest,
  OutgoingResponse,
  RequestOptions,
  ResponseOutparam,
  httpErrorCode,
};

export function outgoingHandler(client: Client): object {
  return {
    handle(request: OutgoingRequest, options: RequestOptions = new RequestOptions()): FutureIncomingResponse {
      try {
        return new FutureIncomingResponse(client.send({ ...request.parts, ...options.timeouts(TIMEOUTS) }));
      } catch (error) {
        throw error instanceof HttpError ? resultError(errorCode(error), error.message) : error;
      } finally {
        request.headers().list.release();
      }
    },
  };
}
