// The entry of worker threads of the published command line, as `worker.ts` is that of @tenon/runtime.
import { runScript } from './script.js';

runScript('worker.cjs', 'worker');
