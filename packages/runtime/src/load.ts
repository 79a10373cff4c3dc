/** From bytes to a component, inside a cell. */
import { getEnvironmentData } from 'node:worker_threads';
import { type CodeCache, Component } from '@tenon/component';
import { codeCache } from '@tenon/wasi';
import type { Limits } from './config.ts';
import type { ComponentSource } from './messages.ts';

/** From this size on it takes longer to rewrite a component than to work out its digest. */
const CACHED_BYTES = 512 * 1024;

/** The published command line says under this name where it keeps code, to itself and to its threads. Other programs keep nothing. */
const FOLDER = 'tenon.code-cache';

function cacheOfProcess(): CodeCache | undefined {
  const folder = getEnvironmentData(FOLDER);
  return typeof folder === 'string' ? codeCache(folder) : undefined;
}

/** A component, and a way to let go of its bytes: a linked component has its plan and its compiled modules, and needs them no more. */
export interface Loaded {
  readonly component: Component;
  readonly release: () => void;
}

/**
 * @param owned whether the bytes are nobody else's
 * @throws ComponentError for bytes that are no valid component
 */
export async function load(source: ComponentSource, owned: boolean, { maxMemoryBytes, maxTableElements }: Limits): Promise<Loaded> {
  if (!(source instanceof Uint8Array)) return { component: Component.fromShared(source), release: () => {} };
  // Of a large component these are megabytes that the collector, which does not see them, would keep for long.
  const release = (): void => {
    const { buffer } = source;
    if (owned && buffer instanceof ArrayBuffer && buffer.byteLength === source.byteLength) buffer.transfer(0);
  };
  const cache = source.length >= CACHED_BYTES ? cacheOfProcess() : undefined;
  return { component: await Component.compile(source, { interruptible: true, maxMemoryBytes, maxTableElements, cache }), release };
}
