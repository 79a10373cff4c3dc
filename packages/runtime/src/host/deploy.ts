/** Brings an application from a folder to a host: the bytes of its components first, those that the host lacks, then what is wanted. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { RuntimeError } from '../errors.ts';
import type { Manifest } from '../spec/manifest.ts';
import type { Component, Workload } from '../spec/types.ts';
import type { Applied, HostClient } from './client.ts';
import { digestOf } from './desired.ts';

/** Finds the bytes of what is no path: `oci://…`. */
export type Resolver = (reference: string) => Promise<Uint8Array>;

export interface Deployment extends Applied {
  readonly namespace: string;
  readonly application: string;
}

/** Where a component comes from. */
export const referenceOf = (component: Component): string => (typeof component === 'string' ? component : component.from);

/** The components of a workload by their names; a single one is called `main`. */
export function componentsOf({ component, components }: Workload): ReadonlyMap<string, Component> {
  return component === undefined ? new Map(Object.entries(components ?? {})) : new Map([['main', component]]);
}

/**
 * @param progress is told what is being done, in a few words
 * @throws RuntimeError `TENON_RUNTIME_FILE` for a component that cannot be read, `TENON_HOST_DIGEST` for one that is another
 */
export async function deploy(
  client: HostClient,
  { application, folder }: Manifest,
  { resolver, progress = () => {} }: { readonly resolver?: Resolver; readonly progress?: (what: string) => void } = {},
): Promise<Deployment> {
  const digests: Record<string, string> = {};
  for (const workload of Object.values(application.workloads)) {
    for (const component of componentsOf(workload).values()) {
      const reference = referenceOf(component);
      const bytes = await read(reference, folder, resolver);
      const digest = digestOf(bytes);
      const expected = typeof component === 'string' ? undefined : component.digest;
      if (expected !== undefined && expected !== digest) {
        throw new RuntimeError('TENON_HOST_DIGEST', `${reference} has the digest ${digest}, and ${expected} is wanted`);
      }
      if (digests[reference] === digest) continue;
      digests[reference] = digest;
      if (await client.hasComponent(digest)) continue;
      progress(`sending ${reference}`);
      await client.putComponent(bytes);
    }
  }
  const namespace = application.namespace ?? 'default';
  progress(`starting ${Object.keys(application.workloads).join(', ')}`);
  const applied = await client.apply(namespace, application.name, { folder, application, components: digests });
  return { ...applied, namespace, application: application.name };
}

async function read(reference: string, folder: string, resolver: Resolver | undefined): Promise<Uint8Array> {
  if (/^[a-z]+:\/\//.test(reference)) {
    if (resolver !== undefined) return resolver(reference);
    throw new RuntimeError('TENON_RUNTIME_FILE', `${reference} is not the path of a file`);
  }
  const path = resolve(folder, reference);
  try {
    return readFileSync(path);
  } catch (error) {
    throw new RuntimeError('TENON_RUNTIME_FILE', `${path} cannot be read: ${(error as Error).message}`, error);
  }
}
