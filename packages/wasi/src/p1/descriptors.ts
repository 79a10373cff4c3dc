import { Directory, type EntryType } from '../body/files/directory.ts';
import { FileError } from '../body/files/error.ts';
import { File } from '../body/files/file.ts';
import { Sink, Source } from '../body/streams.ts';

/** The rights of preview 1, by the function that needs each. */
export const RIGHT = {
  fd_datasync: 1n << 0n,
  fd_read: 1n << 1n,
  fd_seek: 1n << 2n,
  fd_fdstat_set_flags: 1n << 3n,
  fd_sync: 1n << 4n,
  fd_tell: 1n << 5n,
  fd_write: 1n << 6n,
  fd_advise: 1n << 7n,
  fd_allocate: 1n << 8n,
  path_create_directory: 1n << 9n,
  path_create_file: 1n << 10n,
  path_link_source: 1n << 11n,
  path_link_target: 1n << 12n,
  path_open: 1n << 13n,
  fd_readdir: 1n << 14n,
  path_readlink: 1n << 15n,
  path_rename_source: 1n << 16n,
  path_rename_target: 1n << 17n,
  path_filestat_get: 1n << 18n,
  path_filestat_set_size: 1n << 19n,
  path_filestat_set_times: 1n << 20n,
  fd_filestat_get: 1n << 21n,
  fd_filestat_set_size: 1n << 22n,
  fd_filestat_set_times: 1n << 23n,
  path_symlink: 1n << 24n,
  path_remove_directory: 1n << 25n,
  path_unlink_file: 1n << 26n,
  poll_fd_readwrite: 1n << 27n,
} as const;

export type Right = keyof typeof RIGHT;

function rights(...names: readonly Right[]): bigint {
  return names.reduce((all, name) => all | RIGHT[name], 0n);
}

const STREAM = rights('fd_fdstat_set_flags', 'fd_filestat_get', 'poll_fd_readwrite');
const INPUT = STREAM | RIGHT.fd_read;
const OUTPUT = STREAM | rights('fd_write', 'fd_sync', 'fd_datasync');
const WRITING = rights('fd_write', 'fd_allocate', 'fd_filestat_set_size');
const FILE = INPUT | OUTPUT | WRITING | rights('fd_seek', 'fd_tell', 'fd_advise', 'fd_filestat_set_times');
const DIRECTORY = rights(
  'fd_datasync',
  'fd_fdstat_set_flags',
  'fd_sync',
  'path_create_directory',
  'path_create_file',
  'path_link_source',
  'path_link_target',
  'path_open',
  'fd_readdir',
  'path_readlink',
  'path_rename_source',
  'path_rename_target',
  'path_filestat_get',
  'path_filestat_set_size',
  'path_filestat_set_times',
  'fd_filestat_get',
  'fd_filestat_set_times',
  'path_symlink',
  'path_remove_directory',
  'path_unlink_file',
);

/** Whether these rights ask for a file that can be written to. */
export function writes(rights: bigint): boolean {
  return (rights & WRITING) !== 0n;
}

export const FLAG = { append: 1, dsync: 2, nonblock: 4, rsync: 8, sync: 16 } as const;

export type Opened = Source | Sink | File | Directory;

function rightsOf(object: Opened): bigint {
  if (object instanceof Source) return INPUT;
  if (object instanceof Sink) return OUTPUT;
  if (object instanceof Directory) return object.readOnly ? DIRECTORY & ~RIGHT.fd_filestat_set_times : DIRECTORY;
  let all = FILE;
  if (!object.readable) all &= ~RIGHT.fd_read;
  if (!object.writable) all &= ~WRITING;
  return object.readOnly ? all & ~RIGHT.fd_filestat_set_times : all;
}

// The system's errors for what is not open for a change.
const NEVER: Partial<Record<Right, string>> = { fd_filestat_set_size: 'EINVAL', fd_filestat_set_times: 'EROFS' };

