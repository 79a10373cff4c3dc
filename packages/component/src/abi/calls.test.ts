/** The protocol of calls: entering and leaving, realloc and post-return, traps, and suspension. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import {
  bool,
  type CoreGuest,
  char,
  compileGuest,
  func,
  list,
  newInstance,
  option,
  result,
  startGuest,
  string,
  tuple,
  u8,
  u32,
  u64,
  variant,
} from '../../test/core-guest.ts';
import type { StringEncoding } from '../binary/definitions.ts';
import { ComponentError, resultError, Trap } from '../errors.ts';
import { flagWords, MAY_ENTER, MAY_LEAVE } from '../instance/flags.ts';
import type { FuncType, ValType } from '../types/types.ts';
import type { CoreFunction } from './contract.ts';
import { prepareLift } from './lift.ts';
import { prepareLower } from './lower.ts';
import { UNWIND } from './traps.ts';

const IMPORTS = `
  (import "host" "f" (func $f (param i32) (result i32)))
  (import "host" "g" (func $g (param i32 i32)))
  (tag $any)`;
const BODY = `
  (func (export "id") (param i32) (result i32) (local.get 0))
  (func (export "id2") (param i32 i32) (result i32) (local.get 0))
  (func (export "nothing"))
  (func (export "unreachable") unreachable)
  (func (export "divide") (param i32) (result i32) (i32.div_u (i32.const 1) (local.get 0)))
  (func $deep (export "recurse") (call $deep) (call $deep))
  (func (export "throw") (throw $any))
  (func (export "call-f") (param i32) (result i32) (call $f (local.get 0)))
  (func (export "call-g") (param i32 i32) (call $g (local.get 0) (local.get 1)))
  (func (export "swallow") (param i32) (result i32)
    (block $caught (try_table (catch_all $caught) (drop (call $f (local.get 0)))))
    (i32.const 7))
  (func (export "swallow-twice") (param i32) (result i32)
    (block $caught (try_table (catch_all $caught) (drop (call $f (local.get 0)))))
    (call $f (local.get 0)))
  (global $posted (export "posted") (mut i32) (i32.const 0))
  (func (export "post-count") (param i32) (global.set $posted (i32.add (global.get $posted) (i32.const 1))))
  (func (export "post-f") (param i32) (drop (call $f (i32.const 0))))
  (func (export "post-swallow") (param i32)
    (block $caught (try_table (catch_all $caught) (drop (call $f (i32.const 0))))))
  (func (export "realloc-f") (param i32 i32 i32 i32) (result i32) (call $f (i32.const 0)))
  (func (export "realloc-trap") (param i32 i32 i32 i32) (result i32) unreachable)
  (func (export "realloc-odd") (param i32 i32 i32 i32) (result i32) (i32.const 33))
  (func (export "realloc-far") (param i32 i32 i32 i32) (result i32) (i32.const -16))`;

let module: WebAssembly.Module;
before(async () => {
  module = await compileGuest(IMPORTS, BODY);
});

interface Options {
  readonly f?: CoreFunction;
  readonly g?: CoreFunction;
  readonly parent?: boolean;
}

function guestWith(options: Options = {}): CoreGuest {
  const none = (): number => 0;
  return startGuest(
    module,
    { f: options.f ?? none, g: options.g ?? none },
    options.parent === true ? newInstance(newInstance()) : newInstance(),
  );
}

interface LiftOptions {
  readonly post?: string;
  readonly realloc?: string;
  readonly encoding?: StringEncoding;
  readonly suspends?: boolean;
}

function lift(guest: CoreGuest, type: FuncType, core: string | CoreFunction, options: LiftOptions = {}): (...args: unknown[]) => unknown {
  const { encoding = 'utf8', post, realloc, suspends = false } = options;
  const binding = guest.binding(typeof core === 'string' ? core : 'test');
  return prepareLift(type, encoding).bind(
    realloc === undefined ? binding : { ...binding, realloc: guest.func(realloc) },
    typeof core === 'string' ? guest.func(core) : core,
    post === undefined ? undefined : guest.func(post),
    suspends,
  );
}

/** A guest whose import `f` or `g` is lowered from a host function. */
function guestCalling(
  type: FuncType,
  host: (...args: never[]) => unknown,
  options: { readonly suspends?: boolean; readonly parent?: boolean } = {},
): CoreGuest {
  let lowered: CoreFunction | undefined;
  if (options.suspends === true) {
    // A suspending function can be imported only as it is, so it is bound before the guest is there. It needs no memory here.
    const instance = newInstance();
    const binding = { instance, memory: undefined, realloc: undefined, resources: [], name: 'host-f' };
    const f = prepareLower(type, 'utf8').bind(binding, host, true);
    return startGuest(module, { f, g: () => 0 }, instance);
  }
  const late = (...args: unknown[]): unknown => lowered?.(...args);
  const guest = guestWith({ f: late, g: late, parent: options.parent === true });
  lowered = prepareLower(type, 'utf8').bind(guest.binding('host-f'), host, false);
  return guest;
}

