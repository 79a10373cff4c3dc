import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { after, afterEach, describe, test } from 'node:test';
import { ComponentError } from '@tenon/component';
import { Client } from '../body/http/client.ts';
import { type GivenPoolOptions, poolOf } from '../body/http/origins.ts';
import { Rules } from '../body/network/rules.ts';
import { Quota } from '../limits.ts';
import type { Result } from './http-bodies.ts';
import { FutureTrailers, IncomingBody, OutgoingBody } from './http-bodies.ts';
import { type ErrorCode, httpErrorCode } from './http-errors.ts';
import { Fields } from './http-fields.ts';
import { createIncomingHandler, type Handle } from './http-incoming.ts';
import {
  type FutureIncomingResponse,
  type IncomingRequest,
  type IncomingResponse,
  OutgoingRequest,
  OutgoingResponse,
  RequestOptions,
  ResponseOutparam,
} from './http-messages.ts';
import { outgoingHandler } from './http-types.ts';
import type { IoError } from './io-error.ts';
import type { InputStream } from './io-streams.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);
const text = (from: Uint8Array): string => Buffer.from(from).toString('latin1');

function refusal(operation: () => unknown): unknown {
  try {
    operation();
  } catch (error) {
    assert.ok(error instanceof ComponentError && error.code === 'TENON_RESULT', String(error));
    return error.payload;
  }
  return 'no error';
}

async function readAll(stream: InputStream): Promise<{ text: string; end: unknown }> {
  let all = '';
  try {
    for (;;) all += text(await stream.blockingRead(1000n));
  } catch (error) {
    assert.ok(error instanceof ComponentError, String(error));
    return { text: all, end: error.payload };
  }
}

const agent = new Agent({ keepAlive: true });
const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});
after(() => agent.destroy());

async function listen(server: Server): Promise<number> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as { port: number }).port;
}

/** Serves with a guest; what the handler rejected with is kept. */
async function serve(handle: Handle): Promise<{ port: number; failures: unknown[] }> {
  const handler = createIncomingHandler(handle);
  const failures: unknown[] = [];
  const port = await listen(
    createServer((incoming, outgoing) => void handler(incoming, outgoing).catch((error: unknown) => failures.push(error))),
  );
  return { port, failures };
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly raw: readonly string[];
  readonly body: string;
  readonly trailers: IncomingMessage['trailers'];
  readonly complete: boolean;
}

