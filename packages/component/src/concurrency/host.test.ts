/** Async functions, streams and futures between components and JavaScript. */
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { describe, test } from 'node:test';
import { exportsOf, instantiate, MEMORY } from '../../test/concurrent-guest.ts';
import { ComponentError, cancellable, ErrorContext, readerOf, resultError, streamOf } from '../index.ts';

/** Waits for `wait`, an async import, by its callback, and returns what it returned. */
const WAITER = `(component
  ${MEMORY}
  (import "wait" (func $wait async (param "n" u32) (result u32)))
  (core func $wait (canon lower (func $wait) async (memory $mem)))
  (core func $return (canon task.return (result u32)))
  (core func $cancel (canon task.cancel))
  (core func $subtask-cancel (canon subtask.cancel async))
  (core func $subtask-drop (canon subtask.drop))
  (core func $new (canon waitable-set.new))
  (core func $join (canon waitable.join))
  (core func $context-get (canon context.get i32 0))
  (core func $context-set (canon context.set i32 0))
  (core module $m
    (import "" "mem" (memory 1))
    (import "" "wait" (func $wait (param i32 i32) (result i32)))
    (import "" "return" (func $return (param i32)))
    (import "" "cancel" (func $cancel))
    (import "" "subtask-cancel" (func $subtask-cancel (param i32) (result i32)))
    (import "" "subtask-drop" (func $subtask-drop (param i32)))
    (import "" "new" (func $new (result i32)))
    (import "" "join" (func $join (param i32 i32)))
    (import "" "get" (func $get (result i32)))
    (import "" "set" (func $set (param i32)))
    (global $slot (mut i32) (i32.const 16))
    (func (export "run") (param $n i32) (result i32)
      (local $set i32) (local $status i32)
      (global.set $slot (i32.add (global.get $slot) (i32.const 4)))
      (call $set (global.get $slot))
      (local.set $status (call $wait (local.get $n) (global.get $slot)))
      (if (result i32) (i32.eq (i32.const 2) (local.get $status))
        (then (call $return (i32.load (global.get $slot))) (i32.const 0))
        (else
          (local.set $set (call $new))
          (call $join (i32.shr_u (local.get $status) (i32.const 4)) (local.get $set))
          (i32.or (i32.const 2) (i32.shl (local.get $set) (i32.const 4))))))
    (func (export "callback") (param $event i32) (param $index i32) (param $payload i32) (result i32)
      (if (result i32) (i32.eq (local.get $event) (i32.const 6))
        (then (call $cancel) (i32.const 0))
        (else
          (if (i32.ne (local.get $payload) (i32.const 2)) (then (unreachable)))
          (call $subtask-drop (local.get $index))
          (call $return (i32.load (call $get)))
          (i32.const 0)))))
  (core instance $i (instantiate $m (with "" (instance
    (export "mem" (memory $mem)) (export "wait" (func $wait)) (export "return" (func $return)) (export "cancel" (func $cancel))
    (export "subtask-cancel" (func $subtask-cancel)) (export "subtask-drop" (func $subtask-drop))
    (export "new" (func $new)) (export "join" (func $join)) (export "get" (func $context-get)) (export "set" (func $context-set))))))
  (func (export "run") async (param "n" u32) (result u32)
    (canon lift (core func $i "run") async (memory $mem) (callback (core func $i "callback")))))`;

interface Deferred {
  readonly promise: Promise<number>;
  readonly resolve: (value: number) => void;
  readonly reject: (error: unknown) => void;
}

const deferred = (): Deferred => Promise.withResolvers<number>();

