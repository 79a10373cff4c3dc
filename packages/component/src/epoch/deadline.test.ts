/** Guests that go on for ever, in every way there is, end at their deadline; nobody else loses anything. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { parse } from '@bytecodealliance/jco';
import { ticking } from '../../test/ticker.ts';
import { type CallLimits, Component, Linker, type LinkerOptions, Trap } from '../index.ts';

const { clock, stop } = ticking();
after(stop);

const compile = async (text: string, interruptible = true): Promise<Component> =>
  Component.compile((await parse(text)) as Uint8Array<ArrayBuffer>, { interruptible });

type Exports = Readonly<Record<string, (...args: unknown[]) => unknown>>;
type Running = {
  readonly call: <T>(limits: CallLimits, call: (exports: Exports) => T) => T;
  readonly exports: Exports;
  readonly instance: Awaited<ReturnType<Linker['instantiate']>>;
};

async function start(text: string, host: Record<string, unknown> = {}, options: LinkerOptions = {}): Promise<Running> {
  const linker = new Linker({ clock, ...options });
  for (const [name, value] of Object.entries(host)) linker.define(name, value);
  const instance = await linker.instantiate(await compile(text), { resettable: true });
  return {
    call: (limits, call) => instance.within(limits, call as never),
    exports: instance.exports as Exports,
    instance,
  };
}

const ended =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof Trap && error.code === code;

/** A component whose export `run` is this core function. */
const one = (core: string, more = ''): string => `(component
  (core module $m ${more} ${core})
  (core instance $i (instantiate $m))
  (func (export "run") (canon lift (core func $i "run")))
  (func (export "fine") (result u32) (canon lift (core func $i "fine"))))`;

const FINE = '(func (export "fine") (result i32) (i32.const 7))';

const SPINNERS: Readonly<Record<string, string>> = {
  'a loop': one(`(func (export "run") (loop (br 0))) ${FINE}`),
  'a loop with parameters': one(`(func (export "run") (i32.const 1) (loop (param i32) (result i32) (br 0)) (drop)) ${FINE}`),
  'a loop whose body catches everything': one(
    `(tag $t) (func $work (loop (br 0)))
     (func (export "run") (loop (block $caught (try_table (catch_all $caught) (call $work))) (br 0))) ${FINE}`,
  ),
  'calls in a tree': one(
    `(func $f (param i32) (if (local.get 0) (then (call $f (i32.sub (local.get 0) (i32.const 1))) (call $f (i32.sub (local.get 0) (i32.const 1))))))
     (func (export "run") (call $f (i32.const 100))) ${FINE}`,
  ),
  'tail calls': one(`(func $f (return_call $f)) (func (export "run") (call $f)) ${FINE}`),
  'tail calls through a table': one(
    `(type $t (func)) (table funcref (elem $f)) (func $f (return_call_indirect (type $t) (i32.const 0))) (func (export "run") (call $f)) ${FINE}`,
  ),
  'tail calls through a reference': one(
    `(type $t (func)) (elem declare func $f) (func $f (return_call_ref $t (ref.func $f))) (func (export "run") (call $f)) ${FINE}`,
  ),
  'waiting for a memory that nobody writes': one(
    `(memory 1 1 shared) (func (export "run") (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1)))) ${FINE}`,
  ),
  'a destructor': `(component
    (core module $d (func (export "dtor") (param i32) (loop (br 0))))
    (core instance $di (instantiate $d))
    (type $r (resource (rep i32) (dtor (core func $di "dtor"))))
    (core func $new (canon resource.new $r))
    (core func $drop (canon resource.drop $r))
    (core module $m (import "" "new" (func $new (param i32) (result i32))) (import "" "drop" (func $drop (param i32)))
      (func (export "run") (call $drop (call $new (i32.const 1)))) ${FINE})
    (core instance $i (instantiate $m (with "" (instance (export "new" (func $new)) (export "drop" (func $drop))))))
    (func (export "run") (canon lift (core func $i "run")))
    (func (export "fine") (result u32) (canon lift (core func $i "fine"))))`,
  'a post-return': `(component
    (core module $m (func (export "run") (result i32) (i32.const 1)) (func (export "post") (param i32) (loop (br 0))) ${FINE})
    (core instance $i (instantiate $m))
    (func (export "run") (result u32) (canon lift (core func $i "run") (post-return (core func $i "post"))))
    (func (export "fine") (result u32) (canon lift (core func $i "fine"))))`,
};

for (const [what, text] of Object.entries(SPINNERS)) {
  test(`${what}: ended at the deadline, and as new after a reset`, async () => {
    const neighbour = await start(SPINNERS['a loop'] as string);
    const { call, exports, instance } = await start(text);
    assert.throws(() => call({ timeoutMs: 20 }, ({ run }) => run?.()), ended('TENON_DEADLINE'));
    assert.throws(() => exports.fine?.(), { code: 'TENON_INSTANCE_POISONED' });
    assert.equal(neighbour.exports.fine?.(), 7);
    assert.equal(instance.reset(), true);
    assert.equal(
      call({ timeoutMs: 1000 }, ({ fine }) => fine?.()),
      7,
    );
  });
}

