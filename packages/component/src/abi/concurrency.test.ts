import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromCore } from '../../test/core-guest.ts';
import { flagWords, MAY_LEAVE } from '../instance/flags.ts';
import { ComponentInstance, Store } from '../instance/state.ts';
import { changeBackpressure, unsupportedBuiltin } from './concurrency.ts';

const instance = (): ComponentInstance => new ComponentInstance(new Store(), undefined, 'root');

test('backpressure counts per instance and traps out of its range', () => {
  const own = instance();
  const increase = changeBackpressure(own, 1);
  for (let i = 1; i < 2 ** 16; i++) increase();
  assert.throws(fromCore(increase), { code: 'TENON_TRAP', message: /backpressure/ });

  const other = instance();
  changeBackpressure(other, 1)();
  changeBackpressure(other, -1)();
  assert.equal(other.backpressure, 0);
  assert.throws(fromCore(changeBackpressure(other, -1)), { code: 'TENON_TRAP', func: 'backpressure.dec' });
});

test('a built-in of concurrency traps when called, and first where it may not leave', () => {
  const own = instance();
  assert.throws(
    fromCore(() => unsupportedBuiltin(own, 'stream.new')()),
    { code: 'TENON_TRAP', message: /stream\.new belongs to the asynchronous/ },
  );
  const other = instance();
  flagWords[other.flagsWord] = (flagWords[other.flagsWord] ?? 0) & ~MAY_LEAVE;
  assert.throws(
    fromCore(() => unsupportedBuiltin(other, 'stream.new')()),
    { code: 'TENON_TRAP', message: /cannot leave component instance/ },
  );
});
