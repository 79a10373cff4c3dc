/** The components that tests, examples and the bench use: what each is, and where its built form is. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of this file. */
export const GUESTS_FOLDER: string = fileURLToPath(new URL('.', import.meta.url));

/** What is built and can be built again: outside git. */
export const CACHE_FOLDER: string = join(GUESTS_FOLDER, '.cache');

/** How a guest is built: one function each in `recipes.ts`. */
export type Recipe = 'rust-library' | 'rust-command' | 'rust-reactor' | 'c-library' | 'starlingmonkey' | 'quickjs' | 'python';

export interface Guest {
  readonly about: string;
  readonly language: 'Rust' | 'C' | 'JavaScript' | 'TypeScript' | 'Python';
  readonly recipe: Recipe;
  /** Whether the built form is in git beside the sources; the others are built on demand into `guests/.cache`. */
  readonly committed: boolean;
  /** The interfaces it imports; `wasi:io/*@0.2.12` stands for those that its toolchain takes from that package. */
  readonly imports: readonly string[];
  readonly exports: readonly string[];
}

const PREVIEW1 = ['wasi:cli/*@0.2.12', 'wasi:clocks/*@0.2.12', 'wasi:filesystem/*@0.2.12', 'wasi:io/*@0.2.12'];
const QUICKJS = [...PREVIEW1, 'wasi:random/*@0.2.12', 'wasi:clocks/*@0.2.10', 'wasi:http/*@0.2.10', 'wasi:io/*@0.2.10'];

