/** Calls between the host and a component. */
import { blocking, Component, Linker } from '@tenon/component';
import { assembled } from '../assemble.ts';
import { absolute, type Contender, type Row, timedLoop, WINDOWS } from '../harness.ts';
import { transpiled } from '../peers/jco.ts';
import type { Jsco } from '../peers/jsco.ts';
import { promising, rawExports, suspending } from '../peers/raw.ts';

type Fn = (...args: unknown[]) => unknown;

const IMPORTS = {
  scalar: 'export default (a, b) => (a + b) >>> 0;',
  ready: 'export default (a) => a;',
};

async function tenonExports(ready: (a: number) => unknown): Promise<Readonly<Record<string, unknown>>> {
  const linker = new Linker().define('scalar', (a: number, b: number) => (a + b) >>> 0).define('ready', ready);
  return (await linker.instantiate(await Component.compile(await assembled('host')))).exports;
}

/** Each contender runs the same loop over an export of its own. */
const loops = (func: string, body: (fn: Fn) => (n: number) => void): Contender[] => [
  {
    name: 'tenon',
    async open() {
      return timedLoop(body((await tenonExports((a) => a))[func] as Fn));
    },
  },
  {
    name: 'jco',
    async open() {
      const { exports, close } = await transpiled(await assembled('host'), IMPORTS);
      return { ...timedLoop(body(exports[func] as Fn), 100), close };
    },
  },
];

/** The same work on exports of a bare core module, called in the same loop from JavaScript: what no engine can go below. */
const raw = (body: (exports: WebAssembly.Exports) => (n: number) => void): Contender => ({
  name: 'raw',
  async open() {
    return timedLoop(body(await rawExports()));
  },
});

let sink: unknown;
const repeat =
  (argument: unknown) =>
  (fn: Fn) =>
  (n: number): void => {
    for (let i = 0; i < n; i++) sink = fn(argument);
  };
const repeatPlain =
  (fn: Fn) =>
  (n: number): void => {
    for (let i = 0; i < n; i++) sink = fn();
  };

const text = 'hello world';
const bytes = new Uint8Array(65536).fill(97);

const rawCopies = (exports: WebAssembly.Exports, inwards: boolean): ((n: number) => void) => {
  const view = new Uint8Array((exports.source as WebAssembly.Memory).buffer);
  return (n) => {
    for (let i = 0; i < n; i++) {
      if (inwards) view.set(bytes, 1024);
      else sink = view.slice(1024, 1024 + 65536);
    }
  };
};

/** The same by hand, without a check of any kind, and outwards for eleven characters only. */
const rawText = (exports: WebAssembly.Exports, inwards: boolean): Fn => {
  const { buffer } = exports.source as WebAssembly.Memory;
  const view = new DataView(buffer);
  const bytes = new Uint8Array(buffer);
  const { realloc, 'text-in': textIn, 'text-out': textOut } = exports as Record<string, (...args: number[]) => number>;
  if (realloc === undefined || textIn === undefined || textOut === undefined) throw new Error('an export is missing');
  if (inwards) {
    return (value) => {
      const given = value as string;
      const { length } = given;
      const address = realloc(0, 0, 1, length);
      for (let i = 0; i < length; i++) bytes[address + i] = given.charCodeAt(i);
      return textIn(address, length);
    };
  }
  return () => {
    const result = textOut();
    const address = view.getUint32(result, true);
    const length = view.getUint32(result + 4, true);
    if (length !== 11) throw new Error('another text');
    const at = (i: number): number => bytes[address + i] as number;
    return String.fromCharCode(at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7), at(8), at(9), at(10));
  };
};

/** A loop inside wasm over an import that may suspend but is ready at once. */
const readyLoop =
  (start: () => Promise<(n: number) => Promise<unknown>>): Contender['open'] =>
  async () => {
    const loop = await start();
    const n = 20_000;
    return {
      async sample() {
        let best = Number.POSITIVE_INFINITY;
        for (let i = 0; i < WINDOWS; i++) {
          const before = process.hrtime.bigint();
          await loop(n);
          best = Math.min(best, Number(process.hrtime.bigint() - before));
        }
        return best / n;
      },
    };
  };

/** @param jsco a build of it, if one was given */
export function hostRows(jsco?: Jsco): Row[] {
  const sync = (func: string, body: (fn: Fn) => (n: number) => void, probe: readonly unknown[]): Contender[] => {
    const imports = { scalar: (a: number, b: number) => (a + b) >>> 0, ready: (a: number) => a };
    const peer = jsco?.contender(
      () => assembled('host'),
      imports,
      func,
      probe,
      async (fn) => timedLoop(body(fn), 100),
    );
    return peer === undefined ? loops(func, body) : [...loops(func, body), peer];
  };
  const row = (name: string, contenders: Contender[], targets: Row['targets']): Row => ({
    group: 'host ↔ component',
    name,
    unit: 'ns',
    better: 'less',
    contenders,
    targets,
  });
  const add = (fn: Fn) => (n: number) => {
    let acc: unknown = 0;
    for (let i = 0; i < n; i++) acc = fn(acc, 1);
    sink = acc;
  };
  return [
    row('export add(u32, u32)', [...sync('add', add, [1, 2]), raw((e) => add(e.add as Fn))], [{ peer: 'raw', ratio: 2 }]),
    row('string 11 B in', [...sync('textIn', repeat(text), [text]), raw((e) => repeat(text)(rawText(e, true)))], [absolute(150)]),
    row('string 11 B out', [...sync('textOut', repeatPlain, []), raw((e) => repeatPlain(rawText(e, false)))], [absolute(150)]),
    row('list<u8> 64 KiB in', [...sync('bytesIn', repeat(bytes), [bytes]), raw((e) => rawCopies(e, true))], [{ peer: 'raw', ratio: 3 }]),
    row('list<u8> 64 KiB out', [...sync('bytesOut', repeatPlain, []), raw((e) => rawCopies(e, false))], [{ peer: 'raw', ratio: 3 }]),
    row(
      'import, scalar',
      [...sync('loopScalar', (fn) => (n) => void fn(n), [1]), raw((e) => (n) => void (e['loop-scalar'] as Fn)(n))],
      [{ peer: 'raw', ratio: 3 }],
    ),
    row(
      'import, async and ready',
      [
        {
          name: 'tenon',
          open: readyLoop(async () => {
            const ready = blocking((a: number) => a);
            return (await tenonExports(ready)).loopReady as (n: number) => Promise<unknown>;
          }),
        },
        {
          name: 'raw',
          open: readyLoop(async () => {
            const exports = await rawExports(suspending((a: number) => a));
            return promising(exports['loop-ready'] as Fn) as (n: number) => Promise<unknown>;
          }),
        },
      ],
      [{ peer: 'raw', ratio: 2 }],
    ),
  ];
}

/** Keeps results alive so that no loop is optimised away. */
export function lastResult(): unknown {
  return sink;
}
