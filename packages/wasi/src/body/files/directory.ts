import {
  type BigIntStats,
  closeSync,
  constants,
  type Dir,
  type Dirent,
  fstatSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  opendirSync,
  openSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { Quota } from '../../limits.ts';
import { type Device, deviceOf } from './device.ts';
import { codeOf, FileError } from './error.ts';
import { File } from './file.ts';
import { type Opened, openObject } from './open.ts';
import { type Base, decode, FOLLOW, nameIn, nameOf, walk } from './sandbox.ts';

/** How {@link Directory.open} opens. */
export interface OpenOptions {
  readonly follow?: boolean;
  readonly create?: boolean;
  readonly exclusive?: boolean;
  readonly truncate?: boolean;
  readonly directory?: boolean;
  readonly read?: boolean;
  readonly write?: boolean;
  /** Each write is on the disk before it ends: the data, or the data and all metadata. */
  readonly sync?: 'data' | 'file';
}

/** A point in time to set: nanoseconds since the epoch, the present, or what it was. */
export type NewTime = bigint | 'now' | 'keep';

/**
 * Times as libuv wants them: seconds; infinity stands for the present, and NaN for what it was.
 * Node lets neither pass as a number, but the string and the date that become them.
 */
export function timeFor(time: NewTime): number | string | Date {
  if (time === 'now') return 'Infinity';
  if (time === 'keep') return new Date(Number.NaN);
  return Number(time / 1_000_000_000n) + Number(time % 1_000_000_000n) / 1e9;
}

/** An entry of a directory. */
export interface Entry {
  readonly name: string;
  readonly type: EntryType;
}

export type EntryType = 'file' | 'directory' | 'link' | 'block' | 'character' | 'fifo' | 'socket' | 'unknown';

export function typeOf(
  it: Pick<BigIntStats, 'isFile' | 'isDirectory' | 'isSymbolicLink' | 'isBlockDevice' | 'isCharacterDevice' | 'isFIFO' | 'isSocket'>,
): EntryType {
  if (it.isFile()) return 'file';
  if (it.isDirectory()) return 'directory';
  if (it.isSymbolicLink()) return 'link';
  if (it.isCharacterDevice()) return 'character';
  if (it.isBlockDevice()) return 'block';
  if (it.isFIFO()) return 'fifo';
  return it.isSocket() ? 'socket' : 'unknown';
}

// Opening must neither wait (a FIFO without a writer) nor make a terminal the process's own.
const ALWAYS = (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0);

function flagsOf(options: OpenOptions): number {
  let flags = ALWAYS;
  if (options.write || options.truncate) flags |= options.read || !options.write ? constants.O_RDWR : constants.O_WRONLY;
  if (options.create) flags |= constants.O_CREAT;
  if (options.exclusive) flags |= constants.O_EXCL;
  if (options.truncate) flags |= constants.O_TRUNC;
  if (options.directory) flags |= constants.O_DIRECTORY ?? 0;
  if (options.sync === 'file') flags |= constants.O_SYNC ?? 0;
  if (options.sync === 'data') flags |= constants.O_DSYNC ?? 0;
  return flags;
}

/** An open directory. All paths are relative to it and cannot lead out of it. */
export class Directory implements Base {
  readonly fd: number;
  readonly path: string;
  /** Nothing in it can be changed through it. */
  readonly readOnly: boolean;
  /** What may be open below it. */
  readonly #quota: Quota;
  readonly #closed: (() => void) | undefined;
  #users = 1;

  private constructor(fd: number, path: string, readOnly: boolean, quota: Quota, closed?: () => void) {
    this.fd = fd;
    this.path = path;
    this.readOnly = readOnly;
    this.#quota = quota;
    this.#closed = closed;
  }

  /** Opens a directory of the host. Throws what the system says. */
  static grant(path: string, readOnly: boolean, quota: Quota = new Quota(Number.POSITIVE_INFINITY)): Directory {
    return new Directory(openSync(path, constants.O_RDONLY | (constants.O_DIRECTORY ?? 0)), path, readOnly, quota);
  }

  use(): this {
    this.#users++;
    return this;
  }

  release(): void {
    if (--this.#users > 0) return;
    closeSync(this.fd);
    this.#closed?.();
  }

  stat(): BigIntStats {
    return fstatSync(this.fd, { bigint: true });
  }

  statAt(path: string, follow: boolean): BigIntStats {
    return walk(this, path, (base, name, directory) => {
      const stats = lstatSync(nameIn(base, name), { bigint: true });
      if (stats.isSymbolicLink() && (follow || directory)) return FOLLOW;
      if (directory && !stats.isDirectory()) throw new FileError('ENOTDIR');
      return stats;
    });
  }

  open(path: string, options: OpenOptions): File | Directory {
    const flags = flagsOf(options);
    const changes = options.create || options.truncate || options.write;
    if (changes && this.readOnly) throw new FileError('EROFS', 'the directory is granted for reading only');
    const give = this.#take();
    try {
      return this.#open(path, options, flags, give);
    } catch (error) {
      give();
      throw error;
    }
  }

  /** Counts what is about to be opened. @returns what to call when it is closed */
  #take(): () => void {
    const quota = this.#quota;
    if (!quota.take()) throw new FileError('EMFILE', 'the guest has as many files and directories open as it may');
    return () => quota.give();
  }

  #open(path: string, options: OpenOptions, flags: number, closed: () => void): File | Directory {
    return walk(this, path, (base, name, directory) => {
      try {
        if (directory && options.create) throw new FileError('EISDIR');
        const opened = openObject(base, name, directory ? flags | (constants.O_DIRECTORY ?? 0) : flags);
        return this.#opened(opened, nameIn(base, name), options, closed);
      } catch (error) {
        const code = codeOf(error);
        const maybeLink = code === 'ELOOP' || code === 'ENOTDIR' || code === 'EMLINK';
        if (maybeLink && (options.follow || directory) && isLink(base, name)) return FOLLOW;
        throw error;
      }
    });
  }

  #opened({ fd, stats }: Opened, path: string, options: OpenOptions, closed: () => void): File | Directory {
    if (stats.isDirectory()) return new Directory(fd, path, this.readOnly, this.#quota, closed);
    const writable = options.write === true;
    const access = { readable: options.read === true || !writable, writable, readOnly: this.readOnly, sync: options.sync };
    return new File(fd, stats.dev, stats.ino, access, closed);
  }

  setTimesAt(path: string, follow: boolean, accessed: NewTime, modified: NewTime): void {
    this.#change();
    walk(this, path, (base, name, directory) => {
      const at = nameIn(base, name);
      if ((follow || directory) && lstatSync(at).isSymbolicLink()) return FOLLOW;
      lutimesSync(at, timeFor(accessed), timeFor(modified));
      return undefined;
    });
  }

  createDirectory(path: string): void {
    this.#change();
    walk(this, path, (base, name) => mkdirSync(nameIn(base, name), 0o777));
  }

  removeDirectory(path: string): void {
    this.#change();
    walk(this, path, (base, name) => rmdirSync(nameIn(base, name)));
  }

  removeFile(path: string): void {
    this.#change();
    walk(this, path, (base, name, directory) => {
      if (directory) throw new FileError(lstatSync(nameIn(base, name)).isDirectory() ? 'EISDIR' : 'ENOTDIR');
      unlinkSync(nameIn(base, name));
    });
  }

  readLink(path: string): string {
    return walk(this, path, (base, name, directory) => {
      if (directory) throw new FileError('EINVAL', 'not a symbolic link');
      return decode(readlinkSync(nameIn(base, name), 'buffer'));
    });
  }

  /** Links that lead to an absolute path are not made: none of them could be followed. */
  symlink(target: string, path: string): void {
    this.#change();
    if (target.startsWith('/')) throw new FileError('EPERM', 'the target of the link is absolute');
    if (target.includes('\0')) throw new FileError('EINVAL', 'the target of the link has a NUL in it');
    walk(this, path, (base, name, directory) => {
      if (directory) throw new FileError(lstatSync(nameIn(base, name), { throwIfNoEntry: false }) ? 'EEXIST' : 'ENOENT');
      symlinkSync(target, nameIn(base, name));
    });
  }

  link(path: string, into: Directory, newPath: string): void {
    this.#change();
    into.#change();
    this.#both(path, into, newPath, (from, to, directory, newDirectory) => {
      if (directory) throw new FileError('ENOTDIR');
      if (newDirectory) throw new FileError(lstatSync(to, { throwIfNoEntry: false }) ? 'EEXIST' : 'ENOENT');
      linkSync(from, to);
    });
  }

  rename(path: string, into: Directory, newPath: string): void {
    this.#change();
    into.#change();
    this.#both(path, into, newPath, (from, to, directory, newDirectory) => {
      if ((directory || newDirectory) && !lstatSync(from).isDirectory()) throw new FileError('ENOTDIR');
      renameSync(from, to);
    });
  }

  #both(
    path: string,
    into: Directory,
    newPath: string,
    operate: (from: string, to: string, directory: boolean, newDirectory: boolean) => void,
  ): void {
    walk(this, path, (base, name, directory) => {
      walk(into, newPath, (newBase, newName, newDirectory) => {
        operate(nameIn(base, name), nameIn(newBase, newName), directory, newDirectory);
      });
    });
  }

  /** The entries, `.` and `..` left out, in no order. */
  entries(): Entries {
    const closed = this.#take();
    try {
      return new Entries(this, closed);
    } catch (error) {
      closed();
      throw error;
    }
  }

  #change(): void {
    if (this.readOnly) throw new FileError('EROFS', 'the directory is granted for reading only');
  }
}

