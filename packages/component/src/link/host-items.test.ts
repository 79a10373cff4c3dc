/** What the embedder defines, and what exports of one component are to another: found by name, of the right kind, and whole. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parse } from '@bytecodealliance/jco';
import { Component, Linker } from '../index.ts';

const compile = async (text: string): Promise<Component> => Component.compile(new Uint8Array(await parse(text)));

/** A resource with all kinds of functions, imported and exported again. `prefix` and `item` say where it stands. */
const PASSED_ON = `
  (export "make" (func $new))
  (export "m" (func $m))
  (export "s" (func $s))`;

const ROOT = `(component
  (import "some-thing" (type $r (sub resource)))
  (import "[constructor]some-thing" (func $new (param "n" u32) (result (own $r))))
  (import "[method]some-thing.get-n" (func $m (param "self" (borrow $r)) (result u32)))
  (import "[static]some-thing.count" (func $s (result u32)))
  ${PASSED_ON})`;

const INTERFACE = `(component
  (import "a:b/c" (instance $c
    (export "some-thing" (type $r (sub resource)))
    (export "[constructor]some-thing" (func (param "n" u32) (result (own $r))))
    (export "[method]some-thing.get-n" (func (param "self" (borrow $r)) (result u32)))
    (export "[static]some-thing.count" (func (result u32)))))
  (export "d" (instance $c)))`;

class SomeThing {
  static made = 0;
  private readonly n: number;

  constructor(n: number) {
    SomeThing.made++;
    this.n = n;
  }

  getN(): number {
    return this.n;
  }

  static count(): number {
    return SomeThing.made;
  }
}

/** A guest with a resource `some-thing` at the root or in `a:b/c`, whose functions wait if `wait` does. */
const provider = (root: boolean): string => {
  const members = `
      (export $R "some-thing" (type $r))
      (func (export "[constructor]some-thing") (param "n" u32) (result (own $R)) (canon lift (core func $i "new")))
      (func (export "[method]some-thing.get-n") (param "self" (borrow $R)) (result u32) (canon lift (core func $i "get")))
      (func (export "[static]some-thing.count") (result u32) (canon lift (core func $i "count")))`;
  const inner = `
      (import "r" (type $r (sub resource)))
      (import "new" (func $new (param "n" u32) (result (own $r))))
      (import "get" (func $get (param "self" (borrow $r)) (result u32)))
      (import "count" (func $count (result u32)))
      (export $R "some-thing" (type $r))
      (export "[constructor]some-thing" (func $new) (func (param "n" u32) (result (own $R))))
      (export "[method]some-thing.get-n" (func $get) (func (param "self" (borrow $R)) (result u32)))
      (export "[static]some-thing.count" (func $count))`;
  return `(component
    (import "wait" (func $wait))
    (core func $wait (canon lower (func $wait)))
    (type $r (resource (rep i32)))
    (core func $rnew (canon resource.new $r))
    (core module $m
      (import "" "wait" (func $wait))
      (import "" "new" (func $new (param i32) (result i32)))
      (global $made (mut i32) (i32.const 0))
      (func (export "new") (param i32) (result i32)
        (call $wait) (global.set $made (i32.add (global.get $made) (i32.const 1))) (call $new (local.get 0)))
      (func (export "get") (param i32) (result i32) (call $wait) (local.get 0))
      (func (export "count") (result i32) (call $wait) (global.get $made)))
    (core instance $i (instantiate $m (with "" (instance (export "wait" (func $wait)) (export "new" (func $rnew))))))
    ${
      root
        ? members
        : `(func $new (param "n" u32) (result (own $r)) (canon lift (core func $i "new")))
      (func $get (param "self" (borrow $r)) (result u32) (canon lift (core func $i "get")))
      (func $count (result u32) (canon lift (core func $i "count")))
      (component $inner ${inner})
      (instance $c (instantiate $inner
        (with "r" (type $r)) (with "new" (func $new)) (with "get" (func $get)) (with "count" (func $count))))
      (export "a:b/c" (instance $c))`
    })`;
};

