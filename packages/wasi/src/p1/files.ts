/** `fd_*`: what is done with something that is open. */
import { type BigIntStats, fdatasync, fstatSync, fsync, ftruncate, futimesSync } from 'node:fs';
import { promisify } from 'node:util';
import { Directory, type EntryType, type NewTime, timeFor, typeOf } from '../body/files/directory.ts';
import { FileError, fileError } from '../body/files/error.ts';
import type { File } from '../body/files/file.ts';
import { numberOf } from '../body/files/identity.ts';
import { turn, whenReady } from '../body/readiness.ts';
import { CHUNK, Sink, Source } from '../body/streams.ts';
import { type Descriptor, FLAG } from './descriptors.ts';
import type { Calls, Process } from './process.ts';

const FILE_TYPES: Readonly<Record<EntryType, number>> = {
  unknown: 0,
  block: 1,
  character: 2,
  directory: 3,
  file: 4,
  socket: 6,
  link: 7,
  fifo: 0,
};

const FILESTAT_SIZE = [56, 64] as const;
const FDSTAT_SIZE = 24;
const PRESTAT_SIZE = 8;
const DIRENT_SIZE = 24;

/** The most bytes that one read or write of one piece moves. */
const MOST = 1 << 30;

const truncateLater = promisify(ftruncate);
const syncLater = promisify(fsync);
const syncDataLater = promisify(fdatasync);

