/** What a guest's messages look like on the wire, with a guest that gives just what it is asked for, and servers and clients that are sockets. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { type LogEntry, Runtime, type Workload, WorkloadConfig } from '@tenon/runtime';
import { guestPath } from '../../../guests/guests.ts';

const log: LogEntry[] = [];
let runtime: Runtime;
let workload: Workload;
let port: number;

before(async () => {
  runtime = await Runtime.create({ log: (entry) => log.push(entry), logRequests: true, output: () => {} });
  const config = new WorkloadConfig(guestPath('rust-messages'))
    .withInterface('wasi:http/incoming-handler')
    .withInterface('wasi:http/outgoing-handler', { allow: ['127.0.0.1'] });
  workload = await runtime.startWorkload(config.withLimits({ headerTimeoutMs: 60_000 }));
  port = Number(new URL(workload.url).port);
});
after(() => runtime.stop());

/** A connection on which bytes are awaited. */
class Wire {
  readonly socket: Socket;
  received = '';

  constructor(to: number) {
    this.socket = connect(to, '127.0.0.1');
    this.socket.on('error', () => {});
    this.socket.on('data', (chunk: Buffer) => {
      this.received += chunk.toString('latin1');
    });
  }

  /** Resolves with all that came once it matches, or the connection is over. */
  async until(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.received) && !this.socket.closed) await Promise.race([once(this.socket, 'data'), once(this.socket, 'close')]);
    return this.received;
  }

  /** Resolves with all that came when the connection is over. */
  async end(): Promise<string> {
    if (!this.socket.closed) await once(this.socket, 'close');
    return this.received;
  }
}

const get = (target: string, fields = ''): string => `GET ${target} HTTP/1.1\r\nHost: x\r\n${fields}\r\n`;
const LAST = get('/answer?body=LAST', 'Connection: close\r\n');

/** Asks for one thing, then for another on the same connection. */
async function twice(request: string): Promise<string> {
  const wire = new Wire(port);
  wire.socket.write(request + LAST);
  return wire.end();
}

/** What the log says about the last request of this path: it comes from another thread than the answer. */
async function reason(path: string): Promise<string> {
  for (;;) {
    const entry = log.findLast(({ event, message }) => event === 'error' && message.includes(`${path}: `));
    if (entry !== undefined) return entry.message;
    await new Promise(setImmediate);
  }
}

