import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bytes, patch } from './bytes.ts';

const written = (write: (bytes: Bytes) => void): number[] => {
  const bytes = new Bytes();
  write(bytes);
  return [...bytes.finish()];
};

test('LEB128', () => {
  const unsigned: readonly (readonly [number, ...number[]])[] = [[0, 0], [127, 127], [128, 0x80, 1], [624485, 0xe5, 0x8e, 0x26], [2 ** 32 - 1, 0xff, 0xff, 0xff, 0xff, 0x0f]]; // biome-ignore format: a table
  for (const [value, ...expected] of unsigned)
    assert.deepEqual(
      written((bytes) => bytes.unsigned(value)),
      expected,
    );
  const signed: readonly (readonly [number, ...number[]])[] = [[0, 0], [63, 63], [64, 0xc0, 0], [-1, 0x7f], [-64, 0x40], [-65, 0xbf, 0x7f], [-(2 ** 31), 0x80, 0x80, 0x80, 0x80, 0x78], [2 ** 31 - 1, 0xff, 0xff, 0xff, 0xff, 0x07]]; // biome-ignore format: a table
  for (const [value, ...expected] of signed) {
    assert.deepEqual(
      written((bytes) => bytes.signed(value)),
      expected,
    );
    assert.deepEqual(
      written((bytes) => bytes.signedLong(BigInt(value))),
      expected,
    );
  }
});

test('a number that is patched in later', () => {
  const bytes = Uint8Array.of(1, 0, 0, 0, 0, 0, 2);
  patch(bytes, 1, 300);
  assert.deepEqual([...bytes], [1, 0xac, 0x82, 0x80, 0x80, 0x00, 2]);
});

test('bytes within bytes', () => {
  const content = new Bytes();
  content.push(7, 8);
  assert.deepEqual(
    written((bytes) => bytes.sized(content)),
    [2, 7, 8],
  );
});

test('many bytes and a name', () => {
  const bytes = new Bytes();
  for (let i = 0; i < 1000; i++) bytes.push(i & 0xff);
  bytes.name('é');
  assert.equal(bytes.length, 1003);
  assert.deepEqual([...bytes.finish().slice(998)], [998 & 0xff, 999 & 0xff, 2, 0xc3, 0xa9]);
});