export function fileCalls(process: Process): Calls {
  const { memory, descriptors, preview } = process;
  return {
    /** Advice changes nothing that a program can see, and Node has no call for it. */
    fd_advise(fd: number, _offset: bigint, _length: bigint, advice: number) {
      descriptors.file(fd, 'fd_advise', 'ESPIPE');
      if (advice > 5) throw new FileError('EINVAL', 'there is no such advice');
    },
    fd_allocate(fd: number, _offset: bigint, _length: bigint) {
      descriptors.file(fd, 'fd_allocate');
      throw new FileError('ENOTSUP', 'Node has no call that reserves space');
    },
    fd_close: (fd: number) => descriptors.close(fd),
    fd_datasync: (fd: number) => sync(descriptors.get(fd).need('fd_datasync'), syncDataLater),
    fd_sync: (fd: number) => sync(descriptors.get(fd).need('fd_sync'), syncLater),

    fd_fdstat_get(fd: number, stat: number) {
      const descriptor = descriptors.get(fd);
      const record = memory.record(stat, FDSTAT_SIZE);
      record.setUint8(0, typeOfDescriptor(descriptor));
      record.setUint16(2, descriptor.flags, true);
      record.setBigUint64(8, descriptor.rights, true);
      record.setBigUint64(16, descriptor.inheriting, true);
    },
    fd_fdstat_set_flags(fd: number, flags: number) {
      const descriptor = descriptors.get(fd).need('fd_fdstat_set_flags');
      const kept = FLAG.dsync | FLAG.rsync | FLAG.sync;
      if (flags > 31 || ((flags ^ descriptor.flags) & kept) !== 0) throw new FileError('EINVAL', 'only append and nonblock can be changed');
      descriptor.flags = flags;
    },
    fd_fdstat_set_rights(fd: number, rights: bigint, inheriting: bigint) {
      const descriptor = descriptors.get(fd);
      if ((rights & ~descriptor.rights) !== 0n || (inheriting & ~descriptor.inheriting) !== 0n) {
        throw new FileError('ENOTCAPABLE', 'rights can only be given up');
      }
      descriptor.rights = rights;
      descriptor.inheriting = inheriting;
    },

    fd_filestat_get(fd: number, stat: number) {
      const descriptor = descriptors.get(fd).need('fd_filestat_get');
      const { object } = descriptor;
      if (object instanceof Source || object instanceof Sink) filestat(process, stat).setUint8(16, typeOfDescriptor(descriptor));
      else putFilestat(process, stat, fstatSync(object.fd, { bigint: true }));
    },
    async fd_filestat_set_size(fd: number, size: bigint) {
      const { file } = descriptors.file(fd, 'fd_filestat_set_size');
      await truncateLater(file.fd, place(size));
      file.inode.writes++;
    },
    fd_filestat_set_times(fd: number, accessed: bigint, modified: bigint, flags: number) {
      const { object } = descriptors.get(fd).need('fd_filestat_set_times');
      const times = newTimes(accessed, modified, flags);
      if (object instanceof Source || object instanceof Sink) throw new FileError('EBADF');
      futimesSync(object.fd, timeFor(times.accessed), timeFor(times.modified));
    },

    fd_pread(fd: number, iovs: number, count: number, offset: bigint, read: number) {
      const { file } = descriptors.file(fd, 'fd_read', 'ESPIPE');
      memory.u32(read);
      const done = readFile(file, memory.pieces(iovs, count), place(offset));
      return then(done, (bytes) => memory.setU32(read, bytes));
    },
    fd_pwrite(fd: number, iovs: number, count: number, offset: bigint, written: number) {
      const { descriptor, file } = descriptors.file(fd, 'fd_write', 'ESPIPE');
      memory.u32(written);
      // As Linux has it, and so preview 2: what appends does so wherever it is told to write.
      const at = place(offset);
      const done = writeFile(file, memory.pieces(iovs, count), descriptor.has(FLAG.append) ? undefined : at);
      return then(done, (bytes) => memory.setU32(written, bytes));
    },
    fd_read(fd: number, iovs: number, count: number, read: number) {
      const descriptor = readable(descriptors.get(fd));
      const pieces = memory.pieces(iovs, count);
      memory.u32(read);
      return then(readFrom(descriptor, pieces), (bytes) => memory.setU32(read, bytes));
    },
    fd_write(fd: number, iovs: number, count: number, written: number) {
      const descriptor = writable(descriptors.get(fd));
      const pieces = memory.pieces(iovs, count);
      memory.u32(written);
      return then(writeTo(descriptor, pieces), (bytes) => memory.setU32(written, bytes));
    },

    fd_seek(fd: number, offset: bigint, whence: number, position: number) {
      const { descriptor, file } = descriptors.file(fd, 'fd_seek', 'ESPIPE');
      memory.u64(position);
      const set = 0;
      const [current, end] = [descriptor.position, file.size];
      const from = (preview === 0 ? [current, end, set] : [set, current, end])[whence];
      if (from === undefined) throw new FileError('EINVAL', 'there is no such whence');
      descriptor.position = place(BigInt(from) + BigInt.asIntN(64, offset));
      memory.setU64(position, BigInt(descriptor.position));
    },
    fd_tell(fd: number, position: number) {
      const { descriptor } = descriptors.file(fd, 'fd_tell', 'ESPIPE');
      memory.setU64(position, BigInt(descriptor.position));
    },

    fd_prestat_get(fd: number, prestat: number) {
      const { preopen } = descriptors.get(fd);
      if (preopen === undefined) throw new FileError('EBADF', 'it was not granted, but opened');
      memory.record(prestat, PRESTAT_SIZE).setUint32(4, preopen.length, true);
    },
    fd_prestat_dir_name(fd: number, path: number, length: number) {
      const { preopen } = descriptors.get(fd);
      if (preopen === undefined) throw new FileError('EBADF', 'it was not granted, but opened');
      if (length < preopen.length) throw new FileError('ENAMETOOLONG');
      memory.bytes(path, preopen.length).set(preopen);
    },

    async fd_readdir(fd: number, buffer: number, length: number, cookie: bigint, used: number) {
      const directory = descriptors.directory(fd, 'fd_readdir');
      const descriptor = descriptors.get(fd);
      memory.bytes(buffer, length);
      memory.u32(used);
      if (cookie === 0n || descriptor.names === undefined) descriptor.names = await namesIn(directory);
      const names = descriptor.names;
      let at = 0;
      // An entry that does not fit is cut off: the guest sees a full buffer and asks again with a larger one.
      for (let next = cookie; next < names.length && at < length; next++) {
        const entry = dirent(directory, names[Number(next)] ?? ['', 'unknown'], next + 1n).subarray(0, length - at);
        memory.bytes(buffer + at, entry.length).set(entry);
        at += entry.length;
      }
      memory.setU32(used, at);
    },

    fd_renumber: (from: number, to: number) => descriptors.renumber(from, to),
  };
}

/** A `filestat` of zeros to be filled in. */
function filestat({ memory, preview }: Process, pointer: number): DataView {
  return memory.record(pointer, FILESTAT_SIZE[preview]);
}

