/** The life of handles: guest resources held by the host, host resources held by a guest, and moves between instances. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  borrow,
  type CoreGuest,
  compileGuest,
  fromCore,
  func,
  list,
  newInstance,
  own,
  startGuest,
  tuple,
  u8,
  u32,
} from '../../test/core-guest.ts';
import { flagWords, MAY_ENTER } from '../instance/flags.ts';
import { type ComponentInstance, HandleTable, type ResourceClass, ResourceHandle, type RuntimeResource } from '../instance/state.ts';
import type { FuncType } from '../types/types.ts';
import type { CoreFunction } from './contract.ts';
import { GuestResource, guestResourceClass, setGuestConstructor } from './guest-resource.ts';
import { prepareLift } from './lift.ts';
import { prepareLower } from './lower.ts';
import { enterCall, exitCall, resourceDrop, resourceNew, resourceRep, transferBorrow, transferOwn } from './resources.ts';

let module: WebAssembly.Module;
before(async () => {
  module = await compileGuest();
});

interface Setup {
  readonly guest: CoreGuest;
  readonly resource: RuntimeResource;
  /** Representations that the destructor was called with. */
  readonly destroyed: number[];
  lift(type: FuncType, core: CoreFunction, suspends?: boolean): (...args: unknown[]) => unknown;
}

/** A guest that implements resource 0, or lives beside the instance that does. */
function setup(implementer?: ComponentInstance, destructor?: (rep: number) => void): Setup {
  const guest = startGuest(module, {}, implementer === undefined ? newInstance() : newInstance(implementer.parent));
  const destroyed: number[] = [];
  const resource: RuntimeResource = {
    index: 0,
    name: 'thing',
    implementer: implementer ?? guest.instance,
    destructor: destructor ?? ((rep) => destroyed.push(rep)),
    constructorFunction: undefined,
  };
  return {
    guest,
    resource,
    destroyed,
    lift: (type, core, suspends = false) => prepareLift(type, 'utf8').bind(guest.binding('f', [resource]), core, undefined, suspends),
  };
}

/** An object of the guest's resource with that representation. */
function make({ guest, lift, resource }: Setup, rep: number): GuestResource {
  const object = lift(func([], own(0)), () => resourceNew(guest.instance, resource)(rep))();
  assert.ok(object instanceof GuestResource);
  return object;
}

