/** The built-in plugins as a guest in Rust sees them, without the runtime. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Component, Linker } from '@tenon/component';
import { type Logger, type Plugin, RefusedError, type TriggerContext } from '@tenon/plugin';
import { wasi } from '@tenon/wasi';
import { readGuest } from '../../../guests/guests.ts';
import { BUILT_IN } from './index.ts';
import { HANDLERS } from './messaging/faces.ts';

const folder = mkdtempSync(join(tmpdir(), 'tenon-plugins-'));
const lines: unknown[] = [];
const log: Logger = {
  debug: (message, fields) => lines.push(['debug', message, fields]),
  info: (message, fields) => lines.push(['info', message, fields]),
  warn: (message, fields) => lines.push(['warn', message, fields]),
  error: (message, fields) => lines.push(['error', message, fields]),
};
const workload = { namespace: 'default', name: 'stores', revision: 1 };
const host = { options: {}, log, dataFolder: folder, hostId: `test-${process.pid}` };
const component = await Component.compile(await readGuest('rust-stores'));

type Calls = Readonly<Record<'keys' | 'blobs' | 'messages' | 'settings' | (string & {}), Interface>>;
type Interface = Readonly<Record<string, (...args: unknown[]) => Promise<unknown>>>;

/** A call of a function that the guest exports; which there are says its WIT. */
function call(owner: Interface | undefined, name: string, ...args: unknown[]): Promise<unknown> {
  const found = owner?.[name];
  assert.ok(found, `the guest exports ${name}`);
  return found(...args);
}

/** What a test does not care about. */
const UNNAMED: Readonly<Record<string, Record<string, object>>> = {
  keyvalue: { default: { backend: 'memory', maxBytes: 1000, maxValueBytes: 1000 } },
  blobstore: { default: { backend: 'memory', maxObjectBytes: 1000, maxMemoryBytes: 1000 } },
  messaging: { default: { backend: 'memory', store: 'unnamed', maxMessageBytes: 1000 } },
};

/** Starts the plugins, binds a workload, and instantiates the guest. */
async function bound(configs: Record<string, Record<string, object>>) {
  const linker = new Linker();
  wasi().defineIn(linker);
  const ends: (() => unknown)[] = [];
  const states = new Map<string, unknown>();
  for (const plugin of BUILT_IN as readonly Plugin<unknown, object, object>[]) {
    const state = await plugin.start?.({ ...host, cell: 0 });
    states.set(plugin.name, state);
    const config = new Map(Object.entries(configs[plugin.name] ?? UNNAMED[plugin.name] ?? {}));
    const signal = new AbortController().signal;
    const binding = await plugin.bind(state, { workload, interfaces: plugin.interfaces, config, maxHostBytes: 1_000_000, log, signal });
    for (const [name, value] of Object.entries(binding.definitions)) linker.define(name, value);
    ends.push(
      () => binding.unbind?.(),
      () => plugin.stop?.(state),
    );
  }
  const { exports } = await linker.instantiate(component);
  return {
    exports: exports as Calls,
    states,
    async [Symbol.asyncDispose]() {
      for (const end of ends) await end();
    },
  };
}

after(() => rmSync(folder, { recursive: true, force: true }));

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: unknown): string | undefined => (value === undefined ? undefined : new TextDecoder().decode(value as Uint8Array));
const saying = (message: RegExp) => (error: unknown) => message.test(String((error as { payload: unknown }).payload));
const SQLITE = { backend: 'sqlite', maxBytes: 1_000_000, maxValueBytes: 10_000 };
const MEMORY = { ...SQLITE, backend: 'memory' };

