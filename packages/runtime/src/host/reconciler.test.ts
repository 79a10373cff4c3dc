import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Desired } from './desired.ts';
import { type Clock, Reconciler, type Running, type Status } from './reconciler.ts';

type Plan = { start?: string; check?: string; activate?: string };

/** A world in which revisions start as they are told, and time passes when the test says so. */
function world() {
  const log: string[] = [];
  const plans = new Map<number, Plan>();
  const ends = new Map<number, { finish: () => void; fail: (error: Error) => void }>();
  let now = 0;
  const sleepers: { readonly at: number; readonly wake: () => void }[] = [];
  const clock: Clock = {
    now: () => now,
    wait: (ms, signal) =>
      new Promise((resolve) => {
        sleepers.push({ at: now + ms, wake: resolve });
        signal.addEventListener('abort', () => resolve());
      }),
  };
  const start = async ({ revision: { number } }: Desired): Promise<Running> => {
    const plan = plans.get(number) ?? {};
    log.push(`start ${number}`);
    if (plan.start) throw new Error(plan.start);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    promise.catch(() => {});
    ends.set(number, { finish: resolve, fail: reject });
    return {
      ended: promise,
      check: async () => plan.check,
      activate: async () => {
        if (plan.activate) throw new Error(plan.activate);
        log.push(`activate ${number}`);
      },
      retire: async () => void log.push(`retire ${number}`),
    };
  };
  const statuses: Status[] = [];
  const reconciler = new Reconciler({ start, clock, changed: (status) => statuses.push(status) });
  return {
    log,
    plans,
    ends,
    statuses,
    reconciler,
    /** Lets what is ready happen, then lets time pass until the next sleeper wakes. */
    async pass(ms: number): Promise<void> {
      for (let turn = 0; turn < 20; turn++) await null;
      now += ms;
      for (const sleeper of sleepers.filter((each) => each.at <= now)) sleeper.wake();
      for (let turn = 0; turn < 20; turn++) await null;
    },
  };
}

const desired = (number: number, more: { state?: Desired['state']; restart?: 'always' | 'on-failure' | 'never' } = {}): Desired => ({
  namespace: 'n',
  name: 'w',
  application: 'a',
  state: more.state ?? 'running',
  revision: { number, created: 0, spec: { component: 'x', restart: more.restart ?? 'always' }, components: {}, shared: {} },
});
const ID = { namespace: 'n', name: 'w' };
const reasons = (status: Status | undefined): string[] => (status?.conditions ?? []).map((c) => `${c.type} ${c.status} ${c.reason}`);

test('a workload starts, is replaced without a gap, and stops', async () => {
  const { reconciler, log } = world();
  reconciler.want([desired(1)]);
  assert.equal((await reconciler.settled(ID))?.state, 'running');
  reconciler.want([desired(2)]);
  assert.equal((await reconciler.settled(ID))?.serving, 2);
  reconciler.want([desired(2)]);
  await reconciler.stop();
  assert.deepEqual(log, ['start 1', 'activate 1', 'start 2', 'activate 2', 'retire 1', 'retire 2']);
});

for (const [what, plan] of [
  ['does not start', { start: 'no memory' }],
  ['is not well', { check: 'no memory' }],
  ['cannot be activated', { activate: 'no memory' }],
] as const) {
  test(`the old revision goes on when the new one ${what}, and it is tried again`, async () => {
    const { reconciler, log, plans, pass } = world();
    reconciler.want([desired(1)]);
    await reconciler.settled(ID);
    plans.set(2, plan);
    reconciler.want([desired(2)]);
    const status = await reconciler.settled(ID);
    assert.equal(status?.state, 'degraded');
    assert.deepEqual([status?.wanted, status?.serving], [2, 1]);
    const current = status?.conditions.find((each) => each.type === 'Current');
    assert.deepEqual([current?.status, current?.reason], [false, 'StartFailed']);
    assert.match(current?.message ?? '', /no memory/);
    assert.ok(!log.includes('retire 1'));
    plans.delete(2);
    await pass(499);
    assert.equal(reconciler.status()[0]?.serving, 1);
    await pass(1);
    assert.equal(reconciler.status()[0]?.serving, 2);
    assert.deepEqual(log.slice(-3), ['start 2', 'activate 2', 'retire 1']);
    await reconciler.stop();
  });
}

