import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { Pool, type PoolCare, type PoolLimits } from './pool.ts';

beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
afterEach(() => mock.timers.reset());

/** Time enough for the pool to look whether it should grow. */
const pause = (): void => mock.timers.tick(100);

/** @param load how busy the thread is */
function numbered(
  limits: Partial<PoolLimits> = {},
  load = 0,
  care: Partial<PoolCare<number>> = {},
): { readonly pool: Pool<number>; readonly made: () => number; readonly ended: number[] } {
  let made = 0;
  const ended: number[] = [];
  const pool = new Pool<number>(
    { make: () => ++made, end: (item) => ended.push(item), load: () => () => load, ...care },
    { maxInstances: 2, maxQueue: 2, maxRequestsPerInstance: 3, ...limits },
  );
  return { pool, made: () => made, ended };
}

test('an item that was given back is taken again', async () => {
  const { pool, made } = numbered();
  pool.warm();
  for (let i = 0; i < 3; i++) {
    const lease = await pool.acquire();
    assert.equal(lease.item, 1);
    lease.release();
  }
  assert.equal(made(), 1);
});

test('an item is replaced after its last request', async () => {
  const { pool, ended } = numbered({ maxRequestsPerInstance: 2 });
  const seen: number[] = [];
  for (let i = 0; i < 5; i++) {
    const lease = await pool.acquire();
    seen.push(lease.item);
    lease.release();
  }
  assert.deepEqual(seen, [1, 1, 2, 2, 3]);
  assert.deepEqual(ended, [1, 2]);
});

test('a discarded item never comes back', async () => {
  const { pool } = numbered();
  (await pool.acquire()).discard();
  assert.equal(pool.size, 0);
  assert.equal((await pool.acquire()).item, 2);
});

test('a waiting request gets the item of one that ends soon, and the pool does not grow', async () => {
  const { pool, made } = numbered();
  const first = await pool.acquire();
  const second = pool.acquire();
  first.release();
  assert.equal((await second).item, 1);
  pause();
  assert.equal(made(), 1);
});

test('the pool grows to its limit when requests are left waiting, then queues, then refuses', async () => {
  const { pool } = numbered();
  const first = await pool.acquire();
  const waiting = pool.acquire();
  pause();
  const second = await waiting;
  assert.deepEqual([first.item, second.item], [1, 2]);
  const third = pool.acquire();
  const fourth = pool.acquire();
  assert.equal(pool.queued, 2);
  assert.throws(() => pool.acquire(), { code: 'TENON_RUNTIME_BUSY' });
  pause();
  assert.equal(pool.size, 2);
  second.release();
  assert.equal((await third).item, 2);
  first.discard();
  assert.equal((await fourth).item, 3);
});

test('in a thread that computes all the time the pool does not grow', async () => {
  const { pool, made } = numbered({}, 1);
  const first = await pool.acquire();
  const second = pool.acquire();
  pause();
  assert.equal(made(), 1);
  first.release();
  assert.equal((await second).item, 1);
});

test('where no item is given back, one more is made all the same', async () => {
  const { pool, made } = numbered({ maxInstances: 3 }, 1);
  await pool.acquire();
  const second = pool.acquire();
  mock.timers.tick(5);
  assert.equal(made(), 1);
  mock.timers.tick(5);
  assert.equal((await second).item, 2);
  assert.equal(made(), 2);
});

test('a request that may not wait is given a fresh item', async () => {
  const { pool } = numbered({ maxQueue: 0 });
  assert.equal((await pool.acquire()).item, 1);
  assert.equal((await pool.acquire()).item, 2);
  assert.throws(() => pool.acquire(), { code: 'TENON_RUNTIME_BUSY' });
});

test('items that serve once are replaced one by one', async () => {
  const { pool } = numbered({ maxInstances: 9, maxQueue: 9, maxRequestsPerInstance: 1 });
  const first = await pool.acquire();
  const others = [pool.acquire(), pool.acquire()];
  first.release();
  assert.equal((await others[0])?.item, 2);
  assert.equal(pool.size, 1);
});

