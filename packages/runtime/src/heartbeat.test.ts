import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Heartbeat, Watchdog } from './heartbeat.ts';

test('what is told is how many checks in a row have found no new beat', () => {
  const main = new Heartbeat();
  const worker = new Heartbeat(main.memory);
  const watchdog = new Watchdog(main);
  const checks = (count: number): number[] => Array.from({ length: count }, () => watchdog.check());
  assert.deepEqual(checks(3), [0, 1, 2]);
  worker.beat();
  assert.deepEqual(checks(4), [0, 1, 2, 3], 'a beat starts the count again');
});
