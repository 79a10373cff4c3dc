import { spawn } from 'node:child_process';
import { existsSync, watch } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { visible, visibleJson } from '@tenon/component/errors';
import { formatEntry, type LogEntry } from '@tenon/runtime';
import { type Deployment, deploy, HostClient, hostSocket, type Manifest, readManifest } from '@tenon/runtime/host';
import type { Arguments, Command } from '../command.ts';
import { usage } from '../errors.ts';
import { dataFolder, HOST_OPTIONS } from '../host.ts';
import { outcome } from '../outcome.ts';
import { describe, paint } from '../report.ts';

const MANIFEST = 'tenon.yaml';

export const command: Command = {
  usage: '[OPTIONS] [FILE]',
  description: `Runs the application that FILE describes, ${MANIFEST} unless given. Where no host runs, this process becomes one, until Ctrl-C.`,
  options: {
    ...HOST_OPTIONS,
    detach: { type: 'boolean', short: 'd', description: 'start a host in the background where none runs, and return when all is up' },
    watch: { type: 'boolean', short: 'w', description: 'bring every change of the file and of its components to the host, until Ctrl-C' },
    threads: { type: 'string', value: 'N', description: 'cells of the host that is started, 1 unless given' },
    empty: { type: 'boolean', description: 'start the host with what ran before, and deploy nothing' },
  },
  examples: ['tenon up --detach shop/tenon.yaml', 'tenon up --watch', 'tenon up --empty --data /var/lib/tenon'],
  async run(args: Arguments): Promise<number> {
    if (args.operands.length > 1) args.only('FILE');
    const empty = args.flag('empty');
    if (empty && (args.operands.length > 0 || args.flag('watch')))
      throw usage('--empty deploys nothing: FILE and --watch have no meaning with it');
    const [file = MANIFEST] = args.operands;
    if (!empty && args.operands.length === 0 && !existsSync(file)) {
      throw usage(`there is no ${MANIFEST} in ${process.cwd()}: name the FILE`);
    }
    const threads = args.integer('threads', [0, 256]) ?? 1;
    // What is wrong with the file is said before anything starts.
    const read = (): Manifest => readManifest(file);
    const manifest = empty ? undefined : read();
    const folder = dataFolder(args);
    const client = new HostClient(hostSocket(folder));
    try {
      if (await client.isUp()) {
        const code = manifest === undefined ? 0 : await bring(client, manifest, args);
        return args.flag('watch') && manifest !== undefined ? await watching(client, manifest, file, read, args, stopSignal()) : code;
      }
      if (args.flag('detach')) {
        await startDetached(client, folder, threads);
        return manifest === undefined ? 0 : await bring(client, manifest, args);
      }
      return await becomeHost(client, manifest, { file, folder, threads, read, args });
    } finally {
      client.close();
    }
  },
};

/** Deploys, and prints what became of each workload. @returns the exit code */
async function bring(client: HostClient, manifest: Manifest, args: Arguments): Promise<number> {
  const json = args.flag('json');
  const progress = (what: string): void => {
    if (!json) process.stderr.write(`${paint('dim', `${visible(what)} …`)}\n`);
  };
  const deployment: Deployment = await deploy(client, manifest, { progress });
  if (json) process.stdout.write(`${visibleJson(deployment)}\n`);
  else {
    for (const name of deployment.removed) process.stdout.write(`${visible(name)} is gone\n`);
    const { workloads } = await client.status();
    for (const { name, namespace, urls } of workloads) {
      if (namespace !== deployment.namespace || !deployment.workloads.some((each) => each.name === name)) continue;
      for (const url of urls) process.stdout.write(`${visible(name)} listens on ${url}\n`);
    }
  }
  return outcome(deployment.workloads, json);
}

interface HostPlan {
  readonly file: string;
  readonly folder: string;
  readonly threads: number;
  readonly read: () => Manifest;
  readonly args: Arguments;
}

