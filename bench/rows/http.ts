/** `tenon serve` beside `jco serve` and bare `node:http`: rates, memory, and the time to a first answer. */
import { fileURLToPath } from 'node:url';
import { ensureGuest, type GuestName } from '../../guests/guests.ts';
import { publishedCommandLine } from '../../scripts/bundle.ts';
import { absolute, type Contender, type Row } from '../harness.ts';
import { get, load, residentMb, type Server, startServer } from '../servers.ts';

const jcoBin = fileURLToPath(new URL('../../node_modules/@bytecodealliance/jco/dist/jco.js', import.meta.url));
const bare = fileURLToPath(new URL('../peers/node-http.mjs', import.meta.url));

type Start = () => Promise<Server>;

let published: Promise<string> | undefined;

async function serve(guest: GuestName, ...options: readonly string[]): Promise<Server> {
  published ??= publishedCommandLine();
  const [tenon, file] = [await published, await ensureGuest(guest)];
  return startServer(process.execPath, (port) => [tenon, 'serve', '--quiet', '--addr', `127.0.0.1:${port}`, ...options, file]);
}

const node = (threads: number): Promise<Server> => startServer(process.execPath, (port) => [bare, String(port), String(threads)]);

/** `wasmtime serve`, each instance for so many requests. */
const wasmtime = async (binary: string, guest: GuestName, reuse: number): Promise<Server> => {
  const file = await ensureGuest(guest);
  return startServer(binary, (port) => [
    'serve',
    '-Scli',
    '--max-instance-reuse-count',
    String(reuse),
    '--addr',
    `127.0.0.1:${port}`,
    file,
  ]);
};

const servers = (guest: GuestName): Readonly<Record<'tenon' | 'fresh' | 'jco' | 'node', Start>> => ({
  tenon: () => serve(guest),
  fresh: () => serve(guest, '--reuse', 'fresh'),
  jco: async () => {
    const file = await ensureGuest(guest);
    return startServer(process.execPath, (port) => [jcoBin, 'serve', file, '--port', String(port)]);
  },
  node: () => node(1),
});

/** A virtual machine gets less after it has taken much. So each server is loaded after a rest as long as the load, whoever was before it. */
const rate = (name: string, start: Start, seconds: number): Contender => ({
  name,
  async open() {
    const server = await start();
    return {
      async sample() {
        await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
        return load(server.port, '/', 16, seconds);
      },
      close: () => server.stop(),
    };
  },
});

