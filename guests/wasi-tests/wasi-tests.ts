/**
 * The guests that exercise WASI 0.2, one an interface: each calls every function and provokes every error that is documented, and prints
 * one line a check. `node guests/wasi-tests/wasi-tests.ts [NAME…] [--build]` runs them here and on Wasmtime and shows the differences.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Component, Linker, Trap } from '@tenon/component';
import { Exit, type WasiOptions, wasi } from '@tenon/wasi';
import { wasmtimePython } from '../../bench/peers/wasmtime-wheel.ts';
import { lock } from '../build.ts';
import { RECIPES } from '../recipes.ts';
import { startServer, type TestServer } from './http-server.ts';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));

/** What a test guest is granted beside its folders. */
export interface WasiTest {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** It may use sockets on this machine and look up names. */
  readonly network?: boolean;
  /** It is granted an empty folder as `/`, and one with a file as `/read-only`. */
  readonly folders?: boolean;
  /** It may send requests to a server on this machine, which its arguments name. */
  readonly http?: boolean;
  /** The version of Wasmtime's wheel to compare with, where the newest lacks something. */
  readonly wasmtime?: string;
}

export const WASI_TESTS = {
  cli: { args: ['one', '', 'naïve 🦀'], env: { A: '1', EMPTY: '', B: 'two words' }, stdin: 'first line\nsecond line\n' },
  clocks: {},
  random: {},
  io: { stdin: 'x'.repeat(100_000), folders: true },
  filesystem: { folders: true },
  // The last version whose wheel can grant sockets.
  sockets: { network: true, wasmtime: '47.0.1' },
  http: { http: true },
} as const satisfies Record<string, WasiTest>;

export type WasiTestName = keyof typeof WASI_TESTS;

export const WASI_TEST_NAMES = Object.keys(WASI_TESTS) as WasiTestName[];

/** The component, which is in git. */
export function wasiTestPath(name: WasiTestName): string {
  return join(FOLDER, name, `${name}.wasm`);
}

/** What a host observed: lines by the name of the check, the exit code at the end. */
export type Observed = ReadonlyMap<string, string>;

/** Where two hosts may differ, and why. `wasmtime` is what Wasmtime's wheel prints, `undefined` when it prints no such line. */
export interface Difference {
  readonly check: string;
  readonly tenon?: string;
  readonly wasmtime?: string;
  readonly reason: string;
}

/** The differences that are known, by the name of the test. */
export function knownDifferences(name: WasiTestName): readonly Difference[] {
  const all = JSON.parse(readFileSync(join(FOLDER, 'differences.json'), 'utf8')) as Partial<Record<WasiTestName, readonly Difference[]>>;
  return all[name] ?? [];
}

export function expectedPath(name: WasiTestName): string {
  return join(FOLDER, name, 'expected.txt');
}

export function parse(output: string): Observed {
  return new Map(
    output
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const at = line.indexOf(': ');
        return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 2)];
      }),
  );
}

/** @throws MissingToolchain when Rust is not installed on this machine. */
export async function buildWasiTest(name: WasiTestName): Promise<Uint8Array<ArrayBuffer>> {
  const unlock = await lock();
  try {
    return new Uint8Array(await RECIPES['rust-command'](`wasi-test-${name}`));
  } finally {
    unlock();
  }
}

/** What a test runs in. */
interface Surroundings {
  /** An empty folder. */
  readonly work: string;
  /** A folder with a file. */
  readonly kept: string;
  readonly server: TestServer | undefined;
  /** The guest's arguments. */
  readonly args: readonly string[];
}

