/** `wasi:filesystem` — https://github.com/WebAssembly/WASI/tree/main/wasip2/filesystem */
import { type BigIntStats, fdatasync, fstatSync, fsync, ftruncate, futimesSync } from 'node:fs';
import { promisify } from 'node:util';
import { blocking, inPlace, resultError } from '@tenon/component';
import { type Datetime, datetimeOf, nanosecondsOf } from '../body/clock.ts';
import { Directory, type Entries, type Entry, type EntryType, type NewTime, timeFor, typeOf } from '../body/files/directory.ts';
import { codeOf, FileError } from '../body/files/error.ts';
import { File, FileSink, FileSource } from '../body/files/file.ts';
import { identity } from '../body/files/identity.ts';
import { mustTurn, turn } from '../body/readiness.ts';
import { CHUNK } from '../body/streams.ts';
import type { IoError } from './io-error.ts';
import { InputStream, OutputStream } from './io-streams.ts';

/** The system's errors as `error-code`. */
const ERROR_CODES: Readonly<Record<string, string>> = {
  EACCES: 'access',
  EAGAIN: 'would-block',
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
};

function errorCode(error: unknown): string {
  return ERROR_CODES[codeOf(error)] ?? 'io';
}

function refuse(error: unknown): Error {
  return resultError(errorCode(error), error instanceof Error ? error.message : String(error));
}

/** Runs an operation; what it throws is the error case. */
function attempt<T>(operation: () => T): T {
  try {
    return operation();
  } catch (error) {
    throw refuse(error);
  }
}

async function attemptLater<T>(operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    throw refuse(error);
  }
}

/** Runs an operation that may be done at once. Who does such again and again lets the event loop go round now and then. */
function attemptSoon<T>(operation: () => T | Promise<T>): T | Promise<T> {
  const done = attempt(operation);
  if (done instanceof Promise) return attemptLater(() => done);
  return mustTurn() ? turn().then(() => done) : done;
}

const DESCRIPTOR_TYPES: Readonly<Record<EntryType, string>> = {
  file: 'regular-file',
  directory: 'directory',
  link: 'symbolic-link',
  block: 'block-device',
  character: 'character-device',
  fifo: 'fifo',
  socket: 'socket',
  unknown: 'unknown',
};

interface PathFlags {
  readonly symlinkFollow?: boolean;
}

interface OpenFlags {
  readonly create?: boolean;
  readonly directory?: boolean;
  readonly exclusive?: boolean;
  readonly truncate?: boolean;
}

interface DescriptorFlags {
  readonly read?: boolean;
  readonly write?: boolean;
  readonly fileIntegritySync?: boolean;
  readonly dataIntegritySync?: boolean;
  readonly requestedWriteSync?: boolean;
  readonly mutateDirectory?: boolean;
}

type NewTimestamp = { readonly tag: 'no-change' | 'now' } | { readonly tag: 'timestamp'; readonly val: Datetime };

interface DescriptorStat {
  readonly type: string;
  readonly linkCount: bigint;
  readonly size: bigint;
  readonly dataAccessTimestamp: Datetime | undefined;
  readonly dataModificationTimestamp: Datetime | undefined;
  readonly statusChangeTimestamp: Datetime | undefined;
}

interface MetadataHash {
  readonly lower: bigint;
  readonly upper: bigint;
}

/** A time before the epoch has no `datetime`. */
function timestamp(nanoseconds: bigint): Datetime | undefined {
  return nanoseconds < 0n ? undefined : datetimeOf(nanoseconds);
}

