/** Requests over TLS, of HTTP/1.1 and HTTP/2, and what can go wrong with them. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createPlain } from 'node:http';
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from 'node:http2';
import { createServer as createSecure } from 'node:https';
import { createServer as createTcp, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { ComponentError } from '@tenon/component';
import { Client } from '../body/http/client.ts';
import { Rules } from '../body/network/rules.ts';
import { IncomingBody, OutgoingBody } from './http-bodies.ts';
import { type ErrorCode, httpErrorCode } from './http-errors.ts';
import { Fields } from './http-fields.ts';
import { type FutureIncomingResponse, type IncomingResponse, OutgoingRequest, RequestOptions } from './http-messages.ts';
import { outgoingHandler } from './http-types.ts';
import type { IoError } from './io-error.ts';

const folder = mkdtempSync(join(tmpdir(), 'tenon-http-'));
after(() => rmSync(folder, { recursive: true }));

const CERTIFICATE = ((): { readonly cert: string; readonly key: string } | undefined => {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-keyout', key, '-out', cert];
  try {
    execFileSync('openssl', ['req', '-x509', ...made, '-subj', '/CN=test', '-addext', 'subjectAltName=DNS:localhost'], { stdio: 'pipe' });
    return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
  } catch {
    return undefined;
  }
})();
const skip = CERTIFICATE === undefined ? 'needs openssl' : false;

const sockets = new Set<Socket>();
const servers: (Server | Http2SecureServer)[] = [];
async function listen(server: Server | Http2SecureServer): Promise<number> {
  servers.push(server);
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as { port: number }).port;
}
const clients: Client[] = [];
after(() => {
  for (const client of clients) client.close();
  for (const server of servers) server.close();
  for (const socket of sockets) socket.destroy();
});

type Handle = (request: OutgoingRequest, options?: RequestOptions) => FutureIncomingResponse;
function handler(rules: readonly string[] = ['localhost', '127.0.0.1'], ca: string | null | undefined = CERTIFICATE?.cert): Handle {
  const client = new Client(new Rules(rules), { ca: ca ?? undefined });
  clients.push(client);
  return (outgoingHandler(client) as { readonly handle: Handle }).handle;
}

function outgoing(authority: string, path = '/', method = 'get', fields: readonly (readonly [string, string])[] = []): OutgoingRequest {
  const request = new OutgoingRequest(Fields.fromList(fields.map(([name, value]) => [name, Buffer.from(value)])));
  request.setMethod(method === 'purge' ? { tag: 'other', val: 'PURGE' } : { tag: method });
  request.setAuthority(authority);
  request.setPathWithQuery(path);
  return request;
}

async function outcome(future: FutureIncomingResponse): Promise<IncomingResponse | ErrorCode> {
  await future.subscribe().block();
  const result = await future.get();
  assert.ok(result?.tag === 'ok');
  return result.val.val;
}

interface Answer {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  readonly trailers: readonly (readonly [string, string])[];
  /** How the body failed. */
  readonly failure: ErrorCode | undefined;
}

const plain = (fields: Fields): [string, string][] => fields.entries().map(([name, value]) => [name, Buffer.from(value).toString()]);

async function answered(future: FutureIncomingResponse): Promise<Answer> {
  const response = await outcome(future);
  assert.ok('status' in response, JSON.stringify(response));
  const incoming = response.consume();
  const stream = incoming.stream();
  let [body, failure] = ['', undefined as ErrorCode | undefined];
  try {
    for (;;) body += Buffer.from(await stream.blockingRead(100_000n)).toString();
  } catch (error) {
    assert.ok(error instanceof ComponentError, String(error));
    const { tag, val } = error.payload as { readonly tag: string; readonly val: IoError };
    if (tag !== 'closed') failure = httpErrorCode(val);
  }
  stream[Symbol.dispose]();
  const base = { status: response.status(), headers: plain(response.headers()), body };
  if (failure !== undefined) return { ...base, trailers: [], failure };
  const future2 = IncomingBody.finish(incoming);
  await future2.subscribe().block();
  const got = await future2.get();
  assert.ok(got?.tag === 'ok' && got.val.tag === 'ok');
  return { ...base, trailers: got.val.val === undefined ? [] : plain(got.val.val), failure };
}