/** A guest that calls all functions of the resource. */
const user = (root: boolean): string => {
  const [imports, use] = root
    ? [
        `(import "some-thing" (type $r (sub resource)))
         (import "[constructor]some-thing" (func $new (param "n" u32) (result (own $r))))
         (import "[method]some-thing.get-n" (func $get (param "self" (borrow $r)) (result u32)))
         (import "[static]some-thing.count" (func $count (result u32)))`,
        '',
      ]
    : [
        `(import "a:b/c" (instance $c
          (export "some-thing" (type $r (sub resource)))
          (export "[constructor]some-thing" (func (param "n" u32) (result (own $r))))
          (export "[method]some-thing.get-n" (func (param "self" (borrow $r)) (result u32)))
          (export "[static]some-thing.count" (func (result u32)))))`,
        `(alias export $c "[constructor]some-thing" (func $new))
         (alias export $c "[method]some-thing.get-n" (func $get))
         (alias export $c "[static]some-thing.count" (func $count))`,
      ];
  return `(component
    ${imports} ${use}
    (core func $new (canon lower (func $new)))
    (core func $get (canon lower (func $get)))
    (core func $count (canon lower (func $count)))
    (core module $m
      (import "" "new" (func $new (param i32) (result i32)))
      (import "" "get" (func $get (param i32) (result i32)))
      (import "" "count" (func $count (result i32)))
      (func (export "run") (result i32) (i32.add (call $get (call $new (i32.const 40))) (call $count))))
    (core instance $i (instantiate $m (with "" (instance
      (export "new" (func $new)) (export "get" (func $get)) (export "count" (func $count))))))
    (func (export "run") (result u32) (canon lift (core func $i "run"))))`;
};

test('a class under the name of a resource serves what the world imports of it', async () => {
  SomeThing.made = 0;
  const { exports } = await new Linker().define('some-thing', SomeThing).instantiate(await compile(ROOT));
  const thing = (exports.make as (n: number) => SomeThing)(7);
  assert.ok(thing instanceof SomeThing);
  assert.equal((exports.m as (thing: SomeThing) => number)(thing), 7);
  assert.equal((exports.s as () => number)(), 1);
  assert.equal(
    (await new Linker().define('some-thing', SomeThing).instantiate(await compile(user(true)))).exports.run instanceof Function,
    true,
  );
});

for (const waits of [false, true]) {
  describe(`exports${waits ? ' that wait' : ''} are imports as they are`, () => {
    const wait = waits ? async (): Promise<void> => {} : (): void => {};
    for (const root of [false, true]) {
      test(root ? 'a class' : 'an interface', async () => {
        const { exports } = await new Linker().define('wait', wait).instantiate(await compile(provider(root)));
        const [name, value] = root ? ['some-thing', exports.SomeThing] : ['a:b/c', exports['a:b/c']];
        const used = await new Linker().define(name, value).instantiate(await compile(user(root)));
        assert.equal(await (used.exports.run as () => unknown)(), 41);
      });
    }

    test('a function', async () => {
      const { exports } = await new Linker().define('wait', wait).instantiate(await compile(provider(true)));
      const component = await compile('(component (import "f" (func $f (result u32))) (export "g" (func $f)))');
      const first = await new Linker().define('f', (exports.SomeThing as { count: () => number }).count).instantiate(component);
      const second = await new Linker().define('f', first.exports.g).instantiate(
        await compile(`(component
          (import "f" (func $f (result u32)))
          (core func $f (canon lower (func $f)))
          (func (export "run") (result u32) (canon lift (core func $f))))`),
      );
      assert.equal(await (second.exports.run as () => unknown)(), 0);
    });

    test('a subclass of an exported class keeps its methods', async () => {
      const { exports } = await new Linker().define('wait', wait).instantiate(await compile(provider(true)));
      const Base = exports.SomeThing as new (n: number) => { getN(): unknown };
      class Double extends Base {
        twice(): Promise<number> {
          return Promise.resolve(this.getN()).then((n) => 2 * (n as number));
        }
      }
      const made = await new Double(21);
      assert.ok(made instanceof Double);
      assert.equal(await made.twice(), 42);
      assert.ok(!((await new Base(1)) instanceof Double));
    });
  });
}

