/** What the published command line keeps of components from one start to the next, beside its own code. */
import { setFlagsFromString } from 'node:v8';
import type { CodeCache } from '@tenon/component';
import { cacheFor, codeCache, type IdentifiedFile, identifiedFile } from '@tenon/wasi';
import { keptIn } from './cache-folder.ts';
import { fileError, readBytes, STANDARD } from './files.ts';

/** From this size on it costs less to set V8's flag than to validate. */
const LAZY_BYTES = 512 * 1024;

let lazy = false;
function lazily(on: boolean): void {
  if (lazy !== on) setFlagsFromString(`--${on ? '' : 'no-'}wasm-lazy-validation`);
  lazy = on;
}

/** Reads a file, and says which it was. @throws CliError TENON_FILE */
export function readIdentified(path: string): IdentifiedFile {
  if (path === STANDARD) return { bytes: readBytes(path), identity: undefined };
  try {
    return identifiedFile(path);
  } catch (error) {
    throw fileError('read', path, error);
  }
}

/** Compiles a file's bytes by way of the cache. */
export async function withCache<T>(file: IdentifiedFile, compile: (cache: CodeCache | undefined) => Promise<T>): Promise<T> {
  const folder = keptIn();
  const kept = folder === undefined ? undefined : cacheFor(file, codeCache(folder));
  if (kept === undefined) return compile(undefined);
  const cache: CodeCache = {
    ...kept,
    async get(key) {
      const found = await kept.get(key);
      // These very bytes were validated when this was kept; V8 then looks at the functions that run.
      if (found !== undefined && file.bytes.length >= LAZY_BYTES) lazily(true);
      return found;
    },
  };
  try {
    return await compile(cache);
  } finally {
    // What V8 keeps of our own code is good for the same flags only.
    lazily(false);
  }
}
