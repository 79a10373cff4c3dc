/** Assembles component text with the wasm-tools port that jco brings. */
import { readFile } from 'node:fs/promises';

const cache = new Map<string, Promise<Uint8Array<ArrayBuffer>>>();

/** @param name a file of `bench/components` without its extension */
export function assembled(name: string): Promise<Uint8Array<ArrayBuffer>> {
  let bytes = cache.get(name);
  if (bytes === undefined) {
    bytes = assemble(name);
    cache.set(name, bytes);
  }
  return bytes;
}

async function assemble(name: string): Promise<Uint8Array<ArrayBuffer>> {
  const { parse } = await import('@bytecodealliance/jco');
  const text = await readFile(new URL(`components/${name}.wat`, import.meta.url), 'utf8');
  return new Uint8Array(await parse(text));
}
