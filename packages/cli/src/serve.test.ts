import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { finish, guest, start } from '../test/tenon.ts';

async function serve(t: TestContext, ...options: string[]): Promise<{ url: string; stop: () => ReturnType<typeof finish> }> {
  const child = start(['serve', '--addr', '127.0.0.1:0', ...options, guest('rust-http')]);
  // Also when the test fails half-way.
  t.after(() => child.kill('SIGKILL'));
  const finished = finish(child);
  const [line] = await Promise.race([once(createInterface(child.stdout), 'line'), finished.then((result) => assert.fail(result.stderr))]);
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];
  assert.ok(url !== undefined, line);
  return {
    url,
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
