/** The examples in `host-api.md` are run against a host. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Host } from '@tenon/runtime/host-process';
import { ROOT } from '../scripts/workspace.ts';

const page = readFileSync(`${ROOT}/docs/host-api.md`, 'utf8');
const examples = [...page.matchAll(/^```sh\n(.*?)^```/gms)].map(([, text = '']) => text).join('\n');
const source = readFileSync(`${ROOT}/packages/runtime/src/host/api.ts`, 'utf8');

test('every endpoint is told of', () => {
  const paths = [...source.matchAll(/^ \* +(?:GET|PUT|HEAD|POST|DELETE) +(\S+)/gm)].map(([, path = '']) => path);
  assert.ok(paths.length >= 12, `${paths.length}`);
  for (const path of paths) {
    const [last = ''] = path
      .replace(/\?.*/, '')
      .replace('stop|start', 'stop')
      .split('/')
      .filter((part) => !part.startsWith(':'))
      .slice(-1);
    assert.match(page, new RegExp(`/v1/.*${last}`), path);
  }
});

test('the examples work', async () => {
  const dataFolder = mkdtempSync(join(tmpdir(), 'tenon-api-'));
  const host = await Host.start({ dataFolder, threads: 1 });
  try {
    const child = spawn('bash', ['-euc', examples], { cwd: ROOT, env: { ...process.env, TENON_DATA: dataFolder } });
    let told = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (told += text));
    const code = await new Promise((resolve) => child.on('close', resolve));
    assert.equal(code, 0, told);
    assert.match(told, /\{"result":"5"\}/);
    assert.match(told, /\{"removed":\["calculator"\]\}/);
  } finally {
    await host.stop();
    rmSync(dataFolder, { recursive: true, force: true });
  }
});
