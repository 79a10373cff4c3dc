/** WASI on Node.js: the system interfaces that components import, granted one by one. */
import { checkOptions, type Provider, type ProviderTarget } from '@tenon/component';
import { Budget } from './body/budget.ts';
import { SYSTEM_CLOCKS } from './body/clock.ts';
import { Client, type ClientOptions } from './body/http/client.ts';
import { poolOf } from './body/http/origins.ts';
import { Network } from './body/network/network.ts';
import { Refusals } from './body/network/refusals.ts';
import { Rules } from './body/network/rules.ts';
import { SYSTEM_RANDOMNESS } from './body/random.ts';
import { WasiError } from './errors.ts';
import { drained, grant, WASI_OPTIONS, type WasiOptions } from './grants.ts';
import { limitsOf, Quota } from './limits.ts';
import * as cli from './p2/cli.ts';
import { monotonicClock, timezone, wallClock } from './p2/clocks.ts';
import { filesystemTypes, preopens } from './p2/filesystem.ts';
import { httpTypes, outgoingHandler } from './p2/http-types.ts';
import { ioError } from './p2/io-error.ts';
import { ioPoll } from './p2/io-poll.ts';
import { ioStreams } from './p2/io-streams.ts';
import { insecure, insecureSeed, random } from './p2/random.ts';
import { instanceNetwork, ipNameLookup, network as networkTypes } from './p2/sockets-network.ts';
import { tcp, tcpCreateSocket } from './p2/sockets-tcp.ts';
import { udp, udpCreateSocket } from './p2/sockets-udp.ts';
import * as cli3 from './p3/cli.ts';
import * as clocks3 from './p3/clocks.ts';
import * as filesystem3 from './p3/filesystem.ts';
import * as http3 from './p3/http.ts';
import * as random3 from './p3/random.ts';
import { ipNameLookup as ipNameLookup3 } from './p3/sockets-lookup.ts';
import { tcpSocket } from './p3/sockets-tcp.ts';
import { udpSocket } from './p3/sockets-udp.ts';
import { OutputFailures, standardInput, standardOutput } from './standard.ts';

export type { Clocks, Datetime } from './body/clock.ts';
export { isOutputBroken } from './body/descriptor-sink.ts';
export type { FieldList } from './body/http/fields.ts';
export type { Message } from './body/http/message.ts';
export { type NodeRequest, NodeResponder, type NodeResponse, receivedByNode } from './body/http/node-server.ts';
export type { GivenPoolOptions, PoolOptions } from './body/http/origins.ts';
export type { ReceivedRequest, Responder } from './body/http/server.ts';
export type { NetworkGrants } from './body/network/network.ts';
export type { Refusal } from './body/network/refusals.ts';
export type { Randomness } from './body/random.ts';
export { cacheFolder, codeCache } from './code-cache.ts';
export { cacheFor, compileFile, type IdentifiedFile, identifiedFile } from './component-file.ts';
export { WASI_ERRORS, WasiError, type WasiErrorCode } from './errors.ts';
export type { Preopen, WasiOptions } from './grants.ts';
export { DEFAULT_WASI_LIMITS, type WasiLimits } from './limits.ts';
export { type LineSink, type LinesOptions, lines } from './lines.ts';
export { inputStream, outputStream } from './node-streams.ts';
export { preview1Module } from './p1/module.ts';
export { Exit } from './p2/cli.ts';
export { createIncomingHandler, type Handle, type IncomingHandler, respondTo } from './p2/http-incoming.ts';
export { createServiceHandler, type ServiceHandle, serviceResponse } from './p3/http-service.ts';
export type { StandardInput, StandardOutput } from './standard.ts';

/** The system interfaces of one guest, or of many instances of one. */
export interface Wasi extends Provider, Disposable, AsyncDisposable {
  /** Definitions by interface name, each with the latest version that it satisfies: of WASI 0.2 and of 0.3, over the same files and connections. */
  readonly imports: ReadonlyMap<string, object>;
  /** What `Linker.use` calls. */
  defineIn(target: ProviderTarget): void;
  /**
   * Resolves when all that was written to standard output and error has gone out.
   * @throws WasiError `TENON_OUTPUT`, once for the first that could not: its `cause` is the error of the stream or function that was given
   */
  flush(): Promise<void>;
  /** Gives back the directories, connections and standard input. Guests cannot use them any more. */
  close(): void;
}

/** The version of WASI 0.2 that is implemented; semver lets it satisfy every earlier 0.2.x. */
export const WASI_VERSION = '0.2.12';

/** The version of WASI 0.3 that is implemented; semver lets it satisfy every other 0.3.x. */
export const WASI_3_VERSION = '0.3.2';

/** Definitions by the name of their interface, without namespace and version. */
type Interfaces = Readonly<Record<string, object>>;

function versioned(interfaces: Interfaces, version: string): [string, object][] {
  return Object.entries(interfaces).map(([name, value]) => [`wasi:${name}@${version}`, value]);
}

/** Reads rules for what may be reached. */
function ruled<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new WasiError('TENON_NETWORK_RULE', error instanceof Error ? error.message : String(error), error);
  }
}

function trusting(rules: Rules, options: ClientOptions): Client {
  try {
    return new Client(rules, options);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new WasiError('TENON_HTTP_CA', `the authorities to trust cannot be read: ${why}`, error);
  }
}

/**
 * Makes the system interfaces, granting what the options name and nothing else.
 *
 * @throws WasiError `TENON_PREOPEN` when a directory cannot be opened, `TENON_NETWORK_RULE` when a rule cannot be read,
 *   `TENON_HTTP_CA` when certificates cannot be; ComponentError `TENON_OPTION` for an option that is not known.
 */
