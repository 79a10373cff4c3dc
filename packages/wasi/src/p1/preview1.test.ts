import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import { decode, Trap } from '@tenon/component';
import { preview1Module, runPreview1, type WasiOptions } from '../index.ts';

/** Parameters and results of every function: `i` is an `i32`, `I` an `i64`, `p` an `i32` that points to something. */
const SIGNATURES: Readonly<Record<string, string>> = {
  args_get: 'pp',
  args_sizes_get: 'pp',
  environ_get: 'pp',
  environ_sizes_get: 'pp',
  clock_res_get: 'ip',
  clock_time_get: 'iIp',
  fd_advise: 'iIIi',
  fd_allocate: 'iII',
  fd_close: 'i',
  fd_datasync: 'i',
  fd_fdstat_get: 'ip',
  fd_fdstat_set_flags: 'ii',
  fd_fdstat_set_rights: 'iII',
  fd_filestat_get: 'ip',
  fd_filestat_set_size: 'iI',
  fd_filestat_set_times: 'iIIi',
  fd_pread: 'ipiIp',
  fd_prestat_get: 'ip',
  fd_prestat_dir_name: 'ipi',
  fd_pwrite: 'ipiIp',
  fd_read: 'ipip',
  fd_readdir: 'ipiIp',
  fd_renumber: 'ii',
  fd_seek: 'iIip',
  fd_sync: 'i',
  fd_tell: 'ip',
  fd_write: 'ipip',
  path_create_directory: 'ipi',
  path_filestat_get: 'iipip',
  path_filestat_set_times: 'iipiIIi',
  path_link: 'iipiipi',
  path_open: 'iipiiIIip',
  path_readlink: 'ipipip',
  path_remove_directory: 'ipi',
  path_rename: 'ipiipi',
  path_symlink: 'piipi',
  path_unlink_file: 'ipi',
  poll_oneoff: 'ppip',
  proc_exit: 'i',
  proc_raise: 'i',
  sched_yield: '',
  random_get: 'pi',
  sock_accept: 'iip',
  sock_recv: 'ipiipp',
  sock_send: 'ipiip',
  sock_shutdown: 'ii',
};

type Call = readonly [name: string, ...args: (number | bigint)[]];

/** Memory of the modules below: strings at their places. The first 1024 bytes are for results. */
const DATA: readonly (readonly [number, string])[] = [
  [1024, 'file'],
  [1032, '../x'],
  [1040, 'new'],
  [1048, '/etc'],
  [1056, 'dir'],
  [1064, 'link'],
  [1072, '\\ff\\fe'],
  // Two pieces: `hello` and ` you`, and one that leads out of the memory.
  [1088, '\\80\\04\\00\\00\\05\\00\\00\\00\\88\\04\\00\\00\\04\\00\\00\\00\\00\\ff\\00\\00\\ff\\ff\\ff\\ff'],
  [1152, 'hello'],
  [1160, ' you'],
  // Two pieces to read into: 3 bytes at 64, 100 at 67.
  [1080, 'dir/'],
  [1200, 'file/'],
  [1208, 'new/'],
  // A subscription to the clock 9.
  [1232, '\\09'],
  [1176, '\\40\\00\\00\\00\\03\\00\\00\\00\\43\\00\\00\\00\\64\\00\\00\\00'],
];
const READ_PIECES = 1176;
const WRITE_PIECES = 1088;

/** The bytes of a module as text. */
async function assembled(text: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await parse(text));
}

async function module(body: string): Promise<WebAssembly.Module | undefined> {
  const types = Object.entries(SIGNATURES).map(([name, parameters]) => {
    const params = [...parameters].map((kind) => (kind === 'I' ? 'i64' : 'i32')).join(' ');
    const result = name === 'proc_exit' ? '' : '(result i32)';
    return `(import "wasi_snapshot_preview1" "${name}" (func $${name} (param ${params}) ${result}))`;
  });
  const data = DATA.map(([at, text]) => `(data (i32.const ${at}) "${text}")`);
  return preview1Module(await assembled(`(module ${types.join('\n')} (memory (export "memory") 1) ${data.join('\n')} ${body})`));
}

const instruction = ([name, ...args]: Call): string =>
  `(call $${name} ${args.map((arg) => `(${typeof arg === 'bigint' ? 'i64' : 'i32'}.const ${arg})`).join(' ')})`;