async function ask(
  port: number,
  options: { method?: string; path?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  const { body, ...rest } = options;
  const outgoing = request({ agent, host: '127.0.0.1', port, ...rest });
  outgoing.end(body);
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  let received = '';
  incoming.on('data', (part: Buffer) => {
    received += part.toString('latin1');
  });
  await new Promise<void>((resolve) => {
    incoming.on('error', () => {});
    incoming.on('close', resolve);
  });
  const { statusCode = 0, headers, rawHeaders, trailers, complete } = incoming;
  return { status: statusCode, headers, raw: rawHeaders, body: received, trailers, complete };
}

function respond(out: ResponseOutparam, status: number, entries: readonly (readonly [string, string])[] = []): OutgoingBody {
  const response = new OutgoingResponse(Fields.fromList(entries.map(([name, value]) => [name, bytes(value)])));
  response.setStatusCode(status);
  const body = response.body();
  ResponseOutparam.set(out, { tag: 'ok', val: response });
  return body;
}

async function write(body: OutgoingBody, ...parts: readonly string[]): Promise<void> {
  const stream = body.write();
  for (const part of parts) await stream.blockingWriteAndFlush(bytes(part));
  stream[Symbol.dispose]();
}

describe('fields', () => {
  test('names are compared without case and keep their order', () => {
    const fields = Fields.fromList([
      ['B', bytes('1')],
      ['a', bytes('2')],
      ['b', bytes('3')],
    ]);
    assert.deepEqual(fields.get('b').map(text), ['1', '3']);
    assert.deepEqual(
      fields.entries().map(([name, value]) => [name, text(value)]),
      [
        ['b', '1'],
        ['a', '2'],
        ['b', '3'],
      ],
    );
    fields.set('A', [bytes('x'), bytes('y')]);
    assert.deepEqual(fields.get('a').map(text), ['x', 'y']);
    fields.delete('b');
    assert.equal(fields.has('B'), false);
    fields.append('c', new Uint8Array([0xe9]));
    assert.deepEqual([...(fields.get('C')[0] ?? [])], [0xe9]);
  });

  const bad: readonly (readonly [string, string, string])[] = [
    ['', 'x', 'invalid-syntax'],
    ['a b', 'x', 'invalid-syntax'],
    ['a:', 'x', 'invalid-syntax'],
    ['ü', 'x', 'invalid-syntax'],
    ['a', 'x\r\ny: z', 'invalid-syntax'],
    ['a', 'x\0', 'invalid-syntax'],
    ['Connection', 'close', 'forbidden'],
    ['transfer-encoding', 'chunked', 'forbidden'],
    ['HOST', 'x', 'forbidden'],
    ['upgrade', 'x', 'forbidden'],
  ];
  for (const [name, value, tag] of bad) {
    test(`${JSON.stringify(name)}: ${JSON.stringify(value)} is ${tag}`, () => {
      const fields = new Fields();
      assert.deepEqual(
        refusal(() => Fields.fromList([[name, bytes(value)]])),
        { tag },
      );
      assert.deepEqual(
        refusal(() => fields.append(name, bytes(value))),
        { tag },
      );
      assert.deepEqual(
        refusal(() => fields.set(name, [bytes(value)])),
        { tag },
      );
      assert.deepEqual(fields.entries(), []);
    });
  }

  test('fields of a message cannot be changed, a clone of them can', () => {
    const fields = new Fields();
    const request = new OutgoingRequest(fields);
    assert.deepEqual(
      refusal(() => request.headers().append('a', bytes('b'))),
      { tag: 'immutable' },
    );
    assert.deepEqual(
      refusal(() => request.headers().delete('a')),
      { tag: 'immutable' },
    );
    const clone = request.headers().clone();
    clone.append('a', bytes('b'));
    assert.equal(request.headers().has('a'), false);
  });

  test('fields without end are a trap', () => {
    const fields = new Fields();
    assert.throws(() => {
      for (let index = 0; ; index++) fields.append(`name-${index}`, new Uint8Array(1000).fill(97));
    }, /more than/);
  });
});

describe('serving', () => {
  test('what the guest is told of a request', async () => {
    let told: unknown;
    const { port } = await serve((incoming, out) => {
      const headers = Object.fromEntries(
        incoming
          .headers()
          .entries()
          .map(([name, value]) => [name, text(value)]),
      );
      told = [incoming.method(), incoming.pathWithQuery(), incoming.scheme(), incoming.authority(), headers];
      assert.deepEqual(
        refusal(() => incoming.headers().append('a', bytes('b'))),
        { tag: 'immutable' },
      );
      ResponseOutparam.set(out, { tag: 'ok', val: new OutgoingResponse(new Fields()) });
    });
    const answer = await ask(port, { method: 'PROPFIND', path: '/a?b=c', headers: { 'X-Y': 'z', host: 'some.host', te: 'trailers' } });
    assert.equal(answer.status, 200);
    assert.deepEqual(told, [
      { tag: 'other', val: 'PROPFIND' },
      '/a?b=c',
      { tag: 'HTTP' },
      'some.host',
      { 'content-length': '0', 'x-y': 'z', te: 'trailers' },
    ]);
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'PATCH']) {
      await ask(port, { method });
      assert.deepEqual((told as unknown[])[0], { tag: method.toLowerCase() });
    }
  });

  test('a body that is finished at once has a length', async () => {
    const { port } = await serve(async (_request, out) => {
      const body = respond(out, 201, [['x-a', 'b']]);
      await write(body, 'hello', ' world');
      OutgoingBody.finish(body, undefined);
    });
    const answer = await ask(port);
    assert.deepEqual(
      [answer.status, answer.body, answer.headers['content-length'], answer.headers['x-a']],
      [201, 'hello world', '11', 'b'],
    );
    assert.equal(answer.headers['transfer-encoding'], undefined);
  });

  test('a body that is written before the response is set', async () => {
    const { port } = await serve(async (_request, out) => {
      const response = new OutgoingResponse(new Fields());
      const body = response.body();
      await write(body, 'early');
      ResponseOutparam.set(out, { tag: 'ok', val: response });
      OutgoingBody.finish(body, undefined);
    });
    assert.equal((await ask(port)).body, 'early');
  });

  test('a body that is written over time is streamed', async () => {
    const gate = Promise.withResolvers<void>();
    const { port } = await serve(async (_request, out) => {
      const body = respond(out, 200);
      const stream = body.write();
      await stream.blockingWriteAndFlush(bytes('first'));
      await gate.promise;
      await stream.blockingWriteAndFlush(bytes('second'));
      OutgoingBody.finish(body, undefined);
    });
    const outgoing = request({ agent, host: '127.0.0.1', port });
    outgoing.end();
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
    const parts: string[] = [];
    for await (const part of incoming) {
      parts.push(String(part));
      gate.resolve();
    }
    assert.deepEqual(parts, ['first', 'second']);
  });

  test('large bodies both ways, with backpressure', async () => {
    const { port } = await serve(async (incoming, out) => {
      const body = respond(out, 200);
      const to = body.write();
      const arriving = incoming.consume();
      const from = arriving.stream();
      try {
        for (;;) await to.blockingSplice(from, 1_000_000n);
      } catch (error) {
        assert.deepEqual((error as ComponentError).payload, { tag: 'closed' });
      }
      OutgoingBody.finish(body, undefined);
    });
    const sent = 'abcdefghij'.repeat(500_000);
    const answer = await ask(port, { method: 'POST', body: sent });
    assert.equal(answer.body === sent, true);
  });

  test('trailers both ways', async () => {
    let received: unknown;
    const { port } = await serve(async (incoming, out) => {
      const future = IncomingBody.finish(incoming.consume());
      assert.ok(future instanceof FutureTrailers);
      await future.subscribe().block();
      const result = (await future.get()) as Result<Result<Fields | undefined, ErrorCode>, undefined>;
      received = result.tag === 'ok' && result.val.tag === 'ok' && result.val.val?.entries().map(([name, value]) => [name, text(value)]);
      assert.deepEqual(await future.get(), { tag: 'err', val: undefined });
      const body = respond(out, 200);
      await write(body, 'x');
      OutgoingBody.finish(body, Fields.fromList([['x-sum', bytes('1')]]));
    });
    const outgoing = request({ agent, host: '127.0.0.1', port, method: 'POST', headers: { trailer: 'x-in' } });
    outgoing.write('body');
    outgoing.addTrailers({ 'x-in': 'yes' });
    outgoing.end();
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
    incoming.resume();
    await once(incoming, 'end');
    assert.deepEqual(incoming.trailers, { 'x-sum': '1' });
    assert.deepEqual(received, [['x-in', 'yes']]);
  });

  const bodiless: readonly (readonly [
    method: string,
    status: number,
    headers: readonly (readonly [string, string])[],
    length: string | undefined,
  ])[] = [
    ['HEAD', 200, [], '4'],
    ['HEAD', 200, [['content-length', '4']], '4'],
  ];
  for (const [method, status, headers, length] of bodiless) {
    test(`${method} answered with ${status} and ${headers.length} headers has no body`, async () => {
      const { port, failures } = await serve(async (_request, out) => {
        const body = respond(out, status, headers);
        await write(body, 'text');
        OutgoingBody.finish(body, undefined);
      });
      const answer = await ask(port, { method });
      assert.deepEqual([answer.status, answer.body, answer.headers['content-length']], [status, '', length]);
      assert.deepEqual(failures, []);
    });
  }

  test('informational responses go ahead', async () => {
    const { port } = await serve((_request, out) => {
      out.sendInformational(103, Fields.fromList([['link', bytes('</a>')]]));
      assert.deepEqual(
        refusal(() => out.sendInformational(101, new Fields())),
        { tag: 'HTTP-protocol-error' },
      );
      ResponseOutparam.set(out, { tag: 'ok', val: new OutgoingResponse(new Fields()) });
    });
    const outgoing = request({ agent, host: '127.0.0.1', port });
    outgoing.end();
    const [[information], [incoming]] = (await Promise.all([once(outgoing, 'information'), once(outgoing, 'response')])) as [
      [{ statusCode: number; headers: object }],
      [IncomingMessage],
    ];
    assert.deepEqual([information.statusCode, information.headers], [103, { link: '</a>' }]);
    incoming.resume();
    await once(incoming, 'end');
  });

  test('lengths that are not kept are errors', async () => {
    const outcomes: unknown[] = [];
    const { port } = await serve(async (_request, out) => {
      const body = respond(out, 200, [['content-length', '3']]);
      const stream = body.write();
      stream.checkWrite();
      try {
        stream.write(bytes('four'));
      } catch (error) {
        const { val } = (error as { payload: { val: IoError } }).payload;
        outcomes.push(httpErrorCode(val));
      }
      outcomes.push(refusal(() => OutgoingBody.finish(body, undefined)));
    });
    await ask(port).catch(() => {});
    assert.deepEqual(outcomes, [
      { tag: 'HTTP-response-body-size', val: 4n },
      { tag: 'HTTP-response-body-size', val: 4n },
    ]);
  });

  describe('guests that fail', () => {
    const trap = new Error('trapped');
    const guests: readonly (readonly [name: string, handle: Handle, status: number, complete: boolean])[] = [
      ['before the answer', () => Promise.reject(trap), 500, true],
      [
        'at once',
        () => {
          throw trap;
        },
        500,
        true,
      ],
      ['without an answer', () => {}, 500, true],
      ['with an error code', (_request, out) => ResponseOutparam.set(out, { tag: 'err', val: { tag: 'internal-error' } }), 500, true],
      [
        'before the head has gone',
        (_request, out) => {
          respond(out, 200);
          throw trap;
        },
        500,
        true,
      ],
      ['returning with an unfinished body', (_request, out) => void respond(out, 200), 500, true],
      ['dropping an unfinished body', (_request, out) => respond(out, 200)[Symbol.dispose](), 500, true],
      [
        'in the middle of the body',
        async (_request, out) => {
          const body = respond(out, 200);
          await write(body, 'begun');
          await new Promise((resolve) => setTimeout(resolve, 1));
          throw trap;
        },
        200,
        false,
      ],
    ];
    for (const [name, handle, status, complete] of guests) {
      test(name, async () => {
        const { port, failures } = await serve(handle);
        const answer = await ask(port);
        assert.deepEqual([answer.status, answer.complete], [status, complete]);
        assert.equal(failures.length, 1);
        // The server goes on.
        assert.equal((await ask(port)).status, status);
      });
    }
  });

  test('a client that goes away in the middle of its body', async () => {
    const ended = Promise.withResolvers<unknown>();
    const { port } = await serve(async (incoming, out) => {
      const { text: received, end } = await readAll(incoming.consume().stream());
      ended.resolve([received, httpErrorCode((end as { val: IoError }).val)]);
      const body = respond(out, 200);
      OutgoingBody.finish(body, undefined);
    });
    const socket = connect(port, '127.0.0.1');
    socket.end('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf');
    socket.on('error', () => {});
    assert.deepEqual(await ended.promise, ['half', { tag: 'connection-terminated' }]);
  });

  test('a client that goes away while the guest writes', async () => {
    const ended = Promise.withResolvers<unknown>();
    const { port } = await serve(async (_request, out) => {
      const stream = respond(out, 200).write();
      try {
        for (;;) await stream.blockingWriteAndFlush(new Uint8Array(100_000));
      } catch (error) {
        ended.resolve(httpErrorCode((error as { payload: { val: IoError } }).payload.val));
      }
    });
    const outgoing = request({ host: '127.0.0.1', port, agent: false });
    outgoing.on('error', () => {});
    outgoing.end();
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
    incoming.on('error', () => {});
    incoming.destroy();
    assert.deepEqual(await ended.promise, { tag: 'connection-terminated' });
  });
});

