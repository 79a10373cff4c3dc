import { workerData } from 'node:worker_threads';
import { EpochClock } from '../src/epoch/clock.ts';

const clock = EpochClock.fromShared(workerData as WebAssembly.Memory);
setInterval(() => clock.tick(), clock.periodMs);
