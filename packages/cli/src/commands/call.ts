import { visibleJson } from '@tenon/component/errors';
import type { Arguments, Command } from '../command.ts';
import { usage } from '../errors.ts';
import { HOST_OPTIONS, NAMESPACE_OPTION, withHost, workloadId } from '../host.ts';

export const command: Command = {
  usage: "[OPTIONS] WORKLOAD 'FUNCTION(VALUES…)'",
  description: 'Calls an export of a running workload. Values are written in WAVE, as for `tenon run --invoke`.',
  options: { ...HOST_OPTIONS, namespace: NAMESPACE_OPTION },
  examples: ['tenon call prices \'quote("apple", 3)\'', 'tenon call shops/prices \'shop:prices/quote.price("pear")\''],
  async run(args: Arguments): Promise<number> {
    const [workload, call, more] = args.operands;
    if (workload === undefined || call === undefined)
      throw usage(`${workload === undefined ? 'WORKLOAD' : 'FUNCTION(VALUES…)'} is missing`);
    if (more !== undefined) throw usage(`\`${more}\` is one too many`);
    const match = /^\s*([^()\s]+)\s*\(([\s\S]*)\)\s*$/.exec(call);
    if (match === null) throw usage(`\`${call}\` is not a call, such as \`add(2, 3)\``);
    const { namespace, name } = workloadId(args, workload);
    return withHost(args, async (client) => {
      const result = await client.call(namespace, name, match[1] ?? '', match[2] ?? '');
      if (args.flag('json')) process.stdout.write(`${visibleJson({ result })}\n`);
      else if (result !== '') process.stdout.write(`${result}\n`);
      return 0;
    });
  },
};
