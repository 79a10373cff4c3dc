import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import { makeCertificate, OPENSSL } from '../../runtime/test/certificates.ts';
import { finish, guest, start } from '../test/tenon.ts';

function serve(t: TestContext, ...options: string[]): ReturnType<typeof serveGuest> {
  return serveGuest(t, 'rust-http', ...options);
}

async function serveGuest(
  t: TestContext,
  name: string,
  ...options: string[]
): Promise<{ url: string; child: ReturnType<typeof start>; stop: () => ReturnType<typeof finish> }> {
  const child = start(['serve', '--addr', '127.0.0.1:0', ...options, guest(name)]);
  // Also when the test fails half-way.
  t.after(() => child.kill('SIGKILL'));
  const finished = finish(child);
  const [line] = await Promise.race([once(createInterface(child.stdout), 'line'), finished.then((result) => assert.fail(result.stderr))]);
  const url = /https?:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];
  assert.ok(url !== undefined, line);
  return {
    url,
    child,
    stop: () => {
      child.kill('SIGINT');
      return finished;
    },
  };
}

test('tenon serve answers, logs each request, and ends at Ctrl-C', async (t) => {
  const { url, stop } = await serve(t);
  const response = await fetch(`${url}/`);
  assert.equal(response.status, 200);
  await response.text();
  const { code, stderr } = await stop();
  assert.equal(code, 0, stderr);
  assert.match(stderr, /GET \/.*200/);
});

test('tenon serve reads the component from standard input, and takes a port alone', async (t) => {
  for (const address of ['0', ':0', '127.0.0.1:0']) {
    const child = start(['serve', '--addr', address, '-']);
    t.after(() => child.kill('SIGKILL'));
    const finished = finish(child);
    child.stdin.end(readFileSync(guest('rust-http')));
    const [line] = await Promise.race([once(createInterface(child.stdout), 'line'), finished.then((result) => assert.fail(result.stderr))]);
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];
    assert.equal((await fetch(`${url}/`)).status, 200);
    child.kill('SIGINT');
    assert.equal((await finished).code, 0);
  }
});

test('tenon serve refuses a handler that has requests of its own making', async (t) => {
  const files = mkdtempSync(join(tmpdir(), 'tenon-serve-'));
  t.after(() => rmSync(files, { recursive: true }));
  const path = join(files, 'middleware.wasm');
  writeFileSync(
    path,
    await parse(`(component
      (type $request (resource (rep i32)))
      (core module $m (func (export "f") (param i32)))
      (core instance $i (instantiate $m))
      (instance $types (export "incoming-request" (type $request)))
      (export $exported "wasi:http/types@0.2.0" (instance $types))
      (alias export $exported "incoming-request" (type $r))
      (func $handle (param "request" (own $r)) (canon lift (core func $i "f")))
      (component $c
        (import "r" (type $r (sub resource)))
        (import "handle" (func $handle (param "request" (own $r))))
        (export "handle" (func $handle)))
      (instance $handler (instantiate $c (with "r" (type $r)) (with "handle" (func $handle))))
      (export "wasi:http/incoming-handler@0.2.0" (instance $handler)))`),
  );
  const { code, stderr } = await finish(start(['serve', '--addr', '127.0.0.1:0', path]));
  assert.equal(code, 2, stderr);
  assert.match(stderr, /TENON_RUNTIME_EXPORT.*exports `wasi:http\/types`/);
  assert.doesNotMatch(stderr, /\n +at /);
});

test('tenon serve --quiet --json logs no requests', async (t) => {
  const { url, stop } = await serve(t, '--quiet', '--json');
  await (await fetch(`${url}/`)).text();
  const { code, stderr } = await stop();
  assert.equal(code, 0, stderr);
  assert.doesNotMatch(stderr, /"event":"request"/);
});

