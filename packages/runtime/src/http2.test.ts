import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants, type OutgoingHttpHeaders } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { type HttpEgress, type Limits, type LogEntry, Runtime, type Workload, WorkloadConfig } from '@tenon/runtime';
import { guestPath } from '../../../guests/guests.ts';
import { makeCertificate, OPENSSL } from '../test/certificates.ts';

const skip = OPENSSL ? false : 'needs openssl';
const folder = mkdtempSync(join(tmpdir(), 'tenon-http2-'));
after(() => rmSync(folder, { recursive: true }));

/** The live certificate is a copy, so that it can be replaced. */
const live = { cert: join(folder, 'live.pem'), key: join(folder, 'live.key') };
const certificates = skip ? [] : ['first', 'second'].map((name) => makeCertificate(folder, name));
const ca = certificates.map(({ cert }) => readFileSync(cert, 'utf8'));

function install(index: number): void {
  const { cert, key } = certificates[index] ?? live;
  copyFileSync(key, live.key);
  copyFileSync(cert, live.cert);
}

const log: LogEntry[] = [];
const listeners = new Set<(entry: LogEntry) => void>();
const next = (event: LogEntry['event'], level: LogEntry['level']): Promise<LogEntry> =>
  new Promise((settle) => {
    const look = (entry: LogEntry): void => {
      if (entry.event !== event || entry.level !== level) return;
      listeners.delete(look);
      settle(entry);
    };
    listeners.add(look);
  });

const runtimes: Runtime[] = [];
async function start(limits: Partial<Limits> = {}, secure = true, egress?: HttpEgress): Promise<Workload> {
  const runtime = await Runtime.create({
    log: (entry) => {
      log.push(entry);
      for (const listener of [...listeners]) listener(entry);
    },
  });
  runtimes.push(runtime);
  const alone = new WorkloadConfig(guestPath('rust-http'));
  const config = egress === undefined ? alone : alone.withInterface('wasi:http/outgoing-handler', egress);
  return runtime.startWorkload(config.withInterface('wasi:http/incoming-handler', secure ? { tls: live } : {}).withLimits(limits));
}
after(() => Promise.all(runtimes.map((runtime) => runtime.stop())));

const sessions: ClientHttp2Session[] = [];
function session(url: string): ClientHttp2Session {
  const made = connect(url, { ca });
  made.on('error', () => {});
  sessions.push(made);
  return made;
}
after(() => {
  for (const made of sessions) made.destroy();
});

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
  readonly trailers: Readonly<Record<string, unknown>>;
}

