/** What a workload is made of: the component, what calls it, what it is granted, and its limits. */
import type { GivenPoolOptions } from '@tenon/wasi';
import { RuntimeError } from './errors.ts';
import type { Match } from './router.ts';

/** `wasi:http/incoming-handler`: an HTTP server calls the component. */
export interface HttpTrigger {
  /** Address to listen on; `127.0.0.1` unless given. */
  readonly host?: string;
  /** Port to listen on, 0 … 65535; 0, which is the default, takes a free one. */
  readonly port?: number;
  /** Serves HTTPS, HTTP/2 among it, with this certificate. */
  readonly tls?: TlsFiles;
  /** Which requests it takes, where several workloads share an address; all unless given. */
  readonly match?: Match;
}

/** A certificate and its key, both as files in PEM form. When the files change they are loaded anew; connections go on. */
export interface TlsFiles {
  /** Path of the certificate, followed by those of the authorities between it and the root. */
  readonly cert: string;
  /** Path of the private key. */
  readonly key: string;
}

/** `wasi:http/outgoing-handler`: the component may send requests. */
export interface HttpEgress {
  /**
   * Where to: `example.com`, `*.example.com:443`, `10.0.0.0/8:8080`, `localhost`; `*`, which is the default, is everywhere but
   * this machine, link-local addresses, and those that stand for many (multicast, broadcast).
   */
  readonly allow?: readonly string[];
  /** Certificates in PEM form, of authorities that are trusted beside those that Node knows. */
  readonly ca?: string;
  /** How long a connection is kept for the next request, in milliseconds; 30,000. */
  readonly idleTimeoutMs?: number;
  /** Whether a connection carries more than one request; true. Without it, requests are sent in HTTP/1.1. */
  readonly reuse?: boolean;
}

/**
 * `wasi:sockets`: the component may use TCP and UDP. Each list holds hosts, addresses or ranges, with or without ports:
 * `db.internal:5432`, `10.0.0.0/8:8000-8010`, `[::1]:53`. Nothing is reached where a list is missing; `*` is everywhere but
 * this machine, link-local addresses, and those that stand for many (multicast, broadcast). The names in `connect` and `send` may be looked up.
 * Without `receive`, answers are received from those to whom something was sent, and from nobody else.
 */
export interface SocketGrants {
  /** Where TCP connections may go. */
  readonly connect?: readonly string[];
  /** Addresses at which TCP connections may be accepted. */
  readonly listen?: readonly string[];
  /** Where datagrams may go. */
  readonly send?: readonly string[];
  /** Addresses at which datagrams may be received. */
  readonly receive?: readonly string[];
}

/** The interfaces that `withInterface` knows, and their options. */
export interface InterfaceOptions {
  readonly 'wasi:http/incoming-handler': HttpTrigger;
  readonly 'wasi:http/outgoing-handler': HttpEgress;
  readonly 'wasi:sockets': SocketGrants;
}

const INTERFACES: { readonly [Name in keyof InterfaceOptions]: (options: InterfaceOptions[Name]) => Partial<WorkloadSpec> } = {
  'wasi:http/incoming-handler'(http) {
    if (http.port !== undefined) requireInteger('port', http.port, 0, 65535);
    return { http };
  },
  'wasi:http/outgoing-handler'({ allow = ['*'], ca, idleTimeoutMs, reuse }) {
    if (idleTimeoutMs !== undefined) requireInteger('idleTimeoutMs', idleTimeoutMs, 1, 2 ** 31 - 1);
    return { egress: allow, egressCa: ca, egressPool: { idleTimeoutMs, reuse } };
  },
  'wasi:sockets'(sockets) {
    const unknown = Object.keys(sockets).find((use) => !SOCKET_USES.includes(use));
    if (unknown === undefined) return { sockets };
    throw new RuntimeError('TENON_RUNTIME_OPTION', `\`wasi:sockets\` has no option \`${unknown}\`; known: ${SOCKET_USES.join(', ')}`);
  },
};

const SOCKET_USES: readonly string[] = ['connect', 'listen', 'send', 'receive'] satisfies (keyof SocketGrants)[];

