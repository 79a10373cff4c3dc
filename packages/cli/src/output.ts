/** Writes what a command makes. */
import { writeFileSync } from 'node:fs';
import { fileProblem } from './component-file.ts';
import { CliError } from './errors.ts';

/**
 * @param path a file; undefined or `-` is stdout
 * @throws CliError TENON_FILE
 */
export function writeOutput(path: string | undefined, content: string | Uint8Array): void {
  if (path === undefined || path === '-') {
    process.stdout.write(content);
    return;
  }
  try {
    writeFileSync(path, content);
  } catch (error) {
    throw new CliError('TENON_FILE', `cannot write ${path}: ${fileProblem(error)}`, error);
  }
}
