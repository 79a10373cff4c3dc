import assert from 'node:assert/strict';
import { test } from 'node:test';
import { provider, versionTrack } from './semver.ts';

test('a version is compatible within its track', () => {
  const table: [name: string, track: string][] = [
    ['wasi:io/streams@0.2.12', 'wasi:io/streams@0.2'],
    ['wasi:io/streams@0.0.3', 'wasi:io/streams@0.0.3'],
    ['wasi:io/streams@2.3.4', 'wasi:io/streams@2'],
    ['wasi:io/streams@0.3.0-rc-1', 'wasi:io/streams@0.3.0-rc-1'],
    ['wasi:io/streams@1.2.3+build', 'wasi:io/streams@1'],
    // A canonical version, as it stands in names with a version suffix, is its track.
    ['wasi:io/streams@0.2', 'wasi:io/streams@0.2'],
    ['wasi:io/streams@2', 'wasi:io/streams@2'],
    ['wasi:io/streams', 'wasi:io/streams'],
    ['plain', 'plain'],
  ];
  for (const [name, track] of table) assert.equal(versionTrack(name), track);
});

test('the same name wins, then the highest compatible version', () => {
  const names = ['a:b/c@0.2.1', 'a:b/c@0.2.10', 'a:b/c@0.3.0', 'a:b/c@0.2.9'];
  assert.equal(provider(names, 'a:b/c@0.2.1'), 'a:b/c@0.2.1');
  assert.equal(provider(names, 'a:b/c@0.2.0'), 'a:b/c@0.2.10');
  assert.equal(provider(names, 'a:b/c@0.3.7'), 'a:b/c@0.3.0');
  assert.equal(provider(names, 'a:b/c@1.0.0'), undefined);
  assert.equal(provider(names, 'a:b/d@0.2.0'), undefined);
});
