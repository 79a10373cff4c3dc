import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { guestPath } from '../guests/guests.ts';
import { publishedCommandLine } from './bundle.ts';
import { output } from './workspace.ts';

const cache = mkdtempSync(join(tmpdir(), 'tenon-code-'));
after(() => rmSync(cache, { recursive: true }));
let bin = '';
before(async () => {
  bin = await publishedCommandLine();
});

/** Runs the bundled command line with its code cache in a folder of the test. */
const tenon = (variables: readonly string[], ...args: string[]): Promise<string> =>
  output('env', [`XDG_CACHE_HOME=${cache}`, ...variables, process.execPath, bin, ...args]);
const files = (): string[] => readdirSync(cache, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.code'));
const hello = guestPath('rust-hello');

test('the bundled command line keeps the code of each command, and survives a spoilt cache', {
  skip: process.platform === 'win32',
}, async () => {
  assert.equal(await tenon(['NODE_DISABLE_COMPILE_CACHE=1'], 'run', hello), 'Hello from Rust!\n');
  assert.deepEqual(files(), []);
  assert.equal(await tenon([], 'run', hello), 'Hello from Rust!\n');
  assert.equal(await tenon([], 'validate', hello), `${hello}: a valid component\n`);
  const [run = '', validate = ''] = files().sort();
  assert.match(run, /^tenon\/run-/);
  assert.match(validate, /^tenon\/validate-/);
  const path = join(cache, run);
  const good = readFileSync(path);
  assert.equal(await tenon([], 'run', hello), 'Hello from Rust!\n');
  assert.ok(readFileSync(path).equals(good));
  for (const spoilt of [good.subarray(0, good.length >> 1), Buffer.from('nonsense'), Buffer.alloc(0)]) {
    writeFileSync(path, spoilt);
    assert.equal(await tenon([], 'run', hello), 'Hello from Rust!\n');
    assert.ok(readFileSync(path).length > 1000, 'it is written anew');
  }
});

test('the bundled command line tells errors of packages outside the bundle', async () => {
  await assert.rejects(tenon([], 'serve', hello), /error\[TENON_RUNTIME_EXPORT\][\s\S]*code 2|code 2[\s\S]*error\[TENON_RUNTIME_EXPORT\]/);
});
