import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import fc from 'fast-check';
import type { Clocks } from './clock.ts';
import { Timer } from './timer.ts';

/** A clock that stands still but for `pass`, and Node's timers with it. */
function standing(t: TestContext): { readonly clocks: Clocks; pass(milliseconds: number): void } {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let now = 0n;
  return {
    clocks: { monotonic: () => now, wall: () => 0n },
    pass(milliseconds) {
      now += BigInt(milliseconds) * 1_000_000n;
      t.mock.timers.tick(milliseconds);
    },
  };
}

const at = (clocks: Clocks, milliseconds: number): Timer => new Timer(clocks, BigInt(milliseconds) * 1_000_000n);

describe('timers', () => {
  test('wake in the order of their instants, whatever was taken out meanwhile', (t) => {
    const timer = fc.record({ instant: fc.nat(50), removed: fc.boolean() });
    fc.assert(
      fc.property(fc.array(timer, { maxLength: 60 }), (list) => {
        const { clocks, pass } = standing(t);
        const woken: number[] = [];
        const timers = list.map(({ instant, removed }) => ({ timer: at(clocks, instant), instant, removed }));
        const waiters = timers.map(({ instant }) => ({ wake: () => void woken.push(instant) }));
        timers.forEach(({ timer }, i) => {
          timer.add(waiters[i] ?? assert.fail());
        });
        timers.forEach(({ timer, removed }, i) => {
          if (removed) timer.remove(waiters[i] ?? assert.fail());
        });
        for (let elapsed = 0; elapsed <= 51; elapsed++) {
          pass(1);
          assert.ok(woken.every((instant) => instant <= elapsed + 1));
        }
        const kept = list.filter(({ removed }) => !removed).map(({ instant }) => instant);
        assert.deepEqual(
          woken,
          kept.sort((a, b) => a - b),
        );
        t.mock.timers.reset();
      }),
      { seed: 20261123, numRuns: 200 },
    );
  });

  test('one that is earlier than all others wakes in time', (t) => {
    const { clocks, pass } = standing(t);
    const woken: string[] = [];
    at(clocks, 800).add({ wake: () => void woken.push('late') });
    at(clocks, 20).add({ wake: () => void woken.push('early') });
    pass(20);
    assert.deepEqual(woken, ['early']);
    pass(780);
    assert.deepEqual(woken, ['early', 'late']);
  });

  test('beyond the longest delay of Node it goes on waiting', (t) => {
    const { clocks, pass } = standing(t);
    let woken = 0;
    at(clocks, 2 ** 31 + 10).add({ wake: () => void woken++ });
    pass(2 ** 31 - 1);
    assert.equal(woken, 0);
    pass(11);
    assert.equal(woken, 1);
  });

  test('a waiter may add the next one', (t) => {
    const { clocks, pass } = standing(t);
    const woken: number[] = [];
    const next = (milliseconds: number): void =>
      at(clocks, milliseconds).add({
        wake() {
          woken.push(milliseconds);
          if (milliseconds < 30) next(milliseconds + 10);
        },
      });
    next(10);
    pass(10);
    pass(10);
    pass(10);
    assert.deepEqual(woken, [10, 20, 30]);
  });
});

test('however many wait, one timer of Node runs, and none when nobody waits any more', () => {
  const clocks: Clocks = { monotonic: () => process.hrtime.bigint(), wall: () => 0n };
  const running = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = running();
  const timers = Array.from({ length: 1000 }, (_, i) => new Timer(clocks, clocks.monotonic() + BigInt(1000 - i) * 1_000_000_000n));
  const waiter = { wake: () => assert.fail() };
  for (const timer of timers) timer.add(waiter);
  assert.equal(running(), before + 1);
  for (const timer of timers) timer.remove(waiter);
  assert.equal(running(), before);
});
