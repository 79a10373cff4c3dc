/** A thread that advances the clocks of all cells. */
import { workerData } from 'node:worker_threads';
import { type TickerMemory, tick } from './ticker.ts';

tick((workerData as { readonly ticker: TickerMemory }).ticker);