describe('a resource that the guest implements', () => {
  test('is an instance of its class, and its handle has left the guest', () => {
    const s = setup();
    const object = make(s, 7);
    assert.equal(object.constructor, guestResourceClass(s.resource, 'Other'));
    assert.equal(s.guest.instance.handles.size, 0);
  });

  test('dispose runs the destructor once, as a call of its instance', () => {
    const flags: number[] = [];
    const s: Setup = setup(undefined, () => flags.push((flagWords[s.guest.instance.flagsWord] ?? 0) & MAY_ENTER));
    const object = make(s, 7);
    object[Symbol.dispose]();
    object[Symbol.dispose]();
    assert.deepEqual(flags, [0]);
    assert.equal((flagWords[s.guest.instance.flagsWord] ?? 0) & MAY_ENTER, MAY_ENTER);
  });

  test('a borrow is passed to the implementer as the representation, and lent meanwhile', () => {
    const s = setup();
    const object = make(s, 7);
    const call = s.lift(func([borrow(0)], u32), (rep: number) => {
      assert.throws(() => object[Symbol.dispose](), { code: 'TENON_RESOURCE', message: /lent/ });
      return rep;
    });
    assert.equal(call(object), 7);
    assert.equal(s.guest.instance.handles.size, 0);
    object[Symbol.dispose]();
    assert.deepEqual(s.destroyed, [7]);
    assert.throws(() => call(object), { code: 'TENON_RESOURCE', message: /dropped/ });
  });

  test('one that was lent to a call which trapped is disposed of in silence', () => {
    const s = setup();
    const object = make(s, 7);
    const call = s.lift(func([borrow(0)], u32), () => {
      throw new WebAssembly.RuntimeError('unreachable');
    });
    const using = (): void => {
      try {
        call(object);
      } finally {
        object[Symbol.dispose]();
      }
    };
    assert.throws(using, { code: 'TENON_TRAP', message: /unreachable/ });
    assert.deepEqual(s.destroyed, []);
  });

  test('an own is given away', () => {
    const s = setup();
    const object = make(s, 7);
    const take = s.lift(func([own(0)], u32), (index: number) => resourceRep(s.guest.instance, s.resource)(index));
    assert.equal(take(object), 7);
    assert.equal(s.guest.instance.handles.size, 1);
    assert.throws(() => take(object), { code: 'TENON_RESOURCE', message: /given away/ });
    object[Symbol.dispose]();
    assert.deepEqual(s.destroyed, []);
  });

  test('one that is lent cannot be given away in the same call, and nothing has changed then', () => {
    const s = setup();
    const object = make(s, 7);
    const call = s.lift(func([borrow(0), own(0)], u32), () => 1);
    assert.throws(() => call(object, object), { code: 'TENON_RESOURCE', message: /lent/ });
    assert.equal(s.guest.instance.handles.size, 0);
    assert.equal(call(object, make(s, 8)), 1);
  });

  test('what was given away comes back when a later argument does not fit', () => {
    const s = setup();
    const object = make(s, 7);
    const call = s.lift(func([own(0), u8], u32), () => 1);
    assert.throws(() => call(object, 'x'), { code: 'TENON_VALUE_TYPE' });
    assert.equal(s.guest.instance.handles.size, 0);
    assert.equal(call(object, 5), 1);
  });

  test('values that are no such handle', () => {
    const s = setup();
    const other = make(setup(), 1);
    const call = s.lift(func([borrow(0)], u32), () => 1);
    for (const value of [undefined, null, 5, {}, other, class {}]) {
      assert.throws(() => call(value), { code: 'TENON_VALUE_TYPE', message: /parameter `a`: expected a handle of resource `thing`/ });
    }
    assert.throws(() => call(other), { message: /of this very instance/ });
  });

  test('handles within lists and tuples', () => {
    const s = setup();
    const objects = [make(s, 1), make(s, 2)];
    const call = s.lift(func([list(borrow(0)), tuple(own(0))], u32), (address: number, length: number, index: number) => {
      const reps = [...new Uint32Array(s.guest.memory.buffer, address, length)];
      assert.deepEqual(reps, [1, 2]);
      return resourceRep(s.guest.instance, s.resource)(index);
    });
    assert.equal(call(objects, [make(s, 3)]), 3);
    for (const object of objects) object[Symbol.dispose]();
    assert.deepEqual(s.destroyed, [1, 2]);
  });

  test('dispose is refused while its instance is busy, and works afterwards', () => {
    const s = setup();
    const object = make(s, 7);
    s.lift(func([]), () => assert.throws(() => object[Symbol.dispose](), { code: 'TENON_INSTANCE_BUSY' }))();
    object[Symbol.dispose]();
    assert.deepEqual(s.destroyed, [7]);
  });

  test('a trap of the destructor poisons; then dispose has nothing to do', () => {
    const s = setup(undefined, () => {
      throw new WebAssembly.RuntimeError('unreachable');
    });
    const [first, second] = [make(s, 1), make(s, 2)];
    assert.throws(() => first[Symbol.dispose](), { code: 'TENON_TRAP', func: '[resource-drop]thing' });
    second[Symbol.dispose]();
    assert.throws(
      s.lift(func([]), () => 0),
      { code: 'TENON_INSTANCE_POISONED' },
    );
  });

  test('a handle that is lost to the garbage collector is dropped, later when its instance is busy', async () => {
    const s = setup();
    setFlagsFromString('--expose-gc');
    const gc = runInNewContext('gc') as () => void;
    const collect = async (until: () => boolean): Promise<void> => {
      for (let i = 0; i < 100 && !until(); i++) {
        gc();
        await setImmediate();
      }
    };
    const kept = make(s, 1);
    const word = s.guest.instance.flagsWord;
    const free = flagWords[word] ?? 0;
    let seen = 0;
    const watch = new FinalizationRegistry(() => seen++);
    (() => watch.register(make(s, 2), undefined))();
    flagWords[word] = free & ~MAY_ENTER;
    await collect(() => seen > 0);
    assert.equal(seen, 1);
    assert.deepEqual(s.destroyed, []);
    flagWords[word] = free;
    await collect(() => s.destroyed.length > 0);
    assert.deepEqual(s.destroyed, [2]);
    kept[Symbol.dispose]();
    assert.deepEqual(s.destroyed, [2, 1]);
  });

  test('its constructor is what the guest exports', () => {
    const s = setup();
    const Thing = guestResourceClass(s.resource, 'Thing');
    assert.throws(() => Reflect.construct(Thing, []), { code: 'TENON_RESOURCE', message: /no constructor/ });
    setGuestConstructor(
      Thing,
      s.lift(func([u32], own(0)), (rep: number) => resourceNew(s.guest.instance, s.resource)(rep)),
    );
    const object: unknown = Reflect.construct(Thing, [9]);
    assert.ok(object instanceof Thing);
    assert.equal(s.lift(func([borrow(0)], u32), (rep: number) => rep)(object), 9);
  });

  test('while a call is suspended the handle stays lent', async () => {
    const s = setup();
    const object = make(s, 7);
    let release: () => void = () => {};
    const instance = s.guest.instance;
    const binding = { instance, memory: undefined, realloc: undefined, resources: [s.resource], name: 'wait' };
    const wait = prepareLower(func([]), 'utf8').bind(binding, () => new Promise<void>((resolve) => (release = resolve)), true);
    const source = await compileGuest('(import "host" "wait" (func $wait))', '(func (export "go") (param i32) (call $wait))');
    const core = startGuest(source, { wait }, instance).func('go');
    const pending = s.lift(func([borrow(0)]), core, true)(object) as Promise<unknown>;
    assert.throws(() => object[Symbol.dispose](), { code: 'TENON_RESOURCE', message: /lent/ });
    release();
    await pending;
    object[Symbol.dispose]();
    assert.deepEqual(s.destroyed, [7]);
  });
});

