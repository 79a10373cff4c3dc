/** Where secrets come from: environment variables, files that only their owner may read, directories as Kubernetes mounts them. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Where one secret, or a set of them, comes from. */
export type SecretSource =
  /** One secret, from an environment variable. */
  | { readonly key: string; readonly environment: string }
  /** One secret: what the file holds, a last line end aside. */
  | { readonly key: string; readonly file: string }
  /** A secret for each file of the directory. */
  | { readonly directory: string };

/** Why a source is refused. Never holds a value. */
export class SecretError extends Error {
  override readonly name = 'SecretError';
}

const MAX_BYTES = 1024 * 1024;

/** The secrets of a workload. Values are read when they are asked for, so that a rotated one is the new one from then on. */
export class Secrets {
  readonly #sources: readonly SecretSource[];
  readonly #environment: NodeJS.ProcessEnv;

  /** @throws SecretError when a source is missing, or a file may be read by others. */
  constructor(sources: readonly SecretSource[], environment: NodeJS.ProcessEnv = process.env) {
    this.#sources = sources;
    this.#environment = environment;
    for (const source of sources) {
      if ('environment' in source) {
        if (environment[source.environment] === undefined) throw new SecretError(`the variable ${source.environment} is not set`);
      } else if ('file' in source) readFile(source.file, true);
      else keysIn(source.directory);
    }
  }

  /**
   * @returns text where the bytes are UTF-8, otherwise the bytes; undefined when no source has the key
   * @throws SecretError when a file cannot be read any more
   */
  get(key: string): string | Uint8Array | undefined {
    // Later sources win.
    for (const source of this.#sources.toReversed()) {
      if ('directory' in source) {
        if (keysIn(source.directory).includes(key)) return decode(readFile(join(source.directory, key), false));
      } else if (source.key === key) {
        return 'environment' in source ? this.#environment[source.environment] : decode(readFile(source.file, true));
      }
    }
    return undefined;
  }
}

const message = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Names with a leading dot are Kubernetes' own. */
function keysIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).filter((name) => !name.startsWith('.'));
  } catch (error) {
    throw new SecretError(message(error));
  }
}

/** @param own whether only the owner may be able to read it. Mounted directories have their own permissions. */
function readFile(path: string, own: boolean): Uint8Array {
  let mode: number;
  let size: number;
  try {
    ({ mode, size } = statSync(path));
  } catch (error) {
    throw new SecretError(message(error));
  }
  if (own && process.platform !== 'win32' && (mode & 0o077) !== 0) {
    throw new SecretError(`${path} may be read by others than its owner: chmod 600 ${path}`);
  }
  if (size > MAX_BYTES) throw new SecretError(`${path} is larger than ${MAX_BYTES} bytes`);
  try {
    return readFileSync(path);
  } catch (error) {
    throw new SecretError(message(error));
  }
}

function decode(bytes: Uint8Array): string | Uint8Array {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes).replace(/\r?\n$/, '');
  } catch {
    return bytes;
  }
}
