import { visible, visibleJson } from '@tenon/component/errors';
import type { HostClient } from '@tenon/runtime/host';
import type { Arguments, Command } from '../command.ts';
import { HOST_OPTIONS, NAMESPACE_OPTION, withHost, workloadId } from '../host.ts';
import { age, size, table } from '../table.ts';

export const command: Command = {
  usage: '[OPTIONS] [WORKLOAD]',
  description: 'Shows how the host is, or one workload: its conditions and its revisions.',
  options: { ...HOST_OPTIONS, namespace: NAMESPACE_OPTION },
  examples: ['tenon status front', 'tenon status shops/front --json'],
  async run(args: Arguments): Promise<number> {
    const [name] = args.operands;
    if (name !== undefined) args.only('WORKLOAD');
    return withHost(args, (client) => (name === undefined ? host(client, args) : workload(client, args, name)));
  },
};

async function host(client: HostClient, args: Arguments): Promise<number> {
  const status = await client.status();
  if (args.flag('json')) {
    process.stdout.write(`${visibleJson(status)}\n`);
    return 0;
  }
  const lines = [
    ['host', `tenon ${status.version}, process ${status.pid}`],
    ['up', age(Date.now() - status.started)],
    ['cells', `${status.cells}`],
    ['memory', size(status.memory)],
    ['data', status.dataFolder ?? 'kept in memory only'],
    ...status.listeners.map(({ name, url }) => ['listener', `${name}: ${url}`]),
    ...status.plugins.map(({ name, ok, message }) => ['plugin', `${name}: ${ok ? 'well' : (message ?? 'not well')}`]),
    ['workloads', `${status.workloads.length}, of which ${status.workloads.filter((each) => each.state === 'running').length} are running`],
  ];
  process.stdout.write(`${lines.map(([key = '', value = '']) => `${key.padEnd(10)} ${visible(value)}`).join('\n')}\n`);
  return status.plugins.every((plugin) => plugin.ok) ? 0 : 1;
}

async function workload(client: HostClient, args: Arguments, operand: string): Promise<number> {
  const { namespace, name } = workloadId(args, operand);
  const status = await client.workload(namespace, name);
  if (args.flag('json')) {
    process.stdout.write(`${visibleJson(status)}\n`);
    return 0;
  }
  const now = Date.now();
  const conditions = status.conditions.map((each) => [
    each.type,
    each.status ? 'yes' : 'no',
    each.reason,
    age(now - each.since),
    visible(each.message),
  ]);
  const revisions = status.revisions.map((each) => [
    `${each.number}${each.number === status.serving ? ' *' : ''}`,
    age(now - each.created),
    Object.values(each.components)
      .map((digest) => digest.slice(0, 'sha256:'.length + 12))
      .join(' '),
  ]);
  const text = [
    `${namespace}/${name}: ${status.state}, of the application ${status.application}, restarted ${status.restarts} times`,
    '',
    table(['CONDITION', '', 'REASON', 'SINCE', 'MESSAGE'], conditions),
    '',
    table(['REVISION', 'AGE', 'COMPONENTS'], revisions),
  ];
  process.stdout.write(`${text.join('\n')}\n`);
  return status.state === 'failed' ? 1 : 0;
}
