import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ComponentError } from '../errors.ts';
import { Reader } from './reader.ts';

const reader = (...bytes: number[]): Reader => new Reader(Uint8Array.from(bytes));

function fails(message: RegExp, offset: number, run: () => unknown): void {
  assert.throws(run, (error: unknown) => {
    assert.ok(error instanceof ComponentError);
    assert.equal(error.code, 'TENON_MALFORMED');
    assert.match(error.message, message);
    assert.equal(error.offset, offset);
    return true;
  });
}

const u32: readonly (readonly [number[], number])[] = [
  [[0], 0],
  [[0x7f], 127],
  [[0x80, 0x01], 128],
  [[0x81, 0x80, 0x80, 0x80, 0x00], 1],
  [[0xff, 0xff, 0xff, 0xff, 0x0f], 0xffffffff],
];
for (const [bytes, value] of u32) test(`u32 ${bytes}`, () => assert.equal(reader(...bytes).u32(), value));

const signed: readonly (readonly [number, number[], number])[] = [
  [33, [0x00], 0],
  [33, [0x7f], -1],
  [33, [0x40], -64],
  [33, [0xff, 0xff, 0xff, 0xff, 0x0f], 0xffffffff],
  [33, [0x80, 0x80, 0x80, 0x80, 0x70], -(2 ** 32)],
  [32, [0xff, 0xff, 0xff, 0xff, 0x07], 0x7fffffff],
  [32, [0x80, 0x80, 0x80, 0x80, 0x78], -(2 ** 31)],
  [64, [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f], -(2 ** 63)],
];
for (const [bits, bytes, value] of signed) test(`s${bits} ${bytes}`, () => assert.equal(reader(...bytes).signed(bits), value));

test('u64', () => {
  assert.equal(reader(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01).u64(), 2n ** 64n - 1n);
  fails(/integer too large/, 9, () => reader(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02).u64());
});

test('integers with bits past their size', () => {
  fails(/integer too large/, 4, () => reader(0x80, 0x80, 0x80, 0x80, 0x10).u32());
  fails(/representation too long/, 4, () => reader(0x80, 0x80, 0x80, 0x80, 0x80, 0x00).u32());
  fails(/integer too large/, 4, () => reader(0xff, 0xff, 0xff, 0xff, 0x4f).signed(33));
  fails(/integer too large/, 4, () => reader(0xff, 0xff, 0xff, 0xff, 0x0f).signed(32));
  fails(/representation too long/, 4, () => reader(0x80, 0x80, 0x80, 0x80, 0x80, 0x00).signed(33));
});

test('the end of the input', () => {
  fails(/unexpected end-of-file/, 0, () => reader().byte());
  fails(/unexpected end-of-file/, 0, () => reader().peek());
  fails(/unexpected end-of-file/, 2, () => reader(0x80, 0x80).u32());
  fails(/unexpected end-of-file/, 1, () => reader(3, 0x61, 0x62).name());
});

test('names are UTF-8', () => {
  const encoded = (text: string): number[] => [...new TextEncoder().encode(text)];
  for (const text of ['', 'a', 'wasi:http/incoming-handler@0.2.12', 'héé', '\u{feff}bom', '\u{1f600}']) {
    const bytes = encoded(text);
    assert.equal(reader(bytes.length, ...bytes).name(), text);
  }
  for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]]) {
    fails(/malformed UTF-8 encoding/, 1, () => reader(bytes.length, ...bytes).name());
  }
  fails(/string size out of bounds/, 2, () => reader(0xa1, 0x8d, 0x06).name());
});

test('a count never exceeds the bytes left', () => {
  const r = reader(3, 1, 2, 3);
  assert.deepEqual(
    r.vec(10, 'things', () => r.byte()),
    [1, 2, 3],
  );
  fails(/unexpected end-of-file/, 2, () => reader(3, 1).count(10, 'things'));
  fails(/things count is out of bounds: 11 exceeds 10/, 0, () => reader(11).count(10, 'things'));
});

test('booleans', () => {
  assert.equal(reader(1).bool(), true);
  assert.equal(reader(0).bool(), false);
  fails(/invalid boolean value \(0x2\)/, 0, () => reader(2).bool());
});

test('the bounds of a section hold', () => {
  const r = new Reader(Uint8Array.from([1, 2, 3, 4]), 1, 3);
  assert.equal(r.left, 2);
  r.skip(2);
  fails(/unexpected end-of-file/, 3, () => r.byte());
});
