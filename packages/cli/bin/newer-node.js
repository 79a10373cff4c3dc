// For an older Node that is asked to run `tenon`: finds one that is new enough among the packages that are installed beside, and lets it
// take over. npm brings Node as a package, `node` or one for each platform. Plain JavaScript that an old Node can read.
const { spawn } = require('node:child_process');
const { existsSync, readFileSync } = require('node:fs');
const { dirname, join } = require('node:path');

const PACKAGES = ['node', `node-${process.platform}-${process.arch}`, `node-bin-${process.platform}-${process.arch}`];

if (process.platform === 'win32') PACKAGES.push(`node-win-${process.arch}`);

/**
 * @param {string} file looked for are the `node_modules` of its folder and of those above
 * @param {number} needed the least major version
 * @returns {string | undefined} the path of a Node
 */
function findNewerNode(file, needed) {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    for (const name of PACKAGES) {
      const home = join(folder, 'node_modules', name);
      const found = nodeIn(home, needed);
      if (found !== undefined) return found;
    }
    if (folder === dirname(folder)) return undefined;
  }
}

function nodeIn(home, needed) {
  try {
    const { version, bin } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'));
    const path = join(home, typeof bin === 'string' ? bin : bin.node);
    return Number.parseInt(version, 10) >= needed && existsSync(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

/** Runs this process's command line again, by another Node, and ends as it ends. */
function runAgain(node) {
  const args = process.argv.slice(1);
  // Takes this process's place where that is possible.
  if (process.execve && process.platform !== 'win32') process.execve(node, [node, ...args], process.env);
  const child = spawn(node, args, { stdio: 'inherit' });
  // The terminal sends Ctrl-C to both processes: wait for the child's own way of ending.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    console.error(`error[TENON_NODE_VERSION]: ${node} cannot be started: ${error.message}`);
    process.exitCode = 2;
  });
  child.on('exit', (code, signal) => {
    if (signal === null) {
      process.exitCode = code;
      return;
    }
    for (const each of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(each);
    process.kill(process.pid, signal);
  });
}

module.exports = { findNewerNode, runAgain };
