import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parse } from '@bytecodealliance/jco';
import { Component, Linker } from '../index.ts';
import { flatten } from './flatten.ts';
import type { Plan } from './plan.ts';

async function compile(text: string): Promise<{ component: Component; plan: Plan }> {
  const component = await Component.compile(new Uint8Array(await parse(text)));
  return { component, plan: flatten(component.definition, { component: () => undefined }) };
}

/** A caller and a callee of one function `f`, and `run` of the root, which calls it. */
const pair = (param: string, options: { realloc?: boolean; postReturn?: boolean; context?: boolean } = {}): string => `(component
  (component $callee
    ${options.context ? '(core func $get (canon context.get i32 0))' : ''}
    (core module $m
      (func (export "f") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
      (func (export "after") (param i32)))
    (core instance $i (instantiate $m))
    (func (export "f") (param "a" ${param}) (result u32)
      (canon lift (core func $i "f") ${options.postReturn ? '(post-return (core func $i "after"))' : ''})))
  (component $caller
    (import "f" (func $f (param "a" ${param}) (result u32)))
    (core func $f (canon lower (func $f)))
    (core module $m
      (import "" "f" (func $f (param i32) (result i32)))
      (memory (export "memory") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (call $f (i32.const 8)))
      (func (export "take") (param i32 i32) (result i32) (local.get 0))
      (func (export "run") (param i32) (result i32) (call $f (local.get 0))))
    (core instance $i (instantiate $m (with "" (instance (export "f" (func $f))))))
    ${
      options.realloc
        ? `(func (export "take") (param "s" string) (result u32)
             (canon lift (core func $i "take") (memory (core memory $i "memory")) (realloc (core func $i "realloc"))))`
        : ''
    }
    (func (export "run") (param "a" u32) (result u32) (canon lift (core func $i "run"))))
  (instance $callee (instantiate $callee))
  (instance $caller (instantiate $caller (with "f" (func $callee "f"))))
  ${options.realloc ? '(export "take" (func $caller "take"))' : ''}
  (export "run" (func $caller "run")))`;

describe('a call needs an adapter only where it would do something', () => {
  for (const { name, text, adapters } of [
    { name: 'numbers that both sides have as core values', text: pair('u32'), adapters: 0 },
    { name: 'a value that must be checked', text: pair('char'), adapters: 1 },
    { name: 'a value that must be cut', text: pair('u8'), adapters: 1 },
    { name: 'a callee with post-return', text: pair('u32', { postReturn: true }), adapters: 1 },
    { name: 'a callee with task-local storage', text: pair('u32', { context: true }), adapters: 1 },
    { name: 'a caller with a realloc, in which it must not call out', text: pair('u32', { realloc: true }), adapters: 1 },
  ]) {
    test(name, async () => {
      const { component, plan } = await compile(text);
      assert.equal(plan.adapters.length, adapters);
      const { exports } = await new Linker().instantiate(component);
      assert.equal((exports.run as (a: number) => number)(41), 42);
    });
  }

  test('calling out of a realloc traps', async () => {
    const { component } = await compile(pair('u32', { realloc: true }));
    const { exports } = await new Linker().instantiate(component);
    assert.throws(() => (exports.take as (s: string) => number)('x'), { code: 'TENON_TRAP', message: /cannot leave component instance/ });
  });
});

/** The root gives a function that calls back through a table. `outer` makes the instance `$called` of it, with functions `out` and `same`. */
const callback = (outer: string): string => `(component
  (core module $table
    (type $f (func (param i32) (result i32)))
    (table (export "table") 1 funcref)
    (func (export "back") (type $f) (call_indirect (type $f) (local.get 0) (i32.const 0))))
  (core instance $table (instantiate $table))
  (func $back (param "a" u32) (result u32) (canon lift (core func $table "back")))
  (component $inner
    (import "back" (func $back (param "a" u32) (result u32)))
    (core func $back (canon lower (func $back)))
    (core module $m
      (import "" "back" (func $back (param i32) (result i32)))
      (func (export "out") (param i32) (result i32) (call $back (local.get 0)))
      (func (export "same") (param i32) (result i32) (local.get 0)))
    (core instance $i (instantiate $m (with "" (instance (export "back" (func $back))))))
    (func (export "out") (param "a" u32) (result u32) (canon lift (core func $i "out")))
    (func (export "same") (param "a" u32) (result u32) (canon lift (core func $i "same"))))
  ${outer}
  (core func $same (canon lower (func $called "same")))
  (core module $fill
    (import "" "table" (table 1 funcref))
    (import "" "same" (func $same (param i32) (result i32)))
    (elem (i32.const 0) func $same))
  (core instance (instantiate $fill (with "" (instance (export "table" (table $table "table")) (export "same" (func $same))))))
  (core func $out (canon lower (func $called "out")))
  (core module $m
    (import "" "out" (func $out (param i32) (result i32)))
    (import "" "same" (func $same (param i32) (result i32)))
    (func (export "once") (param i32) (result i32) (call $same (local.get 0)))
    (func (export "twice") (param i32) (result i32) (call $out (local.get 0))))
  (core instance $i (instantiate $m (with "" (instance (export "out" (func $out)) (export "same" (func $same))))))
  (func (export "once") (param "a" u32) (result u32) (canon lift (core func $i "once")))
  (func (export "twice") (param "a" u32) (result u32) (canon lift (core func $i "twice"))))`;

