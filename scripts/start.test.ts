import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { ROOT } from './workspace.ts';

test('npm start serves TypeScript that calls Rust, and Ctrl-C ends it', { timeout: 120_000 }, async () => {
  const child = spawn(process.execPath, ['scripts/start.ts'], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'exit');
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  try {
    let url: string | undefined;
    const tried: string[] = [];
    for await (const line of createInterface(child.stdout)) {
      tried.push(...(/curl '([^']+)'/.exec(line)?.slice(1) ?? []));
      url = /^Serving .* on (http:\S+)$/.exec(line)?.[1];
      if (url !== undefined) break;
    }
    assert.notEqual(url, undefined, log);
    const answers = await Promise.all(tried.map(async (each) => (await fetch(each)).text()));
    assert.deepEqual(answers.slice(0, 2), ['5\n', '42\n']);
    assert.ok(tried.every((each) => each.startsWith(`${url}/`)));
    child.stdout.resume();
    child.kill('SIGINT');
    assert.deepEqual(await exited, [0, null], log);
  } finally {
    child.kill('SIGKILL');
  }
});
