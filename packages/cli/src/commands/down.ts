import { existsSync } from 'node:fs';
import { visible, visibleJson } from '@tenon/component/errors';
import { readNames } from '@tenon/runtime/host';
import type { Arguments, Command } from '../command.ts';
import { usage } from '../errors.ts';
import { HOST_OPTIONS, withHost } from '../host.ts';

export const command: Command = {
  usage: '[OPTIONS] [FILE]',
  description: 'Stops the workloads of an application, once they have finished what is under way, and forgets them.',
  options: { ...HOST_OPTIONS, host: { type: 'boolean', description: 'stop the host; what it ran is brought back by the next `tenon up`' } },
  examples: ['tenon down shop/tenon.yaml', 'tenon down --host'],
  async run(args: Arguments): Promise<number> {
    const [operand = 'tenon.yaml'] = args.operands;
    if (args.operands.length > 1) args.only('FILE');
    return withHost(args, async (client) => {
      if (args.flag('host')) {
        await client.shutDown();
        if (!args.flag('json')) process.stdout.write('The host stops when what is under way is done.\n');
        return 0;
      }
      if (args.operands.length === 0 && !existsSync(operand))
        throw usage('there is no tenon.yaml here: name the FILE, or --host to stop the host');
      const { namespace, name } = readNames(operand);
      const { removed } = await client.removeApplication(namespace, name);
      if (args.flag('json')) process.stdout.write(`${visibleJson({ removed })}\n`);
      else if (removed.length === 0) process.stdout.write(`Nothing of ${visible(name)} was running.\n`);
      else process.stdout.write(removed.map((each) => `${visible(each)} is stopped\n`).join(''));
      return 0;
    });
  },
};
