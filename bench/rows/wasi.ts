/** The system interfaces: files, connections and pollables of one guest, beside jco's shim and plain Node. The guest measures itself. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ensureGuest } from '../../guests/guests.ts';
import { publishedCommandLine } from '../../scripts/bundle.ts';
import type { Contender, Row } from '../harness.ts';

const jcoBin = fileURLToPath(new URL('../../node_modules/@bytecodealliance/jco/dist/jco.js', import.meta.url));
const plain = fileURLToPath(new URL('../peers/node-system.mjs', import.meta.url));

type Name = 'tenon' | 'jco' | 'node';

/** A folder and an echo server for as long as a contender is open. */
interface Ground {
  readonly folder: string;
  readonly port: number;
  close(): Promise<void>;
}

async function prepare(): Promise<Ground> {
  const folder = await mkdtemp(join(tmpdir(), 'tenon-bench-wasi-'));
  const server = createServer({ noDelay: true }, (socket) => socket.on('error', () => {}).pipe(socket));
  await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    folder,
    port: address.port,
    async close() {
      server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const COMMANDS: Readonly<Record<Name, (ground: Ground, files: boolean) => Promise<readonly string[]>>> = {
  tenon: async ({ folder }, files) => {
    const grants = files ? ['--dir', `${folder}::${folder}`] : ['--connect', '127.0.0.1'];
    return [await publishedCommandLine(), 'run', ...grants, await ensureGuest('rust-bench')];
  },
  jco: async () => [jcoBin, 'run', await ensureGuest('rust-bench')],
  node: async () => [plain],
};

const file = ({ folder }: Ground): string => join(folder, 'file');

/** @param figure makes the row's figure of the nanoseconds that the work took */
function contender(
  name: Name,
  work: (ground: Ground) => readonly string[],
  figure: (ns: number) => number,
  before?: (ground: Ground) => readonly string[],
): Contender {
  return {
    name,
    async open() {
      const ground = await prepare();
      const command = await COMMANDS[name](ground, work(ground).includes(file(ground)));
      const run = async (args: readonly string[]): Promise<number> => {
        const { stdout } = await promisify(execFile)(process.execPath, [...command, ...args]);
        return Number(stdout.trim());
      };
      if (before !== undefined) await run(before(ground));
      return { sample: async () => figure(await run(work(ground))), close: () => ground.close() };
    },
  };
}

/** @param quick less work, for a smoke run */
export function wasiRows(quick: boolean): Row[] {
  const names: readonly Name[] = ['tenon', 'jco', 'node'];
  // Programs that open files by Rust's library cannot on jco's shim: its folders do not reach them.
  const here: readonly Name[] = ['tenon', 'node'];
  const bytes = quick ? 64 * 2 ** 20 : 2 ** 30;
  const sent = quick ? 16 * 2 ** 20 : 256 * 2 ** 20;
  const opens = quick ? 10_000 : 100_000;
  const trips = quick ? 2_000 : 20_000;
  const wakes = quick ? 200 : 2_000;
  const megabytes =
    (of: number) =>
    (ns: number): number =>
      (of / ns) * 1e3;
  const each =
    (count: number) =>
    (ns: number): number =>
      ns / 1e3 / count;
  const write = (ground: Ground): readonly string[] => ['write', file(ground), String(bytes)];
  const group = 'system interfaces';
  const rate = { group, unit: 'MB/s', better: 'more' } as const;
  const cost = { group, unit: 'µs', better: 'less' } as const;
  const poll = (size: number, peers: readonly Name[]): Row => ({
    ...cost,
    name: `poll, one of ${size} wakes`,
    contenders: peers.map((name) => contender(name, () => ['poll', String(size), String(wakes)], each(wakes))),
    targets: [],
  });
  return [
    {
      ...rate,
      name: `write ${bytes / 2 ** 20} MiB in pieces of 64 KiB`,
      contenders: here.map((name) => contender(name, write, megabytes(bytes))),
      targets: [{ peer: 'node', ratio: 0.5 }],
    },
    {
      ...rate,
      name: `read ${bytes / 2 ** 20} MiB in pieces of 64 KiB`,
      contenders: here.map((name) => contender(name, (ground) => ['read', file(ground)], megabytes(bytes), write)),
      targets: [{ peer: 'node', ratio: 0.5 }],
    },
    {
      ...cost,
      name: `open, read and close a small file, ${opens} times`,
      contenders: here.map((name) => contender(name, (ground) => ['opens', file(ground), String(opens)], each(opens))),
      targets: [{ peer: 'node', ratio: 1 }],
    },
    {
      ...rate,
      name: `TCP echo, ${sent / 2 ** 20} MiB`,
      contenders: names.map((name) => contender(name, ({ port }) => ['echo', String(port), String(sent)], megabytes(sent))),
      targets: [{ peer: 'jco', ratio: 1 }],
    },
    {
      ...cost,
      name: 'TCP round trip of one byte',
      contenders: names.map((name) => contender(name, ({ port }) => ['trips', String(port), String(trips)], each(trips))),
      targets: [{ peer: 'jco', ratio: 1 }],
    },
    poll(10, ['tenon', 'jco']),
    { ...poll(1000, ['tenon', 'jco']), targets: [{ peer: 'jco', ratio: 1 }] },
  ];
}
