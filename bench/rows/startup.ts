/** From bytes to a first call, and to further instances. */
import { readFile } from 'node:fs/promises';
import { Component, decode, Linker, validate } from '@tenon/component';
import { wasi } from '@tenon/wasi';
import { ensureGuest, type GuestName } from '../../guests/guests.ts';
import { absolute, type Contender, median, type Row } from '../harness.ts';
import { transpiled } from '../peers/jco.ts';
import { coreInstances } from '../peers/raw-plan.ts';
import type { Wasmtime } from '../peers/wasmtime.ts';
import { coreModuleRanges } from './core-modules.ts';

type Add = (a: number, b: number) => number;
const ms = (since: bigint): number => Number(process.hrtime.bigint() - since) / 1e6;
const addOf = (exports: Readonly<Record<string, unknown>>): Add => (exports['example:calculator/math'] as { add: Add }).add;

/** Milliseconds that each contender runs before it is measured in a warm process. */
const WARM_UP = 5_000;

async function warm(once: () => Promise<unknown>): Promise<void> {
  const since = process.hrtime.bigint();
  while (ms(since) < WARM_UP) await once();
}

/** Runs of which one sample is the median: some 60 ms of each contender. */
const RUNS = { tenon: 200, jco: 5 };

async function medianOf(runs: number, once: () => Promise<number>): Promise<number> {
  const took: number[] = [];
  for (let i = 0; i < runs; i++) took.push(await once());
  return median(took);
}

function firstCall(): Row {
  const bytes = async (): Promise<Uint8Array<ArrayBuffer>> => new Uint8Array(await readFile(await ensureGuest('rust-calculator')));
  return {
    group: 'start-up',
    name: 'bytes → first call, calculator, warm process',
    unit: 'ms',
    better: 'less',
    targets: [{ peer: 'jco', ratio: 1 / 50 }, absolute(1)],
    contenders: [
      {
        name: 'tenon',
        async open() {
          const input = await bytes();
          const once = async (): Promise<number> => {
            const since = process.hrtime.bigint();
            const { exports } = await new Linker().instantiate(await Component.compile(input));
            if (addOf(exports)(2, 3) !== 5) throw new Error('wrong sum');
            return ms(since);
          };
          await warm(once);
          return { sample: () => medianOf(RUNS.tenon, once) };
        },
      },
      {
        name: 'jco',
        async open() {
          const input = await bytes();
          const once = async (): Promise<number> => {
            const since = process.hrtime.bigint();
            const { exports, close } = await transpiled(input);
            const sum = addOf({ 'example:calculator/math': exports.math })(2, 3);
            const took = ms(since);
            await close();
            if (sum !== 5) throw new Error('wrong sum');
            return took;
          };
          await warm(once);
          return { sample: () => medianOf(RUNS.jco, once) };
        },
      },
    ],
  };
}

/** All core modules of a component, compiled by bare V8. */
const rawCompile = (guest: GuestName): Contender => ({
  name: 'raw',
  async open() {
    const bytes = new Uint8Array(await readFile(await ensureGuest(guest)));
    const ranges = coreModuleRanges(bytes);
    return {
      async sample() {
        const since = process.hrtime.bigint();
        await Promise.all(ranges.map(({ start, end }) => WebAssembly.compile(bytes.slice(start, end))));
        return ms(since);
      },
    };
  },
});

function compile(peer: Wasmtime | undefined): Row {
  const guest = 'js-http';
  return {
    group: 'start-up',
    name: 'bytes → compiled, 12 MB JavaScript component',
    unit: 'ms',
    better: 'less',
    targets: [{ peer: 'raw', ratio: 2 }],
    contenders: [
      {
        name: 'tenon',
        async open() {
          const bytes = new Uint8Array(await readFile(await ensureGuest(guest)));
          return {
            async sample() {
              // A fresh copy, so that V8 cannot recognise a module that it has compiled before.
              const input = bytes.slice();
              const since = process.hrtime.bigint();
              await Component.compile(input);
              return ms(since);
            },
          };
        },
      },
      rawCompile(guest),
      {
        name: 'wasmtime',
        async open(skip) {
          if (peer === undefined) {
            skip('not there');
            return undefined;
          }
          const path = await ensureGuest(guest);
          // Once: it compiles ahead of time and takes many seconds.
          let took: number | undefined;
          return {
            async sample() {
              took ??= (await peer.compile(path)) / 1e6;
              return took;
            },
          };
        },
      },
    ],
  };
}

/** Decoding and validating without compiling any core module: what Tenon itself does with the bytes. */
function validation(guest: GuestName, what: string): Row {
  return {
    group: 'start-up',
    name: `decode and validate, ${what}`,
    unit: 'MB/s',
    better: 'more',
    targets: [absolute(200)],
    contenders: [
      {
        name: 'tenon',
        async open() {
          const bytes = new Uint8Array(await readFile(await ensureGuest(guest)));
          return {
            sample() {
              const took: number[] = [];
              for (let i = 0; i < 5; i++) {
                const since = process.hrtime.bigint();
                validate(decode(bytes), bytes);
                took.push(ms(since));
              }
              return bytes.length / 1e3 / median(took);
            },
          };
        },
      },
    ],
  };
}

const BATCHES = 40;

/**
 * Instances are made in small batches, which alternate between the two ways to make them, and kept alive during a sample. The best batch of
 * each counts: most of the time goes to address space, which the operating system gives in fits and starts.
 */
function alternating(makers: readonly (() => unknown)[], count: number): { sample(): number }[] {
  const measured: (number | undefined)[] = makers.map(() => undefined);
  const measure = (): void => {
    measured.fill(Number.POSITIVE_INFINITY);
    const kept: unknown[] = [];
    for (let batch = 0; batch < BATCHES; batch++) {
      for (const [i, make] of makers.entries()) {
        const since = process.hrtime.bigint();
        for (let made = 0; made < count / BATCHES; made++) kept.push(make());
        measured[i] = Math.min(measured[i] as number, (ms(since) * 1000) / (count / BATCHES));
      }
    }
  };
  return makers.map((_, i) => ({
    sample() {
      if (measured[i] === undefined) measure();
      const figure = measured[i] as number;
      measured[i] = undefined;
      return figure;
    },
  }));
}

function instantiate(guest: GuestName, count: number): Row {
  const open = async (): Promise<{ sample(): number }[]> => {
    const component = await Component.compile(new Uint8Array(await readFile(await ensureGuest(guest))));
    const linker = new Linker();
    linker.use(wasi({}));
    const prepared = await linker.prepare(component);
    return alternating([() => prepared.instantiateSync().exports, coreInstances(component)], count);
  };
  let opened: ReturnType<typeof open> | undefined;
  const contender = (name: string, i: number): Contender => ({
    name,
    async open() {
      opened ??= open();
      return (await opened)[i];
    },
  });
  return {
    group: 'start-up',
    name: `next instance, ${guest}`,
    unit: 'µs',
    better: 'less',
    targets: [{ peer: 'raw', ratio: 1, plus: 10 }],
    contenders: [contender('tenon', 0), contender('raw', 1)],
  };
}

export function startupRows(peer: Wasmtime | undefined): Row[] {
  return [
    firstCall(),
    instantiate('rust-calculator', 200),
    instantiate('rust-hello', 200),
    validation('js-http', '12 MB JavaScript component'),
    validation('python-http', '18 MB Python component'),
    compile(peer),
  ];
}