describe('a borrow in an instance that does not implement it', () => {
  const beside = (): Setup => setup(newInstance(newInstance()));

  test('is a handle that must be dropped before the call ends', () => {
    const owner = setup(undefined);
    const user = startGuest(module, {}, newInstance());
    // The same store is not needed for what is tested here: the resource is another instance's.
    const type = func([borrow(0)], u32);
    const object = make(owner, 7);
    let dropped = true;
    const call = prepareLift(type, 'utf8').bind(
      user.binding('f', [owner.resource]),
      (index: number) => {
        assert.equal(user.instance.handles.get(index).own, false);
        if (dropped) resourceDrop(user.instance, owner.resource)(index);
        return index;
      },
      undefined,
      false,
    );
    assert.equal(call(object), 1);
    assert.equal(user.instance.handles.size, 0);
    assert.deepEqual(owner.destroyed, []);
    dropped = false;
    assert.throws(() => call(object), { code: 'TENON_TRAP', message: /borrow handles still remain at the end of the call/ });
  });

  test('host functions get an object that ends with the call', () => {
    const s = beside();
    const held: GuestResource[] = [];
    const lowered = prepareLower(func([borrow(0)]), 'utf8').bind(
      s.guest.binding('import', [s.resource]),
      (object: GuestResource) => {
        assert.ok(object instanceof guestResourceClass(s.resource, ''));
        held.push(object);
      },
      false,
    );
    const table = s.guest.instance.handles;
    const index = resourceNew(s.guest.instance, s.resource)(7);
    s.lift(func([]), () => lowered(index))();
    assert.equal(table.get(index).lends, 0);
    const call = s.lift(func([borrow(0)], u32), () => 0);
    assert.throws(() => call(held[0]), { code: 'TENON_RESOURCE', message: /has ended/ });
    held[0]?.[Symbol.dispose]();
    assert.deepEqual(s.destroyed, []);
  });

  test('a borrow cannot be given away as an own', () => {
    const s = beside();
    const lowered = prepareLower(func([borrow(0)], own(0)), 'utf8').bind(
      s.guest.binding('import', [s.resource]),
      (object: unknown) => object,
      false,
    );
    const index = resourceNew(s.guest.instance, s.resource)(7);
    assert.throws(
      s.lift(func([]), () => lowered(index)),
      { code: 'TENON_TRAP', message: /only borrowed/ },
    );
  });
});