const flagsOf = (guest: CoreGuest): number => flagWords[guest.instance.flagsWord] ?? -1;
const FREE = MAY_ENTER | MAY_LEAVE;

function poisoned(guest: CoreGuest): void {
  const call = lift(guest, func([]), 'nothing');
  assert.throws(call, { code: /^TENON_INSTANCE_(POISONED|ENDED)$/, message: /cannot enter component instance/ });
  assert.equal(flagsOf(guest), 0);
}

describe('traps of core code', () => {
  const cases: readonly (readonly [string, FuncType, readonly unknown[], RegExp])[] = [
    ['unreachable', func([]), [], /wasm trap: wasm `unreachable` instruction executed \(unreachable\)/],
    ['divide', func([u32], u32), [0], /wasm trap: integer divide by zero/],
    ['recurse', func([]), [], /wasm trap: call stack exhausted/],
    ['throw', func([]), [], /core exception/],
  ];
  for (const parent of [false, true]) {
    for (const [name, type, args, message] of cases) {
      test(`${name}${parent ? ' in a child' : ''}`, () => {
        const guest = guestWith({ parent });
        const call = lift(guest, type, name);
        assert.throws(
          () => call(...args),
          (error) => {
            assert.ok(error instanceof Trap);
            assert.match(error.message, message);
            assert.equal(error.component, guest.instance.path);
            assert.equal(error.func, name);
            assert.ok(error.cause !== undefined);
            assert.equal(guest.instance.store.trap, error);
            return true;
          },
        );
        poisoned(guest);
      });
    }
  }
});

// Scalars and strings have specialised code; a `char` among the parameters makes a call of any types go the general way.
const WAYS: readonly (readonly [string, readonly ValType[], readonly unknown[]])[] = [
  ['', [], []],
  [', the general way', [char], ['x']],
];

/** Runs a lifted function whose core function writes `bytes` at 1024 and returns `core`. */
function liftOf(
  type: ValType,
  core: unknown,
  bytes: readonly number[] = [],
  encoding: StringEncoding = 'utf8',
  [, params, args]: (typeof WAYS)[number] = ['', [], []],
): unknown {
  const guest = guestWith();
  const call = lift(
    guest,
    func(params, type),
    () => {
      new Uint8Array(guest.memory.buffer).set(bytes, 1024);
      return core;
    },
    { encoding },
  );
  try {
    return call(...args);
  } catch (error) {
    if (error instanceof Trap) poisoned(guest);
    throw error;
  }
}

const words = (...values: number[]): number[] => [...new Uint8Array(new Uint32Array(values).buffer)];

