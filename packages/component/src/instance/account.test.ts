import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { compileGuest, func, list, record, startGuest, string, tuple, u8, u32 } from '../../test/core-guest.ts';
import { inPlace } from '../abi/in-place.ts';
import { prepareLower } from '../abi/lower.ts';
import type { ValType } from '../types/types.ts';
import { type Account, callerAccount } from './account.ts';
import { ComponentInstance, Store } from './state.ts';

let module: WebAssembly.Module;
before(async () => {
  module = await compileGuest();
});

class Purse implements Account {
  readonly left: number;
  ended = false;

  constructor(left: number) {
    this.left = left;
  }

  end(): void {
    this.ended = true;
  }
}

function call(account: Account, type: ValType, flat: readonly number[], host: (value: unknown) => void): Store {
  const store = new Store(undefined, account);
  const guest = startGuest(module, {}, new ComponentInstance(store, undefined, 'root'));
  // All of it is zeros but a string and a list that each take the whole page, 100 of them.
  const view = new DataView(guest.memory.buffer);
  for (let at = 0; at < 800; at += 8) view.setUint32(at + 4, 65_536, true);
  prepareLower(func([type]), 'utf8').bind(guest.binding('f'), host, false)(...flat);
  return store;
}

describe('what a guest passes in one call', () => {
  const cases: readonly (readonly [what: string, type: ValType, flat: readonly number[], bytes: number])[] = [
    ['a list of bytes', list(u8), [0, 60_000], 60_000],
    ['a list of numbers', list(u32), [0, 15_000], 60_000],
    ['a string', string, [1000, 60_000], 60_000],
    ['one page in many strings', list(string), [0, 100], 6_500_000],
    ['one page in many lists', list(list(u8)), [0, 100], 6_500_000],
    ['small tuples', list(tuple(u8, u8)), [0, 30_000], 1_400_000],
    ['small records in records', list(record({ a: record({ b: u8 }) })), [0, 60_000], 4_000_000],
  ];
  for (const [what, type, flat, bytes] of cases) {
    test(`${what} is lifted where there is room, and a trap where there is none`, () => {
      let calls = 0;
      const count = (): void => {
        calls++;
      };
      call(new Purse(2 * bytes), type, flat, count);
      assert.equal(calls, 1);
      const purse = new Purse(bytes / 2);
      assert.throws(() => call(purse, type, flat, count));
      assert.equal(calls, 1);
      assert.equal(purse.ended, true);
    });
  }

  test('what is looked at in place takes nothing', () => {
    let length = 0;
    const look = inPlace((bytes: unknown): void => {
      length = (bytes as Uint8Array).length;
    });
    call(new Purse(0), list(u8), [0, 60_000], look);
    assert.equal(length, 60_000);
  });

  test('is charged to the account of whoever calls', () => {
    const purses = [new Purse(1000), new Purse(1000)];
    const seen = purses.map((purse) => {
      let account: Account | undefined;
      call(purse, list(u8), [0, 1], () => {
        account = callerAccount();
      });
      return account;
    });
    assert.deepEqual(seen, purses);
  });
});