for (const [kind, config] of [
  ['memory', MEMORY],
  ['sqlite', SQLITE],
] as const) {
  test(`key-value, ${kind}`, async () => {
    await using guest = await bound({ keyvalue: { default: config, cache: MEMORY } });
    const { keys } = guest.exports;
    assert.ok(keys);
    await call(keys, 'set', '', 'k', bytes('v'));
    assert.equal(text(await call(keys, 'get', 'default', 'k')), 'v');
    assert.equal(await call(keys, 'get', 'cache', 'k'), undefined);
    assert.equal(await call(keys, 'exists', '', 'none'), false);
    await assert.rejects(async () => call(keys, 'get', 'other', 'k'), saying(/^no such store$/));
    await assert.rejects(async () => call(keys, 'set', '', 'k', new Uint8Array(10_001)), saying(/10001 bytes is over the limit/));
    assert.equal(await call(keys, 'increment', '', 'n', 5n), 5n);
    assert.equal(await call(keys, 'append', '', 'text', 'a', undefined), 1);
    assert.equal(await call(keys, 'append', '', 'text', 'b', 'between'), 2);
    assert.equal(text(await call(keys, 'get', '', 'text')), 'betweenb');
    await call(
      keys,
      'setMany',
      '',
      Array.from({ length: 1500 }, (_, n) => [`m${n}`, bytes(`${n}`)]),
    );
    assert.equal(((await call(keys, 'all', '')) as string[]).length, 1503);
    assert.deepEqual(((await call(keys, 'getMany', '', ['m7', 'none'])) as unknown[]).map(text), ['7', undefined]);
    await call(keys, 'deleteMany', '', ['m7', 'none']);
    await call(keys, 'delete', '', 'k');
    assert.equal(await call(keys, 'exists', '', 'm7'), false);
    await call(keys, 'repeat', '', 10, 10);
  });
}

test('what sqlite keeps is there for the next host, and memory is not', async () => {
  {
    await using guest = await bound({ keyvalue: { default: { ...SQLITE, store: 'kept' }, cache: MEMORY } });
    await call(guest.exports.keys, 'set', '', 'k', bytes('kept'));
    await call(guest.exports.keys, 'set', 'cache', 'k', bytes('lost'));
  }
  await using guest = await bound({ keyvalue: { default: { ...SQLITE, store: 'kept' }, cache: MEMORY } });
  assert.equal(text(await call(guest.exports.keys, 'get', '', 'k')), 'kept');
  assert.equal(await call(guest.exports.keys, 'get', 'cache', 'k'), undefined);
});

for (const backend of ['memory', 'files']) {
  test(`blobs, ${backend}`, async () => {
    const config = { backend, maxObjectBytes: 10_000_000, maxMemoryBytes: 50_000_000, containers: ['images', 'none'] };
    await using guest = await bound({ blobstore: { default: config } });
    const { blobs } = guest.exports;
    assert.ok(blobs);
    await call(blobs, 'create', 'images');
    await assert.rejects(async () => call(blobs, 'create', 'images'), saying(/exists/));
    await assert.rejects(async () => call(blobs, 'create', 'others'), saying(/may not use the container "others"/));
    const size = 3 * 65_536 + 100;
    await call(blobs, 'write', 'images', 'a', BigInt(size));
    assert.equal(await call(blobs, 'size', 'images', 'a'), BigInt(size));
    assert.deepEqual(await call(blobs, 'read', 'images', 'a', 0n, 2n ** 64n - 1n), [BigInt(size), BigInt(65_536 + 2 * 65_536 + 3 * 100)]);
    assert.deepEqual(await call(blobs, 'read', 'images', 'a', 65_535n, 65_537n), [3n, 2n]);
    assert.equal(((await call(blobs, 'readAtOnce', 'images', 'a')) as Uint8Array).length, size);
    await call(blobs, 'write', 'images', 'large', 1_000_001n);
    await assert.rejects(async () => call(blobs, 'readAtOnce', 'images', 'large'), saying(/stream it/));
    await call(blobs, 'abandon', 'images', 'never');
    await call(blobs, 'copy', 'images', 'a', 'b');
    await call(blobs, 'move', 'images', 'large', 'c');
    assert.deepEqual(await call(blobs, 'names', 'images'), ['a', 'b', 'c']);
    await call(blobs, 'delete', 'images', ['a', 'b', 'c', 'd']);
    await assert.rejects(async () => call(blobs, 'size', 'images', 'a'), saying(/no object "a"/));
    await assert.rejects(async () => call(blobs, 'names', 'none'), saying(/no container "none"/));
  });
}

