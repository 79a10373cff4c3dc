import assert from 'node:assert/strict';
import { PassThrough, Writable } from 'node:stream';
import { describe, test } from 'node:test';
import { ComponentError } from '@tenon/component';
import fc from 'fast-check';
import { SYSTEM_CLOCKS } from '../body/clock.ts';
import { Later, READY } from '../body/readiness.ts';
import { BytesSource, CallSink, ReadableSource, WritableSink } from '../body/streams.ts';
import { Timer } from '../body/timer.ts';
import { Pollable, poll } from './io-poll.ts';
import { InputStream, OutputStream } from './io-streams.ts';

async function refusal(operation: () => unknown): Promise<unknown> {
  try {
    await operation();
  } catch (error) {
    assert.ok(error instanceof ComponentError && error.code === 'TENON_RESULT', String(error));
    return error.payload;
  }
  return 'no error';
}

const CLOSED = { tag: 'closed' };
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

function timer(milliseconds: number): Pollable {
  return new Pollable(new Timer(SYSTEM_CLOCKS, SYSTEM_CLOCKS.monotonic() + BigInt(milliseconds * 1e6)));
}

describe('poll', () => {
  test('an empty list is a trap', () => assert.throws(() => poll([]), /empty list/));

  test('wakes at the first that is ready', async () => {
    const long = timer(800);
    const short = timer(20);
    assert.deepEqual(await poll([long, short]), [1]);
    assert.equal(await long.ready(), false);
    long[Symbol.dispose]();
  });

  test('answers at once with all that are ready', () => {
    const later = new Pollable(new Later<number>());
    assert.deepEqual(poll([new Pollable(READY), later, new Pollable(READY)]), [0, 2]);
  });

  test('the same list is polled again and again', async () => {
    const laters = Array.from({ length: 1000 }, () => new Later<number>());
    const pollables = laters.map((later) => new Pollable(later));
    for (const index of [7, 999, 0]) {
      const woken = poll(pollables);
      laters[index]?.settle(1);
      assert.deepEqual(
        (await woken).filter((ready) => ready === index),
        [index],
      );
      pollables[index] = new Pollable(new Later<number>());
    }
  });

  test('one pollable in two lists wakes the one that waits', async () => {
    const later = new Later<number>();
    const shared = new Pollable(later);
    assert.deepEqual(await poll([shared, timer(1)]), [1]);
    const woken = poll([timer(1000), shared]);
    later.settle(1);
    assert.deepEqual(await woken, [1]);
  });

  test('wakes in the order in which they become ready', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    let now = 0n;
    const clocks = { monotonic: () => now, wall: () => 0n };
    const pollables = [60n, 20n, 40n].map((milliseconds) => new Pollable(new Timer(clocks, milliseconds * 1_000_000n)));
    const left = [...pollables];
    for (const next of [1, 2, 0]) {
      const woken = poll(left);
      now += 20_000_000n;
      t.mock.timers.tick(20);
      const [index = -1] = await woken;
      assert.deepEqual(left.splice(index, 1), [pollables[next]]);
    }
  });

  test('asks each member once, and not again until it has fired', async () => {
    let asked = 0;
    class Counting extends Later<number> {
      override ready(): boolean {
        asked++;
        return super.ready();
      }
    }
    const laters = Array.from({ length: 1000 }, () => new Counting());
    const pollables = laters.map((later) => new Pollable(later));
    const ready = new Pollable(READY);
    for (let round = 0; round < 10; round++) assert.deepEqual(await poll([...pollables, ready]), [1000]);
    assert.equal(asked, 1000);
    const woken = poll(pollables);
    laters[500]?.settle(1);
    assert.deepEqual(await woken, [500]);
    assert.equal(asked, 1001);
  });

  test('one that becomes ready while it is registered wakes', async () => {
    let ready = false;
    const pollable = new Pollable({
      ready: () => ready,
      add(waiter) {
        ready = true;
        waiter.wake();
      },
      remove() {},
    });
    assert.deepEqual(await poll([new Pollable(new Later<number>()), pollable]), [1]);
  });

  test('what became ready while nobody polled is there for the next poll', async () => {
    const later = new Later<number>();
    const pollables = [new Pollable(READY), new Pollable(later)];
    assert.deepEqual(await poll(pollables), [0]);
    later.settle(1);
    assert.deepEqual(await poll(pollables), [0, 1]);
  });

  test('a dropped pollable leaves nothing behind, and those that were polled with it go on', async () => {
    const laters = Array.from({ length: 3 }, () => new Later<number>());
    const pollables = laters.map((later) => new Pollable(later));
    const woken = poll(pollables);
    assert.deepEqual(
      laters.map((later) => later.waited),
      [true, true, true],
    );
    laters[2]?.settle(1);
    assert.deepEqual(await woken, [2]);
    const [first, second] = pollables as [Pollable, Pollable];
    first[Symbol.dispose]();
    const again = poll([second]);
    laters[1]?.settle(1);
    assert.deepEqual(await again, [0]);
    assert.deepEqual(
      laters.map((later) => later.waited),
      [false, false, false],
    );
  });

  test('one that others were polled with fires in vain for a poll without them', async () => {
    const [one, two] = [new Later<number>(), new Later<number>()];
    const pollables = [new Pollable(READY), new Pollable(one), new Pollable(two)] as const;
    assert.deepEqual(await poll(pollables), [0]);
    const woken = poll([pollables[2]]);
    one.settle(1);
    await Promise.resolve();
    two.settle(1);
    assert.deepEqual(await woken, [0]);
  });

  test('a guest that asks again and again lets the timer fire', async () => {
    const pollable = timer(5);
    while (!(await pollable.ready()));
    assert.equal(await pollable.ready(), true);
  });

  test('a guest that always finds something ready does not starve the event loop', async () => {
    let turned = false;
    setImmediate(() => {
      turned = true;
    });
    const ready = new Pollable(READY);
    for (let calls = 0; calls < 1000 && !turned; calls++) await poll([ready]);
    assert.equal(turned, true);
  });

  test('block waits', async () => {
    const later = new Later<number>();
    const blocked = new Pollable(later).block();
    later.settle(1);
    await blocked;
    assert.equal(await new Pollable(later).ready(), true);
  });
});

