/** What the supervisor and a cell in a thread say to each other. */
import type { SharedComponent } from '@tenon/component';
import type { Credentials } from './certificate.ts';
import type { WorkloadSpec } from './config.ts';
import type { LogEntry } from './log.ts';
import type { PlainError } from './plain-errors.ts';
import type { PluginHost, PluginNeeds } from './plugins/needs.ts';
import type { Match } from './router.ts';
import type { TickerMemory } from './ticker.ts';

/** The bytes, or what an earlier cell has compiled. */
export type ComponentSource = Uint8Array | SharedComponent;

/** Where a workload takes requests. */
export interface CellAddress {
  readonly host: string;
  readonly port: number;
  /** Whether other cells listen there too. */
  readonly shared: boolean;
  /** Whether it is the first of them, which makes sure that nobody else does. */
  readonly first: boolean;
  readonly credentials: Credentials | undefined;
  /** See {@link ConnectionCount}. */
  readonly connections: SharedArrayBuffer;
}

/** What a component imports and exports. */
export interface Names {
  readonly imports: readonly string[];
  readonly exports: readonly string[];
}

/** Everything that a cell needs to run a workload. */
export interface CellTask {
  /** What it needs of plugins and of other workloads, where it is one of a host. */
  readonly needs?: PluginNeeds | undefined;
  readonly spec: Omit<WorkloadSpec, 'component'>;
  readonly component: ComponentSource;
  /** The name under which it exports its handler of requests, where an earlier cell has found it. */
  readonly handler: string | undefined;
  /** The names of its imports and exports, where an earlier cell has read them. */
  readonly names?: Names | undefined;
  /** The component's bytes are nobody else's. */
  readonly owned: boolean;
  readonly address: CellAddress | undefined;
}

/** What a cell that runs a workload has worked out, and the next need not. */
export interface Started {
  readonly component: SharedComponent;
  readonly handler: string | undefined;
  readonly names: Names;
  /** The port that it listens on; 0 without an address. */
  readonly port: number;
}

/** One call of an export. */
export interface ExportCall {
  /** The interface, where it is in one, and the function. */
  readonly path: readonly string[];
  readonly args: readonly unknown[];
  readonly timeoutMs: number;
}

/** Output of a guest: whole lines, as far as it writes lines. */
export interface Output {
  readonly workload: string;
  readonly stream: 'stdout' | 'stderr';
  /** What the guest was doing: `GET /path`, `math.add`; undefined outside of requests and calls. */
  readonly request: string | undefined;
  readonly bytes: Uint8Array;
}

/** What gives a workload that was started its work. */
export interface Activation {
  readonly listeners: readonly { readonly address: CellAddress; readonly matches: readonly Match[] }[];
  /** The workload whose place it takes: requests go from one to the other at once. */
  readonly replaces: number | undefined;
}

/** What a workload takes in one cell. */
export interface CellUsage {
  readonly requests: number;
  readonly failures: number;
  readonly instances: number;
  /** Bytes of linear memories. */
  readonly memory: number;
  readonly cpuMs: number;
}

/** What a cell can be asked to do. Each method is answered once, with its result or an error. */
export interface CellMethods {
  start(id: number, task: CellTask): Promise<Started>;
  stop(id: number): Promise<void>;
  renew(id: number, credentials: Credentials): Promise<void>;
  /** Gives a workload that was started without an address its work. @returns the port of each listener */
  activate(id: number, activation: Activation): Promise<readonly number[]>;
  usage(id: number): Promise<CellUsage>;
  /** Sends a request in process. @returns the status of the answer */
  probe(id: number, path: string, timeoutMs: number): Promise<number>;
  /** How the plugins are. */
  health(): Promise<readonly { readonly name: string; readonly ok: boolean; readonly message?: string }[]>;
  call(id: number, call: ExportCall, signal?: AbortSignal): Promise<unknown>;
}

/** Where the news of a cell go. */
export interface CellSinks {
  readonly logRequests: boolean;
  readonly log: (entry: LogEntry) => void;
  /** A guest that writes faster than the Promises settle has to wait. */
  readonly output: (output: Output) => void | Promise<void>;
  /** Keeps a text of a trigger. */
  readonly remember: (workload: string, key: string, value: string) => void;
}

/** What a thread begins with. */
export interface CellSettings {
  readonly logRequests: boolean;
  readonly heartbeat: SharedArrayBuffer;
  readonly ticker: TickerMemory;
  readonly cell: number;
  readonly plugins: PluginHost | undefined;
}

export type ToCell =
  | { readonly type: 'begin'; readonly settings: CellSettings }
  | { readonly type: 'start'; readonly ask: number; readonly id: number; readonly task: CellTask }
  | { readonly type: 'stop'; readonly ask: number; readonly id: number }
  | { readonly type: 'activate'; readonly ask: number; readonly id: number; readonly activation: Activation }
  | { readonly type: 'usage'; readonly ask: number; readonly id: number }
  | { readonly type: 'probe'; readonly ask: number; readonly id: number; readonly path: string; readonly timeoutMs: number }
  | { readonly type: 'health'; readonly ask: number }
  | { readonly type: 'renew'; readonly ask: number; readonly id: number; readonly credentials: Credentials }
  | { readonly type: 'call'; readonly ask: number; readonly id: number; readonly call: ExportCall }
  /** Nobody waits for that call any more. */
  | { readonly type: 'abort'; readonly ask: number }
  /** An output was taken. */
  | { readonly type: 'taken'; readonly ask: number }
  | { readonly type: 'end' };

export type FromCell =
  | { readonly type: 'result'; readonly ask: number; readonly value: unknown }
  | { readonly type: 'failed'; readonly ask: number; readonly error: PlainError }
  | { readonly type: 'log'; readonly entries: readonly LogEntry[] }
  | { readonly type: 'remember'; readonly workload: string; readonly key: string; readonly value: string }
  | { readonly type: 'output'; readonly ask: number; readonly output: Output };
