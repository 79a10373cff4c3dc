import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import { finish, folder, guest, start, tenon } from '../test/tenon.ts';
import { COMMANDS } from './commands.ts';

const calculator = guest('rust-calculator');

for (const name of Object.keys(COMMANDS)) {
  test(`tenon ${name} --help shows usage and an example`, async () => {
    const { code, stdout, stderr } = await tenon([name, '--help']);
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, new RegExp(`Usage: tenon ${name} `));
    assert.match(stdout, new RegExp(`Examples?:\n {2}tenon ${name} `));
  });
}

test('tenon lists its commands and says its version', async () => {
  const help = await tenon(['--help']);
  for (const name of Object.keys(COMMANDS)) assert.match(help.stdout, new RegExp(`^ {2}${name} `, 'm'));
  assert.equal(help.code, 0);
  assert.equal((await tenon([])).code, 2);
  assert.match((await tenon(['--version'])).stdout, /^tenon \d+\.\d+\.\d+\n$/);
});

test('tenon run: arguments, environment, files, stdin and exit codes of the guest', async (t) => {
  const files = folder(t);
  writeFileSync(join(files, 'note.txt'), 'a note');
  const cli = guest('rust-cli');
  const dir = ['--dir', `${files}::/data`];
  const rows: [readonly string[], string, { stdin?: string; env?: Record<string, string> }, number?][] = [
    [['run', cli, 'args', '--dir', 'x', '-h'], '--dir\nx\n-h\n', {}],
    [['run', '--env', 'A=1', '--env', 'FROM_HERE', cli, 'env'], 'A=1\nFROM_HERE=yes\n', { env: { FROM_HERE: 'yes' } }],
    [['run', cli, 'env'], '', {}],
    [['run', ...dir, cli, 'read', '/data/note.txt'], 'a note', {}],
    [['run', cli, 'cat'], 'héllo\n', { stdin: 'héllo\n' }],
    [['run', cli, 'exit', '0'], '', {}],
    // Rust's standard library ends by `wasi:cli/exit`, which knows success and failure only.
    [['run', cli, 'exit', '7'], '', {}, 1],
    [['run', cli, 'fail'], '', {}, 1],
  ];
  for (const [args, stdout, environment, code = 0] of rows) {
    const result = await tenon(args, environment);
    assert.deepEqual([result.stdout, result.code], [stdout, code], `${args.join(' ')}\n${result.stderr}`);
  }
  const readOnly = await tenon(['run', '--dir', `${files}::/data::ro`, cli, 'write', '/data/new.txt', 'x']);
  assert.equal(readOnly.code, 1);
});

test('tenon run says what would grant a connection that is refused', async () => {
  const { stderr } = await tenon(['run', guest('wasi-tests/sockets')]);
  const told = stderr.split('\n').filter((line) => line.startsWith('warning: '));
  assert.ok(told.includes('warning: the guest may not connect to 127.0.0.1:1: `--connect 127.0.0.1:1` would let it'), stderr);
  assert.equal(new Set(told).size, told.length);
});

/** A component that exports one core function under a name. */
const exporting = (name: string, body: string): string => `(component
  (core module $m (func (export "f") (result i32) ${body}))
  (core instance $i (instantiate $m))
  (func $f (result (result)) (canon lift (core func $i "f")))
  (instance $e (export "run" (func $f)))
  (export "${name}" (instance $e)))`;

