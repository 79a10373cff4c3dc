/** A folder in which what the engine works out about components is kept from one process to the next. */
import * as crypto from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import type { CodeCache } from '@tenon/component';

const DAY_MS = 24 * 60 * 60 * 1000;
/** What was not used for so long is removed, and beyond so many bytes what was used longest ago. */
const KEPT_MS = 30 * DAY_MS;
const MAX_BYTES = 512 * 1024 * 1024;

const ENDING = '.kept';
/** A checksum of what follows. */
const HEADER_BYTES = 4;

/** The user's own folder for caches, with a part for Tenon; undefined where there is none. */
export function cacheFolder(): string | undefined {
  const { env, platform } = process;
  const base =
    platform === 'win32' ? env.LOCALAPPDATA : env.XDG_CACHE_HOME || join(homedir(), platform === 'darwin' ? 'Library/Caches' : '.cache');
  return base && isAbsolute(base) ? join(base, 'tenon') : undefined;
}

/**
 * Keeps things in a folder, for `Component.compile(bytes, { cache: codeCache() })`: starts after the first then neither validate nor plan.
 * What lies there is run. So it is used only when it belongs to this user, and nobody else may write to it.
 * @param folder made when it is not there; the user's own folder for caches unless given
 */
export function codeCache(folder: string | undefined = cacheFolder()): CodeCache {
  return {
    get: async (key) => read(folder, key),
    put: async (key, bytes) => write(folder, key, bytes),
    digest: (bytes) => crypto.hash('sha256', bytes),
  };
}

const fileOf = (folder: string, key: string): string => join(folder, `${key}${ENDING}`);

function read(folder: string | undefined, key: string): Uint8Array | undefined {
  if (folder === undefined || !isOurs(folder)) return undefined;
  try {
    const file = fileOf(folder, key);
    const bytes = new Uint8Array(readFileSync(file));
    const content = bytes.subarray(HEADER_BYTES);
    if (bytes.length < HEADER_BYTES || new DataView(bytes.buffer).getInt32(0) !== checksum(content)) return undefined;
    if (Date.now() - statSync(file).mtimeMs > DAY_MS) utimesSync(file, new Date(), new Date());
    return content;
  } catch {
    return undefined;
  }
}

/** Whoever reads meanwhile sees the old file or the new one. */
function write(folder: string | undefined, key: string, bytes: Uint8Array): void {
  if (folder === undefined) return;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (!isOurs(folder)) return;
    // Each thread of a process has a time of its own.
    const part = join(folder, `${key}.${process.pid}.${performance.timeOrigin}`);
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeInt32BE(checksum(bytes));
    writeFileSync(part, Buffer.concat([header, bytes]), { mode: 0o600 });
    renameSync(part, fileOf(folder, key));
    prune(folder);
  } catch {}
}

/** Finds damage, not malice: who may write to the folder may do anything in this user's name. To load what digests take costs more than a plan. */
function checksum(bytes: Uint8Array): number {
  const { buffer, byteOffset, length } = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  const words = new Int32Array(buffer, byteOffset, length >> 2);
  let sum = length;
  for (let i = 0; i < words.length; i++) sum = Math.imul(sum ^ (words[i] as number), 0x01000193);
  for (let i = words.length << 2; i < length; i++) sum = Math.imul(sum ^ (bytes[i] as number), 0x01000193);
  return sum;
}

/** Others could otherwise have code of theirs run as this user. */
function isOurs(folder: string): boolean {
  try {
    const { uid, mode } = statSync(folder);
    return process.getuid === undefined || (uid === process.getuid() && (mode & 0o022) === 0);
  } catch {
    return false;
  }
}

function prune(folder: string): void {
  const files = readdirSync(folder)
    .filter((name) => name.endsWith(ENDING))
    .map((name) => ({ path: join(folder, name), ...usage(join(folder, name)) }))
    .sort((a, b) => b.usedAt - a.usedAt);
  let total = 0;
  for (const { path, usedAt, size } of files) {
    total += size;
    if (total > MAX_BYTES || Date.now() - usedAt > KEPT_MS) rmSync(path, { force: true });
  }
}

/** Another process may have removed it meanwhile. */
function usage(path: string): { readonly usedAt: number; readonly size: number } {
  const stats = statSync(path, { throwIfNoEntry: false });
  return { usedAt: stats?.mtimeMs ?? 0, size: stats?.size ?? 0 };
}
