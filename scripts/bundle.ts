/**
 * Bundles the command line into one file, as the published `tenon` package has it: loading a hundred modules takes longer than a small
 * guest runs. `packages/cli/bin/tenon.js` uses the bundle where there is one.
 */
import { cpSync, mkdirSync } from 'node:fs';
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
    define: { 'import.meta.url': 'bundleUrl' },
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
