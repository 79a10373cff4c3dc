import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from '@bytecodealliance/jco';
import { Component, callerSignal, type DefineOptions, type Instance, Linker, type LinkerOptions, type Prepared } from './index.ts';

/** Imports an interface with two functions, and exports functions that call one of them each. */
const GUEST = `(component
  (import "example:host/db@1.2.0" (instance $db
    (export "get" (func (param "n" u32) (result u32)))
    (export "put" (func (param "n" u32) (result u32)))))
  (alias export $db "get" (func $get))
  (alias export $db "put" (func $put))
  (core func $get (canon lower (func $get)))
  (core func $put (canon lower (func $put)))
  (core module $m
    (import "" "get" (func $get (param i32) (result i32)))
    (import "" "put" (func $put (param i32) (result i32)))
    (func (export "get") (param i32) (result i32) (call $get (local.get 0)))
    (func (export "put") (param i32) (result i32) (call $put (local.get 0)))
    (func (export "fail") (param i32) (result i32) unreachable))
  (core instance $i (instantiate $m (with "" (instance (export "get" (func $get)) (export "put" (func $put))))))
  (type $f (func (param "n" u32) (result u32)))
  (func $eget (type $f) (canon lift (core func $i "get")))
  (func $eput (type $f) (canon lift (core func $i "put")))
  (func $efail (type $f) (canon lift (core func $i "fail")))
  (instance $math (export "get" (func $eget)))
  (export "example:guest/math" (instance $math))
  (export "put" (func $eput))
  (export "fail" (func $efail)))`;

type Call<R> = (n: number) => R;

/** As `tenon types` writes it. */
interface Plugin {
  readonly imports: { 'example:host/db@1.2.0': { get: Call<number>; put: Call<number> } };
  readonly exports: { math: { get: Call<Promise<number>> }; put: Call<Promise<number>>; fail: Call<Promise<number>> };
}

const DB = 'example:host/db@1.2.0';
const SYNC = { get: (n: number) => n + 1, put: (n: number) => n + 2 };
const component = await Component.compile<Plugin>(new Uint8Array(await parse(GUEST)));
const untyped = component as unknown as Component;

const linker = (): Linker<Plugin['imports']> => new Linker<Plugin['imports']>();

test('one definition for one import', async (t) => {
  const other = { get: (n: number) => n, put: (n: number) => n };
  const cases: readonly [name: string, build: (l: Linker) => void, code: RegExp | number][] = [
    ['the same name twice', (l) => l.define(DB, SYNC).define(DB, other), /"example:host\/db@1.2.0" is defined already/],
    [
      'another version of one track',
      (l) => l.define(DB, SYNC).define('example:host/db@1.1.0', other),
      /defined already with "example:host\/db@1.2.0"/,
    ],
    ['a name without a version', (l) => l.define(DB, SYNC).define('example:host/db', other), /defined already/],
    ['only a name without a version', (l) => l.define('example:host/db', SYNC), 2],
    ['an override after', (l) => l.define(DB, other).define('example:host/db@1.0.0', SYNC, { override: true }), 2],
    ['an override before', (l) => l.define('example:host/db', SYNC, { override: true }).define(DB, other), 2],
    ['an override of what is provided', (l) => l.define('example:host/db', SYNC, { override: true }).use(provider(DB, other)), 2],
    ['an override of nothing', (l) => l.define(DB, SYNC).define('a:b/c', other, { override: true }), /there is none/],
    [
      'a misspelt name beside what is provided',
      (l) => l.define('example:host/bd@1.2.0', SYNC).use(provider(DB, other)),
      /nothing uses .*host\/bd/,
    ],
    ['another version beside what is provided', (l) => l.define('example:host/db@2.0.0', SYNC).use(provider(DB, other)), /nothing uses/],
    [
      'a version that does not fit',
      (l) => l.define('example:host/db@2.0.0', SYNC),
      /example:host\/db@1.2.0 \(what is defined is example:host\/db@2.0.0\)/,
    ],
    ['what is no definition', (l) => l.define(DB, 12), /"example:host\/db@1.2.0" is defined as a number/],
    ['nothing', (l) => l.define(DB, undefined), /is defined as undefined/],
    ['a function that could not wait', (l) => l.define(DB, SYNC, { waits: ['gte'] }), /no function `gte`/],
  ];
  for (const [name, build, expected] of cases) {
    await t.test(name, async () => {
      const run = async (): Promise<unknown> => {
        const l = new Linker();
        build(l);
        const { exports } = await l.instantiate(untyped);
        return (exports.math as { get(n: number): unknown }).get(1);
      };
      if (expected instanceof RegExp) await assert.rejects(run, { message: expected });
      else assert.equal(await run(), expected);
    });
  }
});

const provider = (name: string, value: object) => ({
  defineIn: (target: { define(name: string, value: object): unknown }) => void target.define(name, value),
});

