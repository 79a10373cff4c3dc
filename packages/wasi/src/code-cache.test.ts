import assert from 'node:assert/strict';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { cacheFor, codeCache, compileFile, identifiedFile } from './index.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const bytes = new Uint8Array([1, 2, 3]);

let root = '';
let folder = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tenon-kept-'));
  folder = join(root, 'tenon');
});
afterEach(() => rmSync(root, { recursive: true }));

/** A copy of a guest that has not changed for a while, as far as anybody can tell. */
function settled(name: string): string {
  const file = fileURLToPath(new URL(`../../../guests/${name}/${name}.wasm`, import.meta.url));
  assert.ok(Date.now() - statSync(file).ctimeMs > 2000);
  return file;
}

test('what is put is there, for this user only, and what is damaged is not', async () => {
  const cache = codeCache(folder);
  assert.equal(await cache.get('ab'), undefined);
  await cache.put('ab', bytes);
  assert.deepEqual(await cache.get('ab'), bytes);
  assert.equal(await cache.get('cd'), undefined);
  assert.equal(statSync(folder).mode & 0o77, 0);
  const [name = ''] = readdirSync(folder);
  const file = join(folder, name);
  assert.equal(statSync(file).mode & 0o77, 0);
  const good = readFileSync(file);
  for (const spoilt of [good.subarray(0, 5), good.subarray(0, 2), Buffer.concat([good, Buffer.of(0)]), Buffer.alloc(0)]) {
    writeFileSync(file, spoilt);
    assert.equal(await cache.get('ab'), undefined);
  }
});

test('a folder that others may write to is not used', { skip: process.platform === 'win32' }, async () => {
  const cache = codeCache(folder);
  await cache.put('ab', bytes);
  chmodSync(folder, 0o777);
  assert.equal(await cache.get('ab'), undefined);
  await cache.put('cd', bytes);
  assert.equal(readdirSync(folder).length, 1);
});

test('a folder that cannot be made is no error', async () => {
  writeFileSync(folder, '');
  const cache = codeCache(folder);
  await cache.put('ab', bytes);
  assert.equal(await cache.get('ab'), undefined);
  await codeCache(undefined).get('ab');
});

test('what was not used for a month goes', async () => {
  const cache = codeCache(folder);
  for (const key of ['aa', 'bb']) await cache.put(key, bytes);
  const then = (days: number): Date => new Date(Date.now() - days * DAY_MS);
  utimesSync(join(folder, 'aa.kept'), then(40), then(40));
  utimesSync(join(folder, 'bb.kept'), then(40), then(40));
  await cache.get('bb');
  await cache.put('cc', bytes);
  assert.deepEqual(readdirSync(folder).sort(), ['bb.kept', 'cc.kept']);
});

test('a file is known by what the system keeps of it, unless it was changed just now', async () => {
  const file = settled('rust-calculator');
  const known = identifiedFile(file);
  assert.match(known.identity ?? '', /^[0-9a-f]{80}$/);
  assert.equal(identifiedFile(file).identity, known.identity);
  assert.notEqual(identifiedFile(settled('rust-hello')).identity, known.identity);
  const copy = join(root, 'copy.wasm');
  cpSync(file, copy);
  assert.equal(identifiedFile(copy).identity, undefined);
  assert.equal(cacheFor(identifiedFile(copy)), undefined);
  // Parts of a file are not taken for each other, nor for what is elsewhere in memory.
  const { digest } = cacheFor(known, codeCache(folder)) ?? {};
  assert.notEqual(digest?.(known.bytes.subarray(0, 10)), digest?.(known.bytes.subarray(10, 20)));
  assert.notEqual(digest?.(known.bytes.subarray(0, 10)), digest?.(known.bytes));
  assert.equal(digest?.(known.bytes.slice()), undefined);
});

test('a file that is compiled again is taken from the cache', async () => {
  const cache = codeCache(folder);
  const first = await compileFile(settled('rust-calculator'), { cache });
  const [name = ''] = readdirSync(folder);
  const { mtimeMs } = statSync(join(folder, name));
  const second = await compileFile(settled('rust-calculator'), { cache });
  assert.deepEqual(second.ownPlan(), first.ownPlan());
  assert.equal(statSync(join(folder, name)).mtimeMs, mtimeMs, 'it was not made anew');
  assert.ok(existsSync(join(folder, name)));
});
