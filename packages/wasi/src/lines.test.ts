import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type LinesOptions, lines } from './lines.ts';

const CASES: readonly [name: string, writes: readonly string[], expected: readonly string[], options?: LinesOptions][] = [
  ['whole lines', ['a\nb\n'], ['a', 'b']],
  ['a line in parts', ['a', 'b', 'c\nd'], ['abc', 'd']],
  ['ends of lines of Windows, also in parts', ['a\r', '\nb\r\n'], ['a', 'b']],
  ['empty lines', ['\n\na\n'], ['', '', 'a']],
  ['a prefix', ['a\nb'], ['x: a', 'x: b'], { prefix: 'x: ' }],
  ['lines that are too long', ['abcdefg\nh'], ['abc', 'def', 'g', 'h'], { maxLength: 3 }],
  ['lines that never end', ['abcd', 'ef'], ['abc', 'd', 'ef'], { maxLength: 3 }],
];

for (const [name, writes, expected, options] of CASES) {
  test(name, () => {
    const found: string[] = [];
    const sink = lines((line) => found.push(line), options);
    for (const each of writes) sink(new TextEncoder().encode(each));
    sink.flush();
    assert.deepEqual(found, expected);
  });
}

test('a character that is written in parts is one', () => {
  const found: string[] = [];
  const sink = lines((line) => found.push(line));
  for (const byte of new TextEncoder().encode('ä€😀\n')) sink(new Uint8Array([byte]));
  assert.deepEqual(found, ['ä€😀']);
});
