/** Runs a worker: bounds its heap, watches that it gets on, and turns its death into a finding. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type Finding, type Message, memoryBound, type Stats, WATCHDOG_MS } from './report.ts';

const WORKER = fileURLToPath(new URL('./worker.ts', import.meta.url));
/** What Node and the code of the engine take of the heap, in bytes. */
const BASE_HEAP = 48 * 1024 * 1024;
/** What the peer takes on top. */
const PEER_HEAP = 40 * 1024 * 1024;
const POLL_MS = 250;

export interface Listener {
  readonly finding: (finding: Finding) => void;
  readonly stats: (stats: Stats) => void;
  /** Ends the worker. */
  readonly signal?: AbortSignal;
  readonly env?: Readonly<Record<string, string>>;
  /** How often the watchdog's time one input may take; 1 when absent. */
  readonly patience?: number;
}

/**
 * @param length bytes of the longest input
 * @returns the number of the input that ended the worker, if one did
 */
export async function runWorker(args: readonly string[], length: number, listener: Listener): Promise<number | undefined> {
  const folder = mkdtempSync(path.join(tmpdir(), 'tenon-fuzz-'));
  const state = path.join(folder, 'state');
  const heap = Math.ceil((BASE_HEAP + (process.env.FUZZ_PEER === undefined ? 0 : PEER_HEAP) + memoryBound(length)) / 1024 / 1024);
  const flags = [`--max-old-space-size=${heap}`, '--max-semi-space-size=4', '--no-warnings'];
  const child = spawn(process.execPath, [...flags, WORKER, state, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...listener.env },
  });
  let noise = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    noise = (noise + text).slice(-4000);
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    const message = JSON.parse(line) as Message;
    if (message.kind === 'stats') listener.stats(message.stats);
    else listener.finding(message.finding);
  });

  let at = '';
  let since = performance.now();
  let hung = false;
  const watchdog = setInterval(() => {
    const now = readState(state);
    if (now !== at) {
      at = now;
      since = performance.now();
    } else if (now !== '' && performance.now() - since > WATCHDOG_MS * (listener.patience ?? 1)) {
      hung = true;
      child.kill('SIGKILL');
    }
  }, POLL_MS);
  const abort = (): void => void child.kill('SIGKILL');
  listener.signal?.addEventListener('abort', abort);
  if (listener.signal?.aborted) abort();
  const code = await new Promise<number | null>((settle) => child.on('close', settle));
  clearInterval(watchdog);
  listener.signal?.removeEventListener('abort', abort);
  const input = Number(readState(state) || -1);
  rmSync(folder, { recursive: true });

  if (code === 0 || (listener.signal?.aborted && !hung)) return undefined;
  if (hung) listener.finding({ kind: 'hang', input, message: `it took more than ${WATCHDOG_MS / 1000} s`, stack: '' });
  else if (/heap out of memory|heap limit/.test(noise)) {
    listener.finding({ kind: 'memory', input, message: `it needs more heap than ${heap} MiB`, stack: noise });
  } else listener.finding({ kind: 'death', input, message: `the process ended with ${code}`, stack: noise });
  if (input < 0) throw new Error(`the worker did not start:\n${noise}`);
  return input;
}

function readState(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}
