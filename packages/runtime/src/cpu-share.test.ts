import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CpuShare } from './cpu-share.ts';

const usage = (): { cpuMs: number; readonly memoryBytes: number; readonly tableElements: number } => ({
  cpuMs: 0,
  memoryBytes: 0,
  tableElements: 0,
});

test('who has computed more than its share waits until time has passed', async () => {
  const used = usage();
  let resumed = 0;
  const share = new CpuShare(50, used, () => resumed++);
  assert.equal(share.wait(), undefined);
  used.cpuMs = 90;
  assert.equal(share.wait(), undefined, 'short work is let through');
  used.cpuMs = 140;
  const waiting = share.wait();
  assert.ok(waiting);
  await waiting;
  assert.deepEqual([share.wait(), resumed], [undefined, 1]);
  share.stop();
});

test('with all of the time nobody waits, and a share that is stopped lets everybody go', async () => {
  const used = usage();
  used.cpuMs = 1e9;
  assert.equal(new CpuShare(100, used, () => {}).wait(), undefined);
  const share = new CpuShare(1, used, () => {});
  const waiting = share.wait();
  assert.ok(waiting);
  share.stop();
  await waiting;
});