test('a first start that fails is tried again, later each time, until something else is wanted', async () => {
  const { reconciler, log, plans, pass } = world();
  plans.set(1, { start: 'broken' });
  reconciler.want([desired(1)]);
  assert.equal((await reconciler.settled(ID))?.state, 'failed');
  for (const wait of [500, 1000, 2000]) {
    const before = log.length;
    await pass(wait - 1);
    assert.equal(log.length, before);
    await pass(1);
    assert.equal(log.length, before + 1);
  }
  // A correction does not wait.
  reconciler.want([desired(2)]);
  assert.equal((await reconciler.settled(ID))?.state, 'running');
  await reconciler.stop();
});

test('what fails is started again, with a pause that grows and is forgotten', async () => {
  const { reconciler, log, ends, pass } = world();
  reconciler.want([desired(1)]);
  await reconciler.settled(ID);
  ends.get(1)?.fail(new Error('trap'));
  await pass(0);
  assert.equal(reconciler.status()[0]?.state, 'failed');
  assert.equal(reconciler.status()[0]?.restarts, 1);
  await pass(500);
  assert.equal(reconciler.status()[0]?.state, 'running');
  await pass(60_000);
  ends.get(1)?.fail(new Error('trap'));
  await pass(0);
  await pass(500);
  assert.equal(reconciler.status()[0]?.state, 'running');
  assert.equal(log.filter((line) => line === 'start 1').length, 3);
  await reconciler.stop();
});

const policies: readonly [restart: 'on-failure' | 'never', failed: boolean, state: string, starts: number][] = [
  ['never', false, 'completed', 1],
  ['never', true, 'failed', 1],
  ['on-failure', false, 'completed', 1],
  ['on-failure', true, 'running', 2],
];
for (const [restart, failed, state, starts] of policies) {
  test(`restart: ${restart}, and it ${failed ? 'fails' : 'ends'}`, async () => {
    const { reconciler, log, ends, pass } = world();
    reconciler.want([desired(1, { restart })]);
    await reconciler.settled(ID);
    if (failed) ends.get(1)?.fail(new Error('x'));
    else ends.get(1)?.finish();
    await pass(0);
    await pass(500);
    assert.equal(reconciler.status()[0]?.state, state);
    assert.equal(log.filter((line) => line === 'start 1').length, starts);
    reconciler.restart(ID);
    assert.equal((await reconciler.settled(ID))?.state, 'running');
    await reconciler.stop();
  });
}

test('a start that is not wanted any more is given up', async () => {
  const { reconciler, log, pass } = world();
  reconciler.want([desired(1)]);
  reconciler.want([desired(2)]);
  reconciler.want([desired(3)]);
  assert.equal((await reconciler.settled(ID))?.serving, 3);
  reconciler.want([]);
  await pass(0);
  assert.deepEqual(reconciler.status(), []);
  assert.equal(log.at(-1), 'retire 3');
  assert.ok(!log.includes('activate 2'));
});

test('what is stopped is kept in mind, and starts again', async () => {
  const { reconciler, pass } = world();
  reconciler.want([desired(1)]);
  await reconciler.settled(ID);
  reconciler.want([desired(1, { state: 'stopped' })]);
  await pass(0);
  assert.equal(reconciler.status()[0]?.state, 'stopped');
  reconciler.want([desired(1)]);
  assert.equal((await reconciler.settled(ID))?.state, 'running');
  await reconciler.stop();
});

test('conditions keep the time of their last change', async () => {
  const { reconciler, plans, pass } = world();
  plans.set(1, { start: 'x' });
  reconciler.want([desired(1)]);
  const first = await reconciler.settled(ID);
  await pass(500);
  const again = reconciler.status()[0];
  assert.deepEqual(reasons(first), ['Ready false StartFailed']);
  assert.equal(first?.conditions[0]?.since, 0);
  assert.deepEqual(reasons(again), ['Ready false StartFailed']);
  await reconciler.stop();
});
