/** Nothing survives a reset: whoever has the instance next finds it as a new one is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from '@bytecodealliance/jco';
import { Component, type Instance, Linker } from '../index.ts';

const compile = async (text: string): Promise<Component> =>
  Component.compile((await parse(text)) as Uint8Array<ArrayBuffer>, { interruptible: true });

const start = async (text: string, linker = new Linker()): Promise<Instance> =>
  linker.instantiate(await compile(text), { resettable: true });

type Exports = Readonly<Record<string, (...args: unknown[]) => unknown>>;
const exportsOf = ({ exports }: Instance): Exports => exports as Exports;

/**
 * Hides a number wherever core code can keep one, and looks there: in memories (what is initialised, what is not, what it grows by), globals of
 * all types, tables, another instance's memory and table, and task-local storage.
 */
const HIDER = `(component
  (core module $other
    (memory (export "memory") 1 4)
    (table (export "table") 4 funcref)
    (global (export "global") (mut i64) (i64.const 5))
    (elem (i32.const 1) func $one)
    (func $one (export "one") (result i32) (i32.const 1)))
  (core instance $o (instantiate $other))
  (core module $m
    (type $f (func (result i32)))
    (import "o" "memory" (memory 1 4))
    (import "o" "table" (table $shared 4 funcref))
    (import "o" "global" (global $shared (mut i64)))
    (import "c" "get" (func $get (result i32)))
    (import "c" "set" (func $set (param i32)))
    (memory $own 2)
    (memory $wide i64 1)
    (data (memory $own) (i32.const 70000) "hello")
    (data $passive "passive")
    (table $t 3 6 externref)
    (table $typed 3 (ref null $f))
    (elem $segment (ref $f) (ref.func $seven))
    (global $i32 (mut i32) (i32.const 3))
    (global $i64 (mut i64) (i64.const 4))
    (global $f32 (mut f32) (f32.const 0.5))
    (global $f64 (mut f64) (f64.const 0.25))
    (global $v128 (mut v128) (v128.const i32x4 1 2 3 4))
    (global $ref (mut funcref) (ref.null func))
    (global $sure (mut (ref $f)) (ref.func $seven))
    (global $exn (mut exnref) (ref.null exn))
    (tag $tag (param i32))
    (func $seven (result i32) (i32.const 7))
    (func $eight (result i32) (i32.const 8))
    (elem declare func $eight)
    (func (export "hide") (param $n i32)
      (i32.store (i32.const 100) (local.get $n))
      (i32.store $own (i32.const 70000) (local.get $n))
      (i32.store $own (i32.const 131068) (local.get $n))
      (memory.init $own $passive (i32.const 8) (i32.const 0) (i32.const 7))
      (drop (memory.grow $own (i32.const 3)))
      (i32.store $own (i32.const 200000) (local.get $n))
      (drop (memory.grow $wide (i64.const 1)))
      (i32.store $wide (i64.const 65536) (local.get $n))
      (drop (memory.grow (i32.const 1)))
      (table.set $shared (i32.const 0) (ref.func $eight))
      (table.set $typed (i32.const 2) (ref.func $eight))
      (table.init $typed $segment (i32.const 0) (i32.const 0) (i32.const 1))
      (global.set $shared (i64.extend_i32_u (local.get $n)))
      (global.set $i32 (local.get $n))
      (global.set $i64 (i64.extend_i32_u (local.get $n)))
      (global.set $f32 (f32.convert_i32_u (local.get $n)))
      (global.set $f64 (f64.convert_i32_u (local.get $n)))
      (global.set $v128 (i32x4.splat (local.get $n)))
      (global.set $ref (ref.func $eight))
      (global.set $sure (ref.func $eight))
      (block $caught (result exnref) (try_table (catch_all_ref $caught) (throw $tag (local.get $n))) (unreachable))
      (global.set $exn)
      (call $set (local.get $n)))
    (func $or (param $sum i64) (param $part i64) (result i64)
      (i64.xor (i64.mul (local.get $sum) (i64.const 1000003)) (local.get $part)))
    (func (export "look") (result i64) (local $sum i64) (local $i i32)
      (local.set $sum (i64.extend_i32_u (memory.size)))
      (local.set $sum (call $or (local.get $sum) (i64.extend_i32_u (memory.size $own))))
      (local.set $sum (call $or (local.get $sum) (memory.size $wide)))
      (local.set $sum (call $or (local.get $sum) (i64.extend_i32_u (i32.load (i32.const 100)))))
      (loop $all
        (local.set $sum (call $or (local.get $sum) (i64.load $own (local.get $i))))
        (local.set $i (i32.add (local.get $i) (i32.const 4)))
        (br_if $all (i32.lt_u (local.get $i) (i32.const 131060))))
      (local.set $sum (call $or (local.get $sum) (i64.extend_i32_u (ref.is_null (table.get $shared (i32.const 0))))))
      (local.set $sum (call $or (local.get $sum) (i64.extend_i32_u (ref.is_null (table.get $typed (i32.const 2))))))
      (local.set $sum (call $or (local.get $sum) (i64.extend_i32_u (ref.is_null (table.get $typed (i32.const 0))))))
      (local.set $sum (call $or (local.get $sum) (i64.extend_i32_u (table.size $t))))
      (local.set $sum (call $or (local.get $sum) (global.get $shared)))
      (local.set $sum (call $or (local.get $sum) (i64.extend_i32_u (global.get $i32))))
      (local.set $sum (call $or (local.get $sum) (global.get $i64)))
      (local.set $sum (call $or (local.get $sum) (i64.trunc_f32_u (f32.mul (global.get $f32) (f32.const 4)))))
      (local.set $sum (call $or (local.get $sum) (i64.trunc_f64_u (f64.mul (global.get $f64) (f64.const 4)))))
      (local.set $sum (call $or (local.get $sum) (i64x2.extract_lane 1 (global.get $v128))))
      (local.set $sum (call $or (local.get $sum) (i64.extend_i32_u (ref.is_null (global.get $ref)))))
      (local.set $sum (call $or (local.get $sum) (i64.extend_i32_u (call_ref $f (global.get $sure)))))
      (local.set $sum (call $or (local.get $sum) (i64.extend_i32_u (ref.is_null (global.get $exn)))))
      (call $or (local.get $sum) (i64.extend_i32_u (call $get))))
    (func (export "regrown") (result i32)
      (drop (memory.grow $own (i32.const 3)))
      (i32.load $own (i32.const 200000)))
    (func (export "fail") (global.set $i32 (i32.const 99)) (unreachable)))
  (core func $get (canon context.get i32 0))
  (core func $set (canon context.set i32 0))
  (core instance $i (instantiate $m
    (with "o" (instance $o))
    (with "c" (instance (export "get" (func $get)) (export "set" (func $set))))))
  (func (export "hide") (param "n" u32) (canon lift (core func $i "hide")))
  (func (export "look") (result u64) (canon lift (core func $i "look")))
  (func (export "regrown") (result u32) (canon lift (core func $i "regrown")))
  (func (export "fail") (canon lift (core func $i "fail"))))`;

