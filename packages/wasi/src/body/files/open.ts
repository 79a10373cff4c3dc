/**
 * Opens regular files and directories, and nothing else. To open a device or a pipe can do things or wait for ever, so on Linux what is
 * there is held and looked at before it is opened, by what holds it; elsewhere it is looked at when it is open.
 */
import { type BigIntStats, closeSync, constants, fstatSync, openSync } from 'node:fs';
import { codeOf, FileError } from './error.ts';
import { type Base, holdIn, nameOf, openIn } from './sandbox.ts';

export interface Opened {
  readonly fd: number;
  readonly stats: BigIntStats;
}

const CREATE = constants.O_CREAT;
const EXCLUSIVE = constants.O_CREAT | constants.O_EXCL;

/**
 * Opens `name` in a directory, or makes it where the flags say so. Does not follow a link.
 * @throws FileError `ELOOP` for a link, `EACCES` for what is neither a file nor a directory; and what the system says
 */
export function openObject(base: Base, name: string, flags: number): Opened {
  for (;;) {
    if ((flags & EXCLUSIVE) === EXCLUSIVE) return opened(openIn(base, name, flags, 0o666));
    let held: number | undefined;
    try {
      held = holdIn(base, name);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT' || (flags & CREATE) === 0) throw error;
    }
    if (held !== undefined) return openHeld(held, flags);
    try {
      return opened(openIn(base, name, process.platform === 'linux' ? flags | EXCLUSIVE : flags, 0o666));
    } catch (error) {
      // Somebody else has made it meanwhile.
      if (codeOf(error) !== 'EEXIST' || (flags & CREATE) === 0) throw error;
    }
  }
}

function openHeld(held: number, flags: number): Opened {
  try {
    const stats = check(held);
    if (stats.isDirectory() && (flags & CREATE) !== 0) throw new FileError('EISDIR');
    return { fd: openSync(nameOf({ fd: held, path: '' }), flags & ~EXCLUSIVE), stats };
  } finally {
    closeSync(held);
  }
}

function opened(fd: number): Opened {
  try {
    return { fd, stats: check(fd) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function check(fd: number): BigIntStats {
  const stats = fstatSync(fd, { bigint: true });
  if (stats.isSymbolicLink()) throw new FileError('ELOOP');
  if (!stats.isFile() && !stats.isDirectory()) throw new FileError('EACCES', 'only regular files and directories can be opened');
  return stats;
}
