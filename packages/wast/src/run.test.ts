import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assembleScript, loadAssembler } from './assemble.ts';
import { type Outcome, Runner } from './run.ts';
import { readScript } from './script.ts';
import { tenonEngine } from './tenon.ts';

async function run(source: string): Promise<readonly Outcome[]> {
  const runner = new Runner(tenonEngine);
  const outcomes: Outcome[] = [];
  for (const directive of await assembleScript(readScript(source, 'test.wast'), loadAssembler)) outcomes.push(await runner.run(directive));
  return outcomes;
}

const statuses = (outcomes: readonly Outcome[]): string[] =>
  outcomes.map(({ status, message }) => (message ? `${status}: ${message}` : status));

const ADDER = `
  (core module $m
    (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
    (func (export "boom") unreachable))
  (core instance $i (instantiate $m))
  (func (export "add-up") (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $i "add")))
  (func (export "boom") (canon lift (core func $i "boom")))`;

test('components: define, instantiate, invoke, assert', async () => {
  const outcomes = await run(`
    (component definition $D ${ADDER})
    (component instance $a $D)
    (component instance $b $D)
    (assert_return (invoke "add-up" (u32.const 1) (u32.const 2)) (u32.const 3))
    (assert_return (invoke "add-up" (u32.const 1) (u32.const 2)) (u32.const 4))
    (assert_return (invoke "add-up" (u32.const 1) (u32.const 2)))
    (assert_return (invoke "add-up" (u32.const 1)) (u32.const 1))
    (assert_return (invoke "nothing"))
    (assert_trap (invoke "add-up" (u32.const 1) (u32.const 2)) "x")
    (assert_trap (invoke "boom") "unreachable")
    (assert_return (invoke $a "add-up" (u32.const 2) (u32.const 2)) (u32.const 4))
    (assert_return (invoke "boom"))
    (component instance $c $missing)
    (assert_return (invoke "add-up" (u32.const 1) (u32.const 2)) (u32.const 3))
  `);
  const [, , , , wrong, arity, args, unknown, noTrap] = outcomes;
  assert.equal(wrong?.message, 'expected (u32.const 4), got (u32.const 3)');
  assert.match(arity?.message ?? '', /expected 0 results/);
  assert.match(args?.message ?? '', /takes 2 arguments/);
  assert.match(unknown?.message ?? '', /no function `nothing`/);
  assert.equal(noTrap?.message, 'expected a trap, got (u32.const 3)');
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['pass', 'pass', 'pass', 'pass', 'fail', 'fail', 'fail', 'fail', 'fail', 'pass', 'pass', 'fail', 'not-run', 'not-run'],
  );
});

test('invalid, malformed, unlinkable', async () => {
  const outcomes = await run(`
    (assert_invalid (component (core module (func (result i32)))) "type mismatch")
    (assert_invalid (component) "anything")
    (assert_invalid (component (import "nowhere" (func))) "anything")
    (assert_malformed (component binary "\\00asm\\0d\\00\\01") "unexpected end")
    (assert_malformed (component quote "(" ) "unclosed")
    (assert_unlinkable (component (import "nowhere" (func $f)) (export "f" (func $f))) "nowhere")
    (assert_unlinkable (component) "x")
    (component (core modul))
    (component (import "nowhere" (func $f)) (export "f" (func $f)))
  `);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['pass', 'fail', 'fail', 'pass', 'pass', 'pass', 'fail', 'blocked', 'fail'],
    statuses(outcomes).join('\n'),
  );
  assert.match(outcomes[8]?.message ?? '', /nowhere/);
});