describe('a resource of the host', () => {
  class Thing {
    disposed = 0;
    [Symbol.dispose](): void {
      this.disposed++;
    }
  }
  const host = (constructorFunction: ResourceClass | undefined = Thing): { guest: CoreGuest; resource: RuntimeResource } => ({
    guest: startGuest(module),
    resource: { index: 0, name: 'thing', implementer: undefined, destructor: undefined, constructorFunction },
  });

  test('the object itself goes in as a handle and comes out again', () => {
    const { guest, resource } = host();
    const thing = new Thing();
    const seen: unknown[] = [];
    const binding = guest.binding('f', [resource]);
    const look = prepareLower(func([borrow(0)]), 'utf8').bind(binding, (object: Thing) => void seen.push(object), false);
    const give = prepareLower(func([own(0)]), 'utf8').bind(binding, (object: Thing) => void seen.push(object), false);
    const call = prepareLift(func([own(0)]), 'utf8').bind(
      binding,
      (index: number) => {
        look(index);
        assert.equal(guest.instance.handles.get(index).lends, 0);
        give(index);
      },
      undefined,
      false,
    );
    call(thing);
    assert.deepEqual(seen, [thing, thing]);
    assert.equal(guest.instance.handles.size, 0);
    assert.equal(thing.disposed, 0);
  });

  test('dropping an own handle disposes it', () => {
    const { guest, resource } = host();
    const thing = new Thing();
    prepareLift(func([own(0)]), 'utf8').bind(
      guest.binding('f', [resource]),
      resourceDrop(guest.instance, resource),
      undefined,
      false,
    )(thing);
    assert.equal(thing.disposed, 1);
  });

  test('a host function returns one', () => {
    const { guest, resource } = host();
    const thing = new Thing();
    const binding = guest.binding('f', [resource]);
    const get = prepareLower(func([], own(0)), 'utf8').bind(binding, () => thing, false);
    const call = prepareLift(func([], own(0)), 'utf8').bind(binding, () => get(), undefined, false);
    assert.equal(call(), thing);
  });

  describe('a list of borrows', () => {
    const lent = list(borrow(0));
    /** Calls the host with handles of `things`, from a guest that has them: `choose` makes the list, and the handle that is given away. */
    function pass(type: FuncType, things: readonly Thing[], choose: (handles: number[]) => readonly [number[], ...number[]]): unknown[] {
      const { guest, resource } = host();
      const binding = guest.binding('f', [resource]);
      let seen: unknown[] = [];
      const take = prepareLower(type, 'utf8').bind(
        binding,
        (...args: unknown[]) => {
          seen = args;
        },
        false,
      );
      const call = prepareLift(func(things.map(() => own(0))), 'utf8').bind(
        binding,
        (...handles: number[]) => {
          const [indices, ...rest] = choose(handles);
          new Uint32Array(guest.memory.buffer, 64, indices.length).set(indices);
          take(64, indices.length, ...rest);
          for (const index of handles) if (!rest.includes(index)) assert.equal(guest.instance.handles.get(index).lends, 0);
        },
        undefined,
        false,
      );
      call(...things);
      return seen;
    }
    const [a, b] = [new Thing(), new Thing()];

    test('is the objects in order, each as often as its handle', () => {
      assert.deepEqual(
        pass(func([lent]), [a, b], ([x = 0, y = 0]) => [[y, x, y]]),
        [[b, a, b]],
      );
      assert.deepEqual(
        pass(func([lent]), [], () => [[]]),
        [[]],
      );
    });

    test('of ten thousand', () => {
      const [seen] = pass(func([lent]), [a, b], ([x = 0, y = 0]) => [Array.from({ length: 10_000 }, (_, i) => (i % 2 === 0 ? x : y))]);
      assert.ok(Array.isArray(seen) && seen.length === 10_000 && seen[0] === a && seen[9999] === b);
    });

    test('with a handle that does not exist is a trap', () => {
      assert.throws(() => pass(func([lent]), [a], ([x = 0]) => [[x, 77]]), { code: 'TENON_TRAP', message: /unknown handle index 77/ });
    });

    test('with the handle that the same call gives away is a trap', () => {
      const type = func([lent, own(0)]);
      assert.deepEqual(
        pass(type, [a, b], ([x = 0, y = 0]) => [[x], y]),
        [[a], b],
      );
      assert.throws(() => pass(type, [a, b], ([x = 0]) => [[x], x]), { code: 'TENON_TRAP', message: /while borrowed/ });
    });
  });

  test('an object of another class is refused', () => {
    const { guest, resource } = host();
    const call = prepareLift(func([own(0)]), 'utf8').bind(guest.binding('f', [resource]), () => 0, undefined, false);
    assert.throws(() => call({}), { code: 'TENON_VALUE_TYPE', message: /expected an instance of the class of resource `thing`/ });
    assert.equal(guest.instance.handles.size, 0);
  });

  test('what its dispose throws is a trap', () => {
    const { guest, resource } = host();
    const cause = new Error('mine');
    class Bad extends Thing {
      override [Symbol.dispose](): void {
        throw cause;
      }
    }
    const call = prepareLift(func([own(0)]), 'utf8').bind(
      guest.binding('f', [resource]),
      resourceDrop(guest.instance, resource),
      undefined,
      false,
    );
    assert.throws(
      () => call(new Bad()),
      (error) => (error as Error).cause === cause,
    );
  });
});