describe('traps of lifting', () => {
  const str = (address: number, length: number, bytes: readonly number[] = []): number[] => [...words(address, length), ...bytes];
  const cases: readonly (readonly [string, ValType, unknown, readonly number[], RegExp, StringEncoding?])[] = [
    ['char too large', char, 0x110000, [], /invalid `char` bit pattern/],
    ['char surrogate', char, 0xd800, [], /invalid `char` bit pattern/],
    ['char negative', char, -1, [], /invalid `char` bit pattern/],
    ['enum', { kind: 'enum', names: ['a', 'b'] }, 2, [], /invalid variant discriminant/],
    ['variant flat', variant({ a: undefined }), -1, [], /invalid variant discriminant/],
    ['variant in memory', variant({ a: string }), 1024, [1], /invalid variant discriminant/],
    ['bool payload in memory is fine but the option is not', option(string), 1024, [2], /invalid variant discriminant/],
    ['result pointer unaligned', string, 1025, [], /unaligned pointer/],
    ['result pointer out of bounds', string, 65532, [], /out of bounds of memory/],
    ['result pointer far out of bounds', string, -4, [], /out of bounds of memory/],
    ['string out of bounds', string, 1024, str(65535, 2), /string pointer\/length out of bounds of memory/],
    ['empty string out of bounds', string, 1024, str(0xdeadbeef, 0), /string pointer\/length out of bounds of memory/],
    ['string length overflow', string, 1024, str(8, 0xffffffff), /string pointer\/length out of bounds of memory/],
    ['utf-8 invalid', string, 1024, str(1032, 1, [0xff]), /invalid utf-8 sequence of 1 bytes from index 0/],
    ['utf-8 overlong', string, 1024, str(1032, 2, [0xc0, 0x80]), /invalid utf-8/],
    ['utf-8 surrogate', string, 1024, str(1032, 3, [0xed, 0xa0, 0x80]), /invalid utf-8/],
    ['utf-8 too large', string, 1024, str(1032, 4, [0xf4, 0x90, 0x80, 0x80]), /invalid utf-8/],
    ['utf-8 incomplete', string, 1024, str(1032, 3, [0x61, 0xe2, 0x82]), /incomplete utf-8 byte sequence from index 1/],
    [
      'utf-8 invalid, long',
      string,
      1024,
      str(1032, 40, [...new Array(39).fill(0x61), 0x80]),
      /invalid utf-8 sequence of 1 bytes from index 39/,
    ],
    ['utf-16 unaligned', string, 1024, str(1033, 0), /unaligned pointer/, 'utf16'],
    ['utf-16 out of bounds', string, 1024, str(65534, 2), /out of bounds of memory/, 'utf16'],
    ['utf-16 length overflow', string, 1024, str(0, 0x80000000), /out of bounds of memory/, 'utf16'],
    ['utf-16 lone surrogate', string, 1024, str(1032, 1, [0x00, 0xd8]), /unpaired surrogate/, 'utf16'],
    ['utf-16 lone surrogate, long', string, 1024, str(1032, 30, [...new Array(58).fill(0x20), 0x00, 0xdc]), /unpaired surrogate/, 'utf16'],
    ['latin1 unaligned', string, 1024, str(1033, 0), /unaligned pointer/, 'latin1+utf16'],
    ['latin1 tagged unaligned', string, 1024, str(1033, 0x80000000), /unaligned pointer/, 'latin1+utf16'],
    ['latin1 out of bounds', string, 1024, str(65534, 3), /out of bounds of memory/, 'latin1+utf16'],
    ['latin1 tagged out of bounds', string, 1024, str(65534, 0x80000002), /out of bounds of memory/, 'latin1+utf16'],
    ['list out of bounds', list(u8), 1024, words(65535, 2), /list pointer\/length out of bounds of memory/],
    ['empty list out of bounds', list(u8), 1024, words(0x7fffffff, 0), /list pointer\/length out of bounds of memory/],
    ['list unaligned', list(u32), 1024, words(1030, 0), /unaligned pointer/],
    ['list length overflow', list(u64), 1024, words(8, 0x20000001), /out of bounds of memory/],
    ['element of a list', list(char), 1024, [...words(1032, 1), ...words(0xdfff)], /invalid `char` bit pattern/],
  ];
  for (const [name, type, core, bytes, message, encoding] of cases) {
    for (const way of WAYS) {
      test(`${name}${way[0]}`, () => {
        assert.throws(() => liftOf(type, core, bytes, encoding, way), { code: 'TENON_TRAP', message });
      });
    }
  }

  test('what is not a trap', () => {
    assert.equal(liftOf(bool, 2), true);
    assert.equal(liftOf(u8, 0x1ff), 255);
    assert.equal(liftOf({ kind: 's8' }, 0x80), -128);
    assert.equal(liftOf(string, 1024, str(65536, 0)), '');
    assert.deepEqual(liftOf({ kind: 'flags', names: ['a'] }, 0xfe), { a: false });
    assert.deepEqual(liftOf(list(bool), 1024, [...words(1032, 2), 5, 0]), [true, false]);
  });
});