test('tenon serve: a guest that traps or never answers costs one request, and the log says why', async (t) => {
  const { url, stop } = await serve(t, '--timeout', '300');
  assert.equal((await fetch(`${url}/trap`)).status, 500);
  assert.equal((await fetch(`${url}/spin`)).status, 504);
  assert.equal((await fetch(`${url}/`)).status, 200);
  const { code, stderr } = await stop();
  assert.equal(code, 0, stderr);
  assert.match(stderr, /GET \/trap 500/);
  assert.match(stderr, /TENON_TRAP/);
  assert.match(stderr, /wasm-function|\.wasm|wasm:\/\//);
  assert.match(stderr, /GET \/spin: .*TENON_RUNTIME_TIMEOUT[\s\S]*GET \/spin 504/);
  assert.match(stderr, /^\d{4}-\S+ rust-http GET \/trap stderr: trapped as asked$/m);
});

test('tenon serve reports a missing folder before it listens', async () => {
  const child = start(['serve', '--addr', '127.0.0.1:0', '--dir', '/no/such/folder::/', guest('rust-http')]);
  const { code, stdout, stderr } = await finish(child);
  assert.deepEqual([code, stdout], [2, '']);
  assert.match(stderr, /error\[TENON_PREOPEN\]/);
});

test('tenon serve --tls-cert --tls-key serves HTTPS and loads the certificate anew on SIGHUP', {
  skip: OPENSSL ? false : 'needs openssl',
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-serve-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const { cert, key } = makeCertificate(folder, 'site');
  const { url, child, stop } = await serve(t, '--tls-cert', cert, '--tls-key', key, '--max-body', '3');
  const status = async (method: string, body = ''): Promise<number> => {
    const asked = request(`${url}/echo`, { method, ca: readFileSync(cert), agent: false }).end(body);
    const [response] = await once(asked, 'response');
    response.resume();
    return response.statusCode;
  };
  assert.match(url, /^https:/);
  assert.equal(await status('POST', 'abc'), 200);
  assert.equal(await status('POST', 'abcd'), 413);
  const reloaded = Promise.withResolvers<void>();
  child.stderr.on('data', (chunk) => String(chunk).includes('site.pem was loaded anew') && reloaded.resolve());
  child.kill('SIGHUP');
  await reloaded.promise;
  assert.equal(await status('GET'), 200);
  const { code, stderr } = await stop();
  assert.equal(code, 0, stderr);
});

/** A server on loopback that sends back, in capitals, what it gets; `closed` resolves when so many connections have gone. */
async function capitals(t: TestContext, host = '127.0.0.1'): Promise<{ port: number; closed: (count: number) => Promise<void> }> {
  let gone = 0;
  let changed = (): void => {};
  const server = createServer({ allowHalfOpen: true }, (socket: Socket) => {
    socket.on('data', (data) => socket.write(String(data).toUpperCase()));
    socket.on('error', () => {}).on('end', () => socket.end());
    socket.on('close', () => {
      gone++;
      changed();
    });
  });
  server.listen(0, host);
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const closed = async (count: number): Promise<void> => {
    while (gone < count) await new Promise<void>((resolve) => (changed = resolve));
  };
  return { port, closed };
}

test('tenon serve --connect lets sockets connect, send and look up what it names, and nothing else', async (t) => {
  const { port } = await capitals(t, 'localhost');
  const datagrams = createSocket('udp4', (data, from) => datagrams.send(String(data).toUpperCase(), from.port, from.address));
  datagrams.bind(0, '127.0.0.1');
  await once(datagrams, 'listening');
  t.after(() => datagrams.close());
  const { url, stop } = await serveGuest(
    t,
    'rust-sockets',
    ...['--connect', `localhost:${port}`, '--connect', `127.0.0.1:${datagrams.address().port}`, '--arg=--flag', '--arg', ''],
  );
  const rows: [path: string, status: number, answer: RegExp][] = [
    // The name is granted; its address is known to belong to it once it has been looked up.
    [`tcp/127.0.0.1/${port}`, 502, /access-denied/],
    [`udp/127.0.0.1/${port}`, 502, /access-denied/],
    [`tcp/localhost/${port}`, 200, /^WORDS$/],
    [`tcp/localhost/${port === 1 ? 2 : 1}`, 502, /access-denied/],
    [`udp/127.0.0.1/${datagrams.address().port}`, 200, /^WORDS$/],
    ['lookup/localhost', 200, /127, 0, 0, 1/],
    ['lookup/example.com', 502, /access-denied/],
    ['args', 200, /^rust-sockets\.wasm\n--flag\n\n$/],
  ];
  for (const [path, status, answer] of rows) {
    const response = await fetch(`${url}/${path}`, { method: 'POST', body: 'words' });
    assert.match(await response.text(), answer, path);
    assert.equal(response.status, status, path);
  }
  const { code, stderr } = await stop();
  assert.equal(code, 0, stderr);
  // Once for each, however often it was asked for.
  for (const line of [
    `the guest may not connect to 127.0.0.1:${port}: \`--connect 127.0.0.1:${port}\` would let it`,
    'the guest may not look up example.com: `--connect example.com` would let it',
  ]) {
    const told = stderr.split('\n').filter((each) => each.includes(line));
    assert.ok(told.length === 1 && / rust-sockets warn: /.test(told[0] ?? ''), stderr);
  }
});

test('tenon serve: without --connect a guest that imports sockets runs and reaches nothing', async (t) => {
  const { port } = await capitals(t);
  const { url, stop } = await serveGuest(t, 'rust-sockets');
  assert.equal(await (await fetch(`${url}/tcp/127.0.0.1/${port}`, { method: 'POST' })).text(), 'access-denied\n');
  assert.equal((await stop()).code, 0);
});

test('tenon serve: what a guest may hold of the host', async (t) => {
  const { port } = await capitals(t);
  const rows: [name: string, options: readonly string[], path: string, status: number, answer: RegExp][] = [
    ['rust-sockets', ['--connect', '127.0.0.1', '--max-sockets', '0'], `tcp/127.0.0.1/${port}`, 502, /new-socket-limit/],
    ['rust-sockets', ['--connect', '127.0.0.1', '--max-handles', '5'], `tcp/127.0.0.1/${port}`, 500, /the component failed/],
    [
      'rust-http',
      ['--http', '127.0.0.1', '--max-outgoing-requests', '0'],
      `proxy?url=http://127.0.0.1:${port}/`,
      502,
      /ConnectionLimitReached/,
    ],
  ];
  for (const [name, options, path, status, answer] of rows) {
    const { url, stop } = await serveGuest(t, name, ...options);
    const response = await fetch(`${url}/${path}`, { method: 'POST', body: 'words' });
    assert.match(await response.text(), answer, path);
    assert.equal(response.status, status, path);
    await stop();
  }
});

test('tenon serve: what an instance keeps open is closed when it is replaced', async (t) => {
  const { port, closed } = await capitals(t);
  const { url, stop } = await serveGuest(t, 'rust-sockets', '--connect', '127.0.0.1', '--reuse', 'keep', '--requests-per-instance', '2');
  for (const open of ['1', '2', '1', '2']) assert.equal(await (await fetch(`${url}/keep/127.0.0.1/${port}`)).text(), `${open}\n`);
  await closed(4);
  assert.equal((await stop()).code, 0);
});

for (const [options, message] of [
  [['--tls-cert', 'site.pem'], /go together/],
  [['--tls-cert', '/no/such.pem', '--tls-key', '/no/such.key'], /TENON_RUNTIME_TLS[\s\S]*\/no\/such/],
  [['--connect', '127.0.0.1:http'], /TENON_NETWORK_RULE[\s\S]*"127\.0\.0\.1:http" has no port/],
  [['--listen', '10.0.0.0/99'], /TENON_NETWORK_RULE[\s\S]*10\.0\.0\.0\/99/],
  [['--http-ca', '/no/such.pem'], /TENON_FILE[\s\S]*no such file/],
] as const) {
  test(`tenon serve ${options.join(' ')} is refused`, async () => {
    const { code, stdout, stderr } = await finish(start(['serve', '--addr', '127.0.0.1:0', ...options, guest('rust-http')]));
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, message);
  });
}
