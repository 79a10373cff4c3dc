import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { inspect } from 'node:util';
import { ComponentError } from '@tenon/component';
import { Secret, secrets } from './faces.ts';
import { SecretError, type SecretSource, Secrets } from './secrets.ts';

const folder = mkdtempSync(join(tmpdir(), 'tenon-secrets-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: string | Uint8Array, mode = 0o600): string {
  const path = join(folder, name);
  writeFileSync(path, content, { mode });
  return path;
}

mkdirSync(join(folder, 'mounted'));
file('mounted/password', 'from a mount\n', 0o644);
mkdirSync(join(folder, 'mounted', '..data'));

const sources: readonly SecretSource[] = [
  { key: 'token', environment: 'APP_TOKEN' },
  { key: 'key', file: file('key', 'line one\nline two\n') },
  { key: 'binary', file: file('binary', Uint8Array.of(0xff, 0xfe, 10)) },
  { directory: join(folder, 'mounted') },
];

test('secrets come from the environment, files and mounted directories', () => {
  const found = new Secrets(sources, { APP_TOKEN: 't0ken' });
  assert.equal(found.get('token'), 't0ken');
  assert.equal(found.get('key'), 'line one\nline two');
  assert.deepEqual(new Uint8Array(found.get('binary') as Uint8Array), Uint8Array.of(0xff, 0xfe, 10));
  assert.equal(found.get('password'), 'from a mount');
  for (const key of ['none', '..data', '../key', 'APP_TOKEN', '__proto__']) assert.equal(found.get(key), undefined, key);
});

test('a rotated secret is the new one', () => {
  const path = file('rotated', 'old');
  const found = new Secrets([{ key: 'k', file: path }]);
  assert.equal(found.get('k'), 'old');
  writeFileSync(path, 'new');
  assert.equal(found.get('k'), 'new');
});

const refused: readonly [what: string, source: () => SecretSource, message: RegExp][] = [
  ['a variable that is not set', () => ({ key: 'k', environment: 'NOT_SET' }), /NOT_SET is not set/],
  ['a file that is not there', () => ({ key: 'k', file: join(folder, 'none') }), /none/],
  ['a file that others may read', () => ({ key: 'k', file: file('open', 'hush', 0o644) }), /chmod 600/],
  ['a directory that is not there', () => ({ directory: join(folder, 'none') }), /none/],
];
for (const [what, source, message] of refused) {
  test(`${what} is refused at the start`, () => {
    assert.throws(
      () => new Secrets([source()], {}),
      (error) => error instanceof SecretError && message.test(error.message) && !error.message.includes('hush'),
    );
  });
}

test('a handle shows nothing, and only reveal does', () => {
  const definitions = secrets(new Secrets(sources, { APP_TOKEN: 't0ken' }), 'token');
  const { get } = definitions['wasmcloud:secrets/store@2.1.0'] as { get: (key: string) => Secret };
  const { reveal } = definitions['wasmcloud:secrets/reveal@2.1.0'] as { reveal: (secret: Secret) => { tag: string; val: unknown } };
  const own = definitions['wasmcloud:secrets/secret@2.1.0'] as { get: () => Secret };
  const secret = get('token');
  for (const shown of [
    String(secret),
    JSON.stringify({ secret }),
    inspect(secret),
    inspect({ secret }, { showHidden: true }),
    `${secret}`,
  ]) {
    assert.ok(!shown.includes('t0ken'), shown);
  }
  assert.deepEqual(reveal(secret), { tag: 'string', val: 't0ken' });
  assert.deepEqual(reveal(own.get()), { tag: 'string', val: 't0ken' });
  assert.equal(reveal(get('binary')).tag, 'bytes');
  assert.throws(
    () => get('none'),
    (error) => error instanceof ComponentError && (error.payload as { tag: string }).tag === 'not-found',
  );
  assert.ok(secret instanceof Secret);
});
