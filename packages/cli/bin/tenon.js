#!/usr/bin/env node
// Plain JavaScript that an old Node can read, so that it can say what it lacks.
import * as fs from 'node:fs';
import { fileURLToPath } from 'node:url';

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
  // Then nothing would make a nursery small again: the main thread's does not grow, and a worker's begins with the size, in MiB, that it needs.
  '--semi-space-growth-factor=1',
  '--min-semi-space-size=4',
];

const BUNDLE = new URL('../bundle/tenon.cjs', import.meta.url);

if (Number.parseInt(process.versions.node, 10) < NEEDED) {
  const { findNewerNode, runAgain } = await import('./newer-node.js');
  const node = findNewerNode(fileURLToPath(import.meta.url), NEEDED);
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
  const args = process.argv.slice(2);
  // Each command uses functions of its own.
  const name = /^[a-z]+$/.test(args[0]) && !args.includes('--help') && !args.includes('-h') ? args[0] : 'other';
  if (name === 'serve') {
    const { setFlagsFromString } = process.getBuiltinModule('node:v8');
    for (const flag of SERVE_FLAGS) setFlagsFromString(flag);
  }
  if (fs.existsSync(BUNDLE)) {
    const { cacheFolder, FOLDER, runScript } = await import('./script.js');
    const folder = cacheFolder();
    // Loading it takes 4 ms, and no other command starts threads.
    if (name === 'serve') process.getBuiltinModule('node:worker_threads').setEnvironmentData(FOLDER, folder);
    await runScript('tenon.cjs', name, folder).main(args);
  } else {
    const { enableCompileCache } = await import('node:module');
    enableCompileCache();
    const { main } = await import('../src/main.ts');
    await main(args);
  }
}
