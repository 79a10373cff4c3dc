/**
 * A native process that works with a guest against the sandbox: as fast as it can it swaps, in a directory that the guest was granted,
 * plain directories and files for symbolic links that lead out, and moves directories out while the guest stands in them.
 * Run as a worker thread by `attack.test.ts`; `workerData` is the folder that holds `granted` and `outside`.
 */
import { mkdirSync, renameSync, symlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';

const folder = String(workerData);
const granted = (path: string): string => join(folder, 'granted', path);

/** What fails in the turmoil is tried again in the next round. */
function attempt(operation: () => void): void {
  try {
    operation();
  } catch {}
}

function swap(name: string, target: string): void {
  attempt(() => renameSync(granted(name), granted(`${name}.kept`)));
  attempt(() => symlinkSync(target, granted(name)));
  attempt(() => unlinkSync(granted(name)));
  attempt(() => renameSync(granted(`${name}.kept`), granted(name)));
}

function round(): void {
  swap('dir', '../outside');
  swap('dir/file', '../../outside/secret');
  swap('dir', join(folder, 'outside'));
  swap('deep/a', '../../outside');
  // A parent is moved out of the granted directory and back: `..` from within it must not follow.
  attempt(() => renameSync(granted('deep/a/b'), join(folder, 'outside', 'b')));
  attempt(() => renameSync(join(folder, 'outside', 'b'), granted('deep/a/b')));
  attempt(() => mkdirSync(granted('deep/a')));
}

const stop = new Int32Array(new SharedArrayBuffer(4));
parentPort?.postMessage(stop.buffer);
let rounds = 0;
while (Atomics.load(stop, 0) === 0) {
  round();
  rounds++;
}
parentPort?.postMessage(rounds);
