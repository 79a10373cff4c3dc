/** Wasmtime as a contender, through its Python wheel. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { wasmtimePython } from './wasmtime-wheel.ts';

interface Reply {
  readonly ns?: number;
  readonly error?: string;
}

/** A Python process that runs components on Wasmtime. */
export class Wasmtime {
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly folder: string;
  private readonly ended: Promise<void>;
  private readonly waiting: ((reply: Reply) => void)[] = [];
  private opened = 0;

  private constructor(child: ChildProcessWithoutNullStreams, folder: string) {
    this.child = child;
    this.folder = folder;
    createInterface({ input: child.stdout }).on('line', (line) => this.waiting.shift()?.(JSON.parse(line) as Reply));
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => {
      stderr = (stderr + chunk.toString()).slice(-500);
    });
    child.stdin.on('error', () => {});
    this.ended = new Promise((resolve) => child.once('close', () => resolve()));
    void this.ended.then(() => {
      for (const resolve of this.waiting.splice(0)) resolve({ error: `the Python process ended: ${stderr}` });
    });
  }

  /** @returns undefined, with the reason told to `skip`, where Python or the wheel cannot be had */
  static async start(skip: (why: string) => void): Promise<Wasmtime | undefined> {
    const python = wasmtimePython(skip);
    if (python === undefined) return undefined;
    const folder = await mkdtemp(join(tmpdir(), 'tenon-bench-wasmtime-'));
    const script = fileURLToPath(new URL('wasmtime_peer.py', import.meta.url));
    return new Wasmtime(spawn(python, [script], { stdio: ['pipe', 'pipe', 'pipe'] }), folder);
  }

  private async ask(request: object): Promise<Reply> {
    if (this.child.exitCode !== null) throw new Error('Wasmtime: the Python process ended');
    const reply = await new Promise<Reply>((resolve) => {
      this.waiting.push(resolve);
      this.child.stdin.write(`${JSON.stringify(request)}\n`);
    });
    if (reply.error !== undefined) throw new Error(`Wasmtime: ${reply.error}`);
    return reply;
  }

  async write(bytes: Uint8Array): Promise<string> {
    const path = join(this.folder, `${this.opened++}.wasm`);
    await writeFile(path, bytes);
    return path;
  }

  /** @returns calls an export once and answers its time in nanoseconds */
  async open(bytes: Uint8Array): Promise<(func: string, ...args: unknown[]) => Promise<number>> {
    const path = await this.write(bytes);
    const id = this.opened;
    await this.ask({ op: 'open', id, path });
    return async (func, ...args) => (await this.ask({ op: 'loop', id, func, args })).ns ?? Number.NaN;
  }

  /** @returns nanoseconds from bytes to a compiled component */
  async compile(path: string): Promise<number> {
    return (await this.ask({ op: 'compile', path })).ns ?? Number.NaN;
  }

  async close(): Promise<void> {
    this.child.stdin.end();
    await this.ended;
    await rm(this.folder, { recursive: true, force: true });
  }
}
