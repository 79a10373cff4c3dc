import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Directory } from './directory.ts';
import { codeOf } from './error.ts';
import { walk } from './sandbox.ts';

let host: string;
let root: Directory;

before(() => {
  host = mkdtempSync(join(tmpdir(), 'tenon-sandbox-'));
  mkdirSync(join(host, 'outside'));
  writeFileSync(join(host, 'outside', 'secret'), 'secret');
  mkdirSync(join(host, 'in', 'a', 'b'), { recursive: true });
  writeFileSync(join(host, 'in', 'file'), 'file');
  writeFileSync(join(host, 'in', 'a', 'b', 'deep'), 'deep');
  const links: Record<string, string> = {
    relative: 'a/b/deep',
    'to-directory': 'a/b',
    'up-and-down': 'a/../file',
    absolute: join(host, 'in', 'file'),
    escape: '../outside/secret',
    'escape-directory': '../outside',
    'escape-later': 'a/../../outside/secret',
    loop: 'loop',
    ping: 'pong',
    pong: 'ping',
    dangling: 'nothing',
    'with-slash': 'a/b/',
    proc: '/proc/self/root/etc/passwd',
  };
  for (const [name, target] of Object.entries(links)) symlinkSync(target, join(host, 'in', name));
  root = Directory.grant(join(host, 'in'), false);
});

after(() => {
  root.release();
  rmSync(host, { recursive: true });
});

function outcome(operation: () => unknown): string {
  try {
    operation();
    return 'done';
  } catch (error) {
    return codeOf(error);
  }
}

function read(path: string, follow = true): string {
  const opened = root.open(path, { follow, read: true });
  try {
    if (opened instanceof Directory) return 'directory';
    const bytes = Buffer.alloc(100);
    return bytes.subarray(0, opened.readNow(bytes, 0)).toString();
  } finally {
    opened.release();
  }
}

describe('opening follows paths and links inside the directory', () => {
  for (const [path, expected] of [
    ['file', 'file'],
    ['./file', 'file'],
    ['a/../file', 'file'],
    ['a//b/./deep', 'deep'],
    ['a/b/../../a/b/deep', 'deep'],
    ['relative', 'deep'],
    ['to-directory/deep', 'deep'],
    ['with-slash/deep', 'deep'],
    ['up-and-down', 'file'],
    ['.', 'directory'],
    ['a/', 'directory'],
    ['a/..', 'directory'],
    ['to-directory', 'directory'],
    ['to-directory/', 'directory'],
    ['with-slash', 'directory'],
  ] as const) {
    test(path, () => assert.equal(read(path), expected));
  }
});

describe('nothing leads out', () => {
  const paths: readonly (readonly [path: string, code: string])[] = [
    ['', 'ENOENT'],
    ['/', 'EPERM'],
    ['/etc/passwd', 'EPERM'],
    ['..', 'EPERM'],
    ['../', 'EPERM'],
    ['../outside/secret', 'EPERM'],
    ['a/../../outside/secret', 'EPERM'],
    ['a/b/../../../in/file', 'EPERM'],
    ['absolute', 'EPERM'],
    ['proc', 'EPERM'],
    ['escape', 'EPERM'],
    ['escape-directory', 'EPERM'],
    ['escape-directory/', 'EPERM'],
    ['escape-directory/secret', 'EPERM'],
    ['escape-later', 'EPERM'],
    ['loop', 'ELOOP'],
    ['ping', 'ELOOP'],
    ['loop/x', 'ELOOP'],
    ['dangling', 'ENOENT'],
    ['file/', 'ENOTDIR'],
    ['file/x', 'ENOTDIR'],
    ['file/..', 'ENOTDIR'],
    ['nothing/../file', 'ENOENT'],
    ['fi\0le', 'EINVAL'],
    ['x'.repeat(256), 'ENAMETOOLONG'],
    ['a/'.repeat(4096), 'ENAMETOOLONG'],
  ];
  for (const [path, code] of paths) {
    test(`${JSON.stringify(path.slice(0, 40))} is ${code}`, () => {
      assert.equal(
        outcome(() => read(path)),
        code,
      );
      assert.equal(
        outcome(() => root.statAt(path, true)),
        code,
      );
    });
  }

  const changes: readonly (readonly [name: string, operation: () => unknown, code: string])[] = [
    ['create through a link', () => root.open('escape-directory/new', { create: true, write: true }), 'EPERM'],
    ['create where a link points', () => root.open('escape', { create: true, write: true, follow: true }), 'EPERM'],
    ['create over a link', () => root.open('escape', { create: true, write: true }), 'ELOOP'],
    ['make a directory', () => root.createDirectory('../made'), 'EPERM'],
    ['make a directory through a link', () => root.createDirectory('escape-directory/made'), 'EPERM'],
    ['remove a file', () => root.removeFile('escape-directory/secret'), 'EPERM'],
    ['remove a directory', () => root.removeDirectory('../outside'), 'EPERM'],
    ['rename out', () => root.rename('file', root, '../file'), 'EPERM'],
    ['rename in', () => root.rename('../outside/secret', root, 'stolen'), 'EPERM'],
    ['link in', () => root.link('escape-directory/secret', root, 'stolen'), 'EPERM'],
    ['link out', () => root.link('file', root, 'escape-directory/file'), 'EPERM'],
    ['symlink to an absolute path', () => root.symlink('/etc/passwd', 'evil'), 'EPERM'],
    ['symlink outside', () => root.symlink('x', '../evil'), 'EPERM'],
    ['set times through a link', () => root.setTimesAt('escape', true, 0n, 0n), 'EPERM'],
    ['read a link outside', () => root.readLink('escape-directory/secret'), 'EPERM'],
  ];
  for (const [name, operation, code] of changes) test(name, () => assert.equal(outcome(operation), code));

  test('nothing was changed outside', () => {
    assert.equal(readFileSync(join(host, 'outside', 'secret'), 'utf8'), 'secret');
    for (const name of ['new', 'made', 'file']) assert.equal(existsSync(join(host, 'outside', name)), false);
    assert.equal(existsSync(join(host, 'made')), false);
  });
});