export const GUESTS = {
  'rust-hello': {
    about: 'prints one line',
    language: 'Rust',
    recipe: 'rust-command',
    committed: true,
    imports: PREVIEW1,
    exports: ['wasi:cli/run@0.2.12'],
  },
  'rust-cli': {
    about: 'a command with subcommands for arguments, environment, stdin, files, clocks, exits and endless loops',
    language: 'Rust',
    recipe: 'rust-command',
    committed: true,
    imports: [...PREVIEW1, 'wasi:random/*@0.2.12'],
    exports: ['wasi:cli/run@0.2.12'],
  },
  'rust-http': {
    about: 'a web server with a route for each thing that a server must carry, good and bad',
    language: 'Rust',
    recipe: 'rust-reactor',
    committed: true,
    imports: [...PREVIEW1, 'wasi:random/*@0.2.12', 'wasi:http/*@0.2.4'],
    exports: ['wasi:http/incoming-handler@0.2.4'],
  },
  'rust-async-cli': {
    about: 'a command of WASI 0.3 with subcommands for each interface, which uses 0.2 beside it',
    language: 'Rust',
    recipe: 'rust-reactor',
    committed: true,
    imports: [
      ...PREVIEW1,
      'wasi:cli/*@0.3.2',
      'wasi:clocks/*@0.3.2',
      'wasi:filesystem/*@0.3.2',
      'wasi:random/*@0.3.2',
      'wasi:sockets/*@0.3.2',
    ],
    exports: ['wasi:cli/run@0.3.2'],
  },
  'rust-async-http': {
    about: 'a service of WASI 0.3 with a route for each thing that a server must carry, good and bad',
    language: 'Rust',
    recipe: 'rust-reactor',
    committed: true,
    imports: [...PREVIEW1, 'wasi:clocks/*@0.3.2', 'wasi:http/*@0.3.2'],
    exports: ['wasi:http/handler@0.3.2'],
  },
  'rust-greedy': {
    about: 'a web server that makes the host hold much for it, or work for it without end',
    language: 'Rust',
    recipe: 'rust-reactor',
    committed: true,
    imports: [...PREVIEW1, 'wasi:http/*@0.2.4'],
    exports: ['wasi:http/incoming-handler@0.2.4'],
  },
  'rust-messages': {
    about: 'a web server that gives just the requests and responses that it is asked for, well-formed or not',
    language: 'Rust',
    recipe: 'rust-reactor',
    committed: true,
    imports: [...PREVIEW1, 'wasi:http/*@0.2.4'],
    exports: ['wasi:http/incoming-handler@0.2.4'],
  },
  'rust-sockets': {
    about: 'a web server that looks names up and talks to other servers over TCP and UDP',
    language: 'Rust',
    recipe: 'rust-reactor',
    committed: true,
    imports: [...PREVIEW1, 'wasi:http/*@0.2.4', 'wasi:sockets/*@0.2.12'],
    exports: ['wasi:http/incoming-handler@0.2.4'],
  },
  'rust-bench': {
    about: 'files, connections and pollables in numbers, for the bench',
    language: 'Rust',
    recipe: 'rust-command',
    committed: true,
    imports: [...PREVIEW1, 'wasi:sockets/*@0.2.12'],
    exports: ['wasi:cli/run@0.2.12'],
  },
  'rust-intruder': {
    about: 'tries to get out of the folder that it is granted, by every function of wasi:filesystem',
    language: 'Rust',
    recipe: 'rust-command',
    committed: true,
    imports: PREVIEW1,
    exports: ['wasi:cli/run@0.2.12'],
  },
  'rust-calculator': {
    about: 'adds and multiplies; imports nothing',
    language: 'Rust',
    recipe: 'rust-library',
    committed: true,
    imports: [],
    exports: ['example:calculator/math'],
  },
  'rust-compute': {
    about: 'computes: hashes, sorts, multiplies matrices, interprets, scans, calls itself',
    language: 'Rust',
    recipe: 'rust-library',
    committed: true,
    imports: [],
    exports: ['example:compute/work'],
  },
  'rust-abi': {
    about: 'every kind of value and resource, in and out',
    language: 'Rust',
    recipe: 'rust-library',
    committed: true,
    imports: ['example:abi/host'],
    exports: ['example:abi/values', 'example:abi/resources'],
  },
  'rust-stores': {
    about: 'reaches the stores of its host: key-value, blobs, messages, configuration, the log',
    language: 'Rust',
    recipe: 'rust-library',
    committed: true,
    imports: [
      'wasi:keyvalue/*@0.2.0-draft2',
      'wasi:blobstore/*@0.2.0-draft',
      'wasi:config/*@0.2.0-rc.1',
      'wasi:logging/*@0.1.0-draft',
      'wasi:io/*@0.2.1',
      'wasmcloud:messaging/types@0.2.0',
      'wasmcloud:messaging/consumer@0.2.0',
    ],
    exports: [
      'example:stores/keys',
      'example:stores/blobs',
      'example:stores/messages',
      'example:stores/settings',
      'wasmcloud:messaging/handler@0.2.0',
    ],
  },
  'c-abi': {
    about: 'the same in C',
    language: 'C',
    recipe: 'c-library',
    committed: true,
    imports: ['example:abi/host'],
    exports: ['example:abi/values', 'example:abi/resources'],
  },
  'ts-web': {
    about: 'a web handler that imports the calculator',
    language: 'TypeScript',
    recipe: 'quickjs',
    committed: false,
    imports: [...QUICKJS, 'example:calculator/math'],
    exports: ['wasi:http/incoming-handler@0.2.10', 'init'],
  },
  'qjs-http': {
    about: 'hello and echo on QuickJS',
    language: 'JavaScript',
    recipe: 'quickjs',
    committed: false,
    imports: QUICKJS,
    exports: ['wasi:http/incoming-handler@0.2.10', 'init'],
  },
  'js-http': {
    about: 'hello and echo on StarlingMonkey',
    language: 'JavaScript',
    recipe: 'starlingmonkey',
    committed: false,
    imports: [...PREVIEW1, 'wasi:random/*@0.2.12', 'wasi:http/*@0.2.12', 'wasi:http/*@0.2.10'],
    exports: ['wasi:http/incoming-handler@0.2.12'],
  },
  'js-compute': {
    about: 'the work of rust-compute on StarlingMonkey',
    language: 'JavaScript',
    recipe: 'starlingmonkey',
    committed: false,
    imports: [...PREVIEW1, 'wasi:random/*@0.2.12', 'wasi:http/*@0.2.10'],
    exports: ['example:compute/work'],
  },
  'python-http': {
    about: 'hello, echo and a word count in Python',
    language: 'Python',
    recipe: 'python',
    committed: false,
    imports: [
      'wasi:cli/*@0.2.9',
      'wasi:clocks/*@0.2.9',
      'wasi:clocks/*@0.2.12',
      'wasi:filesystem/*@0.2.9',
      'wasi:http/*@0.2.12',
      'wasi:io/*@0.2.12',
      'wasi:random/*@0.2.9',
      'wasi:sockets/*@0.2.9',
    ],
    exports: ['wasi:http/incoming-handler@0.2.12', 'exports'],
  },
} as const satisfies Record<string, Guest>;

export type GuestName = keyof typeof GUESTS;

/** The names of all guests. */
export const GUEST_NAMES: readonly GuestName[] = Object.keys(GUESTS) as GuestName[];

/** The path of a guest's built form; a guest that is not in git may not be there yet, see {@link ensureGuest}. */
export function guestPath(name: GuestName): string {
  return GUESTS[name].committed ? join(GUESTS_FOLDER, name, `${name}.wasm`) : join(CACHE_FOLDER, `${name}.wasm`);
}

/** The bytes of a guest, built first where that is needed. */
export async function readGuest(name: GuestName): Promise<Uint8Array> {
  return new Uint8Array(readFileSync(await ensureGuest(name)));
}

/**
 * The path of a guest's built form. Builds it when it is not in git and its sources have changed since the last build,
 * with a line on stderr that says so.
 * @throws MissingToolchain when the guest's language is not installed on this machine.
 */
export async function ensureGuest(name: GuestName): Promise<string> {
  const path = guestPath(name);
  if (GUESTS[name].committed && existsSync(path)) return path;
  const { build } = await import('./build.ts');
  await build(name, { force: false });
  return path;
}
