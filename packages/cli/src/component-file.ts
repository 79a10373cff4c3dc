/** Components that a command line names. */
import { basename } from 'node:path';
import { Component } from '@tenon/component';
import { readBytes } from './files.ts';

export interface ComponentFile {
  /** The file's name without folder and `.wasm`. */
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly component: Component;
}

/** @throws CliError TENON_FILE, or ComponentError when it is no valid component */
export async function readComponent(path: string): Promise<ComponentFile> {
  const bytes = readBytes(path);
  return { name: basename(path).replace(/\.wasm$/, ''), bytes, component: await Component.compile(bytes) };
}
