import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from '@bytecodealliance/jco';
import { Component, ComponentError, Linker, MissingImportsError, Trap } from './index.ts';

const compile = async (text: string): Promise<Component> => Component.compile(new Uint8Array(await parse(text)));

test('a guest cannot catch a trap that a host function causes', async () => {
  const component = await compile(`(component
    (import "fail" (func $fail))
    (core func $fail (canon lower (func $fail)))
    (core module $m
      (import "" "fail" (func $fail))
      (func (export "run") (result i32)
        (block $caught (try_table (catch_all $caught) (call $fail)))
        (i32.const 7)))
    (core instance $i (instantiate $m (with "" (instance (export "fail" (func $fail))))))
    (func (export "run") (result u32) (canon lift (core func $i "run"))))`);
  const cause = new TypeError('broken host');
  const { exports } = await new Linker()
    .define('fail', () => {
      throw cause;
    })
    .instantiate(component);
  const run = exports.run as () => number;
  assert.throws(run, (error) => error instanceof Trap && error.cause === cause && error.func === 'fail');
  assert.throws(run, { code: 'TENON_INSTANCE_POISONED' });
});

test('a guest cannot catch the trap of an adapter', async () => {
  const component = await compile(`(component
    (component $callee
      (core module $m (func (export "f") (param i32)))
      (core instance $i (instantiate $m))
      (func (export "f") (param "c" char) (canon lift (core func $i "f"))))
    (component $caller
      (import "f" (func $f (param "c" char)))
      (core func $f (canon lower (func $f)))
      (core module $m
        (import "" "f" (func $f (param i32)))
        (func (export "run") (param i32) (result i32)
          (block $caught (try_table (catch_all $caught) (call $f (local.get 0))))
          (i32.const 7)))
      (core instance $i (instantiate $m (with "" (instance (export "f" (func $f))))))
      (func (export "run") (param "c" u32) (result u32) (canon lift (core func $i "run"))))
    (instance $callee (instantiate $callee))
    (instance $caller (instantiate $caller (with "f" (func $callee "f"))))
    (export "run" (func $caller "run")))`);
  const { exports } = await new Linker().instantiate(component);
  const run = exports.run as (c: number) => number;
  assert.equal(run(65), 7);
  assert.throws(() => run(0xd800), { code: 'TENON_TRAP', message: /invalid `char` bit pattern/ });
});

const WAITING_DESTRUCTOR = `(component
  (import "wait" (func $wait (param "rep" u32)))
  (component $owner
    (import "wait" (func $wait (param "rep" u32)))
    (core func $wait (canon lower (func $wait)))
    (core module $d (import "" "wait" (func $wait (param i32))) (func (export "drop") (param i32) (call $wait (local.get 0))))
    (core instance $d (instantiate $d (with "" (instance (export "wait" (func $wait))))))
    (type $thing' (resource (rep i32) (dtor (core func $d "drop"))))
    (export $thing "thing" (type $thing'))
    (core func $new (canon resource.new $thing'))
    (core module $m (import "" "new" (func $new (param i32) (result i32)))
      (func (export "make") (param i32) (result i32) (call $new (local.get 0))))
    (core instance $m (instantiate $m (with "" (instance (export "new" (func $new))))))
    (func (export "make") (param "rep" u32) (result (own $thing)) (canon lift (core func $m "make"))))
  (component $user
    (import "thing" (type $thing (sub resource)))
    (import "make" (func $make (param "rep" u32) (result (own $thing))))
    (core func $make (canon lower (func $make)))
    (core func $drop (canon resource.drop $thing))
    (core module $m
      (import "" "make" (func $make (param i32) (result i32)))
      (import "" "drop" (func $drop (param i32)))
      (func (export "run") (param i32) (result i32) (call $drop (call $make (local.get 0))) (i32.const 1)))
    (core instance $m (instantiate $m (with "" (instance (export "make" (func $make)) (export "drop" (func $drop))))))
    (func (export "run") (param "rep" u32) (result u32) (canon lift (core func $m "run"))))
  (instance $owner (instantiate $owner (with "wait" (func $wait))))
  (instance $user (instantiate $user (with "thing" (type $owner "thing")) (with "make" (func $owner "make"))))
  (export $thing "thing" (type $owner "thing"))
  (export "make" (func $owner "make") (func (param "rep" u32) (result (own $thing))))
  (export "run" (func $user "run")))`;