/** Makes the calls one after the other; the exit code is the errno of the first that fails, and of the last. */
async function run(calls: readonly Call[], options: WasiOptions = {}): Promise<number> {
  const body = calls.map((call) =>
    call[0] === 'proc_exit'
      ? instruction(call)
      : `(if (local.tee $errno ${instruction(call)}) (then (call $proc_exit (local.get $errno))))`,
  );
  const built = await module(`(func (export "_start") (local $errno i32) ${body.join('\n')})`);
  assert.ok(built);
  return runPreview1(built, options);
}

let host: string;
before(() => {
  host = mkdtempSync(join(tmpdir(), 'tenon-p1-'));
  mkdirSync(join(host, 'dir'));
  writeFileSync(join(host, 'file'), 'content');
  symlinkSync('../outside', join(host, 'link'));
});
after(() => rmSync(host, { recursive: true }));
const granted = (): WasiOptions => ({ preopens: [{ host, guest: '/data' }] });

const READ = 2n;
const WRITE = 64n;
const E = { ACCES: 2, BADF: 8, EXIST: 20, FAULT: 21, FBIG: 22, ILSEQ: 25, INVAL: 28, ISDIR: 31, NOENT: 44, NAMETOOLONG: 37 } as const;
const [NOTDIR, NOTEMPTY, NOTSOCK, NOTSUP, PERM, ROFS, SPIPE, NOTCAPABLE] = [54, 55, 57, 58, 63, 69, 70, 76];
const open = (at: number, length: number, flags: number, rights: bigint): Call => ['path_open', 3, 0, at, length, flags, rights, 0n, 0, 0];