function isLink(base: Base, name: string): boolean {
  return lstatSync(nameIn(base, name), { throwIfNoEntry: false })?.isSymbolicLink() === true;
}

function entryOf(entry: Dirent | null): Entry | undefined {
  return entry === null ? undefined : { name: decode(entry.name as unknown as Uint8Array), type: typeOf(entry) };
}

/** A directory being read: at once where its device is quick, as files are. */
export class Entries {
  readonly #directory: Directory;
  readonly #dir: Dir;
  readonly #device: Device;
  readonly #whenClosed: () => void;
  #closed = false;

  constructor(directory: Directory, whenClosed: () => void) {
    // Entries of which the file system does not tell the type are looked up by name: the directory must stay open.
    this.#dir = opendirSync(`${nameOf(directory)}/.`, { encoding: 'buffer' as BufferEncoding, bufferSize: 256 });
    this.#directory = directory.use();
    this.#device = deviceOf(directory.stat().dev);
    this.#whenClosed = whenClosed;
  }

  /** Throws `EILSEQ` for a name that is not UTF-8; the next call goes on behind it. */
  next(): Entry | undefined | Promise<Entry | undefined> {
    if (this.#device.quick) return entryOf(this.#device.run(() => this.#dir.readSync()));
    return this.#dir.read().then(entryOf);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    // A read that is under way has to end first, which close waits for.
    const closed = (): void => {
      this.#directory.release();
      this.#whenClosed();
    };
    this.#dir.close().then(closed, closed);
  }
}
