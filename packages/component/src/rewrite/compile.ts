/** Compiles core modules that are rewritten first. V8 judges the original, so that what it says fits the bytes that were given. */
import { ComponentError } from '../errors.ts';
import { REWRITE_VERSION } from './layout.ts';
import { rewrite } from './rewrite.ts';
import { UnknownInstruction } from './scan.ts';

/**
 * Where rewritten modules are kept from one process to the next. What it returns is run, so nobody else may write to it.
 * Keys are hexadecimal digits; any failure counts as "not there".
 */
export interface CodeCache {
  get(key: string): Promise<Uint8Array | undefined>;
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** What tells these bytes from all others, in hexadecimal digits, where that is known at less cost than by the Web's SHA-256. */
  digest?(bytes: Uint8Array): string | undefined;
}

type Bytes = Uint8Array<ArrayBuffer>;

/** @throws WebAssembly.CompileError; ComponentError TENON_UNSUPPORTED */
export function compileRewritten(module: Bytes, offset: number): WebAssembly.Module {
  // Says in V8's words what is wrong.
  if (!WebAssembly.validate(module)) return new WebAssembly.Module(module);
  return new WebAssembly.Module(rewritten(module, offset));
}

/**
 * As {@link compileRewritten}, by V8's own threads, and by way of a cache.
 * @param digest of all bytes that the module is a part of, at `offset`
 */
export async function compileRewrittenAsync(
  module: Bytes,
  offset: number,
  cache: CodeCache | undefined,
  digest: string,
): Promise<WebAssembly.Module> {
  const key = `${REWRITE_VERSION}${digest}${offset.toString(16).padStart(8, '0')}`;
  const kept = await cache?.get(key).catch(() => undefined);
  if (kept !== undefined) {
    try {
      return await WebAssembly.compile(kept as Bytes);
    } catch {
      // What is kept is damaged.
    }
  }
  // In V8's threads while this one rewrites.
  const original = WebAssembly.compile(module);
  original.catch(() => {});
  let bytes: Bytes;
  try {
    bytes = rewritten(module, offset);
  } catch (error) {
    await original;
    throw error;
  }
  const compiled = WebAssembly.compile(bytes);
  compiled.catch(() => {});
  await original;
  const result = await compiled.catch((error: unknown) => {
    throw unsupported(`${error instanceof Error ? error.message : String(error)}`, offset, error);
  });
  await cache?.put(key, bytes).catch(() => {});
  return result;
}

function rewritten(module: Bytes, offset: number): Bytes {
  try {
    return rewrite(module);
  } catch (error) {
    if (error instanceof UnknownInstruction) {
      throw unsupported(`it has an instruction that this engine does not know: ${error.message}`, offset + error.offset, error);
    }
    throw unsupported('it cannot be read', offset, error);
  }
}

function unsupported(why: string, offset: number, cause: unknown): ComponentError {
  return new ComponentError('TENON_UNSUPPORTED', `the core module cannot be made interruptible: ${why}`, { offset, cause });
}
