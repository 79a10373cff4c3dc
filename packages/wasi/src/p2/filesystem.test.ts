import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { ComponentError } from '@tenon/component';
import { Directory } from '../body/files/directory.ts';
import { Quota } from '../limits.ts';
import { Descriptor, type DirectoryEntryStream, filesystemTypes } from './filesystem.ts';
import type { IoError } from './io-error.ts';
import type { InputStream } from './io-streams.ts';

let host: string;
let directory: Directory;
let root: Descriptor;

beforeEach(() => {
  host = mkdtempSync(join(tmpdir(), 'tenon-filesystem-'));
  directory = Directory.grant(host, false);
  root = new Descriptor(directory);
});

afterEach(() => {
  root[Symbol.dispose]();
  rmSync(host, { recursive: true });
});

/** The error case that an operation ends in. */
async function refusal(operation: () => unknown): Promise<unknown> {
  try {
    await operation();
  } catch (error) {
    assert.ok(error instanceof ComponentError && error.code === 'TENON_RESULT', String(error));
    return error.payload;
  }
  return 'no error';
}

async function readAll(stream: InputStream, step = 1_000_000n): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for (;;) {
    try {
      parts.push(Uint8Array.from(await stream.blockingRead(step)));
    } catch (error) {
      assert.ok(error instanceof ComponentError);
      assert.deepEqual(error.payload, { tag: 'closed' });
      return Buffer.concat(parts);
    }
  }
}

const RW = { read: true, write: true };

function create(path: string): Descriptor {
  return root.openAt({}, path, { create: true }, RW);
}

describe('files', () => {
  test('a stream writes where it is told and another reads it', async () => {
    const file = create('file');
    const out = file.writeViaStream(2n);
    await out.blockingWriteAndFlush(Buffer.from('cd'));
    out.checkWrite();
    out.write(Buffer.from('ef'));
    await out.blockingFlush();
    assert.equal((await readAll(file.readViaStream(0n))).toString(), '\0\0cdef');
    assert.equal((await readAll(file.readViaStream(4n))).toString(), 'ef');
    assert.equal((await readAll(file.readViaStream(100n))).length, 0);
  });

  test('appending goes to the end, also where others have moved it', async () => {
    const file = create('file');
    const append = file.appendViaStream();
    await append.blockingWriteAndFlush(Buffer.from('one'));
    writeFileSync(join(host, 'file'), 'four');
    await append.blockingWriteAndFlush(Buffer.from('five'));
    assert.equal(readFileSync(join(host, 'file'), 'utf8'), 'fourfive');
  });

  for (const size of [0, 1, 65_535, 65_536, 65_537, 5_000_000]) {
    test(`${size} bytes come back as they went`, async () => {
      const bytes = Buffer.alloc(size, 'abcdefg');
      const file = create('file');
      const out = file.writeViaStream(0n);
      let left = bytes;
      while (left.length > 0) {
        const room = Number(out.checkWrite());
        if (room === 0) {
          await out.subscribe().block();
          continue;
        }
        out.write(Uint8Array.from(left.subarray(0, room)));
        left = left.subarray(room);
      }
      await out.blockingFlush();
      assert.deepEqual(readFileSync(join(host, 'file')), bytes);
      assert.deepEqual(await readAll(file.readViaStream(0n), 70_001n), bytes);
    });
  }

  test('a stream that reads ahead sees what is written meanwhile', async () => {
    writeFileSync(join(host, 'file'), Buffer.alloc(300_000, 'a'));
    const file = root.openAt({}, 'file', {}, RW);
    const stream = file.readViaStream(0n);
    assert.equal((await stream.blockingRead(10n)).length, 10);
    await file.write(Buffer.from('b'), 10n);
    assert.equal(Buffer.from(await stream.blockingRead(2n)).toString(), 'ba');
    const rest = await readAll(stream);
    assert.equal(rest.length, 300_000 - 12);
  });

  test('read and write at an offset', async () => {
    const file = create('file');
    assert.equal(await file.write(Buffer.from('hello'), 1n), 5n);
    const [bytes, end] = await file.read(3n, 2n);
    assert.deepEqual([Buffer.from(bytes).toString(), end], ['ell', false]);
    assert.deepEqual(await file.read(10n, 6n), [Buffer.alloc(0), true]);
    assert.equal(await refusal(() => file.read(1n, 1n << 62n)), 'file-too-large');
  });

  test('large files', async () => {
    const file = create('file');
    const offset = 5n * 1024n ** 3n;
    await file.write(Buffer.from('far'), offset);
    assert.equal(file.stat().size, offset + 3n);
    assert.equal((await readAll(file.readViaStream(offset))).toString(), 'far');
  });

  test('size, sync and advice', async () => {
    const file = create('file');
    await file.setSize(10n);
    assert.equal(file.stat().size, 10n);
    await file.sync();
    await file.syncData();
    file.advise(0n, 10n, 'will-need');
    await root.sync();
  });

  test('a stream outlives its descriptor', async () => {
    writeFileSync(join(host, 'file'), 'text');
    const file = root.openAt({}, 'file', {}, { read: true });
    const stream = file.readViaStream(0n);
    file[Symbol.dispose]();
    assert.equal((await readAll(stream)).toString(), 'text');
    stream[Symbol.dispose]();
  });

  test('what is not open for it is refused', async () => {
    writeFileSync(join(host, 'file'), 'text');
    const reader = root.openAt({}, 'file', {}, { read: true });
    const writer = root.openAt({}, 'file', {}, { write: true });
    assert.deepEqual(reader.getFlags(), { read: true, write: false });
    assert.deepEqual(writer.getFlags(), { read: false, write: true });
    assert.equal(await refusal(() => reader.write(Buffer.from('x'), 0n)), 'bad-descriptor');
    assert.equal(await refusal(() => reader.writeViaStream(0n)), 'bad-descriptor');
    assert.equal(await refusal(() => reader.appendViaStream()), 'bad-descriptor');
    assert.equal(await refusal(() => reader.setSize(0n)), 'invalid');
    assert.equal(await refusal(() => reader.setTimes({ tag: 'now' }, { tag: 'now' })), 'no error');
    assert.equal(await refusal(() => writer.read(1n, 0n)), 'bad-descriptor');
    assert.equal(await refusal(() => writer.readViaStream(0n)), 'bad-descriptor');
    assert.equal(await refusal(() => root.readViaStream(0n)), 'is-directory');
    assert.equal(await refusal(() => root.writeViaStream(0n)), 'bad-descriptor');
    assert.equal(await refusal(() => reader.openAt({}, 'x', {}, {})), 'not-directory');
  });

  test('a failed stream tells its error once, then it is closed', async () => {
    const file = create('file');
    const out = file.writeViaStream(BigInt(Number.MAX_SAFE_INTEGER));
    const payload = (await refusal(() => out.blockingWriteAndFlush(Buffer.from('x')))) as { tag: string; val: IoError };
    assert.equal(payload.tag, 'last-operation-failed');
    const { filesystemErrorCode } = filesystemTypes as { filesystemErrorCode(error: IoError): string };
    assert.equal(filesystemErrorCode(payload.val), 'file-too-large');
    assert.deepEqual(await refusal(() => out.checkWrite()), { tag: 'closed' });
  });
});

