/** What a guest has open: a file or a directory, with all that `wasi:filesystem` does with one. Failures are {@link FileError}s or the system's. */
import { type BigIntStats, fdatasync, fstatSync, fsync, ftruncate, futimesSync } from 'node:fs';
import { promisify } from 'node:util';
import { type Datetime, nanosecondsOf } from '../clock.ts';
import { Directory, type Entries, type NewTime, timeFor } from './directory.ts';
import { codeOf, FileError } from './error.ts';
import { File, FileSink, FileSource } from './file.ts';
import { identity } from './identity.ts';

/** The system's errors in the words of `error-code`. */
const ERROR_NAMES = {
  EACCES: 'access',
  EALREADY: 'already',
  EBADF: 'bad-descriptor',
  EBUSY: 'busy',
  EDEADLK: 'deadlock',
  EDQUOT: 'quota',
  EEXIST: 'exist',
  EFBIG: 'file-too-large',
  EILSEQ: 'illegal-byte-sequence',
  EINPROGRESS: 'in-progress',
  EINTR: 'interrupted',
  EINVAL: 'invalid',
  EIO: 'io',
  EISDIR: 'is-directory',
  ELOOP: 'loop',
  EMFILE: 'insufficient-memory',
  EMLINK: 'too-many-links',
  EMSGSIZE: 'message-size',
  ENAMETOOLONG: 'name-too-long',
  ENFILE: 'insufficient-memory',
  ENODEV: 'no-device',
  ENOENT: 'no-entry',
  ENOLCK: 'no-lock',
  ENOMEM: 'insufficient-memory',
  ENOSPC: 'insufficient-space',
  ENOSYS: 'unsupported',
  ENOTDIR: 'not-directory',
  ENOTEMPTY: 'not-empty',
  ENOTRECOVERABLE: 'not-recoverable',
  ENOTSUP: 'unsupported',
  ENOTTY: 'no-tty',
  ENXIO: 'no-such-device',
  EOPNOTSUPP: 'unsupported',
  EOVERFLOW: 'overflow',
  EPERM: 'not-permitted',
  EPIPE: 'pipe',
  EROFS: 'read-only',
  ESPIPE: 'invalid-seek',
  ETXTBSY: 'text-file-busy',
  EXDEV: 'cross-device',
} as const;

export type ErrorName = (typeof ERROR_NAMES)[keyof typeof ERROR_NAMES];

/** @returns undefined for an error that has no name of its own */
export function errorName(error: unknown): ErrorName | undefined {
  return (ERROR_NAMES as Readonly<Record<string, ErrorName>>)[codeOf(error)];
}

export interface PathFlags {
  readonly symlinkFollow?: boolean;
}

export interface OpenFlags {
  readonly create?: boolean;
  readonly directory?: boolean;
  readonly exclusive?: boolean;
  readonly truncate?: boolean;
}

export interface DescriptorFlags {
  readonly read?: boolean;
  readonly write?: boolean;
  readonly fileIntegritySync?: boolean;
  readonly dataIntegritySync?: boolean;
  readonly requestedWriteSync?: boolean;
  readonly mutateDirectory?: boolean;
}

export type NewTimestamp = { readonly tag: 'no-change' | 'now' } | { readonly tag: 'timestamp'; readonly val: Datetime };

export interface MetadataHash {
  readonly lower: bigint;
  readonly upper: bigint;
}

/** Says which object it is and nothing else, without telling the guest the numbers of device and inode. */
function hashOf(device: bigint, number: bigint): MetadataHash {
  const digest = identity(device, number);
  return { lower: digest.readBigUInt64LE(0), upper: digest.readBigUInt64LE(8) };
}

function timeOf(time: NewTimestamp): NewTime {
  if (time.tag !== 'timestamp') return time.tag === 'now' ? 'now' : 'keep';
  if (time.val.nanoseconds >= 1_000_000_000) throw new FileError('EINVAL', 'a second has fewer nanoseconds');
  return nanosecondsOf(time.val);
}

/** The largest position that Node takes. */
const FARTHEST = BigInt(Number.MAX_SAFE_INTEGER);

function positionOf(offset: bigint): number {
  if (offset >= 1n << 63n) throw new FileError('EINVAL', 'the system has no such offset');
  if (offset > FARTHEST) throw new FileError('EFBIG', 'the offset is too large');
  return Number(offset);
}

const truncateLater = promisify(ftruncate);
const syncLater = promisify(fsync);
const syncDataLater = promisify(fdatasync);

export class OpenObject {
  readonly #object: File | Directory;

  constructor(object: File | Directory) {
    this.#object = object;
  }

  release(): void {
    this.#object.release();
  }

  get isDirectory(): boolean {
    return this.#object instanceof Directory;
  }