describe('a list that is kept from poll to poll', () => {
  /** Changes a list as the engine does from one call to the next, and polls it. */
  function kept(): (now: readonly Pollable[]) => number[] | Promise<number[]> {
    const list: Pollable[] & { changed: number[] } = Object.assign([], { changed: [] });
    return (now) => {
      list.changed = [...now.keys()].filter((index) => list[index] !== now[index]);
      list.splice(0, list.length, ...now);
      return poll(list);
    };
  }

  class Counting extends Later<number> {
    asked = 0;
    override ready(): boolean {
      this.asked++;
      return super.ready();
    }
  }
  const many = (count: number): { laters: Counting[]; pollables: Pollable[] } => {
    const laters = Array.from({ length: count }, () => new Counting());
    return { laters, pollables: laters.map((later) => new Pollable(later)) };
  };

  test('is asked only where something has happened', async () => {
    const { laters, pollables } = many(100);
    const again = kept();
    const ready = new Pollable(READY);
    for (let round = 0; round < 5; round++) assert.deepEqual(await again([...pollables, ready]), [100]);
    const woken = again(pollables);
    laters[7]?.settle(1);
    assert.deepEqual(await woken, [7]);
    assert.deepEqual(await again(pollables), [7]);
    assert.deepEqual(await again([...pollables.slice(0, 98), ready, pollables[99] as Pollable]), [7, 98]);
    assert.deepEqual(
      laters.map(({ asked }) => asked),
      laters.map((_, index) => (index === 7 ? 4 : 1)),
    );
  });

  test('tells in the order of the list what fired in another', async () => {
    const { laters, pollables } = many(100);
    const again = kept();
    const woken = again(pollables);
    for (const index of [40, 3, 99]) laters[index]?.settle(1);
    assert.deepEqual(await woken, [3, 40, 99]);
    assert.deepEqual(await again(pollables.slice(0, 50)), [3, 40]);
  });

  test('whose members move, leave and come back wakes at their new places', async () => {
    const { laters, pollables } = many(100);
    const again = kept();
    const ready = new Pollable(READY);
    assert.deepEqual(await again([...pollables, ready]), [100]);
    const moved = [...pollables.slice(1), ready, pollables[0] as Pollable];
    assert.deepEqual(await again(moved), [99]);
    assert.deepEqual(await again([...pollables.slice(2), ready]), [98]);
    laters[0]?.settle(1);
    laters[1]?.settle(1);
    assert.deepEqual(await again([...pollables, ready]), [0, 1, 100]);
  });

  test('tells of one that it has twice at both places, and of one that is in another list too in both', async () => {
    const { laters, pollables } = many(50);
    const [one, other] = [kept(), kept()];
    const ready = new Pollable(READY);
    const twice = [...pollables, ready, pollables[9] as Pollable];
    assert.deepEqual(await one(twice), [50]);
    assert.deepEqual(await other([...pollables, ready]), [50]);
    const woken = one([...pollables, pollables[9] as Pollable]);
    laters[9]?.settle(1);
    assert.deepEqual(await woken, [9, 50]);
    assert.deepEqual(await other(pollables), [9]);
    laters[4]?.settle(1);
    assert.deepEqual(await one(pollables), [4, 9]);
    assert.deepEqual(await other(pollables), [4, 9]);
  });

  test('answers as asking every member does, whatever changes', async () => {
    const change = fc.tuple(fc.nat(79), fc.nat(39));
    const step = fc.record({
      settled: fc.array(fc.nat(39), { maxLength: 3 }),
      changes: fc.array(change, { maxLength: 3 }),
      length: fc.constantFrom(80, 80, 80, 40),
      list: fc.nat(1),
    });
    await fc.assert(
      fc.asyncProperty(fc.boolean(), fc.array(step, { maxLength: 20 }), async (twice, steps) => {
        const { laters, pollables } = many(40);
        const others = many(40).pollables;
        const always = new Pollable(READY);
        const lists = [kept(), kept()];
        const order = Array.from({ length: 80 }, (_, index) => index % 40);
        for (const { settled, changes, length, list } of steps) {
          for (const index of settled) {
            laters[index]?.settle(1);
            // Some are replaced, as by a guest that drops a pollable and subscribes anew.
            if (index % 3 !== 0) continue;
            const later = new Counting();
            laters[index] = later;
            pollables[index]?.[Symbol.dispose]();
            pollables[index] = new Pollable(later);
          }
          for (const [place, member] of changes) order[place] = member;
          const now = order.slice(0, length).map((index, at) => (twice || at < 40 ? pollables[index] : others[index]) as Pollable);
          const wanted = now
            .map((pollable, at) => (laters[pollables.indexOf(pollable)]?.value === undefined ? -1 : at))
            .filter((at) => at >= 0);
          assert.deepEqual(await lists[list]?.([...now, always]), [...wanted, length]);
        }
      }),
      { seed: 20261124, numRuns: 500 },
    );
  });
});

