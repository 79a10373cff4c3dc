import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { parse } from '@bytecodealliance/jco';
import { Component, EpochClock, type Instance, Linker, Trap } from '../index.ts';

const ticker = (clock: EpochClock): Worker =>
  new Worker(
    `const { workerData } = require('node:worker_threads');
    const words = new Int32Array(workerData.buffer);
    setInterval(() => { words[1] = Math.floor(performance.timeOrigin + performance.now()) | 0; words[3]++; Atomics.store(words, 0, 1); }, 2);`,
    { eval: true, workerData: clock.share() },
  );

const SPIN = `(component
  (core module $m
    (func (export "spin") (loop (br 0)))
    (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))
  (core instance $i (instantiate $m))
  (func (export "spin") (canon lift (core func $i "spin")))
  (func (export "add") (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $i "add"))))`;

type Spin = { readonly spin: () => void; readonly add: (a: number, b: number) => number };

test('a guest that spins traps at its deadline', async () => {
  const clock = new EpochClock({ periodMs: 2 });
  const worker = ticker(clock);
  try {
    const component = await Component.compile((await parse(SPIN)) as Uint8Array<ArrayBuffer>, { interruptible: true });
    const instance = await new Linker({ clock }).instantiate(component, { resettable: true });
    const since = performance.now();
    const call = <T>(what: (exports: Spin) => T): T => instance.within({ timeoutMs: 50 }, what as (exports: Instance['exports']) => T);
    assert.throws(
      () => call(({ spin }) => spin()),
      (error) => error instanceof Trap && error.code === 'TENON_DEADLINE',
    );
    console.log(performance.now() - since, instance.usage);
    assert.throws(() => call(({ add }) => add(2, 3)), { code: 'TENON_INSTANCE_POISONED' });
    assert.equal(instance.reset(), true);
    assert.equal(
      call(({ add }) => add(2, 3)),
      5,
    );
  } finally {
    await worker.terminate();
  }
});
