/** Compiles components that are files, by way of what an earlier process worked out about them. */
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { type CodeCache, type CompileOptions, Component } from '@tenon/component';
import { codeCache } from './code-cache.ts';

/** The bytes of a file, and what tells them from those of all other files, in hexadecimal digits; undefined where that cannot be said. */
export interface IdentifiedFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly identity: string | undefined;
}

/** A file that was changed so recently could be changed again without its time showing it. */
const RACY_MS = 2000;

/**
 * Reads a file, and says which it was by what the system keeps of it. The time of the last change (`ctime`) cannot be set to another: as long as
 * it is the same, so are the bytes. That costs nothing, where a digest costs more than most components take to validate.
 * @throws what Node throws for a file that cannot be read
 */
export function identifiedFile(path: string | URL): IdentifiedFile {
  const file = openSync(path, 'r');
  try {
    const before = fstatSync(file, { bigint: true });
    const bytes = new Uint8Array(readFileSync(file));
    const after = fstatSync(file, { bigint: true });
    const parts = [before.dev, before.ino, before.size, before.mtimeNs, before.ctimeNs];
    const settled = before.isFile() && after.ctimeNs === before.ctimeNs && Date.now() - Number(after.ctimeMs) > RACY_MS;
    const identity = parts.map((part) => hexadecimal(BigInt.asUintN(64, part))).join('');
    return { bytes, identity: settled && BigInt(bytes.length) === before.size ? identity : undefined };
  } finally {
    closeSync(file);
  }
}

/** A cache that knows a file, and each of its parts, by the file's identity. */
export function cacheFor({ bytes, identity }: IdentifiedFile, cache: CodeCache = codeCache()): CodeCache | undefined {
  if (identity === undefined) return undefined;
  const digest = (part: Uint8Array): string | undefined =>
    part.buffer === bytes.buffer ? `${identity}${hexadecimal(part.byteOffset)}${hexadecimal(part.length)}` : undefined;
  return { get: (key) => cache.get(key), put: (key, content) => cache.put(key, content), digest };
}

const hexadecimal = (value: number | bigint): string => value.toString(16).padStart(16, '0');

/**
 * Compiles the component in a file as `Component.compile` does. What is worked out is kept in the user's own folder for caches, or where `cache` says, so
 * that a later start neither validates nor plans.
 * @throws ComponentError as `Component.compile`, or what Node throws for a file that cannot be read
 * @example const component = await compileFile('calculator.wasm');
 */
export async function compileFile(path: string | URL, options: CompileOptions = {}): Promise<Component> {
  const file = identifiedFile(path);
  return Component.compile(file.bytes, { ...options, cache: cacheFor(file, options.cache) });
}
