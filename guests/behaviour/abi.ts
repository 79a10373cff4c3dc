/** What the guests that implement `example:abi` do: each kind of value and resource, in and out. */
import assert from 'node:assert/strict';
import { type Component, ComponentError, Linker, resultError, Trap } from '@tenon/component';

type Call = (...args: unknown[]) => unknown;

/** The host's side of the interface; `alive` counts the counters that no guest has dropped. */
function makeHost() {
  const seen = { log: [] as string[], alive: 0 };

  class Counter {
    private at: number;

    constructor(start: number) {
      this.at = start;
      seen.alive++;
    }

    next(): number {
      return this.at++;
    }

    static merge(a: Counter, b: Counter): Counter {
      const merged = new Counter(a.at + b.at);
      a[Symbol.dispose]();
      b[Symbol.dispose]();
      return merged;
    }

    [Symbol.dispose](): void {
      seen.alive--;
    }
  }

  const definitions = {
    Counter,
    log: (message: string) => void seen.log.push(message),
    reverse: (text: string) => [...text].reverse().join(''),
    parse(text: string): number {
      if (!/^\d+$/.test(text)) throw resultError(`${text} is no number`);
      return Number(text);
    },
    describe: (counters: Counter[], label: string | undefined) => [
      counters.reduce((sum, counter) => sum + counter.next(), 0),
      label === undefined ? 'unlabelled' : `<${label}>`,
    ],
  };
  return { Counter, definitions, seen };
}

const PERSON = {
  name: 'Ada Lovelace',
  age: 36,
  balance: -(2n ** 63n),
  height: 1.5,
  initial: '🦀',
  tags: ['first', '', 'naïve'],
  home: { x: -1, y: 2 },
  rights: { read: true, write: false, execute: true },
  favourite: 'green',
  badge: { tag: 'placed', val: [{ x: 7, y: 8 }, 'blue'] },
};
const STRANGER = { ...PERSON, name: '', tags: [], home: undefined, badge: { tag: 'polygon', val: [{ x: 1, y: 1 }] } };
const DAYS = Object.fromEntries(Array.from({ length: 31 }, (_, day) => [`d${day + 1}`, day % 3 === 0]));
const LONG = 'ab🦀ç'.repeat(20_000);

/** Function, and values that it gives back as they are. */
const ECHOES: readonly (readonly [string, readonly unknown[]])[] = [
  ['echoBool', [true, false]],
  ['echoU8', [0, 255]],
  ['echoS8', [-128, 127]],
  ['echoU16', [0, 65535]],
  ['echoS16', [-32768, 32767]],
  ['echoU32', [0, 2 ** 32 - 1]],
  ['echoS32', [-(2 ** 31), 2 ** 31 - 1]],
  ['echoU64', [0n, 2n ** 64n - 1n]],
  ['echoS64', [-(2n ** 63n), 2n ** 63n - 1n]],
  ['echoF32', [1.5, -0, Number.NaN, Number.POSITIVE_INFINITY]],
  ['echoF64', [Math.PI, -0, Number.NaN, Number.NEGATIVE_INFINITY]],
  ['echoChar', ['a', 'ÿ', '🦀', '\u{10ffff}']],
  ['echoString', ['', 'hello', 'naïve 日本 🦀', '\0', LONG]],
  ['echoListBool', [[], [true, false, true]]],
  ['echoListU8', [new Uint8Array(0), Uint8Array.from({ length: 70_000 }, (_, i) => i)]],
  ['echoListS16', [new Int16Array(0), Int16Array.of(-32768, 0, 32767)]],
  ['echoListU32', [Uint32Array.of(0, 2 ** 32 - 1)]],
  ['echoListS64', [BigInt64Array.of(-(2n ** 63n), 0n, 2n ** 63n - 1n)]],
  ['echoListF32', [Float32Array.of(1.5, -0)]],
  ['echoListF64', [Float64Array.of(Math.PI, -0)]],
  ['echoListChar', [[], ['a', '🦀']]],
  ['echoListString', [[], ['', 'a', LONG]]],
  ['echoListPoint', [[], [{ x: 1, y: -1 }, PERSON.home]]],
  ['echoListPerson', [[], [PERSON, STRANGER, PERSON]]],
  ['echoListList', [[], [Uint8Array.of(1, 2), new Uint8Array(0)]]],
  ['echoPoint', [PERSON.home]],
  ['echoPerson', [PERSON, STRANGER]],
  ['echoTuple', [[7, 'seven', 7.5]]],
  ['echoColor', ['red', 'green', 'blue']],
  ['echoPermissions', [PERSON.rights, { read: false, write: false, execute: false }]],
  ['echoDays', [DAYS]],
  [
    'echoShape',
    [{ tag: 'empty' }, { tag: 'circle', val: 1.5 }, { tag: 'square', val: 255 }, { tag: 'label', val: 'é' }, PERSON.badge, STRANGER.badge],
  ],
  ['echoOption', [undefined, 0, 7]],
  ['echoOptionString', [undefined, '', 'some']],
  ['echoOptionOption', [{ tag: 'none' }, { tag: 'some', val: undefined }, { tag: 'some', val: 0 }]],
];