describe('asking', () => {
  const client = new Client(new Rules(['127.0.0.1', 'localhost', 'nowhere.invalid']));
  const { handle } = outgoingHandler(client) as { handle(request: OutgoingRequest, options?: RequestOptions): FutureIncomingResponse };
  after(() => client.close());

  function outgoing(port: number, path = '/', method = 'get', headers: readonly (readonly [string, string])[] = []): OutgoingRequest {
    const request = new OutgoingRequest(Fields.fromList(headers.map(([name, value]) => [name, bytes(value)])));
    request.setMethod({ tag: method });
    request.setScheme({ tag: 'HTTP' });
    request.setAuthority(`127.0.0.1:${port}`);
    request.setPathWithQuery(path);
    return request;
  }

  async function outcome(future: FutureIncomingResponse): Promise<Result<IncomingResponse, ErrorCode>> {
    await future.subscribe().block();
    const result = await future.get();
    assert.ok(result?.tag === 'ok');
    assert.deepEqual(await future.get(), { tag: 'err', val: undefined });
    return result.val;
  }

  async function answered(
    future: FutureIncomingResponse,
  ): Promise<{ status: number; headers: Record<string, string>; body: string; end: unknown }> {
    const result = await outcome(future);
    assert.ok(result.tag === 'ok', JSON.stringify(result));
    const response = result.val;
    const body = response.consume();
    assert.equal(
      refusal(() => response.consume()),
      undefined,
    );
    const { text: received, end } = await readAll(body.stream());
    assert.equal(
      refusal(() => body.stream()),
      undefined,
    );
    const headers = Object.fromEntries(
      response
        .headers()
        .entries()
        .map(([name, value]) => [name, text(value)]),
    );
    return { status: response.status(), headers, body: received, end };
  }

  /** Tells what it was asked. */
  const mirror = (): Server =>
    createServer((incoming, answer) => {
      let body = '';
      incoming.on('data', (part: Buffer) => {
        body += part.toString();
      });
      incoming.on('end', () => {
        const { method, url, headers, trailers } = incoming;
        const { host: _host, ...rest } = headers;
        answer.writeHead(200, { 'x-a': 'b', connection: 'keep-alive' });
        answer.end(JSON.stringify({ method, url, headers: rest, body, trailers }));
      });
    });

  test('without a body', async () => {
    const port = await listen(mirror());
    const { status, headers, body, end } = await answered(handle(outgoing(port, '/a?b', 'get', [['x-y', 'z']])));
    assert.deepEqual([status, headers['x-a'], headers.connection, end], [200, 'b', undefined, { tag: 'closed' }]);
    assert.deepEqual(JSON.parse(body), {
      method: 'GET',
      url: '/a?b',
      headers: { 'x-y': 'z', connection: 'keep-alive' },
      body: '',
      trailers: {},
    });
  });

  test('with a body that is there at once', async () => {
    const port = await listen(mirror());
    const request = outgoing(port, '/', 'put');
    const body = request.body();
    assert.equal(
      refusal(() => request.body()),
      undefined,
    );
    await write(body, 'hello');
    OutgoingBody.finish(body, undefined);
    const told = JSON.parse((await answered(handle(request))).body);
    assert.deepEqual([told.method, told.body, told.headers['content-length']], ['PUT', 'hello', '5']);
  });

  test('with a body that follows, and trailers', async () => {
    const port = await listen(mirror());
    const request = outgoing(port, '/', 'post');
    const body = request.body();
    const future = handle(request);
    const stream = body.write();
    for (let part = 0; part < 50; part++) await stream.blockingWriteAndFlush(bytes('x'.repeat(10_000)));
    OutgoingBody.finish(body, Fields.fromList([['x-t', bytes('1')]]));
    const told = JSON.parse((await answered(future)).body);
    assert.deepEqual([told.body.length, told.headers['transfer-encoding'], told.trailers], [500_000, 'chunked', { 'x-t': '1' }]);
  });

  test('connections are kept', async () => {
    const server = mirror();
    let connections = 0;
    server.on('connection', () => connections++);
    const port = await listen(server);
    for (let round = 0; round < 5; round++) {
      await answered(handle(outgoing(port)));
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal(connections, 1);
  });

  test('a response that breaks off', async () => {
    const port = await listen(
      createServer((_request, answer) => {
        answer.writeHead(200, { 'content-length': '10' });
        answer.write('half', () => answer.destroy());
      }),
    );
    const { body, end } = await answered(handle(outgoing(port)));
    assert.equal(body, 'half');
    assert.deepEqual(httpErrorCode((end as { val: IoError }).val), { tag: 'HTTP-response-incomplete' });
  });

  test('what is not granted', () => {
    for (const authority of ['example.com', '169.254.169.254', '[::1]:80', '10.0.0.1']) {
      const request = outgoing(80);
      request.setAuthority(authority);
      assert.deepEqual(
        refusal(() => handle(request)),
        { tag: 'HTTP-request-denied' },
      );
    }
  });

  test('requests that make no sense', () => {
    const request = outgoing(80);
    assert.equal(
      refusal(() => request.setMethod({ tag: 'other', val: 'BAD METHOD' })),
      undefined,
    );
    assert.equal(
      refusal(() => request.setPathWithQuery('/a b')),
      undefined,
    );
    assert.equal(
      refusal(() => request.setPathWithQuery('/a\r\nb')),
      undefined,
    );
    assert.equal(
      refusal(() => request.setScheme({ tag: 'other', val: '1:' })),
      undefined,
    );
    for (const authority of ['', 'a b', 'user@host', 'host:', 'host:99999', 'a/b', 'a\r\nb']) {
      assert.equal(
        refusal(() => request.setAuthority(authority)),
        undefined,
        authority,
      );
    }
    request.setAuthority(undefined);
    assert.deepEqual(
      refusal(() => handle(request)),
      { tag: 'HTTP-request-URI-invalid' },
    );
    const odd = outgoing(80);
    odd.setScheme({ tag: 'other', val: 'ftp' });
    assert.deepEqual(
      refusal(() => handle(odd)),
      { tag: 'HTTP-protocol-error' },
    );
  });

  test('failures on the way', async () => {
    const silent = createServer(() => {});
    const port = await listen(silent);
    const gone = await listen(createServer());
    servers.pop()?.close();
    const patience = new RequestOptions();
    patience.setFirstByteTimeout(1_000_000n);
    assert.equal(patience.firstByteTimeout(), 1_000_000n);
    const nonsense = await listen(createServer().on('connection', (socket) => socket.end('nonsense\r\n\r\n')) as Server);
    const resetting = await listen(createServer((incoming) => incoming.socket.resetAndDestroy()));
    const named = outgoing(80);
    named.setAuthority('nowhere.invalid');
    const cases: readonly (readonly [FutureIncomingResponse, readonly string[]])[] = [
      [handle(outgoing(gone)), ['connection-refused']],
      [handle(outgoing(port), patience), ['HTTP-response-timeout']],
      [handle(outgoing(nonsense)), ['HTTP-protocol-error']],
      [handle(outgoing(resetting)), ['connection-terminated']],
      [handle(named), ['DNS-error', 'DNS-timeout']],
    ];
    for (const [future, tags] of cases) {
      const result = await outcome(future);
      assert.ok(result.tag === 'err' && tags.includes(result.val.tag), `${JSON.stringify(result)} is not ${tags}`);
    }
  });

  test('parts that come too slowly', async () => {
    const port = await listen(
      createServer((_request, answer) => {
        answer.write('first');
      }),
    );
    const options = new RequestOptions();
    options.setBetweenBytesTimeout(20_000_000n);
    const { body, end } = await answered(handle(outgoing(port), options));
    assert.equal(body, 'first');
    assert.deepEqual(httpErrorCode((end as { val: IoError }).val), { tag: 'connection-read-timeout' });
  });

  test('a guest that is slow itself gets what has arrived', async () => {
    const port = await listen(createServer((_request, answer) => answer.end('all of it')));
    const late = Promise.withResolvers<void>();
    const responded = (message: unknown): void => {
      const { response } = message as { response: IncomingMessage };
      response.socket.once('timeout', late.resolve);
    };
    subscribe('http.client.response.finish', responded);
    const options = new RequestOptions();
    options.setBetweenBytesTimeout(5_000_000n);
    const result = await outcome(handle(outgoing(port), options));
    unsubscribe('http.client.response.finish', responded);
    assert.ok(result.tag === 'ok');
    const stream = result.val.consume().stream();
    await stream.subscribe().block();
    await late.promise;
    assert.deepEqual(await readAll(stream), { text: 'all of it', end: { tag: 'closed' } });
  });

  for (const path of [undefined, '']) {
    test(`the path ${path === undefined ? 'none' : 'of no characters'} is sent as a slash`, async () => {
      const port = await listen(createServer((incoming, answer) => answer.end(incoming.url)));
      const request = outgoing(port);
      request.setPathWithQuery(path);
      assert.equal((await answered(handle(request))).body, '/');
    });
  }
});

test('no more requests than allowed are under way at a time', async () => {
  const client = new Client(new Rules(['127.0.0.1']), { requests: new Quota(2) });
  after(() => client.close());
  const { handle } = outgoingHandler(client) as { handle(request: OutgoingRequest): FutureIncomingResponse };
  const answers: ServerResponse[] = [];
  const arrived = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const server = createServer((_request, answer) => arrived[answers.push(answer) - 1]?.resolve());
  const port = await listen(server);
  const send = (): FutureIncomingResponse => {
    const request = new OutgoingRequest(new Fields());
    request.setScheme({ tag: 'HTTP' });
    request.setAuthority(`127.0.0.1:${port}`);
    return handle(request);
  };
  /** The two sides of a connection hear of its end one after the other. */
  const sendSoon = async (): Promise<void> => {
    for (;;) {
      if (refusal(send) === 'no error') return;
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const refusedNow = (): void => assert.throws(send, { payload: { tag: 'connection-limit-reached' } });
  const [read, dropped] = [send(), send()];
  refusedNow();
  await Promise.all(arrived.map(({ promise }) => promise));
  // A response that comes when nobody waits for it any more, and one that is read.
  dropped[Symbol.dispose]();
  const closed = answers.map((answer) => once(answer, 'close'));
  for (const answer of answers) answer.write('some of it');
  await closed[1];
  await read.subscribe().block();
  const result = await read.get();
  assert.ok(result?.tag === 'ok' && result.val.tag === 'ok');
  await sendSoon();
  refusedNow();
  result.val.val[Symbol.dispose]();
  await closed[0];
  await sendSoon();
});

describe('connections', () => {
  const rows: readonly (readonly [options: GivenPoolOptions, waitMs: number, connections: number, header: string])[] = [
    [{}, 0, 1, 'keep-alive'],
    [{ reuse: undefined }, 0, 1, 'keep-alive'],
    [{ reuse: false }, 0, 2, 'close'],
    [{ idleTimeoutMs: 5 }, 50, 2, 'keep-alive'],
    [{ idleTimeoutMs: 60_000 }, 50, 1, 'keep-alive'],
  ];
  for (const [options, waitMs, connections, header] of rows) {
    test(`${JSON.stringify(options)}: two requests use ${connections}`, async () => {
      let opened = 0;
      const headers: unknown[] = [];
      const server = createServer((incoming, answer) => {
        headers.push(incoming.headers.connection);
        answer.end('ok');
      });
      server.on('connection', () => opened++);
      const port = await listen(server);
      const client = new Client(new Rules(['127.0.0.1']), { pool: poolOf(options) });
      const { handle } = outgoingHandler(client) as { handle(request: OutgoingRequest): FutureIncomingResponse };
      for (const pause of [waitMs, 0]) {
        const request = new OutgoingRequest(new Fields());
        request.setScheme({ tag: 'HTTP' });
        request.setAuthority(`127.0.0.1:${port}`);
        const future = handle(request);
        await future.subscribe().block();
        const result = await future.get();
        assert.ok(result?.tag === 'ok' && result.val.tag === 'ok');
        assert.equal((await readAll(result.val.val.consume().stream())).text, 'ok');
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
      assert.deepEqual([opened, headers], [connections, [header, header]]);
      client.close();
    });
  }
});

test('a request that is sent once more waits no longer than one that is sent once', async () => {
  let requests = 0;
  const server = createServer((incoming, answer) => {
    requests++;
    if (requests === 1) answer.end('ok');
    else if (requests === 2) incoming.socket.destroy();
  });
  const port = await listen(server);
  const client = new Client(new Rules(['127.0.0.1']));
  const { handle } = outgoingHandler(client) as { handle(request: OutgoingRequest, options: RequestOptions): FutureIncomingResponse };
  const options = new RequestOptions();
  options.setFirstByteTimeout(100_000_000n);
  const send = async (): Promise<IncomingResponse | ErrorCode> => {
    const request = new OutgoingRequest(new Fields());
    request.setScheme({ tag: 'HTTP' });
    request.setAuthority(`127.0.0.1:${port}`);
    const future = handle(request, options);
    await future.subscribe().block();
    const result = await future.get();
    assert.ok(result?.tag === 'ok');
    return result.val.val;
  };
  const first = await send();
  assert.ok('consume' in first);
  await readAll(first.consume().stream());
  assert.deepEqual(await send(), { tag: 'HTTP-response-timeout' });
  assert.equal(requests, 3);
  client.close();
});

test('HTTP/1.0 gets no trailers, and hears of none', async () => {
  const { port } = await serve(async (_request, out) => {
    const body = respond(out, 200, [['trailer', 'x-sum']]);
    await write(body, 'old');
    OutgoingBody.finish(body, Fields.fromList([['x-sum', bytes('3')]]));
  });
  const socket = connect(port, '127.0.0.1');
  socket.end('GET / HTTP/1.0\r\n\r\n');
  let received = '';
  for await (const part of socket) received += String(part);
  assert.match(received, /^HTTP\/1.1 200 OK\r\n(?![\s\S]*(x-sum|chunked))[\s\S]*\r\n\r\nold$/);
});

test('a body that something else has read is an error that says so', async () => {
  const handler = createIncomingHandler(() => assert.fail('the guest is not called'));
  const failures: unknown[] = [];
  const port = await listen(
    createServer(async (incoming, outgoing) => {
      for await (const part of incoming) void part;
      await handler(incoming, outgoing).catch((error: unknown) => failures.push((error as ComponentError).code));
    }),
  );
  assert.equal((await ask(port, { method: 'POST', body: 'parsed' })).status, 500);
  assert.deepEqual(failures, ['TENON_BODY_READ']);
});

test('a guest that is asked through a client of its own kind', async () => {
  const client = new Client(new Rules(['127.0.0.1']));
  const { handle } = outgoingHandler(client) as { handle(request: OutgoingRequest): FutureIncomingResponse };
  const inner = await serve(async (incoming: IncomingRequest, out) => {
    const body = respond(out, 200, [['x-path', incoming.pathWithQuery() ?? '']]);
    await write(body, 'inner');
    OutgoingBody.finish(body, undefined);
  });
  const outer = await serve(async (_request, out) => {
    const request = new OutgoingRequest(new Fields());
    request.setScheme({ tag: 'HTTP' });
    request.setAuthority(`127.0.0.1:${inner.port}`);
    request.setPathWithQuery('/deep');
    const future = handle(request);
    await future.subscribe().block();
    const result = await future.get();
    assert.ok(result?.tag === 'ok' && result.val.tag === 'ok');
    const { text: received } = await readAll(result.val.val.consume().stream());
    const body = respond(out, 200);
    await write(body, `outer and ${received} at ${text(result.val.val.headers().get('x-path')[0] ?? new Uint8Array())}`);
    OutgoingBody.finish(body, undefined);
  });
  assert.equal((await ask(outer.port)).body, 'outer and inner at /deep');
  client.close();
});
