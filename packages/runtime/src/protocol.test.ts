/**
 * Requests that break the protocol, sent byte by byte. All of them ask for `/trap`, where the guest traps: when the log knows of no trap,
 * the guest has seen none of them.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { type LogEntry, Runtime, type Workload, WorkloadConfig } from '@tenon/runtime';
import { guestPath } from '../../../guests/guests.ts';

const log: LogEntry[] = [];
let runtime: Runtime;
let workload: Workload;

before(async () => {
  runtime = await Runtime.create({ log: (entry) => log.push(entry) });
  const config = new WorkloadConfig(guestPath('rust-http')).withInterface('wasi:http/incoming-handler');
  workload = await runtime.startWorkload(config.withLimits({ maxInstances: 1, maxHeaders: 40, maxHeaderBytes: 8192, maxBodyBytes: 1000 }));
});
after(() => runtime.stop());

/** Sends bytes and gives what comes back until the server closes. */
async function raw(text: string): Promise<string> {
  const socket = connect(Number(new URL(workload.url).port), '127.0.0.1');
  socket.on('error', () => {});
  socket.write(Buffer.from(text, 'latin1'));
  let answer = '';
  socket.on('data', (chunk: Buffer) => {
    answer += chunk.toString('latin1');
  });
  await once(socket, 'close');
  return answer;
}

const statuses = (answer: string): number[] => [...answer.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));

const get = (fields: string, target = '/trap', version = 'HTTP/1.1'): string => `GET ${target} ${version}\r\n${fields}\r\n\r\n`;
const post = (fields: string, body: string, version = 'HTTP/1.1'): string => `POST /trap ${version}\r\nHost: x\r\n${fields}\r\n\r\n${body}`;
const chunked = (body: string): string => post('Transfer-Encoding: chunked', body);
/** What a server that is fooled would take for the next request. */
const SMUGGLED = get('Host: x');