/** What a program prints that may write 10 blocks to a file. */
const TOO_LARGE = `
  import { Directory } from ${JSON.stringify(new URL('../body/files/directory.ts', import.meta.url))};
  import { Descriptor, filesystemTypes } from ${JSON.stringify(new URL('./filesystem.ts', import.meta.url))};
  const root = new Descriptor(Directory.grant(process.argv[1], false));
  const file = root.openAt({}, 'file', { create: true }, { read: true, write: true });
  const refusal = async (operation) => {
    try {
      return await operation();
    } catch (error) {
      return error.payload?.val === undefined ? error.payload : filesystemTypes.filesystemErrorCode(error.payload.val);
    }
  };
  const outcomes = [
    await refusal(() => file.write(Buffer.from('here'), 0n)),
    await refusal(() => file.write(Buffer.from('there'), 100_000n)),
    await refusal(() => file.write(Buffer.alloc(100_000), 100_000n)),
    await refusal(() => file.setSize(100_000n)),
    await refusal(() => file.writeViaStream(100_000n).blockingWriteAndFlush(Buffer.alloc(10))),
    await refusal(async () => {
      const stream = file.writeViaStream(100_000n);
      stream.checkWrite();
      stream.write(Buffer.alloc(100_000));
      await stream.blockingFlush();
    }),
    file.stat().size,
  ];
  console.log(outcomes.join());
`;

test('a file that may not grow so far', { skip: process.platform === 'win32' }, () => {
  const limited = ['-c', 'ulimit -f 10 && exec "$0" "$@"', process.execPath, '--input-type=module', '--eval', TOO_LARGE, host];
  const { stdout, stderr } = spawnSync('sh', limited, { encoding: 'utf8' });
  const refused = Array.from({ length: 5 }, () => 'file-too-large');
  assert.equal(stdout.trim(), [4, ...refused, 4].join(), stderr);
});