test('messages: sent, asked, handled, granted', async () => {
  const config = { backend: 'memory', store: 'bus', maxMessageBytes: 100, publish: ['orders.>'] };
  await using guest = await bound({ messaging: { default: config }, keyvalue: { received: MEMORY } });
  const { messages, keys } = guest.exports;
  const handler = HANDLERS.find((each) => each.export.startsWith('wasmcloud:messaging/handler@0.2.0'));
  assert.ok(messages && keys && handler);
  // A second instance handles what this one sends: an instance does one thing at a time.
  await using other = await bound({ messaging: { default: config }, keyvalue: { received: MEMORY } });
  const plugin = BUILT_IN.find((each) => each.name === 'messaging');
  const invoke: TriggerContext<unknown>['invoke'] = async ({ export: name, args }) => {
    const [owner = '', method = ''] = name.split('#');
    assert.equal(method, 'handle-message');
    return call(other.exports[owner], 'handleMessage', ...args);
  };
  const stop = await plugin?.triggers?.messages?.start(other.states.get('messaging'), {
    workload,
    config: { subjects: ['orders.*'], broker: 'default', concurrency: 1, maxAttempts: 2, backoffMs: 1, maxBackoffMs: 1 },
    exports: new Set([handler.export.replace(/#.*/, '')]),
    signal: new AbortController().signal,
    memory: { recall: () => undefined, remember: () => {} },
    log,
    invoke,
  });
  assert.equal(await call(messages, 'request', 'orders.new', 'hello', 10_000), 're: hello');
  await call(messages, 'publish', 'orders.new', 'more');
  while (text(await call(keys, 'get', 'received', 'last')) !== 'more') await new Promise((resolve) => setImmediate(resolve));
  await assert.rejects(async () => call(messages, 'publish', 'secret', 'x'), saying(/may not send to "secret"/));
  await assert.rejects(async () => call(messages, 'publish', 'orders.new', 'x'.repeat(101)), saying(/over the limit of 100/));
  await assert.rejects(async () => call(messages, 'request', 'orders.a.b', 'x', 1), saying(/no answer/));
  await stop?.();
});

test('settings and the log', async () => {
  await using guest = await bound({ config: { default: { values: { region: 'eu' } } } });
  const { settings } = guest.exports;
  assert.equal(await call(settings, 'get', 'region'), 'eu');
  assert.equal(await call(settings, 'get', 'none'), undefined);
  assert.deepEqual(await call(settings, 'all'), [['region', 'eu']]);
  lines.length = 0;
  await call(settings, 'log', 'careful');
  assert.deepEqual(lines, [['warn', 'careful', { context: 'settings' }]]);
});

test('a workload that imports a store and configures none is refused, with what to write', async () => {
  for (const plugin of ['keyvalue', 'blobstore', 'messaging']) {
    await assert.rejects(bound({ [plugin]: {} }), (error) => {
      assert.ok(error instanceof RefusedError);
      assert.match(error.remedy ?? '', /interfaces/);
      return true;
    });
  }
});

test('a watcher hears of each change of its keys, in order', async () => {
  await using guest = await bound({ keyvalue: { default: { ...MEMORY, store: 'watched' } } });
  const { keys } = guest.exports;
  const plugin = BUILT_IN.find((each) => each.name === 'keyvalue');
  const heard: string[] = [];
  let wake = (): void => {};
  const context: Omit<TriggerContext<unknown>, 'config' | 'exports'> = {
    workload,
    signal: new AbortController().signal,
    memory: { recall: () => undefined, remember: () => {} },
    log,
    invoke: async ({ export: name, args: [bucket, key, value] }) => {
      assert.equal(bucket?.constructor.name, 'Bucket2');
      heard.push(`${name.replace(/.*#/, '')} ${key}${value === undefined ? '' : ` ${text(value)}`}`);
      wake();
    },
  };
  const start = plugin?.triggers?.watch?.start;
  const exports = new Set(['wasi:keyvalue/watcher@0.2.0-draft2']);
  const stop = await start?.(guest.states.get('keyvalue'), { ...context, exports, config: { bucket: 'default', prefix: 'order:' } });
  await call(keys, 'set', '', 'order:1', bytes('new'));
  await call(keys, 'set', '', 'other', bytes('x'));
  await call(keys, 'delete', '', 'order:1');
  while (heard.length < 2) await new Promise<void>((resolve) => (wake = resolve));
  assert.deepEqual(heard, ['on-set order:1 new', 'on-delete order:1']);
  await stop?.();
  await assert.rejects(
    async () => start?.(guest.states.get('keyvalue'), { ...context, exports, config: { bucket: 'none', prefix: '' } }),
    RefusedError,
  );
});
