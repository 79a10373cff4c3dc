import { visibleJson } from '@tenon/component/errors';
import type { Arguments, Command } from '../command.ts';
import { HOST_OPTIONS, NAMESPACE_OPTION, withHost, workloadId } from '../host.ts';
import { outcome } from '../outcome.ts';

export const command: Command = {
  usage: '[OPTIONS] WORKLOAD',
  description: 'Starts a workload anew. Its new instances take over when they are well; the old ones finish what they have.',
  options: {
    ...HOST_OPTIONS,
    namespace: NAMESPACE_OPTION,
    rollback: { type: 'boolean', description: 'go back to the revision before the current one' },
    revision: { type: 'string', value: 'N', description: 'go to revision N, one of the last ten' },
  },
  examples: ['tenon restart front', 'tenon restart --rollback front', 'tenon restart --revision 7 shops/front'],
  async run(args: Arguments): Promise<number> {
    const { namespace, name } = workloadId(args, args.only('WORKLOAD'));
    const revision = args.integer('revision', [1, Number.MAX_SAFE_INTEGER]);
    return withHost(args, async (client) => {
      const back = args.flag('rollback') || revision !== undefined;
      const status = back ? await client.rollBack(namespace, name, revision) : await client.restart(namespace, name);
      if (args.flag('json')) process.stdout.write(`${visibleJson(status)}\n`);
      return outcome([status], args.flag('json'));
    });
  },
};
