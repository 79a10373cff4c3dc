/** `tenon serve` beside `jco serve` and bare `node:http`: rates, memory, and the time to a first answer. */
import { fileURLToPath } from 'node:url';
import { ensureGuest, type GuestName } from '../../guests/guests.ts';
import { publishedCommandLine } from '../../scripts/bundle.ts';
import type { Contender, Row } from '../harness.ts';
import { load, residentMb, type Server, startServer } from '../servers.ts';

const jcoBin = fileURLToPath(new URL('../../node_modules/@bytecodealliance/jco/dist/jco.js', import.meta.url));
const bare = fileURLToPath(new URL('../peers/node-http.mjs', import.meta.url));

type Start = () => Promise<Server>;

let published: Promise<string> | undefined;

async function serve(guest: GuestName, ...options: readonly string[]): Promise<Server> {
  published ??= publishedCommandLine();
  const [tenon, file] = [await published, await ensureGuest(guest)];
  return startServer(process.execPath, (port) => [tenon, 'serve', '--quiet', '--addr', `127.0.0.1:${port}`, ...options, file]);
}

const servers = (guest: GuestName): Readonly<Record<'tenon' | 'fresh' | 'jco' | 'node', Start>> => ({
  tenon: () => serve(guest),
  fresh: () => serve(guest, '--requests-per-instance', '1'),
  jco: async () => {
    const file = await ensureGuest(guest);
    return startServer(process.execPath, (port) => [jcoBin, 'serve', file, '--port', String(port)]);
  },
  node: () => startServer(process.execPath, (port) => [bare, String(port)]),
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

/** @param quick shorter load, for a smoke run */
export function httpRows(quick: boolean): Row[] {
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
