import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { hash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, before, beforeEach, test } from 'node:test';
import { guestPath } from '../guests/guests.ts';
import { publishedCommandLine } from './bundle.ts';
import { output } from './workspace.ts';

const hello = guestPath('rust-hello');
const skip = process.platform === 'win32';

let bin = '';
let cache = '';
before(async () => {
  bin = await publishedCommandLine();
});
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'tenon-code-'));
});
afterEach(() => rmSync(cache, { recursive: true }));

/** Runs the bundled command line with its code cache in a folder of the test. */
const tenon = (variables: readonly string[], ...args: string[]): Promise<string> =>
  output('env', [`XDG_CACHE_HOME=${cache}`, ...variables, process.execPath, bin, ...args]);

/** Serves a guest, asks once and stops. Returns the answer. */
async function serve(variables: Readonly<Record<string, string>> = {}): Promise<string> {
  const child = spawn(process.execPath, [bin, 'serve', '--quiet', '--threads', '2', '--addr', '127.0.0.1:0', guestPath('rust-http')], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, XDG_CACHE_HOME: cache, ...variables },
  });
  const exited = once(child, 'exit');
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  try {
    let url = '';
    for await (const line of createInterface(child.stdout)) {
      url = /http:\S+/.exec(line)?.[0] ?? '';
      break;
    }
    assert.notEqual(url, '', log);
    const answer = await (await fetch(url)).text();
    child.kill('SIGTERM');
    assert.deepEqual(await exited, [0, null], log);
    return answer;
  } finally {
    child.kill('SIGKILL');
  }
}

const folder = (): string => join(cache, 'tenon');
const files = (): string[] => readdirSync(cache, { recursive: true, encoding: 'utf8' }).filter((file) => file.startsWith('tenon/'));
/** What caches are for, and that there is nothing else, such as half of one. */
const purposes = (): string[] =>
  files()
    .map((file) => /^tenon\/([a-z]+)-[^/]+\.code$/.exec(file)?.[1] ?? (/^tenon\/[0-9a-f]+\.kept$/.test(file) ? 'component' : file))
    .sort();
/** What tells files apart: the difference of megabytes would take minutes to print. */
const digests = (): string[] => files().map((file) => `${file} ${hash('sha256', readFileSync(join(cache, file)))}`);

test('the bundled command line keeps the code of each command, and makes it anew when it is spoilt', { skip }, async () => {
  assert.equal(await tenon([], 'run', hello), 'Hello from Rust!\n');
  assert.equal(await tenon([], 'validate', hello), `${hello}: a valid component\n`);
  assert.deepEqual(purposes(), ['component', 'run', 'validate']);
  const path = files().find((file) => file.startsWith('tenon/run')) ?? '';
  const good = readFileSync(join(cache, path));
  assert.equal(await tenon([], 'run', hello), 'Hello from Rust!\n');
  assert.ok(readFileSync(join(cache, path)).equals(good));
  for (const spoilt of [good.subarray(0, good.length >> 1), Buffer.from('nonsense'), Buffer.alloc(0)]) {
    writeFileSync(join(cache, path), spoilt);
    assert.equal(await tenon([], 'run', hello), 'Hello from Rust!\n');
    assert.ok(readFileSync(join(cache, path)).length > 1000, 'it is written anew');
  }
});

test('the bundled command line ends a guest after its time', { skip }, async () => {
  await assert.rejects(tenon([], 'run', '--timeout', '200', guestPath('rust-cli'), 'spin'), /TENON_RUN_TIMEOUT/);
});

test('a server keeps the code of both kinds of thread, and starts with it', { skip }, async () => {
  assert.equal(await serve(), 'Hello from Rust!\n');
  assert.deepEqual(purposes(), ['serve', 'worker']);
  const kept = digests();
  assert.equal(await serve(), 'Hello from Rust!\n');
  assert.deepEqual(digests(), kept, 'V8 took it, so it was not made anew');
});

test('processes that start at once do not disturb each other', { skip }, async () => {
  assert.deepEqual(await Promise.all([serve(), serve()]), ['Hello from Rust!\n', 'Hello from Rust!\n']);
  assert.deepEqual(purposes(), ['serve', 'worker']);
});

test('no code is kept where that is not wanted or not possible', { skip }, async () => {
  const off = 'NODE_DISABLE_COMPILE_CACHE';
  assert.equal(await tenon([`${off}=1`], 'run', hello), 'Hello from Rust!\n');
  assert.equal(await serve({ [off]: '1' }), 'Hello from Rust!\n');
  await assert.rejects(tenon([], 'run', 'nothing.wasm'), /TENON_FILE/);
  await assert.rejects(tenon([], 'serve', hello), /error\[TENON_RUNTIME_EXPORT\]/);
  assert.deepEqual(files(), []);
  // A folder cannot be made inside of a file, not even by root.
  writeFileSync(folder(), '');
  assert.equal(await tenon([], 'run', hello), 'Hello from Rust!\n');
  assert.equal(await serve(), 'Hello from Rust!\n');
  assert.equal(await tenon(['HOME=', 'XDG_CACHE_HOME='], 'run', hello), 'Hello from Rust!\n');
  assert.ok(!existsSync('.cache'), 'nothing in the working directory');
});

test('caches of versions that have not run for a month are removed', { skip }, async () => {
  await tenon([], 'run', hello);
  const [old, recent] = ['run-1.0-1-1.code', 'run-1.0-2-2.code'].map((name) => join(folder(), name)) as [string, string];
  for (const path of [old, recent]) writeFileSync(path, '');
  const then = new Date(Date.now() - 40 * 24 * 60 * 60 * 1000);
  utimesSync(old, then, then);
  await tenon([], 'validate', hello);
  assert.deepEqual(
    files().filter((file) => file.startsWith('tenon/run-1.0')),
    ['tenon/run-1.0-2-2.code'],
  );
});
