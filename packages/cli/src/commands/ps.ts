import { visible, visibleJson } from '@tenon/component/errors';
import type { WorkloadStatus } from '@tenon/runtime/host';
import type { Arguments, Command } from '../command.ts';
import { HOST_OPTIONS, withHost } from '../host.ts';
import { paint } from '../report.ts';
import { age, size, table } from '../table.ts';

const COLOURS = {
  running: 'green',
  completed: 'green',
  starting: 'yellow',
  stopping: 'yellow',
  degraded: 'yellow',
  stopped: 'dim',
  failed: 'red',
} as const satisfies Record<WorkloadStatus['state'], string>;

export const command: Command = {
  usage: '[OPTIONS]',
  description: 'Shows what runs: state, since when, how busy, how much memory, and what is wrong.',
  options: HOST_OPTIONS,
  examples: ['tenon ps --json'],
  async run(args: Arguments): Promise<number> {
    if (args.operands.length > 0) args.only('nothing');
    return withHost(args, async (client) => {
      const { workloads } = await client.status();
      process.stdout.write(args.flag('json') ? `${visibleJson(workloads)}\n` : `${render(workloads, Date.now())}\n`);
      return 0;
    });
  },
};

function render(workloads: readonly WorkloadStatus[], now: number): string {
  if (workloads.length === 0) return 'Nothing is deployed: `tenon up` deploys what tenon.yaml describes.';
  const rows = workloads.map((each) => [
    each.namespace === 'default' ? each.name : `${each.namespace}/${each.name}`,
    each.state,
    each.serving === undefined || each.serving === each.wanted ? `${each.wanted}` : `${each.serving} (${each.wanted} wanted)`,
    each.since === undefined ? '' : age(now - each.since),
    `${each.requests}`,
    `${each.failures}`,
    `${each.instances}`,
    size(each.memory),
    `${Math.round(each.cpuMs)} ms`,
    each.urls.join(' '),
  ]);
  const head = ['NAME', 'STATE', 'REVISION', 'SINCE', 'REQUESTS', 'FAILED', 'INSTANCES', 'MEMORY', 'CPU', 'ADDRESS'];
  const [title = '', ...lines] = table(head, rows, new Set([4, 5, 6, 7, 8])).split('\n');
  const painted = lines.map((line, index) => {
    const state = workloads[index]?.state ?? 'running';
    return line.replace(state, paint(COLOURS[state], state, process.stdout));
  });
  const wrong = workloads.flatMap(problems);
  return [paint('bold', title, process.stdout), ...painted, ...(wrong.length === 0 ? [] : ['', ...wrong])].join('\n');
}

/** What is wrong with a workload, a line each. */
function problems({ name, state, conditions }: WorkloadStatus): readonly string[] {
  if (state === 'stopped' || state === 'completed') return [];
  return conditions.filter((each) => !each.status).map(({ message }) => `${paint('red', name, process.stdout)}: ${visible(message)}`);
}
