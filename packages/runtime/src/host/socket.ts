/** The local socket at which a host is reached: one for each data folder, which only its owner may open. */
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { RuntimeError } from '../errors.ts';

/** Where hosts keep what they keep unless they are told otherwise. */
export function defaultDataFolder(environment: NodeJS.ProcessEnv = process.env): string {
  if (environment.TENON_DATA) return resolve(environment.TENON_DATA);
  if (process.platform === 'win32') return join(environment.LOCALAPPDATA ?? homedir(), 'tenon');
  return join(environment.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'tenon');
}

/** Paths of sockets are short on every system: a folder that is too deep has its socket elsewhere. */
const LONGEST_PATH = 100;

/** The path of the socket of the host with this data folder. */
export function hostSocket(dataFolder: string): string {
  const folder = resolve(dataFolder);
  const digest = createHash('sha256').update(folder).digest('hex').slice(0, 16);
  if (process.platform === 'win32') return `\\\\.\\pipe\\tenon-${digest}`;
  const path = join(folder, 'host.sock');
  if (Buffer.byteLength(path) <= LONGEST_PATH) return path;
  return join(tmpdir(), `tenon-${process.getuid?.() ?? 0}`, `${digest}.sock`);
}

/**
 * Listens at the socket of a data folder. One that a dead host left behind is taken over.
 * @throws RuntimeError `TENON_HOST_RUNNING` when another host has it
 */
export async function listenAt(server: Server, socket: string): Promise<void> {
  if (await answers(socket)) throw new RuntimeError('TENON_HOST_RUNNING', `another host listens at ${socket}`);
  const isFile = process.platform !== 'win32';
  if (isFile) {
    mkdirSync(join(socket, '..'), { recursive: true, mode: 0o700 });
    rmSync(socket, { force: true });
  }
  // Nobody else may connect in the moment before its permissions are set.
  const before = isFile ? process.umask(0o177) : undefined;
  try {
    await new Promise<void>((settle, fail) => {
      server.once('error', fail);
      server.listen(socket, () => {
        server.off('error', fail);
        settle();
      });
    });
  } finally {
    if (before !== undefined) process.umask(before);
  }
  if (isFile) chmodSync(socket, 0o600);
}

function answers(socket: string): Promise<boolean> {
  return new Promise((settle) => {
    const connection = connect(socket);
    connection.on('connect', () => {
      connection.destroy();
      settle(true);
    });
    connection.on('error', () => settle(false));
  });
}
