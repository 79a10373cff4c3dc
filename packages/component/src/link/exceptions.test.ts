/**
 * A core exception that leaves its component is a trap, whichever way it leaves, and nothing that Tenon throws can be caught by a guest.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#canon-lift (`call_and_trap_on_throw`)
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parse } from '@bytecodealliance/jco';
import { Component, Linker, Trap } from '../index.ts';

const compile = async (text: string): Promise<Component> => Component.compile(new Uint8Array(await parse(text)));

/** A caller's core module whose `run` calls `body`, and returns 2 where it could catch what that threw. */
const catching = (imports: string, body: string): string => `(core module $m
  ${imports}
  (func (export "run") (result i32)
    (block $caught (try_table (catch_all $caught) ${body}) (return (i32.const 1)))
    (i32.const 2)))`;

/** A callee, a caller of it in which `core` stands for the callee's lowered function `f`, and the caller's `run`. */
interface Pair {
  readonly type: string;
  readonly callee: string;
  readonly libc?: string;
  readonly lower?: string;
  readonly core: string;
  readonly call: string;
}

const pair = ({ type, callee, libc = '', lower = '', core, call }: Pair): string => `(component
  (component $A ${callee})
  (component $B
    (import "f" (func $f ${type}))
    ${libc}
    (core func $fc (canon lower (func $f) ${lower}))
    ${catching(`(import "" "f" (func $f ${core}))`, call)}
    (core instance $i (instantiate $m (with "" (instance (export "f" (func $fc))))))
    (func (export "run") (result u32) (canon lift (core func $i "run"))))
  (instance $a (instantiate $A))
  (instance $b (instantiate $B (with "f" (func $a "f"))))
  (export "f" (func $a "f"))
  (export "run" (func $b "run")))`;

const STRING = {
  type: '(param "s" string)',
  libc: '(core module $libc (memory (export "mem") 1) (data (i32.const 16) "hello")) (core instance $libc (instantiate $libc))',
  lower: '(memory (core memory $libc "mem"))',
  core: '(param i32 i32)',
  call: '(call $f (i32.const 16) (i32.const 5))',
};

const WAYS: Readonly<Record<string, string>> = {
  'a function without adapter': pair({
    type: '',
    callee: `(core module $m (tag $t) (func (export "f") (throw $t)))
      (core instance $i (instantiate $m))
      (func (export "f") (canon lift (core func $i "f")))`,
    core: '',
    call: '(call $f)',
  }),
  'a function that throws what another of its modules threw': pair({
    type: '',
    callee: `(core module $inner (tag $t) (func (export "f") (throw $t)))
      (core instance $inner (instantiate $inner))
      (core module $outer
        (import "" "f" (func $f))
        (func (export "f") (throw_ref (block (result exnref) (try_table (catch_all_ref 0) (call $f)) (unreachable)))))
      (core instance $i (instantiate $outer (with "" (instance $inner))))
      (func (export "f") (canon lift (core func $i "f")))`,
    core: '',
    call: '(call $f)',
  }),
  'a function of a table that is filled later': pair({
    type: '',
    callee: `(core module $m
        (table (export "t") 1 funcref)
        (func (export "f") (call_indirect (i32.const 0))))
      (core instance $i (instantiate $m))
      (func (export "f") (canon lift (core func $i "f")))
      (core module $fill (import "" "t" (table 1 funcref)) (tag $t) (func $g (throw $t)) (elem (i32.const 0) func $g))
      (core instance (instantiate $fill (with "" (instance $i))))`,
    core: '',
    call: '(call $f)',
  }),
  'a function behind an adapter': pair({
    ...STRING,
    callee: `(core module $m (tag $t) (memory (export "mem") 1)
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 64))
        (func (export "f") (param i32 i32) (throw $t)))
      (core instance $i (instantiate $m))
      (func (export "f") (param "s" string)
        (canon lift (core func $i "f") (memory (core memory $i "mem")) (realloc (core func $i "realloc"))))`,
  }),
  'realloc of the callee': pair({
    ...STRING,
    callee: `(core module $m (tag $t) (memory (export "mem") 1)
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (throw $t))
        (func (export "f") (param i32 i32)))
      (core instance $i (instantiate $m))
      (func (export "f") (param "s" string)
        (canon lift (core func $i "f") (memory (core memory $i "mem")) (realloc (core func $i "realloc"))))`,
  }),
  'realloc of the caller': pair({
    type: '(result string)',
    callee: `(core module $m (memory (export "mem") 1) (data (i32.const 16) "\\20\\00\\00\\00\\05\\00\\00\\00")
        (func (export "f") (result i32) (i32.const 16)))
      (core instance $i (instantiate $m))
      (func (export "f") (result string) (canon lift (core func $i "f") (memory (core memory $i "mem"))))`,
    libc: `(core module $libc (tag $t) (memory (export "mem") 1)
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (throw $t)))
      (core instance $libc (instantiate $libc))`,
    lower: '(memory (core memory $libc "mem")) (realloc (core func $libc "realloc"))',
    core: '(param i32)',
    call: '(call $f (i32.const 8))',
  }),
  'post-return': pair({
    type: '',
    callee: `(core module $m (tag $t) (func (export "f")) (func (export "post") (throw $t)))
      (core instance $i (instantiate $m))
      (func (export "f") (canon lift (core func $i "f") (post-return (core func $i "post"))))`,
    core: '',
    call: '(call $f)',
  }),
};