test('a parent that is moved away during the walk leads nowhere else', () => {
  mkdirSync(join(host, 'in', 'moving', 'sub'), { recursive: true });
  writeFileSync(join(host, 'in', 'moving', 'here'), 'inside');
  mkdirSync(join(host, 'outside', 'sub'));
  writeFileSync(join(host, 'outside', 'here'), 'outside');
  const seen: string[] = [];
  // `sub` is moved outside once the walk stands in it: `..` must still be where the walk came from.
  walk(root, 'moving/sub/x', (base, name) => {
    renameSync(join(host, 'in', 'moving', 'sub'), join(host, 'outside', 'sub2'));
    seen.push(name, base.path);
  });
  assert.equal(existsSync(join(host, 'outside', 'sub2')), true);
  assert.equal(seen[0], 'x');
  assert.equal(
    outcome(() => root.open('moving/sub/../here', { read: true })),
    'ENOENT',
  );
});

test('links that replace directories during the walk are not followed out', () => {
  mkdirSync(join(host, 'in', 'swap', 'target'), { recursive: true });
  let swapped = false;
  const code = outcome(() =>
    walk(root, 'swap/target/secret', (base, name) => {
      if (!swapped) {
        swapped = true;
        rmSync(join(host, 'in', 'swap', 'target'), { recursive: true });
        symlinkSync(join(host, 'outside'), join(host, 'in', 'swap', 'target'));
      }
      return lstatSync(`/proc/self/fd/${base.fd}/${name}`);
    }),
  );
  assert.equal(code, process.platform === 'linux' ? 'ENOENT' : code);
});

test('device files and pipes are not opened', () => {
  if (process.platform !== 'linux') return;
  const devices = Directory.grant('/dev', true);
  try {
    assert.equal(
      outcome(() => devices.open('null', { read: true })),
      'EACCES',
    );
    assert.equal(devices.statAt('null', false).isCharacterDevice(), true);
  } finally {
    devices.release();
  }
});

test('a pipe that somebody waits for is not touched', { skip: process.platform !== 'linux' }, async () => {
  const pipe = join(host, 'in', 'pipe');
  execFileSync('mkfifo', [pipe]);
  const reader = spawn('sh', ['-c', 'echo ready; exec cat "$0"', pipe]);
  const closed = once(reader, 'close');
  let text = '';
  reader.stdout.on('data', (data) => {
    text += data;
  });
  await once(reader.stdout, 'data');
  // Whoever opened it for writing and closed it would end the reader, which by now waits, or does before this is over.
  for (let times = 0; times < 5000; times++) {
    assert.equal(
      outcome(() => root.open('pipe', { write: true })),
      'EACCES',
    );
  }
  await writeFile(pipe, 'something');
  await closed;
  assert.equal(text, 'ready\nsomething');
});

test('a directory granted for reading only refuses every change', () => {
  const readOnly = Directory.grant(join(host, 'in'), true);
  const sub = readOnly.open('a', { directory: true });
  assert.ok(sub instanceof Directory);
  for (const directory of [readOnly, sub]) {
    for (const operation of [
      () => directory.open('new', { create: true }),
      () => directory.open('b/deep', { write: true }),
      () => directory.open('b/deep', { truncate: true }),
      () => directory.createDirectory('made'),
      () => directory.removeDirectory('b'),
      () => directory.removeFile('b/deep'),
      () => directory.rename('b', directory, 'c'),
      () => directory.link('b/deep', directory, 'deep'),
      () => directory.symlink('b', 'c'),
      () => directory.setTimesAt('b', false, 0n, 0n),
      () => root.rename('file', directory, 'file'),
    ]) {
      assert.equal(outcome(operation), 'EROFS', String(operation));
    }
  }
  sub.release();
  readOnly.release();
});

test('no file descriptor is left open', () => {
  // The system hands out the lowest free number.
  const lowest = (): number => {
    const opened = Directory.grant(host, true);
    opened.release();
    return opened.fd;
  };
  const first = lowest();
  for (const path of ['a/b/deep', 'escape-later', 'loop/x/y', 'a/b/../../..']) outcome(() => read(path));
  outcome(() => root.rename('a/b/nothing', root, 'a/b/other'));
  assert.equal(lowest(), first);
});
