/** Runs every test: `npm test`. Arguments choose files by a part of their path: `npm test -- packages/wasi`. */
import { globSync } from 'node:fs';
import { ROOT, run } from './workspace.ts';

const PLACES = '{packages,guests,examples,conformance,fuzz,bench,docs,scripts}/**/*.test.ts';
const GENERATED = ['node_modules', 'dist', 'target'];

const chosen = process.argv.slice(2);
const files = globSync(PLACES, { cwd: ROOT, exclude: (path) => GENERATED.some((name) => path.split('/').includes(name)) })
  .filter((file) => chosen.length === 0 || chosen.some((part) => file.includes(part)))
  .sort();

if (files.length === 0) {
  console.error(`error: no test file matches ${chosen.join(' ')}`);
  process.exitCode = 1;
} else {
  console.log(`${files.length} test files`);
  process.exitCode = await run(process.execPath, ['--test', '--test-concurrency=2', '--test-timeout=600000', ...files]);
}
