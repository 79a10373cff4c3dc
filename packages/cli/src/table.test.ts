import assert from 'node:assert/strict';
import { test } from 'node:test';
import { age, size, table } from './table.ts';

test('columns are as wide as their widest cell', () => {
  assert.equal(
    table(
      ['NAME', 'N'],
      [
        ['a', '1'],
        ['longer name', '100'],
      ],
      new Set([1]),
    ),
    'NAME           N\na              1\nlonger name  100',
  );
});

test('amounts', () => {
  assert.deepEqual([0, 119_000, 120_000, 7_200_000, 200_000_000].map(age), ['0 s', '119 s', '2 min', '2 h', '2 d']);
  assert.deepEqual([0, 1023, 1024, 1536, 50 * 1024 ** 2, 3 * 1024 ** 4].map(size), [
    '0 B',
    '1023 B',
    '1.0 KiB',
    '1.5 KiB',
    '50 MiB',
    '3072 GiB',
  ]);
});
