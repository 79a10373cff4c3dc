// The entry of worker threads of the published command line, as `worker.ts` is that of @tenon/runtime.
import { getEnvironmentData, workerData } from 'node:worker_threads';
import { FOLDER, runScript } from './script.js';

if ('ticker' in workerData) runScript('ticker.cjs', 'ticker', undefined);
else runScript('worker.cjs', 'worker', getEnvironmentData(FOLDER));