async function surrounded<T>(name: WasiTestName, use: (surroundings: Surroundings) => Promise<T>): Promise<T> {
  const { args = [], http = false }: WasiTest = WASI_TESTS[name];
  const folder = mkdtempSync(join(tmpdir(), 'wasi-test-'));
  const server = http ? await startServer() : undefined;
  const own = server === undefined ? [] : [server.authority, server.nobody];
  const surroundings = { work: join(folder, 'work'), kept: join(folder, 'kept'), server, args: [name, ...own, ...args] };
  mkdirSync(surroundings.work);
  mkdirSync(join(surroundings.kept, 'sub'), { recursive: true });
  writeFileSync(join(surroundings.kept, 'kept'), 'kept');
  try {
    return await use(surroundings);
  } finally {
    await server?.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

// The last is an address that no machine has.
const LOCAL = ['localhost', '::ffff:127.0.0.1', '192.0.2.1'];

/** Runs a test here; the exit code is the last line. */
export function runOnTenon(name: WasiTestName, bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const { env = {}, stdin = '', network = false, folders = false }: WasiTest = WASI_TESTS[name];
  return surrounded(name, async ({ work, kept, server, args }) => {
    const output: Uint8Array[] = [];
    const options: WasiOptions = {
      args,
      env,
      stdin,
      stdout: (chunk) => {
        output.push(Uint8Array.from(chunk));
      },
      stderr: 'inherit',
      preopens: folders
        ? [
            { host: work, guest: '/' },
            { host: kept, guest: '/read-only', readOnly: true },
          ]
        : [],
      http: server === undefined ? [] : [server.authority, server.nobody],
      ...(network ? { network: { connect: LOCAL, listen: LOCAL, send: LOCAL, receive: LOCAL } } : {}),
    };
    const system = wasi(options);
    const linker = new Linker();
    linker.use(system);
    let code: number | 'trap' = 0;
    try {
      const { exports } = await linker.instantiate(await Component.compile(bytes));
      const name = Object.keys(exports).find((name) => name.startsWith('wasi:cli/run@')) ?? '';
      await (exports[name] as { run(): unknown }).run();
    } catch (error) {
      if (!(error instanceof Exit || error instanceof Trap)) throw error;
      code = error instanceof Exit ? error.code : 'trap';
    } finally {
      await system.flush();
      system.close();
    }
    return `${Buffer.concat(output).toString()}exit: ${code}\n`;
  });
}

const TRAPPED = 3;

/** Runs a test on Wasmtime's Python wheel; `undefined`, with the reason told to `skip`, where that cannot be had. */
export async function runOnWasmtime(name: WasiTestName, skip: (why: string) => void): Promise<string | undefined> {
  const { env = {}, stdin = '', network = false, http = false, folders = false, wasmtime }: WasiTest = WASI_TESTS[name];
  const python = wasmtimePython(skip, wasmtime);
  if (python === undefined) return undefined;
  return surrounded(name, async ({ work, kept, args }) => {
    const output = join(work, '..', 'output');
    const input = join(work, '..', 'input');
    writeFileSync(input, stdin);
    const dirs = folders
      ? [
          [work, '/', true],
          [kept, '/read-only', false],
        ]
      : [];
    const grants = { args, env: Object.entries(env), input, output, dirs, network, http };
    const status = await runPython(python, JSON.stringify({ component: wasiTestPath(name), ...grants }));
    return `${readFileSync(output, 'utf8')}exit: ${status === TRAPPED ? 'trap' : status}\n`;
  });
}

function runPython(python: string, request: string): Promise<number> {
  const child = spawn(python, [join(FOLDER, 'wasmtime_host.py')]);
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdin.end(request);
  return new Promise((resolve, reject) => {
    child.on('error', reject).on('close', (status) => {
      if (status === null || ![0, 1, TRAPPED].includes(status)) return reject(new Error(`Wasmtime: ${stderr}`));
      process.stderr.write(stderr);
      resolve(status);
    });
  });
}

/** What is different and not known to be, one sentence each. */
export function unexpected(name: WasiTestName, tenon: Observed, wasmtime: Observed): string[] {
  const known = new Map(knownDifferences(name).map((difference) => [difference.check, difference]));
  const problems: string[] = [];
  for (const check of new Set([...tenon.keys(), ...wasmtime.keys()])) {
    const seen = { tenon: tenon.get(check), wasmtime: wasmtime.get(check) };
    const difference = known.get(check);
    known.delete(check);
    if (difference === undefined) {
      if (seen.tenon !== seen.wasmtime) problems.push(`${check}: Tenon ${seen.tenon}, Wasmtime ${seen.wasmtime}`);
    } else if (difference.tenon !== seen.tenon || difference.wasmtime !== seen.wasmtime) {
      problems.push(`${check}: not as in differences.json: Tenon ${seen.tenon}, Wasmtime ${seen.wasmtime}`);
    }
  }
  for (const check of known.keys()) problems.push(`${check}: in differences.json, but in neither output`);
  return problems;
}

if (import.meta.main) {
  const words = process.argv.slice(2).filter((word) => !word.startsWith('-'));
  for (const name of WASI_TEST_NAMES.filter((name) => words.length === 0 || words.includes(name))) {
    if (process.argv.includes('--build')) writeFileSync(wasiTestPath(name), await buildWasiTest(name));
    const tenon = await runOnTenon(name, new Uint8Array(readFileSync(wasiTestPath(name))));
    if (process.argv.includes('--accept')) writeFileSync(expectedPath(name), tenon);
    const wasmtime = await runOnWasmtime(name, console.error);
    console.log(`${name}: ${parse(tenon).size} checks`);
    if (process.argv.includes('--show')) console.log(tenon);
    if (wasmtime !== undefined) for (const problem of unexpected(name, parse(tenon), parse(wasmtime))) console.log(`  ${problem}`);
  }
}