/** Function, arguments, what comes back. */
const CALLS: readonly (readonly [string, readonly unknown[], unknown])[] = [
  ['echoResult', [{ tag: 'ok', val: 'fine' }], 'fine'],
  ['add', [2 ** 32 - 1, 3], 2],
  ['sum', [Int32Array.of(-(2 ** 31), -(2 ** 31), 5)], -(2n ** 32n) + 5n],
  ['sum', [[1, 2, 3]], 6n],
  ['join', [['a', '', 'ç'], ', '], 'a, , ç'],
  ['join', [[], ', '], ''],
  ['area', [{ tag: 'square', val: 16 }], 256],
  ['area', [{ tag: 'circle', val: 1 }], Math.PI],
  [
    'area',
    [
      {
        tag: 'polygon',
        val: [
          { x: 0, y: 0 },
          { x: 4, y: 0 },
          { x: 0, y: 3 },
        ],
      },
    ],
    6,
  ],
  ['area', [{ tag: 'label', val: 'flat' }], 0],
  ['divide', [-7, 2], -3],
  [
    'moveBy',
    [
      { x: 1, y: -1 },
      { x: 2 ** 31 - 1, y: -1 },
    ],
    { x: -(2 ** 31), y: -2 },
  ],
  [
    'many',
    [255, -2, 3, -4n, 5.5, -6.5, '🦀', true, 'text', Uint16Array.of(1, 65535), { x: -1, y: 1 }, 2n ** 64n - 1n, 'blue'],
    '255 -2 3 -4 5 -6 129408 true text 1+65535 -1,1 18446744073709551615 blue',
  ],
  ['many', [0, 0, 0, 0n, 0, 0, 'a', false, '', [], { x: 0, y: 0 }, undefined, 'red'], '0 0 0 0 0 0 97 false   0,0 none red'],
];

/** Function, arguments, the error that it throws. */
const ERRORS: readonly (readonly [string, readonly unknown[], unknown])[] = [
  ['echoResult', [{ tag: 'err', val: 'overflow' }], 'overflow'],
  ['divide', [1, 0], 'by-zero'],
  ['divide', [-(2 ** 31), -1], 'overflow'],
];

/** Checks every function of `example:abi/values`. */
export async function checkValues(component: Component): Promise<void> {
  const { exports } = await new Linker().define('example:abi/host', makeHost().definitions).instantiate(component);
  const values = exports['example:abi/values'] as Readonly<Record<string, Call>>;
  const call = (name: string, args: readonly unknown[]): unknown => values[name]?.(...args);

  for (const [name, cases] of ECHOES) {
    for (const value of cases) assert.deepEqual(call(name, [value]), value, name);
  }
  for (const [name, args, wanted] of CALLS) assert.deepEqual(call(name, args), wanted, name);
  for (const [name, args, payload] of ERRORS) {
    const isPayload = (error: unknown) => error instanceof ComponentError && error.code === 'TENON_RESULT' && error.payload === payload;
    assert.throws(() => call(name, args), isPayload, name);
  }
  for (const tag of ['ok', 'err']) {
    const [answer] = call('echoResultNone', [{ tag }]) as [{ readonly tag: string }];
    assert.equal(answer.tag, tag);
  }
  assert.throws(() => call('fail', ['as asked']), Trap);
  assert.throws(() => call('add', [1, 2]), { code: 'TENON_INSTANCE_POISONED' });
}