async function becomeHost(
  client: HostClient,
  manifest: Manifest | undefined,
  { file, folder, threads, read, args }: HostPlan,
): Promise<number> {
  const { Host } = await import('@tenon/runtime/host-process');
  const { version } = await import('../version.ts');
  const json = args.flag('json');
  const log = (entry: LogEntry): void => void process.stderr.write(`${json ? visibleJson(entry) : coloured(entry)}\n`);
  const stopping = stopSignal();
  const host = await Host.start({ dataFolder: folder, threads, log, version });
  try {
    const code = manifest === undefined ? 0 : await bring(client, manifest, args);
    if (!json)
      process.stderr.write(paint('dim', 'Running; Ctrl-C ends the host. `tenon ps` and `tenon logs` in another terminal say more.\n'));
    if (args.flag('watch') && manifest !== undefined)
      await Promise.race([watching(client, manifest, file, read, args, stopping), host.ended]);
    else await Promise.race([stopping, host.ended]);
    return code;
  } finally {
    await host.stop();
  }
}

/** How long a host in the background may take to come up, in milliseconds. */
const DETACHED_MS = 30_000;

async function startDetached(client: HostClient, folder: string, threads: number): Promise<void> {
  const script = process.argv[1];
  if (script === undefined) throw usage('--detach works from the command line only');
  const args = [...process.execArgv, script, 'up', '--empty', '--data', resolve(folder), '--threads', String(threads)];
  const child = spawn(process.execPath, args, { detached: true, stdio: 'ignore' });
  const ended = new Promise<never>((_, fail) => {
    child.on('error', fail);
    child.on('exit', (code) => fail(new Error(`the host ended with code ${code}; run \`tenon up --empty\` to see why`)));
  });
  ended.catch(() => {});
  const until = Date.now() + DETACHED_MS;
  while (!(await Promise.race([client.isUp(), ended]))) {
    if (Date.now() > until) throw new Error(`the host did not come up within ${DETACHED_MS / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  child.removeAllListeners();
  child.unref();
}

/** Changes that come together are one. */
const SETTLE_MS = 100;

/** Deploys again on every change, until `stopping` resolves. What is wrong is said, and what ran goes on. */
async function watching(
  client: HostClient,
  first: Manifest,
  file: string,
  read: () => Manifest,
  args: Arguments,
  stopping: Promise<void>,
): Promise<number> {
  let timer: NodeJS.Timeout | undefined;
  let going: Promise<unknown> = Promise.resolve();
  const stops: (() => void)[] = [];
  const watched = new Set<string>();
  const follow = (manifest: Manifest): void => {
    const folders = [resolve(file), ...componentFiles(manifest)].map((path) => dirname(path));
    for (const folder of new Set(folders)) {
      if (watched.has(folder) || !existsSync(folder)) continue;
      watched.add(folder);
      const watcher = watch(folder, () => {
        clearTimeout(timer);
        timer = setTimeout(() => (going = going.then(again)), SETTLE_MS);
      });
      stops.push(() => watcher.close());
    }
  };
  const again = async (): Promise<void> => {
    try {
      const manifest = read();
      follow(manifest);
      await bring(client, manifest, args);
    } catch (error) {
      process.stderr.write(`${describe(error)}\n`);
    }
  };
  follow(first);
  await stopping;
  clearTimeout(timer);
  for (const stop of stops) stop();
  await going;
  return 0;
}

function componentFiles({ application, folder }: Manifest): readonly string[] {
  return Object.values(application.workloads).flatMap(({ component, components = {} }) =>
    [...(component === undefined ? [] : [component]), ...Object.values(components)]
      .map((each) => (typeof each === 'string' ? each : each.from))
      .filter((path) => !/^[a-z]+:\/\//.test(path))
      .map((path) => resolve(folder, path)),
  );
}

/** Resolves at the first Ctrl-C or SIGTERM; at the second the process ends at once. */
function stopSignal(): Promise<void> {
  return new Promise((settle) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        process.stderr.write(paint('dim', 'Stopping when what is under way is done; once more to stop at once.\n'));
        process.once(signal, () => process.exit(130));
        settle();
      });
    }
  });
}

function coloured(entry: LogEntry): string {
  const text = formatEntry(entry);
  return entry.level === 'info' ? text : paint(entry.level === 'warn' ? 'yellow' : 'red', text);
}
