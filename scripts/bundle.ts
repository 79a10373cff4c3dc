/**
 * Bundles packages as they are published: loading a hundred modules takes longer than a small guest runs. Of the command line there is one script
 * besides, which `packages/cli/bin/tenon.js` uses where it is there.
 */
import { hash } from 'node:crypto';
import { cpSync, existsSync, globSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { getBuiltinModule } from 'node:process';
import { build, type Plugin } from 'esbuild';
import { CACHE, ROOT } from './workspace.ts';

/** It starts worker threads from its own files. */
const EXTERNAL = ['@tenon/wast'];

/** The command line, and the two kinds of worker threads that `tenon serve` starts. */
const SCRIPTS = {
  tenon: 'packages/cli/src/main.ts',
  worker: 'packages/runtime/src/worker.ts',
  ticker: 'packages/runtime/src/ticker-thread.ts',
};

/** `import { createHash } from 'node:crypto'` loads the module, and all that its getters lead to, when `createHash` is used first. */
const lazyBuiltins: Plugin = {
  name: 'lazy-builtins',
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /^node:/ }, ({ path }) => ({ path, namespace: 'builtin', sideEffects: false }));
    onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => {
      const names = Object.getOwnPropertyNames(getBuiltinModule(path)).filter((name) => /^[A-Za-z_]\w*$/.test(name) && name !== 'default');
      const getters = names.map((name) => `get ${name}() { return process.getBuiltinModule('${path}').${name}; }`);
      return { contents: `module.exports = { ${getters.join(',\n')} };`, loader: 'js' };
    });
  },
};

/** Whatever is not a file of the package. */
const otherPackages: Plugin = {
  name: 'other-packages',
  setup({ onResolve }) {
    onResolve({ filter: /^[^.]/ }, ({ path, kind }) =>
      kind === 'entry-point' || path.startsWith('node:') ? undefined : { path, external: true },
    );
  },
};

/** `new URL('./worker.ts', import.meta.url)` is a file of JavaScript then. */
const builtUrls: Plugin = {
  name: 'built-urls',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]src[\\/].*\.ts$/ }, ({ path }) => {
      const source = readFileSync(path, 'utf8');
      if (!source.includes('new URL(')) return undefined;
      return { contents: source.replaceAll(/(new URL\()(['"])(\.[^'"]*)\.ts\2/g, '$1$2$3.js$2'), loader: 'ts' };
    });
  },
};

/** No module of ours does anything when it is loaded but define things, so what is not used can be left out. */
const pureModules: Plugin = {
  name: 'pure-modules',
  setup({ onResolve, resolve }) {
    onResolve({ filter: /^(@tenon\/|\.)/ }, async ({ path, pluginData, kind, importer, resolveDir }) => {
      if (pluginData === pureModules || EXTERNAL.includes(path)) return undefined;
      return { ...(await resolve(path, { kind, importer, resolveDir, pluginData: pureModules })), sideEffects: false };
    });
  },
};

/** A digest of the engine's sources, which says whose work is kept. Hexadecimal digits. */
export function buildId(): string {
  const folder = join(ROOT, 'packages/component/src');
  const sources = globSync('**/*.ts', { cwd: folder, exclude: ['**/*.test.ts'] }).sort();
  return hash('sha256', sources.map((file) => readFileSync(join(folder, file), 'utf8')).join()).slice(0, 16);
}

/** Modules that other code finds by their URL, so that they are files of their own. */
const FOUND_BY_URL = ['worker', 'module-instance'];

/**
 * Writes a package's JavaScript: a file for each way in, and one for what they share. Other packages stay outside, so that there is one of each.
 * @param source its folder in the repository
 * @param target the folder of what is published
 */
export async function bundlePackage(source: string, target: string): Promise<void> {
  const { exports }: { exports: Readonly<Record<string, string>> } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'));
  const own = FOUND_BY_URL.map((name) => `./src/${name}.ts`).filter((file) => existsSync(join(source, file)));
  await build({
    entryPoints: [...new Set([...Object.values(exports), ...own])].map((file) => join(source, file)),
    outbase: source,
    outdir: target,
    bundle: true,
    splitting: true,
    // Beside the others, since code finds files by their place in this folder.
    chunkNames: 'src/[name]-[hash]',
    format: 'esm',
    platform: 'node',
    target: 'node26',
    // Names stay, for stacks; to read what is in between takes half of the time until a first call.
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    logLevel: 'error',
    define: { TENON_BUILD: JSON.stringify(buildId()) },
    plugins: [otherPackages, lazyBuiltins, pureModules, builtUrls],
  });
}

/** Writes the scripts in `bundle/` of the folder of a `tenon` package. */
export async function bundleCommandLine(packageFolder: string): Promise<void> {
  await build({
    entryPoints: Object.fromEntries(Object.entries(SCRIPTS).map(([name, source]) => [name, join(ROOT, source)])),
    outdir: join(packageFolder, 'bundle'),
    outExtension: { '.js': '.cjs' },
    bundle: true,
    // A script, not a module: only of scripts can the code cache be made after they ran, with the functions that they used.
    format: 'cjs',
    platform: 'node',
    target: 'node26',
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    logLevel: 'error',
    external: EXTERNAL,
    define: { 'import.meta.url': 'bundleUrl', TENON_BUILD: JSON.stringify(buildId()) },
    plugins: [lazyBuiltins, pureModules],
  });
}

/** Makes the command line as it is published, for measuring it. Returns the path of its `tenon.js`; it uses the packages of this repository. */
export async function publishedCommandLine(): Promise<string> {
  const folder = join(CACHE, 'tenon');
  mkdirSync(folder, { recursive: true });
  for (const part of ['package.json', 'bin']) cpSync(join(ROOT, 'packages/cli', part), join(folder, part), { recursive: true });
  await bundleCommandLine(folder);
  return join(folder, 'bin/tenon.js');
}

if (import.meta.main) console.log(await publishedCommandLine());
