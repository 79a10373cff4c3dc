/**
 * Paths that cannot leave a directory.
 *
 * A path is walked component by component, each looked up in the directory that the walk has open at that moment and never following a
 * symbolic link on the system's behalf: links are read and walked like the rest of the path. So whatever is renamed or replaced
 * while the walk is under way, it never stands in a directory that it did not reach from the root. On Linux a directory's file
 * descriptor names it (`/proc/self/fd/<fd>/<name>`). Where the system has no such names the remembered path stands in
 * for it, and a process that renames directories during the walk could lead it out.
 */
import { closeSync, constants, lstatSync, openSync, readlinkSync } from 'node:fs';
import { withoutStacks } from '@tenon/component';
import { codeOf, FileError } from './error.ts';

/** An open directory: what names in it are relative to. */
export interface Base {
  readonly fd: number;
  /** The host path it was opened at; used only where the system has no names for file descriptors. */
  readonly path: string;
}

/** What an operation on the last component answers when that is a symbolic link which should be followed. */
export const FOLLOW: unique symbol = Symbol('follow');

const LINUX = process.platform === 'linux';
const NOFOLLOW = constants.O_NOFOLLOW ?? 0;
// Not in Node's constants: it is Linux's own, the same on every architecture that Node runs on.
const O_PATH = LINUX ? 0o10000000 : 0;
const ENTER = O_PATH | (constants.O_DIRECTORY ?? 0) | NOFOLLOW;

// The bounds of Linux: PATH_MAX, and how many links one path may go through.
const LONGEST_PATH = 4096;
const MOST_LINKS = 40;

/** The name of an open directory for the system. */
export function nameOf(base: Base): string {
  return LINUX ? `/proc/self/fd/${base.fd}` : base.path;
}

/** The name of something in an open directory. `name` is one component. */
export function nameIn(base: Base, name: string): string {
  return `${nameOf(base)}/${name}`;
}

/** The target of a symbolic link, `undefined` when `name` is something else or nothing. */
function linkAt(base: Base, name: string): string | undefined {
  try {
    return decode(readlinkSync(nameIn(base, name), 'buffer'));
  } catch (error) {
    if (error instanceof FileError) throw error;
    return undefined;
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A name that the file system gave. */
export function decode(name: Uint8Array): string {
  try {
    return utf8.decode(name);
  } catch {
    throw new FileError('EILSEQ', 'a name in the file system is not UTF-8');
  }
}

/** Opens without following a link at the end, also where the system cannot promise that. */
export function openIn(base: Base, name: string, flags: number, mode?: number): number {
  const path = nameIn(base, name);
  if (NOFOLLOW === 0 && lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) throw new FileError('ELOOP');
  return openSync(path, flags | NOFOLLOW, mode);
}

/** A name for what is there, which opens neither a file nor a device, and not what a link leads to. `undefined` where the system has none. */
export function holdIn(base: Base, name: string): number | undefined {
  return LINUX ? openSync(nameIn(base, name), O_PATH | NOFOLLOW) : undefined;
}

function components(path: string): string[] {
  if (path === '') throw new FileError('ENOENT', 'the path is empty');
  if (path.length > LONGEST_PATH) throw new FileError('ENAMETOOLONG');
  if (path.includes('\0')) throw new FileError('EINVAL', 'the path has a NUL in it');
  if (path.startsWith('/')) throw new FileError('EPERM', 'the path is absolute');
  if (!LINUX && process.platform === 'win32' && /[\\:]/.test(path)) throw new FileError('EPERM', 'the path is not portable');
  return path.split('/').reverse();
}

/**
 * Walks `path` from `root` and lets `operate` act on its last component.
 *
 * @param operate gets the directory that the last component is in, its name (`.` for the directory itself), and whether the path
 *   says that it is a directory. When it answers {@link FOLLOW}, the link is followed and `operate` called again.
 * @throws FileError `EPERM` when the path leads out of `root`, and what the system says.
 */
export function walk<T>(root: Base, path: string, operate: (base: Base, name: string, directory: boolean) => T | typeof FOLLOW): T {
  // Programs look for files that are not there as often as for others.
  return withoutStacks(() => walkFrom(root, path, operate));
}

function walkFrom<T>(root: Base, path: string, operate: (base: Base, name: string, directory: boolean) => T | typeof FOLLOW): T {
  // What is still to be walked, the next component last; and the directories that were entered, so that `..` goes back to where
  // the walk came from, not to where that directory has been moved to meanwhile.
  const ahead = components(path);
  const entered: Base[] = [];
  let links = 0;
  try {
    for (;;) {
      const name: string = ahead.pop() ?? '.';
      const last: boolean = ahead.every((component) => component === '');
      if (!last && (name === '' || name === '.')) continue;
      if (name === '..') {
        const left = entered.pop();
        if (left === undefined) throw new FileError('EPERM', 'the path leads out of the directory');
        closeSync(left.fd);
        if (last) ahead.push('.');
        continue;
      }
      const base = entered.at(-1) ?? root;
      let target: string | undefined;
      if (last) {
        const answer = operate(base, name === '' ? '.' : name, ahead.length > 0 || name === '');
        if (answer !== FOLLOW) return answer;
        target = linkAt(base, name);
        // It was a link a moment ago: look again.
        if (target === undefined) target = name;
      } else {
        try {
          entered.push({ fd: openIn(base, name, ENTER), path: nameIn(base, name) });
          continue;
        } catch (error) {
          const code = codeOf(error);
          if (code === 'ENOTDIR' || code === 'ELOOP' || code === 'EMLINK') target = linkAt(base, name);
          if (target === undefined) throw error;
        }
      }
      if (++links > MOST_LINKS) throw new FileError('ELOOP', 'too many symbolic links');
      const onward = components(target);
      for (const component of onward) ahead.push(component);
    }
  } finally {
    for (const base of entered) closeSync(base.fd);
  }
}
