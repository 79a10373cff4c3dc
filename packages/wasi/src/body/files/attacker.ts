/**
 * A native process that works with a guest against the sandbox: as fast as it can it swaps, in a directory that the guest was granted,
 * directories and files for links that lead out and for pipes and devices, moves directories out and up while the guest stands in them,
 * and renames their parents. `attack.test.ts` starts it; its argument is the folder that holds `granted`, `outside` and `elsewhere`.
 *
 * It works itself on links that it made and directories that only it renames, so that the guest cannot make it change what is outside.
 */
import { linkSync, lstatSync, renameSync, symlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';

const folder = String(process.argv[2]);
const victim = process.ppid;
const granted = (path: string): string => join(folder, 'granted', path);
const elsewhere = (path: string): string => join(folder, 'elsewhere', path);

/** How often each trick was played. */
const played: Record<string, number> = {};
let rounds = 0;

/** What fails in the turmoil is tried again in the next round. */
function attempt(operation: () => void): boolean {
  try {
    operation();
    return true;
  } catch {
    return false;
  }
}

/** A moment of varying length, so that the guest is met at every step of its way. */
function dwell(): void {
  for (let times = Math.floor(Math.random() * 8); times > 0; times--) lstatSync(folder);
}

/** Puts something else in the place of `name` for a moment. */
function replace(trick: string, name: string, put: (path: string) => void): void {
  const path = granted(name);
  const kept = granted(`${name}.kept`);
  // Whatever went wrong the last time is set right first.
  attempt(() => lstatSync(path).isSymbolicLink() && unlinkSync(path));
  attempt(() => renameSync(kept, path));
  dwell();
  if (!attempt(() => renameSync(path, kept))) return;
  if (attempt(() => put(path))) {
    played[trick] = (played[trick] ?? 0) + 1;
    dwell();
    attempt(() => unlinkSync(path));
  }
  attempt(() => renameSync(kept, path));
}

/** Moves something away for a moment. */
function move(trick: string, name: string, away: string): void {
  attempt(() => renameSync(away, granted(name)));
  dwell();
  if (!attempt(() => renameSync(granted(name), away))) return;
  played[trick] = (played[trick] ?? 0) + 1;
  dwell();
  attempt(() => renameSync(away, granted(name)));
}

/** Ways to say where something outside is, from a directory so deep in the one that is granted. */
function leadingTo(path: string, depth: number): string {
  const up = '../'.repeat(depth);
  const absolute = join(folder, path);
  const targets = [
    `${up}${path}`,
    `./${up}./${path}`,
    `${up}granted/../${path}`,
    absolute,
    `/proc/self/root${absolute}`,
    `/proc/${victim}/root${absolute}`,
    // The directory that is granted is one of the victim's first descriptors.
    `/proc/self/fd/${16 + (rounds % 16)}/../${path}`,
    `/proc/${victim}/fd/${16 + (rounds % 16)}/../${path}`,
    `${up.slice(3)}hop/${path}`,
  ];
  return targets[rounds % targets.length] ?? absolute;
}

function swapDirectories(): void {
  for (const [name, depth] of [
    ['dir', 1],
    ['shared', 1],
    ['deep/a', 2],
  ] as const) {
    replace('directory for a link', name, (path) => symlinkSync(leadingTo('outside', depth), path));
  }
  rounds++;
}

function round(): void {
  for (let times = 0; times < 5; times++) swapDirectories();
  for (const [name, depth] of [
    ['dir/file', 2],
    ['deep/a/file', 3],
  ] as const) {
    replace('file for a link', name, (path) => symlinkSync(leadingTo('outside/file', depth), path));
    replace('file for a hard link inside', name, (path) => symlinkSync('../file', path));
    replace('file for a pipe', name, (path) => linkSync(granted('pipe'), path));
    replace('file for a device', name, (path) => linkSync(granted('device'), path));
  }
  replace('empty directory for a link', 'dir/sub', (path) => symlinkSync(leadingTo('outside/sub', 2), path));
  // `..` from within what is moved must lead to where the walk came from.
  move('directory moved out', 'deep/a/b', elsewhere('b'));
  move('directory moved up', 'deep/a/b', granted('b'));
  move('parent moved out', 'deep/a', elsewhere('a'));
  move('parent renamed', 'deep', granted('deep.kept'));
}

/** Now and then it listens whether it is to stop. */
function go(): void {
  for (let times = 0; times < 10; times++) round();
  if (process.connected) setImmediate(go);
}

process.on('message', () => {
  process.send?.({ rounds, played }, () => process.disconnect?.());
});
process.send?.('ready');
go();