test('definitions that nothing uses are named', async () => {
  const instance = await linker()
    .define(DB, SYNC)
    .define('example:other/thing' as typeof DB, SYNC)
    .instantiate(component);
  assert.deepEqual(instance.unused, ['example:other/thing']);
});

test('unknown options are refused, with what was probably meant', async () => {
  const wrong = <T>(options: object): T => options as T;
  assert.throws(() => new Linker(wrong<LinkerOptions>({ maxHandle: 1 })), { code: 'TENON_OPTION', message: /`maxHandles` meant/ });
  assert.throws(() => linker().define(DB, SYNC, wrong<DefineOptions & { waits?: undefined }>({ wait: true })), { code: 'TENON_OPTION' });
  await assert.rejects(
    linker()
      .define(DB, SYNC)
      .instantiate(component, wrong<object>({ snyc: true })),
    { code: 'TENON_OPTION', message: /`sync` meant/ },
  );
  await assert.rejects(Component.compile(new Uint8Array(), wrong({ interuptible: true })), {
    code: 'TENON_OPTION',
    message: /interruptible/,
  });
});

const soon = (n: number): Promise<number> => Promise.resolve(n + 1);

test('functions that are not seen to wait are marked where they are defined', async () => {
  const { exports } = await linker()
    .define(DB, { get: soon, put: (n) => n }, { waits: ['get'] })
    .instantiate(component);
  assert.equal(await exports.math.get(1), 2);
  const all = await linker().define(DB, { get: soon, put: soon }, { waits: true }).instantiate(component);
  assert.equal(await all.exports.put(1), 2);
  const none = await new Linker().define(DB, { get: soon, put: soon }).instantiate(untyped);
  assert.throws(() => (none.exports.put as Call<unknown>)(1), { code: 'TENON_TRAP', message: /\{ waits: … \}/ });
});

test('types are checked from definition to call', async () => {
  // @ts-expect-error no such import
  assert.throws(() => linker().define('example:host/bd', 1));
  // @ts-expect-error a function that may wait is not one that does not
  linker().define(DB, { get: soon, put: (n) => n });
  const { exports } = await linker()
    .define(DB, SYNC)
    .instantiate(component, { sync: ['math'] });
  const sum: number = exports.math.get(1);
  // @ts-expect-error only `math` is synchronous
  const promised: number = exports.put(1);
  assert.deepEqual([sum, promised], [2, 3]);
});

