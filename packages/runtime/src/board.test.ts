import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Board, Watchdog } from './board.ts';

test('the main thread sees the sockets that wait for an answer, each once', () => {
  const worker = Board.ofCapacity(3);
  const main = new Board(worker.memory);
  const slots = [worker.enter(10), worker.enter(11), worker.enter(10)];
  assert.equal(worker.enter(12), undefined, 'the board is full');
  assert.deepEqual(
    main
      .waiting()
      .map(({ fd }) => fd)
      .sort(),
    [10, 11],
  );
  for (const slot of slots) if (slot !== undefined) worker.answering(slot);
  assert.deepEqual(main.waiting(), []);
  assert.equal(main.requests, 3, 'an answer that is being sent is a request under way');
  for (const slot of slots) if (slot !== undefined) worker.leave(slot);
  assert.equal(main.requests, 0);
  assert.notEqual(worker.enter(0), undefined);
  assert.deepEqual(
    main.waiting().map(({ fd }) => fd),
    [0],
  );
});

test('a socket without a descriptor is counted, not listed', () => {
  const board = Board.ofCapacity(1);
  board.enter(-1);
  assert.equal(board.requests, 1);
  assert.deepEqual(board.waiting(), []);
});

test('a thread is stuck when its heart stands still for so many checks while a request is under way', () => {
  const board = Board.ofCapacity(1);
  const watchdog = new Watchdog(board, 3);
  const checks = (count: number): boolean[] => Array.from({ length: count }, () => watchdog.check());
  assert.deepEqual(checks(9), Array(9).fill(false), 'idle');
  const slot = board.enter(5);
  assert.deepEqual(checks(2), [false, false]);
  board.beat();
  assert.deepEqual(checks(4), [false, false, false, true], 'a beat starts the count again');
  if (slot !== undefined) board.leave(slot);
  assert.equal(watchdog.check(), false);
});
