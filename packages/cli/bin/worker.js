// The entry of worker threads of the published command line, as `worker.ts` is that of @tenon/runtime.
const { getEnvironmentData, workerData } = require('node:worker_threads');
const { FOLDER, runScript } = require('./script.js');

if ('ticker' in workerData) runScript('ticker.cjs', 'ticker', undefined);
else runScript('worker.cjs', 'worker', getEnvironmentData(FOLDER));
