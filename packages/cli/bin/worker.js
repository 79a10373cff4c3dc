// The entry of worker threads of the published command line, as `worker.ts` is that of @tenon/runtime.
import { getEnvironmentData } from 'node:worker_threads';
import { FOLDER, runScript } from './script.js';

runScript('worker.cjs', 'worker', getEnvironmentData(FOLDER));