describe('realloc', () => {
  const take = func([list(u32)], u32);
  const cases: readonly (readonly [string, RegExp, string?])[] = [
    ['realloc-trap', /unreachable/],
    ['realloc-odd', /realloc return: result not aligned/],
    ['realloc-far', /realloc return: beyond end of memory/],
    ['realloc-trap', /unreachable/, 'x'],
    ['realloc-far', /realloc return: beyond end of memory/, 'x'],
    ['realloc-far', /realloc return: beyond end of memory/, 'é'],
    ['realloc-far', /realloc return: beyond end of memory/, ''],
    ['realloc-far', /realloc return: beyond end of memory/, 'x'.repeat(100)],
    ['realloc-f', /cannot leave component instance/, 'x'],
  ];
  for (const [realloc, message, text] of cases) {
    test(`${realloc}${text === undefined ? '' : ` for ${text.length} code units`}`, () => {
      const guest = guestCalling(func([u32], u32), () => 0);
      const call = lift(guest, text === undefined ? take : func([string], u32), 'id2', { realloc });
      assert.throws(() => call(text ?? [1]), { code: 'TENON_TRAP', message });
      poisoned(guest);
    });
  }

  test('strings that do not fit leave the instance as it was', () => {
    for (const [, params, args] of WAYS) {
      const guest = guestWith();
      const core = (...flat: number[]): number => flat[1] as number;
      const call = lift(guest, func([string, string, ...params], u32), core, { encoding: 'utf16' });
      assert.throws(() => call('a', 5, ...args), { code: 'TENON_VALUE_TYPE', message: /parameter `b`: expected string, found 5/ });
      const long = 'x'.repeat(2 ** 27);
      assert.throws(() => call('a', long, ...args), { code: 'TENON_VALUE_TYPE', message: /parameter `b`: expected a string of at most/ });
      assert.equal(flagsOf(guest), FREE);
      assert.equal(call('abc', 'd', ...args), 3);
    }
  });

  test('a string is written to the memory that it grew', () => {
    for (const text of ['short', 'x'.repeat(100)]) {
      const guest = guestWith();
      const core = (address: number, length: number): number => {
        assert.equal(Buffer.from(guest.memory.buffer, address, length).toString(), text);
        return length;
      };
      const binding = guest.binding('f');
      const realloc = (...args: number[]): unknown => {
        assert.equal(flagsOf(guest), 0);
        guest.memory.grow(1);
        return binding.realloc?.(...args);
      };
      const call = prepareLift(func([string], u32), 'utf8').bind({ ...binding, realloc }, core, undefined, false);
      assert.equal(call(text), text.length);
      assert.equal(call(text), text.length);
      assert.equal(flagsOf(guest), FREE);
    }
  });

  test('an empty list out of bounds traps too', () => {
    assert.throws(() => lift(guestWith(), take, 'id2', { realloc: 'realloc-far' })([]), { message: /beyond end of memory/ });
  });

  test('must not call imports', () => {
    const guest = guestCalling(func([u32], u32), () => 0);
    assert.throws(() => lift(guest, take, 'id2', { realloc: 'realloc-f' })([1]), {
      code: 'TENON_TRAP',
      message: /cannot leave component instance/,
    });
    poisoned(guest);
  });

  // Guests can observe how often it is called for strings. The host's are UTF-8 where UTF-8 is wanted, so that their size is known.
  const calls: readonly (readonly [StringEncoding, string, number])[] = [
    ['utf8', '', 1],
    ['utf8', 'ascii', 1],
    ['utf8', 'é', 1],
    ['utf8', '語', 1],
    ['utf16', 'é', 1],
    ['latin1+utf16', 'é', 1],
    ['latin1+utf16', 'é語', 2],
  ];
  for (const [encoding, text, count] of calls) {
    test(`${encoding} of ${JSON.stringify(text)} takes ${count}`, () => {
      const guest = guestWith();
      lift(guest, func([string], u32), 'id2', { encoding })(text);
      assert.equal(guest.reallocs.value, count);
    });
  }

  test('a value that does not fit after realloc ran leaves the instance usable', () => {
    const guest = guestWith();
    const call = lift(guest, func([list(u8), string]), (a: number, b: number, c: number, d: number) =>
      assert.deepEqual([b, d], [1, 1], `${a} ${c}`),
    );
    assert.throws(() => call([1], 5), { code: 'TENON_VALUE_TYPE' });
    assert.equal(flagsOf(guest), FREE);
    call([1], 'x');
  });
});

