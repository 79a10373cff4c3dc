/** Runs the real command line in a process of its own, for tests. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../bin/tenon.js', import.meta.url));

/** A built guest that is in git. */
export function guest(name: string): string {
  return fileURLToPath(new URL(`../../../guests/${name}/${basename(name)}.wasm`, import.meta.url));
}

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Environment {
  readonly cwd?: string;
  readonly stdin?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
}

export function start(args: readonly string[], { cwd, env }: Environment = {}): ChildProcessWithoutNullStreams {
  const { NO_COLOR: _, FORCE_COLOR: __, ...inherited } = process.env;
  return spawn(process.execPath, [BIN, ...args], { cwd, env: { ...inherited, ...env } });
}

/** Waits for a process that was started. */
export function finish(child: ChildProcessWithoutNullStreams): Promise<Finished> {
  return new Promise((resolve, reject) => {
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', reject).on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

export function tenon(args: readonly string[], environment: Environment = {}): Promise<Finished> {
  const child = start(args, environment);
  child.stdin.on('error', () => {});
  child.stdin.end(environment.stdin ?? '');
  return finish(child);
}

/** A folder that is removed with the test. */
export function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'tenon-cli-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