  source(offset: bigint): FileSource {
    return new FileSource(this.#readable(), positionOf(offset));
  }

  /** @param offset undefined for the end */
  sink(offset: bigint | undefined): FileSink {
    return new FileSink(this.#writable(), offset === undefined ? undefined : positionOf(offset));
  }

  readSoon(into: Uint8Array, offset: bigint): number | Promise<number> {
    return this.#readable().readSoon(into, positionOf(offset));
  }

  writeSoon(bytes: Uint8Array, offset: bigint): number | Promise<number> {
    return this.#writable().writeSoon(bytes, positionOf(offset));
  }

  /** Advice changes nothing that a program can see, and Node has no call for it. */
  advise(): void {
    this.#file();
  }

  sync(): Promise<void> {
    return syncLater(this.#object.fd);
  }

  syncData(): Promise<void> {
    return syncDataLater(this.#object.fd);
  }

  flags(): DescriptorFlags {
    const object = this.#object;
    return object instanceof Directory
      ? { read: true, mutateDirectory: !object.readOnly }
      : {
          read: object.readable,
          write: object.writable,
          ...(object.sync === 'file' ? { fileIntegritySync: true } : object.sync === 'data' ? { dataIntegritySync: true } : {}),
        };
  }

  async setSize(size: bigint): Promise<void> {
    const file = this.#file();
    if (!file.writable) throw new FileError('EINVAL', 'the file is not open for writing');
    await truncateLater(file.fd, positionOf(size));
    file.inode.writes++;
  }

  setTimes(accessed: NewTimestamp, modified: NewTimestamp): void {
    const object = this.#object;
    if (object.readOnly) throw new FileError('EROFS', 'it is granted for reading only');
    futimesSync(object.fd, timeFor(timeOf(accessed)), timeFor(timeOf(modified)));
  }

  entries(): Entries {
    return this.#directory().entries();
  }

  createDirectory(path: string): void {
    this.#directory().createDirectory(path);
  }

  stat(): BigIntStats {
    return fstatSync(this.#object.fd, { bigint: true });
  }

  statAt(flags: PathFlags, path: string): BigIntStats {
    return this.#directory().statAt(path, flags.symlinkFollow === true);
  }

  setTimesAt(flags: PathFlags, path: string, accessed: NewTimestamp, modified: NewTimestamp): void {
    this.#directory().setTimesAt(path, flags.symlinkFollow === true, timeOf(accessed), timeOf(modified));
  }

  link(oldFlags: PathFlags, oldPath: string, into: OpenObject, newPath: string): void {
    if (oldFlags.symlinkFollow) throw new FileError('EINVAL', 'links are not followed when linking');
    this.#directory().link(oldPath, into.#directory(), newPath);
  }

  open(pathFlags: PathFlags, path: string, openFlags: OpenFlags, flags: DescriptorFlags): OpenObject {
    const directory = this.#directory();
    const { create = false, exclusive = false, truncate = false } = openFlags;
    if (openFlags.directory && (create || exclusive || truncate)) throw new FileError('EINVAL', 'these flags exclude each other');
    if (flags.mutateDirectory && directory.readOnly) throw new FileError('EROFS', 'the directory is granted for reading only');
    return new OpenObject(
      directory.open(path, {
        follow: pathFlags.symlinkFollow === true,
        create,
        exclusive,
        truncate,
        directory: openFlags.directory === true,
        read: flags.read === true,
        write: flags.write === true,
        ...(flags.fileIntegritySync || flags.requestedWriteSync ? { sync: 'file' } : flags.dataIntegritySync ? { sync: 'data' } : {}),
      }),
    );
  }

  readLink(path: string): string {
    return this.#directory().readLink(path);
  }

  removeDirectory(path: string): void {
    this.#directory().removeDirectory(path);
  }

  rename(oldPath: string, into: OpenObject, newPath: string): void {
    this.#directory().rename(oldPath, into.#directory(), newPath);
  }

  symlink(oldPath: string, newPath: string): void {
    this.#directory().symlink(oldPath, newPath);
  }

  removeFile(path: string): void {
    this.#directory().removeFile(path);
  }

  isSameAs(other: OpenObject): boolean {
    const [device, number] = this.#identity();
    const [otherDevice, otherNumber] = other.#identity();
    return device === otherDevice && number === otherNumber;
  }

  hash(): MetadataHash {
    return hashOf(...this.#identity());
  }

  hashAt(flags: PathFlags, path: string): MetadataHash {
    const { dev, ino } = this.statAt(flags, path);
    return hashOf(dev, ino);
  }

  /** The numbers of its device and of itself: of a file they are known since it was opened. */
  #identity(): readonly [device: bigint, number: bigint] {
    if (this.#object instanceof File) return this.#object.object;
    const { dev, ino } = this.#object.stat();
    return [dev, ino];
  }

  #readable(): File {
    if (this.#object instanceof Directory) throw new FileError('EISDIR');
    if (!this.#object.readable) throw new FileError('EBADF', 'the file is not open for reading');
    return this.#object;
  }

  #file(): File {
    if (this.#object instanceof Directory) throw new FileError('EBADF', 'it is a directory');
    return this.#object;
  }

  #writable(): File {
    const file = this.#file();
    if (!file.writable) throw new FileError('EBADF', 'the file is not open for writing');
    return file;
  }

  #directory(): Directory {
    if (this.#object instanceof File) throw new FileError('ENOTDIR');
    return this.#object;
  }
}
