/** The entry of the runtime's worker threads: a cell, or what advances the clocks of all cells. One file, since programs that are bundled have to place it. */
import { workerData } from 'node:worker_threads';
import type { TickerMemory } from './ticker.ts';

const { ticker } = workerData as { readonly ticker?: TickerMemory };

if (ticker === undefined) void import('./cell-worker.ts').then(({ serve }) => serve());
else void import('./ticker.ts').then(({ tick }) => tick(ticker));
