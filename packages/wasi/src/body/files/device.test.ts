import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Device } from './device.ts';

/** A device on which operations take as long as they are told to. */
function deviceAt(): { readonly device: Device; take(milliseconds: number): void; pass(milliseconds: number): void } {
  let now = 1000;
  const device = new Device(() => now);
  const pass = (milliseconds: number): void => {
    now += milliseconds;
  };
  return { device, pass, take: (milliseconds) => device.run(() => pass(milliseconds)) };
}

describe('a device', () => {
  test('is quick at first, and hands on what operations return and throw', () => {
    const { device } = deviceAt();
    assert.equal(device.quick, true);
    assert.equal(
      device.run(() => 7),
      7,
    );
    assert.throws(() => device.run(() => assert.fail('mine')), /mine/);
  });

  test('may pause once in a while', () => {
    const { device, take, pass } = deviceAt();
    for (let pause = 0; pause < 100; pause++) {
      take(200);
      assert.equal(device.quick, true);
      pass(2000);
    }
  });

  test('that is slow is left alone for ten times as long, however long it goes on', () => {
    const { device, take, pass } = deviceAt();
    let operations = 0;
    let passed = 0;
    while (passed < 100_000) {
      if (device.quick) {
        take(20);
        operations++;
      }
      pass(1);
      passed++;
    }
    const took = operations * 20;
    assert.ok(took <= (took + passed) / Device.AMENDS + Device.CREDIT + 20 + operations * Device.POOL, String(took));
    assert.ok(took >= passed / Device.AMENDS / 2, String(took));
  });

  test('makes up for pauses by operations that are quicker than the thread pool', () => {
    const { device, take } = deviceAt();
    take(300);
    assert.equal(device.quick, false);
    for (let operation = 0; operation < 1200; operation++) take(0.001);
    assert.equal(device.quick, true);
  });

  test('gathers no merit in advance', () => {
    const { device, take } = deviceAt();
    for (let operation = 0; operation < 100_000; operation++) take(0.001);
    take(Device.CREDIT * 1.2);
    assert.equal(device.quick, false);
  });
});
