import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Component, Linker } from '@tenon/component';
import { guestPath } from '../../../../../guests/guests.ts';
import { wasi } from '../../index.ts';
import { Exit } from '../../p2/cli.ts';
import { identity } from './identity.ts';

/** How long the guest goes on: 60 rounds, or as many as so many seconds allow. */
const SECONDS = Number(process.env.TENON_ATTACK_SECONDS ?? 0);
const ROUNDS = 60;
/** How much longer they may take until they have met in every kind of operation. */
const PATIENCE = 120;

/** What the guest knows what is outside by: guests/rust-intruder/README.md. */
const INSIDE = 'gggggggg';
const SECRET = 'the secret';
const OUTSIDE = 1_000_000_000;

/** Each must have been done, and refused because the path led out at that moment. */
const RACED = [
  'append-via-stream',
  'create-directory-at',
  'link-at',
  'metadata-hash-at',
  'open-at to create',
  'open-at to truncate',
  'read',
  'read swapped',
  'read winding',
  'read-directory',
  'read-via-stream',
  'readlink-at',
  'remove-directory-at',
  'rename-at',
  'set-size',
  'set-times',
  'set-times-at',
  'stat-at',
  'stat-at winding',
  'symlink-at',
  'sync',
  'unlink-file-at',
  'write',
  'write-via-stream',
] as const;

/** Each must have been done at all. */
const DONE = ['read below', 'read loot', 'rename-at below', 'stand in', 'swap, away', 'swap, linked', 'write below'] as const;

const TRICKS = [
  'directory for a link',
  'directory moved out',
  'directory moved up',
  'empty directory for a link',
  'file for a hard link inside',
  'file for a link',
  'file for a pipe',
  'parent moved out',
  'parent renamed',
] as const;

/** What the guest prints every now and then. */
interface Report {
  readonly round: number;
  readonly outcomes: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly escapes: readonly string[];
}

/** What the attacker sends at the end. */
interface Played {
  readonly rounds: number;
  readonly played: Readonly<Record<string, number>>;
}

/** What is outside, and what of it the guest and the attacker look for inside too. */
function furnish(folder: string): void {
  for (const path of ['granted/dir/sub', 'granted/shared/sub', 'granted/deep/a/b', 'granted/deep/a/sub']) {
    mkdirSync(join(folder, path), { recursive: true });
  }
  for (const path of ['', 'dir/', 'shared/', 'deep/a/', 'deep/a/b/']) writeFileSync(join(folder, 'granted', `${path}file`), INSIDE);
  symlinkSync('deep/../..', join(folder, 'granted', 'hop'));
  execFileSync('mkfifo', [join(folder, 'granted', 'pipe')]);
  for (const place of ['outside', 'elsewhere']) {
    const path = (name: string): string => join(folder, place, name);
    for (const name of ['sub', 'b', 'secret-folder']) if (place === 'outside' || name !== 'b') mkdirSync(path(name), { recursive: true });
    for (const name of ['file', 'secret', 'b/file']) if (place === 'outside' || name !== 'b/file') writeFileSync(path(name), SECRET);
    symlinkSync('secret', path('secret-link'));
    for (const name of readdirSync(path(''))) if (name !== 'secret-link') utimesSync(path(name), OUTSIDE, OUTSIDE);
  }
  utimesSync(join(folder, 'outside', 'b', 'file'), OUTSIDE, OUTSIDE);
  for (const name of ['outside', '']) utimesSync(join(folder, name), OUTSIDE, OUTSIDE);
}

