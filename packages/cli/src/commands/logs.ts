import { visibleJson } from '@tenon/component/errors';
import { formatEntry, type LogEntry } from '@tenon/runtime';
import type { Arguments, Command } from '../command.ts';
import { HOST_OPTIONS, NAMESPACE_OPTION, withHost, workloadId } from '../host.ts';
import { paint } from '../report.ts';

export const command: Command = {
  usage: '[OPTIONS] [WORKLOAD]',
  description: 'Prints what the host and its workloads have logged.',
  options: {
    ...HOST_OPTIONS,
    namespace: NAMESPACE_OPTION,
    follow: { type: 'boolean', short: 'f', description: 'go on with what comes, until Ctrl-C' },
    tail: { type: 'string', value: 'N', description: 'begin with the last N lines; 100 unless given' },
  },
  examples: ['tenon logs -f front', 'tenon logs --tail 1000 --json front'],
  async run(args: Arguments): Promise<number> {
    const [operand] = args.operands;
    if (operand !== undefined) args.only('WORKLOAD');
    const tail = args.integer('tail', [0, 1_000_000]) ?? 100;
    const stop = new AbortController();
    process.once('SIGINT', () => stop.abort());
    return withHost(args, async (client) => {
      const id = operand === undefined ? undefined : workloadId(args, operand);
      const workload = id && (id.namespace === 'default' ? id.name : `${id.namespace}/${id.name}`);
      // A name that nobody has would be followed for ever.
      if (id !== undefined) await client.workload(id.namespace, id.name);
      try {
        for await (const line of client.logs({ ...(workload && { workload }), follow: args.flag('follow'), tail, signal: stop.signal })) {
          process.stdout.write(`${args.flag('json') ? visibleJson(line) : coloured(line as unknown as LogEntry)}\n`);
        }
      } catch (error) {
        if (!stop.signal.aborted) throw error;
      }
      return stop.signal.aborted ? 130 : 0;
    });
  },
};

function coloured(entry: LogEntry): string {
  const text = formatEntry(entry);
  return entry.level === 'info' ? text : paint(entry.level === 'warn' ? 'yellow' : 'red', text, process.stdout);
}
