/** What the example promises, with plugins in JavaScript that are built here. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { parse } from '@bytecodealliance/jco';
import { generateTypes, readWorld } from '@tenon/toolkit';
import { build, sourceOf } from './build.ts';
import { details, PluginError } from './errors.ts';
import { PluginHost } from './host.ts';

const NOTES = [
  { id: 0, title: 'Milk', body: 'two litres' },
  { id: 1, title: 'Bread', body: 'rye' },
];
const log: string[] = [];
const failures: PluginError[] = [];
let heard: (error: PluginError) => void = () => {};
/** Notes 4 and above never come. */
const note = (id: number): Promise<(typeof NOTES)[number] | undefined> => (id < 4 ? Promise.resolve(NOTES[id]) : new Promise(() => {}));

let folder: string;
let host: PluginHost;

const put = (name: string, bytes: Uint8Array | string): Promise<void> => writeFile(join(folder, `${name}.wasm`), bytes);

/** The error of a plugin that a call must fail with. */
async function failure(call: Promise<unknown>): Promise<PluginError> {
  const error = await call.then(
    (value) => assert.fail(`it returned ${value}`),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof PluginError, String(error));
  return error;
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenon-plugins-'));
  await put('outline', await build(sourceOf('outline')));
  await put('rogue', await build(sourceOf('rogue')));
  host = await PluginHost.open({
    folder,
    note,
    log: (plugin, line) => log.push(`${plugin}: ${line}`),
    failed: (error) => {
      failures.push(error);
      heard(error);
    },
  });
});
after(async () => {
  await host[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

test('the declarations in git are those of the WIT', async () => {
  const made = generateTypes(await readWorld(join(import.meta.dirname, 'wit'), 'plugin'), {
    file: 'wit',
    world: 'plugin',
    asyncExports: true,
    values: false,
  });
  const words = (text: string): string => text.replaceAll(/\s+/g, ' ');
  assert.equal(words(readFileSync(join(import.meta.dirname, 'plugin.ts'), 'utf8')), words(made));
});

test('plugins ask the application for notes, and what they write is logged under their names', async () => {
  assert.deepEqual(host.names, ['outline', 'rogue']);
  const both = await Promise.all([host.render('outline', 0), host.render('outline', 1)]);
  assert.deepEqual(both, ['Milk: two litres', 'Bread: rye']);
  assert.deepEqual(log.splice(0), ['outline: rendering 0', 'outline: rendering 1']);
});

test('a session is a resource of the plugin', async () => {
  assert.equal(await host.renderAll('outline', 'To buy', NOTES), 'To buy\n- Milk\n- Bread');
  const error = await failure(host.renderAll('outline', 'To buy', [{ id: 2, title: '', body: '' }]));
  assert.deepEqual([error.kind, error.message], ['refused', 'outline: a note needs a title']);
});

type Ask = (rogue: PluginHost) => Promise<string>;
const ROGUES: readonly [name: string, ask: Ask, message: string, detail: RegExp][] = [
  ['never returns', (from) => from.render('rogue', 1), 'it took too long', /^TENON_DEADLINE: .*/],
  ['waits for what never comes', (from) => from.render('rogue', 4), 'it took too long', /^TENON_DEADLINE: /],
  ['throws where its type has no error', (from) => from.renderAll('rogue', '', []), 'it crashed', /^TENON_TRAP: .*\n {2}in .*\n {2}at /],
];

for (const [name, ask, message, detail] of ROGUES) {
  test(`a plugin that ${name} harms nobody, and the next call meets a new instance`, async () => {
    const error = await failure(ask(host));
    assert.deepEqual([error.kind, error.message], ['failed', `rogue: ${message}`]);
    assert.match(details(error), detail);
    assert.deepEqual(await Promise.all([host.render('rogue', 0), host.render('outline', 1)]), ['well-behaved', 'Bread: rye']);
    assert.ok(log.splice(0).some((line) => line.startsWith('rogue: trapped: ')));
  });
}

const REFUSALS: readonly [name: string, ask: Ask, message: RegExp][] = [
  ['the error that its type has', (from) => from.render('rogue', 3), /^rogue: an error that its type has$/],
  ['that it has no more memory', (from) => from.render('rogue', 2), /^rogue: .*memory/],
];

for (const [name, ask, message] of REFUSALS) {
  test(`a plugin may say ${name}, and goes on`, async () => {
    const error = await failure(ask(host));
    assert.equal(error.kind, 'refused', details(error));
    assert.match(error.message, message);
    assert.equal(await host.render('rogue', 0), 'well-behaved');
  });
}

test('a new version takes over, and calls before it are answered by the old one', async () => {
  await put('outline', await build(sourceOf('outline').replace('}: ', '} – ')));
  const old = host.render('outline', 0);
  await host.refresh();
  assert.deepEqual([await old, await host.render('outline', 0)], ['Milk: two litres', 'Milk – two litres']);
});

const WRONG: readonly [name: string, bytes: string | Uint8Array, code: string][] = [
  ['no WebAssembly', 'hello', 'TENON_NOT_WASM'],
  [
    'a component that asks for more',
    '(component (import "notes:plugin/database@1.0.0" (instance (export "all" (func)))))',
    'TENON_IMPORT_MISSING',
  ],
  ['half a file', Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0, 1), 'TENON_MALFORMED'],
];

for (const [name, bytes, code] of WRONG) {
  test(`the version before stays when the new file is ${name}`, async () => {
    await put('outline', typeof bytes === 'string' && bytes.startsWith('(') ? await parse(bytes) : bytes);
    await host.refresh();
    const [error] = failures.splice(0);
    assert.deepEqual([error?.plugin, error?.kind, (error?.cause as { readonly code?: string })?.code], ['outline', 'unusable', code]);
    assert.equal(await host.render('outline', 0), 'Milk – two litres');
  });
}

test('a watched folder is looked at when a file changes', { timeout: 30_000 }, async () => {
  const told = new Promise<PluginError>((resolve) => {
    heard = resolve;
  });
  host.watch();
  await put('newcomer', 'no plugin');
  assert.equal((await told).plugin, 'newcomer');
});

test('a plugin whose file is gone is retired', async () => {
  await rm(join(folder, 'rogue.wasm'));
  await host.refresh();
  const error = await failure(Promise.resolve().then(() => host.render('rogue', 0)));
  assert.match(error.message, /there is no such plugin; there are outline/);
});