describe('responses on the wire, and what follows them', () => {
  const whole: readonly (readonly [query: string, method: string, head: RegExp])[] = [
    ['body=five5', 'GET', /^HTTP\/1.1 200 OK\r\ncontent-length: 5\r\n[\s\S]*\r\n\r\nfive5HTTP/],
    ['body=five5&h=content-length:5', 'GET', /^HTTP\/1.1 200 OK\r\ncontent-length: 5\r\n[\s\S]*\r\n\r\nfive5HTTP/],
    ['nobody', 'GET', /^HTTP\/1.1 200 OK\r\ncontent-length: 0\r\n/],
    ['h=content-length:5', 'HEAD', /^HTTP\/1.1 200 OK\r\ncontent-length: 5\r\n[\s\S]*\r\n\r\nHTTP/],
    ['h=content-length:5&nobody', 'HEAD', /^HTTP\/1.1 200 OK\r\ncontent-length: 5\r\n[\s\S]*\r\n\r\nHTTP/],
    ['body=five5&pause=5', 'HEAD', /^HTTP\/1.1 200 OK\r\n[\s\S]*\r\n\r\nHTTP/],
    ['status=304&h=content-length:5', 'GET', /^HTTP\/1.1 304 Not Modified\r\ncontent-length: 5\r\n[\s\S]*\r\n\r\nHTTP/],
    ['status=204', 'GET', /^HTTP\/1.1 204 No Content\r\n(?!content-length)[\s\S]*\r\n\r\nHTTP/],
    ['status=204&pause=5', 'GET', /^HTTP\/1.1 204 No Content\r\n[\s\S]*\r\n\r\nHTTP/],
    ['status=204&h=content-length:0', 'GET', /^HTTP\/1.1 204 No Content\r\n(?!content-length)[\s\S]*\r\n\r\nHTTP/],
    ['status=205', 'GET', /^HTTP\/1.1 205 Reset Content\r\ncontent-length: 0\r\n/],
    ['body=sum&t=x-sum:3', 'GET', /transfer-encoding: chunked\r\n\r\n3\r\nsum\r\n0\r\nx-sum: 3\r\n\r\nHTTP/i],
    ['body=sum&t=x-sum:3&h=content-length:3&h=trailer:x-sum', 'GET', /chunked\r\n\r\n3\r\nsum\r\n0\r\nx-sum: 3\r\n\r\nHTTP/i],
    ['body=sum&h=trailer:x-sum', 'GET', /^HTTP\/1.1 200 OK\r\ncontent-length: 3\r\n[\s\S]*\r\n\r\nsumHTTP/],
  ];
  for (const [query, method, expected] of whole) {
    test(`${method} ${query}`, async () => {
      const received = await twice(get(`/answer?${query}`).replace('GET', method));
      assert.match(received, expected);
      assert.match(received, /LAST$/);
    });
  }

  const refused: readonly (readonly [query: string, why: RegExp])[] = [
    ['h=content-length:77&nobody', /the body has 0 bytes, its content-length is 77/],
    ['h=content-length:77', /the body has 0 bytes, its content-length is 77/],
    ['h=content-length:3&body=four', /longer than its content-length of 3/],
    ['h=content-length:3&h=content-length:3&body=abc', /more than one content-length/],
    ['h=content-length:%2B3&body=abc', /"\+3"/],
    ['h=content-length:03&body=abc', /"03"/],
    ['h=content-length:0x3&body=abc', /"0x3"/],
    ['body=abc&t=content-length:3', /content-length cannot be a trailer/],
    ['status=204&h=content-length:5', /a response of this status has no body/],
    ['status=204&body=abc', /a response of this status has no body/],
    ['status=205&body=abc', /a response of this status has no body/],
    ['status=304&body=abc', /a response of this status has no body/],
    ['drop', /dropped the body before it had finished/],
    ['return', /returned before it had finished the body/],
  ];
  for (const [query, why] of refused) {
    test(`${query} is the guest's error, and the log says so`, async () => {
      const received = await twice(get(`/answer?${query}`));
      assert.match(received, /^HTTP\/1.1 500 Internal Server Error\r\n/);
      assert.match(received, /HTTP\/1.1 200 OK[\s\S]*LAST$/);
      assert.match(await reason(`/answer?${query}`), why);
    });
  }
  for (const status of [100, 101, 199])
    test(`the status ${status} is refused where it is set`, async () =>
      assert.match(await twice(get(`/answer?status=${status}`)), /^HTTP\/1.1 400 [\s\S]*\r\nstatus\n/));

  test('an error in place of an answer is told with what the guest says of it', async () => {
    assert.match(await twice(get('/error?text=no%20database')), /^HTTP\/1.1 500 [\s\S]*LAST$/);
    assert.match(await reason('/error?text=no%20database'), /the guest answered with the error internal-error\("no database"\)/);
    assert.match(await twice(get('/error')), /^HTTP\/1.1 500 [\s\S]*LAST$/);
    assert.match(await reason('/error'), /the guest answered with the error HTTP-request-denied$/);
  });

  for (const query of ['drop', 'trap']) {
    test(`${query} in mid-body breaks the connection off, and the log says who did it`, async () => {
      const received = await twice(get(`/answer?body=begun&pause=5&${query}`));
      assert.match(received, /^HTTP\/1.1 200 OK[\s\S]*5\r\nbegun\r\n$/);
      while (!log.some(({ message }) => message.includes(`&${query} 200 (cut off)`))) await new Promise(setImmediate);
      assert.doesNotMatch(log.map(({ message }) => message).join('\n'), new RegExp(`&${query} .*went away`));
    });
  }
});