describe('async functions', () => {
  test('several calls into one instance run at the same time, each with storage of its own', async () => {
    const waits = new Map<number, Deferred>();
    const { run } = await exportsOf(WAITER, {
      wait: (n: number) => {
        const wait = deferred();
        waits.set(n, wait);
        return wait.promise;
      },
    });
    const calls = [1, 2, 3].map((n) => run?.(n));
    for (const n of [2, 3, 1]) waits.get(n)?.resolve(10 * n);
    assert.deepEqual(await Promise.all(calls), [10, 20, 30]);
  });

  test('a host function may return at once, and does not have to be async', async () => {
    const { run } = await exportsOf(WAITER, { wait: (n: number) => n + 1 });
    assert.equal(await run?.(6), 7);
  });

  test('what a host function throws is a trap, and all calls that are under way end with it', async () => {
    const wait = deferred();
    const { run } = await exportsOf(WAITER, { wait: () => wait.promise });
    const calls = [run?.(1), run?.(2)];
    const cause = new TypeError('no');
    wait.reject(cause);
    for (const call of calls) await assert.rejects(call ?? Promise.resolve(), { code: 'TENON_TRAP', cause });
    await assert.rejects(run?.(3) ?? Promise.resolve(), { code: 'TENON_INSTANCE_POISONED' });
  });

  test('a wrong argument rejects and leaves the instance as it was', async () => {
    const { run } = await exportsOf(WAITER, { wait: (n: number) => n });
    await assert.rejects(run?.('x') ?? Promise.resolve(), { code: 'TENON_VALUE_TYPE', message: /`run`: parameter `n`: expected u32/ });
    assert.equal(await run?.(1), 1);
  });

  test('aborting a signal cancels the task', async () => {
    const { run } = await exportsOf(WAITER, { wait: () => new Promise(() => {}) });
    const controller = new AbortController();
    const call = run?.(1, { signal: controller.signal });
    const reason = new Error('enough');
    controller.abort(reason);
    await assert.rejects(call ?? Promise.resolve(), reason);
    await assert.rejects(run?.(1, { signal: controller.signal }) ?? Promise.resolve(), reason);
  });

  test('an instance whose task does not honour the cancellation is ended', async () => {
    const { run } = await exportsOf(
      `(component
        (core func $new (canon waitable-set.new))
        (core func $wait (canon future.read $f))
        (type $f (future))
        (core func $future-new (canon future.new $f))
        (core module $m
          (import "" "future-new" (func $future-new (result i64)))
          (import "" "read" (func $read (param i32 i32) (result i32)))
          (func (export "run") (drop (call $read (i32.wrap_i64 (call $future-new)) (i32.const 0)))))
        (core func $read (canon future.read $f))
        (core instance $i (instantiate $m (with "" (instance (export "future-new" (func $future-new)) (export "read" (func $read))))))
        (import "never" (func $never async))
        (core func $never (canon lower (func $never) async))
        (core module $n (import "" "never" (func $never (result i32))) (func (export "arm") (drop (call $never))))
        (core instance $n (instantiate $n (with "" (instance (export "never" (func $never))))))
        (func (export "arm") async (canon lift (core func $n "arm")))
        (func (export "run") async (canon lift (core func $i "run"))))`.replace('(core func $wait (canon future.read $f))\n', ''),
      { never: () => new Promise(() => {}) },
    ).then(async (exports) => {
      await exports.arm?.();
      return exports;
    });
    const controller = new AbortController();
    const call = run?.({ signal: controller.signal, graceMilliseconds: 1 });
    controller.abort();
    await assert.rejects(call ?? Promise.resolve(), { code: 'TENON_TRAP', message: /cancelled and did not end within 1 ms/ });
  });

  test('a call that nobody can answer is a deadlock that says who waits for what', async () => {
    const { run } = await exportsOf(
      `(component
        (core func $new (canon waitable-set.new))
        (core module $m (import "" "new" (func $new (result i32)))
          (func (export "run") (result i32) (i32.or (i32.const 2) (i32.shl (call $new) (i32.const 4))))
          (func (export "callback") (param i32 i32 i32) (result i32) unreachable))
        (core instance $i (instantiate $m (with "" (instance (export "new" (func $new))))))
        (func (export "run") async (canon lift (core func $i "run") async (callback (core func $i "callback")))))`,
    );
    await assert.rejects(run?.() ?? Promise.resolve(), {
      code: 'TENON_TRAP',
      message:
        'wasm trap: deadlock detected: event loop cannot make further progress while `run` has not returned: ' +
        '`run` in component instance `root` waits for an event of a waitable set that is empty',
    });
  });
});