export function putFilestat(process: Process, pointer: number, stats: BigIntStats): void {
  const record = filestat(process, pointer);
  record.setBigUint64(0, numberOf('device', stats.dev), true);
  record.setBigUint64(8, numberOf('inode', stats.dev, stats.ino), true);
  record.setUint8(16, FILE_TYPES[typeOf(stats)]);
  // Preview 0 counts links in 32 bits.
  const at = process.preview === 0 ? 24 : 32;
  if (process.preview === 0) record.setUint32(20, Number(BigInt.asUintN(32, stats.nlink)), true);
  else record.setBigUint64(24, stats.nlink, true);
  record.setBigUint64(at, stats.size, true);
  record.setBigUint64(at + 8, since(stats.atimeNs), true);
  record.setBigUint64(at + 16, since(stats.mtimeNs), true);
  record.setBigUint64(at + 24, since(stats.ctimeNs), true);
}

/** A time before the epoch cannot be told. */
function since(nanoseconds: bigint): bigint {
  return nanoseconds < 0n ? 0n : nanoseconds;
}

/** The times that the flags say. */
export function newTimes(accessed: bigint, modified: bigint, flags: number): { readonly accessed: NewTime; readonly modified: NewTime } {
  const pick = (time: bigint, chosen: number): NewTime => {
    if (chosen === 3) throw new FileError('EINVAL', 'these flags exclude each other');
    return chosen === 2 ? 'now' : chosen === 1 ? time : 'keep';
  };
  if (flags > 15) throw new FileError('EINVAL', 'there is no such flag');
  return { accessed: pick(accessed, flags & 3), modified: pick(modified, flags >> 2) };
}

function typeOfDescriptor({ object, terminal }: Descriptor): number {
  if (object instanceof Directory) return FILE_TYPES.directory;
  if (object instanceof Source || object instanceof Sink) return terminal ? FILE_TYPES.character : FILE_TYPES.unknown;
  return FILE_TYPES.file;
}

function place(offset: bigint): number {
  if (offset < 0n || offset >= 1n << 63n) throw new FileError('EINVAL', 'the system has no such place');
  if (offset > BigInt(Number.MAX_SAFE_INTEGER)) throw new FileError('EFBIG', 'the place is too far');
  return Number(offset);
}

function then(count: number | Promise<number>, use: (count: number) => void): void | Promise<void> {
  return typeof count === 'number' ? use(count) : count.then(use);
}

async function sync({ object }: Descriptor, flush: (fd: number) => Promise<void>): Promise<void> {
  if (object instanceof Source) return;
  if (!(object instanceof Sink)) return flush(object.fd);
  object.flush();
  await whenReady(object);
}

function readable(descriptor: Descriptor): Descriptor {
  if (descriptor.object instanceof Directory || descriptor.object instanceof Sink) throw new FileError('EBADF');
  return descriptor.need('fd_read');
}

function writable(descriptor: Descriptor): Descriptor {
  if (descriptor.object instanceof Directory || descriptor.object instanceof Source) throw new FileError('EBADF');
  return descriptor.need('fd_write');
}

type Pieces = readonly Uint8Array<ArrayBuffer>[];

function total(pieces: Pieces, most: number): number {
  let sum = 0;
  for (const piece of pieces) sum += piece.length;
  return Math.min(sum, most);
}

function scatter(bytes: Uint8Array, pieces: Pieces): void {
  let at = 0;
  for (const piece of pieces) {
    piece.set(bytes.subarray(at, at + piece.length));
    at += piece.length;
    if (at >= bytes.length) return;
  }
}

/** A copy of the first bytes: what takes it keeps it. */
function gather(pieces: Pieces, most: number): Uint8Array {
  const bytes = Buffer.allocUnsafeSlow(total(pieces, most));
  let at = 0;
  for (const piece of pieces) {
    if (at >= bytes.length) break;
    bytes.set(piece.subarray(0, bytes.length - at), at);
    at += piece.length;
  }
  return bytes;
}

/** One piece is read or written where it lies; several go through a copy, at most {@link CHUNK} bytes long. */
function readFile(file: File, pieces: Pieces, position: number): number | Promise<number> {
  const [first] = pieces;
  if (first === undefined) return 0;
  if (pieces.length === 1) return file.readSoon(first.subarray(0, MOST), position);
  const bytes = Buffer.allocUnsafeSlow(total(pieces, CHUNK));
  const done = file.readSoon(bytes, position);
  const took = (count: number): number => {
    scatter(bytes.subarray(0, count), pieces);
    return count;
  };
  return typeof done === 'number' ? took(done) : done.then(took);
}

function writeFile(file: File, pieces: Pieces, position: number | undefined): number | Promise<number> {
  const [first] = pieces;
  if (first === undefined) return 0;
  return file.writeSoon(pieces.length === 1 ? first.subarray(0, MOST) : gather(pieces, CHUNK), position);
}

