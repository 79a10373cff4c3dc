import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Heartbeat, Watchdog } from './heartbeat.ts';

test('a thread is silent and then stuck when there is no beat for so many checks', () => {
  const main = new Heartbeat();
  const worker = new Heartbeat(main.memory);
  const watchdog = new Watchdog(main, 3);
  const checks = (count: number): (readonly [stuck: boolean, silent: boolean])[] =>
    Array.from({ length: count }, () => [watchdog.check(), watchdog.silent]);
  const good = [false, false];
  assert.deepEqual(checks(3), [good, good, [false, true]]);
  worker.beat();
  assert.deepEqual(checks(4), [good, good, [false, true], [true, true]], 'a beat starts the count again');
  worker.beat();
  assert.deepEqual(checks(1), [good]);
});
