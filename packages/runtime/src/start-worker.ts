/** Starts the runtime's worker threads. */
import { existsSync } from 'node:fs';
import { getCompileCacheDir } from 'node:module';
import { dirname, extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ResourceLimits, Worker } from 'node:worker_threads';
import { RuntimeError } from './errors.ts';

/** The code that a thread begins with. A thread has no compile cache unless it asks for one: where the process has one, it uses the same. */
function bootstrap(worker: URL): string {
  const cache = getCompileCacheDir();
  // What is told is a folder for this version of Node inside the one that was asked for.
  const enable = cache === undefined ? '' : `require('node:module').enableCompileCache(${JSON.stringify(dirname(cache))});`;
  return `${enable} import(${JSON.stringify(worker.href)});`;
}

/** @throws RuntimeError TENON_RUNTIME_WORKER */
function workerFile(given: URL | undefined): URL {
  const worker = given ?? new URL(`./worker${extname(import.meta.url)}`, import.meta.url);
  if (worker.protocol === 'file:' && !existsSync(fileURLToPath(worker))) {
    const how = 'bundle `@tenon/runtime/worker` as a file of its own and name it: Runtime.create({ worker: new URL(…) })';
    throw new RuntimeError('TENON_RUNTIME_WORKER', `the code of the worker threads is not at ${fileURLToPath(worker)}: ${how}`);
  }
  return worker;
}

/**
 * Starts a thread that runs `worker.ts`.
 * @param worker where that is, unless beside this file
 * @throws RuntimeError TENON_RUNTIME_WORKER
 */
export function startWorker(worker: URL | undefined, workerData: object, resourceLimits: ResourceLimits): Worker {
  // Guests see none of the host's environment, so neither do their threads.
  return new Worker(bootstrap(workerFile(worker)), { eval: true, env: {}, workerData, resourceLimits });
}