/** Limits of a workload. All have defaults. */
export interface Limits {
  /** How long a client waits for the guest before it gets 504, in milliseconds; 30,000. */
  readonly requestTimeoutMs: number;
  /** How long the first instance may take to come up, in milliseconds; 30,000. */
  readonly startTimeoutMs: number;
  /** How long `stop` waits for requests under way, in milliseconds; 10,000. */
  readonly drainTimeoutMs: number;
  /** Instances in each cell, and so requests at the same time; 64. */
  readonly maxInstances: number;
  /** Bytes of all linear memories of an instance together; 256 MiB. */
  readonly maxMemoryBytes: number;
  /** Bytes of all linear memories of all its instances in a cell together; 4 GiB. Where no more can be had, `memory.grow` fails. */
  readonly maxWorkloadMemoryBytes: number;
  /** Elements of all tables of an instance together, and an eighth of those of all instances in a cell; 1,000,000. */
  readonly maxTableElements: number;
  /** How long a guest may compute for one request or call, in milliseconds; 30,000. What it waits for does not count. */
  readonly maxCpuMs: number;
  /** How much of a cell's time all its instances there may compute, in percent; 100. What goes beyond waits. */
  readonly cpuShare: number;
  /** Handles that each part of an instance may hold, to streams, pollables and whatever else; with one more it traps. 10,000. */
  readonly maxHandles: number;
  /** Files and directories that the guests of a cell may have open together; 1,024. */
  readonly maxOpenFiles: number;
  /** Sockets that the guests of a cell may have open together; 1,024. */
  readonly maxSockets: number;
  /** HTTP requests that the guests of a cell may have under way together; 1,024. */
  readonly maxOutgoingRequests: number;
  /**
   * Bytes that the host holds for the guests of a cell together, beside their memories: fields, bodies and other streams that wait to go on,
   * datagrams, lookups; 256 MiB. What would go over it fails with the error of the interface, or ends the instance where there is none.
   */
  readonly maxHostBytes: number;
  /** The same for each instance, and what it may pass in one call; 64 MiB. */
  readonly maxInstanceHostBytes: number;
  /** Requests in each cell that wait for an instance before clients get 503; 1,024. */
  readonly maxQueue: number;
  /** Requests that one instance of a WASI 0.3 service serves at the same time; 16. */
  readonly maxConcurrency: number;
  /** Requests that one instance serves before another one takes its place; 1,000. */
  readonly maxRequestsPerInstance: number;
  /** Connections that may be open at once; 10,000. */
  readonly maxConnections: number;
  /** Bytes of a request's header fields before the client gets 431; 16 KiB. */
  readonly maxHeaderBytes: number;
  /** Header fields of a request before the client gets 431; 128. */
  readonly maxHeaders: number;
  /** Bytes of a request's body before the client gets 413; 128 MiB. */
  readonly maxBodyBytes: number;
  /** How long a client may take to send the head of a request before it gets 408, in milliseconds; 10,000. */
  readonly headerTimeoutMs: number;
  /** How long a client may send nothing in the middle of a body before it gets 408, in milliseconds; 20,000. */
  readonly bodyTimeoutMs: number;
  /** How long a connection may be idle between requests, in milliseconds; 60,000. */
  readonly idleTimeoutMs: number;
}

export const DEFAULT_LIMITS: Limits = {
  requestTimeoutMs: 30_000,
  startTimeoutMs: 30_000,
  drainTimeoutMs: 10_000,
  maxInstances: 64,
  maxMemoryBytes: 256 * 1024 * 1024,
  maxWorkloadMemoryBytes: 4 * 1024 ** 3,
  maxTableElements: 1_000_000,
  maxCpuMs: 30_000,
  cpuShare: 100,
  maxHandles: 10_000,
  maxOpenFiles: 1024,
  maxSockets: 1024,
  maxOutgoingRequests: 1024,
  maxHostBytes: 256 * 1024 * 1024,
  maxInstanceHostBytes: 64 * 1024 * 1024,
  maxQueue: 1024,
  maxConcurrency: 16,
  maxRequestsPerInstance: 1000,
  maxConnections: 10_000,
  maxHeaderBytes: 16 * 1024,
  maxHeaders: 128,
  maxBodyBytes: 128 * 1024 * 1024,
  headerTimeoutMs: 10_000,
  bodyTimeoutMs: 20_000,
  idleTimeoutMs: 60_000,
};

