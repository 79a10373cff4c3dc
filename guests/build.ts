/** Builds guests: `node guests/build.ts [NAME…] [--force] [--list]`. */
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { CACHE_FOLDER, GUEST_NAMES, GUESTS, GUESTS_FOLDER, type GuestName, guestPath } from './guests.ts';
import { MissingToolchain, RECIPES } from './recipes.ts';

export interface BuildOptions {
  /** Builds also when nothing has changed. */
  readonly force: boolean;
  /** Where to put the component, in place of {@link guestPath}. */
  readonly output?: string;
}

/**
 * Builds a guest, unless its sources are those of the last build. One process at a time builds.
 * @throws MissingToolchain when the guest's language is not installed on this machine.
 */
export async function build(name: GuestName, { force, output = guestPath(name) }: BuildOptions): Promise<void> {
  const stamp = join(CACHE_FOLDER, `${name}.stamp`);
  const isCurrent = () => !force && existsSync(output) && existsSync(stamp) && readFileSync(stamp, 'utf8') === hashSources(name);
  if (isCurrent()) return;
  const unlock = await lock();
  try {
    if (isCurrent()) return;
    const started = performance.now();
    process.stderr.write(`Building guest ${name} (${GUESTS[name].language}, ${GUESTS[name].recipe}) …\n`);
    const component = await RECIPES[GUESTS[name].recipe](name);
    const unfinished = `${output}.${process.pid}`;
    writeFileSync(unfinished, component);
    renameSync(unfinished, output);
    if (output === guestPath(name)) writeFileSync(stamp, hashSources(name));
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    process.stderr.write(`Built ${name}: ${component.length.toLocaleString('en')} bytes in ${seconds} s\n`);
  } finally {
    unlock();
  }
}

function hashSources(name: GuestName): string {
  const hash = createHash('sha256');
  const sources = globSync([`${name}/**/*`, 'rust-calculator/wit/*.wit', 'Cargo.*', 'claim-heap.c', 'recipes.ts'], {
    cwd: GUESTS_FOLDER,
  }).sort();
  for (const path of sources.filter((path) => !/\.wasm$|__pycache__/.test(path))) {
    const file = join(GUESTS_FOLDER, path);
    if (statSync(file).isFile()) hash.update(`${path}\n`).update(readFileSync(file));
  }
  return hash.digest('hex');
}

/** Waits until no other process builds; the lock of a process that is gone does not count. Call what it returns to let others build. */
export async function lock(): Promise<() => void> {
  const folder = join(CACHE_FOLDER, 'lock');
  const owner = join(folder, 'pid');
  mkdirSync(CACHE_FOLDER, { recursive: true });
  for (;;) {
    try {
      mkdirSync(folder);
      writeFileSync(owner, String(process.pid));
      return () => rmSync(folder, { recursive: true, force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const pid = existsSync(owner) ? Number(readFileSync(owner, 'utf8')) : 0;
    if (pid > 0 && !isAlive(pid)) rmSync(folder, { recursive: true, force: true });
    else await wait(100);
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function list(): void {
  const rows = GUEST_NAMES.map((name) => {
    const path = guestPath(name);
    const size = existsSync(path) ? `${Math.round(statSync(path).size / 1024).toLocaleString('en')} KiB` : 'not built';
    return [name, GUESTS[name].language, GUESTS[name].committed ? 'in git' : 'on demand', size, GUESTS[name].about] as const;
  });
  for (const [name, language, kept, size, about] of rows) {
    console.log(`${name.padEnd(16)} ${language.padEnd(11)} ${kept.padEnd(10)} ${size.padStart(10)}  ${about}`);
  }
}

async function main(): Promise<number> {
  const options = { force: { type: 'boolean' }, list: { type: 'boolean' }, help: { type: 'boolean' } } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  if (values.help) console.log('node guests/build.ts [NAME…] [--force] [--list]\n\nExample: node guests/build.ts rust-http --force');
  else if (values.list) list();
  else return buildAll(positionals.length === 0 ? GUEST_NAMES : positionals, values.force ?? false);
  return 0;
}

async function buildAll(names: readonly string[], force: boolean): Promise<number> {
  const unknown = names.find((name) => !Object.hasOwn(GUESTS, name));
  if (unknown !== undefined) {
    console.error(`error: no guest is called ${unknown}; there are ${GUEST_NAMES.join(', ')}`);
    return 2;
  }
  let failures = 0;
  for (const name of names as readonly GuestName[]) {
    try {
      await build(name, { force });
    } catch (error) {
      failures++;
      console.error(`error: ${name}: ${error instanceof MissingToolchain ? error.message : error}`);
    }
  }
  list();
  return failures === 0 ? 0 : 1;
}

if (import.meta.main) process.exitCode = await main();