test('giving back twice counts once', async () => {
  const { pool } = numbered();
  const lease = await pool.acquire();
  lease.release();
  lease.release();
  lease.discard();
  assert.equal(pool.size, 1);
  const taken = await pool.acquire();
  const other = pool.acquire();
  pause();
  assert.notEqual((await other).item, taken.item);
});

test('when no item can be made the request fails, and the next one tries again', async () => {
  let broken = true;
  const make = (): string => {
    if (broken) throw new Error('no memory');
    return 'item';
  };
  const pool = new Pool({ make, end: () => {} }, { maxInstances: 1, maxQueue: 1, maxRequestsPerInstance: 1 });
  assert.throws(() => pool.acquire(), /no memory/);
  assert.throws(() => pool.warm(), /no memory/);
  broken = false;
  assert.equal((await pool.acquire()).item, 'item');
});

test('items that stay idle are let go, but one', async () => {
  const { pool, ended } = numbered({ maxInstances: 3, maxQueue: 9 });
  const acquired = [pool.acquire(), pool.acquire(), pool.acquire()];
  pause();
  const leases = await Promise.all(acquired);
  assert.equal(pool.size, 3);
  for (const lease of leases) lease.release();
  pool.trim();
  assert.equal(pool.size, 3, 'they were busy since the last trim');
  pool.trim();
  assert.equal(pool.size, 1);
  assert.equal((await pool.acquire()).item, 3, 'the one that was used last stays');
  assert.deepEqual(ended, [1, 2]);
});

test('an item that cannot be made ready for the next request is replaced', async () => {
  const renewed: number[] = [];
  const { pool, ended } = numbered({ maxRequestsPerInstance: 9 }, 0, { renew: (item) => renewed.push(item) < 2 });
  const seen: number[] = [];
  for (let i = 0; i < 4; i++) {
    const lease = await pool.acquire();
    seen.push(lease.item);
    lease.release();
  }
  assert.deepEqual(
    [seen, renewed, ended],
    [
      [1, 1, 2, 3],
      [1, 1, 2, 3],
      [1, 2, 3],
    ],
  );
});

test('what slow clients hold is made up for, as often again as there may be instances; then one of them is let go', async () => {
  let held = 0;
  const held1: { discard(): void }[] = [];
  const { pool } = numbered({ maxInstances: 2, maxQueue: 9 }, 0, {
    held: () => held,
    shed: () => {
      held1.shift()?.discard();
      return true;
    },
  });
  const take = async (): Promise<number> => {
    const waiting = pool.acquire();
    pause();
    const lease = await waiting;
    held1.push(lease);
    return lease.item;
  };
  assert.deepEqual([await take(), await take()], [1, 2]);
  held = 2;
  assert.deepEqual([await take(), await take()], [3, 4]);
  held = 9;
  const fifth = await take();
  assert.deepEqual([fifth, pool.size], [5, 4]);
});

test('a pool that is closed ends what is idle, what is given back, and who waits', async () => {
  const { pool, ended } = numbered({ maxInstances: 1 });
  const lease = await pool.acquire();
  const waiting = Promise.resolve(pool.acquire());
  pool.close(new Error('closed'));
  await assert.rejects(waiting, /closed/);
  lease.release();
  assert.deepEqual([ended, pool.size], [[1], 0]);
});

test('who takes an item is told whether it has served before, and idle ones can all be ended', async () => {
  const { pool, ended } = numbered();
  const used: boolean[] = [];
  for (let i = 0; i < 2; i++) {
    const lease = await pool.acquire();
    used.push(lease.used);
    lease.release();
  }
  pool.clear();
  assert.deepEqual([used, ended, pool.size], [[false, true], [1], 0]);
  assert.equal((await pool.acquire()).used, false);
});

test('while the pool is paused nobody is given an item, and afterwards all are served', async () => {
  let paused = false;
  const { pool } = numbered({ maxInstances: 1 }, 0, { paused: () => paused });
  const first = await pool.acquire();
  paused = true;
  const second = pool.acquire();
  first.release();
  pause();
  assert.equal(pool.queued, 1);
  paused = false;
  pool.resume();
  assert.equal((await second).item, 1);
});
