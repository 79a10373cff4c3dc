#!/usr/bin/env node
// Plain JavaScript that an old Node can read, so that it can say what it lacks. No ES module: to start one takes Node 10 ms more, half of it
// because an import of `node:fs` asks for all of its exports.
const { existsSync } = require('node:fs');
const { join } = require('node:path');

const NEEDED = 26;

/**
 * For `tenon serve`. V8 reads these whenever it collects garbage. With no request under way it would soon let go of their hidden classes, and
 * with these of all code that it has optimised for them, Node's HTTP server included: the next requests would cost twice as much until it is
 * compiled anew. They are set before anything is loaded, since V8 takes no code from a cache that was made under other flags.
 */
const SERVE_FLAGS = [
  // No full collection because the process is idle, and in the others a class may be without objects for so many.
  '--memory-reducer-gc-count=0',
  '--retain-maps-for-n-gc=1000',
  // A memory counts as what it takes, so that V8 does not collect everything for each 64 MiB of them: an instance then costs half, beside thousands of
  // others an eighth. It is read when a thread starts.
  '--external-memory-accounted-in-global-limit',
  // Then nothing would make a nursery small again: the main thread's does not grow, and a worker's begins with the size, in MiB, that it needs.
  '--semi-space-growth-factor=1',
  '--min-semi-space-size=4',
];

const BUNDLE = join(__dirname, '../bundle/tenon.cjs');

if (Number.parseInt(process.versions.node, 10) < NEEDED) {
  const { findNewerNode, runAgain } = require('./newer-node.js');
  const node = findNewerNode(__filename, NEEDED);
  if (node !== undefined) {
    runAgain(node);
  } else {
    console.error(
      `error[TENON_NODE_VERSION]: tenon needs Node.js ${NEEDED} or newer, and this is ${process.version} (${process.execPath}).\n` +
        'Components need JSPI and WebAssembly multi-memory, which older versions do not have. Install a current Node.js and try again.',
    );
    process.exitCode = 2;
  }
} else {
  start(process.argv.slice(2));
}

async function start(args) {
  // Each command uses functions of its own.
  const name = /^[a-z]+$/.test(args[0]) && !args.includes('--help') && !args.includes('-h') ? args[0] : 'other';
  // To load what sets flags takes 3 ms, which `run` with its one instance would not get back.
  if (name === 'serve') {
    const { setFlagsFromString } = require('node:v8');
    for (const flag of SERVE_FLAGS) setFlagsFromString(flag);
  }
  if (existsSync(BUNDLE)) {
    const { cacheFolder, FOLDER, runScript } = require('./script.js');
    const folder = cacheFolder();
    // Loading it takes 4 ms, and no other command starts threads.
    if (name === 'serve') require('node:worker_threads').setEnvironmentData(FOLDER, folder);
    await runScript('tenon.cjs', name, folder).main(args, folder);
  } else {
    require('node:module').enableCompileCache();
    const { main } = await import('../src/main.ts');
    await main(args);
  }
}
