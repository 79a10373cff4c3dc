import { closeSync, constants, fstatSync, openSync, read, readSync, writeSync, writev } from 'node:fs';
import { Charge, OBJECT_BYTES, tooMuch } from '../budget.ts';
import { CHUNK, EMPTY, Sink, Source } from '../streams.ts';
import { type Device, deviceOf } from './device.ts';
import { FileError, fileError } from './error.ts';

/** What is known about an inode while some guest has it open: streams that read ahead look here whether it was written to. */
interface Inode {
  readonly key: string;
  writes: number;
  users: number;
}

const inodes = new Map<string, Inode>();

function inodeOf(device: bigint, number: bigint): Inode {
  const key = `${device}:${number}`;
  let inode = inodes.get(key);
  if (inode === undefined) {
    inode = { key, writes: 0, users: 0 };
    inodes.set(key, inode);
  }
  inode.users++;
  return inode;
}

/** The longest read or write that is done at once on this thread. */
const SHORT = 65_536;

/** What is read ahead where the budget has no room; there are not more streams than handles. */
const SCARCE = 4096;

/** An open regular file. Its file descriptor is closed when the last user has released it. */
export class File {
  readonly fd: number;
  readonly readable: boolean;
  readonly writable: boolean;
  /** It was opened through a directory that is granted for reading only. */
  readonly readOnly: boolean;
  /** What is on the disk before a write ends: the data, or the data and all metadata. */
  readonly sync: 'data' | 'file' | undefined;
  /** Which object it is: the numbers of its device and of itself. */
  readonly object: readonly [device: bigint, number: bigint];
  readonly #device: Device;
  readonly inode: Inode;
  readonly #closed: (() => void) | undefined;
  #users = 1;
  #append: number | undefined;

  /** @param closed is called when the file is closed */
  constructor(
    fd: number,
    device: bigint,
    number: bigint,
    access: Pick<File, 'readable' | 'writable' | 'readOnly'> & Partial<Pick<File, 'sync'>>,
    closed?: () => void,
  ) {
    this.#closed = closed;
    this.fd = fd;
    this.object = [device, number];
    this.#device = deviceOf(device);
    this.inode = inodeOf(device, number);
    this.readable = access.readable;
    this.writable = access.writable;
    this.readOnly = access.readOnly;
    this.sync = access.sync;
  }

  use(): this {
    this.#users++;
    return this;
  }