describe('errors, by call', () => {
  const rows: readonly (readonly [about: string, calls: readonly Call[], errno: number])[] = [
    ['a descriptor that is not open', [['fd_close', 9]], E.BADF],
    [
      'closed twice',
      [
        ['fd_close', 3],
        ['fd_close', 3],
      ],
      E.BADF,
    ],
    [
      'a preopen has a name',
      [
        ['fd_prestat_get', 3, 0],
        ['fd_prestat_dir_name', 3, 16, 5],
      ],
      0,
    ],
    ['standard input is not granted, but there', [['fd_prestat_get', 0, 0]], E.BADF],
    ['its name does not fit', [['fd_prestat_dir_name', 3, 16, 4]], E.NAMETOOLONG],
    ['only one preopen', [['fd_prestat_get', 4, 0]], E.BADF],
    [
      'a clock that is there',
      [
        ['clock_time_get', 0, 0n, 0],
        ['clock_time_get', 1, 0n, 0],
      ],
      0,
    ],
    ['a clock of processor time', [['clock_time_get', 2, 0n, 0]], E.INVAL],
    ['its resolution', [['clock_res_get', 3, 0]], E.INVAL],
    ['no file', [open(1040, 3, 0, READ)], E.NOENT],
    ['a path that leads out', [open(1032, 4, 0, READ)], PERM],
    ['an absolute path', [open(1048, 4, 0, READ)], PERM],
    ['a link that leads out', [['path_filestat_get', 3, 1, 1064, 4, 0]], PERM],
    ['a name that is not UTF-8', [open(1072, 2, 0, READ)], E.ILSEQ],
    ['a name without end', [open(1024, 0x7fffffff, 0, READ)], E.NAMETOOLONG],
    ['a file as a directory', [open(1024, 4, 2, READ)], NOTDIR],
    ['a path in a stream', [['path_unlink_file', 0, 1024, 4]], NOTDIR],
    ['create what is there', [open(1024, 4, 5, READ)], E.EXIST],
    ['create a directory by opening', [open(1056, 3, 3, READ)], E.INVAL],
    ['open a directory for writing', [open(1056, 3, 2, READ | WRITE)], E.ISDIR],
    ['unknown flags', [open(1024, 4, 16, READ)], E.INVAL],
    ['read', [open(1024, 4, 0, READ), ['fd_read', 4, READ_PIECES, 2, 0]], 0],
    ['read what is open for writing', [open(1024, 4, 0, WRITE), ['fd_read', 4, READ_PIECES, 2, 0]], E.BADF],
    ['write what is open for reading', [open(1024, 4, 0, READ), ['fd_write', 4, WRITE_PIECES, 2, 0]], E.BADF],
    ['read a directory', [['fd_read', 3, READ_PIECES, 2, 0]], E.BADF],
    ['read standard output', [['fd_read', 1, READ_PIECES, 2, 0]], E.BADF],
    ['write standard input', [['fd_write', 0, WRITE_PIECES, 2, 0]], E.BADF],
    ['a piece leads out', [['fd_write', 1, WRITE_PIECES, 3, 0]], E.FAULT],
    ['pieces without end', [['fd_write', 1, WRITE_PIECES, 0x20000001, 0]], E.FAULT],
    ['seek in a stream', [['fd_seek', 1, 0n, 0, 0]], SPIPE],
    ['tell of a stream', [['fd_tell', 1, 0]], SPIPE],
    ['seek in a directory', [['fd_seek', 3, 0n, 0, 0]], E.BADF],
    ['seek before the beginning', [open(1024, 4, 0, READ), ['fd_seek', 4, -1n, 1, 0]], E.INVAL],
    ['seek too far', [open(1024, 4, 0, READ), ['fd_seek', 4, 0x7fffffffffffffffn, 0, 0]], E.FBIG],
    ['an unknown whence', [open(1024, 4, 0, READ), ['fd_seek', 4, 0n, 3, 0]], E.INVAL],
    ['times that exclude each other', [['fd_filestat_set_times', 3, 0n, 0n, 3]], E.INVAL],
    ['set the times', [['path_filestat_set_times', 3, 0, 1024, 4, 1_000n, 2_000n, 5]], 0],
    ['remove a directory as a file', [['path_unlink_file', 3, 1056, 3]], E.ISDIR],
    ['remove a file as a directory', [['path_remove_directory', 3, 1024, 4]], NOTDIR],
    ['make what is there', [['path_create_directory', 3, 1056, 3]], E.EXIST],
    ['a link to an absolute path', [['path_symlink', 1048, 4, 3, 1040, 3]], PERM],
    ['read no link', [['path_readlink', 3, 1024, 4, 0, 100, 128]], E.INVAL],
    ['read a link into too little', [['path_readlink', 3, 1064, 4, 0, 2, 128]], 0],
    ['link, following', [['path_link', 3, 1, 1064, 4, 3, 1040, 3]], E.INVAL],
    ['space to reserve', [open(1024, 4, 0, WRITE), ['fd_allocate', 4, 0n, 1n]], NOTSUP],
    ['size of what is open for reading', [open(1024, 4, 0, READ), ['fd_filestat_set_size', 4, 0n]], E.INVAL],
    ['a size without end', [open(1024, 4, 0, WRITE), ['fd_filestat_set_size', 4, -1n]], E.INVAL],
    ['advice', [open(1024, 4, 0, READ), ['fd_advise', 4, 0n, 0n, 5]], 0],
    ['advice that is none', [open(1024, 4, 0, READ), ['fd_advise', 4, 0n, 0n, 6]], E.INVAL],
    ['renumber to nothing', [['fd_renumber', 1, 9]], E.BADF],
    [
      'renumber closes',
      [
        ['fd_renumber', 0, 1],
        ['fd_close', 0],
      ],
      E.BADF,
    ],
    [
      'a right that was given up',
      [
        ['fd_fdstat_set_rights', 3, 1n << 13n, 0n],
        ['path_unlink_file', 3, 1024, 4],
      ],
      NOTCAPABLE,
    ],
    ['what it passes on', [['fd_fdstat_set_rights', 3, 1n << 13n, READ], open(1024, 4, 0, WRITE)], NOTCAPABLE],
    ['what it still passes on', [['fd_fdstat_set_rights', 3, 1n << 13n, READ], open(1024, 4, 0, READ)], 0],
    ['a right that it never had', [['fd_fdstat_set_rights', 0, -1n, 0n]], NOTCAPABLE],
    ['flags that can be changed', [open(1024, 4, 0, WRITE), ['fd_fdstat_set_flags', 4, 5]], 0],
    ['flags that cannot', [['fd_fdstat_set_flags', 1, 16]], E.INVAL],
    ['poll nothing', [['poll_oneoff', 0, 512, 0, 900]], E.INVAL],
    ['poll too much', [['poll_oneoff', 0, 512, 0x10001, 900]], E.INVAL],
    ['signals', [['proc_raise', 9]], NOTSUP],
    ['sockets', [['sock_shutdown', 1, 0]], NOTSOCK],
    ['sockets that are not open', [['sock_accept', 99, 0, 0]], E.BADF],
    ['exit codes', [['proc_exit', 255]], 255],
    ['exit codes beyond', [['proc_exit', 0x107]], 7],
    ['exit codes beyond that would be a success', [['proc_exit', 0x100]], 1],
    ['exit codes that are none', [['proc_exit', -256]], 1],
    ['poll a clock that there is not', [['poll_oneoff', 1216, 512, 1, 900]], E.INVAL],
    ['a link where a directory is', [['path_symlink', 1024, 4, 3, 1080, 4]], E.EXIST],
    ['a link where a file is, as if it were a directory', [['path_symlink', 1024, 4, 3, 1200, 5]], E.EXIST],
    ['a link where nothing is, as if it were a directory', [['path_symlink', 1024, 4, 3, 1208, 4]], E.NOENT],
  ];
  for (const [about, calls, errno] of rows) test(about, async () => assert.equal(await run(calls, granted()), errno));

  test('a directory granted for reading only', async () => {
    const options = { preopens: [{ host, guest: '/', readOnly: true }] };
    for (const call of [
      open(1024, 4, 0, WRITE),
      open(1040, 3, 1, READ),
      open(1024, 4, 8, READ),
      ['path_create_directory', 3, 1040, 3],
      ['path_unlink_file', 3, 1024, 4],
      ['path_filestat_set_times', 3, 0, 1024, 4, 0n, 0n, 5],
    ] satisfies Call[]) {
      assert.equal(await run([call], options), ROFS, call[0]);
    }
    assert.equal(await run([open(1024, 4, 0, READ), ['fd_filestat_set_times', 4, 0n, 0n, 5]], options), ROFS);
    assert.equal(readFileSync(join(host, 'file'), 'utf8'), 'content');
  });

  test('nothing is granted by default', async () => {
    assert.equal(await run([['fd_prestat_get', 3, 0]]), E.BADF);
    assert.equal(
      await run([
        ['args_sizes_get', 0, 4],
        ['environ_sizes_get', 8, 12],
      ]),
      0,
    );
  });

  test('a guest cannot open files without end', async () => {
    const built = await module(`(func (export "_start") (local $errno i32) (loop $again
      (br_if $again (i32.eqz (local.tee $errno ${instruction(open(1024, 4, 0, READ))}))))
      (call $proc_exit (local.get $errno)))`);
    assert.ok(built);
    assert.equal(await runPreview1(built, granted()), 33);
  });
});