describe('post-return', () => {
  for (const [way, params, args] of WAYS)
    for (const child of [false, true])
      test(`runs with the flat results, once the result is lifted${child ? ', in a child' : ''}${way}`, () =>
        postReturn(child, params, args));

  function postReturn(child: boolean, params: readonly ValType[], args: readonly unknown[]): void {
    const guest = guestWith({ parent: child });
    const seen: unknown[] = [];
    const type = func(params, string);
    const core = (): number => {
      new Uint8Array(guest.memory.buffer).set([...words(1032, 2), 0x6f, 0x6b], 1024);
      return 1024;
    };
    const post = (address: number): void => {
      seen.push(address, flagsOf(guest) & MAY_LEAVE);
      new Uint8Array(guest.memory.buffer).fill(0, 1024, 1040);
    };
    const call = prepareLift(type, 'utf8').bind(guest.binding('f'), core, post, false);
    assert.equal(call(...args), 'ok');
    assert.equal(call(...args), 'ok');
    assert.deepEqual(seen, [1024, 0, 1024, 0]);
    assert.equal(flagsOf(guest), FREE);
  }

  test('is not passed what the function does not return', () => {
    const guest = guestWith();
    prepareLift(func([]), 'utf8').bind(
      guest.binding('f'),
      () => 5,
      (...args: unknown[]) => assert.deepEqual(args, []),
      false,
    )();
  });

  test('cannot swallow a trap', () => {
    const guest = guestCalling(func([u32], u32), () => 0);
    assert.throws(() => lift(guest, func([u32], u32), 'id', { post: 'post-swallow' })(1), { message: /cannot leave component instance/ });
    poisoned(guest);
  });

  test('must not call imports', () => {
    const guest = guestCalling(func([u32], u32), () => 0);
    assert.throws(() => lift(guest, func([u32], u32), 'id', { post: 'post-f' })(1), { message: /cannot leave component instance/ });
    poisoned(guest);
  });
});

describe('entering', () => {
  test('a call from within a call is refused, and harms nobody', () => {
    let inner: unknown;
    const guest = guestCalling(
      func([u32], u32),
      (a: number) => {
        try {
          lift(guest, func([u32], u32), 'id')(1);
        } catch (error) {
          inner = error;
        }
        return a + 1;
      },
      { parent: true },
    );
    assert.equal(lift(guest, func([u32], u32), 'call-f')(4), 5);
    assert.ok(inner instanceof ComponentError);
    assert.equal(inner.code, 'TENON_INSTANCE_BUSY');
    assert.match(inner.message, /cannot enter component instance/);
    assert.equal(flagsOf(guest), FREE);
  });

  test('ancestors are entered too, siblings are not', () => {
    const root = newInstance();
    const first = newInstance(root);
    const second = newInstance(root);
    const guest = startGuest(module, { f: () => 0, g: () => 0 }, first);
    lift(guest, func([]), () => {
      assert.deepEqual(
        [root, first, second].map((instance) => (flagWords[instance.flagsWord] ?? 0) & MAY_ENTER),
        [0, 0, MAY_ENTER],
      );
    })();
    assert.deepEqual(
      [root, first, second].map((instance) => (flagWords[instance.flagsWord] ?? 0) & MAY_ENTER),
      [MAY_ENTER, MAY_ENTER, MAY_ENTER],
    );
  });

  test('a trap in a child poisons its siblings', () => {
    const root = newInstance();
    const first = startGuest(module, { f: () => 0, g: () => 0 }, newInstance(root));
    const second = startGuest(module, { f: () => 0, g: () => 0 }, newInstance(root));
    assert.throws(lift(first, func([]), 'unreachable'), { code: 'TENON_TRAP' });
    assert.throws(lift(second, func([]), 'nothing'), { code: 'TENON_INSTANCE_POISONED' });
  });

  test('task-local storage begins as zeros', () => {
    const guest = guestWith();
    const word = guest.instance.flagsWord;
    const call = lift(guest, func([], tuple(u8, u8)), () => {
      assert.deepEqual([...flagWords.slice(word + 2, word + 6)], [0, 0, 0, 0]);
      flagWords.fill(7, word + 2, word + 6);
      return 1024;
    });
    call();
    call();
  });
});

