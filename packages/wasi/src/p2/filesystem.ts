/** `wasi:filesystem` — https://github.com/WebAssembly/WASI/tree/main/wasip2/filesystem */
import type { BigIntStats } from 'node:fs';
import { blocking, inPlace, resultError } from '@tenon/component';
import { type Datetime, datetimeOf } from '../body/clock.ts';
import {
  type DescriptorFlags,
  errorName,
  type MetadataHash,
  type NewTimestamp,
  type OpenFlags,
  OpenObject,
  type PathFlags,
} from '../body/files/descriptor.ts';
import { type Directory, type Entries, type Entry, type EntryType, typeOf } from '../body/files/directory.ts';
import { codeOf, FileError } from '../body/files/error.ts';
import type { File } from '../body/files/file.ts';
import { mustTurn, turn } from '../body/readiness.ts';
import { CHUNK } from '../body/streams.ts';
import type { IoError } from './io-error.ts';
import { InputStream, OutputStream } from './io-streams.ts';

function errorCode(error: unknown): string {
  return errorName(error) ?? (codeOf(error) === 'EAGAIN' ? 'would-block' : 'io');
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

interface DescriptorStat {
  readonly type: string;
  readonly linkCount: bigint;
  readonly size: bigint;
  readonly dataAccessTimestamp: Datetime | undefined;
  readonly dataModificationTimestamp: Datetime | undefined;
  readonly statusChangeTimestamp: Datetime | undefined;
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

/** The resource `descriptor`. */
export class Descriptor {
  readonly #object: OpenObject;

  constructor(object: File | Directory | OpenObject) {
    this.#object = object instanceof OpenObject ? object : new OpenObject(object);
  }

  readViaStream(offset: bigint): InputStream {
    return attempt(() => new InputStream(this.#object.source(offset)));
  }

  writeViaStream(offset: bigint): OutputStream {
    return attempt(() => new OutputStream(this.#object.sink(offset)));
  }

  appendViaStream(): OutputStream {
    return attempt(() => new OutputStream(this.#object.sink(undefined)));
  }

  advise(_offset: bigint, _length: bigint, _advice: string): void {
    attempt(() => this.#object.advise());
  }

  async syncData(): Promise<void> {
    await attemptLater(() => this.#object.syncData());
  }

  getFlags(): DescriptorFlags {
    return this.#object.flags();
  }

  getType(): string {
    return this.#object.isDirectory ? 'directory' : 'regular-file';
  }

  async setSize(size: bigint): Promise<void> {
    await attemptLater(() => this.#object.setSize(size));
  }

  setTimes(accessed: NewTimestamp, modified: NewTimestamp): void {
    attempt(() => this.#object.setTimes(accessed, modified));
  }

  read(length: bigint, offset: bigint): [Uint8Array, boolean] | Promise<[Uint8Array, boolean]> {
    return attemptSoon(() => {
      if (length === 0n && !this.#object.isDirectory && this.#object.flags().read) return [new Uint8Array(0), false];
      const into = Buffer.allocUnsafeSlow(length > CHUNK ? CHUNK : Number(length));
      const done = this.#object.readSoon(into, offset);
      const took = (count: number): [Uint8Array, boolean] => [into.subarray(0, count), count === 0];
      return typeof done === 'number' ? took(done) : done.then(took);
    });
  }

  write(buffer: Uint8Array, offset: bigint): bigint | Promise<bigint> {
    return attemptSoon(() => {
      const done = this.#object.writeSoon(buffer, offset);
      return typeof done === 'number' ? BigInt(done) : done.then(BigInt);
    });
  }

  readDirectory(): DirectoryEntryStream {
    return attempt(() => new DirectoryEntryStream(this.#object.entries()));
  }

  async sync(): Promise<void> {
    await attemptLater(() => this.#object.sync());
  }

  createDirectoryAt(path: string): void {
    attempt(() => this.#object.createDirectory(path));
  }

  stat(): DescriptorStat {
    return attempt(() => statOf(this.#object.stat()));
  }

  statAt(flags: PathFlags, path: string): DescriptorStat {
    return attempt(() => statOf(this.#object.statAt(flags, path)));
  }

  setTimesAt(flags: PathFlags, path: string, accessed: NewTimestamp, modified: NewTimestamp): void {
    attempt(() => this.#object.setTimesAt(flags, path, accessed, modified));
  }

  linkAt(oldFlags: PathFlags, oldPath: string, newDescriptor: Descriptor, newPath: string): void {
    attempt(() => this.#object.link(oldFlags, oldPath, newDescriptor.#object, newPath));
  }

  openAt(pathFlags: PathFlags, path: string, openFlags: OpenFlags, flags: DescriptorFlags): Descriptor {
    return attempt(() => new Descriptor(this.#object.open(pathFlags, path, openFlags, flags)));
  }

  readlinkAt(path: string): string {
    return attempt(() => this.#object.readLink(path));
  }

  removeDirectoryAt(path: string): void {
    attempt(() => this.#object.removeDirectory(path));
  }

  renameAt(oldPath: string, newDescriptor: Descriptor, newPath: string): void {
    attempt(() => this.#object.rename(oldPath, newDescriptor.#object, newPath));
  }

  symlinkAt(oldPath: string, newPath: string): void {
    attempt(() => this.#object.symlink(oldPath, newPath));
  }

  unlinkFileAt(path: string): void {
    attempt(() => this.#object.removeFile(path));
  }

  isSameObject(other: Descriptor): boolean {
    return this.#object.isSameAs(other.#object);
  }

  metadataHash(): MetadataHash {
    return attempt(() => this.#object.hash());
  }

  metadataHashAt(flags: PathFlags, path: string): MetadataHash {
    return attempt(() => this.#object.hashAt(flags, path));
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