async function ask(client: ClientHttp2Session, headers: OutgoingHttpHeaders, body?: string | Uint8Array): Promise<Answer> {
  const stream = client.request(headers, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  return answered(stream);
}

async function answered(stream: ClientHttp2Stream): Promise<Answer> {
  let trailers = {};
  stream.on('trailers', (got) => {
    trailers = got;
  });
  const [headers] = (await once(stream, 'response')) as unknown as [Record<string, unknown>];
  let received = '';
  for await (const chunk of stream) received += String(chunk);
  return { status: Number(headers[':status']), headers, body: received, trailers };
}

describe('TLS and HTTP/2', { skip }, () => {
  let workload: Workload;
  before(async () => {
    install(0);
    workload = await start({ maxInstances: 8, maxBodyBytes: 30_000_000, maxHeaders: 40 });
  });

  test('the url says https, and HTTP/1.1 goes on beside HTTP/2', async () => {
    assert.match(workload.url, /^https:\/\/127\.0\.0\.1:\d+$/);
    const request = httpsRequest(`${workload.url}/headers`, { ca }).end();
    const [response] = await once(request, 'response');
    let body = '';
    for await (const chunk of response) body += String(chunk);
    assert.match(body, /^GET \/headers\nscheme https\nauthority 127\.0\.0\.1:\d+\n/);
  });

  test('a request, a body both ways, cookies, trailers, HEAD, all methods', async () => {
    const client = session(workload.url);
    assert.match(
      (await ask(client, { ':path': '/headers', 'x-a': 'b' })).body,
      /^GET \/headers\nscheme https\nauthority 127\.0\.0\.1:\d+\nx-a: b\n$/,
    );
    const long = 'x'.repeat(3_000_000);
    assert.equal((await ask(client, { ':path': '/echo', ':method': 'POST' }, long)).body, long);
    assert.match((await ask(client, { ':path': '/upload', ':method': 'PUT' }, new Uint8Array(20_000_000))).body, /^20000000 bytes/);
    assert.deepEqual((await ask(client, { ':path': '/cookies' })).headers['set-cookie'], ['a=1', 'b=2']);
    assert.equal((await ask(client, { ':path': '/contradiction' })).status, 500);
    const { body, trailers } = await ask(client, { ':path': '/trailers' });
    assert.deepEqual([body, trailers['x-sum']], ['with a trailer\n', '15']);
    const head = await ask(client, { ':path': '/', ':method': 'HEAD' });
    assert.deepEqual([head.status, head.headers['content-length'], head.body], [200, '17', '']);
    for (const method of ['GET', 'DELETE', 'OPTIONS', 'TRACE', 'PATCH', 'PURGE'])
      assert.match((await ask(client, { ':path': '/headers', ':method': method })).body, new RegExp(`^${method} `));
  });

  test('many requests at a time on one connection', async () => {
    const client = session(workload.url);
    const all = await Promise.all(Array.from({ length: 60 }, () => ask(client, { ':path': '/sleep?ms=5' })));
    assert.deepEqual(
      all.map(({ status }) => status),
      Array(60).fill(200),
    );
  });

  test('what a slow reader has not asked for waits with the guest', async () => {
    const client = session(workload.url);
    const stream = client.request({ ':path': '/stream?chunks=100&size=65536' });
    await once(stream, 'response');
    let received = 0;
    for await (const chunk of stream) received += (chunk as Buffer).length;
    assert.equal(received, 100 * 65536);
  });

  test('a trap costs one stream', async () => {
    const client = session(workload.url);
    assert.equal((await ask(client, { ':path': '/trap' })).status, 500);
    assert.equal((await ask(client, { ':path': '/' })).status, 200);
  });

  test('limits: 413, 431, and what a request breaks is that request', async () => {
    const client = session(workload.url);
    const status = async (stream: ClientHttp2Stream): Promise<unknown> => {
      stream.on('error', () => {});
      return (await once(stream, 'response'))[0][':status'];
    };
    assert.equal(await status(client.request({ ':path': '/', 'content-length': '30000001', ':method': 'POST' })), 413);
    const endless = client.request({ ':path': '/upload', ':method': 'POST' });
    endless.end(new Uint8Array(30_000_001));
    assert.equal(await status(endless), 413);
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`x-${index}`, '1']));
    assert.equal((await ask(client, { ':path': '/', ...many })).status, 431);
    assert.equal((await ask(client, { ':path': '/' })).status, 200);
  });

  test('a body that breaks off is no body that ended', async () => {
    const client = session(workload.url);
    const stream = client.request({ ':path': '/upload', ':method': 'POST' });
    stream.on('error', () => {});
    stream.write('half');
    // The request is there once a later one is answered.
    await ask(client, { ':path': '/' });
    const before = log.length;
    stream.close(constants.NGHTTP2_CANCEL);
    await ask(client, { ':path': '/' });
    assert.deepEqual(
      log.slice(before).filter(({ level }) => level === 'error'),
      [],
    );
  });

  test('a new certificate is taken when the files change, and connections go on; a broken one is not', async () => {
    const issuer = async (): Promise<string | string[] | undefined> => {
      const socket = connectTls({ port: Number(new URL(workload.url).port), host: '127.0.0.1', ca });
      await once(socket, 'secureConnect');
      const { CN } = socket.getPeerCertificate().subject;
      socket.destroy();
      return CN;
    };
    const client = session(workload.url);
    await ask(client, { ':path': '/' });
    assert.equal(await issuer(), 'first');
    const renewed = next('certificate', 'info');
    install(1);
    await renewed;
    await workload.reloadCertificate();
    assert.equal(await issuer(), 'second');
    assert.equal((await ask(client, { ':path': '/' })).status, 200);
    const kept = next('certificate', 'error');
    writeFileSync(live.key, 'nonsense');
    assert.equal((await kept).code, 'TENON_RUNTIME_TLS');
    assert.equal(await issuer(), 'second');
    install(1);
  });

  test('a guest asks another one over TLS when it trusts its authority, and only then', async () => {
    const target = encodeURIComponent(`${workload.url.replace('127.0.0.1', 'localhost')}/headers`);
    const ask = async (egress: HttpEgress): Promise<string> => {
      const { url } = await start({}, false, egress);
      return (await fetch(`${url}/proxy?url=${target}`)).text();
    };
    assert.match(await ask({ allow: ['localhost'], ca: ca.join('') }), /^GET \/headers\nscheme https\nauthority localhost:/);
    assert.match(await ask({ allow: ['localhost'] }), /TlsCertificateError/);
    assert.match(await ask({ allow: ['example.com'], ca: ca.join('') }), /HttpRequestDenied/);
  });

  test('stop says goodbye, lets streams end, and closes', async () => {
    const stopping = await start();
    const client = session(stopping.url);
    const slow = ask(client, { ':path': '/sleep?ms=200' });
    await ask(client, { ':path': '/' });
    const goodbye = once(client, 'goaway');
    const stopped = stopping.stop();
    assert.equal((await slow).status, 200);
    await goodbye;
    await stopped;
  });

  for (const path of ['/spin', '/wait']) {
    test(`${path}: a guest that never answers costs one stream, its connection goes on`, async () => {
      const client = session((await start({ requestTimeoutMs: 300 })).url);
      assert.equal((await ask(client, { ':path': path })).status, 504);
      assert.equal((await ask(client, { ':path': '/' })).status, 200);
    });
  }

  test('refused: files that are no certificate, or do not belong together', async () => {
    const wrong = [
      { cert: join(folder, 'none.pem'), key: live.key },
      { cert: live.key, key: live.cert },
      { cert: certificates[0]?.cert ?? '', key: certificates[1]?.key ?? '' },
    ];
    for (const tls of wrong) {
      const runtime = await Runtime.create({ log: () => {} });
      const config = new WorkloadConfig(guestPath('rust-http')).withInterface('wasi:http/incoming-handler', { tls });
      await assert.rejects(runtime.startWorkload(config), { code: 'TENON_RUNTIME_TLS' });
      await runtime.stop();
    }
  });
});

