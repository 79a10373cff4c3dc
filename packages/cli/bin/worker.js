// The entry of worker threads of the published command line, as `worker.ts` is that of @tenon/runtime.
const { getEnvironmentData } = require('node:worker_threads');
const { FOLDER, runScript } = require('./script.js');

runScript('worker.cjs', 'worker', getEnvironmentData(FOLDER));