test('HTTP/2: responses without a body do not break their stream, and what is refused costs one stream', async () => {
  const client = connectHttp2(workload.url);
  const ask = async (path: string, method = 'GET'): Promise<[status: unknown, length: unknown, body: string]> => {
    const stream = client.request({ ':path': path, ':method': method });
    const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
    let body = '';
    for await (const chunk of stream) body += String(chunk);
    return [headers[':status'], headers['content-length'], body];
  };
  const failed = [500, undefined, 'the component failed\n'] as const;
  for (const [query, method, expected] of [
    ['status=204', 'GET', [204, undefined, '']],
    ['status=204&pause=5', 'GET', [204, undefined, '']],
    ['status=205', 'GET', [205, '0', '']],
    ['status=304&h=content-length:5', 'GET', [304, '5', '']],
    ['h=content-length:5', 'HEAD', [200, '5', '']],
    ['body=five5&pause=5', 'HEAD', [200, undefined, '']],
    ['status=204&body=abc', 'GET', failed],
    ['status=205&body=abc', 'GET', failed],
    ['h=content-length:77&nobody', 'GET', failed],
    ['h=content-length:3&h=content-length:3&body=abc', 'GET', failed],
    ['body=five5&h=content-length:5', 'GET', [200, '5', 'five5']],
    ['body=spaces&h=x:%20a%20', 'GET', [200, '6', 'spaces']],
  ] as const) {
    assert.deepEqual(await ask(`/answer?${query}`, method), expected, query);
  }
  client.close();
});

test('HTTP/2: a body that breaks off is told as an error, not as the end', async () => {
  const client = connectHttp2(workload.url);
  for (const query of ['drop', 'trap', 'return']) {
    const stream = client.request({ ':path': `/answer?body=begun&pause=5&${query}` });
    stream.on('error', () => {});
    stream.resume();
    await new Promise((closed) => stream.on('close', closed));
    assert.equal(stream.rstCode, 2, query);
  }
  client.close();
});

