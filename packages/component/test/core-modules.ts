/** Random core modules, by Binaryen's generator, and what running one comes to. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Numbers below a limit, the same for the same seed. */
export type Random = (limit: number) => number;

export function random(seed: number): Random {
  let state = (seed ^ 0x9e3779b9) >>> 0;
  return (limit) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5) >>> 0;
    return ((state ^ (state >>> 13)) >>> 0) % limit;
  };
}

/** What V8 does not have, or only behind a flag. */
const WITHOUT = [
  // A wait without end is one.
  'threads',
  ...['custom-descriptors', 'shared-everything', 'strings', 'stack-switching', 'fp16', 'relaxed-atomics'],
  ...['custom-page-sizes', 'wide-arithmetic', 'multibyte', 'call-indirect-overlong'],
];

/** Longer inputs make more functions. */
const LONGEST_INPUT = 12_000;

const wasmOpt = (): string => path.join(path.dirname(createRequire(import.meta.url).resolve('binaryen/package.json')), 'bin', 'wasm-opt');

/** A module of random functions, globals, tables and memories, whose exports end by themselves. */
export function randomModule(next: Random): Uint8Array<ArrayBuffer> {
  const folder = mkdtempSync(path.join(tmpdir(), 'tenon-modules-'));
  try {
    const input = path.join(folder, 'input');
    const output = path.join(folder, 'output.wasm');
    writeFileSync(
      input,
      Uint8Array.from({ length: 500 + next(LONGEST_INPUT) }, () => next(256)),
    );
    const features = ['--all-features', ...WITHOUT.map((name) => `--disable-${name}`)];
    execFileSync(process.execPath, [wasmOpt(), '-ttf', input, ...features, '-o', output], { stdio: 'pipe' });
    return new Uint8Array(readFileSync(output));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Something for each import; what is called is noted. */
function stubs(module: WebAssembly.Module, log: string[]): Record<string, WebAssembly.ModuleImports> {
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {};
  for (const { kind, module: from, name } of WebAssembly.Module.imports(module)) {
    imports[from] ??= {};
    if (kind === 'function') {
      imports[from][name] = (...args: unknown[]) => {
        log.push(`${name}(${args.map(text)})`);
        if (name.startsWith('throw')) throw new RangeError('thrown by the host');
        return 0;
      };
    } else if (kind === 'tag') imports[from][name] = new WebAssembly.Tag({ parameters: [] }) as unknown as WebAssembly.ImportValue;
    else if (kind === 'table') imports[from][name] = new WebAssembly.Table({ element: 'anyfunc', initial: 10 });
  }
  return imports;
}

function text(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'object' && value !== null) return 'an object';
  // The bits of a NaN are anything.
  return typeof value === 'bigint' ? `${value}n` : String(value);
}

/** Makes an instance of a module. @param imports to which it may add */
export type Instantiate = (module: WebAssembly.Module, imports: Record<string, WebAssembly.ModuleImports>) => WebAssembly.Exports;

/** What each call of each export returns or throws, what it calls, and what memories and globals hold in the end. */
export function behaviour(module: WebAssembly.Module, instantiate: Instantiate, rounds = 2): readonly string[] {
  const log: string[] = [];
  let exports: WebAssembly.Exports;
  try {
    exports = instantiate(module, stubs(module, log));
  } catch (error) {
    return [...log, outcome(error)];
  }
  const own = Object.entries(exports).filter(([name]) => !name.startsWith('tenon:'));
  for (let round = 0; round < rounds; round++) {
    for (const [name, value] of own) {
      if (typeof value !== 'function') continue;
      try {
        const args = Array.from({ length: value.length }, (_, i) => i + round);
        log.push(`${name} = ${text(value(...args))}`);
      } catch (error) {
        log.push(`${name}: ${outcome(error)}`);
      }
    }
  }
  for (const [name, value] of own) log.push(...state(name, value));
  return log;
}

/** Which of several errors is seen first may differ where the stack ends. */
function outcome(error: unknown): string {
  if (error instanceof RangeError && /stack/.test(error.message)) return 'the stack is exhausted';
  if (error instanceof WebAssembly.Exception) return 'an exception';
  return error instanceof Error ? `${error.constructor.name} ${error.message}` : `thrown ${text(error)}`;
}

function state(name: string, value: unknown): string[] {
  if (value instanceof WebAssembly.Memory) {
    const bytes = new Uint8Array(value.buffer);
    let sum = 0;
    for (const byte of bytes) sum = (Math.imul(sum, 31) + byte) | 0;
    return [`${name}: ${bytes.length} bytes, sum ${sum}`];
  }
  if (value instanceof WebAssembly.Global) {
    try {
      return [`${name}: ${text(value.value)}`];
    } catch {
      return [];
    }
  }
  return value instanceof WebAssembly.Table ? [`${name}: ${value.length} elements`] : [];
}
