/** One function for each way of making a component from sources. Each names the tools that it does not find. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CACHE_FOLDER, GUESTS_FOLDER, type Recipe } from './guests.ts';

/** Thrown when a guest cannot be built here; the message says what to install. */
export class MissingToolchain extends Error {
  override readonly name = 'MissingToolchain';
}

export const RECIPES: Readonly<Record<Recipe, (name: string) => Promise<Uint8Array>>> = {
  'rust-library': (name) => rust(name, 'wasm32-unknown-unknown'),
  'rust-command': (name) => rust(name, 'wasm32-wasip1', 'command'),
  'rust-reactor': (name) => rust(name, 'wasm32-wasip1', 'reactor'),
  'c-library': c,
  starlingmonkey,
  quickjs: (name) => quickjs(name),
  python,
};

type RustTarget = 'wasm32-unknown-unknown' | 'wasm32-wasip1';

const DEBIAN_RUST = 'apt-get install rustc-web cargo-web rust-web-src lld wasi-libc libclang-rt-dev-wasm32';
const BUILTINS = '/usr/lib/llvm-*/lib/clang/*/lib/wasi/libclang_rt.builtins-wasm32.a';

/** Uses a rustup toolchain that has the target, else Debian's compiler, which brings the library as source. */
export async function rust(name: string, target: RustTarget, adapter?: 'command' | 'reactor'): Promise<Uint8Array> {
  const tools = rustupHas(target) ? { cargo: 'cargo', env: {}, build: [], link: [], flags: [] } : debianRust(target, adapter);
  const targetFolder = join(CACHE_FOLDER, 'cargo');
  // Paths of this machine stay out of panic messages, so that a rebuild elsewhere gives the same bytes.
  const cargoHome = process.env.CARGO_HOME ?? join(homedir(), '.cargo');
  const flags = [...tools.flags, `--remap-path-prefix=${cargoHome}=/cargo`, `--remap-path-prefix=${GUESTS_FOLDER}=/guests/`];
  // Those of a guest outside this folder too.
  const own = `--remap-path-prefix=${join(GUESTS_FOLDER, '..')}=`;
  const args = ['rustc', '--locked', '--release', '-p', name, '--target', target, ...tools.build, '--', ...tools.link, own];
  run(tools.cargo, args, { ...tools.env, CARGO_TARGET_DIR: targetFolder, CARGO_ENCODED_RUSTFLAGS: flags.join('\x1f') });
  const file = adapter === 'command' ? `${name}.wasm` : `${name.replaceAll('-', '_')}.wasm`;
  return makeComponent(join(targetFolder, target, 'release', file), adapter);
}

function rustupHas(target: RustTarget): boolean {
  try {
    const folder = execFileSync('rustc', ['--print', 'target-libdir', '--target', target], { encoding: 'utf8', stdio: 'pipe' });
    return existsSync(folder.trim());
  } catch {
    return false;
  }
}

function debianRust(target: RustTarget, adapter: 'command' | 'reactor' | undefined) {
  const start = `/usr/lib/wasm32-wasi/crt1-${adapter}.o`;
  const [builtins = BUILTINS] = globSync(BUILTINS);
  const needed = ['/usr/bin/cargo', '/usr/bin/rustc', '/usr/lib/rustlib/src/rust/library/std', '/usr/bin/wasm-ld'];
  if (adapter !== undefined) needed.push(start, builtins);
  need(`Rust for ${target}`, needed, `rustup target add ${target}, or on Debian ${DEBIAN_RUST}`);
  const wasi = ['-L/usr/lib/wasm32-wasi', '-Clink-self-contained=no', `-Clink-arg=${builtins}`];
  return {
    cargo: '/usr/bin/cargo',
    env: { RUSTC: '/usr/bin/rustc', RUSTC_BOOTSTRAP: '1' },
    build: ['-Zbuild-std=std,panic_abort'],
    link: adapter === undefined ? [] : [`-Clink-arg=${start}`, `-Clink-arg=${claimHeap()}`],
    flags: ['-Clinker=/usr/bin/wasm-ld', ...(adapter === undefined ? [] : wasi)],
  };
}