// `u32` has specialised code, `option<u32>` goes the general way.
for (const [way, type] of [
  ['specialised', func([u32], u32)],
  ['general', func([{ kind: 'flags', names: ['a'] }], u32)],
] as const) {
  describe(`host functions, ${way}`, () => {
    const call = lift;
    const run = (host: (...args: never[]) => unknown): [CoreGuest, () => unknown] => {
      const guest = guestCalling(type, host);
      return [guest, () => call(guest, func([u32], u32), 'call-f')(1)];
    };

    test('an exception is a trap of the guest with that cause', () => {
      const cause = new TypeError('mine');
      const [guest, go] = run(() => {
        throw cause;
      });
      assert.throws(go, (error) => {
        assert.ok(error instanceof Trap);
        assert.equal(error.cause, cause);
        assert.match(error.message, /the host function threw TypeError: mine/);
        assert.equal(error.func, 'host-f');
        return true;
      });
      poisoned(guest);
    });

    test('a result error where the function has no result is a trap', () => {
      const [guest, go] = run(() => {
        throw resultError(1);
      });
      assert.throws(go, { code: 'TENON_TRAP' });
      poisoned(guest);
    });

    test('a branded error passes unchanged and poisons', () => {
      const exit = Object.assign(new Error('exit'), { [UNWIND]: true });
      const [guest, go] = run(() => {
        throw exit;
      });
      assert.throws(go, (error) => error === exit);
      poisoned(guest);
    });

    test('a wrong result is a trap', () => {
      const [guest, go] = run(() => 'five');
      assert.throws(go, { code: 'TENON_TRAP', message: /returned a wrong value: result of `host-f`: expected u32, found "five"/ });
      poisoned(guest);
      for (const value of [1n, Symbol('s'), {}, { valueOf: () => 1 }]) {
        assert.throws(run(() => value)[1], (error: Trap) => {
          assert.match(error.message, /expected u32, found (1n|a symbol|an object)/);
          return (error.cause as ComponentError).code === 'TENON_VALUE_TYPE';
        });
      }
    });

    test('a Promise is a trap that says what to do', () => {
      const [guest, go] = run(async () => 1);
      assert.throws(go, { code: 'TENON_TRAP', message: /`blocking`/ });
      poisoned(guest);
    });

    test('core code cannot swallow a trap', () => {
      for (const name of ['swallow', 'swallow-twice']) {
        for (const lifted of [func([u32], u32), func([u32], option(bool)), func([u32], { kind: 'flags', names: ['a'] })]) {
          let calls = 0;
          const guest = guestCalling(type, () => {
            calls++;
            throw new Error('mine');
          });
          assert.throws(() => lift(guest, lifted, name)(1), { code: 'TENON_TRAP' });
          assert.equal(calls, 1);
          poisoned(guest);
        }
      }
    });

    test('core code cannot swallow a branded error', () => {
      const exit = Object.assign(new Error('exit'), { [UNWIND]: true });
      const guest = guestCalling(type, () => {
        throw exit;
      });
      assert.throws(
        () => lift(guest, func([u32], u32), 'swallow')(1),
        (error) => error === exit,
      );
      poisoned(guest);
    });

    test('are refused while MAY_LEAVE is cleared', () => {
      const guest = guestCalling(type, () => 1);
      flagWords[guest.instance.flagsWord] = MAY_ENTER;
      assert.throws(() => lift(guest, func([u32], u32), 'call-f')(1), { code: 'TENON_TRAP', message: /cannot leave component instance/ });
      poisoned(guest);
    });
  });
}