describe('input-stream', () => {
  test('reads what it is given, then is closed', async () => {
    const stream = new InputStream(new BytesSource(Buffer.from('hello')));
    assert.equal(text(await stream.read(2n)), 'he');
    assert.equal(await stream.skip(1n), 1n);
    assert.equal(text(await stream.blockingRead(100n)), 'lo');
    assert.deepEqual(await refusal(() => stream.read(1n)), CLOSED);
    assert.deepEqual(await refusal(() => stream.blockingRead(1n)), CLOSED);
  });

  test('waits for a Node stream, and sees what has arrived', async () => {
    const node = new PassThrough();
    const stream = new InputStream(new ReadableSource(node));
    assert.equal((await stream.read(10n)).length, 0);
    const waiting = stream.blockingRead(10n);
    node.write('one');
    assert.equal(text(await waiting), 'one');
    node.write('two');
    assert.equal(text(await stream.read(10n)), 'two');
    const pollable = stream.subscribe();
    const woken = pollable.block();
    node.end();
    await woken;
    assert.deepEqual(await refusal(() => stream.read(1n)), CLOSED);
  });

  test('the end of a Node stream ends a read that waits', async () => {
    const node = new PassThrough();
    const stream = new InputStream(new ReadableSource(node));
    const waiting = refusal(() => stream.blockingRead(10n));
    setImmediate(() => node.end());
    assert.deepEqual(await waiting, CLOSED);
  });

  test('an error of a Node stream is told once', async () => {
    const node = new PassThrough();
    const stream = new InputStream(new ReadableSource(node));
    const waiting = refusal(() => stream.blockingRead(10n));
    node.destroy(new Error('broken'));
    const payload = (await waiting) as { tag: string; val: { toDebugString(): string } };
    assert.equal(payload.tag, 'last-operation-failed');
    assert.equal(payload.val.toDebugString(), 'broken');
    assert.deepEqual(await refusal(() => stream.read(1n)), CLOSED);
  });
});

/** A Node stream that takes bytes only when it is told to. */
class Slow extends Writable {
  readonly taken: Buffer[] = [];
  #next: (() => void) | undefined;

  constructor() {
    super({ highWaterMark: 10 });
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.taken.push(chunk);
    this.#next = done;
  }

  go(): void {
    const next = this.#next;
    this.#next = undefined;
    next?.();
  }
}