test('tenon run tells success, failure, exit codes and traps apart', async (t) => {
  const files = folder(t);
  const exits = (code: number): string =>
    `(module (import "wasi_snapshot_preview1" "proc_exit" (func $e (param i32))) (memory (export "memory") 1)
      (func (export "_start") (call $e (i32.const ${code}))))`;
  const rows: readonly (readonly [text: string, code: number, stderr: RegExp])[] = [
    [exporting('wasi:cli/run@0.2.0', 'i32.const 0'), 0, /^$/],
    [exporting('wasi:cli/run@0.2.0', 'i32.const 1'), 1, /^error: .*guest\.wasm failed: its `run` returned an error\n$/],
    [exporting('wasi:cli/run@0.2.0', 'unreachable'), 134, /TENON_TRAP/],
    [exits(1), 1, /^$/],
    [exits(256), 1, /^$/],
    [exits(255), 255, /^$/],
    ['(module (func (export "_start") unreachable))', 134, /TENON_TRAP/],
    ['(module (func (export "_start")))', 0, /^$/],
    ['(module (func (export "_initialize")))', 0, /^$/],
    ['(module (import "wasi_unstable" "sched_yield" (func (result i32))) (memory (export "memory") 1) (func (export "_start")))', 0, /^$/],
  ];
  for (const [text, code, stderr] of rows) {
    const path = join(files, 'guest.wasm');
    const bytes = await parse(text);
    writeFileSync(path, bytes);
    const result = await tenon(['run', path]);
    assert.equal(result.code, code, text);
    assert.match(result.stderr, stderr, text);
    // The same from standard input, of which nothing is left for the guest.
    const piped = await tenon(['run', '-'], { stdin: bytes });
    assert.equal(piped.code, code, piped.stderr);
  }
});

