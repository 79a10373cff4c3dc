/** `wasi:config`: 0.2.0-rc.1 (`store`) and the older 0.2.0-draft (`runtime`) — https://github.com/WebAssembly/wasi-config */
import type { Values } from './values.ts';

/** Definitions of both versions. */
export function config(values: Values): Readonly<Record<string, object>> {
  const get = (key: string): string | undefined => values.current.get(key);
  const getAll = (): [string, string][] => [...values.current];
  const face = { get, getAll };
  return { 'wasi:config/store@0.2.0-rc.1': face, 'wasi:config/runtime@0.2.0-draft': face };
}
