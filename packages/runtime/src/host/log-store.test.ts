import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LogStore } from './log-store.ts';

interface Line {
  readonly n: number;
  readonly workload?: string;
}

const take = async (store: LogStore<Line>, options: Partial<Parameters<typeof store.read>[0]>): Promise<number[]> => {
  const lines: number[] = [];
  const all = { workload: undefined, follow: false, tail: 100, ...options };
  await store.read(all, (line) => lines.push((line as Line).n) > 0, new AbortController().signal);
  return lines;
};

test('the last lines, of all workloads or of one', async () => {
  const store = new LogStore<Line>();
  for (let n = 0; n < 10; n++) store.add({ n, workload: n % 2 === 0 ? 'even' : 'odd' });
  assert.deepEqual(await take(store, { tail: 3 }), [7, 8, 9]);
  assert.deepEqual(await take(store, { tail: 2, workload: 'even' }), [6, 8]);
  assert.deepEqual(await take(store, { tail: 0 }), []);
});

test('memory is bounded', async () => {
  const store = new LogStore<Line>();
  for (let n = 0; n < 50_000; n++) store.add({ n });
  const lines = await take(store, { tail: 1_000_000 });
  assert.ok(lines.length >= 10_000 && lines.length <= 20_000);
  assert.equal(lines.at(-1), 49_999);
});

test('who follows gets lines as they come, and who is too slow is told what it missed', async () => {
  const store = new LogStore<Line>();
  const stop = new AbortController();
  const got: unknown[] = [];
  let release = (): void => {};
  const slow = store.read(
    { workload: undefined, follow: true, tail: 0 },
    (line) => {
      got.push(line);
      return new Promise<void>((resolve) => (release = resolve));
    },
    stop.signal,
  );
  for (let n = 0; n < 3000; n++) store.add({ n });
  while (!got.some((line) => (line as { event?: string }).event === 'missed')) {
    await new Promise((resolve) => setImmediate(resolve));
    release();
  }
  assert.ok(got.length < 1100);
  assert.match((got.at(-1) as { message: string }).message, /lines were not sent/);
  stop.abort();
  release();
  await slow;
});