/** A device that gives NULs, where this process may make one. */
function makeDevice(folder: string): boolean {
  try {
    execFileSync('mknod', [join(folder, 'granted', 'device'), 'c', '1', '5'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** What would show that something outside was touched. What the attacker moves there and back is left out. */
function look(folder: string): Record<string, readonly unknown[]> {
  const seen: Record<string, readonly unknown[]> = {};
  const visit = (path: string): void => {
    const stats = lstatSync(join(folder, path), { bigint: true });
    const { ino, mode, nlink, size, mtimeNs, ctimeNs } = stats;
    // To look at a directory changes when it was last read; a file or link is read by nobody.
    seen[path] = [ino, mode, nlink, size, mtimeNs, ctimeNs, stats.isDirectory() ? undefined : stats.atimeNs];
    if (stats.isDirectory()) for (const name of readdirSync(join(folder, path)).sort()) visit(join(path, name));
  };
  visit('outside');
  for (const name of readdirSync(join(folder, 'elsewhere'))) if (name !== 'a' && name !== 'b') visit(join('elsewhere', name));
  seen[''] = readdirSync(folder).sort();
  return seen;
}

/** The metadata hashes of what is outside. */
function hashes(folder: string): string[] {
  const paths = ['/', '/etc', '/etc/passwd', '/proc', tmpdir(), folder];
  for (const place of ['outside', 'elsewhere']) {
    paths.push(join(folder, place), ...readdirSync(join(folder, place)).map((name) => join(folder, place, name)));
  }
  return paths.map((path) => {
    const { dev, ino } = lstatSync(path, { bigint: true });
    const digest = identity(dev, ino);
    return `${digest.readBigUInt64LE(0)}:${digest.readBigUInt64LE(8)}`;
  });
}

async function startAttacker(folder: string): Promise<ChildProcess> {
  const attacker = fork(new URL('./attacker.ts', import.meta.url), [folder]);
  await once(attacker, 'message');
  return attacker;
}

async function stopAttacker(attacker: ChildProcess): Promise<Played> {
  const exit = once(attacker, 'exit');
  attacker.send('stop');
  const [played] = (await once(attacker, 'message')) as [Played];
  await exit;
  return played;
}

/** @returns the exit code */
async function runIntruder(folder: string, report: (report: Report) => void): Promise<number> {
  let text = '';
  const system = wasi({
    args: ['intruder', ...hashes(folder)],
    preopens: [{ host: join(folder, 'granted'), guest: '/' }],
    stderr: 'inherit',
    stdout: (bytes) => {
      text += Buffer.from(bytes).toString();
      const lines = text.split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) report(JSON.parse(line) as Report);
    },
  });
  try {
    const linker = new Linker();
    linker.use(system);
    const component = await Component.compile(new Uint8Array(readFileSync(guestPath('rust-intruder'))));
    const { exports } = await linker.instantiate(component);
    await (exports['wasi:cli/run@0.2.12'] as { run(): unknown }).run();
    return 0;
  } catch (error) {
    if (error instanceof Exit) return error.code;
    throw error;
  } finally {
    await system.flush();
    system.close();
  }
}

/** What has not happened yet, though it must. */
function missing({ outcomes }: Report, device: boolean): string[] {
  const never = (kind: string, outcome: string): string[] => (outcomes[kind]?.[outcome] ? [] : [`${kind}: ${outcome}`]);
  return [
    ...RACED.flatMap((kind) => [...never(kind, 'done'), ...never(kind, 'not-permitted')]),
    ...DONE.flatMap((kind) => never(kind, 'done')),
    // Pipes and devices.
    ...(device ? never('read', 'access') : []),
  ];
}

function tell(t: TestContext, { round, outcomes }: Report, { rounds, played }: Played): void {
  const list = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .sort(([, a], [, b]) => b - a)
      .map(([name, count]) => `${count} ${name}`)
      .join(', ');
  t.diagnostic(`the guest went round ${round} times, the attacker ${rounds} times: ${list(played)}`);
  for (const [kind, counts] of Object.entries(outcomes)) t.diagnostic(`${kind}: ${list(counts)}`);
}

test('a guest and a native attacker together do not get out', { skip: process.platform !== 'linux' }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-attack-'));
  furnish(folder);
  const device = makeDevice(folder);
  const before = look(folder);
  const attacker = await startAttacker(folder);
  t.after(() => {
    attacker.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  const end = performance.now() + SECONDS * 1000;
  let last: Report | undefined;
  const code = await runIntruder(folder, (report) => {
    last = report;
    // While it goes on, too: what was changed and changed back has another time of change.
    const untouched = isSame(before, look(folder));
    const now = performance.now();
    const enough = report.round >= ROUNDS && now >= end && missing(report, device).length === 0;
    if (enough || !untouched || report.escapes.length > 0 || now >= end + PATIENCE * 1000) {
      writeFileSync(join(folder, 'granted', 'stop'), '');
    }
  });
  const played = await stopAttacker(attacker);
  assert.ok(last !== undefined);
  tell(t, last, played);

  assert.deepEqual(last.escapes, []);
  assert.deepEqual(look(folder), before);
  for (const path of ['outside/file', 'outside/secret', 'outside/b/file', 'elsewhere/file', 'elsewhere/secret']) {
    assert.equal(readFileSync(join(folder, path), 'utf8'), SECRET);
  }
  assert.equal(code, 0);
  assert.deepEqual(missing(last, device), [], 'what never happened');
  const unplayed = TRICKS.filter((trick) => !played.played[trick]);
  assert.deepEqual(unplayed, [], 'tricks that never came off');
});

function isSame(one: object, other: object): boolean {
  try {
    assert.deepEqual(one, other);
    return true;
  } catch {
    return false;
  }
}