test('a destructor may suspend, in another component and for the embedder', async () => {
  const waited: number[] = [];
  const linker = new Linker().define('wait', async (rep: number) => {
    await Promise.resolve();
    waited.push(rep);
  });
  const { exports } = await linker.instantiate(await compile(WAITING_DESTRUCTOR));
  assert.equal(await (exports.run as (rep: number) => Promise<number>)(5), 1);
  assert.deepEqual(waited, [5]);
  const thing = await (exports.make as (rep: number) => Promise<AsyncDisposable>)(6);
  await thing[Symbol.asyncDispose]();
  assert.deepEqual(waited, [5, 6]);
  assert.equal(await (exports.run as (rep: number) => Promise<number>)(7), 1);
});

test('all missing imports are named at once', async () => {
  const component = await compile(`(component
    (import "a:b/c@0.2.0" (instance (export "r" (type (sub resource))) (export "f" (func))))
    (import "a:b/d@0.2.0" (instance (export "g" (func)) (export "h" (func))))
    (import "plain" (func)))`);
  const linker = new Linker().define('a:b/d@0.2.3', { g() {} });
  await assert.rejects(linker.instantiate(component), (error) => {
    assert.ok(error instanceof MissingImportsError);
    assert.deepEqual(error.missing, [
      { import: 'a:b/c@0.2.0', item: undefined },
      { import: 'a:b/d@0.2.0', item: 'h' },
      { import: 'plain', item: undefined },
    ]);
    return true;
  });
});

test('what every object has is no definition', async () => {
  const component = await compile(`(component
    (import "a:b/c" (instance
      (export "r" (type $r (sub resource)))
      (export "to-string" (func)) (export "constructor" (func)) (export "given" (func))
      (export "[method]r.to-string" (func (param "self" (borrow $r))))
      (export "[method]r.constructor" (func (param "self" (borrow $r))))
      (export "[static]r.call" (func)) (export "[static]r.caller" (func)))))`);
  class R {}
  await assert.rejects(new Linker().define('a:b/c', { R, given() {} }).instantiate(component), (error) => {
    assert.ok(error instanceof MissingImportsError);
    assert.deepEqual(
      error.missing.map(({ item }) => item),
      ['to-string', 'constructor', '[method]r.to-string', '[method]r.constructor', '[static]r.call', '[static]r.caller'],
    );
    return true;
  });
  class Thing {
    toString(): string {
      return '';
    }
    static call(): void {}
    static caller(): void {}
  }
  Object.assign(Thing.prototype, { constructor_() {} });
  const inherited = { toString() {} };
  await new Linker()
    .define('a:b/c', Object.assign(Object.create(inherited), { R: Thing, given() {}, constructor() {} }))
    .instantiate(component);
});

test('a property that every object has is not given', async () => {
  const named = await compile(`(component
    (type $f (flags "constructor" "to-string" "a"))
    (export $flags "f" (type $f))
    (type $r (record (field "value-of" (option u8)) (field "flags" $flags)))
    (export $record "r" (type $r))
    (core module $m
      (memory (export "memory") 1)
      (func (export "flat") (param i32 i32 i32) (result i32)
        (i32.or (i32.shl (local.get 0) (i32.const 8)) (local.get 2)))
      (func (export "spilled") (param i32) (result i32) (i32.load (local.get 0)))
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 16)))
    (core instance $i (instantiate $m))
    (func (export "flat") (param "r" $record) (result u32) (canon lift (core func $i "flat")))
    (func (export "spilled") (param "r" $record) (param "more" (tuple u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 u64)) (result u32)
      (canon lift (core func $i "spilled") (memory (core memory $i "memory")) (realloc (core func $i "realloc")))))`);
  const { exports } = await new Linker().instantiate(named);
  const { flat, spilled } = exports as Record<string, (...args: unknown[]) => number>;
  assert.equal(flat?.({ flags: {} }), 0);
  assert.equal(flat?.({ flags: { constructor: true, a: true }, valueOf: 3 }), 256 + 0b101);
  assert.equal(spilled?.({ flags: {} }, new Array(14).fill(0n)), 0);
  assert.equal(spilled?.({ flags: { toString: true }, valueOf: 3 }, new Array(14).fill(0n)), 0x20301);
});

