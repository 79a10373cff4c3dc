// The entry of worker threads of the published command line, as `worker.ts` is that of @tenon/runtime.
import { getEnvironmentData, workerData } from 'node:worker_threads';
import { FOLDER, runScript } from './script.js';

// Each kind of thread uses functions of its own.
runScript('worker.cjs', workerData?.ticker === undefined ? 'worker' : 'ticker', getEnvironmentData(FOLDER));
