/** From what a manifest says of a workload to what cells run. */
import { resolve } from 'node:path';
import { type Limits, WorkloadConfig } from '../config.ts';
import type { PluginNeeds, PluginTask, Routes } from '../plugins/needs.ts';
import type { Application, Listener } from '../spec/types.ts';
import { componentsOf, referenceOf } from './deploy.ts';
import type { Desired, RevisionSpec, WorkloadId } from './desired.ts';

/** What an application shares that its workloads depend on. */
export interface Shared {
  readonly listeners: Readonly<Record<string, Listener>>;
  readonly plugins: readonly PluginTask[];
}

const DEFAULT_LISTENER: Listener = { host: '127.0.0.1', port: 8080 };

/**
 * What is wanted of each workload of an application. Paths are absolute from then on.
 * @param digests of the components, by what the application calls them
 */
export function revisionsOf(
  application: Application,
  folder: string,
  digests: Readonly<Record<string, string>>,
): ReadonlyMap<string, RevisionSpec> {
  const listeners = Object.fromEntries(
    Object.entries({ default: DEFAULT_LISTENER, ...application.listeners }).map(([name, listener]) => [name, withPaths(listener, folder)]),
  );
  const plugins = Object.entries(application.plugins ?? {}).map(([name, { from, options }]) => ({
    name,
    from: /^\.{0,2}\//.test(from) ? resolve(folder, from) : from,
    options: options ?? {},
  }));
  return new Map(
    Object.entries(application.workloads).map(([name, workload]) => {
      const components = Object.fromEntries(
        [...componentsOf(workload)].map(([each, component]) => [each, digests[referenceOf(component)] ?? '']),
      );
      // Only what the workload uses: a change of another listener is no change of this workload.
      const used = new Set((workload.triggers?.http ?? []).map((route) => route.listener ?? 'default'));
      const shared: Shared = {
        listeners: Object.fromEntries(Object.entries(listeners).filter(([listener]) => used.has(listener))),
        plugins,
      };
      return [name, { spec: withPaths(workload, folder), components, shared: shared as unknown as RevisionSpec['shared'] }];
    }),
  );
}

/** Keys that are paths of the host, wherever they stand. */
const PATHS: ReadonlySet<string> = new Set(['host', 'file', 'folder', 'directory', 'ca', 'cert', 'key']);
/** Where a key of that name is a path, and not the name of a machine. */
const HOST_IS_PATH: ReadonlySet<string> = new Set(['directories']);

function withPaths<T>(value: T, folder: string, parent = ''): T {
  if (Array.isArray(value)) return value.map((each) => withPaths(each, folder, parent)) as T;
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, each]) => {
    const isPath =
      typeof each === 'string' &&
      PATHS.has(key) &&
      (key !== 'host' || HOST_IS_PATH.has(parent)) &&
      parent !== 'values' &&
      parent !== 'environment';
    return [key, isPath ? resolve(folder, each) : withPaths(each, folder, key)];
  });
  return Object.fromEntries(entries) as T;
}

/** The name of a workload in logs. */
export const logName = ({ namespace, name }: WorkloadId): string => (namespace === 'default' ? name : `${namespace}/${name}`);

/** @param bytes of the component, composed where there are several */
export function configOf(desired: Desired, bytes: Uint8Array): WorkloadConfig {
  const { spec } = desired.revision;
  let config = new WorkloadConfig(bytes)
    .withName(logName(desired))
    .withArguments([desired.name, ...(spec.arguments ?? [])])
    .withEnvironment(spec.environment ?? {})
    .withLimits((spec.limits ?? {}) as Partial<Limits>)
    .withReuse(spec.reuse ?? 'reset');
  for (const { host, guest, readOnly } of spec.directories ?? [])
    config = config.withDirectory({ host, guest, readOnly: readOnly ?? false });
  if (spec.sockets !== undefined) config = config.withInterface('wasi:sockets', definedOnly(spec.sockets));
  if (spec.http !== undefined) {
    const { allow = [], ca } = spec.http;
    config = config.withInterface('wasi:http/outgoing-handler', { allow, ...(ca === undefined ? {} : { ca }) });
  }
  return config;
}

const definedOnly = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as T;

/** What a workload needs of plugins and of others. @param memory what its triggers remembered */
export function needsOf(desired: Desired, memory: Readonly<Record<string, string>>): PluginNeeds {
  const { namespace, name } = desired;
  const { spec } = desired.revision;
  const { http: _, service, ...others } = spec.triggers ?? {};
  const triggers = Object.entries({ ...others, ...(service === undefined ? {} : { service: [service] }) });
  return {
    identity: { namespace, name, revision: desired.revision.number },
    interfaces: spec.interfaces ?? {},
    triggers: Object.fromEntries(triggers.map(([kind, configs]) => [kind, Array.isArray(configs) ? configs : [configs]])),
    links: Object.fromEntries(
      Object.entries(spec.links ?? {}).map(([imported, { workload }]) => [
        imported,
        workload.includes('/') ? workload : `${namespace}/${workload}`,
      ]),
    ),
    memory,
    plugins: sharedOf(desired).plugins,
  };
}

export const sharedOf = ({ revision }: Desired): Shared => revision.shared as unknown as Shared;

/** The routes of a workload by listener. */
export function routesOf({ revision }: Desired): readonly Routes[] {
  const byListener = Map.groupBy(revision.spec.triggers?.http ?? [], (route) => route.listener ?? 'default');
  return [...byListener].map(([listener, routes]) => ({
    listener,
    matches: routes.map(({ host, path, methods }) => ({ host, path, methods })),
  }));
}