test('a host function without a result may return anything but a Promise', () => {
  for (const value of [undefined, 5, 'x', {}]) {
    const guest = guestCalling(func([u32, u32]), () => value);
    lift(guest, func([u32, u32]), 'call-g')(1, 2);
  }
  const guest = guestCalling(func([u32, u32]), () => Promise.resolve());
  assert.throws(() => lift(guest, func([u32, u32]), 'call-g')(1, 2), { message: /`blocking`/ });
});

describe('memory that host functions are given', () => {
  const cases: readonly (readonly [string, FuncType, number, number, RegExp])[] = [
    ['return pointer unaligned', func([u32], tuple(u32, u32)), 0, 1026, /unaligned pointer/],
    ['return pointer out of bounds', func([u32], tuple(u32, u32)), 0, 65532, /return pointer out of bounds of memory/],
    ['string out of bounds', func([string]), 65535, 2, /string pointer\/length out of bounds/],
    ['list unaligned', func([list(u32)]), 2, 0, /unaligned pointer/],
  ];
  for (const [name, type, a, b, message] of cases) {
    test(name, () => {
      const guest = guestCalling(type, () => [1, 2]);
      assert.throws(() => lift(guest, func([u32, u32]), 'call-g')(a, b), { code: 'TENON_TRAP', message });
      poisoned(guest);
    });
  }

  test('spilled parameters unaligned or out of bounds', () => {
    const type = func(new Array<ValType>(17).fill(u32), u32);
    for (const [address, message] of [
      [2, /unaligned pointer/],
      [65536 - 64, /parameter pointer out of bounds of memory/],
    ] as const) {
      const guest = guestCalling(type, () => 0);
      assert.throws(() => lift(guest, func([u32], u32), 'call-f')(address), { code: 'TENON_TRAP', message });
    }
  });
});

test('a thrown result error is the error case', () => {
  const type = func([u32], result(undefined, undefined));
  const guest = guestCalling(type, (a: number) => {
    if (a === 1) throw resultError(undefined);
  });
  const call = lift(guest, func([u32], u32), 'call-f');
  assert.equal(call(0), 0);
  assert.equal(call(1), 1);
});

describe('suspension', () => {
  const type = func([u32], u32);

  test('the guest waits for a Promise', async () => {
    let release: (value: number) => void = () => {};
    const guest = guestCalling(type, () => new Promise((resolve) => (release = resolve)), { suspends: true });
    const pending = lift(guest, type, 'call-f', { suspends: true })(1) as Promise<unknown>;
    assert.ok(pending instanceof Promise);
    assert.throws(() => lift(guest, type, 'id')(1), { code: 'TENON_INSTANCE_BUSY' });
    await assert.rejects(lift(guest, type, 'id', { suspends: true })(1) as Promise<unknown>, { code: 'TENON_INSTANCE_BUSY' });
    release(42);
    assert.equal(await pending, 42);
    assert.equal(flagsOf(guest), FREE);
  });

  test('a value that is there at once', async () => {
    const guest = guestCalling(type, (a: number) => a + 1, { suspends: true });
    assert.equal(await lift(guest, type, 'call-f', { suspends: true })(1), 2);
  });

  test('the current task is restored', async () => {
    const guest = guestCalling(type, async (a: number) => a, { suspends: true });
    const { store } = guest.instance;
    const pending = lift(guest, type, 'call-f', { suspends: true })(1) as Promise<unknown>;
    const other = { marker: true } as unknown as NonNullable<typeof store.scope>;
    store.scope = other;
    await pending;
    assert.equal(store.scope, undefined);
  });

  for (const [name, host] of [
    ['a rejection', () => Promise.reject(new Error('mine'))],
    [
      'an exception',
      () => {
        throw new Error('mine');
      },
    ],
  ] as const) {
    test(`${name} is a trap`, async () => {
      const guest = guestCalling(type, host, { suspends: true });
      await assert.rejects(lift(guest, type, 'call-f', { suspends: true })(1) as Promise<unknown>, { code: 'TENON_TRAP', message: /mine/ });
      poisoned(guest);
    });
  }

  test('a rejection with a result error is the error case', async () => {
    const guest = guestCalling(func([u32], result()), () => Promise.reject(resultError(undefined)), { suspends: true });
    assert.equal(await lift(guest, type, 'call-f', { suspends: true })(1), 1);
  });

  test('a branded rejection passes unchanged', async () => {
    const exit = Object.assign(new Error('exit'), { [UNWIND]: true });
    const guest = guestCalling(type, () => Promise.reject(exit), { suspends: true });
    await assert.rejects(lift(guest, type, 'call-f', { suspends: true })(1) as Promise<unknown>, (error) => error === exit);
    poisoned(guest);
  });

  test('wrong arguments reject, and the instance stays usable', async () => {
    const guest = guestCalling(type, async () => 1, { suspends: true });
    const call = lift(guest, type, 'call-f', { suspends: true });
    await assert.rejects(call('x') as Promise<unknown>, { code: 'TENON_VALUE_TYPE' });
    assert.equal(await call(1), 1);
  });

  test('a result that is an error rejects', async () => {
    const guest = guestCalling(type, async (a: number) => a, { suspends: true });
    await assert.rejects(lift(guest, func([u32], result()), 'call-f', { suspends: true })(1) as Promise<unknown>, { code: 'TENON_RESULT' });
    assert.equal(flagsOf(guest), FREE);
  });
});

