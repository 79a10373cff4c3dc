#!/usr/bin/env node
// Plain JavaScript that an old Node can read, so that it can say what it lacks.
import * as fs from 'node:fs';

const NEEDED = 26;
const BUNDLE = new URL('../bundle/tenon.cjs', import.meta.url);

if (Number.parseInt(process.versions.node, 10) < NEEDED) {
  console.error(
    `error[TENON_NODE_VERSION]: tenon needs Node.js ${NEEDED} or newer, and this is ${process.version} (${process.execPath}).\n` +
      'Components need JSPI and WebAssembly multi-memory, which older versions do not have. Install a current Node.js and try again.',
  );
  process.exitCode = 2;
} else if (fs.existsSync(BUNDLE)) {
  const { cacheFolder, FOLDER, runScript } = await import('./script.js');
  const args = process.argv.slice(2);
  // Each command uses functions of its own.
  const name = /^[a-z]+$/.test(args[0]) && !args.includes('--help') && !args.includes('-h') ? args[0] : 'other';
  const folder = cacheFolder();
  // Loading it takes 4 ms, and no other command starts threads.
  if (name === 'serve') process.getBuiltinModule('node:worker_threads').setEnvironmentData(FOLDER, folder);
  await runScript('tenon.cjs', name, folder).main(args);
} else {
  const { enableCompileCache } = await import('node:module');
  enableCompileCache();
  const { main } = await import('../src/main.ts');
  await main(process.argv.slice(2));
}
