/** The plugin in the guide is one, and the files of the guides are as they are meant to be. */
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Host } from '@tenon/runtime/host-process';
import { ensureGuest, guestPath } from '../guests/guests.ts';
import { deploy, HostClient, parseManifest, readManifest } from '../packages/runtime/src/host/index.ts';
import { ROOT } from '../scripts/workspace.ts';

function block(page: string, language: string): string {
  const [, text] = new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'ms').exec(readFileSync(`${ROOT}/docs/${page}`, 'utf8')) ?? [];
  assert.ok(text, `${page} has a block of ${language}`);
  return text;
}

test('the file in the guide to the platform is valid', () => {
  const { application } = parseManifest(block('platform.md', 'yaml'), '/shop/tenon.yaml', {});
  assert.deepEqual(Object.keys(application.workloads), ['front', 'orders']);
});

test('a plugin in fifty lines', async (t) => {
  // Beside the packages, so that their names are found.
  const folder = join(ROOT, 'docs', `.plugin-${process.pid}`);
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(folder);
  const source = block('plugins.md', 'js');
  assert.ok(source.trim().split('\n').length <= 52);
  writeFileSync(join(folder, 'calculator.mjs'), source);
  writeFileSync(join(folder, 'tenon.yaml'), block('plugins.md', 'yaml'));
  await ensureGuest('ts-web');
  copyFileSync(guestPath('ts-web'), join(folder, 'ts-web.wasm'));

  const host = await Host.start({ dataFolder: join(folder, 'data'), threads: 1 });
  const client = new HostClient(host.socket);
  try {
    const { workloads } = await deploy(client, readManifest(join(folder, 'tenon.yaml')));
    assert.equal(workloads[0]?.state, 'running', JSON.stringify(workloads));
    const status = await client.status();
    const [url] = status.workloads.flatMap(({ urls }) => urls);
    assert.equal(await (await fetch(`${url}/add?a=2&b=3`)).text(), '5\n');
    assert.equal((await fetch(`${url}/multiply?a=20&b=30`)).status, 500);
    assert.equal(status.plugins.find(({ name }) => name === 'calculator')?.ok, true);
    const lines = await Array.fromAsync(client.logs());
    assert.ok(lines.some(({ message }) => message.includes('the result is over 100')));
  } finally {
    client.close();
    await host.stop();
  }
});