test('a lowered function can be lifted again', async () => {
  const component = await compile(`(component
    (component $C
      (core module $m
        (func (export "f") (result i32) (i32.const 42))
        (func (export "drop") (param i32) (global.set 0 (local.get 0)))
        (global (mut i32) (i32.const 0))
        (func (export "dropped") (result i32) (global.get 0)))
      (core instance $i (instantiate $m))
      (func (export "f") (result u32) (canon lift (core func $i "f")))
      (func (export "drop") (param "rep" u32) (canon lift (core func $i "drop")))
      (func (export "dropped") (result u32) (canon lift (core func $i "dropped"))))
    (component $D
      (import "f" (func $f (result u32)))
      (core func $lowered (canon lower (func $f)))
      (func (export "f") (result u32) (canon lift (core func $lowered))))
    (component $E
      (import "f" (func $f (result u32)))
      (import "drop" (func $drop (param "rep" u32)))
      (core func $lowered (canon lower (func $f)))
      (core func $dtor (canon lower (func $drop)))
      (type $r (resource (rep i32) (dtor (core func $dtor))))
      (core func $new (canon resource.new $r))
      (core func $dispose (canon resource.drop $r))
      (core module $m
        (import "" "f" (func $f (result i32)))
        (import "" "new" (func $new (param i32) (result i32)))
        (import "" "drop" (func $drop (param i32)))
        (func (export "g") (result i32) (call $drop (call $new (i32.const 9))) (i32.add (call $f) (i32.const 1))))
      (core instance $i (instantiate $m (with "" (instance
        (export "f" (func $lowered)) (export "new" (func $new)) (export "drop" (func $dispose))))))
      (func (export "g") (result u32) (canon lift (core func $i "g"))))
    (instance $c (instantiate $C))
    (instance $d (instantiate $D (with "f" (func $c "f"))))
    (instance $e (instantiate $E (with "f" (func $d "f")) (with "drop" (func $c "drop"))))
    (export "g" (func $e "g"))
    (export "f" (func $d "f"))
    (export "dropped" (func $c "dropped")))`);
  const { exports } = await new Linker().instantiate(component);
  const { f, g, dropped } = exports as Record<string, () => number>;
  assert.deepEqual([f?.(), g?.(), dropped?.()], [42, 43, 9]);
});

test('a function that is lowered and lifted without end is refused', async () => {
  const again = Array.from(
    { length: 2_000 },
    (_, i) => `(core func $c${i} (canon lower (func $f${i}))) (func $f${i + 1} (canon lift (core func $c${i})))`,
  );
  const component = await compile(`(component
    (component $C (import "f" (func $f0)) ${again.join(' ')} (export "f" (func $f2000)))
    (core module $m (func (export "f")))
    (core instance $i (instantiate $m))
    (func $f (canon lift (core func $i "f")))
    (instance $c (instantiate $C (with "f" (func $f))))
    (export "f" (func $c "f")))`);
  await assert.rejects(new Linker().instantiate(component), { code: 'TENON_UNSUPPORTED', message: /more than 500 times over/ });
});

const times = (count: number, make: (i: number) => string): string => Array.from({ length: count }, (_, i) => make(i)).join(' ');

/** `levels` components in each other that each instantiate the inner one twice: the innermost has 2^levels instances. */
function twice(levels: number, innermost: string): string {
  let inner = `(component $c ${innermost})`;
  for (let i = 1; i < levels; i++) inner = `(component $c ${inner} (instance (instantiate $c)) (instance (instantiate $c)))`;
  return `(component ${inner} (instance (instantiate $c)) (instance (instantiate $c)))`;
}

