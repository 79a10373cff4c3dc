/** Where configuration comes from: values in the manifest, environment variables, files, and directories as Kubernetes mounts them. */
import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** One place that configuration comes from. */
export type Source =
  | { readonly values: Readonly<Record<string, string>> }
  /** Environment variables whose names begin with a prefix, which the keys lack. The names are taken as they are. */
  | { readonly environment: string }
  /** A file of `KEY=VALUE` lines, or of a JSON object whose values are strings, numbers and booleans. */
  | { readonly file: string }
  /** A directory with one file for each key. */
  | { readonly directory: string };

/** Why a source cannot be read. */
export class SourceError extends Error {
  override readonly name = 'SourceError';
}

const MAX_BYTES = 1024 * 1024;
const MAX_KEYS = 10_000;

/** Reads a source. @throws SourceError with its path */
export function read(source: Source, environment: NodeJS.ProcessEnv = process.env): ReadonlyMap<string, string> {
  if ('values' in source) return new Map(Object.entries(source.values));
  if ('environment' in source) {
    const prefix = source.environment;
    const found = Object.entries(environment).filter(([name]) => name.startsWith(prefix) && name.length > prefix.length);
    return new Map(found.map(([name, value = '']) => [name.slice(prefix.length), value]));
  }
  const path = 'file' in source ? source.file : source.directory;
  try {
    return 'file' in source ? parse(readText(path)) : readDirectory(path);
  } catch (error) {
    throw new SourceError(`${path}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** A text that differs when a source has changed. */
export function stamp(source: Source): string {
  if ('values' in source || 'environment' in source) return '';
  const path = 'file' in source ? source.file : source.directory;
  try {
    // Kubernetes swaps a directory by swapping a link.
    const real = realpathSync(path);
    const paths = 'file' in source ? [real] : [real, ...keysIn(real).map((key) => join(real, key))];
    return paths
      .map((each) => {
        const { mtimeMs, size, ino } = statSync(each);
        return `${each}:${mtimeMs}:${size}:${ino}`;
      })
      .join('\n');
  } catch (error) {
    return String(error);
  }
}

function readDirectory(path: string): ReadonlyMap<string, string> {
  const keys = keysIn(path);
  if (keys.length > MAX_KEYS) throw new Error(`it holds more than ${MAX_KEYS} files`);
  return new Map(keys.map((key) => [key, readText(join(path, key))]));
}

/** Names with a leading dot are Kubernetes' own (`..data`), and editors'. */
function keysIn(path: string): readonly string[] {
  return readdirSync(path)
    .filter((name) => !name.startsWith('.') && statSync(join(path, name)).isFile())
    .sort();
}

function readText(path: string): string {
  const { size } = statSync(path);
  if (size > MAX_BYTES) throw new Error(`it is larger than ${MAX_BYTES} bytes`);
  return readFileSync(path, 'utf8');
}

function parse(text: string): ReadonlyMap<string, string> {
  return text.trimStart().startsWith('{') ? parseJson(text) : parseLines(text);
}

function parseJson(text: string): ReadonlyMap<string, string> {
  const object = JSON.parse(text) as Readonly<Record<string, unknown>>;
  return new Map(
    Object.entries(object).map(([key, value]) => {
      if (typeof value === 'object') throw new Error(`the value of "${key}" is not a string, number or boolean`);
      return [key, String(value)];
    }),
  );
}

function parseLines(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    const at = line.indexOf('=');
    if (at < 1) throw new Error(`line ${index + 1} is not KEY=VALUE`);
    values.set(line.slice(0, at).trim(), unquoted(line.slice(at + 1).trim()));
  }
  return values;
}

const unquoted = (value: string): string => /^(["'])(.*)\1$/s.exec(value)?.[2] ?? value;

/** Configuration from several sources, where later ones win, read again when they have changed. */
export class Values {
  readonly #sources: readonly Source[];
  readonly #now: () => number;
  #current: ReadonlyMap<string, string>;
  #stamp: string;
  #checked: number;

  /** @throws SourceError when a source cannot be read. */
  constructor(sources: readonly Source[], now: () => number = Date.now) {
    this.#sources = sources;
    this.#now = now;
    this.#stamp = this.#stamps();
    this.#current = this.#read();
    this.#checked = now();
  }

  /**
   * The values as they are, at most a second old. A source that can no longer be read leaves the values that were there.
   * @throws SourceError never
   */
  get current(): ReadonlyMap<string, string> {
    if (this.#now() - this.#checked >= CHECK_MS) this.#refresh();
    return this.#current;
  }

  #refresh(): void {
    this.#checked = this.#now();
    const now = this.#stamps();
    if (now === this.#stamp) return;
    try {
      this.#current = this.#read();
      this.#stamp = now;
    } catch {
      // Somebody is in the middle of writing it; the next look will see.
    }
  }

  #read(): ReadonlyMap<string, string> {
    return new Map(this.#sources.flatMap((source) => [...read(source)]));
  }

  #stamps(): string {
    return this.#sources.map(stamp).join('\n\n');
  }
}

const CHECK_MS = 1000;
