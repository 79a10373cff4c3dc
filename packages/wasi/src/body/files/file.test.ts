import assert from 'node:assert/strict';
import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, type TestContext, test } from 'node:test';
import { whenReady } from '../readiness.ts';
import { CHUNK, type Sink } from '../streams.ts';
import { deviceOf } from './device.ts';
import { FileError } from './error.ts';
import { File, FileSink, FileSource } from './file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tenon-file-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Two devices that no system has: what is on the second is left to the thread pool. */
const QUICK = 1n << 62n;
const SLOW = QUICK + 1n;

function slowDown(t: TestContext): void {
  let now = performance.now();
  t.mock.method(performance, 'now', () => now);
  deviceOf(SLOW).run(() => {
    now += 10_000;
  });
}

const isOpen = (fd: number): boolean => {
  try {
    fstatSync(fd);
    return true;
  } catch {
    return false;
  }
};

const path = (name = 'file'): string => join(folder, name);

function open(device: bigint, name = 'file', flags = 'a+'): File {
  closeSync(openSync(path(name), flags));
  const fd = openSync(path(name), 'r+');
  return new File(fd, device, fstatSync(fd, { bigint: true }).ino, { readable: true, writable: true, readOnly: false });
}

/** Writes as guests do: as much as there is room for. */
async function put(sink: Sink, bytes: Uint8Array): Promise<void> {
  for (let left = bytes; left.length > 0; ) {
    await whenReady(sink);
    const room = sink.room() ?? assert.fail('closed');
    sink.write(left.subarray(0, room));
    left = left.subarray(room);
  }
}

async function flush(sink: Sink): Promise<void> {
  sink.flush();
  do await whenReady(sink);
  while (sink.room() === 0);
}

function failure(operation: () => unknown): string {
  try {
    operation();
  } catch (error) {
    assert.ok(error instanceof FileError, String(error));
    return error.code;
  }
  return 'none';
}

const sample = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) & 0xff);

