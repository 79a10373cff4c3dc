// Runs a script of this repository under Node 26 on a machine that may have an older Node and no node_modules.
// Plain JavaScript for Node 20: `node scripts/bootstrap.mjs <script> [arguments…]`.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const NEEDED_NODE = 26;
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const binaries = join(root, 'node_modules', '.bin');

const major = (version) => Number.parseInt(version, 10);
const readJson = (...path) => JSON.parse(readFileSync(join(root, ...path), 'utf8'));

/** Whether node_modules holds what the lock file asks for; packages for other platforms may be missing. */
function isInstalled() {
  if (!existsSync(join(root, 'node_modules', '.package-lock.json'))) return false;
  const installed = readJson('node_modules', '.package-lock.json').packages;
  return Object.entries(readJson('package-lock.json').packages).every(([path, wanted]) => {
    if (!path.startsWith('node_modules/') || wanted.optional || wanted.peer) return true;
    const found = installed[path];
    return found !== undefined && (wanted.link ? found.link : found.version === wanted.version);
  });
}

/** @returns {Promise<number>} the exit code. */
function run(command, args, options) {
  return new Promise((settle, fail) => {
    const child = spawn(command, args, { stdio: 'inherit', cwd: root, ...options });
    // The terminal sends Ctrl-C to both processes: wait for the child's own way of ending.
    const ignore = () => {};
    const forward = () => child.kill('SIGTERM');
    process.on('SIGINT', ignore).on('SIGTERM', forward);
    child.on('error', fail).on('exit', (code, signal) => {
      process.off('SIGINT', ignore).off('SIGTERM', forward);
      settle(code ?? (signal === 'SIGINT' ? 130 : 143));
    });
  });
}

async function install() {
  console.error('Installing development dependencies (npm ci, half a minute) …');
  const started = Date.now();
  const seconds = () => Math.round((Date.now() - started) / 1000);
  const progress = process.stderr.isTTY ? undefined : setInterval(() => console.error(`  … ${seconds()} s`), 10_000);
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
  const code = await run('npm', args, { shell: process.platform === 'win32' });
  clearInterval(progress);
  if (code !== 0) {
    console.error('error: `npm ci` failed; see its message above.');
    process.exit(1);
  }
  console.error(`Installed in ${seconds()} s.`);
}

/** The path of a Node that is new enough, or undefined. */
function findNode() {
  if (major(process.versions.node) >= NEEDED_NODE) return process.execPath;
  for (const name of readPlatformPackages()) {
    const manifest = join(root, 'node_modules', name, 'package.json');
    if (!existsSync(manifest)) continue;
    const { version, bin } = readJson('node_modules', name, 'package.json');
    if (major(version) >= NEEDED_NODE) return join(dirname(manifest), bin.node);
  }
  return undefined;
}

const readPlatformPackages = () => Object.keys(readJson('package.json').optionalDependencies).filter((name) => name.startsWith('node-'));

if (!isInstalled()) await install();
const node = findNode();
if (node === undefined) {
  console.error(
    `error: Tenon needs Node.js ${NEEDED_NODE} or newer, and npm has none for ${process.platform} on ${process.arch}: install it and try again.`,
  );
  process.exit(1);
}

const [script, ...args] = process.argv.slice(2);
if (script === undefined) {
  console.error('usage: node scripts/bootstrap.mjs SCRIPT [ARGS…]');
  process.exit(2);
}
const file = resolve(root, script);
process.env.PATH = `${dirname(node)}${delimiter}${binaries}${delimiter}${process.env.PATH}`;
// Takes this process's place where that is possible.
if (process.execve && process.platform !== 'win32') process.execve(node, [node, file, ...args], process.env);
process.exit(await run(node, [file, ...args]));
