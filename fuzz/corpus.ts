/** The corpus: components of the guests, of scripts, and hand-made extremes, one file each in the cache. */
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ComponentDefinition, decode } from '@tenon/component';
import { assembleScript, loadAssembler, readScript } from '@tenon/wast';
import type { Bytes } from './bytes.ts';
import { CLASS_NAMES, CLASSES, type ClassName } from './classes.ts';
import { extremes } from './extremes.ts';
import { echoes } from './property/corpus.ts';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const CACHE = path.join(HERE, '.cache');

const classOf = (bytes: Uint8Array): ClassName => CLASS_NAMES.find((name) => bytes.length <= CLASSES[name].limit) ?? 'large';
const digest = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex').slice(0, 24);

/**
 * Writes the corpus into the cache.
 * @param folders of `.wast` scripts
 * @returns the folder that `readCorpus` reads
 */
export async function writeCorpus(folders: readonly string[]): Promise<string> {
  const inputs = new Map<string, Uint8Array>();
  const add = (bytes: Uint8Array): void => void inputs.set(digest(bytes), bytes);
  for (const file of globSync(['guests/*/*.wasm', 'guests/.cache/*.wasm'], { cwd: ROOT })) {
    for (const part of withParts(new Uint8Array(readFileSync(path.join(ROOT, file))))) add(part);
  }
  for (const folder of folders) for (const bytes of await scriptBinaries(folder)) for (const part of withParts(bytes)) add(part);
  for (const bytes of [...extremes(), ...(await echoes())]) add(bytes);

  const names = [...inputs.keys()].sort();
  const corpus = path.join(CACHE, `corpus-${digest(names.join())}`);
  if (!existsSync(corpus)) {
    const partial = `${corpus}.${process.pid}`;
    for (const className of CLASS_NAMES) mkdirSync(path.join(partial, className), { recursive: true });
    for (const [key, bytes] of inputs) writeFileSync(path.join(partial, classOf(bytes), key), bytes);
    try {
      renameSync(partial, corpus);
    } catch {
      // Another run was faster.
      rmSync(partial, { recursive: true });
    }
  }
  return corpus;
}

/** A component and all components inside of it, each as an input; core modules are none. */
function withParts(bytes: Uint8Array): readonly Uint8Array[] {
  let definition: ComponentDefinition;
  try {
    definition = decode(bytes);
  } catch {
    return bytes[4] === 1 ? [] : [bytes];
  }
  const parts: Uint8Array[] = [];
  const collect = (part: ComponentDefinition): void => {
    parts.push(bytes.subarray(part.start, part.end));
    for (const item of part.definitions) if (item.kind === 'component') collect(item.component);
  };
  collect(definition);
  return parts;
}

async function scriptBinaries(folder: string): Promise<readonly Bytes[]> {
  const files = statSync(folder).isDirectory()
    ? globSync('**/*.wast', { cwd: folder })
        .sort()
        .map((file) => path.join(folder, file))
    : [folder];
  const binaries: Bytes[] = [];
  for (const file of files) {
    const text = readFileSync(file, 'utf8');
    const cache = path.join(CACHE, 'scripts', digest(text));
    if (!existsSync(cache)) {
      const partial = `${cache}.${process.pid}`;
      mkdirSync(partial, { recursive: true });
      const directives = await assembleScript(readScript(text, file), loadAssembler);
      const found = directives.flatMap((directive) =>
        'source' in directive && directive.source.bytes !== undefined ? directive.source.bytes : [],
      );
      for (const [i, bytes] of found.entries()) writeFileSync(path.join(partial, String(i).padStart(4, '0')), bytes);
      if (!existsSync(cache)) renameSync(partial, cache);
      else rmSync(partial, { recursive: true });
    }
    for (const name of readdirSync(cache)) binaries.push(new Uint8Array(readFileSync(path.join(cache, name))));
  }
  return binaries;
}
