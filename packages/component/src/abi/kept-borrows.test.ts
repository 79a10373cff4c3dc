import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import fc from 'fast-check';
import { borrow, type CoreGuest, compileGuest, func, list, own, startGuest, u32 } from '../../test/core-guest.ts';
import { HandleTable, ResourceHandle, type RuntimeResource } from '../instance/state.ts';
import type { FuncType } from '../types/types.ts';
import type { CoreFunction } from './contract.ts';
import { inPlace } from './in-place.ts';
import { KeptBorrows, type KeptList } from './kept-borrows.ts';
import { prepareLower } from './lower.ts';

const named = (name: string): RuntimeResource => ({
  index: 0,
  name,
  implementer: undefined,
  destructor: undefined,
  constructorFunction: undefined,
});
const [thing, other] = [named('thing'), named('other')];

const handleOf = (rep: object, resource = thing): ResourceHandle => new ResourceHandle(resource, rep, true, undefined);

function replace(table: HandleTable, index: number): void {
  table.remove(index);
  table.add(handleOf({}, other));
}

test('a kept list holds what its handles stand for now, and tells what differs from the last call', () => {
  const pair = fc.tuple(fc.nat(29), fc.nat(9));
  const step = fc.record({
    replaced: fc.uniqueArray(fc.nat(9), { maxLength: 2 }),
    written: fc.array(pair, { maxLength: 2 }),
    length: fc.constantFrom(30, 30, 10, 0, 20),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const table = new HandleTable();
      const handles = Array.from({ length: 10 }, () => table.add(handleOf({})));
      const indices = Array.from({ length: 30 }, (_, i) => handles[i % 10] ?? 0);
      const kept = new KeptBorrows();
      let before: object[] = [];
      for (const { replaced, written, length } of steps) {
        // The last one that was removed is the first whose index is used again.
        for (const index of replaced) table.remove(handles[index] as number);
        for (const index of replaced.toReversed()) handles[index] = table.add(handleOf({}));
        for (const [place, index] of written) indices[place] = handles[index] as number;
        const now = Uint32Array.from(indices.slice(0, length));
        const seen = kept.update(table, now, thing);
        const wanted = Array.from(now, (index) => table.get(index).rep as object);
        assert.equal(seen?.length, length);
        assert.ok(wanted.every((rep, i) => seen[i] === rep));
        const differing = [...wanted.keys()].filter((i) => wanted[i] !== before[i]);
        assert.deepEqual(seen.changed, differing);
        before = wanted;
      }
    }),
    { seed: 20261124, numRuns: 500 },
  );
});

describe('what was right at the last call is not taken for right at the next', () => {
  const nothing = (): void => {};
  const cases: readonly (readonly [string, (table: HandleTable, index: number) => void, number[], RegExp])[] = [
    ['a handle that was dropped', (table, index) => table.remove(index), [1], /unknown handle index 1/],
    ['an index of another resource now', replace, [1], /used with the wrong type/],
    ['a handle that never was', nothing, [1, 77], /unknown handle index 77/],
    ['index 0', nothing, [1, 0], /unknown handle index 0/],
    ['a table that was cleared', (table) => table.clear(), [1], /unknown handle index 1/],
  ];
  for (const [name, change, now, message] of cases) {
    test(name, () => {
      const table = new HandleTable();
      const index = table.add(handleOf({}));
      const kept = new KeptBorrows();
      kept.update(table, Uint32Array.of(index, index), thing);
      change(table, index);
      assert.throws(() => kept.update(table, Uint32Array.from(now), thing), message);
    });
  }
});

describe('a function that takes its lists in place', () => {
  let module: WebAssembly.Module;
  before(async () => {
    module = await compileGuest();
  });

  interface Setup {
    readonly guest: CoreGuest;
    readonly lists: KeptList<object>[];
    pass(at: number, ...handles: number[]): void;
  }

  /** A host function that is passed lists of the guest's handles at an address. */
  function setup(type: FuncType, resource = thing, ...rest: number[]): Setup {
    const guest = startGuest(module);
    const lists: KeptList<object>[] = [];
    const host = inPlace((list: KeptList<object>) => void lists.push(list));
    const lowered: CoreFunction = prepareLower(type, 'utf8').bind(guest.binding('f', [resource]), host as never, false);
    return {
      guest,
      lists,
      pass(at, ...handles) {
        new Uint32Array(guest.memory.buffer, at & ~3, handles.length).set(handles);
        lowered(at, handles.length, ...rest);
      },
    };
  }

  test('gets the same array in each call', () => {
    const { guest, lists, pass } = setup(func([list(borrow(0)), u32]), thing, 5);
    const [a, b] = [{}, {}];
    const [x, y] = [a, b].map((rep) => guest.instance.handles.add(handleOf(rep))) as [number, number];
    pass(64, x, y, x);
    assert.deepEqual(lists[0]?.changed, [0, 1, 2]);
    pass(128, x, x);
    assert.equal(lists[0], lists[1]);
    assert.deepEqual([...(lists[1] ?? [])], [a, a]);
    assert.deepEqual(lists[1]?.changed, [1]);
    assert.deepEqual(
      [x, y].map((index) => guest.instance.handles.get(index).lends),
      [0, 0],
    );
  });

  test('gets an array of its own when the list, or all that are kept, are very long, and when the call gives handles away', () => {
    const long = setup(func([list(borrow(0))]));
    const index = long.guest.instance.handles.add(handleOf({}));
    long.guest.memory.grow(8);
    const longest = KeptBorrows.MAX_ROOM / 2;
    for (const length of [longest + 1, longest]) long.pass(64, ...new Array(length).fill(index));
    assert.deepEqual(
      long.lists.map(({ changed, length }) => [changed?.length, length]),
      [
        [undefined, longest + 1],
        [longest, longest],
      ],
    );
    const table = long.guest.instance.handles;
    assert.equal(new KeptBorrows().update(table, Uint32Array.of(index), thing), undefined);
    assert.deepEqual(new KeptBorrows().update(table, new Uint32Array(0), thing)?.changed, []);

    const giving = setup(func([list(borrow(0)), own(0)]), thing, 2);
    const kept = giving.guest.instance.handles.add(handleOf({}));
    giving.guest.instance.handles.add(handleOf({}));
    giving.pass(64, kept);
    assert.equal(giving.lists[0]?.changed, undefined);
    assert.equal(giving.guest.instance.handles.size, 1);
  });

  for (const [name, at, message] of [
    ['beyond the memory', 65_532, /out of bounds/],
    ['that is not aligned', 66, /unaligned pointer/],
  ] as const) {
    test(`traps for a list ${name}`, () => {
      const { guest, lists } = setup(func([list(borrow(0))]));
      const host = inPlace(() => assert.fail('called'));
      const lowered = prepareLower(func([list(borrow(0))]), 'utf8').bind(guest.binding('f', [thing]), host, false);
      assert.throws(() => lowered(at, 2));
      assert.match(guest.instance.store.trap?.message ?? '', message);
      assert.equal(lists.length, 0);
    });
  }
});
