import { Fields, type IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam } from 'wasi:http/types@0.2.10';
import { route } from './routes.ts';

/** The export `wasi:http/incoming-handler`. */
export const incomingHandler = {
  handle(request: IncomingRequest, out: ResponseOutparam): void {
    const { status, body: value } = route(request.method().tag, request.pathWithQuery() ?? '/');
    const content = encodeUtf8(`${JSON.stringify(value)}\n`);
    const response = new OutgoingResponse(Fields.fromList([['content-type', encodeUtf8('application/json')]]));
    response.setStatusCode(status);
    const body = response.body();
    ResponseOutparam.set(out, { tag: 'ok', val: response });
    const stream = body.write();
    for (let at = 0; at < content.length; at += 4096) stream.blockingWriteAndFlush(content.slice(at, at + 4096));
    stream[Symbol.dispose]();
    OutgoingBody.finish(body, undefined);
  },
};

/** QuickJS has no `TextEncoder`. */
function encodeUtf8(text: string): Uint8Array {
  const bytes = encodeURIComponent(text).replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Uint8Array.from(bytes, (character) => character.charCodeAt(0));
}
