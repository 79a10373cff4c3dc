// Runs a bundled script with a code cache of its own. Node's compile cache holds what V8 compiled when a file was loaded, which leaves
// every function that then runs to be compiled at each start; this one is made after a script has run, and so holds what it used.
// The cache is the user's own and nobody else's, since its content is trusted. NODE_DISABLE_COMPILE_CACHE turns it off.
const { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } = require('node:fs');
const { dirname, isAbsolute, join } = require('node:path');
const { pathToFileURL } = require('node:url');
const { constants, Script } = require('node:vm');

/** Code is kept by then even if the process goes on: V8 forgets functions that have not run for a while, and servers may be killed. */
const SETTLED_MS = 2000;

/** Caches that were made longer ago belong to versions that are gone, or are made again. */
const KEPT_MS = 30 * 24 * 60 * 60 * 1000;

/** Under this name worker threads are told the folder, as they do not see the process's environment. */
const FOLDER = 'tenon.code-cache';

function cacheFolder() {
  const { env, platform } = process;
  if (env.NODE_DISABLE_COMPILE_CACHE === '1') return undefined;
  const base =
    platform === 'win32'
      ? env.LOCALAPPDATA
      : env.XDG_CACHE_HOME || join(require('node:os').homedir(), platform === 'darwin' ? 'Library/Caches' : '.cache');
  return base && isAbsolute(base) ? join(base, 'tenon') : undefined;
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
    const folder = dirname(path);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    // Each thread of a process has a time of its own.
    const part = `${path}.${process.pid}.${performance.timeOrigin}`;
    writeFileSync(part, script.createCachedData(), { mode: 0o600 });
    renameSync(part, path);
    for (const name of readdirSync(folder)) {
      const file = join(folder, name);
      if (Date.now() - statSync(file).mtimeMs > KEPT_MS) rmSync(file);
    }
  } catch {}
}

/**
 * Runs a script of the folder `bundle` and returns what it exports.
 * @param purpose names the cache: what a script is used for decides which of its functions run
 * @param folder where caches are; undefined for none
 */
function runScript(file, purpose, folder) {
  const path = join(__dirname, '../bundle', file);
  const { mtimeMs, size } = statSync(path);
  const cache = folder && join(folder, `${purpose}-${process.versions.v8}-${size}-${Math.round(mtimeMs)}.code`);
  const cachedData = readCache(cache);
  const source = `(function (exports, require, module, bundleUrl) {${readFileSync(path, 'latin1')}\n})`;
  const script = new Script(source, { filename: path, cachedData, importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER });
  const module = { exports: {} };
  script.runInThisContext()(module.exports, require, module, pathToFileURL(__filename).href);
  if (cache !== undefined && (cachedData === undefined || script.cachedDataRejected)) {
    const keep = (code = 0) => {
      clearTimeout(settled);
      process.off('exit', keep);
      if (code === 0) writeCache(cache, script);
    };
    const settled = setTimeout(keep, SETTLED_MS).unref();
    process.once('exit', keep);
  }
  return module.exports;
}

module.exports = { cacheFolder, FOLDER, runScript };