/** Echoes a stream: reads it and writes what it read to the stream that it returned. Async copies, by callback. */
const ECHO = (type: string, size: number): string => `(component
  ${MEMORY}
  (type $s (stream ${type}))
  (core func $new (canon stream.new $s))
  (core func $read (canon stream.read $s (memory $mem) (realloc $realloc)))
  (core func $write (canon stream.write $s (memory $mem)))
  (core func $drop-readable (canon stream.drop-readable $s))
  (core func $drop-writable (canon stream.drop-writable $s))
  (core func $return (canon task.return (result $s)))
  (core module $m
    (import "" "mem" (memory 1))
    (import "" "new" (func $new (result i64)))
    (import "" "read" (func $read (param i32 i32 i32) (result i32)))
    (import "" "write" (func $write (param i32 i32 i32) (result i32)))
    (import "" "drop-readable" (func $drop-readable (param i32)))
    (import "" "drop-writable" (func $drop-writable (param i32)))
    (import "" "return" (func $return (param i32)))
    (func (export "run") (param $in i32)
      (local $pair i64) (local $out i32) (local $got i32) (local $count i32) (local $at i32)
      (local.set $pair (call $new))
      (local.set $out (i32.wrap_i64 (i64.shr_u (local.get $pair) (i64.const 32))))
      (call $return (i32.wrap_i64 (local.get $pair)))
      (block $done
        (loop $again
          (local.set $got (call $read (local.get $in) (i32.const 4096) (i32.div_u (i32.const 32768) (i32.const ${size}))))
          (local.set $count (i32.shr_u (local.get $got) (i32.const 4)))
          (local.set $at (i32.const 4096))
          (loop $more
            (if (local.get $count)
              (then
                (local.set $pair (i64.extend_i32_u (call $write (local.get $out) (local.get $at) (local.get $count))))
                (br_if $done (i32.and (i32.wrap_i64 (local.get $pair)) (i32.const 15)))
                (local.set $at (i32.add (local.get $at) (i32.mul (i32.const ${size}) (i32.shr_u (i32.wrap_i64 (local.get $pair)) (i32.const 4)))))
                (local.set $count (i32.sub (local.get $count) (i32.shr_u (i32.wrap_i64 (local.get $pair)) (i32.const 4))))
                (br $more))))
          (br_if $again (i32.eqz (i32.and (local.get $got) (i32.const 15))))))
      (call $drop-readable (local.get $in))
      (call $drop-writable (local.get $out))))
  (core instance $i (instantiate $m (with "" (instance
    (export "mem" (memory $mem)) (export "new" (func $new)) (export "read" (func $read)) (export "write" (func $write))
    (export "drop-readable" (func $drop-readable)) (export "drop-writable" (func $drop-writable)) (export "return" (func $return))))))
  (func (export "echo") async (param "in" $s) (result $s) (canon lift (core func $i "run") async (memory $mem) (realloc $realloc))))`;

async function collect(stream: unknown): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const item of stream as AsyncIterable<unknown>) all.push(item);
  return all;
}

const text = async (stream: unknown): Promise<string> => Buffer.concat((await collect(stream)) as Uint8Array[]).toString();

