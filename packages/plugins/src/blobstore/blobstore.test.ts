import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { PluginError } from '../errors.ts';
import { backendCases } from './backend.cases.ts';
import { BlobError } from './backend.ts';
import { FileBlobs } from './files.ts';
import { MemoryBlobs } from './memory.ts';

const folder = mkdtempSync(join(tmpdir(), 'tenon-blobs-'));
after(() => rmSync(folder, { recursive: true, force: true }));

backendCases('memory', async (name, limits) => new MemoryBlobs({ name, limits }));
backendCases('files', (name, limits) => FileBlobs.open({ folder: join(folder, name), limits }));

async function* zeroes(bytes: number): AsyncGenerator<Uint8Array> {
  for (let left = bytes; left > 0; left -= 65_536) yield new Uint8Array(Math.min(left, 65_536));
}

test('a memory store is full at its limit, and takes more when something went', async () => {
  const store = new MemoryBlobs({ name: `full-${process.pid}`, limits: { maxMemoryBytes: 200_000 } });
  await store.createContainer('c');
  await store.write('c', 'a', zeroes(150_000));
  const full = (error: unknown): boolean => error instanceof BlobError && error.problem === 'quota-exceeded';
  await assert.rejects(store.write('c', 'b', zeroes(60_000)), full);
  await store.delete('c', ['a']);
  await store.write('c', 'b', zeroes(60_000));
  await store.close();
});

test('files: what a crash left half written goes at the next start, and is never listed', async () => {
  const place = join(folder, 'crashed');
  const store = await FileBlobs.open({ folder: place });
  await store.createContainer('c');
  writeFileSync(join(place, '.parts', 'left'), 'half');
  assert.deepEqual(await store.list('c', undefined, 10), []);
  await FileBlobs.open({ folder: place }, true);
  assert.deepEqual(readdirSync(join(place, '.parts')), []);
});

test('files: a folder that cannot be is named', async () => {
  writeFileSync(join(folder, 'plain'), '');
  await assert.rejects(
    FileBlobs.open({ folder: join(folder, 'plain', 'x') }),
    (error) => error instanceof PluginError && error.code === 'TENON_STORE_OPEN' && error.message.includes('plain'),
  );
});
