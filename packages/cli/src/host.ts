/** What the commands that speak to a running host share. */
import { defaultDataFolder, HostClient, hostSocket } from '@tenon/runtime/host';
import type { Arguments, Option } from './command.ts';
import { usage } from './errors.ts';

export const HOST_OPTIONS = {
  data: {
    type: 'string',
    value: 'FOLDER',
    description: 'the folder of the host; $TENON_DATA, or the user’s own folder for state, unless given',
  },
  json: { type: 'boolean', description: 'print JSON' },
} as const satisfies Record<string, Option>;

export const NAMESPACE_OPTION: Option = {
  type: 'string',
  short: 'n',
  value: 'NAME',
  description: 'the namespace, `default` unless given; NAMESPACE/NAME names both',
};

/** The folder of the host that is meant. */
export function dataFolder(args: Arguments): string {
  return args.string('data') ?? defaultDataFolder();
}

/** Speaks to the host that is meant, and closes the connection afterwards. @throws RuntimeError `TENON_HOST_AWAY` when there is none */
export async function withHost<T>(args: Arguments, use: (client: HostClient) => Promise<T>): Promise<T> {
  const client = new HostClient(hostSocket(dataFolder(args)));
  try {
    return await use(client);
  } finally {
    client.close();
  }
}

/** The workload that is meant by `NAME` or `NAMESPACE/NAME`. @throws CliError TENON_USAGE */
export function workloadId(args: Arguments, name: string): { readonly namespace: string; readonly name: string } {
  const parts = name.split('/');
  if (parts.length > 2 || parts.some((part) => !/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(part))) {
    throw usage(`\`${name}\` is not the name of a workload, NAME or NAMESPACE/NAME`);
  }
  const [first = '', second] = parts;
  const namespace = args.string('namespace') ?? 'default';
  return second === undefined ? { namespace, name: first } : { namespace: first, name: second };
}