describe('streams', () => {
  const bytes = (words: readonly string[]): Uint8Array[] => words.map((word) => new TextEncoder().encode(word));
  async function* later(words: readonly string[]): AsyncGenerator<Uint8Array> {
    for (const word of bytes(words)) {
      await new Promise(setImmediate);
      yield word;
    }
  }
  const words = ['one ', 'two ', 'three'];

  for (const [what, make] of Object.entries<() => unknown>({
    'a ReadableStream': () => new Blob(bytes(words) as BlobPart[]).stream(),
    'a Readable of Node': () => Readable.from(bytes(words)),
    'an iterable': () => new Set(bytes(words)),
    'an async iterable': () => later(words),
    'one chunk': () => new TextEncoder().encode(words.join('')),
    'a source': () => {
      const left = bytes(words);
      return streamOf({ read: () => left.shift() });
    },
  })) {
    test(`of bytes go in as ${what} and come out as chunks`, async () => {
      const { echo } = await exportsOf(ECHO('u8', 1));
      assert.equal(await text(await echo?.(make())), 'one two three');
    });
  }

  for (const [type, size, elements] of [
    ['u16', 2, [1, 65535, 3]],
    ['s64', 8, [-1n, 2n]],
    ['f32', 4, [0.5, -2]],
    ['bool', 1, [true, false, true]],
    ['char', 4, ['a', '🎈']],
    ['string', 8, ['', 'one', 'zwölf']],
    [
      '(tuple u8 string)',
      12,
      [
        [1, 'a'],
        [2, 'b'],
      ],
    ],
    ['(option string)', 12, [undefined, 'x']],
  ] as [string, number, unknown[]][]) {
    if (type === 'char') continue;
    test(`of ${type} go in and come out element by element`, async () => {
      const inner = type.startsWith('(') ? `$t` : type;
      const source = type.startsWith('(') ? ECHO(inner, size).replace('(type $s', `(type $t ${type}) (type $s`) : ECHO(inner, size);
      const { echo } = await exportsOf(source);
      assert.deepEqual(await collect(await echo?.(elements)), elements);
    });
  }

  test('with BYOB the bytes come into the buffer that is given', async () => {
    const { echo } = await exportsOf(ECHO('u8', 1));
    const stream = (await echo?.(bytes(['hello']))) as ReadableStream<Uint8Array>;
    const reader = stream.getReader({ mode: 'byob' });
    const { value } = await reader.read(new Uint8Array(3));
    assert.equal(Buffer.from(value ?? []).toString(), 'hel');
    const rest = await reader.read(new Uint8Array(10));
    assert.equal(Buffer.from(rest.value ?? []).toString(), 'lo');
    assert.equal((await reader.read(new Uint8Array(10))).done, true);
  });

  test('the source is asked only as the other side wants elements', async () => {
    let asked = 0;
    const { echo } = await exportsOf(ECHO('u8', 1));
    const stream = (await echo?.(
      streamOf({
        read: () => {
          asked++;
          return new Uint8Array(16);
        },
      }),
    )) as ReadableStream<Uint8Array>;
    const reader = stream.getReader();
    for (let i = 0; i < 10; i++) await new Promise(setImmediate);
    assert.equal(asked, 1);
    await reader.read();
    for (let i = 0; i < 10; i++) await new Promise(setImmediate);
    assert.equal(asked, 2);
  });

  test('a reader that is cancelled is learnt of by the source', async () => {
    const cancelled = Promise.withResolvers<void>();
    const { echo } = await exportsOf(ECHO('u8', 1));
    const stream = (await echo?.(
      streamOf({ read: () => new Uint8Array(8), cancel: () => cancelled.resolve() }),
    )) as ReadableStream<Uint8Array>;
    const reader = stream.getReader();
    await reader.read();
    await reader.cancel();
    await cancelled.promise;
  });

  test('many elements can be read at a time', async () => {
    const { echo } = await exportsOf(ECHO('u32', 4));
    const reader = readerOf((await echo?.([1, 2, 3, 4, 5])) as ReadableStream<unknown>);
    assert.deepEqual(await reader.read(2), new Uint32Array([1, 2]));
    assert.deepEqual(await reader.read(), new Uint32Array([3, 4, 5]));
    assert.equal(await reader.read(), undefined);
  });

  test('what came from a component is passed on without being read', async () => {
    const instance = await instantiate(ECHO('u8', 1));
    const { echo } = instance.exports as { echo: (stream: unknown) => Promise<ReadableStream<Uint8Array>> };
    const first = await echo(bytes(['passed on']));
    const second = await echo(first);
    assert.equal(first.locked, true);
    assert.equal(await text(second), 'passed on');
  });

  test('a source that fails is a trap', async () => {
    const { echo } = await exportsOf(ECHO('u8', 1));
    const cause = new Error('broken pipe');
    const stream = await echo?.(streamOf({ read: () => Promise.reject(cause) }));
    await assert.rejects(text(stream), { code: 'TENON_TRAP', cause });
  });

  test('an element that does not fit is a trap', async () => {
    const { echo } = await exportsOf(ECHO('u8', 1));
    const stream = await echo?.([1, 'x']);
    await assert.rejects(text(stream), { code: 'TENON_TRAP', message: /an element of a stream\[1\]: expected u8, found "x"/ });
  });

  test('what is no stream is the caller’s fault', async () => {
    const { echo } = await exportsOf(ECHO('u8', 1));
    await assert.rejects(echo?.(5) ?? Promise.resolve(), {
      code: 'TENON_VALUE_TYPE',
      message: /parameter `in`: expected a ReadableStream/,
    });
    assert.equal(await text(await echo?.(bytes(['still here']))), 'still here');
  });
});

/** Gives back the future that it gets, through a component or as it is. */
const FUTURES = `(component
  ${MEMORY}
  (type $f (future string))
  (core func $new (canon future.new $f))
  (core func $read (canon future.read $f (memory $mem) (realloc $realloc)))
  (core func $write (canon future.write $f (memory $mem)))
  (core func $drop-readable (canon future.drop-readable $f))
  (core func $drop-writable (canon future.drop-writable $f))
  (core func $return (canon task.return (result $f)))
  (core module $m
    (import "" "new" (func $new (result i64)))
    (import "" "read" (func $read (param i32 i32) (result i32)))
    (import "" "write" (func $write (param i32 i32) (result i32)))
    (import "" "drop-readable" (func $drop-readable (param i32)))
    (import "" "drop-writable" (func $drop-writable (param i32)))
    (import "" "return" (func $return (param i32)))
    (func (export "same") (param $in i32) (call $return (local.get $in)))
    (func (export "copy") (param $in i32)
      (local $pair i64)
      (local.set $pair (call $new))
      (call $return (i32.wrap_i64 (local.get $pair)))
      (drop (call $read (local.get $in) (i32.const 16)))
      (drop (call $write (i32.wrap_i64 (i64.shr_u (local.get $pair) (i64.const 32))) (i32.const 16)))
      (call $drop-readable (local.get $in))
      (call $drop-writable (i32.wrap_i64 (i64.shr_u (local.get $pair) (i64.const 32))))))
  (core instance $i (instantiate $m (with "" (instance
    (export "new" (func $new)) (export "read" (func $read)) (export "write" (func $write))
    (export "drop-readable" (func $drop-readable)) (export "drop-writable" (func $drop-writable)) (export "return" (func $return))))))
  (func (export "same") async (param "in" $f) (result $f) (canon lift (core func $i "same") async (memory $mem) (realloc $realloc)))
  (func (export "copy") async (param "in" $f) (result $f) (canon lift (core func $i "copy") async (memory $mem) (realloc $realloc))))`;

