/** From bytes to a first call, and to further instances. */
import { readFile } from 'node:fs/promises';
import { Component, Linker } from '@tenon/component';
import { wasi } from '@tenon/wasi';
import { ensureGuest, type GuestName } from '../../guests/guests.ts';
import type { Contender, Row } from '../harness.ts';
import { transpiled } from '../peers/jco.ts';
import type { Wasmtime } from '../peers/wasmtime.ts';
import { coreModuleRanges } from './core-modules.ts';

type Add = (a: number, b: number) => number;
const ms = (since: bigint): number => Number(process.hrtime.bigint() - since) / 1e6;
const addOf = (exports: Readonly<Record<string, unknown>>): Add => (exports['example:calculator/math'] as { add: Add }).add;

function firstCall(): Row {
  const bytes = async (): Promise<Uint8Array<ArrayBuffer>> => new Uint8Array(await readFile(await ensureGuest('rust-calculator')));
  return {
    group: 'start-up',
    name: 'bytes → first call, calculator, warm process',
    unit: 'ms',
    better: 'less',
    targets: [{ peer: 'jco', ratio: 1 / 50 }],
    contenders: [
      {
        name: 'tenon',
        async open() {
          const input = await bytes();
          return {
            async sample() {
              const since = process.hrtime.bigint();
              const { exports } = await new Linker().instantiate(await Component.compile(input));
              if (addOf(exports)(2, 3) !== 5) throw new Error('wrong sum');
              return ms(since);
            },
          };
        },
      },
      {
        name: 'jco',
        async open() {
          const input = await bytes();
          return {
            async sample() {
              const since = process.hrtime.bigint();
              const { exports, close } = await transpiled(input);
              const sum = addOf({ 'example:calculator/math': exports.math })(2, 3);
              const took = ms(since);
              await close();
              if (sum !== 5) throw new Error('wrong sum');
              return took;
            },
          };
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
          return { sample: async () => (await peer.compile(path)) / 1e6 };
        },
      },
    ],
  };
}

/** Instances are kept alive during a sample and dropped after it. */
const instances = (make: () => unknown, count: number): { sample(): number } => ({
  sample() {
    const kept: unknown[] = [];
    const since = process.hrtime.bigint();
    for (let i = 0; i < count; i++) kept.push(make());
    return (ms(since) * 1000) / count;
  },
});

function instantiate(guest: GuestName, count: number): Row {
  return {
    group: 'start-up',
    name: `next instance, ${guest}`,
    unit: 'µs',
    better: 'less',
    targets: [],
    contenders: [
      {
        name: 'tenon',
        async open() {
          const linker = new Linker();
          wasi({}).defineIn(linker);
          const prepared = await linker.prepare(await Component.compile(new Uint8Array(await readFile(await ensureGuest(guest)))));
          return instances(() => prepared.instantiateSync(), count);
        },
      },
      {
        name: 'raw',
        async open() {
          const bytes = new Uint8Array(await readFile(await ensureGuest(guest)));
          const largest = coreModuleRanges(bytes).sort((a, b) => b.end - b.start - (a.end - a.start))[0];
          if (largest === undefined) return undefined;
          const module = new WebAssembly.Module(bytes.slice(largest.start, largest.end));
          const imports: WebAssembly.Imports = {};
          for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
            const namespace = imports[from] ?? {};
            imports[from] = namespace;
            if (kind === 'function') namespace[name] = () => 0;
            if (kind === 'memory') namespace[name] = new WebAssembly.Memory({ initial: 32 });
          }
          return instances(() => new WebAssembly.Instance(module, imports), count);
        },
      },
    ],
  };
}

export function startupRows(peer: Wasmtime | undefined): Row[] {
  return [firstCall(), instantiate('rust-calculator', 200), instantiate('rust-hello', 200), compile(peer)];
}
