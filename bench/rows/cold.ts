/** What begins in a new process: a first call, and instances under V8's flags. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureGuest } from '../../guests/guests.ts';
import { bundlePackage } from '../../scripts/bundle.ts';
import { CACHE, ROOT } from '../../scripts/workspace.ts';
import type { Contender, Row } from '../harness.ts';

const program = (name: string): string => fileURLToPath(new URL(`../programs/${name}.mjs`, import.meta.url));

/** Runs a program that prints one number. */
function figure(args: readonly string[]): number {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}: ${stderr}`);
  return Number(stdout);
}

const ADD = 'package bench:add;\nworld add { export add: func(a: u32, b: u32) -> u32; }\n';

/** `add` in JavaScript, with either of two engines for it inside. Built once. */
async function adder(engine: 'quickjs' | 'starlingmonkey'): Promise<string> {
  const folder = join(CACHE, 'bench-add');
  const file = join(folder, `${engine}.wasm`);
  if (existsSync(file)) return file;
  mkdirSync(join(folder, 'wit'), { recursive: true });
  writeFileSync(join(folder, 'wit/add.wit'), ADD);
  writeFileSync(join(folder, 'add.js'), 'export function add(a, b) { return a + b; }\n');
  const witPath = join(folder, 'wit');
  if (engine === 'quickjs') {
    const { componentize } = await import('componentize-qjs');
    writeFileSync(file, (await componentize({ jsSource: readFileSync(join(folder, 'add.js'), 'utf8'), witPath })).component);
  } else {
    const { componentize } = await import('@bytecodealliance/componentize-js');
    writeFileSync(file, (await componentize({ sourcePath: join(folder, 'add.js'), witPath, worldName: 'add' })).component);
  }
  return file;
}

/** The packages as they are published, in a folder like `node_modules`. */
async function packages(): Promise<string> {
  const folder = join(CACHE, 'bench-packages', 'node_modules');
  for (const name of ['component', 'wasi']) {
    const target = join(folder, '@tenon', name);
    rmSync(target, { recursive: true, force: true });
    const source = join(ROOT, 'packages', name);
    await bundlePackage(source, target);
    const manifest = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'));
    const exports = Object.fromEntries(Object.entries<string>(manifest.exports).map(([key, file]) => [key, file.replace(/\.ts$/, '.js')]));
    writeFileSync(join(target, 'package.json'), JSON.stringify({ ...manifest, exports }));
  }
  return folder;
}

function firstCall(what: string, engine: Parameters<typeof adder>[0]): Row {
  return {
    group: 'start-up',
    name: `import → first call in a new process, ${what}`,
    unit: 'ms',
    better: 'less',
    targets: [{ peer: 'jco', ratio: 1.2 }],
    contenders: [
      {
        name: 'tenon',
        async open() {
          const folder = await packages();
          const file = await adder(engine);
          const cache = mkdtempSync(join(tmpdir(), 'tenon-bench-cache-'));
          return {
            sample: () => figure([program('first-call-tenon'), folder, file, cache]),
            close: () => rmSync(cache, { recursive: true, force: true }),
          };
        },
      },
      {
        name: 'jco',
        async open() {
          const { transpile } = await import('@bytecodealliance/jco');
          const folder = mkdtempSync(join(tmpdir(), 'tenon-bench-jco-'));
          const { files } = await transpile(readFileSync(await adder(engine)), { name: 'component', noTypescript: true });
          for (const [name, content] of Object.entries(files)) {
            mkdirSync(dirname(join(folder, name)), { recursive: true });
            writeFileSync(join(folder, name), content as Uint8Array);
          }
          writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
          // What jco wrote imports its shim of WASI.
          mkdirSync(join(folder, 'node_modules/@bytecodealliance'), { recursive: true });
          const shim = 'node_modules/@bytecodealliance/preview2-shim';
          if (process.platform === 'win32') cpSync(join(ROOT, shim), join(folder, shim), { recursive: true });
          else symlinkSync(join(ROOT, shim), join(folder, shim));
          return {
            sample: () => figure([program('first-call-jco'), join(folder, 'component.js')]),
            close: () => rmSync(folder, { recursive: true, force: true }),
          };
        },
      },
    ],
  };
}

function smallInstances(what: string, way: string): Row {
  const contender = (name: string, ...flags: readonly string[]): Contender => ({
    name,
    async open() {
      const guest = await ensureGuest('rust-calculator');
      return { sample: () => figure([...flags, program('instances'), way, guest]) };
    },
  });
  return {
    group: 'start-up',
    name: `a small instance ${what}`,
    unit: 'µs',
    better: 'less',
    targets: [{ peer: 'without the flag', ratio: 0.75 }],
    contenders: [contender('tenon', '--external-memory-accounted-in-global-limit'), contender('without the flag')],
  };
}

export function coldRows(): Row[] {
  return [
    firstCall('1.6 MB QuickJS component', 'quickjs'),
    firstCall('12 MB StarlingMonkey component', 'starlingmonkey'),
    smallInstances('alone', 'alone'),
    smallInstances('beside 5,000 live ones', 'beside'),
    smallInstances('made and dropped', 'dropped'),
  ];
}