const GROWING: readonly (readonly [name: string, text: string])[] = [
  [
    'types',
    twice(
      12,
      times(1_000, () => '(type (tuple u8 u8))'),
    ),
  ],
  ['records', twice(12, `(type (record ${times(1_000, (i) => `(field "n${i}" u8)`)}))`)],
  ['steps', twice(12, `(core module $m) ${times(100, () => '(core instance (instantiate $m))')}`)],
  ['instances', twice(14, '')],
  [
    'imports of core modules',
    `(component (core module $m) (core func $f (canon backpressure.inc))
      (core instance $all ${times(2_000, (i) => `(export "n${i}" (func $f))`)})
      ${times(900, () => '(core instance (instantiate $m (with "" (instance $all))))')})`,
  ],
  [
    'adapters',
    `(component $outer
      (type $type (tuple ${times(1_000, () => '(list (tuple u8 string))')}))
      (core module $libc
        (memory (export "memory") 1)
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable)
        (func (export "f") (param i32)))
      (component $callee
        (alias outer $outer $type (type $t)) (alias outer $outer $libc (core module $libc))
        (core instance $libc (instantiate $libc))
        (func (export "f") (param "v" $t)
          (canon lift (core func $libc "f") (memory (core memory $libc "memory")) (realloc (core func $libc "realloc")))))
      (component $caller
        (alias outer $outer $type (type $t)) (alias outer $outer $libc (core module $libc))
        (import "f" (func $f (param "v" $t)))
        (core instance $libc (instantiate $libc))
        (core func $lowered (canon lower (func $f) (memory (core memory $libc "memory"))))
        (core module $m)
        (core instance (instantiate $m (with "" (instance (export "f" (func $lowered)))))))
      (instance $callee (instantiate $callee))
      ${times(200, () => '(instance (instantiate $caller (with "f" (func $callee "f"))))')})`,
  ],
];

for (const [name, text] of GROWING) {
  test(`small components that flatten to much are refused: ${name}`, async () => {
    const component = await compile(text);
    await assert.rejects(new Linker().instantiate(component), { code: 'TENON_UNSUPPORTED' });
  });
}

test('exports stay synchronous unless what they reach may suspend', async () => {
  const component = await compile(`(component
    (import "wait" (func $wait (result u32)))
    (component $plain
      (core module $m (func (export "f") (result i32) (i32.const 1)))
      (core instance $i (instantiate $m))
      (func (export "f") (result u32) (canon lift (core func $i "f"))))
    (component $waits
      (import "wait" (func $wait (result u32)))
      (core func $wait (canon lower (func $wait)))
      (core module $m (import "" "wait" (func $wait (result i32))) (func (export "f") (result i32) (call $wait)))
      (core instance $i (instantiate $m (with "" (instance (export "wait" (func $wait))))))
      (func (export "f") (result u32) (canon lift (core func $i "f"))))
    (component $calls
      (import "f" (func $f (result u32)))
      (core func $f (canon lower (func $f)))
      (core module $m (import "" "f" (func $f (result i32))) (func (export "f") (result i32) (call $f)))
      (core instance $i (instantiate $m (with "" (instance (export "f" (func $f))))))
      (func (export "f") (result u32) (canon lift (core func $i "f"))))
    (instance $plain (instantiate $plain))
    (instance $waits (instantiate $waits (with "wait" (func $wait))))
    (instance $calls (instantiate $calls (with "f" (func $waits "f"))))
    (export "plain" (func $plain "f"))
    (export "waits" (func $waits "f"))
    (export "calls" (func $calls "f")))`);
  const { exports } = await new Linker().define('wait', async () => 2).instantiate(component);
  const { plain, waits, calls } = exports as Record<string, () => unknown>;
  assert.equal(plain?.(), 1);
  assert.equal(await waits?.(), 2);
  const called = calls?.();
  assert.ok(called instanceof Promise);
  assert.equal(await called, 2);
});

test('a component that a thread shared runs without being validated again', async () => {
  const component = await compile(`(component
    (core module $m (func (export "f") (result i32) (i32.const 9)))
    (core instance $i (instantiate $m))
    (func (export "f") (result u32) (canon lift (core func $i "f"))))`);
  component.ownPlan();
  const shared = Component.fromShared(structuredClone({ ...component.share(), bytes: new Uint8Array() }));
  const { exports } = await new Linker().instantiate(shared);
  assert.equal((exports.f as () => number)(), 9);
});

