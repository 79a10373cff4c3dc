import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_WASI_LIMITS, limitsOf } from './limits.ts';

test('what is not given has its default, and is never without bound', () => {
  assert.deepEqual(limitsOf(), DEFAULT_WASI_LIMITS);
  assert.deepEqual(limitsOf({ openFiles: undefined, sockets: 0 }), { ...DEFAULT_WASI_LIMITS, sockets: 0 });
  assert.ok(Object.values(DEFAULT_WASI_LIMITS).every((limit) => Number.isInteger(limit) && limit > 0));
});
