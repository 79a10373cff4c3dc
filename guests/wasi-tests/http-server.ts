/** The server that the test of `wasi:http` talks to. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface TestServer {
  /** Where it listens. */
  readonly authority: string;
  /** Where nobody listens. */
  readonly nobody: string;
  close(): Promise<void>;
}

type Route = (request: IncomingMessage, response: ServerResponse, rest: string) => void;

const ROUTES: Readonly<Record<string, Route>> = {
  hello: (_request, response) => response.end('hello'),
  url: (request, response) => response.end(request.url),
  method: (request, response) => response.end(request.method),
  echo: (request, response) => request.pipe(response),
  status: (_request, response, code) => response.writeHead(Number(code), { location: '/hello' }).end(),
  header: (request, response, name) => response.end(request.headersDistinct[name]?.join(', ') ?? 'none'),
  'host-is-right': (request, response) => response.end(String(request.headers.host === `127.0.0.1:${request.socket.localPort}`)),
  headers: (_request, response) =>
    response.writeHead(200, { 'X-One': 'one', 'x-two': ['a', 'b'], 'set-cookie': ['a=1', 'b=2'] }).end('with headers'),
  stream(_request, response) {
    for (let index = 0; index < 100; index++) response.write('x'.repeat(1000));
    response.end();
  },
  trailers(_request, response) {
    response.writeHead(200, { trailer: 'x-last' });
    response.write('body');
    response.addTrailers({ 'x-last': 'words' });
    response.end();
  },
  'echo-trailers': (request, response) => request.resume().on('end', () => response.end(JSON.stringify(request.trailers))),
  reset: (request) => request.socket.destroy(),
  'reset-late'(request, response) {
    response.writeHead(200, { 'content-length': '100' });
    response.write('begun', () => request.socket.destroy());
  },
  silent: () => {},
  stall(_request, response) {
    response.writeHead(200);
    response.write('begun');
  },
};

export async function startServer(): Promise<TestServer> {
  const server = createServer((request, response) => {
    request.on('error', () => {});
    const [, name = '', rest = ''] = /^\/([^/?]*)\/?([^?]*)/.exec(request.url ?? '') ?? [];
    const route = ROUTES[name];
    if (route === undefined) response.writeHead(404).end();
    else route(request, response, rest);
  });
  const other = createServer();
  const listening = (one: typeof server) =>
    new Promise<string>((resolve) => one.listen(0, '127.0.0.1', () => resolve(`127.0.0.1:${(one.address() as AddressInfo).port}`)));
  const authority = await listening(server);
  const nobody = await listening(other);
  await new Promise((resolve) => other.close(resolve));
  return {
    authority,
    nobody,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
