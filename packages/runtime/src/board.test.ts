import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Board, Watchdog } from './board.ts';

test('the main thread sees the connections with a request under way, and which are being answered', () => {
  const worker = Board.ofCapacity(3);
  const main = new Board(worker.memory);
  const seen = (): readonly (readonly [number, boolean])[] =>
    [...main.states()].map(([id, { answering }]) => [id, answering] as const).sort();
  const [first = -1, second = -1, third = -1] = [worker.enter(10), worker.enter(11), worker.enter(10)];
  assert.equal(worker.enter(12), undefined, 'the board is full');
  assert.deepEqual(seen(), [
    [10, false],
    [11, false],
  ]);
  worker.answering(first);
  worker.answering(first);
  assert.deepEqual(seen(), [
    [10, true],
    [11, false],
  ]);
  for (const slot of [first, second, third]) worker.leave(slot);
  assert.deepEqual(seen(), []);
  assert.notEqual(worker.enter(12), undefined);
  assert.deepEqual(seen(), [[12, false]]);
});

test('a thread is stuck when there is no beat for so many checks', () => {
  const board = Board.ofCapacity(1);
  const watchdog = new Watchdog(board, 3);
  const checks = (count: number): boolean[] => Array.from({ length: count }, () => watchdog.check());
  assert.deepEqual(checks(3), [false, false, false]);
  board.beat();
  assert.deepEqual(checks(4), [false, false, false, true], 'a beat starts the count again');
  board.beat();
  assert.equal(watchdog.check(), false);
});
