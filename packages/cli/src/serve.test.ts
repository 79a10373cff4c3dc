import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { makeCertificate, OPENSSL } from '../../runtime/test/certificates.ts';
import { finish, guest, start } from '../test/tenon.ts';

async function serve(
  t: TestContext,
  ...options: string[]
): Promise<{ url: string; child: ReturnType<typeof start>; stop: () => ReturnType<typeof finish> }> {
  const child = start(['serve', '--addr', '127.0.0.1:0', ...options, guest('rust-http')]);
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
  assert.match(stderr, /504[\s\S]*TENON_RUNTIME_TIMEOUT/);
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

for (const [options, message] of [
  [['--tls-cert', 'site.pem'], /go together/],
  [['--tls-cert', '/no/such.pem', '--tls-key', '/no/such.key'], /TENON_RUNTIME_TLS[\s\S]*\/no\/such/],
  [['--http-ca', '/no/such.pem'], /TENON_FILE[\s\S]*no such file/],
] as const) {
  test(`tenon serve ${options.join(' ')} is refused`, async () => {
    const { code, stdout, stderr } = await finish(start(['serve', '--addr', '127.0.0.1:0', ...options, guest('rust-http')]));
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, message);
  });
}
