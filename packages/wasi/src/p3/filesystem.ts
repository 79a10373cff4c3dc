/** `wasi:filesystem` 0.3 — https://github.com/WebAssembly/WASI/tree/main/proposals/filesystem */
import type { BigIntStats } from 'node:fs';
import { resultError, type StreamSource, streamOf } from '@tenon/component';
import { type Datetime, datetimeOf } from '../body/clock.ts';
import {
  type DescriptorFlags,
  type ErrorName,
  errorName,
  type MetadataHash,
  type NewTimestamp,
  type OpenFlags,
  OpenObject,
  type PathFlags,
} from '../body/files/descriptor.ts';
import { type Directory, type Entries, type Entry, type EntryType, typeOf } from '../body/files/directory.ts';
import { codeOf } from '../body/files/error.ts';
import { mustTurn, turn } from '../body/readiness.ts';
import type { Sink } from '../body/streams.ts';
import { type Coded, OK, type Result } from './result.ts';
import { failedStream, type Given, refuseStream, streamFrom, streamTo } from './streams.ts';

type ErrorCode = Coded<ErrorName>;

function errorCode(error: unknown): ErrorCode {
  const tag = errorName(error);
  return tag === undefined ? { tag: 'other', val: codeOf(error) } : { tag };
}

function refuse(error: unknown): Error {
  return resultError(errorCode(error), error instanceof Error ? error.message : String(error));
}

/**
 * Runs an operation; what it throws is the error case. Most are done at once, and who does such again and again lets the event loop go
 * round now and then.
 */
function attempt<T>(operation: () => T | Promise<T>): T | Promise<T> {
  let done: T | Promise<T>;
  try {
    done = operation();
  } catch (error) {
    throw refuse(error);
  }
  if (done instanceof Promise) {
    return done.catch((error: unknown) => {
      throw refuse(error);
    });
  }
  return mustTurn() ? turn().then(() => done) : done;
}

type DescriptorType = Coded<'block-device' | 'character-device' | 'directory' | 'fifo' | 'symbolic-link' | 'regular-file' | 'socket'>;

const DESCRIPTOR_TYPES: Readonly<Record<EntryType, DescriptorType>> = {
  file: { tag: 'regular-file' },
  directory: { tag: 'directory' },
  link: { tag: 'symbolic-link' },
  block: { tag: 'block-device' },
  character: { tag: 'character-device' },
  fifo: { tag: 'fifo' },
  socket: { tag: 'socket' },
  unknown: { tag: 'other', val: undefined },
};

interface DescriptorStat {
  readonly type: DescriptorType;
  readonly linkCount: bigint;
  readonly size: bigint;
  readonly dataAccessTimestamp: Datetime;
  readonly dataModificationTimestamp: Datetime;
  readonly statusChangeTimestamp: Datetime;
}

function statOf(stats: BigIntStats): DescriptorStat {
  return {
    type: DESCRIPTOR_TYPES[typeOf(stats)],
    linkCount: stats.nlink,
    size: stats.size,
    dataAccessTimestamp: datetimeOf(stats.atimeNs),
    dataModificationTimestamp: datetimeOf(stats.mtimeNs),
    statusChangeTimestamp: datetimeOf(stats.ctimeNs),
  };
}

interface DirectoryEntry {
  readonly type: DescriptorType;
  readonly name: string;
}

/** Entries that are read at a time. */
const MOST_ENTRIES = 256;

class EntryStream implements StreamSource<DirectoryEntry> {
  readonly result: Promise<Result<undefined, ErrorCode>>;
  readonly #entries: Entries;
  #settle: (result: Result<undefined, ErrorCode>) => void = () => {};

  constructor(entries: Entries) {
    this.#entries = entries;
    this.result = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  read(most: number): DirectoryEntry[] | undefined | Promise<DirectoryEntry[] | undefined> {
    const read: DirectoryEntry[] = [];
    try {
      while (read.length < most && read.length < MOST_ENTRIES) {
        const entry = this.#entries.next();
        if (entry instanceof Promise) {
          return entry.then(
            (entry) => this.#took(read, entry),
            (error: unknown) => this.#failed(read, error),
          );
        }
        if (entry === undefined) return this.#took(read, undefined);
        read.push(told(entry));
      }
    } catch (error) {
      return this.#failed(read, error);
    }
    return read;
  }

  cancel(): void {
    this.#end(OK);
  }

  #took(read: DirectoryEntry[], entry: Entry | undefined): DirectoryEntry[] | undefined {
    if (entry !== undefined) return [...read, told(entry)];
    this.#end(OK);
    return read.length > 0 ? this.#last(read) : undefined;
  }

  #failed(read: DirectoryEntry[], error: unknown): DirectoryEntry[] | undefined {
    this.#end({ tag: 'err', val: errorCode(error) });
    return read.length > 0 ? this.#last(read) : undefined;
  }

  /** Nothing comes behind these. */
  #last(read: DirectoryEntry[]): DirectoryEntry[] {
    this.read = () => undefined;
    return read;
  }

  #end(result: Result<undefined, ErrorCode>): void {
    this.#entries.close();
    process.nextTick(() => this.#settle(result));
  }
}

