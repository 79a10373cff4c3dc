/** What a workload needs of plugins, as plain data that goes to the cells. */
import type { WorkloadIdentity } from '@tenon/plugin';
import type { Match } from '../router.ts';

/** A plugin of the host: `from` is the name of a built-in one, an npm package, or the URL of a file. */
export interface PluginTask {
  readonly name: string;
  readonly from: string;
  readonly options: Readonly<Record<string, unknown>>;
}

/** What the plugins of a host share. */
export interface PluginHost {
  readonly plugins: readonly PluginTask[];
  readonly dataFolder: string | undefined;
  readonly hostId: string;
}

/** What a workload asks of plugins and of other workloads. */
export interface PluginNeeds {
  readonly identity: WorkloadIdentity;
  /** Configuration by package (`wasi:keyvalue`) and label. */
  readonly interfaces: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Configurations by the name of the trigger. */
  readonly triggers: Readonly<Record<string, readonly unknown[]>>;
  /** Workloads by the interface that they export and this one imports. */
  readonly links: Readonly<Record<string, string>>;
  /** Plugins of its application, beside those that the host has. */
  readonly plugins: readonly PluginTask[];
  /** What triggers remembered before. */
  readonly memory: Readonly<Record<string, string>>;
}

/** Where a workload takes requests: one address and its routes there. */
export interface Routes {
  /** The name of the listener. */
  readonly listener: string;
  readonly matches: readonly Match[];
}

/** The name of a workload in full: `namespace/name`. */
export const fullName = ({ namespace, name }: { readonly namespace: string; readonly name: string }): string => `${namespace}/${name}`;
