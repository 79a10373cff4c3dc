/** Runs core modules of `wasm32-wasip1` — https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md */
import { Trap, trapMessage } from '@tenon/component';
import { SYSTEM_CLOCKS } from '../body/clock.ts';
import { SYSTEM_RANDOMNESS } from '../body/random.ts';
import { mustTurn, turn } from '../body/readiness.ts';
import { WasiError } from '../errors.ts';
import { drained, grant, type WasiOptions } from '../grants.ts';
import { Exit } from '../p2/cli.ts';
import { OutputFailures, standardInput, standardOutput } from '../standard.ts';
import { Descriptor, Descriptors } from './descriptors.ts';
import { errnoOf } from './errno.ts';
import { fileCalls } from './files.ts';
import { GuestMemory } from './memory.ts';
import { isEntry, NAMESPACES } from './module.ts';
import { pathCalls } from './paths.ts';
import { pollCalls } from './poll.ts';
import type { Call, Calls, Process } from './process.ts';
import { systemCalls } from './system.ts';

/** What may wait, and so suspends the guest. */
const WAITING: ReadonlySet<string> = new Set([
  'fd_datasync',
  'fd_filestat_set_size',
  'fd_pread',
  'fd_pwrite',
  'fd_read',
  'fd_readdir',
  'fd_sync',
  'fd_write',
  'poll_oneoff',
  'random_get',
  'sched_yield',
]);

/** JavaScript Promise Integration, which TypeScript does not know yet. */
const { promising, Suspending } = WebAssembly as unknown as {
  promising(func: unknown): () => Promise<unknown>;
  readonly Suspending: new (func: (...args: unknown[]) => unknown) => WebAssembly.ImportValue;
};

/** Runs a command to its end and returns its exit code. */
export async function run(module: WebAssembly.Module, options: WasiOptions): Promise<number> {
  const stdin = standardInput(options.stdin);
  const failures = new OutputFailures();
  const stdout = standardOutput(options.stdout, 1, failures);
  const stderr = standardOutput(options.stderr, 2, failures);
  const descriptors = new Descriptors();
  for (const { stream, terminal } of [stdin, stdout, stderr]) descriptors.add(() => new Descriptor(stream, { terminal }));
  for (const [directory, preopen] of grant(options.preopens ?? [], options.limits))
    descriptors.add(() => new Descriptor(directory, { preopen }));
  try {
    const memory = new GuestMemory();
    const guest = new Guest({
      preview: previewOf(module),
      memory,
      descriptors,
      args: options.args ?? [],
      env: options.env ?? {},
      clocks: options.clocks ?? SYSTEM_CLOCKS,
      randomness: options.random ?? SYSTEM_RANDOMNESS,
    });
    return await guest.run(module);
  } finally {
    await drained(stdout.stream);
    await drained(stderr.stream);
    stdin.stream.close();
    descriptors.closeAll();
    failures.check();
  }
}

/** One run of a command. */
class Guest {
  readonly #process: Process;
  /** How the guest ended: a guest that catches what unwinds it is told again by whatever it calls. */
  #exit: Exit | undefined;

  constructor(process: Process) {
    this.#process = process;
  }

  async run(module: WebAssembly.Module): Promise<number> {
    const functions = this.#functions();
    const namespace = NAMESPACES[this.#process.preview] ?? '';
    const entry = check(module, namespace, functions);
    try {
      const { exports } = await WebAssembly.instantiate(module, { [namespace]: functions });
      const { memory } = exports;
      if (memory instanceof WebAssembly.Memory) this.#process.memory.attach(memory);
      await promising(exports[entry])();
      return this.#exit?.code ?? 0;
    } catch (error) {
      if (this.#exit !== undefined) return this.#exit.code;
      throw new Trap(trapMessage(error), error, { func: entry });
    }
  }

  #functions(): Record<string, WebAssembly.ImportValue> {
    const process = this.#process;
    const { sock_accept, ...system } = systemCalls(process);
    const calls: Calls = {
      ...system,
      ...(process.preview === 1 && sock_accept !== undefined ? { sock_accept } : {}),
      ...fileCalls(process),
      ...pathCalls(process),
      ...pollCalls(process),
    };
    return Object.fromEntries(Object.entries(calls).map(([name, call]) => [name, this.#imported(name, call)]));
  }

  #imported(name: string, call: Call): WebAssembly.ImportValue {
    const waits = WAITING.has(name);
    const enter = (...args: unknown[]): number | Promise<number> => {
      if (this.#exit !== undefined) throw this.#exit;
      if (args.length !== call.length) throw new TypeError(`${name} takes ${call.length} parameters, the guest passes ${args.length}`);
      try {
        const pending = (call as (...args: unknown[]) => void | Promise<void>)(...args.map(unsigned));
        if (pending !== undefined) return pending.then(() => 0, errnoOf);
        return waits && mustTurn() ? turn().then(() => 0) : 0;
      } catch (error) {
        if (error instanceof Exit) this.#exit = error;
        return errnoOf(error);
      }
    };
    return waits ? new Suspending(enter) : enter;
  }
}

/** An `i32` or `i64` as the unsigned number that it stands for. */
function unsigned(value: unknown): number | bigint {
  if (typeof value === 'number') return value >>> 0;
  if (typeof value === 'bigint') return BigInt.asUintN(64, value);
  throw new TypeError('the guest passes something that is no number');
}

function previewOf(module: WebAssembly.Module): 0 | 1 {
  return WebAssembly.Module.imports(module).some((item) => item.module === NAMESPACES[0]) ? 0 : 1;
}

/** @returns what is to be called: of a module that is only made ready, what does that, since there are compilers whose `main` runs there */
function check(module: WebAssembly.Module, namespace: string, functions: object): string {
  const imports = WebAssembly.Module.imports(module);
  const missing = imports.filter((item) => item.module !== namespace || item.kind !== 'function' || !Object.hasOwn(functions, item.name));
  if (missing.length > 0) {
    const lines = missing.map((item) => `  ${item.module}.${item.name} (${item.kind})`);
    throw new WasiError('TENON_PREVIEW1', `the core module imports what \`${namespace}\` does not have:\n${lines.join('\n')}`);
  }
  const exports = WebAssembly.Module.exports(module);
  const entries = exports.filter(isEntry).map(({ name }) => name);
  const entry = entries.includes('_start') ? '_start' : entries[0];
  if (entry === undefined) throw new WasiError('TENON_PREVIEW1', 'the core module exports neither `_start` nor `_initialize`');
  const hasMemory = exports.some(({ name, kind }) => name === 'memory' && kind === 'memory');
  if (imports.length > 0 && !hasMemory) throw new WasiError('TENON_PREVIEW1', 'the core module does not export its `memory`');
  return entry;
}