test('a guest that hides a number everywhere finds none after a reset', async () => {
  const linker = new Linker();
  const component = await compile(HIDER);
  const fresh = exportsOf(await linker.instantiate(component)).look?.();
  const instance = await linker.instantiate(component, { resettable: true });
  const { fail, hide, look, regrown } = exportsOf(instance);
  assert.deepEqual(instance.remakeReasons, []);
  for (let n = 1; n < 5; n++) {
    assert.equal(look?.(), fresh);
    hide?.(n);
    assert.notEqual(look?.(), fresh);
    assert.equal(instance.reset(), true);
    assert.equal(look?.(), fresh);
    assert.equal(regrown?.(), 0, 'memory that it grows by is zero');
    assert.throws(() => fail?.());
    assert.equal(instance.reset(), true, 'a trap is forgotten');
  }
});

test('a table that has grown, or a memory by much, is not made smaller: the instance is remade', async () => {
  for (const grow of ['(table.grow 0 (ref.null func) (i32.const 1))', '(memory.grow (i32.const 100))']) {
    const instance = await start(`(component
      (core module $m (table 1 funcref) (memory 1) (func (export "run") (drop ${grow})))
      (core instance $i (instantiate $m))
      (func (export "run") (canon lift (core func $i "run"))))`);
    assert.equal(instance.reset(), true);
    exportsOf(instance).run?.();
    assert.equal(instance.reset(), false);
    assert.throws(() => exportsOf(instance).run?.(), { code: 'TENON_INSTANCE_POISONED' });
  }
});