test('components nested to double at each level are refused, not flattened', async () => {
  let inner = '(component $c)';
  for (let i = 0; i < 20; i++) inner = `(component $c ${inner} (instance (instantiate $c)) (instance (instantiate $c)))`;
  const component = await compile(`(component ${inner} (instance (instantiate $c)))`);
  await assert.rejects(
    new Linker().instantiate(component),
    (error) => error instanceof ComponentError && error.code === 'TENON_UNSUPPORTED',
  );
});

test('an instance that is ended while it waits does not run on', async () => {
  const component = await compile(`(component
    (import "wait" (func $wait)) (import "mark" (func $mark))
    (core func $wait (canon lower (func $wait))) (core func $mark (canon lower (func $mark)))
    (core module $m
      (import "" "wait" (func $wait)) (import "" "mark" (func $mark))
      (func (export "run") (loop $again (call $wait) (call $mark) (br $again))))
    (core instance $i (instantiate $m (with "" (instance (export "wait" (func $wait)) (export "mark" (func $mark))))))
    (func (export "run") (canon lift (core func $i "run"))))`);
  let release: () => void = () => {};
  let marks = 0;
  const instance = await new Linker()
    .define('wait', async () => new Promise<void>((settle) => (release = settle)))
    .define('mark', () => void marks++)
    .instantiate(component);
  const run = instance.exports.run as () => Promise<void>;
  const running = run();
  instance.end('enough');
  release();
  await assert.rejects(running, { name: 'ComponentError', code: 'TENON_INSTANCE_ENDED', cause: 'enough' });
  assert.equal(marks, 0);
  await assert.rejects(async () => run(), { code: 'TENON_INSTANCE_ENDED', cause: 'enough' });
});

test('host resources that a guest still owns are disposed of when it traps or is ended', async () => {
  const component = await compile(`(component
    (import "thing" (type $thing (sub resource)))
    (import "make" (func $make (param "n" u32) (result (own $thing))))
    (core func $make (canon lower (func $make)))
    (core module $m
      (import "" "make" (func $make (param i32) (result i32)))
      (func (export "take") (param i32) (drop (call $make (local.get 0))))
      (func (export "trap") unreachable))
    (core instance $m (instantiate $m (with "" (instance (export "make" (func $make))))))
    (func (export "take") (param "n" u32) (canon lift (core func $m "take")))
    (func (export "trap") (canon lift (core func $m "trap"))))`);
  const disposed: number[] = [];
  class Thing {
    readonly n: number;
    constructor(n: number) {
      this.n = n;
    }
    [Symbol.dispose](): void {
      disposed.push(this.n);
      if (this.n === 2) throw new Error('does not stop the others');
    }
  }
  const prepared = await new Linker()
    .define('thing', Thing)
    .define('make', (n: number) => new Thing(n))
    .prepare(component);
  const trapping = await prepared.instantiate();
  const { take, trap } = trapping.exports as { take(n: number): void; trap(): void };
  for (const n of [1, 2, 3]) take(n);
  assert.throws(trap, { code: 'TENON_TRAP' });
  await Promise.resolve();
  assert.deepEqual(disposed, [3, 2, 1]);

  const ended = await prepared.instantiate();
  const again = ended.exports as { take(n: number): void };
  again.take(4);
  ended.end('no longer wanted');
  await Promise.resolve();
  assert.deepEqual(disposed, [3, 2, 1, 4]);
  assert.throws(() => again.take(5), { code: 'TENON_INSTANCE_ENDED', message: /no longer wanted/ });
});

test('what a start function causes comes as the trap that it is', async () => {
  const component = await compile(`(component
    (import "fail" (func $fail))
    (core func $fail (canon lower (func $fail)))
    (core module $m (import "" "fail" (func $fail)) (start $fail))
    (core instance (instantiate $m (with "" (instance (export "fail" (func $fail)))))))`);
  const linker = new Linker().define('fail', () => {
    throw new Error('not today');
  });
  await assert.rejects(linker.instantiate(component), { code: 'TENON_TRAP', message: /not today/ });
});

