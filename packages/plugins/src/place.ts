/** Where the data of a workload lies, from what its manifest says. */
import { join } from 'node:path';
import { refuse, type Schema, type WorkloadIdentity } from '@tenon/plugin';
import type { Place } from './database.ts';
import { fileName } from './file-name.ts';

/** What every store can be configured with. */
export interface StoreConfig {
  /** `memory` is lost when the host ends; `sqlite` is kept in a file. */
  readonly backend: 'memory' | 'sqlite';
  /** Workloads of one namespace that name the same store share it; a store of the workload's own unless given. */
  readonly store?: string | undefined;
  /** Path of the database; a file in the host's data folder unless given. */
  readonly file?: string | undefined;
  /** What an acknowledged write outlives: a loss of power (the default), or only the end of the process, which is faster. */
  readonly durability?: 'power' | 'process' | undefined;
}

/** The schema of {@link StoreConfig}'s properties. */
export const STORE_PROPERTIES = {
  backend: { enum: ['memory', 'sqlite'], default: 'memory', description: 'memory is lost when the host ends; sqlite is kept in a file' },
  store: { type: 'string', minLength: 1, maxLength: 200, description: 'workloads that name the same store share it' },
  file: { type: 'string', minLength: 1, description: 'path of the database; in the data folder of the host unless given' },
  durability: {
    enum: ['power', 'process'],
    default: 'power',
    description: 'what an acknowledged write outlives: a loss of power, or only the end of the process, which is faster',
  },
} as const satisfies Record<string, Schema>;

/** What a place depends on beside the configuration. */
export interface PlaceContext {
  readonly plugin: string;
  readonly label: string;
  readonly workload: WorkloadIdentity;
  readonly hostId: string;
  readonly dataFolder: string | undefined;
}

/** @throws RefusedError when the configuration contradicts itself, or the host has no folder for data. */
export function placeOf(config: StoreConfig, { plugin, label, workload, hostId, dataFolder }: PlaceContext): Place {
  const { namespace, name } = workload;
  // A store that is shared is one of the namespace; one that is not belongs to the workload and the label.
  const path = config.store === undefined ? ['workloads', name, label] : ['shared', config.store];
  if (config.backend === 'memory') {
    if (config.file !== undefined) refuse(`${plugin} "${label}" has a file and the backend "memory"`, 'set backend: sqlite');
    return { memory: [hostId, plugin, namespace, ...path].map(encodeURIComponent).join('/') };
  }
  const file = config.file ?? (dataFolder && join(dataFolder, ...[namespace, ...path].map(fileName))) ?? refuseFolder(plugin, label);
  return { file: config.file === undefined ? `${file}.db` : file, durability: config.durability };
}

export function refuseFolder(plugin: string, label: string): never {
  return refuse(
    `${plugin} "${label}" is to be kept, and this host has no folder for data`,
    'name a file, or start the host with --data FOLDER',
  );
}

/** `wasi:keyvalue`, of `wasi:keyvalue/store@0.2.0-draft2` and the like. */
export function packageOf([name = '']: readonly string[]): string {
  return name.replace(/\/.*/, '');
}

/** Refuses a workload that imports an interface and says nothing of a store for it. */
export function refuseUnconfigured(plugin: string, packageName: string): never {
  return refuse(
    `the workload imports ${packageName} and configures no store for it`,
    `add \`${packageName}: { default: {} }\` to its interfaces (${plugin})`,
  );
}