export function wasi(options: WasiOptions = {}): Wasi {
  checkOptions(options, WASI_OPTIONS, 'wasi');
  const limits = limitsOf(options.limits);
  const budget = new Budget(limits.hostBytes);
  const clocks = options.clocks ?? SYSTEM_CLOCKS;
  const randomness = options.random ?? SYSTEM_RANDOMNESS;
  const stdin = standardInput(options.stdin);
  const failures = new OutputFailures();
  const stdout = standardOutput(options.stdout, 1, failures);
  const stderr = standardOutput(options.stderr, 2, failures);
  const terminals = cli.terminals({ stdin: stdin.terminal, stdout: stdout.terminal, stderr: stderr.terminal });
  const refusals = options.refused === undefined ? undefined : new Refusals(options.refused);
  const client = trusting(
    ruled(() => new Rules(options.http ?? [])),
    { ca: options.httpCa, requests: new Quota(limits.outgoingRequests), pool: poolOf(options.httpPool), refusals },
  );
  const network = ruled(() => new Network(options.network ?? {}, new Quota(limits.sockets), refusals));
  const directories = grant(options.preopens ?? [], limits);

  const interfaces: Interfaces = {
    'io/error': ioError,
    'io/poll': ioPoll,
    'io/streams': ioStreams,
    'cli/environment': cli.environment(options.env ?? {}, options.args ?? [], options.cwd),
    'cli/exit': cli.exit,
    'cli/stdin': cli.stdin(stdin.stream),
    'cli/stdout': cli.stdout(stdout.stream),
    'cli/stderr': cli.stderr(stderr.stream),
    'cli/terminal-input': cli.terminalInput,
    'cli/terminal-output': cli.terminalOutput,
    'cli/terminal-stdin': terminals.stdin,
    'cli/terminal-stdout': terminals.stdout,
    'cli/terminal-stderr': terminals.stderr,
    'clocks/monotonic-clock': monotonicClock(clocks),
    'clocks/wall-clock': wallClock(clocks),
    'clocks/timezone': timezone(options.timezone ?? 'UTC'),
    'random/random': random(randomness),
    'random/insecure': insecure(randomness),
    'random/insecure-seed': insecureSeed(randomness),
    'filesystem/types': filesystemTypes,
    'filesystem/preopens': preopens(directories),
    'sockets/network': networkTypes,
    'sockets/instance-network': instanceNetwork,
    'sockets/ip-name-lookup': ipNameLookup(network),
    'sockets/tcp': tcp,
    'sockets/tcp-create-socket': tcpCreateSocket(network),
    'sockets/udp': udp,
    'sockets/udp-create-socket': udpCreateSocket(network),
    'http/types': httpTypes,
    'http/outgoing-handler': outgoingHandler(client),
  };
  const interfaces3: Interfaces = {
    'cli/types': cli3.types,
    'cli/environment': cli3.environment(options.env ?? {}, options.args ?? [], options.cwd),
    'cli/exit': cli.exit,
    'cli/stdin': cli3.stdin(stdin.stream),
    'cli/stdout': cli3.output(stdout.stream),
    'cli/stderr': cli3.output(stderr.stream),
    'cli/terminal-input': cli.terminalInput,
    'cli/terminal-output': cli.terminalOutput,
    'cli/terminal-stdin': terminals.stdin,
    'cli/terminal-stdout': terminals.stdout,
    'cli/terminal-stderr': terminals.stderr,
    'clocks/types': clocks3.types,
    'clocks/monotonic-clock': clocks3.monotonicClock(clocks),
    'clocks/system-clock': clocks3.systemClock(clocks),
    'clocks/timezone': clocks3.timezone(options.timezone ?? 'UTC'),
    'random/random': random3.random(randomness),
    'random/insecure': random3.insecure(randomness),
    'random/insecure-seed': random3.insecureSeed(randomness),
    'filesystem/types': filesystem3.types,
    'filesystem/preopens': filesystem3.preopens(directories),
    'sockets/types': { TcpSocket: tcpSocket(network), UdpSocket: udpSocket(network) },
    'sockets/ip-name-lookup': ipNameLookup3(network),
    'http/types': http3.types,
    'http/client': http3.client(client),
  };
  const imports = new Map([...versioned(interfaces, WASI_VERSION), ...versioned(interfaces3, WASI_3_VERSION)]);

  const flush = async (): Promise<void> => {
    await drained(stdout.stream);
    await drained(stderr.stream);
    failures.check();
  };
  const close = (): void => {
    stdin.stream.close();
    client.close();
    for (const [directory] of directories) directory.release();
    directories.length = 0;
  };
  return {
    imports,
    flush,
    close,
    [Symbol.dispose]: close,
    async [Symbol.asyncDispose]() {
      try {
        await flush();
      } finally {
        close();
      }
    },
    defineIn(target) {
      for (const [name, value] of imports) target.define(name, value);
      target.charge(() => new Budget(limits.instanceHostBytes, budget));
    },
  };
}

/**
 * Runs a command of WASI preview 1, granting what the options name and nothing else.
 *
 * @param module a core module that imports `wasi_snapshot_preview1`, see {@link preview1Module}
 * @returns the exit code, 0 … 255
 * @throws WasiError `TENON_PREVIEW1` when the module is no such command, and what {@link wasi} throws; Trap when the guest traps.
 * @example
 * const module = await preview1Module(await readFile('tool.wasm'));
 * if (module) process.exitCode = await runPreview1(module, { args: ['tool'], stdout: 'inherit' });
 */
export async function runPreview1(module: WebAssembly.Module, options: WasiOptions = {}): Promise<number> {
  // Few guests need it, and all would load it.
  const { run } = await import('./p1/run.ts');
  return run(module, options);
}
