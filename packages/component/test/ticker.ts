/** A clock that ticks, as an embedder would have one. */
import { Worker } from 'node:worker_threads';
import { EpochClock } from '../src/epoch/clock.ts';

export function ticking(): { readonly clock: EpochClock; readonly stop: () => Promise<unknown> } {
  const clock = new EpochClock({ periodMs: 2 });
  const worker = new Worker(new URL('./ticker-thread.ts', import.meta.url), { workerData: clock.share() });
  // A ticker keeps no process alive.
  worker.unref();
  return { clock, stop: () => worker.terminate() };
}
