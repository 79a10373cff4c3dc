/** What every blob storage backend has to do: the same tests for each. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BlobError, type BlobLimits, type BlobProblem, type BlobStore } from './backend.ts';

export type OpenBackend = (name: string, limits: Partial<BlobLimits>) => Promise<BlobStore>;

const END = 2n ** 64n - 1n;
const refused = (problem: BlobProblem) => (error: unknown) => error instanceof BlobError && error.problem === problem;

async function* body(...parts: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield typeof part === 'string' ? Buffer.from(part) : part;
}

async function bytesOf(store: BlobStore, container: string, object: string, start = 0n, end = END): Promise<Buffer> {
  const { body, size } = await store.read(container, object, start, end);
  const bytes = Buffer.concat(await Array.fromAsync(body));
  assert.equal(BigInt(bytes.length), size);
  return bytes;
}

const text = async (...args: Parameters<typeof bytesOf>): Promise<string> => (await bytesOf(...args)).toString();

let names = 0;

/** Declares the tests for one backend. */
export function backendCases(kind: string, open: OpenBackend): void {
  const within = (what: string, test_: (store: BlobStore) => Promise<void>): void => {
    test(`${kind}: ${what}`, async () => {
      const store = await open(`case-${process.pid}-${++names}`, {
        maxNameBytes: 1000,
        maxObjectBytes: 1_000_000,
        maxMemoryBytes: 3_000_000,
      });
      try {
        await store.createContainer('c');
        await test_(store);
      } finally {
        await store.close();
      }
    });
  };

  within('containers come and go', async (store) => {
    assert.equal(await store.containerExists('new'), false);
    await assert.rejects(store.container('new'), refused('no-such-container'));
    const before = BigInt(Math.floor(Date.now() / 1000)) - 1n;
    const made = await store.createContainer('new');
    assert.equal(made.name, 'new');
    assert.ok(made.createdAt >= before);
    await assert.rejects(store.createContainer('new'), refused('container-already-exists'));
    await store.write('new', 'o', body('x'));
    await store.deleteContainer('new');
    assert.equal(await store.containerExists('new'), false);
    await assert.rejects(store.deleteContainer('new'), refused('no-such-container'));
    await store.createContainer('new');
    assert.equal(await store.has('new', 'o'), false);
  });

  within('what is not there is said', async (store) => {
    await assert.rejects(store.read('none', 'o', 0n, END), refused('no-such-container'));
    await assert.rejects(store.read('c', 'o', 0n, END), refused('no-such-object'));
    await assert.rejects(store.info('c', 'o'), refused('no-such-object'));
    await assert.rejects(store.write('none', 'o', body('x')), refused('no-such-container'));
    await assert.rejects(store.delete('none', ['o']), refused('no-such-container'));
    await assert.rejects(store.clear('none'), refused('no-such-container'));
    await assert.rejects(store.list('none', undefined, 10), refused('no-such-container'));
    await assert.rejects(store.has('none', 'o'), refused('no-such-container'));
    await assert.rejects(store.copy({ container: 'c', object: 'o' }, { container: 'c', object: 'p' }), refused('no-such-object'));
    await assert.rejects(store.move({ container: 'c', object: 'o' }, { container: 'c', object: 'p' }), refused('no-such-object'));
    await store.delete('c', ['o']);
  });

  within('an object is what was written last', async (store) => {
    await store.write('c', 'o', body('hello, ', new Uint8Array(0), 'world'));
    assert.equal(await text(store, 'c', 'o'), 'hello, world');
    const info = await store.info('c', 'o');
    assert.deepEqual([info.name, info.container, info.size], ['o', 'c', 12n]);
    await store.write('c', 'o', body('again'));
    assert.equal(await text(store, 'c', 'o'), 'again');
    await store.write('c', 'o', body());
    assert.equal(await text(store, 'c', 'o'), '');
    assert.equal(await store.has('c', 'o'), true);
    await store.delete('c', ['o', 'other']);
    assert.equal(await store.has('c', 'o'), false);
  });

  within('ranges, their ends included', async (store) => {
    const large = Buffer.from(Array.from({ length: 200_000 }, (_, index) => index % 251));
    await store.write('c', 'o', body(large.subarray(0, 3), large.subarray(3, 150_000), large.subarray(150_000)));
    const ranges: readonly [start: bigint, end: bigint][] = [
      [0n, 0n],
      [0n, 199_999n],
      [5n, 10n],
      [65_535n, 65_536n],
      [65_536n, 131_071n],
      [131_000n, END],
      [199_999n, 300_000n],
    ];
    for (const [start, end] of ranges) {
      const expected = large.subarray(Number(start), end > 200_000n ? 200_000 : Number(end) + 1);
      assert.ok((await bytesOf(store, 'c', 'o', start, end)).equals(expected), `${start}–${end}`);
    }
    assert.equal((await bytesOf(store, 'c', 'o', 200_000n, END)).length, 0);
    assert.equal((await bytesOf(store, 'c', 'o', 7n, 6n)).length, 0);
  });

  within('a reader keeps what it opened', async (store) => {
    await store.write('c', 'o', body(Buffer.alloc(150_000, 'a')));
    const reading = await store.read('c', 'o', 0n, END);
    const first = await reading.body.next();
    await store.write('c', 'o', body('b'));
    await store.delete('c', ['o']);
    const rest = await Array.fromAsync(reading.body);
    const all = Buffer.concat([first.value ?? Buffer.alloc(0), ...rest]);
    assert.ok(all.equals(Buffer.alloc(150_000, 'a')));
  });

  within('readers that stop early, or never begin, keep nothing', async (store) => {
    // Three megabytes is the limit of the memory store: what is held for ever would fill it.
    for (let round = 0; round < 8; round++) {
      await store.write('c', 'o', body(Buffer.alloc(900_000)));
      await (await store.read('c', 'o', 0n, END)).body.return?.();
      const reading = await store.read('c', 'o', 0n, END);
      await reading.body.next();
      await reading.body.return?.();
      await store.delete('c', ['o']);
    }
  });

  within('a body that fails leaves what was there', async (store) => {
    await store.write('c', 'o', body('old'));
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('new');
      throw new Error('the writer gave up');
    }
    await assert.rejects(store.write('c', 'o', failing()), /gave up/);
    await assert.rejects(store.write('c', 'fresh', failing()), /gave up/);
    assert.equal(await text(store, 'c', 'o'), 'old');
    assert.deepEqual(await store.list('c', undefined, 10), ['o']);
    await assert.rejects(store.write('c', 'o', body(Buffer.alloc(600_000), Buffer.alloc(600_000))), refused('quota-exceeded'));
    assert.equal(await text(store, 'c', 'o'), 'old');
  });

  within('names: any but none, kept apart', async (store) => {
    const names = [
      '.',
      '..',
      '../../etc/passwd',
      '/',
      'a/b',
      'a',
      'A',
      '.hidden',
      'x.name',
      'ü',
      'u\u0308',
      'nul\0byte',
      '%2E',
      'n'.repeat(999),
      'n'.repeat(1000),
      '🙂',
      'con',
      'a b',
      'é'.repeat(100),
    ];
    for (const name of names) {
      await store.createContainer(name).catch((error: unknown) => assert.ok(refused('container-already-exists')(error)));
      await store.write(name, name, body(name));
      await store.write('c', name, body(name));
    }
    for (const name of names) {
      assert.equal(await text(store, name, name), name);
      assert.equal(await text(store, 'c', name), name);
      assert.deepEqual(await store.list(name, undefined, 10), [name]);
    }
    assert.deepEqual(new Set(await store.list('c', undefined, 100)), new Set(names));
    await store.delete('c', names);
    assert.deepEqual(await store.list('c', undefined, 100), []);
    for (const bad of ['', 'n'.repeat(1001), 'é'.repeat(501)]) {
      await assert.rejects(store.createContainer(bad), refused('invalid-name'));
      await assert.rejects(store.write('c', bad, body('x')), refused('invalid-name'));
      await assert.rejects(store.move({ container: 'c', object: 'a' }, { container: 'c', object: bad }), (e) => e instanceof BlobError);
    }
  });

  within('lists go on after a name', async (store) => {
    for (const name of ['b', 'a', 'ä', 'c', 'B']) await store.write('c', name, body(''));
    assert.deepEqual(await store.list('c', undefined, 2), ['B', 'a']);
    assert.deepEqual(await store.list('c', 'a', 2), ['b', 'c']);
    assert.deepEqual(await store.list('c', 'c', 2), ['ä']);
    await store.clear('c');
    assert.deepEqual(await store.list('c', undefined, 2), []);
  });

  within('objects are copied and moved, over others and over themselves', async (store) => {
    await store.createContainer('d');
    await store.write('c', 'o', body('content'));
    await store.write('d', 'p', body('in the way'));
    await store.copy({ container: 'c', object: 'o' }, { container: 'd', object: 'p' });
    await store.copy({ container: 'c', object: 'o' }, { container: 'c', object: 'o' });
    await store.write('c', 'o', body('changed'));
    assert.equal(await text(store, 'd', 'p'), 'content');
    await store.move({ container: 'd', object: 'p' }, { container: 'c', object: 'o' });
    assert.equal(await text(store, 'c', 'o'), 'content');
    assert.equal(await store.has('d', 'p'), false);
    await store.move({ container: 'c', object: 'o' }, { container: 'c', object: 'o' });
    assert.equal(await text(store, 'c', 'o'), 'content');
    await assert.rejects(store.move({ container: 'c', object: 'o' }, { container: 'none', object: 'o' }), refused('no-such-container'));
    assert.equal(await text(store, 'c', 'o'), 'content');
  });

  within('readers see the old object or the new one while it is replaced again and again', async (store) => {
    const version = (n: number): Buffer => Buffer.alloc(130_000, 65 + (n % 26));
    await store.write('c', 'o', body(version(0)));
    let writing = true;
    const writer = (async () => {
      for (let n = 1; n <= 40; n++) await store.write('c', 'o', body(version(n).subarray(0, 65_536), version(n).subarray(65_536)));
      writing = false;
    })();
    let reads = 0;
    while (writing) {
      const bytes = await bytesOf(store, 'c', 'o');
      assert.ok(bytes.equals(Buffer.alloc(130_000, bytes[0])), 'one version and no mixture');
      reads++;
    }
    await writer;
    assert.ok(reads > 0);
  });
}
