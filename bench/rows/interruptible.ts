/** What it costs that guests can be interrupted, bounded and reset: against the same guest as it was, while a clock ticks. */
import { readFile } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { type CodeCache, Component, EpochClock, type Instance, Linker } from '@tenon/component';
import { wasi } from '@tenon/wasi';
import { ensureGuest, type GuestName } from '../../guests/guests.ts';
import { type Contender, median, type Row, timedLoop } from '../harness.ts';
import { coreModuleRanges } from './core-modules.ts';

const read = async (guest: GuestName): Promise<Uint8Array<ArrayBuffer>> => new Uint8Array(await readFile(await ensureGuest(guest)));

let ticker: Worker | undefined;

/** The clock of this thread, which ticks. */
function tickingClock(): EpochClock {
  const clock = EpochClock.ofThread;
  ticker ??= new Worker(new URL('../ticker-thread.ts', import.meta.url), { workerData: clock.share() });
  ticker.unref();
  return clock;
}

async function instantiate(guest: GuestName, interruptible: boolean): Promise<Instance> {
  const linker = new Linker({ clock: tickingClock() });
  linker.use(wasi());
  return linker.instantiate(await Component.compile(await read(guest), { interruptible }), { resettable: interruptible });
}

type Work = Readonly<Record<string, (times: number) => bigint | Promise<bigint>>>;

/** Contenders: the guest interruptible, and as it was. */
const bothWays = (open: (interruptible: boolean) => ReturnType<Contender['open']>): Contender[] => [
  { name: 'tenon', open: () => open(true) },
  { name: 'plain', open: () => open(false) },
];

function compute(what: string, guest: GuestName, func: string, times: number, ratio: number): Row {
  return {
    group: 'interruptible',
    name: `${what}, ${guest}`,
    unit: 'ms',
    better: 'less',
    targets: [{ peer: 'plain', ratio }],
    contenders: bothWays(async (interruptible) => {
      const work = (await instantiate(guest, interruptible)).exports['example:compute/work'] as Work;
      const once = async (): Promise<number> => {
        const since = performance.now();
        await work[func]?.(times);
        return performance.now() - since;
      };
      // The optimising compiler has seen it all.
      for (let i = 0; i < 10; i++) await once();
      return {
        async sample() {
          const took: number[] = [];
          for (let i = 0; i < 15; i++) took.push(await once());
          return median(took);
        },
      };
    }),
  };
}

/** Kept in memory, as a folder would keep it. */
function memoryCache(): CodeCache {
  const kept = new Map<string, Uint8Array>();
  return {
    async get(key) {
      return kept.get(key)?.slice();
    },
    async put(key, bytes) {
      kept.set(key, bytes);
    },
  };
}

const timedCompile = (name: string, compile: (bytes: Uint8Array<ArrayBuffer>) => Promise<unknown>): Contender => ({
  name,
  async open() {
    const bytes = await read('js-http');
    await compile(bytes.slice());
    return {
      async sample() {
        // A fresh copy, so that V8 cannot recognise a module that it has compiled before.
        const input = bytes.slice();
        const since = performance.now();
        await compile(input);
        return performance.now() - since;
      },
    };
  },
});

const raw: Contender = timedCompile('raw', (bytes) =>
  Promise.all(coreModuleRanges(bytes).map(({ start, end }) => WebAssembly.compile(bytes.slice(start, end)))),
);

function compile(which: string, ratio: number, cache: CodeCache | undefined): Row {
  return {
    group: 'interruptible',
    name: `bytes → compiled, ${which}, 12 MB JavaScript component`,
    unit: 'ms',
    better: 'less',
    targets: [{ peer: 'raw', ratio }],
    contenders: [timedCompile('tenon', (bytes) => Component.compile(bytes, { interruptible: true, cache })), raw],
  };
}

type Add = { readonly math: { readonly add: (a: number, b: number) => number } };

function deadline(): Row {
  const open = (limited: boolean) => async () => {
    const instance = await instantiate('rust-calculator', true);
    const limits = { timeoutMs: 1000 };
    const { math } = instance.exports as Add;
    return timedLoop((n) => {
      let sum = 0;
      for (let i = 0; i < n; i++) {
        sum = limited ? instance.within(limits, (exports) => (exports as Add).math.add(sum, 3)) : math.add(sum, 3);
      }
    });
  };
  return {
    group: 'interruptible',
    name: 'call from JavaScript with a deadline, `add`',
    unit: 'ns',
    better: 'less',
    targets: [{ peer: 'without', ratio: 3 }],
    contenders: [
      { name: 'tenon', open: open(true) },
      { name: 'without', open: open(false) },
    ],
  };
}

function reset(guest: GuestName): Row {
  return {
    group: 'interruptible',
    name: `an instance as new, ${guest}`,
    unit: 'µs',
    better: 'less',
    targets: [],
    contenders: [
      {
        name: 'tenon',
        async open() {
          const instance = await instantiate(guest, true);
          return {
            sample() {
              const took: number[] = [];
              for (let i = 0; i < 200; i++) {
                const since = performance.now();
                if (!instance.reset()) throw new Error('it was not reset');
                took.push(1000 * (performance.now() - since));
              }
              return median(took);
            },
          };
        },
      },
    ],
  };
}

export function interruptibleRows(): Row[] {
  return [
    compute('hash', 'rust-compute', 'hash', 20, 1.1),
    compute('sort', 'rust-compute', 'sort', 10, 1.1),
    compute('matrix product', 'rust-compute', 'matrix', 10, 1.1),
    compute('interpreter', 'rust-compute', 'interpret', 3, 1.1),
    compute('the tightest loop', 'rust-compute', 'scan', 200, 1.6),
    compute('recursion', 'rust-compute', 'fibonacci', 10, 1.6),
    compute('JavaScript that hashes', 'js-compute', 'hash', 60, 1.1),
    compute('JavaScript that sorts', 'js-compute', 'sort', 30, 1.1),
    compute('JavaScript with maps and JSON', 'js-compute', 'interpret', 30, 1.1),
    compile('interruptible, first time', 3, undefined),
    compile('interruptible, kept from before', 1.2, memoryCache()),
    deadline(),
    reset('rust-http'),
    reset('js-http'),
  ];
}
