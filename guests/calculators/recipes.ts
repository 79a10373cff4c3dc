/** How the calculator and its consumer are built: one function for each language. */
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { CACHE_FOLDER, GUESTS_FOLDER } from '../guests.ts';
import { MissingToolchain, makeComponent, need, pythonTool, run, rust, works } from '../recipes.ts';
import type { CalculatorLanguage, Role } from './calculators.ts';

export const CALCULATOR_RECIPES: Readonly<Record<CalculatorLanguage, (role: Role) => Promise<Uint8Array>>> = {
  rust: (role) => rust(role === 'calculator' ? 'rust-calculator' : 'calculator-consumer', 'wasm32-unknown-unknown'),
  c,
  zig,
  go,
  kotlin,
  js,
  qjs,
  python,
};

const folder = (language: string): string => join('calculators', language);

/** The bindings in `generated/` come from `wit-bindgen c`; they hold the WIT too. */
async function c(role: Role): Promise<Uint8Array> {
  const [builtins = 'libclang_rt.builtins-wasm32.a'] = globSync('/usr/lib/llvm-*/lib/clang/*/lib/wasi/libclang_rt.builtins-wasm32.a');
  const needed = ['/usr/bin/clang', '/usr/bin/wasm-ld', '/usr/lib/wasm32-wasi/crt1-reactor.o', builtins];
  need('Clang for wasm32-wasi', needed, 'on Debian apt-get install clang lld wasi-libc libclang-rt-dev-wasm32');
  const output = coreFile('c', role);
  const target = ['--target=wasm32-wasi', '--sysroot=/usr', '-mexec-model=reactor'];
  const options = ['-Os', '-flto', '-Wall', '-Wextra', '-Werror', '-Wl,--strip-debug', '-o', output];
  const sources = [`${role}.c`, `generated/${role}.c`, `generated/${role}_component_type.o`].map((file) => join(folder('c'), file));
  run('/usr/bin/clang', [...target, ...options, ...sources]);
  return makeComponent(output);
}

async function zig(role: Role): Promise<Uint8Array> {
  const python = join(pythonTool('python-zig', ['ziglang==0.17.1']), '..', 'python3');
  const output = coreFile('zig', role);
  const options = ['-target', 'wasm32-freestanding', '-fno-entry', '-rdynamic', '-O', 'ReleaseSmall', `-femit-bin=${output}`];
  run(python, ['-m', 'ziglang', 'build-exe', join(folder('zig'), `${role}.zig`), ...options]);
  return fromCore(output, role);
}

async function go(role: Role): Promise<Uint8Array> {
  if (!works('go', ['version'])) throw new MissingToolchain('Go is not here. Install Go 1.24 or newer: https://go.dev/dl');
  const output = coreFile('go', role);
  const options = ['-buildmode=c-shared', '-trimpath', '-ldflags=-s -w', '-o', output];
  run('go', ['build', ...options, `./${folder('go')}/${role}/main.go`], { GOOS: 'wasip1', GOARCH: 'wasm' });
  return fromCore(output, role, 'reactor');
}

const KOTLIN = '2.3.0';

