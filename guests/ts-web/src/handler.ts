import { Fields, type IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam } from 'wasi:http/types@0.2.10';
import { type Answer, route } from './routes.ts';

/** The export `wasi:http/incoming-handler`. */
export const incomingHandler = {
  handle(request: IncomingRequest, out: ResponseOutparam): void {
    const method = request.method().tag;
    respond(out, route(method, request.pathWithQuery() ?? '/'), method === 'head');
  },
};

function respond(out: ResponseOutparam, { status, text }: Answer, headOnly: boolean): void {
  const content = encodeUtf8(`${text}\n`);
  const headers = Fields.fromList([
    ['content-type', encodeUtf8('text/plain; charset=utf-8')],
    ['content-length', encodeUtf8(String(content.length))],
  ]);
  const response = new OutgoingResponse(headers);
  response.setStatusCode(status);
  const body = response.body();
  ResponseOutparam.set(out, { tag: 'ok', val: response });
  if (!headOnly) {
    const stream = body.write();
    for (let at = 0; at < content.length; at += 4096) stream.blockingWriteAndFlush(content.slice(at, at + 4096));
    stream[Symbol.dispose]();
  }
  OutgoingBody.finish(body, undefined);
}

/** QuickJS has no `TextEncoder`. */
function encodeUtf8(text: string): Uint8Array {
  const bytes = encodeURIComponent(text).replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Uint8Array.from(bytes, (character) => character.charCodeAt(0));
}
