/**
 * What a plugin is. A plugin provides interfaces to workloads as host functions and resources, and may bring triggers: something outside that
 * calls a workload's export.
 *
 * A host runs workloads in several cells, which are threads, and starts a plugin in each of them, because host functions are called where the
 * guest is. What must not happen twice in a host, such as a scheduled call, is a trigger with `once`. What must be the same whichever cell
 * answers belongs into something that threads share: a database, a server, `BroadcastChannel`.
 */

type Awaitable<T> = T | Promise<T>;

/** A JSON Schema (draft 2020-12) as a plain object. What is configured is checked against it before the plugin sees it. */
export type Schema = Readonly<Record<string, unknown>>;

/** Writes to the host's log, with the plugin's name, and with the workload's where there is one. */
export interface Logger {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** Who a workload is. */
export interface WorkloadIdentity {
  readonly namespace: string;
  readonly name: string;
  /** Counts up with every change of the workload. */
  readonly revision: number;
}

/** What every part of a plugin gets. */
export interface HostContext<Options> {
  /** The plugin's options, checked, with the defaults of its schema filled in. */
  readonly options: Options;
  readonly log: Logger;
  /** A folder of the plugin's own that outlives the host; undefined when the host keeps nothing. */
  readonly dataFolder: string | undefined;
  /** Unique among the hosts of this process: names what threads share, such as a database in memory. */
  readonly hostId: string;
}

/** What `start` gets, in each cell. */
export interface CellContext<Options> extends HostContext<Options> {
  /** 0 … cells - 1. */
  readonly cell: number;
}

/** What `bind` gets. */
export interface BindContext<Config> {
  readonly workload: WorkloadIdentity;
  /** The interfaces of this plugin that the workload imports, in full: `wasi:keyvalue/store@0.2.0-draft2`. */
  readonly interfaces: readonly string[];
  /**
   * What the workload configures, by label. An interface that is imported once has the label `default`; `open("cache")` of a 0.2 guest and
   * the `implements` names of 0.3 name others. Checked against the plugin's `config`.
   */
  readonly config: ReadonlyMap<string, Config>;
  /** Bytes that the host may hold for an instance. */
  readonly maxHostBytes: number;
  readonly log: Logger;
  /** Fires when the workload is stopped or replaced. */
  readonly signal: AbortSignal;
}

/** What a workload gets from a plugin. */
export interface Binding {
  /** Definitions by the name of the interface, as `Linker.define` takes them: objects of functions and resource classes. */
  readonly definitions: Readonly<Record<string, object>>;
  /** Gives back what the binding holds. Is called once, also when a later plugin refuses. */
  unbind?(): Awaitable<void>;
}

/** A call of a workload's export by a trigger. */
export interface Invocation {
  /** `wasi:messaging/incoming-handler#handle`; a function of the world has its name alone. */
  readonly export: string;
  readonly args: readonly unknown[];
  /** How long the call may take, in milliseconds; what the workload's limits say unless given. */
  readonly timeoutMs?: number | undefined;
  /** A W3C `traceparent`, where the event brought one. */
  readonly traceparent?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a trigger gets for one workload in one cell. */
export interface TriggerContext<Config> {
  readonly workload: WorkloadIdentity;
  /** What stands under the trigger's name in the workload's `triggers`, checked against its schema. */
  readonly config: Config;
  /** The interfaces that the workload exports, in full. */
  readonly exports: ReadonlySet<string>;
  /** Fires when the workload is stopped or replaced: no new calls from then on. */
  readonly signal: AbortSignal;
  /** Texts that outlive a restart of the host, as far as it keeps anything. Keys are the trigger's own. */
  readonly memory: { recall(key: string): string | undefined; remember(key: string, value: string): void };
  readonly log: Logger;
  /** Calls an export in an instance of the pool, under the workload's limits. Rejects with the guest's error. */
  invoke(invocation: Invocation): Promise<unknown>;
}

export interface TriggerDefinition<State, Config> {
  /** Interfaces of which the workload must export one. */
  readonly exports: readonly string[];
  readonly config: Schema;
  /** Whether it starts in one cell of the host only, and not in each: for what must not happen twice. */
  readonly once?: boolean | undefined;
  /** Starts to call. @returns what ends it: no new calls after it was called, and it resolves when those under way are through. */
  start(state: State, context: TriggerContext<Config>): Awaitable<() => Awaitable<void>>;
}

export interface Health {
  readonly ok: boolean;
  /** What is wrong, in one sentence. */
  readonly message?: string | undefined;
}

/** A plugin. Made by {@link definePlugin}. */
export interface Plugin<State = unknown, Options = unknown, Config = unknown> {
  /** Unique in a host: `keyvalue`, `redis`. */
  readonly name: string;
  /** The interfaces it provides, with their versions. An import of an earlier compatible version is served as well. */
  readonly interfaces: readonly string[];
  /** What the host may configure for the plugin. Anything but an empty object is refused unless given. */
  readonly options?: Schema | undefined;
  /** What a workload may configure for each label. Anything but an empty object is refused unless given. */
  readonly config?: Schema | undefined;
  /** Starts the plugin in a cell. What it throws fails the start of the host. */
  start?(context: CellContext<Options>): Awaitable<State>;
  /**
   * Binds a workload. Must not depend on what was bound before.
   * @throws RefusedError, see `refuse`, when the workload cannot have what it asks for
   */
  bind(state: State, context: BindContext<Config>): Awaitable<Binding>;
  /** By the name under which a workload configures them. */
  readonly triggers?: Readonly<Record<string, TriggerDefinition<State, unknown>>> | undefined;
  stop?(state: State): Awaitable<void>;
  /** Is asked now and then. What it throws counts as not healthy. */
  health?(state: State): Awaitable<Health>;
}

/** What the module of a plugin exports, by the name `plugin`. */
export interface PluginModule {
  readonly plugin: Plugin;
}

/**
 * Defines a plugin, and lets its types follow from what is given.
 * @example
 * export const plugin = definePlugin({
 *   name: 'greeter',
 *   interfaces: ['example:host/greet@1.0.0'],
 *   bind: (_state, { workload }) => ({
 *     definitions: { 'example:host/greet@1.0.0': { greet: (name: string) => `Hello ${name}, from ${workload.name}` } },
 *   }),
 * });
 */
export function definePlugin<State = undefined, Options = Record<string, never>, Config = Record<string, never>>(
  plugin: Plugin<State, Options, Config>,
): Plugin<State, Options, Config> {
  return plugin;
}