for (const [kind, device] of [
  ['at once', QUICK],
  ['by the thread pool', SLOW],
] as const) {
  describe(`written ${kind}`, () => {
    beforeEach((t) => {
      if (device === SLOW) slowDown(t as TestContext);
    });

    test('pieces of all sizes arrive in order, from the position on', async () => {
      writeFileSync(path(), 'before, and more than that');
      const file = open(device);
      const sink = new FileSink(file, 6);
      const bytes = sample(3_000_000);
      let at = 0;
      for (let length = 0; at < bytes.length; length = (length * 3 + 1) % 200_003) {
        await put(sink, bytes.subarray(at, at + length));
        at += length;
      }
      await flush(sink);
      assert.deepEqual(readFileSync(path()), Buffer.concat([Buffer.from('before'), bytes]));
      sink.close();
      file.release();
    });

    test('thousands of small pieces are all there', async () => {
      const file = open(device);
      const sink = new FileSink(file, 0);
      for (let piece = 0; piece < 5000; piece++) sink.write(Buffer.from(`${piece}\n`));
      await flush(sink);
      assert.equal(readFileSync(path(), 'utf8'), Array.from({ length: 5000 }, (_, piece) => `${piece}\n`).join(''));
      sink.close();
      file.release();
    });

    test('what is appended goes to the end, wherever that is by then', async () => {
      const file = open(device);
      const [one, other] = [new FileSink(file, undefined), new FileSink(file, undefined)];
      for (const [sink, text] of [
        [one, 'a'],
        [other, 'b'],
        [one, 'c'],
      ] as const) {
        await put(sink, Buffer.from(text));
        await flush(sink);
      }
      assert.equal(await file.writeSoon(Buffer.from('x'), 1), 1);
      assert.equal(readFileSync(path(), 'utf8'), 'axc');
      one.close();
      other.close();
      file.release();
    });

    test('what is flushed is seen by whoever reads or asks for the size, also by streams that have read ahead', async () => {
      writeFileSync(path(), 'a'.repeat(100));
      const [file, other] = [open(device), open(device)];
      const source = new FileSource(other, 0);
      await whenReady(source);
      const sink = new FileSink(file, 0);
      await put(sink, Buffer.from('b'.repeat(200)));
      await flush(sink);
      assert.equal(other.size, 200);
      const into = Buffer.alloc(10);
      assert.equal(await other.readSoon(into, 195), 5);
      await whenReady(source);
      assert.equal(Buffer.from(source.read(10) ?? []).toString(), 'b'.repeat(10));
      source.close();
      sink.close();
      file.release();
      other.release();
    });

    test('there is no room until a flush is done, and never more than a chunk', async () => {
      const file = open(device);
      const sink = new FileSink(file, 0);
      assert.equal(sink.room(), CHUNK);
      sink.write(sample(CHUNK));
      assert.equal(sink.room(), 0);
      sink.flush();
      await whenReady(sink);
      assert.equal(sink.room(), CHUNK);
      sink.close();
      assert.equal(sink.room(), undefined);
      file.release();
    });

    test('what was written before the stream and the descriptor are dropped is written, and the file closed then', async () => {
      const file = open(device);
      const sink = new FileSink(file, 0);
      const bytes = sample(300_000);
      sink.write(bytes.subarray(0, 10));
      sink.write(bytes.subarray(10));
      sink.close();
      file.release();
      while (isOpen(file.fd)) await new Promise((resolve) => setImmediate(resolve));
      assert.deepEqual(readFileSync(path()), Buffer.from(bytes));
    });

    const failures: readonly (readonly [string, string, () => number, number | undefined])[] = [
      ['no space', 'ENOSPC', () => openSync('/dev/full', 'w'), 0],
      ['a descriptor that is not for writing', 'EBADF', () => openSync(path(), 'a+') && openSync(path(), 'r'), 0],
    ];
    for (const [what, code, opened, position] of failures) {
      test(`${what} is told once, then the stream is closed`, { skip: process.platform !== 'linux' }, async () => {
        const fd = opened();
        const file = new File(fd, device, BigInt(fd), { readable: false, writable: true, readOnly: false });
        const sink = new FileSink(file, position);
        const told = new Set<string>();
        told.add(failure(() => sink.write(Buffer.from('lost'))));
        told.add(failure(() => sink.write(Buffer.from('lost too'))));
        sink.flush();
        await whenReady(sink);
        told.add(failure(() => sink.room()));
        told.delete('none');
        assert.deepEqual([...told], [code]);
        assert.equal(sink.room(), undefined);
        assert.equal(await Promise.resolve(file.write([Buffer.from('x')], 0)).catch((error: FileError) => error.code), code);
        file.release();
        assert.equal(isOpen(fd), false);
      });
    }
  });
}

describe('what is lent', () => {
  for (const length of [0, 5, 8191, 16_384, 16_385, 65_536, 200_000]) {
    test(`${length} bytes come in their order, lent and kept in turn`, async () => {
      const bytes = sample(length);
      writeFileSync(path(), bytes);
      const source = new FileSource(open(QUICK), 0);
      const parts: Buffer[] = [];
      const sizes = [1, 10_000, 100, 65_536, 20_000, 100_000];
      for (let nth = 0; nth < 100; nth++) {
        const size = sizes[nth % sizes.length] ?? 1;
        const kept = source.read(Math.min(size, 300));
        if (kept === undefined) break;
        const lent = source.readLent(size);
        parts.push(Buffer.from(kept));
        if (lent === undefined) break;
        parts.push(Buffer.from(lent));
      }
      // Not compared as values: the difference would take minutes to tell.
      assert.ok(Buffer.concat(parts).equals(bytes));
      assert.equal(source.read(1), undefined);
      source.close();
    });
  }

  test('of a file that changes meanwhile is what it is now', () => {
    writeFileSync(path(), 'x'.repeat(100_000));
    const file = open(QUICK);
    const source = new FileSource(file, 0);
    assert.equal(source.readLent(10_000)?.length, 10_000);
    file.writeNow(Buffer.from('new'), 10_000);
    assert.equal(Buffer.from(source.readLent(10_000)?.subarray(0, 4) ?? []).toString(), 'newx');
    source.close();
  });
});