test('the host that suites expect, and earlier instances', async () => {
  const outcomes = await run(`
    (component
      (import "host-return-two" (func $two (result u32)))
      (import "host" (instance $host
        (export "return-three" (func (result u32)))
        (export "nested" (instance (export "return-four" (func (result u32)))))
        (export "simple-module" (core module
          (export "f" (func (result i32)))
          (export "g" (global i32))))
        (export "resource1" (type $r (sub resource)))
        (export "[constructor]resource1" (func (param "r" u32) (result (own $r))))
        (export "[static]resource1.drops" (func (result u32)))
        (export "[static]resource1.last-drop" (func (result u32)))
        (export "[method]resource1.simple" (func (param "self" (borrow $r)) (param "rep" u32)))))
      (alias export $host "simple-module" (core module $simple))
      (core instance $s (instantiate $simple))
      (alias export $host "resource1" (type $r))
      (core func $make (canon lower (func $host "[constructor]resource1")))
      (core func $method (canon lower (func $host "[method]resource1.simple")))
      (core func $last (canon lower (func $host "[static]resource1.last-drop")))
      (core func $drop (canon resource.drop $r))
      (core module $m
        (import "" "make" (func $make (param i32) (result i32)))
        (import "" "method" (func $method (param i32 i32)))
        (import "" "last" (func $last (result i32)))
        (import "" "drop" (func $drop (param i32)))
        (func (export "run") (result i32)
          (local $h i32)
          (local.set $h (call $make (i32.const 77)))
          (call $method (local.get $h) (i32.const 77))
          (call $drop (local.get $h))
          (call $last)))
      (core instance $i (instantiate $m (with "" (instance
        (export "make" (func $make)) (export "method" (func $method)) (export "last" (func $last)) (export "drop" (func $drop))))))
      (func (export "one-o-one") (result u32) (canon lift (core func $s "f")))
      (func (export "run") (result u32) (canon lift (core func $i "run")))
      (alias export $host "nested" (instance $nested))
      (export "two" (func $two))
      (export "three" (func $host "return-three"))
      (export "four" (func $nested "return-four")))
    (assert_return (invoke "two") (u32.const 2))
    (assert_return (invoke "three") (u32.const 3))
    (assert_return (invoke "four") (u32.const 4))
    (assert_return (invoke "one-o-one") (u32.const 101))
    (assert_return (invoke "run") (u32.const 77))

    (component $adder ${ADDER})
    (component (import "adder" (instance $a (export "add-up" (func (param "a" u32) (param "b" u32) (result u32)))))
      (export "add-up" (func $a "add-up")))
    (assert_return (invoke "add-up" (u32.const 20) (u32.const 3)) (u32.const 23))
    (register "other" $adder)
    (component (import "other" (instance $a (export "add-up" (func (param "a" u32) (param "b" u32) (result u32)))))
      (export "again" (func $a "add-up")))
    (assert_return (invoke "again" (u32.const 20) (u32.const 4)) (u32.const 24))
  `);
  assert.deepEqual(
    statuses(outcomes),
    outcomes.map(() => 'pass'),
  );
});

test('a result is compared whether returned or thrown', async () => {
  const outcomes = await run(`
    (component
      (core module $m (func (export "f") (param i32) (result i32) (local.get 0)))
      (core instance $i (instantiate $m))
      (func (export "f") (param "x" (result)) (result (result)) (canon lift (core func $i "f"))))
    (assert_return (invoke "f" (result.ok)) (result.ok))
    (assert_return (invoke "f" (result.err)) (result.err))
    (assert_return (invoke "f" (result.err)) (result.ok))
  `);
  assert.deepEqual(statuses(outcomes), ['pass', 'pass', 'pass', 'fail: expected (result.ok), got (result.err)']);
});

test('core modules', async () => {
  const outcomes = await run(`
    (module $m (func (export "f") (param i32) (result i32) (local.get 0))
      (global (export "g") i64 (i64.const -1))
      (func (export "boom") unreachable))
    (assert_return (invoke "f" (i32.const -1)) (i32.const 0xffffffff))
    (assert_return (get $m "g") (i64.const -1))
    (assert_trap (invoke "boom") "unreachable")
    (register "lib" $m)
    (module (import "lib" "f" (func $f (param i32) (result i32))) (func (export "h") (result i32) (call $f (i32.const 5))))
    (assert_return (invoke "h") (i32.const 5))
    (assert_return (invoke "h") (i32.const 6))
    (assert_invalid (module (func (result i32))) "type mismatch")
    (assert_unlinkable (module (import "lib" "none" (func))) "none")
    (assert_trap (module (func $s unreachable) (start $s)) "unreachable")
  `);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['pass', 'pass', 'pass', 'pass', 'pass', 'pass', 'pass', 'fail', 'pass', 'pass', 'pass'],
    statuses(outcomes).join('\n'),
  );
});
