/** What became of workloads that were to change. */
import { visible } from '@tenon/component/errors';
import type { Status } from '@tenon/runtime/host';
import { paint } from './report.ts';

/** Prints a line for each workload, unless that was done as JSON. @returns the exit code: 1 when one is not as it was wanted */
export function outcome(statuses: readonly Status[], silent: boolean): number {
  let code = 0;
  for (const status of statuses) {
    const wrong = status.conditions.find((each) => !each.status);
    const well = status.serving === status.wanted || status.state === 'completed' || status.state === 'stopped';
    if (!well) code = 1;
    if (silent) continue;
    const name = status.namespace === 'default' ? status.name : `${status.namespace}/${status.name}`;
    const mark = well ? paint('green', '✔', process.stdout) : paint('red', '✖', process.stdout);
    const why = well || wrong === undefined ? '' : `: ${visible(wrong.message)}`;
    process.stdout.write(`${mark} ${name} is ${status.state}, revision ${status.serving ?? status.wanted}${why}\n`);
  }
  return code;
}