test('where code generation is forbidden, scalars go the general way', (t) => {
  let refused = 0;
  t.mock.property(globalThis, 'Function', function refuse() {
    refused++;
    throw new EvalError('Code generation from strings disallowed for this context');
  } as unknown as FunctionConstructor);
  // A signature that no other test has, since generated code is kept.
  const type = func([{ kind: 's16' }], { kind: 'u16' });
  const guest = guestCalling(type, (a: number) => a + 1);
  const call = lift(guest, type, 'call-f');
  assert.equal(refused, 2);
  assert.equal(call(-1), 0);
  assert.throws(() => call('x'), { code: 'TENON_VALUE_TYPE', message: /parameter `a`: expected s16, found "x"/ });
  assert.throws(() => call(-2), { code: 'TENON_TRAP', message: /expected u16, found -1/ });
  poisoned(guest);
});

test('functions of one signature share their code and nothing else', () => {
  const type = func([u32], u32);
  const bad = guestCalling(type, () => -1);
  const good = guestCalling(type, (a: number) => a + 1);
  const [callBad, callGood] = [lift(bad, type, 'call-f'), lift(good, type, 'call-f')];
  assert.equal(callGood(1), 2);
  assert.throws(() => callBad(1), { code: 'TENON_TRAP', message: /expected u32, found -1/ });
  poisoned(bad);
  assert.equal(callGood(2), 3);
});

describe('what a host throws where its function returns a `result`', () => {
  const type = func([u32], result());
  class HostError extends Error {
    readonly payload: unknown = undefined;
  }
  const threw = (error: unknown): (() => unknown) => {
    const guest = guestCalling(type, () => {
      throw error;
    });
    return () => lift(guest, func([u32], u32), 'call-f')(1);
  };
  test('an object with a payload is the error case, as of hosts for jco', () => {
    for (const error of [resultError(undefined), new HostError('no'), { payload: undefined }]) assert.equal(threw(error)(), 1);
  });
  for (const [error, message] of [
    ['text', /the host function threw "text"; to return an error, throw `resultError\(payload\)` or an object with a `payload`/],
    [5n, /threw 5n;/],
    [null, /threw null;/],
    [new TypeError('mine'), /threw TypeError: mine;/],
    [new ComponentError('TENON_IMPORT_TYPE', 'other'), /threw ComponentError: other;/],
  ] as const) {
    test(`${String(error)} is a trap with a hint`, () => assert.throws(threw(error), { code: 'TENON_TRAP', message }));
  }
});

test('what a getter of a host’s value throws is said to be that', () => {
  const guest = guestCalling(func([u32], { kind: 'flags', names: ['x'] }), () => ({
    get x(): boolean {
      throw new RangeError('mine');
    },
  }));
  assert.throws(() => lift(guest, func([u32], u32), 'call-f')(1), {
    code: 'TENON_TRAP',
    message: 'reading what the host function returned threw RangeError: mine',
  });
});