describe('pointers that lead out of the memory are an error', () => {
  for (const [name, parameters] of Object.entries(SIGNATURES)) {
    const pointers = [...parameters].filter((kind) => kind === 'p').length;
    for (let nth = 0; nth < pointers; nth++) {
      test(`${name}, pointer ${nth + 1}`, async () => {
        for (const pointer of [0xffff_ffff, 0x8000_0000, 65_536]) {
          let seen = 0;
          // What is no pointer is a descriptor, a count or a length: 3 is the directory, and a number of bytes that is there.
          const args = [...parameters].map((kind) => (kind === 'I' ? 0n : kind === 'p' ? (seen++ === nth ? pointer : 1024) : 3));
          const options = { ...granted(), args: ['a'], env: { A: 'b' }, stdin: 'bytes' };
          const errno = await run([[name, ...args]], options);
          assert.notEqual(errno, 0, `${name}(${args.join(', ')})`);
        }
      });
    }
  }

  for (const [name, ...args] of [
    ['args_get', 65_532, 65_535],
    ['args_get', 0, 65_535],
    ['random_get', 0, 65_537],
    ['fd_read', 0, READ_PIECES, 2, 65_533],
    ['fd_write', 1, 65_532, 1, 0],
    ['poll_oneoff', 65_500, 0, 1, 0],
    ['poll_oneoff', 0, 65_510, 1, 0],
    ['fd_readdir', 3, 0, 65_537, 0n, 0],
    ['path_readlink', 3, 1064, 4, 0, 65_537, 0],
    ['fd_fdstat_get', 0, 65_513],
    ['fd_filestat_get', 3, 65_473],
  ] satisfies Call[]) {
    test(`${name}(${args.join(', ')})`, async () => {
      assert.equal(await run([[name, ...args]], { ...granted(), args: ['long name'], stdin: 'x' }), E.FAULT);
    });
  }
});