describe('opening', () => {
  const cases: readonly (readonly [string, object, object, string])[] = [
    ['nothing', {}, { read: true }, 'no-entry'],
    ['file', { directory: true }, { read: true }, 'not-directory'],
    ['file', { create: true, exclusive: true }, RW, 'exist'],
    ['dir', { create: true, exclusive: true }, RW, 'exist'],
    ['dir', {}, { write: true }, 'is-directory'],
    ['dir', { directory: true, create: true }, {}, 'invalid'],
    ['link', {}, { read: true }, 'loop'],
    ['file/', {}, { read: true }, 'not-directory'],
    ['new/', { create: true }, { write: true }, 'is-directory'],
    ['/file', {}, { read: true }, 'not-permitted'],
    ['../file', {}, { read: true }, 'not-permitted'],
  ];
  for (const [path, openFlags, flags, code] of cases) {
    test(`${path} with ${JSON.stringify(openFlags)} and ${JSON.stringify(flags)} is ${code}`, async () => {
      writeFileSync(join(host, 'file'), '');
      mkdirSync(join(host, 'dir'));
      symlinkSync('file', join(host, 'link'));
      assert.equal(await refusal(() => root.openAt({}, path, openFlags, flags)), code);
    });
  }

  test('follows a link when told, and creates what it leads to', async () => {
    symlinkSync('real', join(host, 'link'));
    const file = root.openAt({ symlinkFollow: true }, 'link', { create: true }, RW);
    await file.write(Buffer.from('x'), 0n);
    assert.equal(readFileSync(join(host, 'real'), 'utf8'), 'x');
  });

  test('truncates', () => {
    writeFileSync(join(host, 'file'), 'text');
    root.openAt({}, 'file', { truncate: true }, { write: true });
    assert.equal(statSync(join(host, 'file')).size, 0);
  });
});

test('no more files and directories than allowed are open at a time', async () => {
  const few = new Descriptor(Directory.grant(host, false, new Quota(3)));
  few.createDirectoryAt('folder');
  const open = (path: string): Descriptor => few.openAt({}, path, { create: path !== 'folder' }, path === 'folder' ? {} : RW);
  const one = open('one');
  const folder = open('folder');
  const entries = few.readDirectory();
  const full = async (): Promise<void> => {
    assert.equal(await refusal(() => open('two')), 'insufficient-memory');
    assert.equal(await refusal(() => folder.openAt({}, 'deeper', { create: true }, RW)), 'insufficient-memory');
    assert.equal(await refusal(() => few.readDirectory()), 'insufficient-memory');
  };
  await full();
  assert.equal(await refusal(() => few.statAt({}, 'two')), 'no-entry', 'what was refused was not made');
  one[Symbol.dispose]();
  assert.equal(await refusal(() => few.openAt({}, 'nowhere', {}, RW)), 'no-entry');
  const two = open('two');
  await full();
  // A file is open as long as a stream of it is.
  const stream = two.readViaStream(0n);
  two[Symbol.dispose]();
  await full();
  stream[Symbol.dispose]();
  folder[Symbol.dispose]();
  const others = [open('one'), open('two')];
  await full();
  for (const other of others) other[Symbol.dispose]();
  entries[Symbol.dispose]();
  few[Symbol.dispose]();
});