describe('built-ins', () => {
  const cases: readonly (readonly [string, (s: Setup, other: RuntimeResource) => void, RegExp])[] = [
    ['drop of nothing', (s) => resourceDrop(s.guest.instance, s.resource)(5), /unknown handle index 5/],
    ['drop of zero', (s) => resourceDrop(s.guest.instance, s.resource)(0), /unknown handle index 0/],
    ['drop of the largest index', (s) => resourceDrop(s.guest.instance, s.resource)(-1), /unknown handle index 4294967295/],
    ['rep of nothing', (s) => void resourceRep(s.guest.instance, s.resource)(5), /unknown handle index 5/],
    [
      'drop twice',
      (s) => {
        const index = resourceNew(s.guest.instance, s.resource)(1);
        resourceDrop(s.guest.instance, s.resource)(index);
        resourceDrop(s.guest.instance, s.resource)(index);
      },
      /unknown handle index 1/,
    ],
    [
      'drop of another type',
      (s, other) => resourceDrop(s.guest.instance, other)(resourceNew(s.guest.instance, s.resource)(1)),
      /handle index 1 used with the wrong type, expected guest-defined resource but found a different guest-defined resource/,
    ],
    [
      'drop of what is lent',
      (s) => {
        const index = resourceNew(s.guest.instance, s.resource)(1);
        s.guest.instance.handles.get(index).lends++;
        resourceDrop(s.guest.instance, s.resource)(index);
      },
      /cannot remove owned resource while borrowed/,
    ],
  ];
  for (const [name, run, message] of cases) {
    test(`${name} traps`, () => {
      const s = setup();
      const other: RuntimeResource = { ...s.resource, index: 1, name: 'other' };
      assert.throws(
        s.lift(func([]), () => run(s, other)),
        { code: 'TENON_TRAP', message },
      );
      assert.throws(
        s.lift(func([]), () => 0),
        { code: 'TENON_INSTANCE_POISONED' },
      );
    });
  }

  test('drop runs the destructor of another instance as a call', () => {
    const root = newInstance();
    const implementer = newInstance(root);
    const user = newInstance(root);
    const entered: number[] = [];
    const resource: RuntimeResource = {
      index: 0,
      name: 'thing',
      implementer,
      destructor: (rep) =>
        entered.push(rep, (flagWords[implementer.flagsWord] ?? 0) & MAY_ENTER, flagWords[implementer.flagsWord + 2] ?? -1),
      constructorFunction: undefined,
    };
    flagWords[implementer.flagsWord + 2] = 99;
    const index = transferOwn(implementer, user, resource)(resourceNew(implementer, resource)(7));
    resourceDrop(user, resource)(index);
    assert.deepEqual(entered, [7, 0, 0]);
    assert.equal(flagWords[implementer.flagsWord + 2], 99);
    assert.equal((flagWords[implementer.flagsWord] ?? 0) & MAY_ENTER, MAY_ENTER);
    const busy = transferOwn(implementer, user, resource)(resourceNew(implementer, resource)(8));
    flagWords[implementer.flagsWord] = (flagWords[implementer.flagsWord] ?? 0) & ~MAY_ENTER;
    assert.throws(
      fromCore(() => resourceDrop(user, resource)(busy)),
      { code: 'TENON_TRAP', message: /cannot enter component instance/ },
    );
  });
});

