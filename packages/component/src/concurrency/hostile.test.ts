/** Guests that do what they should not: memory is bounded, promises settle, and the event loop goes round. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Exports, exportsOf, instantiate, MEMORY } from '../../test/concurrent-guest.ts';
import type { LinkerOptions } from '../index.ts';

const rejected = (promise: Promise<unknown> | undefined, error: object): Promise<void> =>
  assert.rejects(promise ?? Promise.resolve(), error);

/** A component that does something for ever, or until it traps. */
const flood = (builtins: string, imports: string, body: string): string => `(component
  ${MEMORY}
  (type $s (stream u8)) (type $f (future u8))
  (import "never" (func $never async))
  ${builtins}
  (core module $m ${imports}
    (table (export "table") 1 funcref) (elem (i32.const 0) func $start) (func $start (param i32))
    (func (export "run") (loop $again ${body} (br $again))))
  (core instance $i (instantiate $m (with "" (instance (export "f" (func $it))))))
  (func (export "run") async (canon lift (core func $i "run"))))`;

describe('floods are bounded, and the error names what there are too many of', () => {
  const options: LinkerOptions = { maxHandles: 1000, maxTasks: 1000 };
  for (const [what, builtin, type, message] of [
    [
      'streams',
      '(core func $it (canon stream.new $s))',
      '(result i64)',
      /1000 handles, and there is no room for a (readable|writable) stream end/,
    ],
    ['futures', '(core func $it (canon future.new $f))', '(result i64)', /no room for a (readable|writable) future end/],
    ['waitable sets', '(core func $it (canon waitable-set.new))', '(result i32)', /no room for a waitable set/],
    ['subtasks', '(core func $it (canon lower (func $never) async))', '(result i32)', /no room for a subtask/],
  ] as const) {
    test(what, async () => {
      const source = flood(builtin, `(import "" "f" (func $it ${type}))`, '(drop (call $it))');
      const { run } = await exportsOf(source, { never: () => new Promise(() => {}) }, options);
      await rejected(run?.(), { code: 'TENON_TRAP', message });
    });
  }

  test('threads', async () => {
    const { run } = await exportsOf(
      `(component
        (core module $t (table (export "table") 1 funcref) (func $start (param i32)) (elem (i32.const 0) func $start))
        (core instance $t (instantiate $t))
        (alias core export $t "table" (core table $table))
        (core type $start (func (param i32)))
        (core func $it (canon thread.new-indirect $start (core table $table)))
        (core module $m (import "" "f" (func $it (param i32 i32) (result i32)))
          (func (export "run") (loop $again (drop (call $it (i32.const 0) (i32.const 0))) (br $again))))
        (core instance $i (instantiate $m (with "" (instance (export "f" (func $it))))))
        (func (export "run") async (canon lift (core func $i "run"))))`,
      {},
      options,
    );
    await rejected(run?.(), { code: 'TENON_TRAP', message: /may have 1000 tasks and threads under way/ });
  });

  test('tasks that wait for a way in', async () => {
    const { run } = await exportsOf(
      `(component
        (component $shut
          (core func $inc (canon backpressure.inc))
          (core module $m (import "" "inc" (func $inc)) (func (export "shut") (call $inc)) (func (export "f")))
          (core instance $i (instantiate $m (with "" (instance (export "inc" (func $inc))))))
          (func (export "shut") (canon lift (core func $i "shut")))
          (func (export "f") async (canon lift (core func $i "f"))))
        (component $caller
          (import "shut" (func $shut)) (import "f" (func $f async))
          (core func $shut (canon lower (func $shut))) (core func $f (canon lower (func $f) async))
          (core module $m (import "" "shut" (func $shut)) (import "" "f" (func $f (result i32)))
            (func (export "run") (call $shut) (loop $again (drop (call $f)) (br $again))))
          (core instance $i (instantiate $m (with "" (instance (export "shut" (func $shut)) (export "f" (func $f))))))
          (func (export "run") async (canon lift (core func $i "run"))))
        (instance $shut (instantiate $shut))
        (instance $caller (instantiate $caller (with "shut" (func $shut "shut")) (with "f" (func $shut "f"))))
        (export "run" (func $caller "run")))`,
      {},
      { maxTasks: 1000 },
    );
    await rejected(run?.(), { code: 'TENON_TRAP', message: /too many tasks: 1000 wait to enter/ });
  });
});

