/** Asynchronous components: calls, streams, subtasks and threads. */
import { PassThrough } from 'node:stream';
import { Component, type Instance, Linker, readerOf, streamOf } from '@tenon/component';
import { assembled } from '../assemble.ts';
import { absolute, type Contender, type Open, type Row, timedLoop, WINDOWS } from '../harness.ts';
import { transpiled } from '../peers/jco.ts';
import { promising, rawExports, suspending } from '../peers/raw.ts';

type Async = (...args: unknown[]) => Promise<unknown>;

async function instance(component: string, imports: Readonly<Record<string, unknown>> = {}): Promise<Instance> {
  const linker = new Linker();
  for (const [name, value] of Object.entries(imports)) linker.define(name, value);
  return linker.instantiate(await Component.compile(await assembled(component)));
}

/** As `timedLoop`, of a loop that is awaited. */
function timedAsync(loop: (n: number) => Promise<unknown>, start = 100, minMs = 5): Open {
  let n = start;
  const window = async (): Promise<number> => {
    const before = process.hrtime.bigint();
    await loop(n);
    return Number(process.hrtime.bigint() - before);
  };
  return {
    async sample() {
      let best = await window();
      while (best < minMs * 1e6) {
        n *= Math.max(2, Math.min(100, Math.ceil((minMs * 1.2e6) / Math.max(best, 1))));
        best = await window();
      }
      for (let i = 1; i < WINDOWS; i++) best = Math.min(best, await window());
      return best / n;
    },
  };
}

const tenon = (component: string, loop: (exports: Readonly<Record<string, Async>>) => (n: number) => Promise<unknown>): Contender => ({
  name: 'tenon',
  async open() {
    return timedAsync(loop((await instance(component)).exports as unknown as Readonly<Record<string, Async>>));
  },
});

const jco = (component: string, loop: (exports: Readonly<Record<string, Async>>) => (n: number) => Promise<unknown>): Contender => ({
  name: 'jco',
  async open(skip) {
    try {
      const { exports, close } = await transpiled(await assembled(component));
      const run = loop(exports as Readonly<Record<string, Async>>);
      // What it cannot run shall not end the bench.
      await run(1);
      return { ...timedAsync(run, 10), close };
    } catch (error) {
      skip(`jco cannot run it: ${String(error).slice(0, 80)}`);
      return undefined;
    }
  },
});

const fromJavaScript =
  (exports: Readonly<Record<string, Async>>) =>
  async (n: number): Promise<void> => {
    const call = exports['at-once'] ?? exports.atOnce;
    for (let i = 0; i < n; i++) await call?.(i);
  };

/** A bare suspension of JSPI: an import that has to wait for a microtask. */
const rawSuspension: Contender = {
  name: 'raw',
  async open() {
    const loop = promising((await rawExports(suspending(async (a: number) => a)))['loop-ready'] as never);
    return timedAsync((n) => loop(n));
  },
};

/** Nanoseconds for a piece of `size` bytes. */
const pump = (size: number): Contender => tenon('async-streams', (exports) => async (n) => exports.pump?.(n, size));

const rawCopy = (size: number): Contender => ({
  name: 'raw',
  async open() {
    const copy = (await rawExports()).copy as (n: number, size: number) => void;
    return timedLoop((n) => copy(n, size));
  },
});

const PIECE = new Uint8Array(65_536).fill(97);

const throughComponent: Contender = {
  name: 'tenon',
  async open() {
    const { echo } = (await instance('async-streams')).exports as unknown as { echo: (stream: unknown) => Promise<ReadableStream> };
    return timedAsync(async (n) => {
      let left = n;
      const reader = readerOf(await echo(streamOf({ read: () => (left-- > 0 ? PIECE : undefined) })));
      let bytes = 0;
      for (let piece = await reader.read(); piece !== undefined; piece = await reader.read()) bytes += piece.length;
      if (bytes !== n * PIECE.length) throw new Error('bytes are missing');
    });
  },
};

const throughNode: Contender = {
  name: 'node',
  async open() {
    return timedAsync(async (n) => {
      const pass = new PassThrough();
      const writing = (async () => {
        for (let i = 0; i < n; i++) if (!pass.write(PIECE)) await new Promise((resolve) => pass.once('drain', resolve));
        pass.end();
      })();
      for await (const _ of pass);
      await writing;
    });
  },
};

/** Nanoseconds for one of `count` subtasks to return, and another to be begun. */
const wakes = (count: number): Contender => ({
  name: 'tenon',
  async open() {
    let waiting: (() => void)[] = [];
    const { exports } = await instance('async-subtasks', { wait: () => new Promise<void>((resolve) => waiting.push(resolve)) });
    (exports.run as Async)(count).catch(() => {});
    return timedAsync(async (n) => {
      for (let done = 0; done < n; ) {
        const now = waiting;
        waiting = [];
        for (const resolve of now) resolve();
        done += now.length;
        while (waiting.length < count) await new Promise(setImmediate);
      }
    }, count);
  },
});

export function asyncRows(): Row[] {
  const row = (name: string, contenders: Contender[], targets: Row['targets']): Row => ({
    group: 'asynchronous components',
    name,
    unit: 'ns',
    better: 'less',
    contenders,
    targets,
  });
  const calls: Contender = {
    name: 'tenon',
    async open() {
      const loop = (await instance('async-calls')).exports.calls as (n: number) => number;
      return timedLoop((n) => void loop(n));
    },
  };
  return [
    row('call between components that returns at once', [calls], [absolute(100)]),
    row(
      'call from JavaScript, promise included',
      [tenon('async-calls', fromJavaScript), jco('async-calls', fromJavaScript)],
      [absolute(1000), { peer: 'jco', ratio: 1 / 20 }],
    ),
    row('call that waits once for the other side', [tenon('async-calls', (exports) => async (n) => exports.waits?.(n))], [absolute(1500)]),
    row(
      'synchronous caller of one that waits once',
      [tenon('async-calls', (exports) => async (n) => exports.blocks?.(n)), rawSuspension],
      [{ peer: 'raw', ratio: 2, plus: 500 }],
    ),
    row('stream<u8>, pieces of 4 KiB', [pump(4096), rawCopy(4096)], [absolute(2730)]),
    row('stream<u8>, pieces of 64 KiB', [pump(65_536), rawCopy(65_536)], [absolute(8192)]),
    row('stream<u8> from JavaScript and back, 64 KiB', [throughComponent, throughNode], [{ peer: 'node', ratio: 2 }]),
    row('a wake among 10 subtasks', [wakes(10)], []),
    row('a wake among 10,000 subtasks', [wakes(10_000)], []),
    row(
      'thread.yield among 100 threads',
      [tenon('async-threads', (exports) => async (n) => exports.yields?.(Math.max(n, 100))), rawSuspension],
      [],
    ),
  ];
}
