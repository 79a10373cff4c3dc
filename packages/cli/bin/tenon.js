#!/usr/bin/env node
// Plain JavaScript that an old Node can read, so that it can say what it lacks.
import * as nodeModule from 'node:module';

const NEEDED = 26;

if (Number.parseInt(process.versions.node, 10) < NEEDED) {
  console.error(
    `error[TENON_NODE_VERSION]: tenon needs Node.js ${NEEDED} or newer, and this is ${process.version} (${process.execPath}).\n` +
      'Components need JSPI and WebAssembly multi-memory, which older versions do not have. Install a current Node.js and try again.',
  );
  process.exitCode = 2;
} else {
  // The second start compiles nothing again.
  nodeModule.enableCompileCache();
  const { main } = await import('../src/main.ts');
  await main(process.argv.slice(2));
}
