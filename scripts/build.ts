/**
 * Builds what would be published: `npm run build` compiles every package to JavaScript and declarations in its `dist/` folder,
 * and packs each as a tarball in the root's `dist/`. In the repository itself TypeScript runs as it is.
 */
import { cpSync, existsSync, globSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { bundleCommandLine } from './bundle.ts';
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

/** Source files that are found by URL or from plain JavaScript have new names too; the compiler renames only imports in TypeScript. */
const renameSources = (code: string): string =>
  code.replaceAll(/(new URL\(|import\()(['"])(\.[^'"]*)\.ts\2/g, '$1$2$3.js$2').replaceAll(/(from )(['"])(\.[^'"]*)\.ts\2/g, '$1$2$3.js$2');

function rewrite(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  writeFileSync(to, renameSources(readFileSync(from, 'utf8')));
}

async function compile(out: string): Promise<void> {
  mkdirSync(out, { recursive: true });
  const project = join(out, 'tsconfig.json');
  const compilerOptions = { rootDir: join(ROOT, 'packages'), outDir: out, rewriteRelativeImportExtensions: true };
  const include = [join(ROOT, 'packages/*/src/**/*.ts')];
  const exclude = [join(ROOT, 'packages/*/src/**/*.test.ts')];
  writeFileSync(project, JSON.stringify({ extends: join(ROOT, 'tsconfig.base.json'), compilerOptions, include, exclude }));
  await output(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '--project', project]);
}

function assemble(folder: string, compiled: string): void {
  const source = join(ROOT, 'packages', folder);
  const target = join(source, 'dist');
  rmSync(target, { recursive: true, force: true });
  for (const file of globSync('src/**/*.{js,d.ts}', { cwd: join(compiled, folder) })) {
    rewrite(join(compiled, folder, file), join(target, file));
  }
  for (const file of globSync('bin/**/*.js', { cwd: source })) rewrite(join(source, file), join(target, file));
  // Data that the code reads beside itself.
  for (const file of globSync('src/**/*.{wasm,wit,json}', { cwd: source })) cpSync(join(source, file), join(target, file));
  const manifest: Manifest = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'));
  writeFileSync(join(target, 'package.json'), `${JSON.stringify(publishedManifest(manifest), null, 2)}\n`);
  for (const file of ['LICENSE', 'README.md']) if (existsSync(join(ROOT, file))) cpSync(join(ROOT, file), join(target, file));
}

/** Builds and packs every package. Returns the paths of the tarballs. */
export async function build(): Promise<string[]> {
  const compiled = join(CACHE, 'build');
  const tarballs = join(ROOT, 'dist');
  for (const folder of [compiled, tarballs]) rmSync(folder, { recursive: true, force: true });
  mkdirSync(tarballs);
  await compile(compiled);
  const packages = readdirSync(join(ROOT, 'packages')).filter((folder) => existsSync(join(compiled, folder)));
  for (const folder of packages) assemble(folder, compiled);
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