test('what appends does so wherever it is told to write, and moves no place', async () => {
  writeFileSync(join(host, 'appended'), 'old ');
  const built = await module(`(data (i32.const 2000) "appended") (func (export "_start") (local $errno i32)
    ${[
      ['path_open', 3, 0, 2000, 8, 0, WRITE, 0n, 1, 0],
      ['fd_pwrite', 4, WRITE_PIECES, 1, 1n, 900],
      ['fd_tell', 4, 904],
    ]
      .map((call) => `(if (local.tee $errno ${instruction(call as unknown as Call)}) (then (call $proc_exit (i32.const 99))))`)
      .join('\n')}
    (call $proc_exit (i32.add (i32.mul (i32.const 16) (i32.load (i32.const 904))) (i32.load (i32.const 900)))))`);
  assert.ok(built);
  assert.equal(await runPreview1(built, granted()), 5);
  assert.equal(readFileSync(join(host, 'appended'), 'utf8'), 'old hello');
  rmSync(join(host, 'appended'));
});

/** What preview 0 has other than preview 1. */
describe('wasi_unstable', () => {
  async function unstable(functions: Readonly<Record<string, string>>, body: string): Promise<number> {
    const imports = Object.entries(functions).map(
      ([name, params]) =>
        `(import "wasi_unstable" "${name}" (func $${name} (param ${params}) ${name === 'proc_exit' ? '' : '(result i32)'}))`,
    );
    const data = DATA.map(([at, text]) => `(data (i32.const ${at}) "${text}")`);
    const text = `(module ${imports.join('\n')} (memory (export "memory") 1) ${data.join('\n')} (func (export "_start") ${body}))`;
    const built = await preview1Module(await assembled(text));
    assert.ok(built);
    return runPreview1(built, granted());
  }
  const OPEN = { path_open: 'i32 i32 i32 i32 i32 i64 i64 i32 i32', proc_exit: 'i32' };
  const opened = `(if (call $path_open (i32.const 3) (i32.const 0) (i32.const 1024) (i32.const 4) (i32.const 0) (i64.const -1) (i64.const -1)
    (i32.const 0) (i32.const 0)) (then (call $proc_exit (i32.const 99))))`;

  for (const [whence, offset, place] of [
    [2, 3, 3],
    [1, -2, 5],
    [0, 0, 0],
    [3, 0, 28],
  ] as const) {
    test(`fd_seek by ${offset} with whence ${whence}`, async () => {
      const seek = `(call $fd_seek (i32.const 4) (i64.const ${offset}) (i32.const ${whence}) (i32.const 8))`;
      const code = await unstable(
        { ...OPEN, fd_seek: 'i32 i64 i32 i32' },
        `(local $errno i32) ${opened} (local.set $errno ${seek}) (call $proc_exit (i32.add (local.get $errno) (i32.load (i32.const 8))))`,
      );
      assert.equal(code, place);
    });
  }

  test('a filestat has 56 bytes', async () => {
    const code = await unstable(
      { fd_filestat_get: 'i32 i32', ...OPEN },
      `${opened} (i64.store (i32.const 56) (i64.const -1))
        (if (call $fd_filestat_get (i32.const 4) (i32.const 0)) (then (call $proc_exit (i32.const 98))))
        (if (i64.ne (i64.load (i32.const 56)) (i64.const -1)) (then (call $proc_exit (i32.const 97))))
        (if (i32.ne (i32.load (i32.const 20)) (i32.const 1)) (then (call $proc_exit (i32.const 96))))
        (call $proc_exit (i32.load (i32.const 24)))`,
    );
    assert.equal(code, 'content'.length);
  });

  test('a clock to wait for has an identifier of its own', async () => {
    // userdata, kind, identifier, clock 1, a millisecond
    const code = await unstable(
      { poll_oneoff: 'i32 i32 i32 i32', proc_exit: 'i32' },
      `(i64.store (i32.const 0) (i64.const 7)) (i64.store (i32.const 16) (i64.const 99)) (i32.store (i32.const 24) (i32.const 1))
        (i64.store (i32.const 32) (i64.const 1000000))
        (if (call $poll_oneoff (i32.const 0) (i32.const 512) (i32.const 1) (i32.const 900)) (then (call $proc_exit (i32.const 99))))
        (call $proc_exit (i32.add (i32.load (i32.const 900)) (i32.load (i32.const 512))))`,
    );
    assert.equal(code, 8);
  });
});

