/** What every key-value backend has to do: the same tests for each. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Bucket, type Change, KeyValueError, type KeyValueLimits, type KeyValueProblem, type KeyValueStore } from './backend.ts';

/** How a backend is made for a test; `name` differs from test to test, and the same name means the same data. */
export interface BackendUnderTest {
  readonly open: (name: string, options: { now: () => number; ttlMs?: number; limits?: Partial<KeyValueLimits> }) => Promise<KeyValueStore>;
  /** Whether time is the test's own: what expires is tested only then. */
  readonly ownTime: boolean;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array | undefined): string | undefined => value && new TextDecoder().decode(value);
const refused = (problem: KeyValueProblem) => (error: unknown) => error instanceof KeyValueError && error.problem === problem;

let names = 0;

/** Declares the tests for one backend. */
export function backendCases(kind: string, { open, ownTime }: BackendUnderTest): void {
  const clock = { ms: 1_000_000 };
  const now = (): number => clock.ms;
  const limits = { maxKeyBytes: 100, maxValueBytes: 1000, maxBatch: 2000, maxBucketBytes: 100_000 };

  const within = (what: string, body: (bucket: Bucket, store: KeyValueStore) => Promise<void>): void => {
    test(`${kind}: ${what}`, async () => {
      const store = await open(`case-${process.pid}-${++names}`, { now, limits });
      try {
        await body(store.open('default'), store);
      } finally {
        await store.close();
      }
    });
  };

  within('what was set is there until it is deleted', async (bucket) => {
    assert.equal(await bucket.get('a'), undefined);
    assert.equal(await bucket.exists('a'), false);
    await bucket.set('a', bytes('1'));
    await bucket.set('', bytes('empty key'));
    await bucket.set('a', bytes('2'));
    await bucket.set('nothing', new Uint8Array(0));
    assert.equal(text(await bucket.get('a')), '2');
    assert.equal(text(await bucket.get('')), 'empty key');
    assert.deepEqual([...((await bucket.get('nothing')) ?? [1])], []);
    assert.equal(await bucket.exists('nothing'), true);
    await bucket.delete('a');
    await bucket.delete('a');
    assert.equal(await bucket.exists('a'), false);
  });

  within('buckets do not see each other', async (bucket, store) => {
    const other = store.open('other');
    await bucket.set('k', bytes('mine'));
    assert.equal(await other.get('k'), undefined);
    await other.set('k', bytes('theirs'));
    assert.equal(text(await bucket.get('k')), 'mine');
    assert.deepEqual((await other.listKeys()).keys, ['k']);
  });

  within('all bytes and all keys come back as they were', async (bucket) => {
    const all = Uint8Array.from({ length: 256 }, (_, index) => index);
    const keys = ['\0', 'a\0b', 'ü', '🙂', "'; drop table entry; --", '%', '_', ' '];
    for (const key of keys) await bucket.set(key, all);
    for (const key of keys) assert.deepEqual(new Uint8Array((await bucket.get(key)) ?? []), all, JSON.stringify(key));
    assert.deepEqual(new Set((await bucket.listKeys()).keys), new Set(keys));
  });

  within('keys are listed page by page, each once, in their order', async (bucket) => {
    const expected = Array.from({ length: 2500 }, (_, index) => `k${String(index).padStart(5, '0')}`);
    await bucket.setMany(expected.slice(0, 1250).map((key) => [key, bytes('')]));
    await bucket.setMany(expected.slice(1250).map((key) => [key, bytes('')]));
    const seen: string[] = [];
    let cursor: string | undefined;
    let pages = 0;
    do {
      const page = await bucket.listKeys(undefined, cursor);
      seen.push(...page.keys);
      cursor = page.cursor;
      pages++;
      // What is deleted or added in between does not shift the rest.
      await bucket.delete(page.keys[0] ?? '');
    } while (cursor !== undefined);
    assert.deepEqual(seen, expected);
    assert.ok(pages > 1);
  });

  within('keys are listed by prefix', async (bucket) => {
    for (const key of ['a', 'user:1', 'user:2', 'user;', 'uses', 'z']) await bucket.set(key, bytes('x'));
    assert.deepEqual((await bucket.listKeys('user:')).keys, ['user:1', 'user:2']);
    assert.deepEqual((await bucket.listKeys('nope')).keys, []);
  });

  within('a counter counts, keeps to 64 bits and refuses what is no number', async (bucket) => {
    assert.equal(await bucket.increment('n', 5n), 5n);
    assert.equal(await bucket.increment('n', -7n), -2n);
    assert.equal(text(await bucket.get('n')), '-2');
    assert.equal(await bucket.increment('n', 2n ** 63n - 1n), 2n ** 63n - 3n);
    await assert.rejects(async () => bucket.increment('n', 3n), refused('invalid-argument'));
    assert.equal(text(await bucket.get('n')), String(2n ** 63n - 3n));
    await bucket.set('word', bytes('one'));
    await assert.rejects(async () => bucket.increment('word', 1n), refused('invalid-argument'));
  });

  within('a swap writes only over what was expected', async (bucket) => {
    assert.equal(await bucket.swap('k', bytes('1'), {}), undefined);
    const first = await bucket.entry('k');
    assert.equal(text((await bucket.swap('k', bytes('2'), {}))?.value), '1');
    assert.equal(await bucket.swap('k', bytes('2'), { version: first?.version }), undefined);
    const stale = await bucket.swap('k', bytes('3'), { version: first?.version });
    assert.equal(text(stale?.value), '2');
    assert.equal(await bucket.swap('k', bytes('3'), { version: stale?.version, value: bytes('2') }), undefined);
    assert.equal(text((await bucket.swap('k', bytes('4'), { value: bytes('2') }))?.value), '3');
    await bucket.delete('k');
    assert.equal(await bucket.swap('k', bytes('4'), { value: bytes('3') }), null);
  });

  within('a key that was deleted and made anew has another version', async (bucket) => {
    await bucket.set('k', bytes('1'));
    const before = await bucket.entry('k');
    await bucket.delete('k');
    await bucket.set('k', bytes('1'));
    assert.notEqual((await bucket.entry('k'))?.version, before?.version);
  });

  within('batches are all or nothing', async (bucket) => {
    await bucket.setMany([
      ['a', bytes('1')],
      ['b', bytes('2')],
    ]);
    assert.deepEqual((await bucket.getMany(['b', 'none', 'a'])).map(text), ['2', undefined, '1']);
    const tooLarge = new Uint8Array(1001);
    await assert.rejects(
      async () =>
        bucket.setMany([
          ['a', bytes('changed')],
          ['c', tooLarge],
        ]),
      refused('quota-exceeded'),
    );
    assert.equal(text(await bucket.get('a')), '1');
    await bucket.deleteMany(['a', 'none', 'b']);
    assert.deepEqual((await bucket.listKeys()).keys, []);
  });

  within('limits: keys, values, batches, bytes of a bucket', async (bucket) => {
    await assert.rejects(async () => bucket.set('k'.repeat(101), bytes('')), refused('invalid-argument'));
    await assert.rejects(async () => bucket.set('é'.repeat(51), bytes('')), refused('invalid-argument'));
    await assert.rejects(async () => bucket.set('k', new Uint8Array(1001)), refused('quota-exceeded'));
    await assert.rejects(async () => bucket.getMany(Array(2001).fill('k')), refused('invalid-argument'));
    let written = 0;
    await assert.rejects(async () => {
      for (; written < 1000; written++) await bucket.set(`k${written}`, new Uint8Array(1000));
    }, refused('quota-exceeded'));
    assert.ok(written >= 98 && written < 100, `${written} values of 1,000 bytes in 100,000`);
    await bucket.delete('k0');
    await bucket.set('again', new Uint8Array(900));
  });

  within('what is set only where there is nothing', async (bucket) => {
    await bucket.set('k', bytes('1'), { ifNotExists: true });
    await assert.rejects(async () => bucket.set('k', bytes('2'), { ifNotExists: true }), refused('precondition-failed'));
    assert.equal(text(await bucket.get('k')), '1');
  });

  within('watchers hear of each change of their bucket', async (bucket, store) => {
    if (store.watch === undefined) return;
    const heard: string[] = [];
    const stop = store.watch('default', (change: Change) => {
      heard.push(change.kind === 'set' ? `${change.key}=${text(change.value)}` : `${change.key} gone`);
    });
    await bucket.set('a', bytes('1'));
    await store.open('other').set('a', bytes('no'));
    await bucket.setMany([['b', bytes('2')]]);
    await bucket.increment('n', 1n);
    await bucket.delete('a');
    await bucket.delete('a');
    stop();
    await bucket.set('c', bytes('3'));
    assert.deepEqual(heard, ['a=1', 'b=2', 'n=1', 'a gone']);
  });

  if (!ownTime) return;

  within('what expires is gone, for every operation', async (bucket) => {
    await bucket.set('k', bytes('1'), { ttlMs: 100 });
    await bucket.increment('n', 1n);
    await bucket.set('stays', bytes('x'));
    clock.ms += 99;
    assert.equal(await bucket.exists('k'), true);
    clock.ms += 1;
    assert.equal(await bucket.get('k'), undefined);
    assert.equal(await bucket.entry('k'), undefined);
    assert.deepEqual((await bucket.listKeys()).keys, ['n', 'stays']);
    await bucket.set('k', bytes('2'), { ifNotExists: true });
    assert.equal(text(await bucket.get('k')), '2');
  });

  test(`${kind}: a store can have a time to live of its own, and counting on does not prolong it`, async () => {
    const store = await open(`case-${process.pid}-${++names}`, { now, ttlMs: 50 });
    const bucket = store.open('default');
    await bucket.set('k', bytes('1'));
    await bucket.set('long', bytes('1'), { ttlMs: 500 });
    clock.ms += 40;
    assert.equal(await bucket.increment('k', 1n), 2n);
    clock.ms += 10;
    assert.deepEqual((await bucket.listKeys()).keys, ['long']);
    await store.close();
  });
}
