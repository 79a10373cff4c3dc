/** Reading the file of a component. */
import { readFile } from 'node:fs/promises';
import { RuntimeError } from './errors.ts';

const PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EISDIR: 'it is a folder',
  EACCES: 'permission denied',
};

/** @throws RuntimeError TENON_RUNTIME_FILE */
export async function readComponent(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    throw new RuntimeError('TENON_RUNTIME_FILE', `cannot read ${path}: ${PROBLEMS[code] ?? message}`, error);
  }
}
