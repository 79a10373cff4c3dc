/** The system interfaces: files, connections and pollables of one guest, beside jco's shim and plain Node. The guest measures itself. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ensureGuest } from '../../guests/guests.ts';
import { publishedCommandLine } from '../../scripts/bundle.ts';
import type { Contender, Row } from '../harness.ts';

const jcoBin = fileURLToPath(new URL('../../node_modules/@bytecodealliance/jco/dist/jco.js', import.meta.url));
const jcoFolders = fileURLToPath(new URL('../peers/jco-folders.mjs', import.meta.url));
const plain = fileURLToPath(new URL('../peers/node-system.mjs', import.meta.url));

type Name = 'tenon' | 'wasmtime' | 'jco' | 'node';

/** A row's own peer: what a poll or a wake costs must hardly depend on how many are polled. */
const FEW = 'tenon, 10 pollables';

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

/** Wasmtime's command line, where there is one: named by WASMTIME, or in the path. */
const WASMTIME: string | undefined =
  process.env.WASMTIME ??
  (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'wasmtime'))
    .find((path) => existsSync(path));

const COMMANDS: Readonly<Record<Name, (ground: Ground, files: boolean) => Promise<readonly string[]>>> = {
  tenon: async ({ folder }, files) => {
    const grants = files ? ['--dir', `${folder}::${folder}`] : ['--connect', '127.0.0.1', '--listen', '127.0.0.1'];
    return [process.execPath, await publishedCommandLine(), 'run', ...grants, await ensureGuest('rust-bench')];
  },
  wasmtime: async ({ folder }) => [WASMTIME ?? 'wasmtime', 'run', '--dir', `${folder}::${folder}`, await ensureGuest('rust-bench')],
  jco: async () => [process.execPath, jcoBin, 'run', '--jco-import', jcoFolders, await ensureGuest('rust-bench')],
  node: async () => [process.execPath, plain],
};

const file = ({ folder }: Ground): string => join(folder, 'file');

/** What one sample does, and the row's figure of the nanoseconds that it took. */
interface Work {
  readonly args: (ground: Ground) => readonly string[];
  readonly figure: (ns: number) => number;
  /** Done once, before the first sample. */
  readonly before?: (ground: Ground) => readonly string[];
}

function contender(name: Name, { args, figure, before }: Work): Contender {
  return {
    name,
    async open() {
      const ground = await prepare();
      const command = await COMMANDS[name](
        ground,
        args(ground).some((arg) => arg.startsWith(ground.folder)),
      );
      const run = async (args: readonly string[]): Promise<number> => {
        const [program = '', ...before] = command;
        const { stdout } = await promisify(execFile)(program, [...before, ...args]);
        return Number(stdout.trim());
      };
      if (before !== undefined) await run(before(ground));
      return { sample: async () => figure(await run(args(ground))), close: () => ground.close() };
    },
  };
}

