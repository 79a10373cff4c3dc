import assert from 'node:assert/strict';
import { type Component, Linker } from '@tenon/component';
import type { Plugin } from '@tenon/plugin';
import { BUILT_IN } from '@tenon/plugins';
import { wasi } from '@tenon/wasi';

const log = { debug() {}, info() {}, warn() {}, error() {} };
const workload = { namespace: 'default', name: 'stores', revision: 1 };
const host = { options: {}, log, dataFolder: undefined, hostId: `guest-${process.pid}`, cell: 0 };

/** A guest whose host has every built-in plugin; the packages' own tests go further. */
export async function checkStores(component: Component): Promise<void> {
  const linker = new Linker();
  wasi().defineIn(linker);
  for (const plugin of BUILT_IN as readonly Plugin<unknown, object, object>[]) {
    const state = await plugin.start?.(host);
    const config = new Map([
      [
        'default',
        {
          backend: 'memory',
          maxBytes: 1e6,
          maxValueBytes: 1000,
          maxObjectBytes: 1000,
          maxMemoryBytes: 1e6,
          maxMessageBytes: 1000,
          store: 'guest',
        },
      ],
    ]);
    const signal = new AbortController().signal;
    const { definitions } = await plugin.bind(state, { workload, interfaces: [], config, maxHostBytes: 1e6, log, signal });
    for (const [name, value] of Object.entries(definitions))
      if (component.imports.some((each) => each.name === name)) linker.define(name, value);
  }
  const { exports } = await linker.instantiate(component);
  const { keys } = exports as { keys: Record<'set' | 'get', (...args: unknown[]) => Promise<unknown>> };
  await keys.set('', 'k', Uint8Array.of(1, 2));
  assert.deepEqual(await keys.get('', 'k'), Uint8Array.of(1, 2));
}
