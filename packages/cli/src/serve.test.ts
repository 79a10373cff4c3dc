import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { finish, guest, start } from '../test/tenon.ts';

async function serve(...options: string[]): Promise<{ url: string; stop: () => ReturnType<typeof finish> }> {
  const child = start(['serve', '--addr', '127.0.0.1:0', ...options, guest('rust-http')]);
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

test('tenon serve answers, logs each request, and ends at Ctrl-C', async () => {
  const { url, stop } = await serve();
  const response = await fetch(`${url}/`);
  assert.equal(response.status, 200);
  await response.text();
  const { code, stderr } = await stop();
  assert.equal(code, 0, stderr);
  assert.match(stderr, /GET \/.*200/);
});

test('tenon serve --quiet --json logs no requests', async () => {
  const { url, stop } = await serve('--quiet', '--json');
  await (await fetch(`${url}/`)).text();
  const { code, stderr } = await stop();
  assert.equal(code, 0, stderr);
  assert.doesNotMatch(stderr, /"event":"request"/);
});