describe('modules that are no commands', () => {
  const command = '(memory (export "memory") 1) (func (export "_start"))';
  for (const [about, text, message] of [
    [
      'another import',
      `(import "wasi_snapshot_preview1" "fd_close" (func (param i32) (result i32))) (import "env" "f" (func)) ${command}`,
      /env\.f/,
    ],
    ['an unknown function', `(import "wasi_snapshot_preview1" "fork" (func)) ${command}`, /fork/],
    ['a memory from outside', '(import "wasi_snapshot_preview1" "memory" (memory 1)) (func (export "_start"))', /memory \(memory\)/],
    ['nothing to run', '(import "wasi_snapshot_preview1" "sched_yield" (func (result i32))) (memory (export "memory") 1)', /neither/],
    [
      'functions of two previews',
      `(import "wasi_snapshot_preview1" "sched_yield" (func (result i32))) (import "wasi_unstable" "fd_close" (func (param i32) (result i32))) ${command}`,
      /wasi_snapshot_preview1\.sched_yield/,
    ],
    [
      'a function that came with preview 1',
      `(import "wasi_unstable" "sock_accept" (func (param i32 i32 i32) (result i32))) ${command}`,
      /sock_accept/,
    ],
    ['no memory', '(import "wasi_snapshot_preview1" "sched_yield" (func (result i32))) (func (export "_start"))', /memory/],
  ] as const) {
    test(about, async () => {
      const built = await preview1Module(await assembled(`(module ${text})`));
      assert.ok(built);
      await assert.rejects(runPreview1(built), { code: 'TENON_PREVIEW1', message });
    });
  }

  test('a command without imports, and what is only made ready, run', async () => {
    for (const [text, code] of [
      ['(module (func (export "_start")))', 0],
      ['(module (func (export "_initialize")))', 0],
      [
        `(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32))) (memory (export "memory") 1)
          (func (export "_initialize") (call $exit (i32.const 9))))`,
        9,
      ],
      [
        `(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32))) (memory (export "memory") 1)
          (func (export "_initialize") unreachable) (func (export "_start") (call $exit (i32.const 8))))`,
        8,
      ],
    ] as const) {
      const built = await preview1Module(await assembled(text));
      assert.ok(built);
      assert.equal(await runPreview1(built), code);
    }
  });

  test('what is no core module of preview 1 is not taken for one', async () => {
    for (const text of ['(module)', '(component)', '(module (import "a" "b" (func)))']) {
      assert.equal(await preview1Module(await assembled(text)), undefined);
    }
    const broken = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 99]);
    assert.equal(await preview1Module(broken), undefined);
    assert.equal(await preview1Module(new Uint8Array(3)), undefined);
  });

  test('functions imported with other types trap and crash nothing', async () => {
    for (const [type, call] of [
      ['(param i64 i32 i32 i32) (result i32)', '(drop (call $f (i64.const 1) (i32.const 0) (i32.const 0) (i32.const 0)))'],
      ['(param i32) (result i32)', '(drop (call $f (i32.const 1)))'],
      ['(param i32 i32 i32 externref) (result i32)', '(drop (call $f (i32.const 1) (i32.const 0) (i32.const 0) (ref.null extern)))'],
      ['(param i32 i32 i32 i32) (result i64)', '(drop (call $f (i32.const 9) (i32.const 0) (i32.const 0) (i32.const 0)))'],
    ] as const) {
      const text = `(module (import "wasi_snapshot_preview1" "fd_write" (func $f ${type}))
        (memory (export "memory") 1) (func (export "_start") ${call}))`;
      const built = await preview1Module(await assembled(text));
      assert.ok(built);
      await runPreview1(built).catch((error: unknown) => assert.ok(error instanceof Trap, String(error)));
    }
  });

  test('an exit that the guest catches stays an exit', async () => {
    const built = await module(`(func (export "_start")
      (block $caught (try_table (catch_all $caught) (call $proc_exit (i32.const 5))))
      (drop ${instruction(['fd_write', 1, WRITE_PIECES, 2, 0])}))`);
    assert.ok(built);
    let written = '';
    assert.equal(
      await runPreview1(built, {
        stdout: (bytes) => {
          written += Buffer.from(bytes);
        },
      }),
      5,
    );
    assert.equal(written, '');
  });
});