/** A resource of `A` whose destructor throws, after it has called `before`, dropped by `B`. */
const destructor = (before = ''): string => `(component
  (import "wait" (func $wait))
  (component $A
    (import "wait" (func $wait))
    (core func $wait (canon lower (func $wait)))
    (core module $d (import "" "wait" (func $wait)) (tag $t) (func (export "dtor") (param i32) ${before} (throw $t)))
    (core instance $d (instantiate $d (with "" (instance (export "wait" (func $wait))))))
    (type $r (resource (rep i32) (dtor (core func $d "dtor"))))
    (core func $new (canon resource.new $r))
    (core module $m (import "" "new" (func $new (param i32) (result i32)))
      (func (export "make") (result i32) (call $new (i32.const 5))))
    (core instance $i (instantiate $m (with "" (instance (export "new" (func $new))))))
    (export $R "r" (type $r))
    (func (export "make") (result (own $R)) (canon lift (core func $i "make"))))
  (component $B
    (import "a" (instance $a (export "r" (type $r (sub resource))) (export "make" (func (result (own $r))))))
    (alias export $a "r" (type $r))
    (core func $make (canon lower (func $a "make")))
    (core func $drop (canon resource.drop $r))
    ${catching('(import "" "make" (func $make (result i32))) (import "" "drop" (func $drop (param i32)))', '(call $drop (call $make))')}
    (core instance $i (instantiate $m (with "" (instance (export "make" (func $make)) (export "drop" (func $drop))))))
    (func (export "run") (result u32) (canon lift (core func $i "run"))))
  (instance $a (instantiate $A (with "wait" (func $wait))))
  (instance $b (instantiate $B (with "a" (instance $a))))
  (export "run" (func $b "run")))`;

const TRAPPED = { code: 'TENON_TRAP', message: /a core exception reached the boundary of the component/ };

describe('a core exception that leaves its component is a trap', () => {
  for (const [way, text] of Object.entries(WAYS)) {
    test(way, async () => {
      const { exports } = await new Linker().instantiate(await compile(text));
      const run = exports.run as () => number;
      assert.throws(run, TRAPPED);
      assert.throws(run, { code: 'TENON_INSTANCE_POISONED' });
    });
  }

  test('a destructor', async () => {
    const { exports } = await new Linker().define('wait', () => {}).instantiate(await compile(destructor()));
    const run = exports.run as () => number;
    assert.throws(run, TRAPPED);
    assert.throws(run, { code: 'TENON_INSTANCE_POISONED' });
  });

  test('a destructor that waits', async () => {
    const linker = new Linker().define('wait', async () => {});
    const { exports } = await linker.instantiate(await compile(destructor('(call $wait)')));
    await assert.rejects(exports.run as () => Promise<number>, TRAPPED);
  });

  test('a start function that calls another component', async () => {
    const component = await compile(`(component
      (component $A
        (core module $m (tag $t) (func (export "f") (throw $t)))
        (core instance $i (instantiate $m))
        (func (export "f") (canon lift (core func $i "f"))))
      (component $B
        (import "f" (func $f))
        (core func $f (canon lower (func $f)))
        (core module $m
          (import "" "f" (func $f))
          (func $start (block $caught (try_table (catch_all $caught) (call $f))))
          (start $start))
        (core instance (instantiate $m (with "" (instance (export "f" (func $f)))))))
      (instance $a (instantiate $A))
      (instance (instantiate $B (with "f" (func $a "f")))))`);
    await assert.rejects(new Linker().instantiate(component), TRAPPED);
  });

  test('a call through a host function into another instance', async () => {
    const thrower = await new Linker().instantiate(await compile(WAYS['a function without adapter'] ?? ''));
    const component = await compile(`(component
      (import "f" (func $f))
      (core func $f (canon lower (func $f)))
      ${catching('(import "" "f" (func $f))', '(call $f)')}
      (core instance $i (instantiate $m (with "" (instance (export "f" (func $f))))))
      (func (export "run") (result u32) (canon lift (core func $i "run"))))`);
    const { exports } = await new Linker().define('f', thrower.exports.f).instantiate(component);
    assert.throws(exports.run as () => number, TRAPPED);
  });
});