/** What each limit may be. */
export const LIMIT_RANGES: { readonly [Name in keyof Limits]: readonly [min: number, max: number] } = {
  requestTimeoutMs: [10, 2 ** 31 - 1],
  startTimeoutMs: [10, 2 ** 31 - 1],
  drainTimeoutMs: [0, 2 ** 31 - 1],
  maxInstances: [1, 100_000],
  maxMemoryBytes: [65_536, 2 ** 34],
  maxWorkloadMemoryBytes: [65_536, 2 ** 40],
  maxTableElements: [0, 10_000_000],
  maxCpuMs: [1, 2 ** 31 - 1],
  cpuShare: [1, 100],
  maxHandles: [1, 1_000_000],
  maxOpenFiles: [0, 1_000_000],
  maxSockets: [0, 1_000_000],
  maxOutgoingRequests: [0, 1_000_000],
  maxHostBytes: [65_536, 2 ** 40],
  maxInstanceHostBytes: [65_536, 2 ** 40],
  maxQueue: [0, 1_000_000],
  maxConcurrency: [1, 100_000],
  maxRequestsPerInstance: [1, Number.MAX_SAFE_INTEGER],
  maxConnections: [1, 1_000_000],
  maxHeaderBytes: [256, 1024 * 1024],
  maxHeaders: [1, 10_000],
  maxBodyBytes: [0, Number.MAX_SAFE_INTEGER],
  headerTimeoutMs: [10, 2 ** 31 - 1],
  bodyTimeoutMs: [10, 2 ** 31 - 1],
  idleTimeoutMs: [10, 2 ** 31 - 1],
};

/** A directory of the host that a workload may use. */
export interface DirectoryGrant {
  readonly host: string;
  readonly guest: string;
  readonly readOnly?: boolean;
}

/** A workload as plain data. */
export interface WorkloadSpec {
  readonly name: string;
  /** The path of the component, or its bytes. */
  readonly component: string | Uint8Array;
  readonly http: HttpTrigger | undefined;
  readonly egress: readonly string[];
  readonly egressCa: string | undefined;
  readonly egressPool: GivenPoolOptions;
  readonly sockets: SocketGrants;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly directories: readonly DirectoryGrant[];
  readonly limits: Limits;
  readonly reuse: Reuse;
}

/**
 * What becomes of an instance that has done a request or call: `reset` makes it as new, so that nothing of one request is seen by another;
 * `keep` leaves it as it is, for `maxRequestsPerInstance`; `fresh` throws it away. What cannot be reset is thrown away too.
 */
export type Reuse = 'reset' | 'keep' | 'fresh';

export const REUSES: readonly Reuse[] = ['reset', 'keep', 'fresh'];

const baseName = (path: string): string => path.replace(/^.*[\\/]/, '').replace(/\.wasm$/, '');

const newSpec = (component: string | Uint8Array): WorkloadSpec => ({
  name: typeof component === 'string' ? baseName(component) : 'component',
  component,
  http: undefined,
  egress: [],
  egressCa: undefined,
  egressPool: {},
  sockets: {},
  args: [],
  environment: {},
  directories: [],
  limits: DEFAULT_LIMITS,
  reuse: 'reset',
});

/** What a workload imports beside the system's interfaces, by name. */
export type Imports = Readonly<Record<string, unknown>>;

/**
 * Describes a workload; immutable, every `with…` returns a new one.
 * @example
 * const config = new WorkloadConfig('shop.wasm').withInterface('wasi:http/incoming-handler', { port: 8080 }).withEnvironment({ REGION: 'eu' });
 */
export class WorkloadConfig {
  /** All of it but {@link imports}. */
  readonly spec: WorkloadSpec;
  /** Host functions, which are closures and no data. */
  readonly imports: Imports;

  /** @param component the path of a component, its bytes, or all that describes a workload */
  constructor(component: string | Uint8Array | WorkloadSpec, imports: Imports = {}) {
    this.spec = typeof component === 'string' || component instanceof Uint8Array ? newSpec(component) : component;
    this.imports = imports;
  }

  get name(): string {
    return this.spec.name;
  }

