// Runs the bundled command line with a code cache of its own. Node's compile cache holds what V8 compiled when a file was loaded, which
// leaves every function that then runs to be compiled at each start; this one is made after a command ran, and so holds what it used.
// The cache is the user's own and nobody else's, since its content is trusted. NODE_DISABLE_COMPILE_CACHE turns it off.
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { constants, Script } from 'node:vm';

/** One file for each command, as each uses functions of its own. */
function cachePath(bundle, command) {
  if (process.env.NODE_DISABLE_COMPILE_CACHE === '1') return undefined;
  const { mtimeMs, size } = statSync(bundle);
  const base =
    process.platform === 'win32'
      ? process.env.LOCALAPPDATA
      : (process.env.XDG_CACHE_HOME ?? join(homedir(), process.platform === 'darwin' ? 'Library/Caches' : '.cache'));
  if (base === undefined || base === '') return undefined;
  const name = /^[a-z]+$/.test(command) ? command : 'other';
  return join(base, 'tenon', `${name}-${process.versions.v8}-${size}-${Math.round(mtimeMs)}.code`);
}

function readCache(path) {
  try {
    return path === undefined ? undefined : readFileSync(path);
  } catch {
    return undefined;
  }
}

/** Whoever reads meanwhile sees the old file or the new one, never half of one. A cache that cannot be written is no error. */
function writeCache(path, script) {
  try {
    mkdirSync(join(path, '..'), { recursive: true, mode: 0o700 });
    const part = `${path}.${process.pid}`;
    writeFileSync(part, script.createCachedData(), { mode: 0o600 });
    renameSync(part, path);
  } catch {}
}

export async function runBundle(bundle, args) {
  const [command = ''] = args;
  const path = cachePath(bundle, command);
  const cachedData = readCache(path);
  const source = `(function (exports, require, module, bundleUrl) {${readFileSync(bundle, 'latin1')}\n})`;
  const script = new Script(source, { filename: bundle, cachedData, importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER });
  const url = pathToFileURL(bundle).href;
  const module = { exports: {} };
  script.runInThisContext()(module.exports, createRequire(url), module, url);
  await module.exports.main(args);
  const complete = process.exitCode === 0 && !args.includes('--help') && !args.includes('-h');
  if (path !== undefined && complete && (cachedData === undefined || script.cachedDataRejected)) writeCache(path, script);
}