/** `claim-heap.c` as an object file, named after what is in it: Cargo links again only when its arguments have changed. */
function claimHeap(): string {
  need('Clang for wasm32-wasi', ['/usr/bin/clang'], 'on Debian apt-get install clang');
  const hash = createHash('sha256')
    .update(readFileSync(join(GUESTS_FOLDER, 'claim-heap.c')))
    .digest('hex');
  const output = join(CACHE_FOLDER, `claim-heap-${hash.slice(0, 8)}.o`);
  run('/usr/bin/clang', ['--target=wasm32-wasi', '--sysroot=/usr', '-Os', '-c', '-o', output, 'claim-heap.c']);
  return output;
}

/** One file of C whose names are those of the canonical ABI, without a library, for the only world of a file of WIT. */
export async function plainC(source: string, wit: string): Promise<Uint8Array> {
  need('Clang for wasm32', ['/usr/bin/clang', '/usr/bin/wasm-ld'], 'on Debian apt-get install clang lld');
  const output = join(CACHE_FOLDER, `${basename(source, '.c')}.core.wasm`);
  run('/usr/bin/clang', [
    '--target=wasm32',
    '-nostdlib',
    '-Os',
    '-Wall',
    '-Wextra',
    '-Werror',
    '-Wl,--no-entry,--strip-all',
    '-o',
    output,
    source,
  ]);
  const { componentEmbed, componentNew } = await import('@bytecodealliance/jco');
  return componentNew(await componentEmbed({ binary: readFileSync(output), witSource: readFileSync(wit, 'utf8') }), []);
}

/** The bindings in `generated/` come from `wit-bindgen c`; they hold the WIT too. */
async function c(name: string): Promise<Uint8Array> {
  const [builtins = BUILTINS] = globSync(BUILTINS);
  const needed = ['/usr/bin/clang', '/usr/bin/wasm-ld', '/usr/lib/wasm32-wasi/crt1-reactor.o', builtins];
  need('Clang for wasm32-wasi', needed, 'on Debian apt-get install clang lld wasi-libc libclang-rt-dev-wasm32');
  const sources = globSync(['src/*.c', 'generated/*.{c,o}'], { cwd: join(GUESTS_FOLDER, name) }).sort();
  const output = join(CACHE_FOLDER, `${name}.core.wasm`);
  const target = ['--target=wasm32-wasi', '--sysroot=/usr', '-mexec-model=reactor'];
  const options = ['-Os', '-flto', '-Wall', '-Wextra', '-Werror', '-Wl,--strip-debug', '-o', output];
  run('/usr/bin/clang', [...target, ...options, ...sources.map((source) => join(name, source))]);
  return makeComponent(output);
}

async function starlingmonkey(name: string): Promise<Uint8Array> {
  const { componentize } = await import('@bytecodealliance/componentize-js');
  const { component } = await componentize({
    sourcePath: join(GUESTS_FOLDER, name, 'src', 'handler.js'),
    witPath: await stageWit(name, (text) => text),
    // The engine's own `fetch` event would export an older wasi:http than the world's.
    disableFeatures: ['fetch-event'],
  });
  return component;
}

/** WIT that a guest imports beside the guests' own, as a file for each package. */
type Dependencies = Readonly<Record<string, string>>;

/**
 * componentize-qjs gives WASI to the program while it takes its snapshot, but not wasi:http, whose stand-in then has
 * resource types other than those of the real wasi:io. So the world's WASI packages have another namespace of the same
 * length until the component is made. They differ in version from those that the engine itself imports, for one
 * component cannot import one name twice.
 */
export async function quickjs(name: string, dependencies: Dependencies = {}): Promise<Uint8Array> {
  const { componentize } = await import('componentize-qjs');
  const { build: bundle } = await import('esbuild');
  const [entry = ''] = globSync(join(GUESTS_FOLDER, name, 'src', 'handler.{js,ts}'));
  const external = ['wasi:*', 'example:*', ...Object.keys(dependencies).map((each) => `${each}/*`)];
  const bundled = await bundle({ entryPoints: [entry], bundle: true, format: 'esm', target: 'es2023', write: false, external });
  const hide = (text: string) => text.replaceAll('wasi:', 'wasj:');
  const show = (text: string) => text.replace(/wasj:([a-z-]+\/[a-z-]+@)/g, 'wasi:$1');
  const { component } = await componentize({
    jsSource: hide(bundled.outputFiles[0]?.text ?? ''),
    witPath: await stageWit(name, (text) => hide(text.replaceAll('0.2.12', '0.2.10')), dependencies),
    optSize: true,
    sync: true,
  });
  return Buffer.from(show(component.toString('latin1')), 'latin1');
}