function statOf(stats: BigIntStats): DescriptorStat {
  return {
    type: DESCRIPTOR_TYPES[typeOf(stats)],
    linkCount: stats.nlink,
    size: stats.size,
    dataAccessTimestamp: timestamp(stats.atimeNs),
    dataModificationTimestamp: timestamp(stats.mtimeNs),
    statusChangeTimestamp: timestamp(stats.ctimeNs),
  };
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

/** The resource `descriptor`. */
export class Descriptor {
  readonly #object: File | Directory;

  constructor(object: File | Directory) {
    this.#object = object;
  }

  readViaStream(offset: bigint): InputStream {
    return attempt(() => {
      if (this.#object instanceof Directory) throw new FileError('EISDIR');
      if (!this.#object.readable) throw new FileError('EBADF');
      return new InputStream(new FileSource(this.#object, positionOf(offset)));
    });
  }

  writeViaStream(offset: bigint): OutputStream {
    return attempt(() => new OutputStream(new FileSink(this.#writable(), positionOf(offset))));
  }

  appendViaStream(): OutputStream {
    return attempt(() => new OutputStream(new FileSink(this.#writable(), undefined)));
  }

  /** Advice changes nothing that a program can see, and Node has no call for it. */
  advise(_offset: bigint, _length: bigint, _advice: string): void {
    attempt(() => this.#file());
  }

  async syncData(): Promise<void> {
    await attemptLater(() => syncDataLater(this.#object.fd));
  }

  getFlags(): DescriptorFlags {
    const object = this.#object;
    return object instanceof Directory
      ? { read: true, mutateDirectory: !object.readOnly }
      : {
          read: object.readable,
          write: object.writable,
          ...(object.sync === 'file' ? { fileIntegritySync: true } : object.sync === 'data' ? { dataIntegritySync: true } : {}),
        };
  }

  getType(): string {
    return this.#object instanceof Directory ? 'directory' : 'regular-file';
  }

  async setSize(size: bigint): Promise<void> {
    await attemptLater(async () => {
      const file = this.#file();
      if (!file.writable) throw new FileError('EINVAL', 'the file is not open for writing');
      await truncateLater(file.fd, positionOf(size));
      file.inode.writes++;
    });
  }

  setTimes(accessed: NewTimestamp, modified: NewTimestamp): void {
    attempt(() => {
      const object = this.#object;
      if (object.readOnly) throw new FileError('EROFS', 'it is granted for reading only');
      futimesSync(object.fd, timeFor(timeOf(accessed)), timeFor(timeOf(modified)));
    });
  }

  read(length: bigint, offset: bigint): [Uint8Array, boolean] | Promise<[Uint8Array, boolean]> {
    return attemptSoon(() => {
      if (this.#object instanceof Directory) throw new FileError('EISDIR');
      if (length === 0n) return [new Uint8Array(0), false];
      const into = Buffer.allocUnsafeSlow(length > CHUNK ? CHUNK : Number(length));
      const done = this.#object.readSoon(into, positionOf(offset));
      const took = (count: number): [Uint8Array, boolean] => [into.subarray(0, count), count === 0];
      return typeof done === 'number' ? took(done) : done.then(took);
    });
  }

  write(buffer: Uint8Array, offset: bigint): bigint | Promise<bigint> {
    return attemptSoon(() => {
      const done = this.#writable().writeSoon(buffer, positionOf(offset));
      return typeof done === 'number' ? BigInt(done) : done.then(BigInt);
    });
  }

  readDirectory(): DirectoryEntryStream {
    return attempt(() => new DirectoryEntryStream(this.#directory().entries()));
  }

  async sync(): Promise<void> {
    await attemptLater(() => syncLater(this.#object.fd));
  }

  createDirectoryAt(path: string): void {
    attempt(() => this.#directory().createDirectory(path));
  }

  stat(): DescriptorStat {
    return attempt(() => statOf(fstatSync(this.#object.fd, { bigint: true })));
  }

  statAt(flags: PathFlags, path: string): DescriptorStat {
    return attempt(() => statOf(this.#directory().statAt(path, flags.symlinkFollow === true)));
  }

  setTimesAt(flags: PathFlags, path: string, accessed: NewTimestamp, modified: NewTimestamp): void {
    attempt(() => this.#directory().setTimesAt(path, flags.symlinkFollow === true, timeOf(accessed), timeOf(modified)));
  }

  linkAt(oldFlags: PathFlags, oldPath: string, newDescriptor: Descriptor, newPath: string): void {
    attempt(() => {
      if (oldFlags.symlinkFollow) throw new FileError('EINVAL', 'links are not followed when linking');
      this.#directory().link(oldPath, newDescriptor.#directory(), newPath);
    });
  }

  openAt(pathFlags: PathFlags, path: string, openFlags: OpenFlags, flags: DescriptorFlags): Descriptor {
    return attempt(() => {
      const directory = this.#directory();
      const { create = false, exclusive = false, truncate = false } = openFlags;
      if (openFlags.directory && (create || exclusive || truncate)) throw new FileError('EINVAL', 'these flags exclude each other');
      if (flags.mutateDirectory && directory.readOnly) throw new FileError('EROFS', 'the directory is granted for reading only');
      const opened = directory.open(path, {
        follow: pathFlags.symlinkFollow === true,
        create,
        exclusive,
        truncate,
        directory: openFlags.directory === true,
        read: flags.read === true,
        write: flags.write === true,
        ...(flags.fileIntegritySync || flags.requestedWriteSync ? { sync: 'file' } : flags.dataIntegritySync ? { sync: 'data' } : {}),
      });
      return new Descriptor(opened);
    });
  }

  readlinkAt(path: string): string {
    return attempt(() => this.#directory().readLink(path));
  }

  removeDirectoryAt(path: string): void {
    attempt(() => this.#directory().removeDirectory(path));
  }

  renameAt(oldPath: string, newDescriptor: Descriptor, newPath: string): void {
    attempt(() => this.#directory().rename(oldPath, newDescriptor.#directory(), newPath));
  }

  symlinkAt(oldPath: string, newPath: string): void {
    attempt(() => this.#directory().symlink(oldPath, newPath));
  }

  unlinkFileAt(path: string): void {
    attempt(() => this.#directory().removeFile(path));
  }

  isSameObject(other: Descriptor): boolean {
    const [device, number] = this.#identity();
    const [otherDevice, otherNumber] = other.#identity();
    return device === otherDevice && number === otherNumber;
  }

  metadataHash(): MetadataHash {
    return attempt(() => hashOf(...this.#identity()));
  }

  metadataHashAt(flags: PathFlags, path: string): MetadataHash {
    return attempt(() => {
      const { dev, ino } = this.#directory().statAt(path, flags.symlinkFollow === true);
      return hashOf(dev, ino);
    });
  }

  /** The numbers of its device and of itself: of a file they are known since it was opened. */
  #identity(): readonly [device: bigint, number: bigint] {
    if (this.#object instanceof File) return this.#object.object;
    const { dev, ino } = this.#object.stat();
    return [dev, ino];
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

  [Symbol.dispose](): void {
    this.#object.release();
  }

  static {
    blocking(Descriptor.prototype.read);
    inPlace(blocking(Descriptor.prototype.write));
  }
}

interface DirectoryEntry {
  readonly type: string;
  readonly name: string;
}

/** The resource `directory-entry-stream`. */
export class DirectoryEntryStream {
  readonly #entries: Entries;

  constructor(entries: Entries) {
    this.#entries = entries;
  }

  readDirectoryEntry(): DirectoryEntry | undefined | Promise<DirectoryEntry | undefined> {
    const told = (entry: Entry | undefined): DirectoryEntry | undefined =>
      entry && { type: DESCRIPTOR_TYPES[entry.type], name: entry.name };
    return attemptSoon(() => {
      const entry = this.#entries.next();
      return entry instanceof Promise ? entry.then(told) : told(entry);
    });
  }

  static {
    blocking(DirectoryEntryStream.prototype.readDirectoryEntry);
  }

  [Symbol.dispose](): void {
    this.#entries.close();
  }
}

/** What a failed stream of a file says about its failure. */
function filesystemErrorCode(error: IoError): string | undefined {
  return error.cause instanceof FileError ? errorCode(error.cause) : undefined;
}

export const filesystemTypes: object = { Descriptor, DirectoryEntryStream, filesystemErrorCode };

/** @param directories what is granted, each with the path at which the guest finds it. */
export function preopens(directories: readonly (readonly [Directory, string])[]): object {
  return { getDirectories: () => directories.map(([directory, path]) => [new Descriptor(directory.use()), path]) };
}