test('exports that are asked to be synchronous are, and trap if something waits', async (t) => {
  const prepared = linker()
    .define(DB, { get: (n) => (n === 0 ? soon(n) : n), put: soon }, { waits: true })
    .prepareSync(component);
  await t.test('some', async () => {
    const { exports } = prepared.instantiateSync({ sync: ['math'] });
    assert.equal(exports.math.get(5), 5);
    assert.equal(await exports.put(5), 6);
    assert.throws(() => exports.math.get(0), { code: 'TENON_TRAP', message: /`example:host\/db@1.2.0#get` would wait/ });
  });
  await t.test('all', () => {
    const { exports } = prepared.instantiateSync({ sync: true });
    assert.equal(exports.math.get(5), 5);
    assert.throws(() => exports.put(5), { code: 'TENON_TRAP', message: /#put` would wait/ });
  });
  await t.test('one that there is not', () => {
    assert.throws(() => prepared.instantiateSync({ sync: ['maths'] }), { code: 'TENON_EXPORT_MISSING', message: /`math` meant/ });
  });
});

test('each instance has definitions of its own', async () => {
  const disposed: string[] = [];
  class Db {
    readonly name: string;
    constructor(name: string) {
      this.name = name;
    }
    get(n: number): number {
      return n + this.name.length;
    }
    put(n: number): number {
      return n;
    }
    [Symbol.dispose](): void {
      disposed.push(this.name);
    }
  }
  const prepared: Prepared<Plugin['exports'], { readonly name: string }> = await new Linker<Plugin['imports'], { readonly name: string }>()
    .defineFor(DB, ({ name }) => new Db(name))
    .prepare(component);
  {
    using short = prepared.instantiateSync({ context: { name: 'a' } });
    using long = prepared.instantiateSync({ context: { name: 'abcd' } });
    assert.deepEqual([short.exports.math.get(1), long.exports.math.get(1)], [2, 5]);
  }
  await Promise.resolve();
  assert.deepEqual(disposed.sort(), ['a', 'abcd']);
  const mixed = new Linker<Record<string, unknown>, boolean>().defineFor(DB, (waits) =>
    waits ? { get: async (n: number) => n, put: SYNC.put } : SYNC,
  );
  const both = await mixed.prepare(component);
  assert.equal(both.instantiateSync({ context: false }).exports.math.get(1), 2);
  assert.ok((both.instantiateSync({ context: true }).exports.math.get(1) as unknown) instanceof Promise);
});

test('providers are made for each instance', async () => {
  const made: string[] = [];
  const names = new Linker<Record<string, unknown>, string>().useFor((name) => {
    made.push(name);
    return { ...provider(DB, SYNC), [Symbol.dispose]: () => void made.push(`end ${name}`) };
  });
  const prepared = await names.prepare(untyped);
  {
    await using instance = await prepared.instantiate({ context: 'x' });
    assert.equal((instance.exports.put as Call<number>)(1), 3);
  }
  assert.deepEqual(made, ['x', 'end x']);
});

test('what cannot be disposed of with an instance is told to whoever waits for that', async () => {
  const full = new Error('disk full');
  const prepared = await new Linker<Record<string, unknown>, number>()
    .useFor((failing) => ({
      ...provider(DB, SYNC),
      async [Symbol.asyncDispose]() {
        if (failing > 0) throw full;
      },
    }))
    .prepare(untyped);
  await (await prepared.instantiate({ context: 0 }))[Symbol.asyncDispose]();
  const failing = await prepared.instantiate({ context: 1 });
  await assert.rejects(failing[Symbol.asyncDispose](), full);
});

test('an instance says how it ended', async () => {
  const ended = await linker().define(DB, SYNC).instantiate(component);
  ended.end(new Error('plugin was replaced'));
  const { error, how } = await ended.ended;
  assert.deepEqual([how, error.message], ['ended', 'the instance was ended: plugin was replaced']);
  assert.throws(() => ended.exports.put(1), { code: 'TENON_INSTANCE_ENDED', message: /plugin was replaced/ });

  const trapped = await linker().define(DB, SYNC).instantiate(component, { name: 'greeter' });
  const end = trapped.ended;
  assert.throws(() => trapped.exports.fail(1), { code: 'TENON_TRAP', component: 'greeter' });
  assert.equal((await end).how, 'trapped');
  assert.throws(() => trapped.exports.put(1), { code: 'TENON_INSTANCE_POISONED', message: /component instance `greeter`/ });

  const exit = Object.assign(new Error('exit 3'), { [Symbol.for('tenon.unwind')]: true });
  const exited = await linker()
    .define(DB, {
      get: () => {
        throw exit;
      },
      put: (n) => n,
    })
    .instantiate(component);
  assert.throws(() => exited.exports.math.get(1), exit);
  assert.equal((await exited.ended).how, 'exited');
  assert.throws(() => exited.exports.put(1), { code: 'TENON_INSTANCE_ENDED', cause: exit });

  let disposed: Instance<Plugin['exports']> | undefined;
  {
    using instance = await linker().define(DB, SYNC).instantiate(component);
    disposed = instance;
  }
  assert.throws(() => disposed.exports.put(1), { code: 'TENON_INSTANCE_ENDED', message: /disposed of/ });
});

test('calls into a busy instance wait for their turn, where that is asked for', async () => {
  const order: string[] = [];
  const prepared = linker()
    .define(
      DB,
      {
        get: async (n) => {
          order.push(`begin ${n}`);
          await new Promise((resolve) => setImmediate(resolve));
          order.push(`end ${n}`);
          return n;
        },
        put: (n) => n,
      },
      { waits: ['get'] },
    )
    .prepareSync(component);
  const { exports } = prepared.instantiateSync({ queue: true });
  assert.deepEqual(await Promise.all([exports.math.get(1), exports.put(2), exports.math.get(3)]), [1, 2, 3]);
  assert.deepEqual(order, ['begin 1', 'end 1', 'begin 3', 'end 3']);
  const short = prepared.instantiateSync({ queue: 1 }).exports;
  const results = await Promise.allSettled([short.math.get(1), short.math.get(2), short.math.get(3)]);
  assert.deepEqual(
    results.map((each) => (each.status === 'rejected' ? each.reason.code : each.value)),
    [1, 2, 'TENON_INSTANCE_BUSY'],
  );
  const refusing = prepared.instantiateSync().exports;
  const first = refusing.math.get(1);
  await assert.rejects(refusing.put(2), { code: 'TENON_INSTANCE_BUSY' });
  assert.equal(await first, 1);
});

test('a call that waits ends with its signal, which its host functions can ask for', async () => {
  let asked: AbortSignal | undefined;
  const instance = await linker()
    .define(DB, { get: () => new Promise<number>(() => (asked = callerSignal())), put: (n) => n }, { waits: ['get'] })
    .instantiate(component);
  const controller = new AbortController();
  const call = instance.within({ signal: controller.signal }, ({ math }) => math.get(1));
  assert.equal(asked, controller.signal);
  controller.abort(new Error('nobody waits'));
  await assert.rejects(call, { code: 'TENON_CANCELLED', cause: controller.signal.reason });
  assert.equal((await instance.ended).how, 'trapped');
  assert.throws(() => instance.within({ signal: AbortSignal.abort() }, () => 1), { code: 'TENON_CANCELLED' });
});