const REMADE: readonly (readonly [text: string, reason: RegExp])[] = [
  ['(memory 1) (data $d "x") (func (memory.init $d (i32.const 0) (i32.const 0) (i32.const 0)) (data.drop $d))', /data segment 0/],
  ['(table 1 funcref) (elem $e func) (func (table.init $e (i32.const 0) (i32.const 0) (i32.const 0)) (elem.drop $e))', /element segment 0/],
  ['(type $s (struct (field (mut i32)))) (global (ref $s) (struct.new_default $s))', /objects that change/],
  ['(type $s (struct (field (mut i32)))) (table 1 anyref)', /objects that change/],
  ['(type $f (func)) (func $g) (table 1 (ref $f) (ref.func $g)) (func (table.set 0 (i32.const 0) (ref.func $g)))', /never null/],
];

for (const [text, reason] of REMADE) {
  test(`what cannot be put back is known beforehand: ${text}`, async () => {
    const component = await compile(`(component (core module $m ${text}) (core instance (instantiate $m)))`);
    assert.match(component.remakeReasons().join('; '), reason);
    const instance = await new Linker().instantiate(component, { resettable: true });
    assert.match(instance.remakeReasons.join('; '), reason);
    assert.equal(instance.reset(), false);
  });
}

test('objects that cannot change, and references to functions, are nothing that must be remade', async () => {
  const component = await compile(`(component (core module $m
    (type $s (struct (field i32))) (type $f (func))
    (global (mut (ref null $s)) (struct.new $s (i32.const 1)))
    (table 1 anyref) (table 2 (ref null $f))) (core instance (instantiate $m)))`);
  assert.deepEqual(component.remakeReasons(), []);
});

const RESOURCES = `(component
  (type $r' (resource (rep i32)))
  (export $r "r" (type $r'))
  (core func $new (canon resource.new $r'))
  (core func $drop (canon resource.drop $r'))
  (core module $m
    (import "" "new" (func $new (param i32) (result i32)))
    (import "" "drop" (func $drop (param i32)))
    (func (export "keep") (result i32) (drop (call $new (i32.const 1))) (call $new (i32.const 2)))
    (func (export "make") (result i32) (call $new (i32.const 41)))
    (func (export "use") (param i32) (result i32) (local.get 0))
    (func $f (call $drop (call $new (i32.const 9))))
    (func $g (local i32 i32) (local.set 0 (call $new (i32.const 1))) (local.set 1 (call $new (i32.const 1)))
      (call $drop (local.get 0)) (call $drop (local.get 1)) (call $f))
    (start $g))
  (core instance $i (instantiate $m (with "" (instance (export "new" (func $new)) (export "drop" (func $drop))))))
  (func (export "keep") (result u32) (canon lift (core func $i "keep")))
  (func (export "make") (result (own $r)) (canon lift (core func $i "make")))
  (func (export "use") (param "r" (borrow $r)) (result u32) (canon lift (core func $i "use"))))`;

test('handles are gone, and the next ones have the numbers of a new instance', async () => {
  const linker = new Linker();
  const component = await compile(RESOURCES);
  const fresh = exportsOf(await linker.instantiate(component)).keep?.();
  const instance = await linker.instantiate(component, { resettable: true });
  const { keep, make, use } = exportsOf(instance);
  const object = make?.();
  assert.equal(use?.(object), 41);
  for (let round = 0; round < 3; round++) {
    keep?.();
    assert.equal(instance.reset(), true);
    assert.equal(keep?.(), fresh);
    assert.equal(instance.reset(), true);
  }
  assert.throws(() => use?.(object), { code: 'TENON_RESOURCE', message: /its instance was reset/ });
  (object as Disposable)[Symbol.dispose]();
});

