/** Reads and writes the files that a command line names. */
import { accessSync, constants, readFileSync, statSync, writeFileSync } from 'node:fs';
import { CliError } from './errors.ts';

const PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  ENOTDIR: 'no such file',
  EISDIR: 'it is a folder, not a file',
  EACCES: 'permission denied',
};

/** What a person is told of a file that cannot be used. */
export function fileError(action: 'read' | 'write', path: string, error: unknown): CliError {
  const { code = '', message } = error as NodeJS.ErrnoException;
  return new CliError('TENON_FILE', `cannot ${action} ${path}: ${PROBLEMS[code] ?? message}`, error);
}

/** The path that stands for standard input, where a file is read, and for standard output, where one is written. */
export const STANDARD = '-';

/** @throws CliError TENON_FILE */
export function readBytes(path: string): Uint8Array<ArrayBuffer> {
  try {
    return readFileSync(path === STANDARD ? 0 : path);
  } catch (error) {
    throw fileError('read', path, error);
  }
}

/** Checks that a file can be read, for a command that leaves the reading to others. @throws CliError TENON_FILE */
export function requireFile(path: string): void {
  try {
    accessSync(path, constants.R_OK);
  } catch (error) {
    throw fileError('read', path, error);
  }
  if (statSync(path).isDirectory()) throw fileError('read', path, { code: 'EISDIR' });
}

/**
 * Writes what a command makes.
 * @param path a file; undefined or {@link STANDARD} is stdout
 * @throws CliError TENON_FILE
 */
export function writeOutput(path: string | undefined, content: string | Uint8Array): void {
  if (path === undefined || path === STANDARD) {
    process.stdout.write(content);
    return;
  }
  try {
    writeFileSync(path, content);
  } catch (error) {
    throw fileError('write', path, error);
  }
}
