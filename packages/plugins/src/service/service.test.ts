import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ServiceTrigger, startService } from './plugin.ts';

const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

/** A service whose ends are the test's own. */
function service(restart: ServiceTrigger['restart']) {
  const waits: number[] = [];
  const runs: { end: () => void; fail: () => void; signal: AbortSignal | undefined }[] = [];
  const stop = startService(
    {
      config: { restart, backoffMs: 100, maxBackoffMs: 500 },
      log: SILENT,
      invoke: ({ signal }) =>
        new Promise((resolve, reject) => {
          signal?.addEventListener('abort', () => reject(new Error('ended')));
          runs.push({ end: () => resolve(undefined), fail: () => reject(new Error('trap')), signal });
        }),
    },
    async (ms) => void waits.push(ms),
    () => 0,
  );
  return { waits, runs, stop };
}

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn++) await null;
};

test('a service is called again, with a pause that grows up to a bound', async () => {
  const { waits, runs, stop } = service('always');
  for (let n = 0; n < 5; n++) {
    if (n % 2 === 0) runs[n]?.end();
    else runs[n]?.fail();
    await turns();
  }
  assert.deepEqual(waits, [100, 200, 400, 500, 500]);
  assert.equal(runs.length, 6);
  await stop();
  assert.equal(runs.length, 6);
});

const policies: readonly [restart: ServiceTrigger['restart'], failed: boolean, runs: number][] = [
  ['never', true, 1],
  ['never', false, 1],
  ['on-failure', false, 1],
  ['on-failure', true, 2],
];
for (const [restart, failed, expected] of policies) {
  test(`restart: ${restart}, and it ${failed ? 'fails' : 'ends'}: ${expected} in all`, async () => {
    const { runs, stop } = service(restart);
    if (failed) runs[0]?.fail();
    else runs[0]?.end();
    await turns();
    assert.equal(runs.length, expected);
    await stop();
  });
}