/** Yields for ever, by callback or in the middle of a function. */
const SPINNERS = {
  'a callback that waits for nothing': `(component
    (core module $m (func (export "run") (result i32) (i32.const 1)) (func (export "callback") (param i32 i32 i32) (result i32) (i32.const 1)))
    (core instance $i (instantiate $m))
    (func (export "run") async (canon lift (core func $i "run") async (callback (core func $i "callback")))))`,
  'a thread that yields': `(component
    (core func $yield (canon thread.yield))
    (core module $m (import "" "yield" (func $yield (result i32))) (func (export "run") (loop $again (drop (call $yield)) (br $again))))
    (core instance $i (instantiate $m (with "" (instance (export "yield" (func $yield))))))
    (func (export "run") async (canon lift (core func $i "run") async)))`,
  'a set that always has an event': `(component
    ${MEMORY}
    (type $s (stream))
    (core func $new (canon stream.new $s))
    (core func $set-new (canon waitable-set.new))
    (core func $join (canon waitable.join))
    (core func $wait (canon waitable-set.wait (memory $mem)))
    (core func $read (canon stream.read $s async))
    (core func $write (canon stream.write $s async))
    (core module $m
      (import "" "new" (func $new (result i64)))
      (import "" "set-new" (func $set-new (result i32)))
      (import "" "join" (func $join (param i32 i32)))
      (import "" "wait" (func $wait (param i32 i32) (result i32)))
      (import "" "read" (func $read (param i32 i32 i32) (result i32)))
      (import "" "write" (func $write (param i32 i32 i32) (result i32)))
      (func (export "run")
        (local $pair i64) (local $set i32)
        (local.set $pair (call $new))
        (local.set $set (call $set-new))
        (call $join (i32.wrap_i64 (local.get $pair)) (local.get $set))
        (loop $again
          (drop (call $read (i32.wrap_i64 (local.get $pair)) (i32.const 0) (i32.const 1)))
          (drop (call $write (i32.wrap_i64 (i64.shr_u (local.get $pair) (i64.const 32))) (i32.const 0) (i32.const 1)))
          (drop (call $wait (local.get $set) (i32.const 0)))
          (br $again))))
    (core instance $i (instantiate $m (with "" (instance
      (export "new" (func $new)) (export "set-new" (func $set-new)) (export "join" (func $join)) (export "wait" (func $wait))
      (export "read" (func $read)) (export "write" (func $write))))))
    (func (export "run") async (canon lift (core func $i "run") async)))`,
};

describe('a guest that always has something ready lets the event loop go round', () => {
  for (const [what, source] of Object.entries(SPINNERS)) {
    test(what, async () => {
      const instance = await instantiate(source);
      const call = (instance.exports as unknown as Exports).run?.();
      // A timer and a turn of the loop come to their turn although the guest never rests.
      for (let turns = 0; turns < 3; turns++) {
        await new Promise((resolve) => setTimeout(resolve, 1));
        await new Promise(setImmediate);
      }
      instance.end('enough');
      await rejected(call, { code: 'TENON_INSTANCE_ENDED', cause: 'enough' });
    });
  }
});

/** Ends of a stream that two exports hold: each export does one thing with one of them. */
const ENDS = `(component
  ${MEMORY}
  (type $s (stream u8))
  (core func $new (canon stream.new $s))
  (core func $read (canon stream.read $s async (memory $mem)))
  (core func $write (canon stream.write $s async (memory $mem)))
  (core func $cancel-read (canon stream.cancel-read $s async))
  (core func $cancel-write (canon stream.cancel-write $s async))
  (core func $drop-readable (canon stream.drop-readable $s))
  (core func $drop-writable (canon stream.drop-writable $s))
  (core module $m
    (import "" "new" (func $new (result i64)))
    (import "" "read" (func $read (param i32 i32 i32) (result i32)))
    (import "" "write" (func $write (param i32 i32 i32) (result i32)))
    (import "" "cancel-read" (func $cancel-read (param i32) (result i32)))
    (import "" "cancel-write" (func $cancel-write (param i32) (result i32)))
    (import "" "drop-readable" (func $drop-readable (param i32)))
    (import "" "drop-writable" (func $drop-writable (param i32)))
    (global $r (mut i32) (i32.const 0)) (global $w (mut i32) (i32.const 0))
    (func (export "new") (local i64)
      (local.set 0 (call $new))
      (global.set $r (i32.wrap_i64 (local.get 0)))
      (global.set $w (i32.wrap_i64 (i64.shr_u (local.get 0) (i64.const 32)))))
    (func (export "give") (result i32) (global.get $r))
    (func (export "read") (result i32) (call $read (global.get $r) (i32.const 64) (i32.const 4)))
    (func (export "write") (result i32) (call $write (global.get $w) (i32.const 64) (i32.const 4)))
    (func (export "cancel-read") (result i32) (call $cancel-read (global.get $r)))
    (func (export "cancel-write") (result i32) (call $cancel-write (global.get $w)))
    (func (export "drop-readable") (call $drop-readable (global.get $r)))
    (func (export "drop-writable") (call $drop-writable (global.get $w))))
  (core instance $i (instantiate $m (with "" (instance
    (export "new" (func $new)) (export "read" (func $read)) (export "write" (func $write))
    (export "cancel-read" (func $cancel-read)) (export "cancel-write" (func $cancel-write))
    (export "drop-readable" (func $drop-readable)) (export "drop-writable" (func $drop-writable))))))
  (func (export "new") (canon lift (core func $i "new")))
  (func (export "give") (result $s) (canon lift (core func $i "give")))
  (func (export "read") (result s32) (canon lift (core func $i "read")))
  (func (export "write") (result s32) (canon lift (core func $i "write")))
  (func (export "cancel-read") (result s32) (canon lift (core func $i "cancel-read")))
  (func (export "cancel-write") (result s32) (canon lift (core func $i "cancel-write")))
  (func (export "drop-readable") (canon lift (core func $i "drop-readable")))
  (func (export "drop-writable") (canon lift (core func $i "drop-writable"))))`;