describe('moves between instances', () => {
  const family = (): { readonly implementer: ComponentInstance; readonly user: ComponentInstance; readonly resource: RuntimeResource } => {
    const root = newInstance();
    const implementer = newInstance(root);
    const user = newInstance(root);
    return { implementer, user, resource: { index: 0, name: 'thing', implementer, destructor: undefined, constructorFunction: undefined } };
  };

  test('an own', () => {
    const { implementer, resource, user } = family();
    const there = transferOwn(implementer, user, resource)(resourceNew(implementer, resource)(7));
    assert.equal(implementer.handles.size, 0);
    const back = transferOwn(user, implementer, resource)(there);
    assert.equal(resourceRep(implementer, resource)(back), 7);
  });

  test('a borrow lends the handle until the call ends, and reaches the implementer as the representation', () => {
    const { implementer, resource, user } = family();
    const index = transferOwn(implementer, user, resource)(resourceNew(implementer, resource)(7));
    enterCall(implementer)();
    assert.equal(transferBorrow(user, implementer, resource)(index), 7);
    assert.equal(user.handles.get(index).lends, 1);
    exitCall(user.store)();
    assert.equal(user.handles.get(index).lends, 0);
    assert.equal(user.store.scope, undefined);
  });

  test('a borrow that is left at the end traps', () => {
    const { implementer, resource, user } = family();
    const index = resourceNew(implementer, resource)(7);
    enterCall(user)();
    const borrowed = transferBorrow(implementer, user, resource)(index);
    assert.equal(user.handles.get(borrowed).own, false);
    assert.throws(fromCore(exitCall(user.store)), { code: 'TENON_TRAP', message: /borrow handles still remain/ });
  });

  test('a lent own cannot be moved, a borrow not be given away', () => {
    const one = family();
    const index = resourceNew(one.implementer, one.resource)(7);
    enterCall(one.user)();
    transferBorrow(one.implementer, one.user, one.resource)(index);
    assert.throws(
      fromCore(() => transferOwn(one.implementer, one.user, one.resource)(index)),
      {
        message: /cannot remove owned resource while borrowed/,
      },
    );
    const two = family();
    enterCall(two.user)();
    const borrowed = transferBorrow(two.implementer, two.user, two.resource)(resourceNew(two.implementer, two.resource)(7));
    assert.throws(
      fromCore(() => transferOwn(two.user, two.implementer, two.resource)(borrowed)),
      { message: /it is a borrow/ },
    );
  });
});

test('an instance holds no more handles than its linker lets it', () => {
  const table = new HandleTable(2);
  const handle = new ResourceHandle({} as RuntimeResource, 0, true, undefined);
  const first = table.add(handle);
  table.add(handle);
  assert.throws(() => table.add(handle), { code: 'TENON_TRAP', message: /handle table is full: it holds 2 handles/ });
  table.remove(first);
  table.add(handle);
});

test('a guest cannot fill the memory of the host with handles', () => {
  const instance = newInstance();
  const resource: RuntimeResource = {
    index: 0,
    name: 'thing',
    implementer: instance,
    destructor: undefined,
    constructorFunction: undefined,
  };
  const make = resourceNew(instance, resource);
  for (let i = 0; i < HandleTable.MAX_LENGTH; i++) make(i);
  assert.throws(
    fromCore(() => make(0)),
    { code: 'TENON_TRAP', message: /handle table is full/ },
  );
});
