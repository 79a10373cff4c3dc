/** What the service of WASI 0.3 does: each route, in one instance, over Node's HTTP server. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { type Component, Linker } from '@tenon/component';
import { createServiceHandler, type ServiceHandle, wasi } from '@tenon/wasi';

interface Answer {
  readonly status: number | undefined;
  readonly body: string;
  readonly trailers: NodeJS.Dict<string>;
  readonly chunked: boolean;
}

async function ask(port: number, path: string, body?: string | Buffer): Promise<Answer> {
  const sent = request({ host: '127.0.0.1', port, path, method: body === undefined ? 'GET' : 'POST', agent: false });
  sent.end(body);
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  const received = await text(answer);
  return {
    status: answer.statusCode,
    body: received,
    trailers: answer.trailers,
    chunked: answer.headers['transfer-encoding'] === 'chunked',
  };
}

/** Routes with their answers; `PORT` stands for the port of this very server. */
const ROUTES: readonly (readonly [path: string, body: string | undefined, answer: Partial<Answer>])[] = [
  ['/hello', undefined, { status: 200, body: 'hello from 0.3\n', chunked: false }],
  ['/status/204', undefined, { status: 204, body: '' }],
  ['/status/418', undefined, { status: 418, body: '' }],
  // No response ends with it.
  ['/status/100', undefined, { status: 500 }],
  ['/nowhere', undefined, { status: 404 }],
  ['/bytes/0', undefined, { status: 200, body: '' }],
  ['/bytes/3000000', undefined, { status: 200, body: 'x'.repeat(3_000_000), chunked: true }],
  ['/trailers', undefined, { status: 200, body: 'a body\n', trailers: { 'x-checksum': '42' } }],
  ['/error', undefined, { status: 500 }],
  ['/short', undefined, { status: 500 }],
  ['/broken', undefined, { status: 500 }],
  ['/echo', 'a'.repeat(1_000_000), { status: 200, body: 'a'.repeat(1_000_000) }],
  ['/echo', '', { status: 200, body: '' }],
  ['/count', 'b'.repeat(500_000), { body: '500000 bytes, 0 trailers\n' }],
  ['/ignore', 'c'.repeat(500_000), { body: 'ignored\n' }],
  ['/fetch?127.0.0.1:PORT/hello', undefined, { body: '200 hello from 0.3\n Ok(None)\n' }],
  ['/fetch?127.0.0.1:PORT/trailers', undefined, { body: '200 a body\n Ok(Some(1))\n' }],
  ['/fetch?127.0.0.1:1/', undefined, { body: 'ErrorCode::ConnectionRefused\n' }],
  ['/fetch?example.com/', undefined, { body: 'ErrorCode::HttpRequestDenied\n' }],
  ['/proxy?127.0.0.1:PORT', 'd'.repeat(1_000_000), { status: 200, body: 'd'.repeat(1_000_000) }],
];

export async function checkAsyncHttp(component: Component): Promise<void> {
  const system = wasi({ http: ['127.0.0.1'] });
  const linker = new Linker();
  system.defineIn(linker);
  const { exports } = await linker.instantiate(component);
  const { handle } = Object.values(exports)[0] as { handle: ServiceHandle };
  const handler = createServiceHandler(handle);
  const failures: string[] = [];
  const server = createServer((request, response) => {
    handler(request, response).catch((error: Error & { code?: string }) => failures.push(error.code ?? String(error)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    for (const [path, body, expected] of ROUTES) {
      const answer = await ask(port, path.replace('PORT', String(port)), body);
      for (const [key, value] of Object.entries(expected)) assert.deepEqual({ ...answer }[key as keyof Answer], value, `${path} ${key}`);
    }
    assert.deepEqual(new Set(failures), new Set(['TENON_BAD_RESPONSE']));

    const waits = Array.from({ length: 8 }, () => ask(port, '/wait/300'));
    for (const { body } of await Promise.all(waits)) assert.equal(body, 'waited\n');
    const most = Number.parseInt((await ask(port, '/most')).body, 10);
    assert.ok(most >= 8, `${most} at the same time`);

    // Whoever goes away stops a guest that writes for ever.
    const endless = request({ host: '127.0.0.1', port, path: '/endless', agent: false });
    endless.on('error', () => {});
    endless.end();
    const [answer] = (await once(endless, 'response')) as [IncomingMessage];
    await once(answer, 'data');
    answer.destroy();
    assert.equal((await ask(port, '/hello')).status, 200);
  } finally {
    server.close();
    system.close();
  }
}
