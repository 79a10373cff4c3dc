/** A time limit for the process, which a guest that computes on the main thread without end cannot keep from expiring. */
import { Worker } from 'node:worker_threads';
import { CliError } from './errors.ts';
import { describe } from './report.ts';

/** After so many milliseconds says why on stderr and kills the process, unless it has ended by then. */
export function endAfter(ms: number): void {
  const error = new CliError('TENON_RUN_TIMEOUT', `the guest did not end within ${ms} ms`);
  const workerData = { ms, message: `${describe(error)}\n` };
  new Worker(new URL('../bin/watchdog.js', import.meta.url), { workerData }).unref();
}