const code = async (future: FutureIncomingResponse): Promise<ErrorCode> => {
  const got = await outcome(future);
  assert.ok(!('status' in got), 'an answer');
  return got;
};

/** Tells what it was asked. */
const http2Mirror = (): Http2SecureServer =>
  createSecureServer({ ...CERTIFICATE, allowHTTP1: false }, (incoming, answer) => {
    let body = '';
    incoming.on('data', (part: Buffer) => {
      body += String(part);
    });
    incoming.on('end', () => {
      const { method, url, authority, headers, trailers } = incoming;
      const own = Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith(':')));
      answer.writeHead(200, { 'x-a': 'b', 'set-cookie': ['c=1', 'd=2'] });
      answer.addTrailers({ 'x-sum': '15' });
      answer.end(JSON.stringify({ method, url, authority, headers: own, trailers: { ...trailers }, body }));
    });
  });

describe('TLS', { skip }, () => {
  test('HTTP/2 where the server speaks it: one connection for all, at the same time', async () => {
    const server = http2Mirror();
    let connections = 0;
    server.on('session', () => connections++);
    const port = await listen(server);
    const handle = handler();
    const all = await Promise.all(
      Array.from({ length: 20 }, (_, index) => answered(handle(outgoing(`localhost:${port}`, `/${index}?q`, 'get', [['x-y', 'z']])))),
    );
    for (const [index, { status, headers, body, trailers }] of all.entries()) {
      assert.deepEqual([status, trailers], [200, [['x-sum', '15']]]);
      assert.deepEqual(
        headers.filter(([name]) => name !== 'date'),
        [
          ['x-a', 'b'],
          ['set-cookie', 'c=1'],
          ['set-cookie', 'd=2'],
        ],
      );
      const told = JSON.parse(body);
      assert.deepEqual([told.method, told.url, told.authority, told.headers], ['GET', `/${index}?q`, `localhost:${port}`, { 'x-y': 'z' }]);
    }
    assert.equal(connections, 1);
  });

  test('HTTP/2: all methods, bodies at once and over time, trailers', async () => {
    const port = await listen(http2Mirror());
    const handle = handler();
    for (const method of ['get', 'delete', 'options', 'trace', 'patch', 'purge'])
      assert.equal(JSON.parse((await answered(handle(outgoing(`localhost:${port}`, '/', method)))).body).method, method.toUpperCase());
    const head = await answered(handle(outgoing(`localhost:${port}`, '/', 'head')));
    assert.deepEqual([head.status, head.body], [200, '']);

    const at = outgoing(`localhost:${port}`, '/', 'put');
    const whole = at.body();
    const once = whole.write();
    await once.blockingWriteAndFlush(Buffer.from('hello'));
    once[Symbol.dispose]();
    OutgoingBody.finish(whole, undefined);
    const told = JSON.parse((await answered(handle(at))).body);
    assert.deepEqual([told.body, told.headers['content-length']], ['hello', '5']);

    const over = outgoing(`localhost:${port}`, '/', 'post');
    const body = over.body();
    const future = handle(over);
    const stream = body.write();
    for (let part = 0; part < 50; part++) await stream.blockingWriteAndFlush(Buffer.from('x'.repeat(10_000)));
    stream[Symbol.dispose]();
    OutgoingBody.finish(body, Fields.fromList([['x-t', Buffer.from('1')]]));
    const later = JSON.parse((await answered(future)).body);
    assert.deepEqual([later.body.length, later.trailers], [500_000, { 'x-t': '1' }]);
  });

  test('HTTP/1.1 where the server speaks no other, on connections that are kept', async () => {
    const server = createSecure({ ...CERTIFICATE }, (incoming, answer) => answer.end(`${incoming.method} ${incoming.headers.host}`));
    let connections = 0;
    server.on('secureConnection', () => connections++);
    const port = await listen(server);
    const handle = handler();
    for (let round = 0; round < 4; round++) {
      assert.equal((await answered(handle(outgoing(`localhost:${port}`)))).body, `GET localhost:${port}`);
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal(connections, 1);
  });

  test('HTTP/2: a server that says goodbye is asked on another connection', async () => {
    const server = http2Mirror();
    const sessions: ServerHttp2Session[] = [];
    server.on('session', (session) => sessions.push(session));
    const port = await listen(server);
    const handle = handler();
    await answered(handle(outgoing(`localhost:${port}`)));
    const [first] = sessions;
    first?.close();
    if (first !== undefined && !first.destroyed) await once(first, 'close');
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal((await answered(handle(outgoing(`localhost:${port}`)))).status, 200);
    assert.equal(sessions.length, 2);
  });

  test('HTTP/2: responses that break off or stop', async () => {
    const port = await listen(
      createSecureServer({ ...CERTIFICATE }, ({ url }, answer) => {
        answer.stream.on('error', () => {});
        if (url === '/never') return;
        if (url === '/reset') {
          answer.stream.close(2);
          return;
        }
        answer.write('half');
        if (url === '/cancel') setImmediate(() => answer.stream.close(8));
        if (url === '/no-error') setImmediate(() => answer.stream.destroy());
      }),
    );
    const handle = handler();
    const patience = new RequestOptions();
    patience.setFirstByteTimeout(50_000_000n);
    patience.setBetweenBytesTimeout(50_000_000n);
    const ask = (path: string): FutureIncomingResponse => handle(outgoing(`localhost:${port}`, path), patience);
    assert.deepEqual(await code(ask('/never')), { tag: 'HTTP-response-timeout' });
    assert.deepEqual(await code(ask('/reset')), { tag: 'HTTP-protocol-error' });
    for (const [path, tag] of [
      ['/cancel', 'HTTP-response-incomplete'],
      ['/no-error', 'HTTP-response-incomplete'],
      ['/stop', 'connection-read-timeout'],
    ] as const) {
      const { body, failure } = await answered(ask(path));
      assert.deepEqual([body, failure?.tag], ['half', tag], path);
    }
  });

  test("HTTP/2: what has come is the guest's, whatever becomes of the connection before it is read", async () => {
    const server = createSecureServer({ ...CERTIFICATE }, ({ url }, answer) => {
      answer.stream.on('error', () => {});
      if (url === '/whole') {
        answer.addTrailers({ 'x-sum': '4' });
        answer.end('good', () => setTimeout(() => answer.stream.session?.destroy(), 5));
        return;
      }
      answer.write('half');
      setTimeout(() => (url === '/reset' ? answer.stream.close(2) : answer.stream.session?.destroy()), 5);
    });
    const port = await listen(server);
    const handle = handler();
    for (const [path, body, trailers, tag] of [
      ['/whole', 'good', [['x-sum', '4']], undefined],
      ['/reset', 'half', [], 'HTTP-protocol-error'],
      ['/destroy', 'half', [], 'HTTP-response-incomplete'],
    ] as const) {
      const future = handle(outgoing(`localhost:${port}`, path));
      await future.subscribe().block();
      await new Promise((resolve) => setTimeout(resolve, 30));
      const got = await answered(future);
      assert.deepEqual([got.body, got.trailers, got.failure?.tag], [body, trailers, tag], path);
    }
  });

  test('HTTP/2: all fields of a response, or the error for too many', async () => {
    const port = await listen(
      createSecureServer({ ...CERTIFICATE, maxSendHeaderBlockLength: 1e6 }, ({ url }, answer) => {
        answer.stream.on('error', () => {});
        const length = url === '/many' ? 1 : 40;
        for (let nth = 0; nth < 1500; nth++) answer.setHeader(`a${nth}`, 'v'.repeat(length));
        answer.end();
      }),
    );
    const handle = handler();
    assert.equal(
      (await answered(handle(outgoing(`localhost:${port}`, '/many')))).headers.filter(([name]) => /^a\d/.test(name)).length,
      1500,
    );
    assert.equal((await code(handle(outgoing(`localhost:${port}`, '/long')))).tag, 'HTTP-response-header-section-size');
  });

  test('HTTP/2: what the server refuses before it has looked at it is sent once more', async () => {
    let refused = 0;
    const port = await listen(
      createSecureServer({ ...CERTIFICATE }, ({ url }, answer) => {
        answer.stream.on('error', () => {});
        if (refused++ % 2 === 0 || url === '/always') answer.stream.close(7);
        else answer.end('good');
      }),
    );
    const handle = handler();
    assert.equal((await answered(handle(outgoing(`localhost:${port}`, '/', 'post')))).body, 'good');
    assert.equal((await code(handle(outgoing(`localhost:${port}`, '/always')))).tag, 'connection-terminated');
    assert.equal(refused, 4);
  });

  test('certificates: of an unknown authority, for another name; a client that has none', async () => {
    const port = await listen(createSecure({ ...CERTIFICATE }, (_request, answer) => answer.end()));
    for (const [handle, authority] of [
      [handler(), `127.0.0.1:${port}`],
      [handler(['localhost'], null), `localhost:${port}`],
    ] as const)
      assert.deepEqual(await code(handle(outgoing(authority))), { tag: 'TLS-certificate-error' });
    const strict = await listen(
      createSecure({ ...CERTIFICATE, requestCert: true, maxVersion: 'TLSv1.2' }, (_request, answer) => answer.end()),
    );
    const alert = await code(handler()(outgoing(`localhost:${strict}`)));
    assert.equal(alert.tag, 'TLS-alert-received', JSON.stringify(alert));
  });

  test('servers that do not speak TLS, or never answer', async () => {
    const plainPort = await listen(createPlain());
    assert.deepEqual(await code(handler()(outgoing(`localhost:${plainPort}`))), { tag: 'TLS-protocol-error' });
    const silent = await listen(createTcp());
    const patience = new RequestOptions();
    patience.setConnectTimeout(20_000_000n);
    assert.deepEqual(await code(handler()(outgoing(`localhost:${silent}`), patience)), { tag: 'connection-timeout' });
    const closed = createTcp();
    const gone = await listen(closed);
    closed.close();
    await once(closed, 'close');
    assert.deepEqual(await code(handler()(outgoing(`localhost:${gone}`))), { tag: 'connection-refused' });
  });
});

describe('answers that make no sense', () => {
  const cases: readonly (readonly [what: string, answer: string, expected: ErrorCode['tag']])[] = [
    ['fields without end', `HTTP/1.1 200 OK\r\n${`a: ${'b'.repeat(1000)}\r\n`.repeat(100)}\r\n`, 'HTTP-response-header-section-size'],
    [
      'an upgrade that nobody asked for',
      'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n',
      'HTTP-upgrade-failed',
    ],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\na', 'HTTP-protocol-error'],
    ['a length and chunks', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n', 'HTTP-protocol-error'],
    ['no HTTP', 'SSH-2.0-OpenSSH\r\n', 'HTTP-protocol-error'],
    ['nothing', '', 'connection-terminated'],
  ];
  for (const [what, answer, expected] of cases) {
    test(what, async () => {
      const port = await listen(createTcp((socket) => socket.on('error', () => {}).once('data', () => socket.end(answer))));
      const request = outgoing(`127.0.0.1:${port}`);
      request.setScheme({ tag: 'HTTP' });
      assert.equal((await code(handler(undefined, undefined)(request))).tag, expected);
    });
  }

  test('chunks that are none fail the body', async () => {
    const answer = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\nnonsense\r\n';
    const port = await listen(createTcp((socket) => socket.on('error', () => {}).once('data', () => socket.end(answer))));
    const request = outgoing(`127.0.0.1:${port}`);
    request.setScheme({ tag: 'HTTP' });
    const got = await outcome(handler()(request));
    if ('status' in got) {
      const stream = got.consume().stream();
      await assert.rejects(
        async () => {
          for (;;) await stream.blockingRead(100n);
        },
        (error: ComponentError) => httpErrorCode((error.payload as { readonly val: IoError }).val)?.tag === 'HTTP-protocol-error',
      );
    } else assert.equal(got.tag, 'HTTP-protocol-error');
  });
});

test('a name that is allowed and leads to this machine is refused after it was looked up', async () => {
  for (const secure of [true, false]) {
    const request = outgoing('localhost:1');
    request.setScheme({ tag: secure ? 'HTTPS' : 'HTTP' });
    assert.deepEqual(await code(handler(['*'])(request)), { tag: 'destination-IP-prohibited' });
  }
});

test('authorities that are none are refused', () => {
  assert.throws(() => new Client(new Rules([]), { ca: 'nonsense' }));
});
