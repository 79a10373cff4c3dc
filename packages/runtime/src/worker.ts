/** The entry of the runtime's worker threads: a cell, or what advances the clocks of all cells. One file, since programs that are bundled have to place it. */
import { workerData } from 'node:worker_threads';

if ('ticker' in (workerData as object)) void import('./ticker-thread.ts');
else void import('./cell-worker.ts').then(({ serve }) => serve());
