/** What can be wrong with the folder of a host is said, and nothing that is there is replaced. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { folder, tenon } from '../test/tenon.ts';

const up = (data: string) => tenon(['up', '--empty', '--data', data]);

const GARBAGE = Buffer.alloc(8192, 'this is no database ');
const broken: readonly [what: string, prepare: (data: string, t: TestContext) => unknown, code: string, message: RegExp][] = [
  [
    'a state that is no database',
    (data) => {
      mkdirSync(data);
      writeFileSync(join(data, 'host.db'), GARBAGE);
    },
    'TENON_HOST_STATE',
    /host\.db: file is not a database/,
  ],
  [
    'a database of another program',
    (data) => {
      mkdirSync(data);
      const other = new DatabaseSync(join(data, 'host.db'));
      other.exec('create table mine (a)');
      other.close();
    },
    'TENON_HOST_STATE',
    /is a database of another kind; it is left as it is/,
  ],
  [
    'a database that another program has locked',
    (data, t) => {
      mkdirSync(data);
      const other = new DatabaseSync(join(data, 'host.db'));
      other.exec('pragma locking_mode = exclusive; begin exclusive');
      t.after(() => other.close());
    },
    'TENON_HOST_STATE',
    /host\.db: database is locked/,
  ],
  [
    'a folder in place of the state',
    (data) => mkdirSync(join(data, 'host.db'), { recursive: true }),
    'TENON_HOST_STATE',
    /host\.db: unable to open/,
  ],
  ['a file in place of the folder', (data) => writeFileSync(data, 'mine'), 'TENON_HOST_STATE', /EEXIST|ENOTDIR|not a directory/],
  [
    'a socket that something else listens at',
    async (data, t) => {
      mkdirSync(data);
      const server = createServer((socket) => socket.destroy());
      await new Promise<void>((settle) => server.listen(join(data, 'host.sock'), settle));
      t.after(() => server.close());
    },
    'TENON_HOST_RUNNING',
    /another host listens at .*host\.sock/,
  ],
];
for (const [what, prepare, code, message] of broken) {
  test(what, async (t) => {
    const data = join(folder(t), 'd');
    await prepare(data, t);
    const result = await up(data);
    assert.equal(result.code, 1, result.stderr);
    assert.equal(/error\[(\w+)\]/.exec(result.stderr)?.[1], code, result.stderr);
    assert.match(result.stderr, message);
  });
}

test('a state that cannot be read stays as it is', async (t) => {
  const data = join(folder(t), 'd');
  mkdirSync(data);
  writeFileSync(join(data, 'host.db'), GARBAGE);
  await up(data);
  assert.deepEqual(readFileSync(join(data, 'host.db')), GARBAGE);
});

test('a store that cannot be read stays as it is, and its workload says so', async (t) => {
  const files = folder(t);
  const store = join(files, 'keys.db');
  writeFileSync(store, GARBAGE);
  const guest = new URL('../../../guests/rust-stores/rust-stores.wasm', import.meta.url).pathname;
  const interfaces = `{ "wasi:keyvalue": { default: { backend: sqlite, file: keys.db } }, "wasi:blobstore": { default: {} }, "wasmcloud:messaging": { default: {} } }`;
  writeFileSync(join(files, 'tenon.yaml'), `workloads:\n  stores:\n    component: ${guest}\n    interfaces: ${interfaces}\n`);
  const data = join(files, 'd');
  const result = await tenon(['up', '--detach', '--data', data, join(files, 'tenon.yaml')]);
  // Before the folder goes, in which its socket is.
  await tenon(['down', '--host', '--data', data]);
  assert.equal(result.code, 1, result.stderr);
  assert.match(result.stdout + result.stderr, /stores is failed.*keys\.db.*not a database/s);
  assert.deepEqual(readFileSync(store), GARBAGE);
});