/** Requests beside one guest that spins, in one cell: the time that 99 of 100 take at most, in milliseconds. */
const besideSpinner = (name: string, start: Start, spins: boolean, seconds: number): Contender => ({
  name,
  async open() {
    const server = await start();
    return {
      async sample() {
        const spinning = spins ? get(server.port, '/spin').catch(() => 0) : undefined;
        const times: number[] = [];
        const until = performance.now() + seconds * 1000;
        const client = async (): Promise<void> => {
          while (performance.now() < until) {
            const since = performance.now();
            const status = await get(server.port, '/');
            if (status !== 200) throw new Error(`a request beside the spinning one got ${status}`);
            times.push(performance.now() - since);
            await new Promise((resolve) => setTimeout(resolve, 50));
          }
        };
        await Promise.all(Array.from({ length: 50 }, client));
        await spinning;
        return times.sort((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? Number.NaN;
      },
      close: () => server.stop(),
    };
  },
});

const memory = (name: string, start: Start): Contender => ({
  name,
  async open() {
    return {
      async sample() {
        const server = await start();
        try {
          await load(server.port, '/', 4, 1);
          return await residentMb(server.child.pid ?? 0);
        } finally {
          await server.stop();
        }
      },
    };
  },
});

const firstAnswer = (name: string, start: Start): Contender => ({
  name,
  async open() {
    return {
      async sample() {
        const since = performance.now();
        const server = await start();
        const took = performance.now() - since;
        await server.stop();
        return took;
      },
    };
  },
});

/** What cells are for: two of them, instances as new, a guest that does not stop. @param binary of Wasmtime, to stand beside */
function cellRows(quick: boolean, binary: string | undefined): Row[] {
  const seconds = quick ? 1 : 5;
  const peer = (name: string, guest: GuestName, reuse: number): Contender[] =>
    binary === undefined ? [] : [rate(name, () => wasmtime(binary, guest, reuse), seconds)];
  const cells =
    (guest: GuestName, reuse: string, threads = '2'): Start =>
    () =>
      serve(guest, '--reuse', reuse, '--threads', threads);
  const row = (name: string, contenders: readonly Contender[], targets: Row['targets']): Row => ({
    group: 'http',
    name,
    unit: 'req/s',
    better: 'more',
    contenders,
    targets,
  });
  const reused = 1_000_000;
  return [
    row(
      'hello, Rust guest, kept instances, 2 cells',
      [
        rate('tenon', cells('rust-http', 'keep'), seconds),
        rate('node:http, 2 threads', () => node(2), seconds),
        ...peer('wasmtime, reused', 'rust-http', reused),
      ],
      [
        { peer: 'node:http, 2 threads', ratio: 0.6 },
        { peer: 'wasmtime, reused', ratio: 1 },
      ],
    ),
    row(
      'hello, Rust guest, instances as new, 2 cells',
      [
        rate('tenon', cells('rust-http', 'reset'), seconds),
        rate('kept', cells('rust-http', 'keep'), seconds),
        ...peer('wasmtime, fresh', 'rust-http', 1),
      ],
      [
        { peer: 'kept', ratio: 0.8 },
        { peer: 'wasmtime, fresh', ratio: 4 },
      ],
    ),
    row(
      'hello, Rust guest, 2 cells against 1',
      [rate('tenon', cells('rust-http', 'keep'), seconds), rate('1 cell', cells('rust-http', 'keep', '1'), seconds)],
      [{ peer: '1 cell', ratio: 1.6 }],
    ),
    row(
      'hello, 12 MB JavaScript guest, kept instances, 2 cells',
      [rate('tenon', cells('js-http', 'keep'), seconds), ...peer('wasmtime, reused', 'js-http', reused)],
      [{ peer: 'wasmtime, reused', ratio: 1 }],
    ),
    row(
      'hello, 12 MB JavaScript guest, instances as new, 2 cells',
      [rate('tenon', cells('js-http', 'reset'), seconds), ...peer('wasmtime, fresh', 'js-http', 1)],
      [{ peer: 'wasmtime, fresh', ratio: 2 }],
    ),
    {
      group: 'http',
      name: '50 clients beside one guest that spins, 1 cell: the slowest 1 %',
      unit: 'ms',
      better: 'less',
      contenders: [
        besideSpinner('tenon', () => serve('rust-http', '--timeout', '2000'), true, quick ? 1 : 3),
        besideSpinner('nobody spins', () => serve('rust-http', '--timeout', '2000'), false, quick ? 1 : 3),
      ],
      targets: [absolute(30)],
    },
  ];
}

/** @param quick shorter load, for a smoke run; @param binary of Wasmtime, to stand beside */
export function httpRows(quick: boolean, binary: string | undefined): Row[] {
  const rust = servers('rust-http');
  const js = servers('js-http');
  const seconds = quick ? 1 : 5;
  return [
    {
      group: 'http',
      name: 'hello, Rust guest',
      unit: 'req/s',
      better: 'more',
      contenders: [
        rate('tenon', rust.tenon, seconds),
        rate('tenon, fresh instances', rust.fresh, seconds),
        rate('jco', rust.jco, seconds),
        rate('node:http', rust.node, seconds),
      ],
      targets: [
        { peer: 'jco', ratio: 10 },
        { peer: 'node:http', ratio: 1 / 3 },
      ],
    },
    ...cellRows(quick, binary),
    {
      group: 'http',
      name: 'process start → first answer, 12 MB JavaScript guest',
      unit: 'ms',
      better: 'less',
      contenders: [firstAnswer('tenon', js.tenon), firstAnswer('jco', js.jco)],
      targets: [{ peer: 'jco', ratio: 1 / 3 }],
    },
    {
      group: 'memory',
      name: 'tenon serve, Rust guest (at most 40 MB over node:http)',
      unit: 'MB',
      better: 'less',
      contenders: [memory('tenon', rust.tenon), memory('node:http', rust.node)],
      targets: [{ peer: 'node:http', ratio: 1, plus: 40 }],
    },
    {
      group: 'memory',
      name: 'tenon serve, 12 MB JavaScript guest (at most 90 MB over node:http)',
      unit: 'MB',
      better: 'less',
      contenders: [memory('tenon', js.tenon), memory('node:http', js.node)],
      targets: [{ peer: 'node:http', ratio: 1, plus: 90 }],
    },
  ];
}