/** @param quick less work, for a smoke run */
export function wasiRows(quick: boolean): Row[] {
  const names: readonly Name[] = ['tenon', 'jco', 'node'];
  const withFiles: readonly Name[] = WASMTIME === undefined ? names : [...names, 'wasmtime'];
  /** Of a figure that is to be as good as Wasmtime's, or a fifth worse. */
  const besideWasmtime = (better: 'more' | 'less'): Row['targets'] =>
    WASMTIME === undefined ? [] : [{ peer: 'wasmtime', ratio: better === 'more' ? 1 / 1.2 : 1.2 }];
  const files = quick ? 1000 : 10_000;
  const bytes = quick ? 64 * 2 ** 20 : 2 ** 30;
  const sent = quick ? 16 * 2 ** 20 : 256 * 2 ** 20;
  const opens = quick ? 10_000 : 100_000;
  const trips = quick ? 2_000 : 20_000;
  const polls = quick ? 2_000 : 20_000;
  // jco takes milliseconds to open a file and minutes to write a gigabyte: it does less, and the figure is the same.
  const bytesOf = (name: Name): number => (name === 'jco' ? bytes / 8 : bytes);
  const opensOf = (name: Name): number => (name === 'jco' ? opens / 100 : opens);
  const pollsOf = (name: Name): number => (name === 'jco' ? polls / 10 : polls);
  const wakesOf = (name: Name): number => pollsOf(name) / 2;
  const megabytes =
    (of: number) =>
    (ns: number): number =>
      (of / ns) * 1e3;
  const each =
    (count: number) =>
    (ns: number): number =>
      ns / 1e3 / count;
  const writing =
    (of: number) =>
    (ground: Ground): readonly string[] => ['write', file(ground), String(of)];
  const group = 'system interfaces';
  const rate = { group, unit: 'MB/s', better: 'more' } as const;
  const cost = { group, unit: 'µs', better: 'less' } as const;
  const row = (names: readonly Name[], work: (name: Name) => Work): Pick<Row, 'contenders'> => ({
    contenders: names.map((name) => contender(name, work(name))),
  });
  /** A row of few pollables and one of many, which may take at most twice the time. */
  const pollables = (command: string, name: (size: number) => string, of: (name: Name) => number): Row[] => {
    const work =
      (size: number) =>
      (name: Name): Work => ({ args: () => [command, String(size), String(of(name))], figure: each(of(name)) });
    const sized = (size: number): Row => ({
      ...cost,
      name: name(size),
      ...row(['tenon', 'jco'], work(size)),
      targets: [{ peer: 'jco', ratio: 1 }],
    });
    const many = sized(1000);
    return [
      sized(10),
      {
        ...many,
        contenders: [...many.contenders, { ...contender('tenon', work(10)('tenon')), name: FEW }],
        targets: [...many.targets, { peer: FEW, ratio: 2 }],
      },
    ];
  };
  return [
    {
      ...rate,
      name: `write ${bytes / 2 ** 20} MiB in pieces of 64 KiB`,
      ...row(withFiles, (name) => ({ args: writing(bytesOf(name)), figure: megabytes(bytesOf(name)) })),
      targets: [...besideWasmtime('more'), { peer: 'node', ratio: 0.5 }, { peer: 'jco', ratio: 5 }],
    },
    {
      ...rate,
      name: `read ${bytes / 2 ** 20} MiB in pieces of 64 KiB`,
      ...row(withFiles, (name) => ({
        args: (ground) => ['read', file(ground)],
        figure: megabytes(bytesOf(name)),
        before: writing(bytesOf(name)),
      })),
      targets: [...besideWasmtime('more'), { peer: 'node', ratio: 0.5 }, { peer: 'jco', ratio: 5 }],
    },
    {
      ...cost,
      name: `open, read and close a small file, ${opens} times`,
      ...row(withFiles, (name) => ({ args: (ground) => ['opens', file(ground), String(opensOf(name))], figure: each(opensOf(name)) })),
      targets: [...besideWasmtime('less'), { peer: 'node', ratio: 1 }, { peer: 'jco', ratio: 1 }],
    },
    {
      ...cost,
      name: `find, look at and read ${files} files of 2 KiB`,
      ...row(
        withFiles.filter((name) => name !== 'jco'),
        () => ({
          args: ({ folder }) => ['walk', join(folder, 'tree')],
          figure: each(files),
          before: ({ folder }) => ['grow', join(folder, 'tree'), String(files)],
        }),
      ),
      targets: [...besideWasmtime('less'), { peer: 'node', ratio: 1 }],
    },
    {
      ...rate,
      name: `TCP echo, ${sent / 2 ** 20} MiB`,
      ...row(names, () => ({ args: ({ port }) => ['echo', String(port), String(sent)], figure: megabytes(sent) })),
      targets: [{ peer: 'jco', ratio: 1 }],
    },
    {
      ...cost,
      name: 'TCP round trip of one byte',
      ...row(names, () => ({ args: ({ port }) => ['trips', String(port), String(trips)], figure: each(trips) })),
      targets: [{ peer: 'jco', ratio: 1 }],
    },
    ...pollables('poll', (size) => `poll of ${size} pollables, one of them ready`, pollsOf),
    ...pollables('wakes', (size) => `wake from a poll of ${size} pollables, by a datagram`, wakesOf),
  ];
}
