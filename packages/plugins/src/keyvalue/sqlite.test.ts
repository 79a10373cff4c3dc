import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { PluginError } from '../errors.ts';
import { backendCases } from './backend.cases.ts';
import { SqliteStore } from './sqlite.ts';

const folder = mkdtempSync(join(tmpdir(), 'tenon-keyvalue-'));
after(() => rmSync(folder, { recursive: true, force: true }));

backendCases('memory', { ownTime: true, open: async (name, options) => new SqliteStore({ place: { memory: name }, ...options }) });
backendCases('file', {
  ownTime: true,
  open: async (name, options) => new SqliteStore({ place: { file: join(folder, `${name}.db`), durability: 'process' }, ...options }),
});

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test('a file keeps what was written, across stores', () => {
  const place = { file: join(folder, 'kept', 'deep.db') };
  const first = new SqliteStore({ place });
  first.open('b').set('k', bytes('v'));
  first.close();
  const second = new SqliteStore({ place });
  assert.equal(String(Buffer.from(second.open('b').get('k') as Uint8Array)), 'v');
  second.close();
});

const failures: readonly [what: string, make: (file: string) => void, code: string][] = [
  ['not a database', (file) => writeFileSync(file, 'these are not the bytes of a database'.repeat(100)), 'TENON_STORE_CORRUPT'],
  [
    'a database of another program',
    (file) => {
      const other = new DatabaseSync(file);
      other.exec('create table theirs (x)');
      other.close();
    },
    'TENON_STORE_CORRUPT',
  ],
  [
    'a database of a newer Tenon',
    (file) => {
      new SqliteStore({ place: { file } }).close();
      const newer = new DatabaseSync(file);
      newer.exec('pragma user_version = 99');
      newer.close();
    },
    'TENON_STORE_VERSION',
  ],
];
for (const [what, make, code] of failures) {
  test(`${what} is refused and left as it is`, () => {
    const file = join(folder, `${code}-${what.length}.db`);
    make(file);
    const before = readFileSync(file);
    assert.throws(
      () => new SqliteStore({ place: { file } }),
      (error) => error instanceof PluginError && error.code === code,
    );
    assert.deepEqual(readFileSync(file).equals(before), true);
  });
}

test('a folder that cannot be made is named', () => {
  writeFileSync(join(folder, 'plain'), '');
  assert.throws(
    () => new SqliteStore({ place: { file: join(folder, 'plain', 'x.db') } }),
    (error) => error instanceof PluginError && error.code === 'TENON_STORE_OPEN' && error.message.includes('plain'),
  );
});

test('four threads count in one memory store, and nothing is lost', async () => {
  const name = `threads-${process.pid}`;
  const store = new SqliteStore({ place: { memory: name } });
  const code = `
    import { SqliteStore } from ${JSON.stringify(new URL('./sqlite.ts', import.meta.url).href)};
    const store = new SqliteStore({ place: { memory: ${JSON.stringify(name)} } });
    const bucket = store.open('default');
    for (let i = 0; i < 500; i++) { bucket.increment('n', 1n); bucket.get('n'); bucket.set('k' + i, new Uint8Array(10)); }
    store.close();`;
  const changes: string[] = [];
  store.watch('default', (change) => changes.push(change.key));
  const workers = Array.from({ length: 4 }, () => new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`)));
  await Promise.all(workers.map((worker) => new Promise((resolve, reject) => worker.on('exit', resolve).on('error', reject))));
  assert.equal(String(Buffer.from(store.open('default').get('n') as Uint8Array)), '2000');
  // Changes that other threads make arrive in messages.
  while (changes.length < 4000) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(changes.filter((key) => key === 'n').length, 2000);
  store.close();
});