const STORAGE_IMPORTS = `
  (core func $get (canon context.get i32 0))
  (core func $set (canon context.set i32 0))
  (core instance $storage (export "get" (func $get)) (export "set" (func $set)))`;
/** A memory whose `realloc` traps when it finds something in its storage, and leaves something there. */
const STORAGE_LIBC = `
  (core module $libc
    (import "" "get" (func $get (result i32)))
    (import "" "set" (func $set (param i32)))
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (if (call $get) (then unreachable))
      (call $set (i32.const 9))
      (i32.const 64)))
  (core instance $libc (instantiate $libc (with "" (instance $storage))))`;

test('every task and every realloc has a storage of its own', async () => {
  const component = await compile(`(component
    (import "echo" (func $echo (param "s" string) (result string)))
    ${STORAGE_IMPORTS}
    ${STORAGE_LIBC}
    (core func $echo (canon lower (func $echo) (memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))))
    (core module $m
      (import "" "get" (func $get (result i32)))
      (import "" "set" (func $set (param i32)))
      (import "host" "echo" (func $echo (param i32 i32 i32)))
      (func (export "run") (param i32 i32 i32 i32) (result i32)
        (if (call $get) (then unreachable))
        (call $set (i32.const 5))
        (call $echo (local.get 0) (local.get 1) (i32.const 16))
        (call $get)))
    (core instance $m (instantiate $m (with "" (instance $storage)) (with "host" (instance (export "echo" (func $echo))))))
    (func (export "run") (param "a" string) (param "b" string) (result u32)
      (canon lift (core func $m "run") (memory (core memory $libc "memory")) (realloc (core func $libc "realloc")))))`);
  const { exports } = await new Linker().define('echo', (text: string) => text).instantiate(component);
  const run = exports.run as (a: string, b: string) => number;
  assert.equal(run('a', 'b'), 5);
  assert.equal(run('a', 'b'), 5);
});

test('storage is kept apart although the callee gets to its built-ins after the caller is linked', async () => {
  // The parent lends `f` to its child before it instantiates the module behind `context.set`, which `f` calls through a table.
  const component = await compile(`(component
    (core module $shim
      (type $set (func (param i32)))
      (table (export "table") 1 funcref)
      (func (export "f") (call_indirect (type $set) (i32.const 3) (i32.const 0))))
    (core instance $shim (instantiate $shim))
    (func $f (canon lift (core func $shim "f")))
    (component $child
      (import "f" (func $f))
      (core func $f (canon lower (func $f)))
      (core module $m (import "" "f" (func $f)) (func (export "go") (call $f)))
      (core instance $m (instantiate $m (with "" (instance (export "f" (func $f))))))
      (func (export "go") (canon lift (core func $m "go"))))
    (instance $child (instantiate $child (with "f" (func $f))))
    (core func $go (canon lower (func $child "go")))
    ${STORAGE_IMPORTS}
    (core module $fixup
      (import "" "get" (func $get (result i32)))
      (import "" "set" (func $set (param i32)))
      (import "child" "go" (func $go))
      (import "shim" "table" (table 1 funcref))
      (elem (i32.const 0) func $set)
      (func (export "run") (result i32) (call $set (i32.const 5)) (call $go) (call $get)))
    (core instance $fixup (instantiate $fixup (with "" (instance $storage)) (with "shim" (instance $shim))
      (with "child" (instance (export "go" (func $go))))))
    (func (export "run") (result u32) (canon lift (core func $fixup "run"))))`);
  const { exports } = await new Linker().instantiate(component);
  assert.equal((exports.run as () => number)(), 5);
});