describe('an instance that may be called back is watched', () => {
  for (const { name, outer } of [
    { name: 'one that calls its parent', outer: '(instance $called (instantiate $inner (with "back" (func $back))))' },
    {
      name: 'one of which one child calls beyond it and the other is called back',
      outer: `(component $outer
          (import "back" (func $back (param "a" u32) (result u32)))
          (alias outer 1 0 (component $inner))
          (instance $child (instantiate $inner (with "back" (func $back))))
          (instance $other (instantiate $inner (with "back" (func $back))))
          (export "out" (func $child "out"))
          (export "same" (func $other "same")))
        (instance $called (instantiate $outer (with "back" (func $back))))`,
    },
    {
      name: 'one that lifts again what it was given',
      outer: `(component $again
          (import "back" (func $back (param "a" u32) (result u32)))
          (core func $lowered (canon lower (func $back)))
          (core module $m (func (export "same") (param i32) (result i32) (local.get 0)))
          (core instance $i (instantiate $m))
          (func (export "out") (param "a" u32) (result u32) (canon lift (core func $lowered)))
          (func (export "same") (param "a" u32) (result u32) (canon lift (core func $i "same"))))
        (instance $called (instantiate $again (with "back" (func $back))))`,
    },
  ]) {
    test(name, async () => {
      const { component } = await compile(callback(outer));
      const { exports } = await new Linker().instantiate(component);
      assert.equal((exports.once as (a: number) => number)(5), 5);
      assert.throws(() => (exports.twice as (a: number) => number)(5), {
        code: 'TENON_TRAP',
        message: /cannot enter component instance/,
      });
    });
  }
});

test('a callee that nobody watches allocates, and is called and destroys resources after that', async () => {
  const { component, plan } = await compile(`(component
    (component $owner
      (core module $d
        (global $dropped (mut i32) (i32.const 0))
        (func (export "drop") (param i32) (global.set $dropped (i32.add (global.get $dropped) (local.get 0))))
        (func (export "dropped") (result i32) (global.get $dropped)))
      (core instance $d (instantiate $d))
      (type $r (resource (rep i32) (dtor (core func $d "drop"))))
      (core func $new (canon resource.new $r))
      (core module $m
        (import "" "new" (func $new (param i32) (result i32)))
        (memory (export "memory") 1)
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 16))
        (func (export "make") (param i32 i32) (result i32) (call $new (local.get 1))))
      (core instance $i (instantiate $m (with "" (instance (export "new" (func $new))))))
      (export $R "r" (type $r))
      (func (export "make") (param "s" string) (result (own $R))
        (canon lift (core func $i "make") (memory (core memory $i "memory")) (realloc (core func $i "realloc"))))
      (func (export "dropped") (result u32) (canon lift (core func $d "dropped"))))
    (component $user
      (import "r" (type $r (sub resource)))
      (import "make" (func $make (param "s" string) (result (own $r))))
      (core module $memory (memory (export "memory") 1) (data (i32.const 0) "abc"))
      (core instance $memory (instantiate $memory))
      (core func $make (canon lower (func $make) (memory (core memory $memory "memory"))))
      (core func $drop (canon resource.drop $r))
      (core module $m
        (import "" "make" (func $make (param i32 i32) (result i32)))
        (import "" "drop" (func $drop (param i32)))
        (func (export "run")
          (call $drop (call $make (i32.const 0) (i32.const 2)))
          (call $drop (call $make (i32.const 0) (i32.const 3)))))
      (core instance $i (instantiate $m (with "" (instance (export "make" (func $make)) (export "drop" (func $drop))))))
      (func (export "run") (canon lift (core func $i "run"))))
    (instance $owner (instantiate $owner))
    (instance $user (instantiate $user (with "r" (type $owner "r")) (with "make" (func $owner "make"))))
    (export "dropped" (func $owner "dropped"))
    (export "run" (func $user "run")))`);
  assert.deepEqual(
    plan.instances.map(({ closed }) => closed),
    [true, true, true],
  );
  const { exports } = await new Linker().instantiate(component);
  const run = exports.run as () => void;
  run();
  run();
  assert.equal((exports.dropped as () => number)(), 10);
});
