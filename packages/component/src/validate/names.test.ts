import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isLabel, NameProblem, parseExternName, parseSemver, uniquenessKey } from './names.ts';

test('labels', () => {
  for (const label of ['a', 'a-b-c', 'a1-2-3', 'A', 'A-B-C', 'A1-2-3', 'a11-w0rds', 'm1x3d-4CR0NYMS', 'is-XML'])
    assert.ok(isLabel(label), label);
  assert.ok(!isLabel(`a${'-1'.repeat(1_000)}!`));
  for (const label of ['', '1', '1-2', 'aB', 'Ab', 'a-', '-a', 'a--b', 'a_b', 'a b', 'é', 'a-bC']) assert.ok(!isLabel(label), label);
});

const valid: readonly (readonly [string, ReturnType<typeof parseExternName>])[] = [
  ['run', { kind: 'label' }],
  ['[constructor]blob', { kind: 'constructor', resource: 'blob' }],
  ['[method]input-stream.read', { kind: 'method', resource: 'input-stream' }],
  ['[static]fields.from-list', { kind: 'static', resource: 'fields' }],
  ['wasi:http/types', { kind: 'interface' }],
  ['wasi:http/types@0.2.12-rc.1+build', { kind: 'interface', version: '0.2.12-rc.1+build' }],
  ['a1:b-2/C-d', { kind: 'interface' }],
  ['unlocked-dep=<a:b@{>=1.0.0 <2.0.0}>', { kind: 'dependency' }],
  ['unlocked-dep=<a:b@*>', { kind: 'dependency' }],
  ['locked-dep=<a:b@1.2.3>,integrity=<sha256-abc=>', { kind: 'dependency' }],
  ['url=<https://a.b/c>', { kind: 'url' }],
  ['integrity=<sha256-aGVsbG8= sha512-Zm9v?x>', { kind: 'hash' }],
];
for (const [name, parsed] of valid) test(`name ${name}`, () => assert.deepEqual(parseExternName(name), parsed));

const invalid: readonly (readonly [string, RegExp])[] = [
  ['', /`` is not in kebab case/],
  ['aB', /`aB` is not in kebab case/],
  ['[method]a', /failed to find `\.` character/],
  ['[method]a.b.c', /`b\.c` is not in kebab case/],
  ['[other]a', /not in kebab case/],
  ['wasi:http', /expected `\/` after package name/],
  ['a:b:c/d', /expected `\/` after package name/],
  ['a:b/c/d', /trailing characters found: `\/d`/],
  ['WASI:http/types', /character `W` is not lowercase/],
  [':b/c', /`` is not in kebab case/],
  ['url=<a<b>', /url cannot contain `<`/],
  ['url=<a', /failed to find `>`/],
  ['integrity=<>', /integrity hash cannot be empty/],
  ['integrity=<md5-aa>', /unrecognized hash algorithm/],
  ['integrity=<sha256-a*>', /not valid base64/],
  ['unlocked-dep=<a:b@{1.0.0}>', /expected `>=` or `<`/],
];
for (const [name, problem] of invalid) {
  test(`no name: ${name}`, () => {
    assert.throws(
      () => parseExternName(name),
      (error: unknown) => error instanceof NameProblem && problem.test(error.message),
    );
  });
}

test('semantic versions', () => {
  for (const version of ['0.0.0', '1.2.3', '1.0.0-alpha.1', '1.0.0-0.a-b.x1+001.e', '18446744073709551615.0.0']) parseSemver(version);
  const problems: readonly (readonly [string, RegExp])[] = [
    ['', /empty string/],
    ['.', /unexpected character '\.' while parsing major/],
    ['1', /unexpected end of input while parsing minor/],
    ['1.', /unexpected end of input while parsing minor/],
    ['1.2', /unexpected end of input while parsing patch/],
    ['a.2', /unexpected character 'a'/],
    ['2.0x0', /unexpected character 'x' after minor/],
    ['2.0.0x', /unexpected character 'x' after patch/],
    ['01.0.0', /invalid leading zero in major/],
    ['1.0.0-01', /invalid leading zero in pre-release/],
    ['1.0.0-', /empty identifier segment in pre-release/],
    ['1.0.0-a..b', /empty identifier segment/],
    ['1.0.0+', /empty identifier segment in build metadata/],
    ['18446744073709551616.0.0', /exceeds u64::MAX/],
  ];
  for (const [version, problem] of problems) {
    assert.throws(
      () => parseSemver(version),
      (error: unknown) => error instanceof NameProblem && problem.test(error.message),
      version,
    );
  }
});

test('strong uniqueness', () => {
  const together = ['foo', 'foo-bar', '[constructor]foo', '[method]foo.bar', '[static]foo.baz', 'foo:bar/baz'];
  assert.equal(new Set(together.map(uniquenessKey)).size, together.length);
  const taken = new Set(together.map(uniquenessKey));
  const clashing = [
    ...['foo', 'FOO', 'foo-BAR', 'foobar', 'foob-ar', 'f-oo', '[constructor]f-OO', '[method]foo.BAR', '[static]foo.bar', '[method]foo.baz'],
    ...['[method]foo.foo', '[static]foo-BAR.FOO-bar', 'foo:bar/BAZ'],
  ];
  for (const name of clashing) assert.ok(taken.has(uniquenessKey(name)), name);
});