function readFrom(descriptor: Descriptor, pieces: Pieces): number | Promise<number> {
  const { object } = descriptor;
  if (pieces.length === 0) return 0;
  if (object instanceof Source) return readSource(object, pieces, descriptor.has(FLAG.nonblock));
  const done = readFile(object as File, pieces, descriptor.position);
  const took = (count: number): number => {
    descriptor.position += count;
    return count;
  };
  return typeof done === 'number' ? took(done) : done.then(took);
}

function writeTo(descriptor: Descriptor, pieces: Pieces): number | Promise<number> {
  const { object } = descriptor;
  if (object instanceof Sink) return writeSink(object, pieces, descriptor.has(FLAG.nonblock));
  const file = object as File;
  const append = descriptor.has(FLAG.append);
  const done = writeFile(file, pieces, append ? undefined : descriptor.position);
  const took = (count: number): number => {
    descriptor.position = append ? file.size : descriptor.position + count;
    return count;
  };
  return typeof done === 'number' ? took(done) : done.then(took);
}

/** What is there already, `undefined` when the guest has to wait. */
function takeSource(source: Source, pieces: Pieces): number | undefined {
  try {
    const bytes = source.read(total(pieces, CHUNK));
    if (bytes === undefined) return 0;
    scatter(bytes, pieces);
    return bytes.length === 0 ? undefined : bytes.length;
  } catch (error) {
    throw fileError(error);
  }
}

function readSource(source: Source, pieces: Pieces, nonblock: boolean): number | Promise<number> {
  const again = async (): Promise<number> => {
    await (nonblock ? turn() : whenReady(source));
    const count = takeSource(source, pieces);
    if (count !== undefined) return count;
    if (nonblock) throw new FileError('EAGAIN');
    return again();
  };
  return takeSource(source, pieces) ?? again();
}

/** What is taken at once, `undefined` when the guest has to wait. */
function putSink(sink: Sink, pieces: Pieces): number | undefined {
  try {
    const room = sink.room();
    if (room === undefined) throw new FileError('EPIPE');
    if (pieces.length === 0) return 0;
    if (room === 0) return undefined;
    const most = Math.min(room, CHUNK);
    const [first] = pieces;
    if (pieces.length === 1 && first !== undefined) sink.writeLent(first.subarray(0, most));
    else sink.write(gather(pieces, most));
    return total(pieces, most);
  } catch (error) {
    throw fileError(error);
  }
}

function writeSink(sink: Sink, pieces: Pieces, nonblock: boolean): number | Promise<number> {
  const again = async (): Promise<number> => {
    await (nonblock ? turn() : whenReady(sink));
    const count = putSink(sink, pieces);
    if (count !== undefined) return count;
    if (nonblock) throw new FileError('EAGAIN');
    return again();
  };
  return putSink(sink, pieces) ?? again();
}

async function namesIn(directory: Directory): Promise<readonly (readonly [string, EntryType])[]> {
  const names: [string, EntryType][] = [
    ['.', 'directory'],
    ['..', 'directory'],
  ];
  const entries = directory.entries();
  try {
    for (;;) {
      try {
        const entry = await entries.next();
        if (entry === undefined) return names;
        names.push([entry.name, entry.type]);
      } catch (error) {
        // A name that is not UTF-8 cannot be told, and what has it cannot be opened.
        if (fileError(error).code !== 'EILSEQ') throw error;
      }
    }
  } finally {
    entries.close();
  }
}

function dirent(directory: Directory, [name, type]: readonly [string, EntryType], next: bigint): Uint8Array {
  const text = new TextEncoder().encode(name);
  const bytes = new Uint8Array(DIRENT_SIZE + text.length);
  const record = new DataView(bytes.buffer);
  record.setBigUint64(0, next, true);
  record.setBigUint64(8, inodeIn(directory, name), true);
  record.setUint32(16, text.length, true);
  record.setUint8(20, FILE_TYPES[type]);
  bytes.set(text, DIRENT_SIZE);
  return bytes;
}

/** 0, which stands for nothing known, when it has gone meanwhile or lies outside of what was granted. */
function inodeIn(directory: Directory, name: string): bigint {
  if (name === '..') return 0n;
  try {
    const { dev, ino } = directory.statAt(name, false);
    return numberOf('inode', dev, ino);
  } catch {
    return 0n;
  }
}
