/** What the scripts of this repository share: where things are, and running a program. */
import { spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root folder of the repository. */
export const ROOT: string = dirname(dirname(fileURLToPath(import.meta.url)));

/** Where scripts keep what can be made again. */
export const CACHE: string = `${ROOT}/node_modules/.cache/tenon`;

/** Runs a program with this process's terminal. Resolves to its exit code. */
export function run(command: string, args: readonly string[], cwd: string = ROOT): Promise<number> {
  return new Promise((settle, fail) => {
    const child = spawn(command, args, { stdio: 'inherit', cwd });
    child.on('error', fail).on('exit', (code) => settle(code ?? 1));
  });
}

/** Runs a program and returns what it printed on stdout. Throws with its stderr when it fails. */
export function output(command: string, args: readonly string[], cwd: string = ROOT): Promise<string> {
  return new Promise((settle, fail) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', fail).on('close', (code) => {
      if (code === 0) settle(stdout);
      else fail(new Error(`${command} ${args.join(' ')} ended with code ${code}\n${stdout}${stderr}`));
    });
  });
}