interface Account {
  owner(): string;
  balance(): bigint;
  deposit(amount: bigint): bigint;
  withdraw(amount: bigint): bigint;
  [Symbol.dispose](): void;
}

interface Resources {
  readonly Account: {
    new (owner: string): Account;
    transfer(source: Account, target: Account, amount: bigint): void;
    close(account: Account): bigint;
  };
  countAccounts(): number;
  open(owners: readonly string[]): Account[];
  richest(accounts: readonly Account[]): string | undefined;
  pass(account: Account): Account;
  makeCounter(start: number): object;
  take(counter: object, times: number): Uint32Array;
  keep(counter: object | undefined): object | undefined;
  merge(a: object, b: object): object;
  callHost(text: string): string;
}

/** Checks the resource that the guest exports and the one that it imports. */
export async function checkResources(component: Component): Promise<void> {
  const { Counter, definitions, seen } = makeHost();
  const { exports } = await new Linker().define('example:abi/host', definitions).instantiate(component);
  const resources = exports['example:abi/resources'] as Resources;
  const { Account } = resources;

  const ada = new Account('Ada');
  assert.ok(ada instanceof Account);
  assert.equal(ada.owner(), 'Ada');
  assert.equal(ada.deposit(10n), 10n);
  assert.equal(ada.withdraw(3n), 7n);
  assert.throws(() => ada.withdraw(8n), { code: 'TENON_RESULT', payload: 'Ada has only 7' });
  const [bob, cyd] = resources.open(['Bob', 'Cyd']);
  assert.ok(bob && cyd);
  assert.equal(resources.countAccounts(), 3);
  Account.transfer(ada, bob, 5n);
  assert.throws(() => Account.transfer(ada, bob, 5n), { payload: 'Ada has only 2' });
  assert.deepEqual([ada.balance(), bob.balance()], [2n, 5n]);
  assert.equal(resources.richest([ada, bob, cyd]), 'Bob');
  assert.equal(resources.richest([]), undefined);

  const passed = resources.pass(bob);
  assert.throws(() => bob.owner(), { code: 'TENON_RESOURCE' }, 'a handle that was given away is gone');
  assert.equal(passed.owner(), 'Bob');
  assert.equal(Account.close(passed), 5n);
  assert.throws(() => passed.owner(), { code: 'TENON_RESOURCE' });
  assert.equal(resources.countAccounts(), 2);
  ada[Symbol.dispose]();
  cyd[Symbol.dispose]();
  assert.equal(resources.countAccounts(), 0, 'dropping a handle runs the destructor');

  const counter = new Counter(5);
  assert.deepEqual(resources.take(counter, 3), Uint32Array.of(5, 6, 7));
  assert.equal(counter.next(), 8, 'a borrowed resource stays with the host');
  const made = resources.makeCounter(40);
  assert.ok(made instanceof Counter);
  const merged = resources.merge(counter, made);
  assert.ok(merged instanceof Counter);
  assert.equal(merged.next(), 49);
  assert.equal(seen.alive, 1);
  assert.equal(resources.keep(merged), undefined);
  assert.equal(resources.keep(undefined), merged, 'the same object comes back');

  assert.equal(resources.callHost('12'), '21; number 12; 3 <12>');
  assert.equal(resources.callHost('çé'), 'éç; error çé is no number; 3 <çé>');
  assert.deepEqual(seen.log, ['12', 'çé']);
  assert.equal(seen.alive, 1, 'the guest drops what it makes');
}
