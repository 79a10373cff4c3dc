/** Calls from one component to another, looped inside wasm. */
import { Component, Linker } from '@tenon/component';
import { assembled } from '../assemble.ts';
import { type Contender, type Open, type Row, timedLoop, WINDOWS } from '../harness.ts';
import { transpiled } from '../peers/jco.ts';
import { rawExports } from '../peers/raw.ts';
import type { Wasmtime } from '../peers/wasmtime.ts';

type Loop = (n: number, size?: number) => unknown;

function tenon(component: string, func: string, size?: number): Contender {
  return {
    name: 'tenon',
    async open() {
      const { exports } = await new Linker().instantiate(await Component.compile(await assembled(component)));
      const loop = exports[func] as Loop;
      return timedLoop(size === undefined ? (n) => loop(n) : (n) => loop(n, size));
    },
  };
}

function jco(component: string, func: string, size?: number): Contender {
  return {
    name: 'jco',
    async open() {
      const { exports, close } = await transpiled(await assembled(component));
      const loop = exports[func] as Loop;
      return { ...timedLoop(size === undefined ? (n) => loop(n) : (n) => loop(n, size), 10), close };
    },
  };
}

function wasmtime(peer: Wasmtime | undefined, component: string, func: string, n: number, size?: number): Contender {
  return {
    name: 'wasmtime',
    async open(skip): Promise<Open | undefined> {
      if (peer === undefined) {
        skip('not there');
        return undefined;
      }
      const call = await peer.open(await assembled(component));
      const some = Math.ceil(n / WINDOWS);
      return {
        async sample() {
          let best = Number.POSITIVE_INFINITY;
          for (let i = 0; i < WINDOWS; i++) best = Math.min(best, await (size === undefined ? call(func, some) : call(func, some, size)));
          return best / some;
        },
      };
    },
  };
}

const rawCopy = (size: number): Contender => ({
  name: 'raw',
  async open() {
    const exports = await rawExports();
    const copy = exports.copy as (n: number, size: number) => void;
    // As the components do: pages that nobody has written to are one and the same page of zeros, which never leaves the first cache.
    new Uint8Array((exports.source as WebAssembly.Memory).buffer).fill(97);
    return timedLoop((n) => copy(n, size));
  },
});

export function composedRows(peer: Wasmtime | undefined): Row[] {
  const row = (name: string, contenders: Contender[], targets: Row['targets']): Row => ({
    group: 'component → component',
    name,
    unit: 'ns',
    better: 'less',
    contenders,
    targets,
  });
  const against = (component: string, func: string, n: number, size?: number): Contender[] => [
    tenon(component, func, size),
    wasmtime(peer, component, func, n, size),
    jco(component, func, size),
  ];
  const rows = [
    row('scalar call', against('composed-scalar', 'loop', 10_000_000), [
      { peer: 'wasmtime', ratio: 1 },
      { peer: 'jco', ratio: 1 / 500 },
    ]),
    // Neither peer takes a module with exceptions.
    row('scalar call of code that could throw', [tenon('composed-throwing', 'loop')], []),
  ];
  for (const [label, size, n] of [
    ['16 B', 16, 2_000_000],
    ['4 KiB', 4096, 300_000],
    ['64 KiB', 65536, 20_000],
  ] as const) {
    rows.push(row(`string ${label}`, against('composed-bytes', 'loop', n, size), [{ peer: 'wasmtime', ratio: 1.5 }]));
  }
  for (const [label, size, n] of [
    ['4 KiB', 4096, 30_000],
    ['64 KiB', 65536, 2_000],
  ] as const) {
    rows.push(
      row(`list<u8> ${label}`, [...against('composed-bytes', 'bloop', n, size), rawCopy(size)], [{ peer: 'raw', ratio: 2, plus: 15 }]),
    );
  }
  for (const [label, component, n] of [
    ['record of 8 fields', 'composed-record', 5_000_000],
    ['list<string> of 100', 'composed-strings', 50_000],
    ['resource method', 'composed-resource', 1_000_000],
  ] as const) {
    rows.push(row(label, against(component, 'loop', n), [{ peer: 'wasmtime', ratio: 1.5 }]));
  }
  return rows;
}
