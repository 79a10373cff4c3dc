import { basename } from 'node:path';
import { visible, visibleJson } from '@tenon/component/errors';
import { DEFAULT_LIMITS, formatEntry, type LogEntry, REUSES, type Reuse, Runtime, WorkloadConfig } from '@tenon/runtime';
import type { Arguments, Command } from '../command.ts';
import { usage } from '../errors.ts';
import { readBytes, requireFile, STANDARD } from '../files.ts';
import { explainMissing, GRANT_OPTIONS, parseGrants } from '../grants.ts';
import { GUEST_LIMIT_NAMES, guestLimitOptions, type LimitNames, parseLimits } from '../limits.ts';
import { paint } from '../report.ts';

const DEFAULT_ADDRESS = '127.0.0.1:8080';

const LIMIT_NAMES: LimitNames = {
  ...GUEST_LIMIT_NAMES,
  timeout: 'requestTimeoutMs',
  instances: 'maxInstances',
  concurrency: 'maxConcurrency',
  'requests-per-instance': 'maxRequestsPerInstance',
  'max-body': 'maxBodyBytes',
  'max-connections': 'maxConnections',
  'max-cpu': 'maxCpuMs',
  'max-table-elements': 'maxTableElements',
  'cpu-share': 'cpuShare',
  'max-workload-memory': 'maxWorkloadMemoryBytes',
};

export const command: Command = {
  usage: '[OPTIONS] FILE',
  description:
    'Serves a component that exports wasi:http/incoming-handler, or wasi:http/handler of WASI 0.3; FILE may be `-`, which is standard input. Ctrl-C finishes the requests under way and ends.',
  options: {
    addr: {
      type: 'string',
      value: 'HOST:PORT',
      description: `the address to listen on, ${DEFAULT_ADDRESS} unless given; a port alone is one of 127.0.0.1, port 0 takes a free one`,
    },
    'tls-cert': {
      type: 'string',
      value: 'PEM',
      description: 'serve HTTPS, HTTP/2 among it, with the certificate in this file; loaded anew when it changes and on SIGHUP',
    },
    'tls-key': { type: 'string', value: 'PEM', description: 'the private key of the certificate' },
    ...GRANT_OPTIONS,
    arg: { type: 'string', multiple: true, value: 'TEXT', description: 'an argument for it, after its name' },
    threads: { type: 'string', value: 'N', description: 'threads that serve, 1 unless given' },
    timeout: {
      type: 'string',
      value: 'MS',
      description: 'milliseconds until a client whose request is not answered gets 504; 30000 unless given',
    },
    instances: { type: 'string', value: 'N', description: 'instances in each thread, and so requests at the same time; 64 unless given' },
    reuse: {
      type: 'string',
      value: 'MODE',
      description:
        'what becomes of an instance after a request: `reset`, the default, makes it as new; `keep` leaves it as it is; `fresh` throws it away',
    },
    concurrency: {
      type: 'string',
      value: 'N',
      description: 'requests that an instance serves at the same time, where it is a service of WASI 0.3; 16 unless given',
    },
    'requests-per-instance': {
      type: 'string',
      value: 'N',
      description: 'requests until an instance is replaced by a fresh one; 1000 unless given',
    },
    'max-cpu': { type: 'string', value: 'MS', description: 'milliseconds that a guest may compute for one request; 30000 unless given' },
    'cpu-share': {
      type: 'string',
      value: 'PERCENT',
      description: 'how much of the time of each thread guests may compute; 100 unless given',
    },
    'max-table-elements': {
      type: 'string',
      value: 'N',
      description: 'elements of all tables of an instance together; 1000000 unless given',
    },
    'max-workload-memory': {
      type: 'string',
      value: 'BYTES',
      description: 'bytes of the memories of all instances in each thread; 4294967296 unless given',
    },
    ...guestLimitOptions(DEFAULT_LIMITS),
    'max-body': {
      type: 'string',
      value: 'BYTES',
      description: 'bytes of a request body until the client gets 413; 134217728 unless given',
    },
    'max-connections': { type: 'string', value: 'N', description: 'connections open at the same time; 10000 unless given' },
    quiet: { type: 'boolean', short: 'q', description: 'do not log each request' },
    json: { type: 'boolean', description: 'log in JSON, one line for each event' },
  },
  examples: [
    'tenon serve app.wasm',
    'tenon serve --addr 0.0.0.0:80 --env REGION=eu --connect db.internal:5432 --quiet app.wasm',
    'tenon serve --addr 0.0.0.0:443 --tls-cert site.pem --tls-key site.key app.wasm',
  ],
  async run(args: Arguments): Promise<number> {
    const file = args.only('FILE');
    const address = parseAddress(args.string('addr') ?? DEFAULT_ADDRESS);
    const grants = parseGrants(args);
    if (file !== STANDARD) requireFile(file);
    const config = configure(file, address, grants, args);
    const json = args.flag('json');
    const quiet = args.flag('quiet');
    const log = (entry: LogEntry): void => {
      if (quiet && entry.event === 'request' && entry.level === 'info') return;
      // The command says so itself, on stdout.
      if (!json && entry.event === 'listening') return;
      process.stderr.write(`${json ? visibleJson(entry) : colour(entry)}\n`);
    };
    const output = lines(log);
    const stopping = stopSignal();
    const threads = args.integer('threads', [1, 256]) ?? 1;
    const runtime = await Runtime.create({ threads, log, logRequests: !quiet, output });
    try {
      const workload = await runtime.startWorkload(config);
      if (!json) process.stdout.write(`Serving ${visible(file)} on ${workload.url}\n`);
      else process.stdout.write(`${JSON.stringify({ url: workload.url })}\n`);
      const reload = (): void => void workload.reloadCertificate();
      process.on('SIGHUP', reload);
      await stopping;
      process.off('SIGHUP', reload);
    } catch (error) {
      throw explainMissing(error, file);
    } finally {
      await runtime.stop();
    }
    return 0;
  },
};