  release(): void {
    if (--this.#users > 0) return;
    closeSync(this.fd);
    if (this.#append !== undefined) closeSync(this.#append);
    if (--this.inode.users === 0) inodes.delete(this.inode.key);
    this.#closed?.();
  }

  /**
   * Where to write at the end: a descriptor for which the system finds the end and writes in one step. Where a file cannot be opened
   * again by its descriptor (only Linux knows how), the end as it is now.
   */
  get end(): { readonly fd: number; readonly position: number | null } {
    if (this.#append === undefined && process.platform === 'linux') {
      const sync = this.sync === 'file' ? constants.O_SYNC : this.sync === 'data' ? constants.O_DSYNC : 0;
      this.#append = openSync(`/proc/self/fd/${this.fd}`, constants.O_WRONLY | constants.O_APPEND | sync);
    }
    return this.#append === undefined ? { fd: this.fd, position: this.size } : { fd: this.#append, position: null };
  }

  read(into: Uint8Array, position: number): Promise<number> {
    if (!this.readable) return Promise.reject(new FileError('EBADF', 'the file is not open for reading'));
    this.#users++;
    return new Promise((resolve, reject) => {
      read(this.fd, into, 0, into.length, position, (error, count) => {
        this.release();
        if (error) reject(fileError(error));
        else resolve(count);
      });
    });
  }

  /** @param position where to write, `undefined` for the end. Resolves to how many bytes were written, which may be fewer. */
  write(pieces: readonly Uint8Array[], position: number | undefined): Promise<number> {
    if (!this.writable) return Promise.reject(new FileError('EBADF', 'the file is not open for writing'));
    const at = position === undefined ? this.end : { fd: this.fd, position };
    this.#users++;
    return new Promise((resolve, reject) => {
      writev(at.fd, pieces, at.position, (error, count) => {
        this.inode.writes++;
        this.release();
        if (error) reject(fileError(error));
        else resolve(count);
      });
    });
  }

  /** Reads at once where that is quick, else later. */
  readSoon(into: Uint8Array, position: number): number | Promise<number> {
    return into.length <= SHORT && this.quick ? this.readNow(into, position) : this.read(into, position);
  }

  /** Writes at once where that is quick, else later. */
  writeSoon(bytes: Uint8Array, position: number | undefined): number | Promise<number> {
    return bytes.length <= SHORT && this.quick ? this.writeNow(bytes, position) : this.write([bytes], position);
  }

  readNow(into: Uint8Array, position: number): number {
    if (!this.readable) throw new FileError('EBADF', 'the file is not open for reading');
    return this.#device.run(() => readSync(this.fd, into, 0, into.length, position));
  }

  writeNow(bytes: Uint8Array, position: number | undefined): number {
    if (!this.writable) throw new FileError('EBADF', 'the file is not open for writing');
    this.inode.writes++;
    const at = position === undefined ? this.end : { fd: this.fd, position };
    return this.#device.run(() => writeSync(at.fd, bytes, 0, bytes.length, at.position));
  }

  /** Whether short operations are done at once. */
  get quick(): boolean {
    return this.#device.quick;
  }

  get size(): number {
    return fstatSync(this.fd).size;
  }
}

/**
 * Reads a file from a position on. Where the device is quick it is read when it is asked for, at least a page ahead; else through the thread
 * pool and ahead of its reader, the farther the longer it is read in sequence.
 */
export class FileSource extends Source {
  readonly #file: File;
  #position: number;
  #ahead: Uint8Array = EMPTY;
  /** How many writes the inode had seen when the bytes ahead were read. */
  #writes = 0;
  #reading = false;
  #ended = false;
  #failure: FileError | undefined;
  #closed = false;
  #size: number = SHORT;
  /** Whether the file was seen to go on for longer than a short read. */
  #long = false;
  /** What was read ahead is charged to who reads. */
  readonly #charge = new Charge();

  constructor(file: File, position: number) {
    super();
    this.#file = file.use();
    this.#position = position;
  }

  /** On a quick device there is always something or the end, and to look which costs as much as to read. */
  override ready(): boolean {
    if (this.#settled()) return true;
    if (!this.#reading && this.#file.quick) return true;
    this.#fetchLater();
    return this.#settled();
  }

  override read(max: number): Uint8Array | undefined {
    if (!this.#settled()) this.#fetch(max);
    if (this.#ahead.length > 0) {
      const part = this.#ahead.subarray(0, max);
      this.#ahead = this.#ahead.subarray(part.length);
      this.#position += part.length;
      if (this.#ahead.length === 0 && !this.#file.quick) this.#fetchLater();
      return part;
    }
    if (this.#failure !== undefined) {
      const failure = this.#failure;
      this.#failure = undefined;
      this.#ended = true;
      throw failure;
    }
    return this.#ended ? undefined : EMPTY;
  }

  /** Much that is asked for at once goes through one buffer: to make and to collect one for each costs as much as to read. */
  override readLent(max: number): Uint8Array | undefined {
    if (max < AHEAD || this.#settled() || this.#reading || !this.#file.quick) return this.read(max);
    try {
      const count = this.#file.readNow(lent.subarray(0, max), this.#position);
      this.#position += count;
      if (count > 0) return lent.subarray(0, count);
      this.#ended = true;
      return undefined;
    } catch (error) {
      this.#ended = true;
      throw fileError(error);
    }
  }

  override close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#ended = true;
    this.#ahead = EMPTY;
    this.#charge.end();
    this.#file.release();
    this.notify();
  }

  #settled(): boolean {
    if (this.#ahead.length > 0 && this.#writes !== this.#file.inode.writes) this.#ahead = EMPTY;
    return this.#ahead.length > 0 || this.#ended || this.#failure !== undefined;
  }

  #fetch(max: number): void {
    if (this.#reading) return;
    if (!this.#file.quick) {
      this.#fetchLater();
      return;
    }
    try {
      // Most files are short: what is read of one goes where nothing has to be made for it.
      const into = this.#long ? this.#buffer(Math.min(Math.max(max, AHEAD), SHORT)) : scratch;
      const count = this.#file.readNow(into, this.#position);
      if (this.#long) {
        this.#took(into, count);
        return;
      }
      this.#long = count === scratch.length;
      this.#took(count === 0 ? EMPTY : copied(scratch, count), count);
    } catch (error) {
      this.#failure = fileError(error);
    }
  }

  #fetchLater(): void {
    if (this.#reading || this.#ended) return;
    if (this.#file.readable && this.#file.size <= this.#position) {
      this.#ended = true;
      return;
    }
    this.#reading = true;
    const into = this.#buffer(this.#size);
    this.#size = Math.min(this.#size * 2, CHUNK);
    const writes = this.#file.inode.writes;
    this.#file.read(into, this.#position).then(
      (count) => {
        this.#reading = false;
        if (this.#closed) return;
        if (writes === this.#file.inode.writes) this.#took(into, count);
        this.notify();
      },
      (error: unknown) => {
        this.#reading = false;
        this.#failure = fileError(error);
        this.notify();
      },
    );
  }

  /** In place of what was there: as long as asked for, or a short one where the budget has no room for more. */
  #buffer(size: number): Buffer<ArrayBuffer> {
    this.#charge.end();
    const length = this.#charge.take(size) ? size : Math.min(size, SCARCE);
    return Buffer.allocUnsafeSlow(length);
  }

  #took(into: Uint8Array, count: number): void {
    this.#writes = this.#file.inode.writes;
    if (count === 0) this.#ended = true;
    else this.#ahead = into.subarray(0, count);
  }
}

/** Bytes that are read at least: to ask again costs as much as to copy a page. */
const AHEAD = 8192;

const scratch = Buffer.allocUnsafeSlow(16_384);
const lent = Buffer.allocUnsafeSlow(SHORT);

function copied(bytes: Buffer, length: number): Buffer {
  const copy = Buffer.allocUnsafe(length);
  copy.set(bytes.subarray(0, length));
  return copy;
}

/** How many pieces the system takes at once. */
const MOST_PIECES = 1024;

/** Writes to a file from a position on, or at its end. */
export class FileSink extends Sink {
  readonly #file: File;
  #position: number | undefined;
  #waiting: Uint8Array[] = [];
  #pending = 0;
  #flushing = false;
  #failure: FileError | undefined;
  #closed = false;
  #released = false;
  readonly #charge = new Charge();

  /** @param position `undefined` to append. */
  constructor(file: File, position: number | undefined) {
    super();
    this.#file = file.use();
    this.#position = position;
  }

  override ready(): boolean {
    return this.#closed || this.#failure !== undefined || this.#free() > 0;
  }

  override room(): number | undefined {
    if (this.#failure !== undefined) {
      const failure = this.#failure;
      this.#failure = undefined;
      this.#finish();
      throw failure;
    }
    return this.#closed ? undefined : this.#free();
  }

  override stuck(): Error | undefined {
    return this.ready() || this.#pending > 0 ? undefined : tooMuch('bytes for a file');
  }

  override write(bytes: Uint8Array): void {
    if (this.#atOnce(bytes)) this.#writeNow(bytes);
    else this.#writeLater(bytes);
  }

  override writeLent(bytes: Uint8Array): void {
    if (this.#atOnce(bytes)) this.#writeNow(bytes);
    else this.#writeLater(new Uint8Array(bytes));
  }

  #atOnce(bytes: Uint8Array): boolean {
    return this.#pending === 0 && bytes.length <= SHORT && this.#file.quick;
  }

  #writeLater(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (!this.#charge.take(bytes.length + OBJECT_BYTES)) throw tooMuch(`${bytes.length} bytes for a file`);
    this.#waiting.push(bytes);
    const idle = this.#pending === 0;
    this.#pending += bytes.length;
    if (idle) void this.#drain();
  }

  override flush(): void {
    this.#flushing = this.#pending > 0;
  }

  override close(): void {
    this.#closed = true;
    if (this.#pending === 0) this.#finish();
    this.notify();
  }

  #finish(): void {
    this.#closed = true;
    if (this.#released) return;
    this.#released = true;
    this.#file.release();
  }

  #free(): number {
    if (this.#flushing && this.#pending > 0) return 0;
    this.#flushing = false;
    return Math.max(0, Math.min(CHUNK - this.#pending, this.#charge.budget.left - OBJECT_BYTES));
  }

  #writeNow(bytes: Uint8Array): void {
    let left = bytes;
    try {
      while (left.length > 0) {
        const count = this.#file.writeNow(left, this.#position);
        if (this.#position !== undefined) this.#position += count;
        left = left.subarray(count);
      }
    } catch (error) {
      this.#finish();
      throw fileError(error);
    }
  }

  /** Everything that waits goes on one way to the thread pool. */
  async #drain(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        const count = await this.#file.write(this.#waiting.slice(0, MOST_PIECES), this.#position);
        if (this.#position !== undefined) this.#position += count;
        this.#pending -= count;
        this.#wrote(count);
        if (this.ready()) this.notify();
      }
    } catch (error) {
      this.#failure = fileError(error);
      this.#waiting = [];
      this.#pending = 0;
      this.#charge.end();
    }
    if (this.#closed) this.#finish();
    this.notify();
  }

  #wrote(count: number): void {
    let left = count;
    let whole = 0;
    for (let first = this.#waiting[0]; first !== undefined && left >= first.length; first = this.#waiting[whole]) {
      left -= first.length;
      whole++;
    }
    this.#waiting.splice(0, whole);
    this.#charge.give(count + whole * OBJECT_BYTES);
    const [first] = this.#waiting;
    if (first !== undefined) this.#waiting[0] = first.subarray(left);
  }
}
