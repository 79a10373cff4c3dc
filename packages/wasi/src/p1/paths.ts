/** `path_*`: what is done with names in a directory. */
import { Directory } from '../body/files/directory.ts';
import { FileError } from '../body/files/error.ts';
import { Descriptor, FLAG, RIGHT, writes } from './descriptors.ts';
import { newTimes, putFilestat } from './files.ts';
import type { Calls, Process } from './process.ts';

const FOLLOW = 1;
const OPEN = { create: 1, directory: 2, exclusive: 4, truncate: 8 } as const;

/** Longer than any path that the system takes, so that a guest's string is not read for nothing. */
const LONGEST = 1 << 16;

export function pathCalls(process: Process): Calls {
  const { memory, descriptors } = process;
  const text = (pointer: number, length: number): string => {
    if (length > LONGEST) throw new FileError('ENAMETOOLONG');
    return memory.string(pointer, length);
  };
  const follows = (flags: number): boolean => {
    if (flags > FOLLOW) throw new FileError('EINVAL', 'there is no such flag');
    return flags === FOLLOW;
  };

  return {
    path_create_directory(fd: number, path: number, length: number) {
      descriptors.directory(fd, 'path_create_directory').createDirectory(text(path, length));
    },
    path_filestat_get(fd: number, flags: number, path: number, length: number, stat: number) {
      const stats = descriptors.directory(fd, 'path_filestat_get').statAt(text(path, length), follows(flags));
      putFilestat(process, stat, stats);
    },
    path_filestat_set_times(fd: number, flags: number, path: number, length: number, accessed: bigint, modified: bigint, set: number) {
      const directory = descriptors.directory(fd, 'path_filestat_set_times');
      const times = newTimes(accessed, modified, set);
      directory.setTimesAt(text(path, length), follows(flags), times.accessed, times.modified);
    },
    path_link(fd: number, flags: number, path: number, length: number, newFd: number, newPath: number, newLength: number) {
      if (follows(flags)) throw new FileError('EINVAL', 'links are not followed when linking');
      const from = descriptors.directory(fd, 'path_link_source');
      from.link(text(path, length), descriptors.directory(newFd, 'path_link_target'), text(newPath, newLength));
    },
    path_open(
      fd: number,
      lookup: number,
      path: number,
      length: number,
      open: number,
      rights: bigint,
      _inheriting: bigint,
      flags: number,
      opened: number,
    ) {
      const directory = descriptors.directory(fd, 'path_open');
      const parent = descriptors.get(fd);
      if (open > 15 || flags > 31) throw new FileError('EINVAL', 'there is no such flag');
      const wantsDirectory = (open & OPEN.directory) !== 0;
      const create = (open & OPEN.create) !== 0;
      const truncate = (open & OPEN.truncate) !== 0;
      if (wantsDirectory && (create || truncate)) throw new FileError('EINVAL', 'these flags exclude each other');
      if (create) parent.need('path_create_file');
      if (truncate) parent.need('path_filestat_set_size');
      // Toolchains ask for fewer rights than they use, and for more than there are. What was asked for decides on reading and writing
      // only; a guest that gives up rights does so by `fd_fdstat_set_rights`, which is heeded here.
      const reads = (rights & (RIGHT.fd_read | RIGHT.fd_readdir)) !== 0n;
      const write = writes(rights);
      if ((reads && !inherits(parent, RIGHT.fd_read)) || (write && !inherits(parent, RIGHT.fd_write))) {
        throw new FileError('ENOTCAPABLE', 'the directory does not pass on these rights');
      }
      memory.u32(opened);
      const name = text(path, length);
      const added = descriptors.add(() => {
        const object = directory.open(name, {
          follow: follows(lookup),
          create,
          exclusive: (open & OPEN.exclusive) !== 0,
          truncate,
          directory: wantsDirectory,
          read: reads,
          write,
          ...(flags & (FLAG.sync | FLAG.rsync) ? { sync: 'file' } : flags & FLAG.dsync ? { sync: 'data' } : {}),
        });
        const unread = reads || object instanceof Directory ? 0n : RIGHT.fd_read;
        return new Descriptor(object, {
          flags,
          rights: parent.inheriting & ~unread,
          inheriting: parent.inheriting,
        });
      });
      memory.setU32(opened, added);
    },
    path_readlink(fd: number, path: number, length: number, buffer: number, size: number, used: number) {
      const into = memory.bytes(buffer, size);
      memory.u32(used);
      const target = new TextEncoder().encode(descriptors.directory(fd, 'path_readlink').readLink(text(path, length)));
      const part = target.subarray(0, size);
      into.set(part);
      memory.setU32(used, part.length);
    },
    path_remove_directory(fd: number, path: number, length: number) {
      descriptors.directory(fd, 'path_remove_directory').removeDirectory(text(path, length));
    },
    path_rename(fd: number, path: number, length: number, newFd: number, newPath: number, newLength: number) {
      const from = descriptors.directory(fd, 'path_rename_source');
      from.rename(text(path, length), descriptors.directory(newFd, 'path_rename_target'), text(newPath, newLength));
    },
    path_symlink(target: number, targetLength: number, fd: number, path: number, length: number) {
      descriptors.directory(fd, 'path_symlink').symlink(text(target, targetLength), text(path, length));
    },
    path_unlink_file(fd: number, path: number, length: number) {
      descriptors.directory(fd, 'path_unlink_file').removeFile(text(path, length));
    },
  };
}

function inherits(parent: Descriptor, right: bigint): boolean {
  return (parent.inheriting & right) !== 0n;
}