const CASES: Readonly<Record<string, readonly (readonly [what: string, bytes: string, status: number])[]>> = {
  'Content-Length and Transfer-Encoding': [
    ['both', post('Content-Length: 5\r\nTransfer-Encoding: chunked', `0\r\n\r\n${SMUGGLED}`), 400],
    ['both, the other way round', post('Transfer-Encoding: chunked\r\nContent-Length: 5', `0\r\n\r\n${SMUGGLED}`), 400],
    ['lengths that differ', post('Content-Length: 2\r\nContent-Length: 3', 'abc'), 400],
    ['the same length twice', post('Content-Length: 2\r\nContent-Length: 2', 'ab'), 400],
    ['a list of lengths', post('Content-Length: 2, 2', 'ab'), 400],
    ['a signed length', post('Content-Length: +2', 'ab'), 400],
    ['a negative length', post('Content-Length: -2', 'ab'), 400],
    ['a hexadecimal length', post('Content-Length: 0x2', 'ab'), 400],
    ['an empty length', post('Content-Length: ', 'ab'), 400],
    ['a length with a space in it', post('Content-Length: 1 0', '0123456789'), 400],
    ['a length beyond 64 bits', post('Content-Length: 18446744073709551618', 'ab'), 400],
    ['identity', post('Transfer-Encoding: identity', SMUGGLED), 400],
    ['xchunked', post('Transfer-Encoding: xchunked', '0\r\n\r\n'), 400],
    ['chunked, but not at last', post('Transfer-Encoding: chunked, identity', '0\r\n\r\n'), 400],
    ['chunked twice', post('Transfer-Encoding: chunked, chunked', '0\r\n\r\n'), 400],
    ['chunked in two fields', post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked', '0\r\n\r\n'), 400],
    ['identity in another field', post('Transfer-Encoding: identity\r\nTransfer-Encoding: chunked', '0\r\n\r\n'), 501],
    ['gzip before chunked', post('Transfer-Encoding: gzip, chunked', '0\r\n\r\n'), 501],
    ['in quotes', post('Transfer-Encoding: "chunked"', '0\r\n\r\n'), 400],
    ['behind a vertical tab', post('Transfer-Encoding: \x0bchunked', '0\r\n\r\n'), 400],
    ['empty', post('Transfer-Encoding: ', '0\r\n\r\n'), 400],
    ['on a folded line', post('Transfer-Encoding:\r\n chunked', '0\r\n\r\n'), 400],
    ['with a space before the colon', post('Transfer-Encoding : chunked', '0\r\n\r\n'), 400],
    ['in HTTP/1.0', post('Transfer-Encoding: chunked', '0\r\n\r\n', 'HTTP/1.0'), 400],
  ],
  lines: [
    ['bare LF throughout', 'GET /trap HTTP/1.1\nHost: x\n\n', 400],
    ['bare LF after one field', get('Host: x\nA: b'), 400],
    ['bare LF at the end of the head', 'GET /trap HTTP/1.1\r\nHost: x\r\n\n', 400],
    ['bare CR in a value', get('Host: x\r\nA: b\rc'), 400],
    ['bare CR after the request line', 'GET /trap HTTP/1.1\rHost: x\r\n\r\n', 400],
    ['CR CR LF', 'GET /trap HTTP/1.1\r\nHost: x\r\r\n\r\n', 400],
    ['a folded value', get('Host: x\r\nA: b\r\n c'), 400],
    ['a first field that is folded', get(' Host: x'), 400],
    ['a request line that is too long', get('Host: x', `/trap?${'a'.repeat(9000)}`), 431],
    ['a field that is too long', get(`Host: x\r\nA: ${'a'.repeat(9000)}`), 431],
    ['too many fields', get(`Host: x${'\r\na: b'.repeat(40)}`), 431],
  ],
  fields: [
    ['a space before the colon', get('Host : x'), 400],
    ['a space in a name', get('Host: x\r\nA B: c'), 400],
    ['no name', get('Host: x\r\n: c'), 400],
    ['no colon', get('Host: x\r\nabc'), 400],
    ['NUL in a name', get('Host: x\r\nA\0: c'), 400],
    ['NUL in a value', get('Host: x\r\nA: b\0c'), 400],
    ['a control character in a value', get('Host: x\r\nA: b\x01c'), 400],
    ['DEL in a value', get('Host: x\r\nA: b\x7fc'), 400],
    ['a byte above ASCII in a name', get('Host: x\r\nA\xff: c'), 400],
  ],
  'Host and target': [
    ['no Host', get('A: b'), 400],
    ['two Hosts', get('Host: x\r\nHost: y'), 400],
    ['the same Host twice', get('Host: x\r\nHost: x'), 400],
    ['an empty Host', get('Host: '), 400],
    ['a Host with a path', get('Host: x/y'), 400],
    ['a Host with a user', get('Host: u@x'), 400],
    ['a Host with a space', get('Host: x y'), 400],
    ['a target of another host with a Host that is none', get('Host: x y', 'http://y/trap'), 400],
    ['a target whose host is none', get('Host: x', 'http://y z/trap'), 400],
    ['a target of another scheme', get('Host: x', 'https://x/trap'), 400],
    ['a target with a user', get('Host: x', 'http://u@x/trap'), 400],
    ['a target without a slash', get('Host: x', 'trap'), 400],
    ['a target of a host only', get('Host: x', 'x:80'), 400],
    ['* for GET', get('Host: x', '*'), 400],
    ['a fragment', get('Host: x', '/trap#a'), 400],
    ['a space in a target', get('Host: x', '/trap ?a'), 400],
    ['a control character in a target', get('Host: x', '/trap?\x01'), 400],
    ['a byte above ASCII in a target', get('Host: x', '/trap?\xff'), 400],
    ['CONNECT', 'CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n', 405],
  ],
  'methods and versions': [
    ['a method in lower case', 'get /trap HTTP/1.1\r\nHost: x\r\n\r\n', 400],
    ['a method that is no token', 'G(T /trap HTTP/1.1\r\nHost: x\r\n\r\n', 400],
    ['a tab behind the method', 'GET\t/trap HTTP/1.1\r\nHost: x\r\n\r\n', 400],
    ['HTTP/0.9 without a version', 'GET /trap\r\n\r\n', 505],
    ['HTTP/0.9', get('Host: x', '/trap', 'HTTP/0.9'), 505],
    ['HTTP/1.2', get('Host: x', '/trap', 'HTTP/1.2'), 400],
    ['HTTP/2.0 in text', get('Host: x', '/trap', 'HTTP/2.0'), 400],
    ['http/1.1', get('Host: x', '/trap', 'http/1.1'), 400],
    ['HTTP/01.1', get('Host: x', '/trap', 'HTTP/01.1'), 400],
  ],
  chunks: [
    ['a size that is no number', chunked('zz\r\n'), 400],
    ['a size beyond 64 bits', chunked('ffffffffffffffffff\r\nab'), 400],
    ['a negative size', chunked('-1\r\na\r\n0\r\n\r\n'), 400],
    ['a size with 0x', chunked('0x1\r\na\r\n0\r\n\r\n'), 400],
    ['a space behind the size', chunked('1 \r\na\r\n0\r\n\r\n'), 400],
    ['more than the size says', chunked('1\r\nabc\r\n0\r\n\r\n'), 400],
    ['bare LF', chunked('1\na\n0\n\n'), 400],
    ['bare LF in an extension', chunked('1;a\nb\r\na\r\n0\r\n\r\n'), 400],
    ['NUL in an extension', chunked('1;a=\0\r\na\r\n0\r\n\r\n'), 400],
    ['an extension without end', chunked(`1;${'a'.repeat(20_000)}\r\na\r\n0\r\n\r\n`), 413],
    ['a length among the trailers', chunked('0\r\nContent-Length: 5\r\n\r\n'), 400],
    ['a trailer with a space in its name', chunked('0\r\nA B: c\r\n\r\n'), 400],
    ['trailers without end', chunked(`0\r\n${`A: ${'b'.repeat(100)}\r\n`.repeat(200)}\r\n`), 431],
  ],
  sizes: [
    ['a length above the limit', post('Content-Length: 1001', ''), 413],
    ['a length above the limit that waits for 100', post('Content-Length: 1001\r\nExpect: 100-continue', ''), 413],
    ['chunks above the limit', chunked(`${'1ff\r\n'}${'a'.repeat(511)}\r\n1ff\r\n${'a'.repeat(511)}\r\n0\r\n\r\n`), 413],
    ['an expectation that nobody knows', `${post('Content-Length: 0\r\nExpect: more\r\nConnection: close', '')}`, 417],
  ],
};

for (const [group, cases] of Object.entries(CASES)) {
  describe(group, () => {
    for (const [what, bytes, status] of cases) {
      test(`${what}: ${status}`, async () => {
        // Whatever is behind a request that was refused is not looked at.
        const answer = await raw(bytes + SMUGGLED);
        assert.deepEqual(statuses(answer), [status]);
        assert.match(answer, /connection: close/i);
        assert.equal(await (await fetch(workload.url)).text(), 'Hello from Rust!\n');
        assert.deepEqual(
          log.filter(({ event }) => event === 'trap'),
          [],
        );
      });
    }
  });
}

describe('what is good goes on', () => {
  const good: readonly (readonly [what: string, bytes: string, body: RegExp])[] = [
    ['a target with a host', get('Host: X\r\nConnection: close', 'http://x:80/headers?a'), /^GET \/headers\?a\n/m],
    ['a target of another host wins', get('Host: x\r\nConnection: close', 'http://y:81/headers'), /^authority y:81\n/m],
    ['HTTP/1.0 without Host', get('A: b', '/headers', 'HTTP/1.0'), /^authority \n/m],
    ['an upgrade that is not taken', get('Host: x\r\nUpgrade: websocket\r\nConnection: upgrade, close', '/headers'), /^GET \/headers\n/m],
    ['fields that Connection names stay here', get('Host: x\r\nX-One: 1\r\nConnection: x-one, close\r\nX-Two: 2', '/headers'), /two: 2\n$/],
    ['empty lines before the request', `\r\n\r\n${get('Host: x\r\nConnection: close', '/')}`, /Hello from Rust!\n$/],
    [
      'requests in one piece',
      `${get('Host: x', '/headers?1')}POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc${get('Host: x\r\nConnection: close', '/headers?2')}`,
      /\/headers\?1[\s\S]*abc[\s\S]*\/headers\?2/,
    ],
    [
      'a client that does not wait for the 100 it asks for gets none',
      'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n\r\nabc',
      /^HTTP\/1\.1 200 [\s\S]*abc/,
    ],
  ];
  for (const [what, bytes, body] of good) {
    test(what, async () => {
      const answer = await raw(bytes);
      assert.match(answer, body);
      assert.doesNotMatch(answer, /^(x-one|connection: x-one|upgrade):/im);
    });
  }
});

test('a chunk that is none, when the guest has begun to read: the body fails, it does not end', async () => {
  const socket = connect(Number(new URL(workload.url).port), '127.0.0.1');
  socket.on('error', () => {});
  socket.write('POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n');
  let answer = '';
  for await (const chunk of socket) {
    if (answer === '') socket.write('nonsense\r\n');
    answer += String(chunk);
  }
  assert.match(answer, /^HTTP\/1\.1 200 /);
  assert.doesNotMatch(answer, /\r\n0\r\n\r\n/);
  assert.equal((await fetch(workload.url)).status, 200);
});
