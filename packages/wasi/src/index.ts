/** WASI on Node.js: the system interfaces that components import, granted one by one. */
import { type Clocks, SYSTEM_CLOCKS } from './body/clock.ts';
import { Directory } from './body/files/directory.ts';
import { Client } from './body/http/client.ts';
import { Network, type NetworkGrants } from './body/network/network.ts';
import { Rules } from './body/network/rules.ts';
import { type Randomness, SYSTEM_RANDOMNESS } from './body/random.ts';
import { whenReady } from './body/readiness.ts';
import type { Sink } from './body/streams.ts';
import { WasiError } from './errors.ts';
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
import { type StandardInput, type StandardOutput, standardInput, standardOutput } from './standard.ts';

export type { Clocks, Datetime } from './body/clock.ts';
export type { NetworkGrants } from './body/network/network.ts';
export type { Randomness } from './body/random.ts';
export { WASI_ERRORS, WasiError, type WasiErrorCode } from './errors.ts';
export { Exit } from './p2/cli.ts';
export { createIncomingHandler, type Handle, type IncomingHandler } from './p2/http-incoming.ts';
export type { StandardInput, StandardOutput } from './standard.ts';

/** A directory of the host that a guest may use. */
export interface Preopen {
  /** Path on the host. */
  readonly host: string;
  /** Path at which the guest finds it. */
  readonly guest: string;
  /** Nothing in it can be changed. */
  readonly readOnly?: boolean | undefined;
}

/** What a guest is granted. What is left out is not granted. */
export interface WasiOptions {
  /** Arguments, the program's name first. */
  readonly args?: readonly string[] | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** The guest's initial working directory. */
  readonly cwd?: string | undefined;
  readonly stdin?: StandardInput | undefined;
  readonly stdout?: StandardOutput | undefined;
  readonly stderr?: StandardOutput | undefined;
  readonly preopens?: readonly Preopen[] | undefined;
  /**
   * Where HTTP requests may go: `example.com`, `*.example.com:443`, `10.0.0.0/8:8080`, `127.0.0.1`, `*`. Loopback and link-local
   * addresses are reached only by rules that name them, `localhost` or an address.
   */
  readonly http?: readonly string[] | undefined;
  /** What sockets may reach, by direction. */
  readonly network?: NetworkGrants | undefined;
  readonly clocks?: Clocks | undefined;
  /** IANA name of the time zone that guests are told; UTC unless given, since the host's zone is nobody's business. */
  readonly timezone?: string | undefined;
  readonly random?: Randomness | undefined;
}

/** What {@link Wasi.defineIn} fills: the engine's `Linker` is one. */
export interface Definitions {
  define(name: string, value: object): unknown;
}

/** The system interfaces of one guest, or of many instances of one. */
export interface Wasi {
  /** Definitions by interface name, with the latest version that they satisfy. */
  readonly imports: ReadonlyMap<string, object>;
  /** Defines them all in a linker. */
  defineIn(linker: Definitions): void;
  /** Resolves when all that was written to standard output and error has gone out. */
  flush(): Promise<void>;
  /** Gives back the directories, connections and standard input. Guests cannot use them any more. */
  close(): void;
}

/** The version of WASI 0.2 that is implemented; semver lets it satisfy every earlier 0.2.x. */
export const WASI_VERSION = '0.2.12';

function grant(preopens: readonly Preopen[]): [Directory, string][] {
  const granted: [Directory, string][] = [];
  for (const { host, guest, readOnly = false } of preopens) {
    try {
      granted.push([Directory.grant(host, readOnly), guest]);
    } catch (error) {
      for (const [directory] of granted) directory.release();
      const why = error instanceof Error ? error.message : String(error);
      throw new WasiError('TENON_PREOPEN', `${host} cannot be granted as ${guest}: ${why}`, error);
    }
  }
  return granted;
}

/** Reads rules for what may be reached. */
function ruled<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new WasiError('TENON_NETWORK_RULE', error instanceof Error ? error.message : String(error), error);
  }
}

async function drained(sink: Sink): Promise<void> {
  sink.flush();
  await whenReady(sink);
}

/**
 * Makes the system interfaces, granting what the options name and nothing else.
 *
 * @throws WasiError `TENON_PREOPEN` when a directory cannot be opened, `TENON_NETWORK_RULE` when a rule cannot be read.
 */
export function wasi(options: WasiOptions = {}): Wasi {
  const clocks = options.clocks ?? SYSTEM_CLOCKS;
  const randomness = options.random ?? SYSTEM_RANDOMNESS;
  const stdin = standardInput(options.stdin);
  const stdout = standardOutput(options.stdout, 1);
  const stderr = standardOutput(options.stderr, 2);
  const terminals = cli.terminals({ stdin: stdin.terminal, stdout: stdout.terminal, stderr: stderr.terminal });
  const client = new Client(ruled(() => new Rules(options.http ?? [])));
  const network = ruled(() => new Network(options.network ?? {}));
  const directories = grant(options.preopens ?? []);

  const interfaces: Readonly<Record<string, object>> = {
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
  const imports = new Map(Object.entries(interfaces).map(([name, value]) => [`wasi:${name}@${WASI_VERSION}`, value]));

  return {
    imports,
    defineIn(linker) {
      for (const [name, value] of imports) linker.define(name, value);
    },
    async flush() {
      await drained(stdout.stream);
      await drained(stderr.stream);
    },
    close() {
      stdin.stream.close();
      client.close();
      for (const [directory] of directories) directory.release();
      directories.length = 0;
    },
  };
}