test('a core module that is given must have the type that is imported', async () => {
  const moduleFrom = async (fields: string): Promise<unknown> =>
    (await new Linker().instantiate(await compile(`(component (core module (export "m") ${fields}))`))).exports.m;
  const rows: readonly (readonly [given: string, imported: string, message: RegExp | undefined])[] = [
    ['(func (export "f"))', '', undefined],
    ['(func (export "f"))', '(export "f" (func))', undefined],
    ['', '(import "a" "b" (func))', undefined],
    ['', '(export "f" (func))', /module export `f` not defined/],
    ['(import "a" "b" (func))', '', /module import `a::b` not defined/],
    ['(func (export "f"))', '(export "f" (memory 1))', /expected memory found func/],
    ['(func (export "f"))', '(export "f" (func (param i32)))', /`f` has the wrong type: expected: \(func \(param i32\)\), found: \(func\)/],
    ['(import "a" "b" (memory 2))', '(import "a" "b" (memory 1))', /module import `a::b` has the wrong type: mismatch in memory limits/],
    ['(global (export "g") (mut i32) (i32.const 0))', '(export "g" (global i32))', /mutability/],
    ['(table (export "t") 1 externref)', '(export "t" (table 1 funcref))', /table element type/],
  ];
  for (const [given, imported, message] of rows) {
    const importer = await compile(`(component (import "x" (instance (export "m" (core module ${imported})))))`);
    const linking = new Linker().define('x', { m: await moduleFrom(given) }).instantiate(importer);
    if (message === undefined) await linking;
    else await assert.rejects(linking, { code: 'TENON_IMPORT_TYPE', message }, `${given} as ${imported}`);
  }
  // Of a module that was in no component only names and kinds can be known.
  const empty = new WebAssembly.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
  const importer = await compile('(component (import "m" (core module (export "f" (func)))))');
  await assert.rejects(new Linker().define('m', empty).instantiate(importer), { code: 'TENON_IMPORT_TYPE' });
});

test('types that must equal a resource of the host are its class', async () => {
  const component = await compile(`(component
    (import "a" (instance $a (export "thing" (type (sub resource)))))
    (alias export $a "thing" (type $thing))
    (import "b" (instance (export "same" (type (eq $thing))))))`);
  class Thing {}
  const linker = (): Linker => new Linker().define('a', { Thing });
  for (const b of [{}, { Same: Thing }]) await linker().define('b', b).instantiate(component);
  await assert.rejects(
    linker()
      .define('b', { Same: class {} })
      .instantiate(component),
    {
      code: 'TENON_IMPORT_TYPE',
      message: 'mismatched resource types: "b" > "same" must be the same class as "a" > "thing"',
    },
  );
});

test('a component that is given must have the type that is imported', async () => {
  const importer = await compile(`(component
    (import "c" (component $c
      (import "x" (func))
      (export "r" (type $r (sub resource)))
      (export "f" (func (result (own $r))))))
    (import "x" (func $x))
    (instance $i (instantiate $c (with "x" (func $x))))
    (export $r "r" (type $i "r"))
    (export "f" (func $i "f") (func (result (own $r)))))`);
  const given = (imports: string, result: string): string => `(component
    (import "other" (type $other (sub resource)))
    ${imports}
    (type $own (resource (rep i32)))
    (core func $new (canon resource.new $own))
    (core module $m (import "" "new" (func $new (param i32) (result i32))) (func (export "f") (result i32) (call $new (i32.const 5))))
    (core instance $i (instantiate $m (with "" (instance (export "new" (func $new))))))
    (export $r "r" (type $own))
    (func (export "f") (result ${result}) (canon lift (core func $i "f"))))`;
  const fitting = given('', '(own $r)').replace('(import "other" (type $other (sub resource)))', '');
  const rows: readonly (readonly [text: string, message: RegExp | undefined])[] = [
    [fitting, undefined],
    ['(component)', /missing export named `r`/],
    [given('', '(own $r)'), /missing import named `other`/],
    [fitting.replace('(component', '(component (import "y" (func))'), /missing import named `y`/],
    [fitting.replace('(own $r)', 'u32'), /type mismatch for export `f`: type mismatch with result type: expected own, found/],
    [fitting.replace('(component', '(component (import "x" (func (param "p" u8)))'), /type mismatch for import `x`/],
  ];
  for (const [text, message] of rows) {
    const linking = new Linker()
      .define('c', await compile(text))
      .define('x', () => undefined)
      .instantiate(importer);
    if (message === undefined) assert.ok(((await linking).exports.f as () => object)());
    else await assert.rejects(linking, { code: 'TENON_IMPORT_TYPE', message });
  }
});