const BLOCKED = -1;

describe('ends of streams in any order', () => {
  for (const [steps, last] of [
    ['new write read cancel-write', 0x40],
    ['new read read', 'trap'],
    ['new write write', 'trap'],
    ['new cancel-read', 'trap'],
    ['new read cancel-read', 0x2],
    ['new read cancel-read cancel-read', 'trap'],
    ['new read drop-readable', 'trap'],
    ['new read cancel-read drop-readable write', 0x1],
    ['new drop-readable drop-readable', 'trap'],
    ['new drop-readable write', 0x1],
    ['new drop-readable write write', 'trap'],
    ['new drop-writable read', 0x1],
    ['new drop-writable read read', 'trap'],
    ['new drop-writable drop-readable read', 'trap'],
    ['new write read', 0x40],
    ['new write drop-readable', undefined],
    ['new write drop-readable cancel-write', 0x1],
    ['new write read', 0x40],
    ['new read write', 0x40],
    ['new read write drop-writable cancel-read', 0x41],
    ['new write cancel-write drop-writable read', 0x1],
    ['new read drop-writable', undefined],
    ['new write', BLOCKED],
  ] as const) {
    test(`${steps}: ${last}`, async () => {
      const { exports } = await instantiate(ENDS);
      const functions = exports as Readonly<Record<string, () => unknown>>;
      const run = (step: string): unknown => functions[step.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())]?.();
      const all = steps.split(' ');
      for (const step of all.slice(0, -1)) run(step);
      const end = (): unknown => run(all.at(-1) ?? '');
      if (last === 'trap') assert.throws(end, { code: 'TENON_TRAP' });
      else assert.equal(end(), last);
    });
  }
});

test('what is left open when the instance ends settles', async () => {
  const instance = await instantiate(ENDS);
  const functions = instance.exports as { readonly new: () => void; readonly give: () => ReadableStream<Uint8Array> };
  functions.new();
  const reader = functions.give().getReader();
  const read = reader.read();
  instance.end('closed');
  await rejected(read, { code: 'TENON_INSTANCE_ENDED', cause: 'closed' });
});

test('a guest that calls itself through the host, without end, is stopped by the limit on tasks', async () => {
  const source = `(component
    (import "again" (func $again async))
    (core func $again (canon lower (func $again) async))
    (core module $m (import "" "again" (func $again (result i32)))
      (func (export "run") (result i32) (drop (call $again)) (i32.const 1))
      (func (export "callback") (param i32 i32 i32) (result i32) (i32.const 1)))
    (core instance $i (instantiate $m (with "" (instance (export "again" (func $again))))))
    (func (export "run") async (canon lift (core func $i "run") async (callback (core func $i "callback")))))`;
  let run: (() => Promise<unknown>) | undefined;
  const exports = await exportsOf(source, { again: () => run?.() }, { maxTasks: 100 });
  run = exports.run as () => Promise<unknown>;
  await rejected(run(), { code: 'TENON_TRAP', message: /100 tasks and threads under way/ });
});

test('a call that comes while the guest is in the middle of a synchronous host function waits for its turn', async () => {
  const order: string[] = [];
  const { run } = await exportsOf(
    `(component
      (import "note" (func $note (param "n" u32)))
      (core func $note (canon lower (func $note)))
      (core func $return (canon task.return))
      (core module $m (import "" "note" (func $note (param i32))) (import "" "return" (func $return))
        (func (export "run") (param i32) (result i32) (call $note (local.get 0)) (call $return) (i32.const 0))
        (func (export "callback") (param i32 i32 i32) (result i32) unreachable))
      (core instance $i (instantiate $m (with "" (instance (export "note" (func $note)) (export "return" (func $return))))))
      (func (export "run") async (param "n" u32) (canon lift (core func $i "run") async (callback (core func $i "callback")))))`,
    {
      note(n: number) {
        order.push(`begin ${n}`);
        if (n < 3) void run?.(n + 1);
        order.push(`end ${n}`);
      },
    },
  );
  await run?.(1);
  await new Promise(setImmediate);
  assert.deepEqual(order, ['begin 1', 'end 1', 'begin 2', 'end 2', 'begin 3', 'end 3']);
});