/** Frames of HTTP/2 by hand (RFC 9113, section 4; RFC 7541, section 6.2.2), for what no client would send. */
function frame(type: number, flags: number, stream: number, payload: Uint8Array = new Uint8Array()): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}
const literal = (text: string): Buffer => Buffer.concat([Buffer.from([text.length]), Buffer.from(text, 'latin1')]);
const fields = (pairs: readonly (readonly [string, string])[]): Buffer =>
  Buffer.concat(pairs.flatMap(([name, value]) => [Buffer.from([0]), literal(name), literal(value)]));
const PREFACE = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(4, 0, 0)]);
const [DATA, HEADERS, RST_STREAM, GOAWAY] = [0, 1, 3, 7];
const [END_STREAM, END_HEADERS] = [1, 4];
const PSEUDO = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':authority', 'x'],
  [':path', '/trap'],
] as const;
const swap = (name: string, value: string): (readonly [string, string])[] => PSEUDO.map(([key, old]) => [key, key === name ? value : old]);

describe('what breaks HTTP/2 never reaches the guest', () => {
  let workload: Workload;
  before(async () => {
    workload = await start({}, false);
  });

  /** Sends the frames of stream 1 and gives the frames that come for it, until the stream or the connection is over. */
  async function raw(
    ...frames: readonly Uint8Array[]
  ): Promise<{ readonly type: number; readonly stream: number; readonly text: string }[]> {
    const socket = connectTcp(Number(new URL(workload.url).port), '127.0.0.1');
    socket.on('error', () => {});
    socket.write(Buffer.concat([PREFACE, ...frames]));
    const got: { type: number; stream: number; text: string }[] = [];
    let rest = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3)) {
        const length = rest.readUIntBE(0, 3);
        const [type = 0, flags = 0] = rest.subarray(3, 5);
        got.push({ type, stream: rest.readUInt32BE(5), text: rest.subarray(9, 9 + length).toString('latin1') });
        rest = rest.subarray(9 + length);
        const over = type === GOAWAY || type === RST_STREAM || ((type === DATA || type === HEADERS) && (flags & END_STREAM) !== 0);
        if (over) socket.destroy();
      }
    });
    await once(socket, 'close');
    return got;
  }

  const head = (pairs: readonly (readonly [string, string])[], end = END_STREAM): Buffer =>
    frame(HEADERS, END_HEADERS | end, 1, fields(pairs));
  const cases: readonly (readonly [what: string, frames: readonly Uint8Array[]])[] = [
    ['an upper-case name', [head([...PSEUDO, ['X-A', 'b']])]],
    ['a pseudo-header behind a field', [head([...PSEUDO.slice(0, 3), ['a', 'b'], [':path', '/trap']])]],
    ['a pseudo-header twice', [head([...PSEUDO, [':path', '/trap']])]],
    ['an unknown pseudo-header', [head([...PSEUDO, [':status', '200']])]],
    ['no :path', [head(PSEUDO.slice(0, 3))]],
    ['no :method', [head(PSEUDO.slice(1))]],
    ['an empty :path', [head(swap(':path', ''))]],
    ['Connection', [head([...PSEUDO, ['connection', 'close']])]],
    ['Transfer-Encoding', [head([...PSEUDO, ['transfer-encoding', 'chunked']])]],
    ['Upgrade', [head([...PSEUDO, ['upgrade', 'websocket']])]],
    ['Keep-Alive', [head([...PSEUDO, ['keep-alive', 'timeout=5']])]],
    ['TE other than trailers', [head([...PSEUDO, ['te', 'gzip']])]],
    ['a path with a newline', [head(swap(':path', '/trap\r\nx: y'))]],
    ['a path with a space', [head(swap(':path', '/trap b'))]],
    ['a path with a fragment', [head(swap(':path', '/trap#b'))]],
    ['a path of another host', [head(swap(':path', 'http://y/trap'))]],
    ['a method that is no token', [head(swap(':method', 'GE T'))]],
    ['CONNECT', [head(swap(':method', 'CONNECT'))]],
    ['another scheme', [head(swap(':scheme', 'https'))]],
    ['an authority with a user', [head(swap(':authority', 'u@x'))]],
    ['an empty authority', [head(swap(':authority', ''))]],
    ['a Host other than the authority', [head([...PSEUDO, ['host', 'y']])]],
    ['neither Host nor authority', [head(PSEUDO.filter(([name]) => name !== ':authority'))]],
    ['two lengths', [head([...PSEUDO, ['content-length', '1'], ['content-length', '1']], 0), frame(DATA, END_STREAM, 1, Buffer.from('a'))]],
    ['a length that is no number', [head([...PSEUDO, ['content-length', '+1']], 0), frame(DATA, END_STREAM, 1, Buffer.from('a'))]],
    [
      'a body that is longer than its length',
      [head([...PSEUDO, ['content-length', '1']], 0), frame(DATA, END_STREAM, 1, Buffer.from('abc'))],
    ],
    [
      'a body that is shorter than its length',
      [head([...PSEUDO, ['content-length', '5']], 0), frame(DATA, END_STREAM, 1, Buffer.from('abc'))],
    ],
    ['a length and no body', [head([...PSEUDO, ['content-length', '5']])]],
    ['DATA without a head', [frame(DATA, END_STREAM, 1, Buffer.from('abc'))]],
    ['an even stream', [frame(HEADERS, END_HEADERS | END_STREAM, 2, fields(PSEUDO))]],
    ['fields that cannot be decoded', [frame(HEADERS, END_HEADERS | END_STREAM, 1, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff]))]],
    ['a frame that is too long', [frame(HEADERS, END_HEADERS | END_STREAM, 1, Buffer.alloc(20_000))]],
  ];
  for (const [what, frames] of cases) {
    test(what, async () => {
      const before = log.length;
      const got = await raw(...frames);
      const answer = got.find(({ type, stream }) => type === HEADERS && stream === 1);
      const reset = got.some(({ type }) => type === RST_STREAM || type === GOAWAY);
      // Static table entries 12 and 13 of HPACK are statuses 400 and 404; others stand as text.
      if (answer !== undefined)
        assert.ok(answer.text.startsWith('\x8c') || /^.{0,3}405/.test(answer.text), JSON.stringify(answer.text.slice(0, 8)));
      assert.ok(reset || answer !== undefined, JSON.stringify(got));
      assert.equal((await ask(session(workload.url), { ':path': '/' })).status, 200);
      assert.deepEqual(
        log.slice(before).filter(({ event }) => event === 'trap'),
        [],
      );
    });
  }

  const dropped: readonly (readonly [what: string, name: string, value: string])[] = [
    ['a newline in a value', 'a', 'b\r\nc: d'],
    ['NUL in a value', 'a', 'b\0c'],
    ['a space in a name', 'a b', 'c'],
    ['a colon in a name', 'a:b', 'c'],
  ];
  for (const [what, name, value] of dropped) {
    test(`${what}: the field is dropped`, async () => {
      const got = await raw(head([...swap(':path', '/headers'), ['x-before', '1'], [name, value], ['x-behind', '2']]));
      const body = got.filter(({ type }) => type === DATA).map(({ text }) => text);
      if (body.length > 0) assert.equal(body.join(''), 'GET /headers\nscheme http\nauthority x\nx-before: 1\nx-behind: 2\n');
      else
        assert.ok(
          got.some(({ type }) => type === RST_STREAM || type === GOAWAY),
          JSON.stringify(got),
        );
    });
  }

  test('requests that are opened and reset without end', async () => {
    const frames: Buffer[] = [];
    for (let stream = 1; stream < 4000; stream += 2)
      frames.push(
        frame(HEADERS, END_HEADERS | END_STREAM, stream, fields(swap(':path', '/'))),
        frame(RST_STREAM, 0, stream, Buffer.from([0, 0, 0, 8])),
      );
    const got = await raw(...frames);
    assert.equal(got.at(-1)?.type, GOAWAY);
  });

  /** Sends the same bytes for ever, and resolves when the connection is over. */
  async function flood(begin: Uint8Array, more: Uint8Array): Promise<void> {
    const socket = connectTcp(Number(new URL(workload.url).port), '127.0.0.1');
    socket.on('error', () => {});
    socket.resume();
    socket.write(Buffer.concat([PREFACE, begin]));
    const send = (): void => {
      while (!socket.destroyed) if (!socket.write(more)) return;
    };
    socket.on('drain', send);
    send();
    await new Promise((closed) => socket.on('close', closed));
  }
  const large = Buffer.concat([Buffer.from([0x40]), literal('a'), Buffer.from([0x7f, 0xa1, 0x1e]), Buffer.alloc(4000, 'a')]);
  const floods: readonly (readonly [what: string, begin: Uint8Array, more: Uint8Array])[] = [
    ['WINDOW_UPDATE', Buffer.alloc(0), Buffer.concat(Array.from({ length: 1000 }, () => frame(8, 0, 0, Buffer.from([0, 0, 0, 1]))))],
    [
      'heads that unpack to megabytes',
      frame(HEADERS, END_HEADERS | END_STREAM, 1, Buffer.concat([fields(PSEUDO), large])),
      frame(HEADERS, END_HEADERS | END_STREAM, 3, Buffer.concat([fields(PSEUDO), Buffer.alloc(16_000, 0x80 | 62)])),
    ],
    ['frames of an unknown kind', Buffer.alloc(0), frame(99, 0, 0, Buffer.alloc(8000))],
  ];
  for (const [what, begin, more] of floods) {
    test(`a flood of ${what} ends its connection, and others go on`, async () => {
      const client = session(workload.url);
      await flood(begin, more);
      assert.equal((await ask(client, { ':path': '/' })).status, 200);
    });
  }
});
