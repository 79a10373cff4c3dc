/** From a component to a maker of request handlers, inside a worker thread. */
import { Component, Linker, provider } from '@tenon/component';
import { type Handle, respondTo, type Wasi } from '@tenon/wasi';
import type { Guest } from './calls.ts';
import type { Limits } from './config.ts';
import { RuntimeError } from './errors.ts';
import type { ComponentSource } from './messages.ts';

const HANDLER = 'wasi:http/incoming-handler@0.2.0';

/** A component, and a way to let go of its bytes: a linked component has its plan and its compiled modules, and needs them no more. */
export interface Loaded {
  readonly component: Component;
  readonly release: () => void;
}

/** @throws ComponentError for bytes that are no valid component */
export async function load(source: ComponentSource, { maxMemoryBytes }: Pick<Limits, 'maxMemoryBytes'>): Promise<Loaded> {
  if (!(source instanceof Uint8Array)) return { component: Component.fromShared(source), release: () => {} };
  // Of a large component these are megabytes that the collector, which does not see them, would keep for long.
  const release = (): void => {
    const { buffer } = source;
    if (buffer instanceof ArrayBuffer && buffer.byteLength === source.byteLength) buffer.transfer(0);
  };
  return { component: await Component.compile(source, { maxMemoryBytes }), release };
}

/** The name under which a component exports its handler. @throws RuntimeError TENON_RUNTIME_EXPORT */
export function handlerName(component: Component): string {
  const names = component.exports.map(({ name }) => name);
  const found = provider(names, HANDLER);
  if (found !== undefined && names.some((name) => name.startsWith('wasi:http/types@'))) {
    throw new RuntimeError(
      'TENON_RUNTIME_EXPORT',
      'the component exports `wasi:http/types`, so its handler takes requests of its own making and none of this host: build it to import that interface',
    );
  }
  if (found !== undefined) return found;
  const others = names.length === 0 ? 'nothing' : names.map((name) => `\`${name}\``).join(', ');
  throw new RuntimeError('TENON_RUNTIME_EXPORT', `the component does not export \`${HANDLER}\`; it exports ${others}`);
}

/**
 * Links a component. Each call of the result makes an instance.
 * @throws ComponentError when an import is missing
 */
export function guestMaker(component: Component, name: string, system: Wasi, { maxHandles }: Pick<Limits, 'maxHandles'>): () => Guest {
  const linker = new Linker({ maxHandles });
  linker.use(system);
  const prepared = linker.prepareSync(component);
  return () => {
    const instance = prepared.instantiateSync();
    const { handle } = instance.exports[name] as { readonly handle?: Handle };
    if (typeof handle === 'function') {
      return { respond: (request, responder) => respondTo(handle, request, responder), end: () => instance.end() };
    }
    throw new RuntimeError('TENON_RUNTIME_EXPORT', `\`${name}\` has no function \`handle\``);
  };
}