/** How a {@link Descriptor} comes to be. */
export interface DescriptorOptions {
  readonly flags?: number;
  /** What it may be used for at most. */
  readonly rights?: bigint;
  readonly inheriting?: bigint;
  readonly terminal?: boolean;
  /** The path at which the guest finds a directory that it was granted. */
  readonly preopen?: string;
}

/** What a file descriptor of the guest stands for. */
export class Descriptor {
  readonly object: Opened;
  readonly terminal: boolean;
  readonly preopen: Uint8Array | undefined;
  flags: number;
  rights: bigint;
  inheriting: bigint;
  readonly #given: bigint;
  /** Where the next read or write of a file is. */
  position = 0;
  /** The names in a directory as they were when the guest began to read it. */
  names: readonly (readonly [name: string, type: EntryType])[] | undefined;

  constructor(object: Opened, options: DescriptorOptions = {}) {
    this.object = object;
    this.terminal = options.terminal === true;
    this.preopen = options.preopen === undefined ? undefined : new TextEncoder().encode(options.preopen);
    this.flags = options.flags ?? 0;
    this.rights = rightsOf(object) & (options.rights ?? -1n);
    this.#given = this.rights;
    this.inheriting = object instanceof Directory ? (FILE | DIRECTORY) & (options.inheriting ?? -1n) : 0n;
  }

  /** What a descriptor was never good for is the system's error; what was given up is preview 1's own. */
  need(right: Right): this {
    if ((this.rights & RIGHT[right]) !== 0n) return this;
    const givenUp = (this.#given & RIGHT[right]) !== 0n;
    throw new FileError(givenUp ? 'ENOTCAPABLE' : (NEVER[right] ?? 'EBADF'), `the descriptor is not good for ${right}`);
  }

  has(flag: number): boolean {
    return (this.flags & flag) !== 0;
  }

  release(): void {
    if (this.object instanceof File || this.object instanceof Directory) this.object.release();
  }
}

// A guest's open files are files that its host has open too.
const MOST = 4096;

/** The file descriptors of a guest. */
export class Descriptors {
  readonly #open = new Map<number, Descriptor>();
  readonly #free: number[] = [];

  add(make: () => Descriptor): number {
    if (this.#open.size >= MOST) throw new FileError('EMFILE', 'the guest has too many files open');
    const fd = this.#free.at(-1) ?? this.#open.size;
    this.#open.set(fd, make());
    this.#free.pop();
    return fd;
  }

  get(fd: number): Descriptor {
    const descriptor = this.#open.get(fd);
    if (descriptor === undefined) throw new FileError('EBADF', 'the file descriptor is not open');
    return descriptor;
  }

  /** A directory that may be used for this. */
  directory(fd: number, right: Right): Directory {
    const { object } = this.get(fd);
    if (!(object instanceof Directory)) throw new FileError('ENOTDIR');
    this.get(fd).need(right);
    return object;
  }

  /** A file that may be used for this. Streams have no places to go to; directories are not to be read or written. */
  file(fd: number, right: Right, stream = 'EBADF'): { readonly descriptor: Descriptor; readonly file: File } {
    const descriptor = this.get(fd);
    const file = descriptor.object;
    if (!(file instanceof File)) throw new FileError(file instanceof Directory ? 'EBADF' : stream);
    return { descriptor: descriptor.need(right), file };
  }

  close(fd: number): void {
    const descriptor = this.get(fd);
    this.#open.delete(fd);
    this.#free.push(fd);
    descriptor.release();
  }

  /** `to`, which is closed, stands for what `from` stood for. */
  renumber(from: number, to: number): void {
    const moved = this.get(from);
    const replaced = this.get(to);
    if (from === to) return;
    this.#open.set(to, moved);
    this.#open.delete(from);
    this.#free.push(from);
    replaced.release();
  }

  closeAll(): void {
    for (const descriptor of this.#open.values()) descriptor.release();
    this.#open.clear();
  }
}
