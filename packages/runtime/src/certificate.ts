/** The certificate of a server, loaded anew whenever its files change. */

import { unwatchFile, watchFile } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { TlsFiles } from './config.ts';
import { RuntimeError } from './errors.ts';

export type Credentials = Required<Pick<SecureContextOptions, 'cert' | 'key'>>;

/** Files are looked at this often. Events of the file system would miss what is mounted from elsewhere or renamed into place. */
const LOOK_MS = 1000;

/**
 * Reads a certificate and its key.
 * @throws RuntimeError TENON_RUNTIME_TLS when a file cannot be read, is no PEM, or the two do not belong together
 */
export async function loadCredentials(files: TlsFiles): Promise<Credentials> {
  const [cert, key] = await Promise.all([read(files.cert), read(files.key)]);
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new RuntimeError('TENON_RUNTIME_TLS', `${files.cert} with ${files.key} is no certificate with its key: ${why}`, error);
  }
  return { cert, key };
}

async function read(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new RuntimeError('TENON_RUNTIME_TLS', `cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`, error);
  }
}

/** Calls back when one of the files has changed. Returns how to end that. */
export function watchCredentials(files: TlsFiles, changed: () => void): () => void {
  const paths = [files.cert, files.key];
  const look = (
    now: { readonly mtimeMs: number; readonly ino: number },
    before: { readonly mtimeMs: number; readonly ino: number },
  ): void => {
    if (now.mtimeMs !== before.mtimeMs || now.ino !== before.ino) changed();
  };
  for (const path of paths) watchFile(path, { interval: LOOK_MS, persistent: false }, look);
  return () => {
    for (const path of paths) unwatchFile(path, look);
  };
}
