/** What the web guests answer. Each is served by one instance at a time, and by a fresh one after a trap. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Component, Linker } from '@tenon/component';
import { createIncomingHandler, type Handle, wasi } from '@tenon/wasi';

export interface Answer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly trailers: NodeJS.Dict<string>;
  readonly body: Buffer;
  /** Whether the whole body arrived. */
  readonly complete: boolean;
}

export interface Ask {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

/** Sends a request to the guest. */
export type Client = (path: string, ask?: Ask) => Promise<Answer>;

/** Serves a component on loopback while `use` runs; further components stand for imports by their names. */
export async function serve(
  component: Component,
  use: (client: Client, origin: string) => Promise<void>,
  plugs: Readonly<Record<string, object>> = {},
): Promise<void> {
  const system = wasi({ http: ['127.0.0.1'] });
  const linker = new Linker();
  linker.use(system);
  for (const [name, plug] of Object.entries(plugs)) linker.define(name, plug);
  const prepared = await linker.prepare(component);
  const name = component.exports.find((exported) => exported.name.startsWith('wasi:http/incoming-handler@'))?.name ?? '';

  const server = createServer(async (request, response) => {
    const { handle } = prepared.instantiateSync().exports[name] as { handle: Handle };
    // The client has had its answer, or none, when this fails.
    await createIncomingHandler(handle)(request, response).catch(() => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    await use((path, ask) => send(port, path, ask), `http://127.0.0.1:${port}`);
  } finally {
    server.closeAllConnections();
    server.close();
    system.close();
  }
}

function send(port: number, path: string, { method = 'GET', headers = {}, body }: Ask = {}): Promise<Answer> {
  return new Promise((settle, fail) => {
    const outgoing = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, (response) => {
      const pieces: Buffer[] = [];
      const end = () => {
        const { statusCode = 0, headers, trailers, complete } = response;
        settle({ status: statusCode, headers, trailers, complete, body: Buffer.concat(pieces) });
      };
      response.on('data', (piece: Buffer) => pieces.push(piece)).on('error', () => {});
      response.on('close', end);
    });
    outgoing.on('error', fail).end(body);
  });
}

/** Checks that a guest says hello in its language, echoes a body that is larger than any buffer, and answers 404 elsewhere. */
export async function checkHelloAndEcho(component: Component, language: string): Promise<void> {
  const body = randomBytes(300_000);
  await serve(component, async (client) => {
    const hello = await client('/');
    assert.deepEqual([hello.status, hello.headers['content-type'], String(hello.body)], [200, 'text/plain', `Hello from ${language}!\n`]);
    const echo = await client('/echo', { method: 'POST', body });
    assert.equal(echo.status, 200);
    assert.ok(echo.body.equals(body));
    assert.equal((await client('/absent')).status, 404);
    assert.equal((await client('/trap')).status, 500);
    assert.equal((await client('/')).status, 200, 'a trap harms no later request');
  });
}

/** Path and the answer to a GET of it. */
const ANSWERS: readonly (readonly [string, number, string | RegExp])[] = [
  ['/help', 200, /^\/ {10,}hello\n/],
  ['/upload', 200, '0 bytes, sum 00000000\n'],
  ['/stream?chunks=3&size=5', 200, 'abcdeabcdeabcde'],
  ['/stream?chunks=0', 200, ''],
  ['/status?code=418', 418, 'status 418\n'],
  ['/status?code=99', 400, 'give ?code=200..599\n'],
  ['/cookies', 204, ''],
  ['/sleep?ms=5', 200, 'Hello after a while\n'],
  ['/proxy', 400, 'give ?url=\n'],
  ['/proxy?url=nothing', 400, 'the url has no scheme\n'],
  ['/proxy?url=http%3A%2F%2Fbad%20host%2F', 400, 'the url is not valid\n'],
  ['/silent', 500, ''],
];

/** The guest that talks to other servers, where nothing is granted to it. */
export async function checkRustMessages(component: Component): Promise<void> {
  await serve(component, async (client) => {
    for (const [path, status, answer] of [
      ['/answer?status=201&body=made', 201, 'made'],
      ['/receive', 200, 'GET /receive at'],
      ['/send?to=127.0.0.2:9', 200, 'HttpRequestDenied'],
      ['/refuse', 413, 'too much'],
    ] as const) {
      const { status: got, body } = await client(path);
      assert.equal(got, status, path);
      assert.ok(body.toString().includes(answer), body.toString());
    }
  });
}

export async function checkRustSockets(component: Component): Promise<void> {
  await serve(component, async (client) => {
    for (const [path, status, answer] of [
      ['/help', 200, '/lookup/NAME'],
      ['/lookup/127.0.0.1', 200, '(127, 0, 0, 1)'],
      ['/lookup/localhost', 502, 'access-denied'],
      ['/tcp/127.0.0.1/80', 502, 'access-denied'],
      ['/udp/127.0.0.1/80', 502, 'access-denied'],
      ['/nothing', 404, 'see /help'],
    ] as const) {
      const { status: got, body } = await client(path);
      assert.equal(got, status, path);
      assert.ok(body.toString().includes(answer), body.toString());
    }
  });
}

/** Checks the routes of `rust-http` that end. */
export async function checkRustHttp(component: Component): Promise<void> {
  await checkHelloAndEcho(component, 'Rust');
  await serve(component, async (client, origin) => {
    for (const [path, status, text] of ANSWERS) {
      const answer = await client(path);
      assert.equal(answer.status, status, path);
      if (typeof text === 'string') assert.equal(String(answer.body), text, path);
      else assert.match(String(answer.body), text, path);
    }
    const upload = await client('/upload', { method: 'POST', body: Buffer.alloc(100_000, 1) });
    assert.match(String(upload.body), /^100000 bytes, sum [0-9a-f]{8}\n$/);
    const stream = await client('/stream?chunks=100&size=50000');
    assert.equal(stream.body.length, 5_000_000);
    // A field that announces trailers which do not come is left out.
    const contradiction = await client('/contradiction');
    assert.deepEqual([contradiction.status, contradiction.headers.trailer], [200, undefined]);
    assert.deepEqual((await client('/cookies')).headers['set-cookie'], ['a=1', 'b=2']);
    assert.deepEqual({ ...(await client('/trailers')).trailers }, { 'x-sum': '15' });
    const headers = await client('/headers?q=1', { method: 'DELETE', headers: { 'x-one': 'a', 'X-Two': 'b, c' } });
    const lines = String(headers.body).split('\n');
    assert.equal(lines[0], 'DELETE /headers?q=1');
    assert.ok(lines.includes('x-one: a') && lines.includes('x-two: b, c'), String(headers.body));
    const proxied = await client(`/proxy?url=${encodeURIComponent(`${origin}/stream?chunks=20&size=9999`)}`);
    assert.deepEqual([proxied.status, proxied.body.length], [200, 199_980]);
    assert.equal((await client(`/proxy?url=${encodeURIComponent(`${origin}/status?code=404`)}`)).status, 404);
    const denied = await client('/proxy?url=http%3A%2F%2F192.0.2.1%2F');
    assert.equal(denied.status, 502);
    // The head may have gone when the trap comes, or not; the client must see in either case that the answer is no good.
    const broken = await client('/trap-late');
    assert.ok(broken.status === 500 || (broken.status === 200 && !broken.complete), `${broken.status} ${broken.body}`);
  });
}

/** Path and query, status, text. */
const SUMS: readonly (readonly [string, number, string | RegExp])[] = [
  ['/add?a=2&b=3', 200, '5\n'],
  ['/add?b=-3&a=2', 200, '-1\n'],
  ['/add?a=2147483647&b=1', 200, '-2147483648\n'],
  ['/multiply?a=6&b=7', 200, '42\n'],
  ['/', 200, /GET \/add\?a=2&b=3/],
  ['/add', 400, /whole numbers/],
  ['/add?a=2', 400, /whole numbers/],
  ['/add?a=2&b=x', 400, /whole numbers/],
  ['/add?a=2.5&b=1', 400, /whole numbers/],
  ['/add?a=2147483648&b=1', 400, /whole numbers/],
  ['/subtract?a=2&b=3', 404, /subtract/],
];

/** Checks the web handler; `plugs` is what stands behind its imports other than WASI. */
export async function checkWeb(component: Component, plugs: Readonly<Record<string, object>>): Promise<void> {
  const ask = async (client: Client): Promise<void> => {
    for (const [path, status, text] of SUMS) {
      const answer = await client(path);
      assert.equal(answer.status, status, path);
      if (typeof text === 'string') assert.equal(String(answer.body), text, path);
      else assert.match(String(answer.body), text, path);
    }
    assert.equal((await client('/add?a=2&b=3', { method: 'POST' })).status, 405);
    assert.equal((await client('/', { method: 'HEAD' })).body.length, 0);
  };
  await serve(component, ask, plugs);
}

/** What it may have, it gets. */
export async function checkGreedy(component: Component): Promise<void> {
  await serve(component, async (client) => {
    for (const [path, body] of [
      ['/', 'hello\n'],
      ['/fields/3', '3 fields\n'],
      ['/list/3', '3 pairs\n'],
      ['/bodies/3', '3 bodies\n'],
      ['/early/3', 'xxx'],
      ['/crumbs/3', 'xxx'],
      ['/wait-early/3', 'xxx'],
      ['/race-early/3', 'xxx'],
      ['/hold/1', '100 fields\n'],
      ['/poll/5', '[0]\n'],
    ] as const) {
      const answer = await client(path);
      assert.deepEqual([answer.status, String(answer.body)], [200, body], path);
    }
  });
}