test('a guest that waits does not hold up the event loop, and the first event ends the wait', async () => {
  // Subscriptions to standard input and to 20 s of the clock.
  const built = await module(`(data (i32.const 128) "\\01") (data (i32.const 136) "\\01")
    (data (i32.const 176) "\\02") (data (i32.const 192) "\\01\\00\\00\\00") (data (i32.const 200) "\\00\\c8\\17\\a8\\04")
    (func (export "_start")
      (drop ${instruction(['poll_oneoff', 128, 512, 2, 900])})
      ;; One event, of the first subscription.
      (call $proc_exit (i32.add (i32.mul (i32.load (i32.const 900)) (i32.const 16)) (i32.load (i32.const 512)))))`);
  assert.ok(built);
  const stdin = new Readable({ read() {} });
  const code = runPreview1(built, { stdin });
  await wait(1);
  stdin.push('x');
  assert.equal(await code, 17);
});

describe('a program in Rust', () => {
  let program: WebAssembly.Module;
  before(async () => {
    // The component is made of it and of an adapter.
    const bytes = readFileSync(new URL('../../../../guests/rust-cli/rust-cli.wasm', import.meta.url));
    const core = decode(bytes).definitions.find((definition) => definition.kind === 'core module');
    assert.ok(core);
    const module = await preview1Module(bytes.subarray(core.start, core.end));
    assert.ok(module);
    program = module;
  });

  async function outcome(args: readonly string[], options: WasiOptions = {}): Promise<readonly [number, string, string]> {
    const texts: Buffer[][] = [[], []];
    const take = (index: 0 | 1) => (bytes: Uint8Array) => {
      texts[index]?.push(Buffer.from(bytes));
    };
    const code = await runPreview1(program, { ...granted(), ...options, args: ['guest', ...args], stdout: take(0), stderr: take(1) });
    const [stdout = '', stderr = ''] = texts.map((parts) => Buffer.concat(parts).toString());
    return [code, stdout, stderr];
  }

  const big = 'a line of text, naïve\n'.repeat(50_000);
  for (const [args, options, wanted] of [
    [['args', 'one', '', 'naïve 🦀'], {}, [0, 'one\n\nnaïve 🦀\n', '']],
    [['env'], { env: { A: '1', B: 'two words' } }, [0, 'A=1\nB=two words\n', '']],
    [['env', 'HOME'], {}, [2, '', '']],
    [['cat'], {}, [0, '', '']],
    [['cat'], { stdin: big }, [0, big, '']],
    [['cat'], { stdin: Readable.from(['a', 'b', 'c']) }, [0, 'abc', '']],
    [['mkdir', '/data/deep/er'], {}, [0, '', '']],
    [['write', '/data/deep/er/file', 'content'], {}, [0, '', '']],
    [['append', '/data/deep/er/file', ' and more'], {}, [0, '', '']],
    [['read', '/data/deep/er/file'], {}, [0, 'content and more', '']],
    [['copy', '/data/deep/er/file', '/data/copy'], {}, [0, '16 bytes\n', '']],
    [['list', '/data'], {}, [0, 'copy\ndeep/\ndir/\nfile\nlink\n', '']],
    [['stat', '/data/copy'], {}, [0, 'file 16\n', '']],
    [['rename', '/data/copy', '/data/deep/copy'], {}, [0, '', '']],
    [['remove', '/data/deep/copy'], {}, [0, '', '']],
    [['remove', '/data/deep'], {}, [1, '', `rust-cli: Directory not empty (os error ${NOTEMPTY})\n`]],
    [['read', '/data/link'], {}, [1, '', `rust-cli: Operation not permitted (os error ${PERM})\n`]],
    [['stderr', 'to the other'], {}, [0, '', 'to the other\n']],
    [['exit', '7'], {}, [7, '', '']],
    [['fail'], {}, [1, '', 'rust-cli: failed as asked\n']],
    [['sleep', '5'], {}, [0, 'slept\n', '']],
  ] as const) {
    test(args.join(' '), async () => assert.deepEqual(await outcome(args, options), wanted));
  }

  test('a trap names the function', async () => {
    await assert.rejects(outcome(['panic']), { name: 'Trap', code: 'TENON_TRAP', func: '_start', message: /unreachable/ });
    await assert.rejects(outcome(['recurse']), { name: 'Trap', message: /out of bounds memory access/ });
  });

  test('random bytes differ, the year is right', async () => {
    assert.notEqual((await outcome(['random']))[1], (await outcome(['random']))[1]);
    assert.match((await outcome(['clock']))[1], /^20\d\d\n$/);
  });

  test('files are gone with the directory', () => assert.equal(existsSync(join(host, 'copy')), false));
});