  /** The HTTP trigger, where there is one. */
  get http(): HttpTrigger | undefined {
    return this.spec.http;
  }

  /** Where the component may send requests. */
  get egress(): readonly string[] {
    return this.spec.egress;
  }

  /** Authorities that are trusted for these requests beside those that Node knows. */
  get egressCa(): string | undefined {
    return this.spec.egressCa;
  }

  /** How the connections of these requests are kept. */
  get egressPool(): GivenPoolOptions {
    return this.spec.egressPool;
  }

  /** What its sockets may reach. */
  get sockets(): SocketGrants {
    return this.spec.sockets;
  }

  /** Its arguments, the program's name first. */
  get args(): readonly string[] {
    return this.spec.args;
  }

  get environment(): Readonly<Record<string, string>> {
    return this.spec.environment;
  }

  get directories(): readonly DirectoryGrant[] {
    return this.spec.directories;
  }

  get limits(): Limits {
    return this.spec.limits;
  }

  /**
   * Connects the workload to an interface: an export that something is to call, or an import that it is granted.
   * @param name one of {@link InterfaceOptions}, with or without a version
   * @throws RuntimeError TENON_RUNTIME_INTERFACE for an unknown name, TENON_RUNTIME_OPTION for an option outside its range
   */
  withInterface<Name extends keyof InterfaceOptions>(
    name: Name | `${Name}@${string}`,
    options: InterfaceOptions[Name] = {},
  ): WorkloadConfig {
    const known = Object.keys(INTERFACES);
    const [unversioned = ''] = name.split('@');
    if (!known.includes(unversioned)) {
      throw new RuntimeError('TENON_RUNTIME_INTERFACE', `unknown interface \`${name}\`; known: ${known.join(', ')}`);
    }
    return this.with(INTERFACES[unversioned as Name](options));
  }

  /** Says what becomes of an instance between requests; `reset` unless given. @throws RuntimeError TENON_RUNTIME_OPTION */
  withReuse(reuse: Reuse): WorkloadConfig {
    if (!REUSES.includes(reuse))
      throw new RuntimeError('TENON_RUNTIME_OPTION', `\`reuse\` is \`${reuse}\`, but must be ${REUSES.join(', ')}`);
    return this.with({ reuse });
  }

  /** Names the workload in logs; the file's name unless given. */
  withName(name: string): WorkloadConfig {
    return this.with({ name });
  }

  /** The component's arguments, the program's name first by custom; none unless given. */
  withArguments(args: readonly string[]): WorkloadConfig {
    return this.with({ args });
  }

  /** Environment variables that the component sees, beside those given before. It sees none of the host's own. */
  withEnvironment(variables: Readonly<Record<string, string>>): WorkloadConfig {
    return this.with({ environment: { ...this.environment, ...variables } });
  }

  /** Grants a directory of the host. */
  withDirectory(grant: DirectoryGrant): WorkloadConfig {
    return this.with({ directories: [...this.directories, grant] });
  }

  /** @throws RuntimeError TENON_RUNTIME_OPTION for a limit that is no integer or outside its range */
  withLimits(limits: Partial<Limits>): WorkloadConfig {
    for (const [name, value] of Object.entries(limits)) {
      const range = LIMIT_RANGES[name as keyof Limits];
      if (range === undefined)
        throw new RuntimeError('TENON_RUNTIME_OPTION', `unknown limit \`${name}\`; known: ${Object.keys(LIMIT_RANGES).join(', ')}`);
      requireInteger(name, value, ...range);
    }
    return this.with({ limits: { ...this.limits, ...limits } });
  }

  /**
   * Defines what the component imports, as `Linker.define` does: functions and resource classes of the program that embeds the runtime. They
   * are closures, so the workload must run in its thread: `Runtime.create({ threads: 0 })`.
   */
  withImport(name: string, value: unknown): WorkloadConfig {
    return new WorkloadConfig(this.spec, { ...this.imports, [name]: value });
  }

  private with(changes: Partial<WorkloadSpec>): WorkloadConfig {
    return new WorkloadConfig({ ...this.spec, ...changes }, this.imports);
  }
}

function requireInteger(name: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new RuntimeError('TENON_RUNTIME_OPTION', `\`${name}\` is ${value}, but must be an integer from ${min} to ${max}`);
}
