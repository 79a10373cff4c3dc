import { Fields, OutgoingBody, OutgoingResponse, ResponseOutparam } from 'wasi:http/types@0.2.12';

/** The export `wasi:http/incoming-handler`. */
export const incomingHandler = {
  handle(request, out) {
    const [path] = (request.pathWithQuery() ?? '/').split('?', 1);
    if (path === '/') return respond(out, 200, (to) => to.blockingWriteAndFlush(ascii('Hello from StarlingMonkey!\n')));
    if (path === '/echo') return respond(out, 200, (to) => copy(request, to));
    if (path === '/trap') throw new Error('thrown as asked');
    return respond(out, 404, (to) => to.blockingWriteAndFlush(ascii('nothing here; try / or /echo\n')));
  },
};

function respond(out, status, write) {
  const response = new OutgoingResponse(Fields.fromList([['content-type', ascii('text/plain')]]));
  response.setStatusCode(status);
  const body = response.body();
  ResponseOutparam.set(out, { tag: 'ok', val: response });
  const to = body.write();
  write(to);
  to[Symbol.dispose]();
  OutgoingBody.finish(body, undefined);
}

function copy(request, to) {
  const incoming = request.consume();
  const from = incoming.stream();
  try {
    for (;;) to.blockingSplice(from, 65536n);
  } catch (error) {
    if (error.payload?.tag !== 'closed') throw error;
  }
  to.blockingFlush();
  from[Symbol.dispose]();
  incoming[Symbol.dispose]();
}

const ascii = (text) => Uint8Array.from(text, (character) => character.charCodeAt(0));