async function python(name: string): Promise<Uint8Array> {
  const tool = pythonTool('componentize-py', ['-r', join(name, 'requirements.txt')]);
  const witPath = await stageWit(name, (text) => text);
  const output = join(CACHE_FOLDER, `${name}.component.wasm`);
  run(tool, ['--quiet', '-d', witPath, '-w', 'proxy', 'componentize', '-p', join(name, 'src'), '-o', output, 'app'], {
    PYTHONDONTWRITEBYTECODE: '1',
  });
  return readFileSync(output);
}

/** A program from PyPI, installed once, where it disturbs nothing. */
export function pythonTool(program: string, requirements: readonly string[]): string {
  const folder = join(CACHE_FOLDER, 'python');
  const tool = join(folder, 'bin', program);
  if (!existsSync(tool)) {
    if (!works('python3', ['-c', 'import venv, ensurepip'])) {
      throw new MissingToolchain('Python with venv is not here. Install it: on Debian apt-get install python3-venv');
    }
    if (!existsSync(folder)) run('python3', ['-m', 'venv', folder]);
    run(join(folder, 'bin', 'pip'), ['install', '--quiet', '--disable-pip-version-check', ...requirements]);
  }
  return tool;
}

/** Copies a guest's WIT, the guests' own packages and WASI 0.2 beside it, where a componentizer looks for them. */
async function stageWit(name: string, edit: (text: string) => string, dependencies: Dependencies = {}): Promise<string> {
  const staged = join(CACHE_FOLDER, 'wit', basename(name));
  rmSync(staged, { recursive: true, force: true });
  cpSync(join(GUESTS_FOLDER, name, 'wit'), staged, { recursive: true });
  cpSync(join(GUESTS_FOLDER, 'rust-calculator', 'wit'), join(staged, 'deps', 'example-calculator'), { recursive: true });
  for (const [each, file] of Object.entries(dependencies)) cpSync(file, join(staged, 'deps', each.replace(':', '-'), basename(file)));
  const jco = fileURLToPath(import.meta.resolve('@bytecodealliance/jco'));
  cpSync(join(dirname(jco), '..', 'lib', 'wit', 'builtin', '0.2.12'), join(staged, 'deps'), { recursive: true });
  for (const path of globSync('**/*.wit', { cwd: staged })) {
    const file = join(staged, path);
    writeFileSync(file, edit(readFileSync(file, 'utf8')));
  }
  return staged;
}

/** @param adapter for core modules of preview 1 */
export async function makeComponent(path: string, adapter?: 'command' | 'reactor'): Promise<Uint8Array> {
  const jco = await import('@bytecodealliance/jco');
  const adapterPath = { command: jco.preview1AdapterCommandPath, reactor: jco.preview1AdapterReactorPath };
  const adapters: [string, Uint8Array][] = adapter === undefined ? [] : [['wasi_snapshot_preview1', readFileSync(adapterPath[adapter]())]];
  return jco.componentNew(readFileSync(path), adapters);
}

/** @throws MissingToolchain unless all files are there */
export function need(what: string, paths: readonly string[], install: string): void {
  const missing = paths.filter((path) => !existsSync(path));
  if (missing.length > 0) throw new MissingToolchain(`${what} is not here (no ${missing.join(', ')}). Install it: ${install}`);
}

/** Runs a compiler in the guests' folder; what it says goes to stderr, for stdout may be a program's own output. */
export function run(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): void {
  execFileSync(command, args, { cwd: GUESTS_FOLDER, env: { ...process.env, ...env }, stdio: ['ignore', 2, 2] });
}

export function works(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}
