/** Advances the clock that guests look at. */
import { workerData } from 'node:worker_threads';
import { EpochClock } from '@tenon/component/clock';

const clock = EpochClock.fromShared(workerData as WebAssembly.Memory);
setInterval(() => clock.tick(), clock.periodMs);
