/** Clients that are slow, silent or too many. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { type Limits, Runtime, WorkloadConfig } from '@tenon/runtime';
import { guestPath } from '../../../guests/guests.ts';

async function serving(limits: Partial<Limits>, use: (port: number, url: string) => Promise<void>): Promise<void> {
  const runtime = await Runtime.create({ log: () => {} });
  const config = new WorkloadConfig(guestPath('rust-http')).withInterface('wasi:http/incoming-handler').withLimits(limits);
  try {
    const { url } = await runtime.startWorkload(config);
    await use(Number(new URL(url).port), url);
  } finally {
    await runtime.stop();
  }
}

/** Opens a connection, sends this, and gives all that comes back until the server closes. */
async function exchange(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(text);
  let answer = '';
  socket.on('data', (chunk: Buffer) => {
    answer += String(chunk);
  });
  // By an end or by a reset: what the client sent may be there unread.
  await new Promise((closed) => socket.once('close', closed));
  return answer;
}

test('a head that does not come in time gets 408', () =>
  serving({ headerTimeoutMs: 100, requestTimeoutMs: 1000 }, async (port) => {
    assert.match(await exchange(port, 'GET / HTTP/1.1\r\nHost: x\r\n'), /^HTTP\/1\.1 408 /);
  }));

test('a body that stops coming gets 408, and its instance is free again', () =>
  serving({ bodyTimeoutMs: 100, requestTimeoutMs: 5000, maxInstances: 1, maxQueue: 0 }, async (port, url) => {
    assert.match(await exchange(port, 'POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf'), /^HTTP\/1\.1 408 /);
    assert.equal((await fetch(url)).status, 200);
  }));

test('a body that nobody has asked for yet is not late', () =>
  serving({ bodyTimeoutMs: 50, requestTimeoutMs: 2000 }, async (port) => {
    const answer = await exchange(port, 'POST /sleep?ms=400 HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n');
    assert.match(answer, /^HTTP\/1\.1 200 [\s\S]*after a while\n$/);
  }));

test('idle connections are closed, of HTTP/1.1, HTTP/2, and such as never send a byte', () =>
  serving({ idleTimeoutMs: 100, requestTimeoutMs: 1000 }, async (port, url) => {
    assert.match(await exchange(port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'), /Hello from Rust!\n$/);
    assert.equal(await exchange(port, ''), '');
    const client = connectHttp2(url);
    await once(client, 'close');
  }));

test('connections beyond the limit are closed at once', () =>
  serving({ maxConnections: 2 }, async (port) => {
    const open: Socket[] = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
    for (const socket of open) {
      socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
      await once(socket, 'data');
    }
    assert.equal(await exchange(port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'), '');
    const [first] = open;
    if (first !== undefined) {
      first.destroy();
      await once(first, 'close');
    }
    // The place is free once the server has noticed.
    let answer: string;
    do answer = await exchange(port, 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    while (answer === '');
    assert.match(answer, /^HTTP\/1\.1 200 /);
    open[1]?.destroy();
  }));

test('a client that takes nothing of its answer is let go', () =>
  serving({ idleTimeoutMs: 200, requestTimeoutMs: 300, maxInstances: 1 }, async (port, url) => {
    const socket = connect(port, '127.0.0.1');
    socket.pause();
    socket.on('error', () => {});
    socket.write('GET /stream?chunks=1000&size=65536 HTTP/1.1\r\nHost: x\r\n\r\n');
    // Its instance serves another one before all of it was taken.
    let status: number;
    do ({ status } = await fetch(url));
    while (status === 504);
    assert.equal(status, 200);
    socket.resume();
    let received = 0;
    socket.on('data', (chunk: Buffer) => {
      received += chunk.length;
    });
    await once(socket, 'close');
    assert.ok(received < 65_536_000, `${received} bytes`);
  }));

test('HTTP/2 without TLS, for clients that know it is there', () =>
  serving({}, async (_port, url) => {
    const client = connectHttp2(url);
    const stream = client.request({ ':path': '/headers' });
    let body = '';
    for await (const chunk of stream) body += String(chunk);
    assert.match(body, /^GET \/headers\nscheme http\n/);
    client.close();
  }));
