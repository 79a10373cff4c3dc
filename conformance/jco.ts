/** jco as an engine for scripts: each component is transpiled to JavaScript and imported. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { transpile } from '@bytecodealliance/jco';
import { Component, camelCase } from '@tenon/component';
import { type Failure, messages, type WastEngine } from '@tenon/wast';

type Files = Readonly<Record<string, Uint8Array>>;
type Instantiate = (
  getCoreModule: (path: string) => WebAssembly.Module,
  imports: Record<string, unknown>,
) => Promise<Record<string, unknown>>;

/** What transpiling refuses. */
class Refused extends Error {}

const folder = mkdtempSync(path.join(tmpdir(), 'conformance-jco-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
/** What lets most of the suite pass. */
const OPTIONS: Parameters<typeof transpile>[1] = { instantiation: 'async', asyncMode: 'jspi', asyncExports: ['*'], multiMemory: true };
let count = 0;
let crashed = false;

/** When a component made the transpiler itself trap, each later one gets a transpiler of its own. */
async function transpiled(bytes: Uint8Array, name: string): Promise<Files> {
  const options = { ...OPTIONS, name };
  try {
    if (crashed) return await transpileApart(bytes, options);
    return (await transpile(bytes, options)).files;
  } catch (cause) {
    crashed ||= cause instanceof WebAssembly.RuntimeError || /unreachable/.test(messages(cause));
    throw new Refused(messages(cause), { cause });
  }
}

function transpileApart(bytes: Uint8Array, options: object): Promise<Files> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./jco-worker.ts', import.meta.url), { workerData: { bytes, options } });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

export const engine: WastEngine = {
  async compile(bytes) {
    const name = `component${count++}`;
    const files = await transpiled(bytes, name);
    const modules = new Map<string, WebAssembly.Module>();
    for (const [file, content] of Object.entries(files)) {
      if (file.endsWith('.wasm')) modules.set(path.basename(file), await WebAssembly.compile(Uint8Array.from(content)));
    }
    const script = path.join(folder, `${name}.mjs`);
    writeFileSync(script, files[`${name}.js`] ?? '');
    return {
      async instantiate(named) {
        const { instantiate } = (await import(pathToFileURL(script).href)) as { instantiate: Instantiate };
        const value = await instantiate((file) => {
          const module = modules.get(path.basename(file));
          if (module === undefined) throw new Error(`no core module ${file}`);
          return module;
        }, Object.fromEntries(named));
        return {
          // The types only tell how to write arguments and read results: the mapping to JavaScript is the same.
          exports: (await Component.compile(bytes)).exports,
          value,
          call(func, args) {
            const exported = value[camelCase(func)] ?? value[func];
            if (typeof exported !== 'function') throw new Error(`no export ${func}`);
            return exported(...args);
          },
        };
      },
    };
  },
  classify(error): Failure {
    const message = messages(error);
    if (error instanceof Refused || error instanceof WebAssembly.CompileError) return { kind: 'invalid', message };
    if (error instanceof Error && 'payload' in error) return { kind: 'result', message, payload: error.payload };
    if (error instanceof WebAssembly.LinkError) return { kind: 'link', message };
    // jco throws traps as errors of several kinds.
    return { kind: 'trap', message };
  },
};
