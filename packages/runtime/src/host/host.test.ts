import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { TenonError } from '@tenon/component/errors';
import { guestPath } from '../../../../guests/guests.ts';
import { parseManifest } from '../spec/manifest.ts';
import { HostClient } from './client.ts';
import { deploy } from './deploy.ts';
import { Host } from './host.ts';

const root = mkdtempSync(join(tmpdir(), 'tenon-host-'));
after(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;

/** A host of its own, and a client of it. */
async function running(dataFolder = join(root, `h${++folders}`), threads = 2) {
  const host = await Host.start({ dataFolder, threads });
  const client = new HostClient(host.socket);
  return {
    host,
    client,
    dataFolder,
    up: (yaml: string) => deploy(client, parseManifest(yaml, join(root, 'tenon.yaml'))),
    async [Symbol.asyncDispose]() {
      client.close();
      await host.stop();
    },
  };
}

const code = (expected: string) => (error: unknown) => error instanceof TenonError && error.code === expected;
const WEB = (more = '', workload = '') => `
name: web
listeners: { default: { port: 0 } }
workloads:
  web:
    component: ${guestPath('rust-http')}
    ${workload}
    triggers: { http: [{ path: "/*" }] }
${more}`;

const STORES = (backend: string) => `
name: stores
workloads:
  stores:
    component: ${guestPath('rust-stores')}
    interfaces:
      wasi:keyvalue: { default: { backend: ${backend} }, received: { backend: ${backend} } }
      wasi:blobstore: { default: { backend: memory } }
      wasmcloud:messaging: { default: { backend: ${backend} } }
      wasi:config: { default: { values: { region: eu } } }
    triggers: { messages: [{ subjects: ["orders.*"], maxAttempts: 1 }] }
`;

test('an application comes up, answers, is seen, and goes', async () => {
  await using at = await running();
  const applied = await at.up(WEB());
  assert.deepEqual([applied.changed, applied.removed], [['web'], []]);
  assert.equal(applied.workloads[0]?.state, 'running');
  const { workloads, plugins } = await at.client.status();
  const [url = ''] = workloads[0]?.urls ?? [];
  assert.equal(await (await fetch(`${url}/`)).text(), 'Hello from Rust!\n');
  assert.ok(plugins.every(({ ok }) => ok));
  assert.deepEqual((await at.up(WEB())).changed, []);
  const status = await at.client.workload('default', 'web');
  assert.ok(status.requests >= 1 && status.memory > 0);
  assert.deepEqual(
    status.revisions.map(({ number }) => number),
    [1],
  );
  assert.deepEqual(await at.client.removeApplication('default', 'web'), { removed: ['web'] });
  assert.deepEqual((await at.client.status()).workloads, []);
  await assert.rejects(fetch(`${url}/`));
  await assert.rejects(at.client.workload('default', 'web'), code('TENON_HOST_UNKNOWN'));
});

test('a swap under load loses no request, and a broken version changes nothing', async () => {
  await using at = await running();
  await at.up(WEB('', 'environment: { VERSION: "0" }'));
  const [url = ''] = (await at.client.status()).workloads[0]?.urls ?? [];
  let going = true;
  let served = 0;
  const failures: string[] = [];
  const clients = Array.from({ length: 8 }, async () => {
    while (going) {
      try {
        const response = await fetch(`${url}/`);
        if (response.status === 200) served++;
        else failures.push(`${response.status} ${await response.text()}`);
        await response.arrayBuffer().catch(() => {});
      } catch (error) {
        failures.push(String((error as Error).cause ?? error));
      }
    }
  });
  for (let version = 1; version <= 6; version++) {
    const broken = version === 3 || version === 5;
    const more = broken ? `health: { path: /no-such-page }` : `environment: { VERSION: "${version}" }`;
    const { workloads } = await at.up(WEB('', more));
    assert.equal(workloads[0]?.state, broken ? 'degraded' : 'running', `version ${version}`);
    if (broken) assert.match(workloads[0]?.conditions.find((each) => each.type === 'Current')?.message ?? '', /no-such-page answered 404/);
  }
  going = false;
  await Promise.all(clients);
  assert.deepEqual(failures, []);
  assert.ok(served > 0);
  const back = await at.client.rollBack('default', 'web', 2);
  assert.deepEqual([back.state, back.serving], ['running', 2]);
  const again = await at.client.restart('default', 'web');
  assert.equal(again.state, 'running');
});

test('plugins serve a guest through the host, and what sqlite keeps outlives the host', async () => {
  const dataFolder = join(root, 'kept');
  {
    await using at = await running(dataFolder);
    const { workloads } = await at.up(STORES('sqlite'));
    assert.equal(workloads[0]?.state, 'running', JSON.stringify(workloads));
    assert.equal(await at.client.call('default', 'stores', 'keys.set', '"", "k", [118, 49]'), 'ok');
    assert.equal(await at.client.call('default', 'stores', 'keys.get', '"", "k"'), 'ok(some([118, 49]))');
    assert.equal(await at.client.call('default', 'stores', 'settings.get', '"region"'), 'ok(some("eu"))');
    assert.equal(await at.client.call('default', 'stores', 'messages.request', '"orders.new", "hello", 20000'), 'ok("re: hello")');
    await assert.rejects(at.client.call('default', 'stores', 'keys.get', '"other", "k"'), /err\("no such store"\)/);
    await assert.rejects(at.client.call('default', 'stores', 'keys.gett', '"other", "k"'), /nearest is/);
    await at.client.call('default', 'stores', 'settings.log', '"careful"');
    const lines = await Array.fromAsync(at.client.logs({ workload: 'stores' }));
    assert.ok(lines.some((line) => line.event === 'plugin' && line.message.includes('careful')));
  }
  await using at = await running(dataFolder);
  await at.client.workload('default', 'stores');
  while ((await at.client.workload('default', 'stores')).state !== 'running') await new Promise((resolve) => setImmediate(resolve));
  assert.equal(await at.client.call('default', 'stores', 'keys.get', '"", "k"'), 'ok(some([118, 49]))');
});

test('a workload is linked to another, and goes on when that is swapped', async () => {
  await using at = await running();
  const linked = (version: number) => `
name: linked
listeners: { default: { port: 0 } }
workloads:
  web:
    component: ${guestPath('ts-web')}
    links: { "example:calculator/math": { workload: calculator } }
    triggers: { http: [{}] }
  calculator: { component: ${guestPath('rust-calculator')}, environment: { V: "${version}" } }
`;
  const { ensureGuest } = await import('../../../../guests/guests.ts');
  await ensureGuest('ts-web');
  const { workloads } = await at.up(linked(1));
  assert.deepEqual(
    workloads.map(({ state }) => state),
    ['running', 'running'],
    JSON.stringify(workloads),
  );
  const url = (await at.client.status()).workloads.flatMap((each) => each.urls)[0] ?? '';
  const sum = async (): Promise<string> => (await fetch(`${url}/add?a=2&b=3`)).text();
  assert.equal((await sum()).trim(), '5');
  assert.deepEqual((await at.up(linked(2))).changed, ['calculator']);
  assert.equal((await sum()).trim(), '5');
});

test('workloads that come up together share a listener that takes any port', async () => {
  await using at = await running(undefined, 1);
  const names = ['echo', 'status', 'headers', 'cookies'];
  const lines = names.map((name) => `  ${name}: { component: ${guestPath('rust-http')}, triggers: { http: [{ path: /${name} }] } }`);
  await at.up(`listeners: { default: { port: 0 } }\nworkloads:\n${lines.join('\n')}\n`);
  const { workloads } = await at.client.status();
  const urls = new Set(workloads.flatMap((each) => each.urls));
  assert.equal(urls.size, 1);
  for (const name of names) assert.ok((await fetch(`${[...urls][0]}/${name}`)).ok, name);
});

test('a service runs, named without the version that the component exports', async () => {
  await using at = await running(undefined, 1);
  const service = `
workloads:
  hello: { component: ${guestPath('rust-hello')}, triggers: { service: { restart: never } } }
`;
  assert.equal((await at.up(service)).workloads[0]?.state, 'running');
  const signal = AbortSignal.timeout(60_000);
  for await (const { event, message } of at.client.logs({ workload: 'hello', follow: true, signal })) {
    if (event === 'output' && message === 'Hello from Rust!') return;
  }
  assert.fail('nothing was printed');
});

const wrong: readonly [what: string, yaml: string, reason: RegExp][] = [
  [
    'a configuration that does not fit',
    STORES('sqlit'),
    /interfaces\.wasi:keyvalue\.default\.backend: expected one of "memory", "sqlite", found "sqlit"; did you mean "sqlite"/,
  ],
  ['an interface that no plugin provides', STORES('memory').replace('wasi:config', 'wasi:confog'), /no plugin provides `wasi:confog`/],
  ['a trigger that no plugin brings', STORES('memory').replace('messages:', 'message:'), /no plugin brings the trigger `message`/],
  ['a store that is not configured', STORES('memory').replace(/ *wasi:blobstore.*\n/, ''), /configures no store for it; add/],
  ['a link to what does not run', WEB('', 'links: { "a:b/c": { workload: elsewhere } }'), /elsewhere, which does not run/],
  ['a plugin that cannot be loaded', `plugins: { x: { from: ./none.mjs } }\n${WEB()}`, /the plugin "x" cannot be loaded/],
];
for (const [what, yaml, reason] of wrong) {
  test(`${what} is said, and the host lives on`, async () => {
    await using at = await running(undefined, 1);
    const { workloads } = await at.up(yaml);
    assert.equal(workloads[0]?.state, 'failed');
    assert.match(workloads[0]?.conditions[0]?.message ?? '', reason);
    assert.equal((await at.up(WEB().replace('name: web', 'name: other').replaceAll('  web:', '  well:'))).workloads[0]?.state, 'running');
  });
}

test('one host for each folder, and the socket is its owner’s alone', async () => {
  await using at = await running(undefined, 1);
  await assert.rejects(Host.start({ dataFolder: at.dataFolder }), code('TENON_HOST_RUNNING'));
  const { statSync } = await import('node:fs');
  assert.equal(statSync(at.host.socket).mode & 0o777, 0o600);
  const nobody = new HostClient(join(root, 'nobody.sock'));
  await assert.rejects(nobody.status(), code('TENON_HOST_AWAY'));
});