describe('a definition of another kind says what was expected and what was found', () => {
  const table: readonly {
    readonly name: string;
    readonly text: string;
    readonly given: Record<string, unknown>;
    readonly message: RegExp;
  }[] = [
    {
      name: 'a function for a resource',
      text: '(component (import "f" (type (sub resource))))',
      given: { f: () => 2 },
      message: /"f": expected a class, found a function/,
    },
    {
      name: 'an async function for a resource',
      text: '(component (import "f" (type (sub resource))))',
      given: { f: async () => 2 },
      message: /expected a class, found a function/,
    },
    {
      name: 'a function for an empty instance',
      text: '(component (import "f" (instance)))',
      given: { f: () => 2 },
      message: /"f": expected an object with the functions and classes of the interface, found a function/,
    },
    {
      name: 'an object for a function',
      text: '(component (import "f" (func)))',
      given: { f: {} },
      message: /"f": expected a function, found an object/,
    },
    {
      name: 'a number for a function of an instance, beside what is missing',
      text: '(component (import "a:b/c" (instance (export "g" (func)) (export "h" (func)))) (import "i" (func)))',
      given: { 'a:b/c': { g: 5 } },
      message: /"a:b\/c" > "g": expected a function, found a number\nnothing provides these imports:\n {2}a:b\/c: h\n {2}i$/,
    },
    {
      name: 'an object for a class, said once',
      text: INTERFACE,
      given: { 'a:b/c': { SomeThing: {} } },
      message: /^[^>]*"a:b\/c" > "some-thing": expected a class, found an object$/,
    },
    {
      name: 'an object for a core module',
      text: '(component (import "m" (core module)))',
      given: { m: {} },
      message: /"m": expected a WebAssembly\.Module, found an object/,
    },
    {
      name: 'a function for a component',
      text: '(component (import "c" (component)))',
      given: { c: () => {} },
      message: /"c": expected a Component, found a function/,
    },
  ];
  for (const { name, text, given, message } of table) {
    test(name, async () => {
      const linker = new Linker();
      for (const [key, value] of Object.entries(given)) linker.define(key, value);
      await assert.rejects(linker.instantiate(await compile(text)), { code: 'TENON_IMPORT_TYPE', message });
    });
  }

  test('an interface of types only may be left out, and may be an empty object', async () => {
    const component = await compile('(component (import "a:b/c" (instance (type $u u8) (export "t" (type (eq $u))))))');
    await new Linker().instantiate(component);
    await new Linker().define('a:b/c', {}).instantiate(component);
  });
});

test('methods that a class sets on its objects are found', async () => {
  const component = await compile(user(false));
  class Fields {
    static count = (): number => 1;
    private readonly n: number;
    constructor(n: number) {
      this.n = n;
    }
    getN = (): number => this.n;
  }
  class Waiting extends Fields {
    override getN = (async (): Promise<number> => 50) as never;
  }
  for (const [type, result] of [
    [Fields, 41],
    [Waiting, 51],
  ] as const) {
    const { exports } = await new Linker().define('a:b/c', { SomeThing: type }).instantiate(component);
    assert.equal(await (exports.run as () => unknown)(), result);
  }
  class None {
    static count = (): number => 1;
    getNothing = (): number => 1;
  }
  await assert.rejects(new Linker().define('a:b/c', { SomeThing: None }).instantiate(component), {
    message: /a:b\/c: \[method\]some-thing\.get-n$/,
  });
});

describe('a host resource is disposed of when its guest drops it', () => {
  const component = compile(`(component
    (import "r" (type $r (sub resource)))
    (import "make" (func $make (result (own $r))))
    (core func $make (canon lower (func $make)))
    (core func $drop (canon resource.drop $r))
    (core module $m
      (import "" "make" (func $make (result i32)))
      (import "" "drop" (func $drop (param i32)))
      (func (export "run") (call $drop (call $make))))
    (core instance $i (instantiate $m (with "" (instance (export "make" (func $make)) (export "drop" (func $drop))))))
    (func (export "run") (canon lift (core func $i "run"))))`);

  test('by asyncDispose where that is all it has', async () => {
    let disposed = 0;
    class R {
      async [Symbol.asyncDispose](): Promise<void> {
        disposed++;
      }
    }
    const { exports } = await new Linker()
      .define('r', R)
      .define('make', () => new R())
      .instantiate(await component);
    (exports.run as () => void)();
    assert.equal(disposed, 1);
  });

  test('and when asyncDispose fails, its instance ends', async () => {
    class R {
      async [Symbol.asyncDispose](): Promise<void> {
        throw new Error('still open');
      }
    }
    const { exports } = await new Linker()
      .define('r', R)
      .define('make', () => new R())
      .instantiate(await component);
    const run = exports.run as () => void;
    run();
    await new Promise((resolve) => setImmediate(resolve));
    assert.throws(run, { code: 'TENON_INSTANCE_POISONED', message: /still open/ });
  });
});

test('bytes of another realm are bytes', async () => {
  const { runInNewContext } = await import('node:vm');
  const bytes = new Uint8Array(await parse('(component)'));
  const foreign = runInNewContext('Uint8Array.from(list)', { list: [...bytes] }) as Uint8Array;
  for (const given of [foreign, foreign.buffer, Buffer.from(bytes), new DataView(bytes.buffer) as never])
    await Component.compile(given as Uint8Array);
});
