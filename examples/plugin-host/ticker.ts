/** A thread that tells the guests of another one that time passes, also while one of them holds that thread. */
import { workerData } from 'node:worker_threads';
import { EpochClock } from '@tenon/component/clock';

const clock = EpochClock.fromShared(workerData as WebAssembly.Memory);
setInterval(() => clock.tick(), clock.periodMs);