describe('directories', () => {
  test('list what is in them with its type', async () => {
    mkdirSync(join(host, 'dir'));
    writeFileSync(join(host, 'file'), '');
    symlinkSync('file', join(host, 'link'));
    const stream: DirectoryEntryStream = root.readDirectory();
    const found: Record<string, string> = {};
    for (let entry = await stream.readDirectoryEntry(); entry !== undefined; entry = await stream.readDirectoryEntry())
      found[entry.name] = entry.type;
    assert.deepEqual(found, { dir: 'directory', file: 'regular-file', link: 'symbolic-link' });
    stream[Symbol.dispose]();
  });

  test('names that are not UTF-8 are an error, and the rest is still found', async () => {
    if (process.platform !== 'linux') return;
    writeFileSync(Buffer.concat([Buffer.from(`${host}/`), Buffer.from([0xff, 0xfe])]), '');
    writeFileSync(join(host, 'file'), '');
    const stream = root.readDirectory();
    const outcomes = [await refusal(() => stream.readDirectoryEntry()), await refusal(() => stream.readDirectoryEntry())];
    assert.deepEqual(outcomes.sort(), ['illegal-byte-sequence', 'no error']);
    assert.equal(await stream.readDirectoryEntry(), undefined);
    stream[Symbol.dispose]();
  });

  test('make, rename, link and remove', async () => {
    root.createDirectoryAt('dir');
    assert.equal(await refusal(() => root.createDirectoryAt('dir')), 'exist');
    create('dir/file')[Symbol.dispose]();
    root.linkAt({}, 'dir/file', root, 'hard');
    assert.equal(root.statAt({}, 'hard').linkCount, 2n);
    assert.equal(await refusal(() => root.linkAt({ symlinkFollow: true }, 'hard', root, 'harder')), 'invalid');
    root.symlinkAt('dir/file', 'soft');
    assert.equal(root.readlinkAt('soft'), 'dir/file');
    assert.equal(await refusal(() => root.readlinkAt('hard')), 'invalid');
    assert.equal(root.statAt({}, 'soft').type, 'symbolic-link');
    assert.equal(root.statAt({ symlinkFollow: true }, 'soft').type, 'regular-file');
    assert.equal(await refusal(() => root.removeDirectoryAt('dir')), 'not-empty');
    assert.equal(await refusal(() => root.unlinkFileAt('dir')), 'is-directory');
    assert.equal(await refusal(() => root.removeDirectoryAt('hard')), 'not-directory');
    root.renameAt('dir/file', root, 'moved');
    for (const path of ['hard', 'soft', 'moved']) root.unlinkFileAt(path);
    root.removeDirectoryAt('dir');
    assert.equal(await root.readDirectory().readDirectoryEntry(), undefined);
  });

  test('renames between preopens', () => {
    mkdirSync(join(host, 'one'));
    mkdirSync(join(host, 'two'));
    writeFileSync(join(host, 'one', 'file'), 'x');
    const [one, two] = ['one', 'two'].map((name) => new Descriptor(Directory.grant(join(host, name), false)));
    assert.ok(one !== undefined && two !== undefined);
    one.renameAt('file', two, 'file');
    assert.equal(readFileSync(join(host, 'two', 'file'), 'utf8'), 'x');
  });
});

describe('metadata', () => {
  test('times are set, kept, or become the present', () => {
    const file = create('file');
    const at = (seconds: bigint, nanoseconds = 0) => ({ tag: 'timestamp', val: { seconds, nanoseconds } }) as const;
    file.setTimes(at(1000n, 500_000_000), at(2000n));
    assert.deepEqual(file.stat().dataAccessTimestamp, { seconds: 1000n, nanoseconds: 500_000_000 });
    root.setTimesAt({}, 'file', { tag: 'no-change' }, at(3000n));
    assert.deepEqual(file.stat().dataAccessTimestamp, { seconds: 1000n, nanoseconds: 500_000_000 });
    assert.deepEqual(file.stat().dataModificationTimestamp, { seconds: 3000n, nanoseconds: 0 });
    file.setTimes({ tag: 'now' }, { tag: 'no-change' });
    assert.ok((file.stat().dataAccessTimestamp?.seconds ?? 0n) > 1_700_000_000n);
  });

  test('times of a link are its own unless it is followed', () => {
    create('file');
    root.symlinkAt('file', 'link');
    const at = { tag: 'timestamp', val: { seconds: 77n, nanoseconds: 0 } } as const;
    root.setTimesAt({}, 'link', at, at);
    assert.equal(root.statAt({}, 'link').dataModificationTimestamp?.seconds, 77n);
    assert.notEqual(root.statAt({}, 'file').dataModificationTimestamp?.seconds, 77n);
    root.setTimesAt({ symlinkFollow: true }, 'link', at, at);
    assert.equal(root.statAt({}, 'file').dataModificationTimestamp?.seconds, 77n);
  });

  test('sameness and hash', async () => {
    const file = create('file');
    const again = root.openAt({}, 'file', {}, { read: true });
    const other = create('other');
    assert.equal(file.isSameObject(again), true);
    assert.equal(file.isSameObject(other), false);
    assert.deepEqual(file.metadataHash(), root.metadataHashAt({}, 'file'));
    assert.notDeepEqual(file.metadataHash(), other.metadataHash());
    assert.equal(await refusal(() => root.metadataHashAt({}, 'nothing')), 'no-entry');
  });

  test('kinds and flags', () => {
    assert.equal(root.getType(), 'directory');
    assert.equal(create('file').getType(), 'regular-file');
    assert.deepEqual(root.getFlags(), { read: true, mutateDirectory: true });
    const readOnly = new Descriptor(Directory.grant(host, true));
    assert.deepEqual(readOnly.getFlags(), { read: true, mutateDirectory: false });
    readOnly[Symbol.dispose]();
  });
});