/** Logs what guests write, line by line. */
function lines(
  log: (entry: LogEntry) => void,
): (stream: 'stdout' | 'stderr', bytes: Uint8Array, workload: string, request?: string) => Promise<void> {
  return (stream, bytes, workload, request) => {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString().replace(/\n$/, '');
    const about = request === undefined ? {} : { request };
    for (const message of text.split('\n')) log({ level: 'info', event: 'output', workload, message, stream, ...about, time: Date.now() });
    // A guest has to wait for whoever reads the log.
    return process.stderr.writableNeedDrain ? new Promise((settle) => process.stderr.once('drain', settle)) : Promise.resolve();
  };
}

function configure(
  file: string,
  address: { readonly host: string; readonly port: number },
  grants: ReturnType<typeof parseGrants>,
  args: Arguments,
): WorkloadConfig {
  const cert = args.string('tls-cert');
  const key = args.string('tls-key');
  if ((cert === undefined) !== (key === undefined)) throw usage('--tls-cert and --tls-key go together');
  const tls = cert === undefined || key === undefined ? {} : { tls: { cert, key } };
  const source = file === STANDARD ? readBytes(file) : file;
  let config = new WorkloadConfig(source)
    .withInterface('wasi:http/incoming-handler', { ...address, ...tls })
    .withArguments([basename(file), ...args.strings('arg')])
    .withEnvironment(grants.env)
    .withInterface('wasi:sockets', grants.network);
  for (const directory of grants.preopens) config = config.withDirectory(directory);
  if (grants.http.length > 0)
    config = config.withInterface('wasi:http/outgoing-handler', {
      allow: grants.http,
      ...(grants.httpCa === undefined ? {} : { ca: grants.httpCa }),
      ...grants.httpPool,
    });
  const reuse = args.string('reuse');
  if (reuse !== undefined) {
    if (!REUSES.includes(reuse as Reuse)) throw usage(`--reuse takes ${REUSES.join(', ')}, not \`${reuse}\``);
    config = config.withReuse(reuse as Reuse);
  }
  return config.withLimits(parseLimits(args, LIMIT_NAMES));
}

/** @throws CliError TENON_USAGE */
function parseAddress(text: string): { readonly host: string; readonly port: number } {
  const match = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):)?(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65535) throw usage(`--addr takes HOST:PORT, such as \`${DEFAULT_ADDRESS}\`, not \`${text}\``);
  const host = match[1] ?? match[2] ?? '';
  return { host: host === '' ? '127.0.0.1' : host, port };
}

/** Resolves at the first Ctrl-C or SIGTERM; at the second the process ends at once. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        process.stderr.write(paint('dim', 'Stopping when the requests under way are answered; once more to stop at once.\n'));
        process.once(signal, () => process.exit(130));
        resolve();
      });
    }
  });
}

function colour(entry: LogEntry): string {
  const text = formatEntry(entry);
  return entry.level === 'info' ? text : paint(entry.level === 'warn' ? 'yellow' : 'red', text);
}