/** A server that answers each request on a connection as `answer` says; what it received is kept. */
async function serving(answer: (socket: Socket, nth: number) => void, use: (port: number, received: string[]) => Promise<void>) {
  const received: string[] = [];
  const server: Server = createServer((socket) => {
    let nth = 0;
    let bytes = '';
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.toString('latin1');
      const [head = ''] = bytes.match(/^[\s\S]*?\r\n\r\n/) ?? [];
      if (head === '' || bytes.length < head.length + Number(/content-length: (\d+)/.exec(head)?.[1] ?? 0)) return;
      received.push(bytes);
      bytes = '';
      answer(socket, nth++);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await use((server.address() as AddressInfo).port, received);
  } finally {
    server.close();
  }
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const send = async (query: string, init?: RequestInit): Promise<string> =>
  (await fetch(`${workload.url}/send?${query}`, init ?? {})).text();

describe('requests that the guest sends', () => {
  const sent: readonly (readonly [query: string, head: RegExp])[] = [
    ['nobody', /^GET \/ HTTP\/1.1\r\nhost: 127.0.0.1:\d+\r\nConnection: keep-alive\r\n\r\n$/],
    ['method=PURGE', /^PURGE \/ [\s\S]*\r\ncontent-length: 0\r\n/],
    ['method=PROPFIND&nobody', /^PROPFIND \/ [\s\S]*\r\ncontent-length: 0\r\n/],
    ['method=purge&h=x:1&h=x:2&body=abc', /^purge \/ HTTP\/1.1\r\nhost: [\s\S]*x: 1\r\nx: 2\r\ncontent-length: 3\r\n[\s\S]*\r\n\r\nabc$/],
    ['method=POST&body=abc', /^POST \/ [\s\S]*\r\ncontent-length: 3\r\n[\s\S]*\r\n\r\nabc$/],
    ['method=POST&body=abc&h=trailer:x', /^POST \/ (?![\s\S]*trailer)[\s\S]*\r\ncontent-length: 3\r\n[\s\S]*\r\n\r\nabc$/],
    ['path=%3Fq=1', /^GET \/\?q=1 HTTP/],
    ['path=/a%3Fb', /^GET \/a\?b HTTP/],
  ];
  for (const [query, head] of sent) {
    test(query, () =>
      serving(
        (socket) => socket.write(OK),
        async (to, received) => {
          assert.match(await send(`to=127.0.0.1:${to}&${query}`), /^status 200\n/);
          assert.match(received.join(''), head);
        },
      ),
    );
  }

  const refused: readonly (readonly [query: string, error: RegExp])[] = [
    ['h=content-length:5&nobody', /HttpRequestBodySize\(Some\(0\)\)/],
    ['method=POST&h=content-length:5&body=abc', /HttpRequestBodySize\(Some\(3\)\)/],
    ['method=POST&h=content-length:3&h=content-length:3&body=abc', /HttpProtocolError/],
    ['method=POST&h=content-length:%2B3&body=abc', /HttpProtocolError/],
    ['method=POST&h=content-length:03&body=abc', /HttpProtocolError/],
    ['method=POST&body=abc&t=content-length:3', /HttpProtocolError/],
  ];
  for (const [query, error] of refused) {
    test(`${query} never leaves, and the connection carries the next`, () =>
      serving(
        (socket) => socket.write(OK),
        async (to, received) => {
          assert.match(await send(`to=127.0.0.1:${to}&path=/bad&${query}`), error);
          assert.match(await send(`to=127.0.0.1:${to}&path=/good`), /^status 200\n/);
          assert.match(received.join(''), /^GET \/good /);
        },
      ));
  }

  test('fields that were received and cloned promise no body that does not come', () =>
    serving(
      (socket) => socket.write(OK),
      async (to, received) => {
        const told = await send(`to=127.0.0.1:${to}&clone&nobody`, { method: 'POST', body: '12345' });
        assert.match(told, /HttpRequestBodySize/);
        assert.deepEqual(received, []);
      },
    ));

  test('authorities that are not ASCII are refused where they are set', async () => {
    assert.equal(await send('to=b%C3%BCcher.example'), 'authority\n');
  });
});

describe('responses that the guest receives', () => {
  const answers: readonly (readonly [what: string, answer: (socket: Socket) => void, query: string, told: RegExp])[] = [
    [
      'with surplus bytes in the same packet',
      (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngoodsurplus'),
      '',
      /^status 200\n[\s\S]*body good closed\n/,
    ],
    [
      'with surplus bytes, read late',
      (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngoodsurplus'),
      '&later=20',
      /^status 200\n[\s\S]*body good closed\n/,
    ],
    [
      'whole, and then a reset, read late',
      (socket) => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood');
        setTimeout(() => socket.resetAndDestroy(), 10);
      },
      '&later=40',
      /^status 200\n[\s\S]*body good closed\n/,
    ],
    [
      'that break off',
      (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf'),
      '&later=20',
      /^status 200\n[\s\S]*body half Some\(.*HttpResponseIncomplete\)\n/,
    ],
    [
      'with 1,500 fields',
      (socket) =>
        socket.write(`HTTP/1.1 200 OK\r\n${Array.from({ length: 1500 }, (_, at) => `A${at}: v\r\n`).join('')}Content-Length: 0\r\n\r\n`),
      '',
      /^status 200\nfields 1501\nbody {2}closed\n/,
    ],
  ];
  for (const [what, answer, query, told] of answers)
    test(what, () => serving(answer, async (to) => assert.match(await send(`to=127.0.0.1:${to}${query}`), told)));
});

describe('connections that the server closed just when the next request came', () => {
  const once = (socket: Socket, nth: number): void => void (nth === 0 ? socket.write(OK) : socket.destroy());
  for (const method of ['GET', 'PUT', 'POST']) {
    test(`${method} is ${method === 'POST' ? 'an error' : 'sent once more'}`, () =>
      serving(once, async (to, received) => {
        assert.match(await send(`to=127.0.0.1:${to}&body=first`), /^status 200\n/);
        const told = await send(`to=127.0.0.1:${to}&method=${method}&body=second`);
        assert.match(told, method === 'POST' ? /ConnectionTerminated/ : /^status 200\n/);
        assert.equal(received.filter((text) => text.endsWith('second')).length, method === 'POST' ? 1 : 2);
      }));
  }

  test('a server that always closes gets it twice', () =>
    serving(
      (socket, nth) => (nth === 0 && !log.some(({ path }) => path?.includes('again')) ? socket.write(OK) : socket.destroy()),
      async (to, received) => {
        await send(`to=127.0.0.1:${to}`);
        log.push({ level: 'info', event: 'request', workload: '', message: '', time: 0, path: 'again' });
        assert.match(await send(`to=127.0.0.1:${to}&path=/twice`), /ConnectionTerminated/);
        assert.equal(received.filter((text) => text.includes('/twice')).length, 2);
      },
    ));

  test('what comes unasked on a kept connection is not taken for the next answer', () =>
    serving(
      (socket) => {
        socket.write(OK);
        setImmediate(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged'));
      },
      async (to) => {
        assert.match(await send(`to=127.0.0.1:${to}`), /body ok closed/);
        await new Promise((resolve) => setTimeout(resolve, 20));
        assert.match(await send(`to=127.0.0.1:${to}`), /body ok closed/);
      },
    ));
});

describe('answers come in order', () => {
  test('garbage behind a request gets its 400 after the answer', async () => {
    const wire = new Wire(port);
    wire.socket.write(`${get('/answer?body=slow&pause=30')}garbage\r\n\r\n`);
    assert.match(await wire.end(), /^HTTP\/1.1 200 OK[\s\S]*slow[\s\S]*HTTP\/1.1 400 Bad Request\r\nconnection: close\r\n/);
  });

  test('garbage behind two requests', async () => {
    const wire = new Wire(port);
    wire.socket.write(`${get('/answer?body=slow&pause=30')}${get('/answer?body=quick')}garbage\r\n\r\n`);
    assert.match(await wire.end(), /^HTTP\/1.1 200 OK[\s\S]*slow[\s\S]*HTTP\/1.1 200 OK[\s\S]*quick[\s\S]*HTTP\/1.1 400 /);
  });

  test('garbage in the body of the second request is the answer to that', async () => {
    const wire = new Wire(port);
    wire.socket.write(`${get('/answer?body=slow&pause=30')}POST /receive HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`);
    assert.match(await wire.end(), /^HTTP\/1.1 200 OK[\s\S]*slow[\s\S]*HTTP\/1.1 400 [\s\S]*connection: close/i);
  });

  test('garbage alone', async () => {
    const wire = new Wire(port);
    wire.socket.write('garbage\r\n\r\n');
    assert.match(await wire.end(), /^HTTP\/1.1 400 Bad Request\r\nconnection: close\r\n/);
  });
});

describe('100 Continue', () => {
  const post = (path: string): string => `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n`;
  for (const path of ['/refuse', '/forget']) {
    test(`${path}: a guest that reads nothing sends none, and the connection ends`, async () => {
      const wire = new Wire(port);
      wire.socket.write(post(path));
      assert.match(await wire.end(), /^HTTP\/1.1 413 [\s\S]*connection: close[\s\S]*too much\n$/i);
    });
  }

  test('a guest that reads sends one, and the connection goes on', async () => {
    const wire = new Wire(port);
    wire.socket.write(post('/receive'));
    assert.equal(await wire.until(/\r\n\r\n/), 'HTTP/1.1 100 Continue\r\n\r\n');
    wire.socket.write(`abc${LAST}`);
    assert.match(await wire.end(), /HTTP\/1.1 200 OK[\s\S]*body abc closed\n[\s\S]*LAST$/);
  });

  for (const [path, continues, status, told] of [
    ['/refuse', 0, 413, 'too much\n'],
    ['/receive', 1, 200, /body abc closed\n$/],
  ] as const) {
    test(`HTTP/2, ${path}`, async () => {
      const client = connectHttp2(workload.url);
      const stream = client.request({ ':path': path, ':method': 'POST', expect: '100-continue', 'content-length': '3' });
      stream.on('error', () => {});
      let seen = 0;
      stream.on('continue', () => {
        seen++;
        stream.end('abc');
      });
      const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
      let body = '';
      for await (const chunk of stream) body += String(chunk);
      assert.deepEqual([headers[':status'], seen], [status, continues]);
      assert.match(body, typeof told === 'string' ? new RegExp(`^${told}$`) : told);
      client.destroy();
    });
  }
});