test('an exception that is caught where it was thrown is nobody else’s', async () => {
  const text = pair({
    type: '(result u32)',
    callee: `(core module $m (tag $t)
        (func (export "f") (result i32) (block $caught (try_table (catch_all $caught) (throw $t))) (i32.const 7)))
      (core instance $i (instantiate $m))
      (func (export "f") (result u32) (canon lift (core func $i "f")))`,
    core: '(result i32)',
    call: '(drop (call $f))',
  });
  const { exports } = await new Linker().instantiate(await compile(text));
  assert.equal((exports.run as () => number)(), 1);
  assert.equal((exports.run as () => number)(), 1);
});

test('where no module has a tag, a call needs no adapter for the sake of exceptions', async () => {
  const callee = (tag: string): string => `(core module $m ${tag} (func (export "f")))
    (core instance $i (instantiate $m))
    (func (export "f") (canon lift (core func $i "f")))`;
  for (const [tag, adapters] of [
    ['', 0],
    ['(tag)', 1],
  ] as const) {
    const component = await compile(pair({ type: '', callee: callee(tag), core: '', call: '(call $f)' }));
    assert.equal(component.ownPlan().adapters.length, adapters);
  }
});

describe('a guest cannot catch', () => {
  const component = compile(`(component
    (import "f" (func $f))
    (import "g" (func $g (result string)))
    (type $r (resource (rep i32)))
    (core func $drop (canon resource.drop $r))
    (core module $libc (memory (export "mem") 1) (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const -8)))
    (core instance $libc (instantiate $libc))
    (core func $fc (canon lower (func $f)))
    (core func $gc (canon lower (func $g) (memory (core memory $libc "mem")) (realloc (core func $libc "realloc"))))
    (core module $m
      (import "" "f" (func $f))
      (import "" "g" (func $g (param i32)))
      (import "" "drop" (func $drop (param i32)))
      (func $run (param i32) (result i32)
        (block $caught
          (try_table (catch_all $caught)
            (block $g (block $f (block $drop (br_table $drop $f $g (local.get 0)))
                (call $drop (i32.const 99)) (return (i32.const 1)))
              (call $f) (return (i32.const 1)))
            (call $g (i32.const 0)))
          (return (i32.const 1)))
        (i32.const 2))
      (func (export "run") (param i32) (result i32) (call $run (local.get 0))))
    (core instance $i (instantiate $m (with "" (instance (export "f" (func $fc)) (export "g" (func $gc)) (export "drop" (func $drop))))))
    (func (export "run") (param "n" u32) (result u32) (canon lift (core func $i "run"))))`);
  const exhaust = (): void => exhaust();
  for (const { what, n, f = () => {}, g = () => '', message } of [
    { what: 'the wrong use of a handle', n: 0, message: /unknown handle index 99/ },
    {
      what: 'what a host function throws',
      n: 1,
      f: () => {
        throw new Error('no');
      },
      message: /the host function threw Error: no/,
    },
    { what: 'a host function that exhausts the stack', n: 1, f: exhaust, message: /Maximum call stack size exceeded/ },
    { what: 'a wrong value of a host function', n: 2, g: () => 5, message: /expected string/ },
    { what: 'a wrong answer of its realloc', n: 2, g: () => 'text', message: /realloc return/ },
  ] as { what: string; n: number; f?: () => void; g?: () => unknown; message: RegExp }[]) {
    for (const waits of [false, true]) {
      test(`${what}${waits ? ', where the host waits' : ''}`, async () => {
        const linker = new Linker().define('f', waits ? async () => f() : f).define('g', waits ? async () => g() : g);
        const { exports } = await linker.instantiate(await component);
        const run = exports.run as (n: number) => unknown;
        await assert.rejects(
          async () => run(n),
          (error) => error instanceof Trap && message.test(error.message),
        );
        await assert.rejects(async () => run(n), { code: 'TENON_INSTANCE_POISONED' });
      });
    }
  }
});
