import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { Directory } from './directory.ts';
import { File } from './file.ts';

/** How long the guest goes on: 300 rounds, or as many as so many seconds allow. */
const SECONDS = Number(process.env.TENON_ATTACK_SECONDS ?? 0);
const ROUNDS = 300;
const PLAIN = 'the file that was granted';
const SECRET = 'the secret';

test('a guest and a native attacker together do not get out', { skip: process.platform !== 'linux' }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-attack-'));
  for (const path of ['granted/dir', 'granted/deep/a/b', 'outside']) mkdirSync(join(folder, path), { recursive: true });
  for (const path of ['granted/dir/file', 'granted/deep/a/b/file', 'granted/file']) writeFileSync(join(folder, path), PLAIN);
  writeFileSync(join(folder, 'outside', 'secret'), SECRET);
  writeFileSync(join(folder, 'outside', 'file'), SECRET);
  const outside = statSync(join(folder, 'outside'), { bigint: true });
  const root = Directory.grant(join(folder, 'granted'), false);

  const worker = new Worker(new URL('./attacker.ts', import.meta.url), { workerData: folder });
  const [buffer] = (await once(worker, 'message')) as [SharedArrayBuffer];

  const refused = new Map<string, number>();
  let done = 0;
  const attempt = (operation: () => void): void => {
    try {
      operation();
      done++;
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
      const code = String((error as { code?: unknown }).code);
      refused.set(code, (refused.get(code) ?? 0) + 1);
    }
  };
  const read = (path: string): void =>
    attempt(() => {
      const file = root.open(path, { read: true, follow: true });
      try {
        const bytes = Buffer.alloc(100);
        // It may have been truncated a moment ago.
        if (file instanceof File) assert.ok(['', PLAIN].includes(bytes.subarray(0, file.readNow(bytes, 0)).toString()), path);
        else assert.notEqual(file.stat().ino, outside.ino, path);
      } finally {
        file.release();
      }
    });

  try {
    const end = performance.now() + SECONDS * 1000;
    // On, until the two have met.
    for (let round = 0; round < ROUNDS || performance.now() < end || !refused.has('EPERM'); round++) {
      for (const path of [
        'dir/file',
        'dir/secret',
        'dir',
        'deep/a/b/file',
        'deep/a/b/../../../file',
        'deep/a/b/../secret',
        'deep/a/secret',
        'deep/a/..',
      ])
        read(path);
      attempt(() => root.open('dir/planted', { create: true, write: true }).release());
      attempt(() => root.open('dir/file', { truncate: true, follow: true }).release());
      attempt(() => root.createDirectory('deep/a/planted'));
      attempt(() => root.symlink('x', 'dir/planted-link'));
      attempt(() => root.link('dir/secret', root, 'stolen'));
      attempt(() => root.rename('dir/secret', root, 'stolen'));
      attempt(() => root.removeFile('dir/secret'));
      attempt(() => root.setTimesAt('dir/secret', true, 0n, 0n));
      attempt(() => assert.notEqual(root.statAt('dir', true).ino, outside.ino));
      // What was truncated is filled again, and what was planted inside makes room for the next round.
      attempt(() => {
        const file = root.open('dir/file', { write: true, follow: true });
        if (file instanceof File) file.writeNow(Buffer.from(PLAIN), 0);
        file.release();
      });
      for (const path of ['dir/planted', 'dir/planted-link']) attempt(() => root.removeFile(path));
      attempt(() => root.removeDirectory('deep/a/planted'));
    }
  } finally {
    Atomics.store(new Int32Array(buffer), 0, 1);
    const [swaps] = (await once(worker, 'message')) as [number];
    assert.ok(swaps > 0);
    root.release();
    const codes = [...refused].map(([code, count]) => `${count} ${code}`).join(', ');
    t.diagnostic(`the guest did ${done} operations, and was refused others (${codes}) while the attacker went round ${swaps} times`);
  }

  assert.deepEqual(
    readdirSync(join(folder, 'outside'))
      .filter((name) => name !== 'b')
      .sort(),
    ['file', 'secret'],
  );
  for (const name of ['file', 'secret']) assert.equal(readFileSync(join(folder, 'outside', name), 'utf8'), SECRET);
  assert.notEqual(statSync(join(folder, 'outside', 'secret')).mtimeMs, 0);
  assert.ok(done > 0);
  rmSync(folder, { recursive: true });
});
