import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RefusedError } from '@tenon/plugin';
import { type CronTrigger, startJob } from './plugin.ts';
import { next, scheduleProblem } from './schedule.ts';

const at = (text: string): number => Date.parse(text);
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

const cases: readonly [schedule: string, timezone: string, after: string, expected: string][] = [
  ['0 3 * * *', 'UTC', '2026-01-01T03:00:00Z', '2026-01-02T03:00:00Z'],
  ['*/15 * * * *', 'UTC', '2026-01-01T00:01:00Z', '2026-01-01T00:15:00Z'],
  ['30 0 12 * * *', 'UTC', '2026-01-01T00:00:00Z', '2026-01-01T12:00:30Z'],
  ['@daily', 'Europe/Zurich', '2026-01-01T12:00:00Z', '2026-01-01T23:00:00Z'],
  ['@hourly', 'UTC', '2026-01-01T12:00:00Z', '2026-01-01T13:00:00Z'],
  ['0 0 29 2 *', 'UTC', '2026-01-01T00:00:00Z', '2028-02-29T00:00:00Z'],
  ['0 9 * * 1-5', 'America/New_York', '2026-07-03T14:00:00Z', '2026-07-06T13:00:00Z'],
  // The clock goes back: one o'clock comes twice, the job runs once.
  ['0 1 * * *', 'UTC', '2026-10-25T00:30:00Z', '2026-10-25T01:00:00Z'],
];
for (const [schedule, timezone, after, expected] of cases) {
  test(`${schedule} in ${timezone} after ${after}`, () => {
    assert.equal(new Date(next({ schedule, timezone }, at(after)) ?? 0).toISOString(), new Date(expected).toISOString());
  });
}

test('what is no schedule is refused with a reason', () => {
  for (const [schedule, timezone] of [
    ['every day', 'UTC'],
    ['61 * * * *', 'UTC'],
    ['* * *', 'UTC'],
    ['0 0 30 2 *', 'UTC'],
    ['@daily', 'Mars/Olympus'],
  ] as const) {
    assert.ok(scheduleProblem({ schedule, timezone }), schedule);
    assert.throws(() => job({ schedule, timezone }), RefusedError);
  }
});

/** A job in a world whose time is the test's own. */
function job(config: Partial<CronTrigger>, options: { last?: number; now?: number } = {}) {
  let now = options.now ?? at('2026-01-01T00:00:30Z');
  let timers: { at: number; callback: () => void }[] = [];
  const runs: number[] = [];
  const ends: (() => void)[] = [];
  const warnings: string[] = [];
  const memory = new Map<string, string>();
  const stop = startJob(
    {
      config: { schedule: '* * * * *', timezone: 'UTC', export: 'e#f', overlap: false, catchUp: false, timeoutMs: 1, ...config },
      invoke: async () => {
        runs.push(now);
        await new Promise<void>((resolve) => ends.push(resolve));
      },
      log: { ...SILENT, warn: (message) => warnings.push(message) },
      memory: {
        recall: (key) => memory.get(key) ?? (options.last === undefined ? undefined : String(options.last)),
        remember: (key, value) => memory.set(key, value),
      },
    },
    () => now,
    (callback, ms) => {
      const timer = { at: now + ms, callback };
      timers.push(timer);
      return () => (timers = timers.filter((each) => each !== timer));
    },
  );
  return {
    runs,
    ends,
    warnings,
    memory,
    stop,
    async pass(ms: number, step = 10_000): Promise<void> {
      for (let left = ms; left > 0; left -= step) {
        now += step;
        const due = timers.filter((each) => each.at <= now);
        timers = timers.filter((each) => each.at > now);
        for (const timer of due) timer.callback();
        // What has ended is noticed before time goes on.
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
}

test('a job runs each time it is due, and not after it was stopped', async () => {
  const { runs, ends, pass, stop } = job({ overlap: true });
  await pass(180_000);
  assert.deepEqual(
    runs.map((time) => new Date(time).toISOString()),
    ['2026-01-01T00:01:00.000Z', '2026-01-01T00:02:00.000Z', '2026-01-01T00:03:00.000Z'],
  );
  const stopped = stop();
  await pass(120_000);
  assert.equal(runs.length, 3);
  for (const end of ends) end();
  await stopped;
});

test('a run that is due while the one before goes on is left out, and that is said', async () => {
  const { runs, ends, warnings, pass, stop } = job({});
  await pass(180_000);
  assert.equal(runs.length, 1);
  assert.equal(warnings.length, 2);
  ends[0]?.();
  await pass(60_000);
  assert.equal(runs.length, 2);
  ends[1]?.();
  await stop();
});

test('what was missed is caught up once, and only where that is wanted', async () => {
  const last = at('2025-12-31T22:00:00Z');
  for (const [catchUp, expected] of [
    [true, 1],
    [false, 0],
  ] as const) {
    const { runs, ends, stop } = job({ catchUp }, { last });
    assert.equal(runs.length, expected);
    for (const end of ends) end();
    await stop();
  }
  const first = job({ catchUp: true });
  assert.equal(first.runs.length, 0);
  await first.stop();
});

test('a machine that slept runs a job once when it wakes', async () => {
  const { runs, ends, pass, stop } = job({ overlap: true });
  await pass(3_600_000, 3_600_000);
  assert.equal(runs.length, 1);
  for (const end of ends) end();
  await stop();
});