test('callbacks of the host run at each reset, and none while a call is under way', async () => {
  let resets = 0;
  let release = (): void => {};
  const linker = new Linker().define('host', async () => new Promise<void>((resolve) => (release = resolve)));
  const instance = await start(
    `(component (import "host" (func $host)) (core func $h (canon lower (func $host)))
      (core module $m (import "" "host" (func $host)) (func (export "run") (call $host)))
      (core instance $i (instantiate $m (with "" (instance (export "host" (func $h))))))
      (func (export "run") (canon lift (core func $i "run"))))`,
    linker,
  );
  instance.onReset(() => resets++);
  const running = exportsOf(instance).run?.() as Promise<unknown>;
  assert.equal(instance.reset(), false);
  release();
  await running;
  assert.equal(instance.reset(), true);
  assert.equal(resets, 1);
  const ended = exportsOf(instance).run?.() as Promise<unknown>;
  instance.end();
  assert.equal(instance.reset(), false, 'a guest that still waits could run on');
  release();
  await assert.rejects(ended);
});

test('a guest that changes its whole state at random is as new after each reset', async () => {
  const component = await compile(`(component
    (core module $m
      (memory (export "memory") 4) (table $t 64 funcref) (elem (i32.const 3) func $f $f)
      (global $a (mut i64) (i64.const 11)) (global $b (mut f64) (f64.const 2)) (global $seed (mut i64) (i64.const 1))
      (data (i32.const 1000) "something") (data (i32.const 200000) "something else")
      (func $f)
      (func $random (result i64)
        (global.set $seed (i64.add (i64.mul (global.get $seed) (i64.const 6364136223846793005)) (i64.const 1442695040888963407)))
        (i64.shr_u (global.get $seed) (i64.const 20)))
      (func (export "mutate") (param $seed i64) (param $times i32)
        (global.set $seed (local.get $seed))
        (loop $more
          (i64.store8 (i32.rem_u (i32.wrap_i64 (call $random)) (i32.const 262144)) (call $random))
          (memory.fill (i32.rem_u (i32.wrap_i64 (call $random)) (i32.const 262000)) (i32.wrap_i64 (call $random)) (i32.rem_u (i32.wrap_i64 (call $random)) (i32.const 100)))
          (table.set $t (i32.rem_u (i32.wrap_i64 (call $random)) (i32.const 64)) (if (result funcref) (i32.wrap_i64 (call $random)) (then (ref.func $f)) (else (ref.null func))))
          (global.set $a (call $random))
          (global.set $b (f64.convert_i64_u (call $random)))
          (br_if $more (local.tee $times (i32.sub (local.get $times) (i32.const 1))))))
      (func (export "sum") (result i64) (local $i i32) (local $sum i64)
        (local.set $sum (i64.xor (global.get $a) (i64.xor (global.get $seed) (i64.reinterpret_f64 (global.get $b)))))
        (loop $all
          (local.set $sum (i64.xor (i64.mul (local.get $sum) (i64.const 31)) (i64.load (local.get $i))))
          (br_if $all (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 8))) (i32.const 262144))))
        (local.set $i (i32.const 0))
        (loop $all
          (local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const 3)) (i64.extend_i32_u (ref.is_null (table.get $t (local.get $i))))))
          (br_if $all (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 64))))
        (local.get $sum)))
    (core instance $i (instantiate $m))
    (func (export "mutate") (param "seed" u64) (param "times" u32) (canon lift (core func $i "mutate")))
    (func (export "sum") (result u64) (canon lift (core func $i "sum"))))`);
  const linker = new Linker();
  const fresh = exportsOf(await linker.instantiate(component)).sum?.();
  const instance = await linker.instantiate(component, { resettable: true });
  const { mutate, sum } = exportsOf(instance);
  for (let seed = 1; seed < 30; seed++) {
    mutate?.(BigInt(seed * 7919), seed * 20);
    assert.notEqual(sum?.(), fresh);
    assert.equal(instance.reset(), true);
    assert.equal(sum?.(), fresh);
  }
});

test('a core module that the embedder gives cannot be put back', async () => {
  const given = (await parse('(module (global (mut i32) (i32.const 0)))')) as Uint8Array<ArrayBuffer>;
  const linker = new Linker().define('m', new WebAssembly.Module(given));
  const instance = await start('(component (import "m" (core module $m)) (core instance (instantiate $m)))', linker);
  assert.deepEqual(instance.remakeReasons, ['it has a core module that was not rewritten']);
  assert.equal(instance.reset(), false);
});