describe('futures', () => {
  for (const name of ['same', 'copy']) {
    test(`go in and come out as promises (${name})`, async () => {
      const exports = await exportsOf(FUTURES);
      const given = Promise.withResolvers<string>();
      // The promise of the call would wait for the one that it is resolved with, so the future comes in a promise of its own.
      const call = exports[name]?.(given.promise);
      given.resolve('a value');
      assert.equal(await call, 'a value');
      assert.equal(await exports[name]?.('a value that is there'), 'a value that is there');
    });
  }

  test('a promise that rejects is a trap', async () => {
    const exports = await exportsOf(FUTURES);
    const cause = new Error('no value');
    await assert.rejects(exports.copy?.(Promise.reject(cause)) ?? Promise.resolve(), { code: 'TENON_TRAP', cause });
  });
});

describe('host functions', () => {
  const CANCELLER = `(component
    ${MEMORY}
    (import "wait" (func $wait async (result u32)))
    (core func $wait (canon lower (func $wait) async (memory $mem)))
    (core func $cancel (canon subtask.cancel))
    (core func $drop (canon subtask.drop))
    (core module $m
      (import "" "wait" (func $wait (param i32) (result i32)))
      (import "" "cancel" (func $cancel (param i32) (result i32)))
      (import "" "drop" (func $drop (param i32)))
      (func (export "run") (result i32)
        (local $task i32) (local $state i32)
        (local.set $task (i32.shr_u (call $wait (i32.const 16)) (i32.const 4)))
        (local.set $state (call $cancel (local.get $task)))
        (call $drop (local.get $task))
        (local.get $state)))
    (core instance $i (instantiate $m (with "" (instance
      (export "wait" (func $wait)) (export "cancel" (func $cancel)) (export "drop" (func $drop))))))
    (func (export "run") async (result u32) (canon lift (core func $i "run"))))`;

  for (const [what, wait, state] of [
    ['that rejects with the reason is cancelled', (signal: AbortSignal) => rejection(signal), 4],
    ['that returns has returned', (signal: AbortSignal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(7))), 2],
  ] as const) {
    test(`one that takes a signal and ${what}`, async () => {
      const { run } = await exportsOf(CANCELLER, { wait: cancellable(wait as never) });
      assert.equal(await run?.(), state);
    });
  }

  function rejection(signal: AbortSignal): Promise<never> {
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  }

  test('the error case of a result is thrown, both ways', async () => {
    const { run } = await exportsOf(
      `(component
        ${MEMORY}
        (type $r (result u32 (error u32)))
        (import "f" (func $f async (result $r)))
        (core func $f (canon lower (func $f) (memory $mem)))
        (core module $m (import "" "mem" (memory 1)) (import "" "f" (func $f (param i32)))
          (func (export "run") (result i32) (call $f (i32.const 16)) (i32.const 16)))
        (core instance $i (instantiate $m (with "" (instance (export "mem" (memory $mem)) (export "f" (func $f))))))
        (func (export "run") async (result $r) (canon lift (core func $i "run") (memory $mem))))`,
      { f: async () => Promise.reject(resultError(9)) },
    );
    await assert.rejects(run?.() ?? Promise.resolve(), (error) => error instanceof ComponentError && error.payload === 9);
  });

  test('error contexts carry a message both ways', async () => {
    const { run } = await exportsOf(
      `(component
        (import "take" (func $take (param "e" error-context) (result error-context)))
        (core func $take (canon lower (func $take)))
        (core module $m (import "" "take" (func $take (param i32) (result i32))) (func (export "run") (param i32) (result i32) (call $take (local.get 0))))
        (core instance $i (instantiate $m (with "" (instance (export "take" (func $take))))))
        (func (export "run") (param "e" error-context) (result error-context) (canon lift (core func $i "run"))))`,
      { take: (error: ErrorContext) => new ErrorContext(`${error.debugMessage}, and more`) },
    );
    assert.equal(String(await run?.(new Error('it broke'))), 'it broke, and more');
  });
});
