import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { type CoreGuest, compileGuest, func, list, startGuest, u8, u32 } from '../../test/core-guest.ts';
import { DefinitionSet } from '../link/definition-set.ts';
import { bindHost } from '../link/definitions.ts';
import type { Plan } from '../link/plan.ts';
import { inPlace, lending, lentCall, takesInPlace } from './in-place.ts';
import { prepareLower } from './lower.ts';

let module: WebAssembly.Module;
before(async () => {
  module = await compileGuest();
});

/** Calls a host function with the bytes 1, 2, 3 and the numbers 4, 5 from a guest's memory. */
function pass(host: (bytes: Uint8Array, numbers: Uint32Array) => void, at = 100, guest: CoreGuest = startGuest(module)): CoreGuest {
  new Uint8Array(guest.memory.buffer).set([1, 2, 3], 100);
  new Uint32Array(guest.memory.buffer).set([4, 5], 50);
  const lowered = prepareLower(func([list(u8), list(u32)]), 'utf8').bind(guest.binding('f'), host, false);
  lowered(at, 3, 200, 2);
  return guest;
}

describe('lists of bytes', () => {
  test('are views for a function that says so, and other lists copies', () => {
    let seen: ArrayBufferLike[] = [];
    const guest = pass(
      inPlace((bytes, numbers) => {
        assert.deepEqual([...bytes, ...numbers], [1, 2, 3, 4, 5]);
        seen = [bytes.buffer, numbers.buffer];
      }),
    );
    assert.equal(seen[0], guest.memory.buffer);
    assert.notEqual(seen[1], guest.memory.buffer);
  });

  test('are copies for all others', () => {
    let seen: Uint8Array | undefined;
    const guest = pass((bytes) => {
      seen = bytes;
    });
    assert.notEqual(seen?.buffer, guest.memory.buffer);
    assert.deepEqual(seen, Uint8Array.of(1, 2, 3));
  });

  test('beyond the memory are a trap', () => {
    for (const at of [65_534, -1]) {
      const guest = startGuest(module);
      const refuse = inPlace(() => assert.fail('called'));
      assert.throws(() => pass(refuse, at, guest));
      assert.match(guest.instance.store.trap?.message ?? '', /out of bounds/);
    }
  });
});

test('a method that says so is called in place', () => {
  class Stream {
    write(): void {}
    read(): void {}
  }
  inPlace(Stream.prototype.write);
  const hostFunctions = ['[method]stream.write', '[method]stream.read'].map((name) => ({ path: ['streams', name], type: func([]) }));
  const plan = { hostInstances: [], hostFunctions, resources: [], modules: [], sameTypes: [] } as unknown as Plan;
  const definitions = new DefinitionSet();
  definitions.add({ name: 'streams', value: { Stream }, make: undefined, waits: undefined, override: false, provided: false });
  const { functions } = bindHost(plan, definitions);
  assert.deepEqual(functions.map(takesInPlace), [true, false]);
});

test('a method has another form for guests, and JavaScript goes on calling the method', () => {
  class Stream {
    readonly name = 'stream';
    read(length: number): string {
      return `${this.name} keeps ${length}`;
    }
  }
  lending(Stream.prototype.read, function (this: Stream, length: number) {
    return `${this.name} lends ${length}`;
  });
  const stream = new Stream();
  assert.equal(stream.read(1), 'stream keeps 1');
  assert.equal(lentCall(Stream.prototype.read)?.(...([stream, 2] as never[])), 'stream lends 2');
  assert.equal(
    lentCall(() => {}),
    undefined,
  );
});