function told(entry: Entry): DirectoryEntry {
  return { type: DESCRIPTOR_TYPES[entry.type], name: entry.name };
}

/** The resource `descriptor`. */
export class Descriptor {
  readonly #object: OpenObject;

  constructor(object: OpenObject) {
    this.#object = object;
  }

  readViaStream(offset: bigint): Given<number, ErrorCode> {
    try {
      return streamFrom(this.#object.source(offset), errorCode);
    } catch (error) {
      return failedStream(errorCode(error));
    }
  }

  writeViaStream(data: ReadableStream<unknown>, offset: bigint): Promise<Result<undefined, ErrorCode>> {
    return this.#write(data, () => this.#object.sink(offset));
  }

  appendViaStream(data: ReadableStream<unknown>): Promise<Result<undefined, ErrorCode>> {
    return this.#write(data, () => this.#object.sink(undefined));
  }

  #write(data: ReadableStream<unknown>, open: () => Sink): Promise<Result<undefined, ErrorCode>> {
    let sink: Sink;
    try {
      sink = open();
    } catch (error) {
      return refuseStream(data, errorCode(error));
    }
    return streamTo(data, sink, errorCode);
  }

  advise(_offset: bigint, _length: bigint, _advice: string): void | Promise<void> {
    return attempt(() => this.#object.advise());
  }

  syncData(): void | Promise<void> {
    return attempt(() => this.#object.syncData());
  }

  getFlags(): DescriptorFlags {
    return this.#object.flags();
  }

  getType(): DescriptorType {
    return DESCRIPTOR_TYPES[this.#object.isDirectory ? 'directory' : 'file'];
  }

  setSize(size: bigint): void | Promise<void> {
    return attempt(() => this.#object.setSize(size));
  }

  setTimes(accessed: NewTimestamp, modified: NewTimestamp): void | Promise<void> {
    return attempt(() => this.#object.setTimes(accessed, modified));
  }

  readDirectory(): Given<DirectoryEntry, ErrorCode> {
    try {
      const entries = new EntryStream(this.#object.entries());
      return [streamOf(entries), entries.result];
    } catch (error) {
      return failedStream(errorCode(error));
    }
  }

  sync(): void | Promise<void> {
    return attempt(() => this.#object.sync());
  }

  createDirectoryAt(path: string): void | Promise<void> {
    return attempt(() => this.#object.createDirectory(path));
  }

  stat(): DescriptorStat | Promise<DescriptorStat> {
    return attempt(() => statOf(this.#object.stat()));
  }

  statAt(flags: PathFlags, path: string): DescriptorStat | Promise<DescriptorStat> {
    return attempt(() => statOf(this.#object.statAt(flags, path)));
  }

  setTimesAt(flags: PathFlags, path: string, accessed: NewTimestamp, modified: NewTimestamp): void | Promise<void> {
    return attempt(() => this.#object.setTimesAt(flags, path, accessed, modified));
  }

  linkAt(oldFlags: PathFlags, oldPath: string, newDescriptor: Descriptor, newPath: string): void | Promise<void> {
    return attempt(() => this.#object.link(oldFlags, oldPath, newDescriptor.#object, newPath));
  }

  openAt(pathFlags: PathFlags, path: string, openFlags: OpenFlags, flags: DescriptorFlags): Descriptor | Promise<Descriptor> {
    return attempt(() => new Descriptor(this.#object.open(pathFlags, path, openFlags, flags)));
  }

  readlinkAt(path: string): string | Promise<string> {
    return attempt(() => this.#object.readLink(path));
  }

  removeDirectoryAt(path: string): void | Promise<void> {
    return attempt(() => this.#object.removeDirectory(path));
  }

  renameAt(oldPath: string, newDescriptor: Descriptor, newPath: string): void | Promise<void> {
    return attempt(() => this.#object.rename(oldPath, newDescriptor.#object, newPath));
  }

  symlinkAt(oldPath: string, newPath: string): void | Promise<void> {
    return attempt(() => this.#object.symlink(oldPath, newPath));
  }

  unlinkFileAt(path: string): void | Promise<void> {
    return attempt(() => this.#object.removeFile(path));
  }

  isSameObject(other: Descriptor): boolean {
    return this.#object.isSameAs(other.#object);
  }

  metadataHash(): MetadataHash | Promise<MetadataHash> {
    return attempt(() => this.#object.hash());
  }

  metadataHashAt(flags: PathFlags, path: string): MetadataHash | Promise<MetadataHash> {
    return attempt(() => this.#object.hashAt(flags, path));
  }

  [Symbol.dispose](): void {
    this.#object.release();
  }
}

export const types: object = { Descriptor };

/** @param directories what is granted, each with the path at which the guest finds it. */
export function preopens(directories: readonly (readonly [Directory, string])[]): object {
  return { getDirectories: () => directories.map(([directory, path]) => [new Descriptor(new OpenObject(directory.use())), path]) };
}
