import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parse } from '@bytecodealliance/jco';
import { Component, Linker, type Prepared } from '../index.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** A guest with a resource whose destructor calls an import. */
const GUEST = `(component
  (import "dropped" (func $dropped (param "rep" u32)))
  (core func $dropped (canon lower (func $dropped)))
  (core module $d (import "" "dropped" (func $dropped (param i32)))
    (memory (export "memory") 1)
    (func (export "drop") (param i32) (call $dropped (local.get 0))))
  (core instance $d (instantiate $d (with "" (instance (export "dropped" (func $dropped))))))
  (type $session' (resource (rep i32) (dtor (core func $d "drop"))))
  (core func $new (canon resource.new $session'))
  (core func $rep (canon resource.rep $session'))
  (core module $m
    (import "" "new" (func $new (param i32) (result i32)))
    (import "" "dropped" (func $dropped (param i32)))
    (func (export "make") (param i32) (result i32) (call $new (local.get 0)))
    (func (export "rep") (param i32) (result i32) (local.get 0))
    (func (export "other") (param i32) (result i32) (call $dropped (local.get 0)) (i32.const 1)))
  (core instance $m (instantiate $m (with "" (instance (export "new" (func $new)) (export "dropped" (func $dropped))))))
  (export $session "session" (type $session'))
  (func (export "[constructor]session") (param "rep" u32) (result (own $session)) (canon lift (core func $m "make")))
  (func (export "[method]session.rep") (param "self" (borrow $session)) (result u32) (canon lift (core func $m "rep")))
  (func (export "other") (param "rep" u32) (result u32) (canon lift (core func $m "other"))))`;

type SessionOf<Result, Made> = new (rep: number) => Made & { rep(): Result } & Disposable & AsyncDisposable;
interface SyncExports {
  readonly Session: SessionOf<number, object>;
  other(rep: number): number;
}
interface AsyncExports {
  readonly Session: new (rep: number) => Promise<{ rep(): Promise<number> } & Disposable & AsyncDisposable>;
  other(rep: number): Promise<number>;
}

async function prepare(dropped: (rep: number) => unknown): Promise<Prepared> {
  const component = await Component.compile(new Uint8Array(await parse(GUEST)));
  return new Linker().define('dropped', dropped).prepareSync(component);
}

/** Bytes of V8's heap and of linear memories that each round keeps alive within one job. */
function keptPerRound(round: () => void): number {
  const rounds = 400;
  for (let i = 0; i < 50; i++) round();
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < rounds; i++) round();
  collect();
  return (process.memoryUsage().heapUsed - before) / rounds;
}

// An instance that is kept takes some 8 KB; what V8 makes for itself meanwhile is a tenth of it.
const KEPT = 2000;

test('instances whose handles were disposed of are collected, also within one job', async () => {
  const prepared = await prepare(() => {});
  const kept = keptPerRound(() => {
    const { Session } = prepared.instantiateSync().exports as unknown as SyncExports;
    new Session(1)[Symbol.dispose]();
  });
  assert.ok(kept < KEPT, `${kept} bytes`);
});

test('a handle that is merely lost does not keep its instance', async () => {
  const prepared = await prepare(() => {});
  const kept = keptPerRound(() => {
    const { Session } = prepared.instantiateSync().exports as unknown as SyncExports;
    new Session(1).rep();
  });
  assert.ok(kept < KEPT, `${kept} bytes`);
});

test('an instance that is ended within a job is collected within it', async () => {
  const prepared = await prepare(() => {});
  const kept = keptPerRound(() => {
    const instance = prepared.instantiateSync();
    new (instance.exports as unknown as SyncExports).Session(1)[Symbol.dispose]();
    instance.end();
  });
  assert.ok(kept < KEPT, `${kept} bytes`);
});

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Collects until `condition` holds. */
async function collected(condition: () => boolean): Promise<void> {
  while (!condition()) {
    collect();
    await turn();
  }
}

test('handles that are lost while their instance lives are dropped', async () => {
  const dropped: number[] = [];
  const { exports } = (await prepare((rep) => void dropped.push(rep))).instantiateSync();
  const { Session, other } = exports as unknown as SyncExports;
  for (let rep = 1; rep <= 3; rep++) new Session(rep).rep();
  await collected(() => dropped.length === 3);
  assert.deepEqual(dropped.sort(), [1, 2, 3]);
  assert.equal(other(4), 1);
});

test('calls that find a destructor under way wait for it', async () => {
  const order: string[] = [];
  const gates = new Map<number, () => void>();
  const prepared = await prepare(async (rep) => {
    order.push(`begin ${rep}`);
    if (rep < 10) await new Promise<void>((resolve) => gates.set(rep, resolve));
    order.push(`end ${rep}`);
  });
  const { Session, other } = prepared.instantiateSync().exports as unknown as AsyncExports;
  {
    using first = await new Session(1);
    using second = await new Session(2);
    assert.deepEqual([await first.rep(), await second.rep()], [1, 2]);
  }
  const call = other(10);
  const made = (async () => {
    await call;
    return await new Session(11);
  })();
  assert.deepEqual(order, ['begin 2']);
  gates.get(2)?.();
  while (!gates.has(1)) await turn();
  assert.deepEqual(order, ['begin 2', 'end 2', 'begin 1']);
  gates.get(1)?.();
  assert.equal(await call, 1);
  assert.equal(await (await made).rep(), 11);
  assert.deepEqual(order.slice(2), ['begin 1', 'end 1', 'begin 10', 'end 10']);
});

test('a destructor that could wait and does not leaves the instance at once', async () => {
  const dropped: number[] = [];
  const prepared = await prepare(Object.assign((rep: number) => void dropped.push(rep), { [Symbol.for('tenon.blocking')]: true }));
  const { Session, other } = prepared.instantiateSync().exports as unknown as AsyncExports;
  const session = await new Session(1);
  session[Symbol.dispose]();
  assert.equal(await other(2), 1);
  assert.deepEqual(dropped, [1, 2]);
});

test('handles that are lost while a call waits are dropped when it has returned', async () => {
  const dropped: number[] = [];
  let open: (() => void) | undefined;
  const prepared = await prepare(async (rep) => {
    if (rep === 100) await new Promise<void>((resolve) => (open = resolve));
    else dropped.push(rep);
  });
  const { Session, other } = prepared.instantiateSync().exports as unknown as AsyncExports;
  await (await new Session(1)).rep();
  const call = other(100);
  for (let i = 0; i < 3; i++) {
    collect();
    await turn();
  }
  assert.deepEqual(dropped, []);
  open?.();
  assert.equal(await call, 1);
  await collected(() => dropped.length === 1);
  assert.equal(await other(5), 1);
});