test('realloc that goes on for ever, in the midst of lowering', async () => {
  const { call } = await start(`(component
    (core module $m (memory (export "memory") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (loop (br 0)) (unreachable))
      (func (export "run") (param i32 i32)))
    (core instance $i (instantiate $m))
    (func (export "run") (param "text" string) (canon lift (core func $i "run") (memory (core memory $i "memory")) (realloc (core func $i "realloc")))))`);
  assert.throws(() => call({ timeoutMs: 20 }, ({ run }) => run?.('hello')), ended('TENON_DEADLINE'));
});

test('time that the guest computes, and a signal that is aborted before', async () => {
  const { call, instance } = await start(SPINNERS['a loop'] as string);
  assert.throws(() => call({ signal: AbortSignal.abort() }, ({ run }) => run?.()), ended('TENON_CANCELLED'));
  assert.equal(
    call({}, ({ fine }) => fine?.()),
    7,
  );
  assert.throws(() => call({ cpuMs: 15 }, ({ run }) => run?.()), ended('TENON_CPU_TIME'));
  assert.ok((instance.usage?.cpuMs ?? 0) > 15);
});

const HOST_CALLS = `(component
  (import "host" (func $host))
  (core func $h (canon lower (func $host)))
  (core module $m (import "" "host" (func $host)) (func (export "run") (call $host)) (func (export "spin") (loop (br 0)))
    (func (export "many") (loop (call $host) (br 0))))
  (core instance $i (instantiate $m (with "" (instance (export "host" (func $h))))))
  (func (export "run") (canon lift (core func $i "run")))
  (func (export "many") (canon lift (core func $i "many")))
  (func (export "spin") (canon lift (core func $i "spin"))))`;

test('a guest that a host function calls ends with the call that it is in', async () => {
  const inner = await start(SPINNERS['a loop'] as string);
  const outer = await start(HOST_CALLS, { host: () => inner.exports.run?.() });
  assert.throws(() => outer.call({ timeoutMs: 20 }, ({ run }) => run?.()), ended('TENON_DEADLINE'));
});

test('a guest that may wait lets others have their turn, and goes on; it ends when it is cancelled', async () => {
  let turns = 0;
  const { call } = await start(HOST_CALLS, { host: async () => {} });
  const timer = setInterval(() => turns++, 1);
  const abort = new AbortController();
  const spinning = call({ signal: abort.signal }, ({ spin }) => spin?.()) as Promise<unknown>;
  const until = new Promise<void>((resolve) => {
    const look = setInterval(() => {
      if (turns < 5) return;
      clearInterval(look);
      resolve();
    }, 1);
  });
  await until;
  clearInterval(timer);
  abort.abort(new Error('enough'));
  await assert.rejects(spinning, ended('TENON_CANCELLED'));
});

test('a guest that may wait and computes beyond its deadline, and one that waits for ever', async () => {
  for (const [name, host] of [
    ['spin', async () => {}],
    ['many', async () => {}],
    ['run', () => new Promise(() => {})],
  ] as const) {
    const { call, exports } = await start(HOST_CALLS, { host: Object.assign(async () => host(), {}) });
    const result = call({ timeoutMs: 30 }, (all) => all[name]?.()) as Promise<unknown>;
    await assert.rejects(result, ended('TENON_DEADLINE'), name);
    await assert.rejects(exports.spin?.() as Promise<unknown>, { code: 'TENON_INSTANCE_POISONED' });
  }
});

test('a guest that may wait with JavaScript below it cannot yield, and goes on', async () => {
  // The destructor is called by way of JavaScript.
  const spins =
    '(func $work (local i32) (local.set 0 (i32.const 30000000)) (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))';
  const { call } = await start(
    `(component
      (import "host" (func $host (result string)))
      (core module $a (memory (export "memory") 1) ${spins}
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (call $work) (i32.const 64)))
      (core instance $ai (instantiate $a))
      (core func $h (canon lower (func $host) (memory (core memory $ai "memory")) (realloc (core func $ai "realloc"))))
      (core module $m (import "" "host" (func $host (param i32))) (func (export "run") (result i32) (call $host (i32.const 0)) (i32.const 7)))
      (core instance $i (instantiate $m (with "" (instance (export "host" (func $h))))))
      (func (export "run") (result u32) (canon lift (core func $i "run"))))`,
    { host: async () => 'hello' },
  );
  assert.equal(await call({ timeoutMs: 10_000 }, ({ run }) => run?.()), 7);
});

test('a start function that goes on for ever', async () => {
  const component = await compile('(component (core module $m (func $f (loop (br 0))) (start $f)) (core instance (instantiate $m)))');
  const linker = new Linker({ clock });
  await assert.rejects(linker.instantiate(component, { limits: { timeoutMs: 20 } }), ended('TENON_DEADLINE'));
});

test('what is not interruptible cannot be called under limits', async () => {
  const instance = await new Linker({ clock }).instantiate(await compile(SPINNERS['a loop'] as string, false));
  assert.throws(() => instance.within({ timeoutMs: 10 }, () => 1), { code: 'TENON_NOT_INTERRUPTIBLE' });
  assert.equal(instance.reset(), false);
});

test('recursion without end is a trap, and the instance is as new after a reset', async () => {
  const { exports, instance } = await start(
    one(`(func $f (result i32) (i32.add (call $f) (i32.const 1))) (func (export "run") (drop (call $f))) ${FINE}`),
  );
  assert.throws(() => exports.run?.(), /call stack exhausted/);
  assert.equal(instance.reset(), true);
  assert.equal(exports.fine?.(), 7);
});
