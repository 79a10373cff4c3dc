/**
 * Builds what would be published: `npm run build` makes of every package one file of JavaScript for each way in, and declarations, in its `dist/`
 * folder, and packs each as a tarball in the root's `dist/`. In the repository itself TypeScript runs as it is.
 */
import { cpSync, existsSync, globSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { bundleCommandLine, bundlePackage } from './bundle.ts';
import { CACHE, output, ROOT } from './workspace.ts';

interface Manifest {
  readonly name: string;
  readonly exports: Readonly<Record<string, string>>;
}

const toJavaScript = (path: string): string => path.replace(/\.ts$/, '.js');

/** A repository manifest names sources; a published one names what was built from them. */
function publishedManifest(manifest: Manifest): object {
  const exports = Object.entries(manifest.exports).map(([name, source]) => [
    name,
    { types: source.replace(/\.ts$/, '.d.ts'), default: toJavaScript(source) },
  ]);
  return { ...manifest, engines: { node: '>=26' }, exports: Object.fromEntries(exports), files: ['src', 'bin', 'bundle'] };
}

/** Sources that plain JavaScript and declarations name have new names too. */
const renameSources = (code: string): string =>
  code
    .replaceAll(/(import\(|from )(['"])(\.[^'"]*)\.ts\2/g, '$1$2$3.js$2')
    // What was written by hand lies beside.
    .replaceAll(/(\/\/\/ <reference path=")[^"]*\/([^"/]+\.d\.ts")/g, '$1./$2');

function rewrite(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  writeFileSync(to, renameSources(readFileSync(from, 'utf8')));
}

/** Writes the declarations of all packages. */
async function declare(out: string): Promise<void> {
  mkdirSync(out, { recursive: true });
  const project = join(out, 'tsconfig.json');
  const compilerOptions = {
    rootDir: join(ROOT, 'packages'),
    outDir: out,
    rewriteRelativeImportExtensions: true,
    emitDeclarationOnly: true,
  };
  const include = [join(ROOT, 'packages/*/src/**/*.ts')];
  const exclude = [join(ROOT, 'packages/*/src/**/*.test.ts')];
  writeFileSync(project, JSON.stringify({ extends: join(ROOT, 'tsconfig.base.json'), compilerOptions, include, exclude }));
  await output(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '--project', project]);
}

async function assemble(folder: string, declared: string): Promise<void> {
  const source = join(ROOT, 'packages', folder);
  const target = join(source, 'dist');
  rmSync(target, { recursive: true, force: true });
  for (const file of globSync('src/**/*.d.ts', { cwd: join(declared, folder) })) rewrite(join(declared, folder, file), join(target, file));
  await bundlePackage(source, target);
  for (const file of globSync('bin/**/*.js', { cwd: source })) rewrite(join(source, file), join(target, file));
  // Data that the code reads beside itself, and declarations that were written by hand.
  for (const file of globSync('{src/**/*.{wasm,wit,json,d.ts},bin/package.json}', { cwd: source }))
    cpSync(join(source, file), join(target, file));
  const manifest: Manifest = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'));
  writeFileSync(join(target, 'package.json'), `${JSON.stringify(publishedManifest(manifest), null, 2)}\n`);
  for (const file of ['LICENSE', 'README.md']) if (existsSync(join(ROOT, file))) cpSync(join(ROOT, file), join(target, file));
}

/** Builds and packs every package. Returns the paths of the tarballs. */
export async function build(): Promise<string[]> {
  const declared = join(CACHE, 'build');
  const tarballs = join(ROOT, 'dist');
  for (const folder of [declared, tarballs]) rmSync(folder, { recursive: true, force: true });
  mkdirSync(tarballs);
  await declare(declared);
  const packages = readdirSync(join(ROOT, 'packages')).filter((folder) => existsSync(join(declared, folder)));
  for (const folder of packages) await assemble(folder, declared);
  await bundleCommandLine(join(ROOT, 'packages/cli/dist'));
  const folders = packages.map((folder) => `./packages/${folder}/dist`);
  const packed = await output('npm', ['pack', '--json', '--loglevel=error', '--pack-destination', tarballs, ...folders]);
  return tarballNames(JSON.parse(packed)).map((name) => join(tarballs, name));
}

/** npm prints a list, or (from version 11.6) an object by package name. */
function tarballNames(packed: readonly { filename: string }[] | Record<string, { filename: string }>): string[] {
  return Object.values(packed).map((entry) => entry.filename);
}

if (import.meta.main) {
  for (const path of await build()) console.log(path);
}