describe('output-stream', () => {
  test('writing more than check-write allowed is a trap', () => {
    const stream = new OutputStream(new CallSink(() => {}));
    assert.ok(stream.checkWrite() === 1n << 20n);
    stream.write(Buffer.from('x'));
    assert.throws(() => stream.write(Buffer.alloc(1 << 20)), /1048576 bytes where check-write allowed 1048575/);
    assert.throws(() => stream.writeZeroes(1n << 40n), /check-write allowed 1048575/);
    stream.writeZeroes((1n << 20n) - 1n);
    assert.throws(() => stream.write(Buffer.alloc((1 << 20) + 1)), /check-write allowed 1048576/);
  });

  test('writing without having asked is as having asked just before', async () => {
    const written: Uint8Array[] = [];
    const open = new OutputStream(new CallSink((bytes) => void written.push(bytes)));
    for (const word of ['one', 'two']) open.write(Buffer.from(word));
    open.checkWrite();
    open.write(new Uint8Array(1 << 20));
    open.write(Buffer.from('three'));
    open.writeZeroes(2n);
    assert.deepEqual(
      written.filter(({ length }) => length < 100).map((bytes) => Buffer.from(bytes).toString()),
      ['one', 'two', 'three', '\0\0'],
    );
    const node = new Slow();
    const full = new OutputStream(new WritableSink(node));
    full.write(Buffer.alloc(10));
    assert.throws(() => full.write(Buffer.from('x')), /check-write allowed 0/);
    node.go();
  });

  test('a stream that is full has no room until it has drained', async () => {
    const node = new Slow();
    const stream = new OutputStream(new WritableSink(node));
    assert.equal(stream.checkWrite(), 1n << 20n);
    stream.write(Buffer.alloc(10));
    assert.equal(stream.checkWrite(), 0n);
    const pollable = stream.subscribe();
    assert.equal(await pollable.ready(), false);
    const woken = poll([pollable]);
    node.go();
    assert.deepEqual(await woken, [0]);
    assert.equal(stream.checkWrite(), 10n);
  });

  test('a flush takes the room away until everything has gone', async () => {
    const node = new Slow();
    const stream = new OutputStream(new WritableSink(node));
    stream.checkWrite();
    stream.write(Buffer.from('abc'));
    stream.flush();
    assert.equal(stream.checkWrite(), 0n);
    const flushed = stream.blockingFlush();
    node.go();
    await flushed;
    assert.equal(stream.checkWrite(), 10n);
  });

  test('blocking-write-and-flush takes more than there is room', async () => {
    const node = new Slow();
    const stream = new OutputStream(new WritableSink(node));
    stream.checkWrite();
    stream.write(Buffer.alloc(5, 'a'));
    const written = stream.blockingWriteAndFlush(Buffer.alloc(25, 'b'));
    let done = false;
    void Promise.resolve(written).then(() => {
      done = true;
    });
    while (!done) {
      node.go();
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal(Buffer.concat(node.taken).toString(), `${'a'.repeat(5)}${'b'.repeat(25)}`);
  });

  for (const [code, first] of [
    ['EPIPE', 'closed'],
    ['EIO', 'last-operation-failed'],
  ] as const) {
    test(`a stream that fails with ${code} is ${first}, then closed`, async () => {
      const node = new PassThrough();
      const stream = new OutputStream(new WritableSink(node));
      await stream.blockingWriteAndFlush(Buffer.from('x'));
      node.destroy(Object.assign(new Error(`write ${code}`), { code }));
      await new Promise((resolve) => node.once('close', resolve));
      assert.equal(((await refusal(() => stream.checkWrite())) as { tag: string }).tag, first);
      assert.deepEqual(await refusal(() => stream.checkWrite()), CLOSED);
    });
  }

  test('zeroes and splices', async () => {
    const taken: Uint8Array[] = [];
    const stream = new OutputStream(new CallSink((bytes) => taken.push(bytes)));
    stream.checkWrite();
    stream.writeZeroes(3n);
    await stream.blockingWriteZeroesAndFlush(2n);
    const from = new InputStream(new BytesSource(Buffer.from('spliced')));
    assert.equal(stream.splice(from, 3n), 3n);
    assert.equal(await stream.blockingSplice(from, 100n), 4n);
    assert.deepEqual(await refusal(() => stream.splice(from, 1n)), CLOSED);
    assert.equal(Buffer.concat(taken).toString(), `${'\0'.repeat(5)}spliced`);
  });
});
