/** Reads the files that a command line names. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { Component } from '@tenon/component';
import { CliError } from './errors.ts';

const PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  ENOTDIR: 'no such file',
  EISDIR: 'it is a folder, not a file',
  EACCES: 'permission denied',
};

/** The sentence for an error of the file system. */
export function fileProblem(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  return PROBLEMS[code] ?? message;
}

/** @throws CliError TENON_FILE */
export function readBytes(path: string): Uint8Array<ArrayBuffer> {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new CliError('TENON_FILE', `cannot read ${path}: ${fileProblem(error)}`, error);
  }
}

/** A component that a command line names. */
export interface ComponentFile {
  /** The file's name without folder and `.wasm`. */
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly component: Component;
}

/** @throws CliError TENON_FILE, or ComponentError when it is no valid component */
export async function readComponent(path: string): Promise<ComponentFile> {
  const bytes = readBytes(path);
  return { name: componentName(path), bytes, component: await Component.compile(bytes) };
}

export function componentName(path: string): string {
  return basename(path).replace(/\.wasm$/, '');
}