/** The compiler comes from Maven; it makes a library of the sources, and then a module of the library. */
async function kotlin(role: Role): Promise<Uint8Array> {
  if (!works('mvn', ['--version'])) throw new MissingToolchain('Maven is not here. Install it: on Debian apt-get install maven');
  const base = 'org.jetbrains.kotlin:kotlin';
  for (const artifact of [`${base}-compiler-embeddable:${KOTLIN}`, `${base}-stdlib-wasm-wasi:${KOTLIN}:klib`]) {
    run('mvn', ['-q', 'dependency:get', `-Dartifact=${artifact}`]);
  }
  const repository = join(homedir(), '.m2', 'repository', 'org', 'jetbrains');
  const classPath = globSync('**/*.jar', { cwd: repository }).map((jar) => join(repository, jar));
  const library = join(repository, 'kotlin', 'kotlin-stdlib-wasm-wasi', KOTLIN, `kotlin-stdlib-wasm-wasi-${KOTLIN}.klib`);
  const output = join(CACHE_FOLDER, 'calculators', `kotlin-${role}`);
  rmSync(output, { recursive: true, force: true });
  const compile = (...args: string[]): void => {
    const compiler = ['-cp', classPath.join(':'), 'org.jetbrains.kotlin.cli.js.K2JSCompiler', '-Xwasm', '-Xwasm-target=wasm-wasi'];
    run('java', [...compiler, ...args, '-ir-output-name', role]);
  };
  const source = join(GUESTS_FOLDER, folder('kotlin'), `${role}.kt`);
  const klib = join(output, 'klib', `${role}.klib`);
  compile('-libraries', library, '-Xir-produce-klib-file', '-ir-output-dir', join(output, 'klib'), source);
  compile('-libraries', `${library}:${klib}`, '-Xir-produce-js', `-Xinclude=${klib}`, '-ir-output-dir', join(output, 'out'));
  return fromCore(join(output, 'out', `${role}.wasm`), role, 'reactor');
}

async function js(role: Role): Promise<Uint8Array> {
  const { componentize } = await import('@bytecodealliance/componentize-js');
  const { component } = await componentize({
    sourcePath: join(GUESTS_FOLDER, folder('js'), `${role}.js`),
    witPath: stageWit(role),
    worldName: role,
    disableFeatures: ['fetch-event'],
  });
  return component;
}

async function qjs(role: Role): Promise<Uint8Array> {
  const { componentize } = await import('componentize-qjs');
  const { component } = await componentize({
    jsSource: readFileSync(join(GUESTS_FOLDER, folder('js'), `${role}.js`), 'utf8'),
    witPath: stageWit(role),
    world: role,
    optSize: true,
    sync: true,
  });
  return component;
}

async function python(role: Role): Promise<Uint8Array> {
  const tool = pythonTool('componentize-py', ['-r', join('python-http', 'requirements.txt')]);
  const output = join(CACHE_FOLDER, 'calculators', `python-${role}.component.wasm`);
  run(tool, ['--quiet', '-d', stageWit(role), '-w', role, 'componentize', '-p', folder('python'), '-o', output, role], {
    PYTHONDONTWRITEBYTECODE: '1',
  });
  return readFileSync(output);
}

function coreFile(language: string, role: Role): string {
  mkdirSync(join(CACHE_FOLDER, 'calculators'), { recursive: true });
  return join(CACHE_FOLDER, 'calculators', `${language}-${role}.core.wasm`);
}

/** Embeds the world into a core module that knows nothing of it, and makes a component. */
async function fromCore(path: string, role: Role, adapter?: 'reactor'): Promise<Uint8Array> {
  const jco = await import('@bytecodealliance/jco');
  const calculator = readFileSync(join(GUESTS_FOLDER, 'rust-calculator', 'wit', 'calculator.wit'), 'utf8');
  const consumer = readFileSync(join(GUESTS_FOLDER, 'calculators', 'wit', 'consumer.wit'), 'utf8');
  const nested = calculator.replace(/^package ([^;]+);([\s\S]*)$/, 'package $1 {$2}');
  const witSource = role === 'calculator' ? calculator : `${consumer}\n${nested}`;
  writeFileSync(`${path}.embedded`, await jco.componentEmbed({ binary: readFileSync(path), witSource, world: role }));
  return makeComponent(`${path}.embedded`, adapter);
}

/** A folder with the WIT of a role, where componentizers look for it. */
function stageWit(role: Role): string {
  const staged = join(CACHE_FOLDER, 'calculators', `wit-${role}`);
  rmSync(staged, { recursive: true, force: true });
  const own = join(GUESTS_FOLDER, 'rust-calculator', 'wit');
  if (role === 'calculator') cpSync(own, staged, { recursive: true });
  else {
    cpSync(join(GUESTS_FOLDER, 'calculators', 'wit'), staged, { recursive: true });
    cpSync(own, join(staged, 'deps', 'example-calculator'), { recursive: true });
  }
  return staged;
}