test('tenon run: a trap says where, and the exit code is 134', async () => {
  const { code, stderr } = await tenon(['run', guest('rust-cli'), 'panic', 'oh no']);
  assert.equal(code, 134);
  assert.match(stderr, /oh no/);
  assert.match(stderr, /error\[TENON_TRAP\]: .*\n {2}in component/);
  // The first function that is shown is the one that a person wrote.
  assert.match(stderr, /\n {2}… \d+ frames of Rust's panic machinery\n {2}at rust_cli::main \(wasm:/);
  const deep = await tenon(['run', guest('rust-cli'), 'recurse']);
  assert.match(deep.stderr, /likely a stack overflow: `rust_cli::recurse`[\s\S]*at rust_cli::recurse .*\n {2}… the same \d+ times more/);
});

test('tenon run --max-memory: a guest that allocates without end is told that there is no more', async () => {
  const { code, stderr } = await tenon(['run', '--max-memory', '16777216', guest('rust-cli'), 'allocate']);
  assert.equal(code, 134);
  assert.match(stderr, /memory allocation of \d+ bytes failed[\s\S]*TENON_TRAP/);
  const begins = await tenon(['run', '--max-memory', '65536', guest('rust-cli'), 'args']);
  assert.match(begins.stderr, /TENON_MEMORY_LIMIT.*the limit is 65536/);
  assert.equal(begins.code, 2);
});

test('tenon run: what a guest may hold of the host', async (t) => {
  const files = folder(t);
  writeFileSync(join(files, 'note.txt'), 'a note');
  const read = ['--dir', `${files}::/data`, guest('rust-cli'), 'read', '/data/note.txt'];
  const socket = ['--connect', '127.0.0.1', guest('rust-bench'), 'echo', '1', '1'];
  const requests = ['--http', '127.0.0.1', guest('wasi-tests/http'), '127.0.0.1:1', '127.0.0.1:1'];
  const rows: [option: string, few: string, enough: string, args: readonly string[], refused: RegExp][] = [
    ['--max-open-files', '0', '1', read, /Out of memory/],
    ['--max-handles', '2', '1000', read, /TENON_TRAP.*the handle table is full: it holds 2 handles/],
    ['--max-sockets', '0', '1', socket, /new-socket-limit/],
    ['--max-outgoing-requests', '0', '10', requests, /ConnectionLimitReached/],
  ];
  for (const [option, few, enough, args, refused] of rows) {
    const limited = await tenon(['run', option, few, ...args]);
    assert.match(limited.stdout + limited.stderr, refused);
    const free = await tenon(['run', option, enough, ...args]);
    assert.doesNotMatch(free.stdout + free.stderr, refused);
  }
});

for (const work of [['spin'], ['sleep', '3600000']]) {
  test(`tenon run --timeout: ${work[0]} is ended`, async () => {
    const { signal, stderr } = await tenon(['run', '--timeout', '200', guest('rust-cli'), ...work]);
    assert.match(stderr, /^error\[TENON_RUN_TIMEOUT\]: the guest did not end within 200 ms$/m);
    assert.equal(signal, 'SIGKILL');
  });
}

test('tenon run --timeout: what ends in time ends as ever', async () => {
  for (const [work, code, stdout] of [
    [['args', 'one'], 0, 'one\n'],
    [['fail'], 1, ''],
  ] as const) {
    const result = await tenon(['run', '--timeout', '3600000', guest('rust-cli'), ...work]);
    assert.deepEqual([result.code, result.stdout], [code, stdout], result.stderr);
  }
});

test('tenon run: Ctrl-C ends a guest that computes for ever', async (t) => {
  const child = start(['run', guest('rust-cli'), 'spin']);
  t.after(() => child.kill('SIGKILL'));
  const finished = finish(child);
  // By then the guest may not have started; the signal ends the process either way.
  await new Promise((resolve) => child.once('spawn', resolve));
  child.kill('SIGINT');
  assert.equal((await finished).signal, 'SIGINT');
});

for (const [call, printed, code] of [
  ['add(1, 2)', '3', 0],
  ['math.multiply(-4, 5)', '-20', 0],
  ['example:calculator/math.add(2147483647, 1)', '-2147483648', 0],
] as const) {
  test(`tenon run --invoke '${call}'`, async () => {
    const result = await tenon(['run', '--invoke', call, calculator]);
    assert.deepEqual([result.stdout, result.code], [`${printed}\n`, code], result.stderr);
  });
}

test('tenon validate', async (t) => {
  const files = folder(t);
  const bad = join(files, 'bad.wasm');
  const bytes = readFileSync(calculator);
  writeFileSync(bad, bytes.subarray(0, 100));
  assert.deepEqual(await tenon(['validate', calculator]), {
    code: 0,
    signal: null,
    stdout: `${calculator}: a valid component\n`,
    stderr: '',
  });
  const { code, stdout } = await tenon(['validate', '--json', calculator, bad]);
  assert.equal(code, 1);
  const [first, second] = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(first, { file: calculator, valid: true });
  assert.equal(second.valid, false);
  assert.equal(second.code, 'TENON_MALFORMED');
  assert.ok(second.offset >= 0 && second.offset <= 100);
});

test('tenon inspect', async (t) => {
  const text = await tenon(['inspect', calculator]);
  assert.match(text.stdout, /What it can touch\n {2}nothing: it can only compute/);
  assert.match(text.stdout, /add: func\(a: s32, b: s32\) -> s32/);
  const json = JSON.parse((await tenon(['inspect', '--json', guest('rust-cli')])).stdout);
  assert.deepEqual(json.capabilities.map((capability: { kind: string }) => capability.kind).sort(), [
    'clock',
    'environment',
    'exit',
    'files',
    'random',
    'terminal',
  ]);
  assert.equal(json.tree.kind, 'component');
  const wit = await tenon(['inspect', '--wit', calculator]);
  assert.match(wit.stdout, /^package root:component;[\s\S]*export example:calculator\/math;/);
  const svg = join(folder(t), 'graph.svg');
  assert.equal((await tenon(['inspect', '--graph', svg, calculator])).code, 0);
  assert.match(readFileSync(svg, 'utf8'), /^<svg [\s\S]*example:calculator\/math[\s\S]*<\/svg>\n$/);
});

test('tenon types', async (t) => {
  const out = join(folder(t), 'calculator.d.wasm.ts');
  assert.equal((await tenon(['types', calculator, '-o', out])).code, 0);
  assert.match(readFileSync(out, 'utf8'), /function add\(a: number, b: number\): number;/);
  assert.match((await tenon(['types', '--async', calculator])).stdout, /function add\(a: number, b: number\): Promise<number>;/);
});

/** A command of WASI preview 1 that prints a line and ends with code 7. */
const PREVIEW1 = `(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\10\\00\\00\\00\\06\\00\\00\\00")
  (data (i32.const 16) "hello\\n")
  (func (export "_start")
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
    (call $exit (i32.const 7))))`;

test('tenon run: a core module for preview 1', async (t) => {
  const file = join(folder(t), 'p1.wasm');
  writeFileSync(file, await parse(PREVIEW1));
  const { stdout, code, stderr } = await tenon(['run', file]);
  assert.deepEqual([stdout, code], ['hello\n', 7], stderr);
});

test('tenon run: nobody reads the output any more, as in `tenon run … | head -0`', async (t) => {
  const file = join(folder(t), 'p1.wasm');
  writeFileSync(file, await parse(PREVIEW1));
  const rows: [readonly string[], number][] = [
    // It panics, and so traps, when it cannot print: 141 is what a shell says of a program that SIGPIPE has ended.
    [[guest('rust-hello')], 141],
    [[guest('rust-cli'), 'cat'], 1],
    [[file], 7],
  ];
  for (const [args, code] of rows) {
    const child = start(['run', ...args]);
    child.stdout.destroy();
    child.stdin.end('x'.repeat(100_000));
    const result = await finish(child);
    assert.equal(result.code, code, result.stderr);
    assert.doesNotMatch(result.stderr, /TENON_|wasm-function|wasm:\/\//);
  }
});

/** A component that imports the calculator's interface. */
const SOCKET = `(component
  (import "example:calculator/math" (instance $math (export "add" (func (param "a" s32) (param "b" s32) (result s32)))))
  (core func $add (canon lower (func $math "add")))
  (core module $M
    (import "math" "add" (func $add (param i32 i32) (result i32)))
    (func (export "twice") (param i32) (result i32) (call $add (local.get 0) (local.get 0))))
  (core instance $m (instantiate $M (with "math" (instance (export "add" (func $add))))))
  (func (export "twice") (param "n" s32) (result s32) (canon lift (core func $m "twice"))))`;

test('tenon compose writes a component that runs', async (t) => {
  const files = folder(t);
  const socket = join(files, 'socket.wasm');
  const out = join(files, 'out.wasm');
  writeFileSync(socket, await parse(SOCKET));
  const missing = await tenon(['run', '--invoke', 'twice(21)', socket]);
  assert.match(missing.stderr, /TENON_IMPORT_MISSING[\s\S]*tenon compose -o out\.wasm .*socket\.wasm --plug/);
  const composed = await tenon(['compose', '-o', out, socket, '--plug', calculator]);
  assert.equal(composed.code, 0, composed.stderr);
  assert.match(composed.stdout, /socket gets example:calculator\/math from rust-calculator\n {2}it imports nothing more/);
  assert.equal((await tenon(['run', '--invoke', 'twice(21)', out])).stdout, '42\n');
  const json = await tenon(['compose', '--json', '-o', out, socket, '--plug', calculator]);
  assert.deepEqual(JSON.parse(json.stdout).connections, [
    { importer: 'socket', import: 'example:calculator/math', exporter: 'rust-calculator', export: 'example:calculator/math' },
  ]);
  const graph = await tenon(['inspect', '--graph', '-', out]);
  assert.match(graph.stdout, />rust-calculator<[\s\S]*>socket</);
});

test('an older Node finds a newer one in node_modules, which runs in its place', async (t) => {
  const older = (version: string): string =>
    `data:text/javascript,Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } }); delete process.execve`;
  const home = folder(t);
  cpSync(fileURLToPath(new URL('../bin', import.meta.url)), join(home, 'node_modules/tenon/bin'), { recursive: true });
  const bin = join(home, 'node_modules/tenon/bin/tenon.js');
  const run = (...args: string[]) => spawnSync(process.execPath, ['--import', older('20.1.0'), bin, ...args], { encoding: 'utf8' });
  const alone = run('run', 'x.wasm');
  assert.match(alone.stderr, /error\[TENON_NODE_VERSION\]/);
  assert.equal(alone.status, 2);
  // What stands in for Node says with what it was started.
  const node = join(home, 'node_modules', `node-${process.platform}-${process.arch}`);
  mkdirSync(join(node, 'bin'), { recursive: true });
  const manifest = (version: string): void =>
    writeFileSync(join(node, 'package.json'), JSON.stringify({ version, bin: { node: 'bin/node' } }));
  writeFileSync(join(node, 'bin/node'), '#!/bin/sh\nprintf "%s\\n" "$@"\nexit 7\n', { mode: 0o755 });
  manifest('25.9.9');
  assert.match(run().stderr, /TENON_NODE_VERSION/);
  manifest('26.0.0');
  const taken = run('run', '--env', 'A=b c', 'x.wasm');
  assert.deepEqual([taken.stdout.split('\n').slice(-5), taken.status], [['run', '--env', 'A=b c', 'x.wasm', ''], 7]);
});
