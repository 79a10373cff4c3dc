/** What the commands do: output, exit codes, and what they leave in a folder. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Component, Linker, Trap } from '@tenon/component';
import { Exit, type WasiOptions, wasi } from '@tenon/wasi';

export interface Outcome {
  /** The exit code, or `trap`. */
  readonly code: number | 'trap';
  readonly stdout: string;
  readonly stderr: string;
}

export interface Invocation {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string | Uint8Array;
  /** A folder of the host that the guest finds at `/`. */
  readonly folder?: string;
  /** What its sockets may reach. */
  readonly network?: WasiOptions['network'];
}

/** Runs a command once, in a fresh instance. */
export async function runCommand(component: Component, { args = [], env = {}, stdin = '', folder, network }: Invocation): Promise<Outcome> {
  const texts = { stdout: '', stderr: '' };
  const collect = (name: keyof typeof texts) => {
    const decoder = new TextDecoder();
    return (bytes: Uint8Array) => {
      texts[name] += decoder.decode(bytes, { stream: true });
    };
  };
  const system = wasi({
    args: ['guest', ...args],
    env,
    stdin,
    stdout: collect('stdout'),
    stderr: collect('stderr'),
    preopens: folder === undefined ? [] : [{ host: folder, guest: '/' }],
    network,
  });
  try {
    const linker = new Linker();
    linker.use(system);
    const { exports } = await linker.instantiate(component);
    const { run } = Object.values(exports)[0] as { run(): unknown };
    return { code: await exitCode(run), ...texts };
  } finally {
    await system.flush();
    system.close();
  }
}

async function exitCode(run: () => unknown): Promise<number | 'trap'> {
  try {
    await run();
    return 0;
  } catch (error) {
    if (error instanceof Exit) return error.code;
    if (error instanceof Trap) return 'trap';
    if ((error as { code?: unknown }).code === 'TENON_RESULT') return 1;
    throw error;
  }
}

export async function checkHello(component: Component): Promise<void> {
  assert.deepEqual(await runCommand(component, {}), { code: 0, stdout: 'Hello from Rust!\n', stderr: '' });
}

const BIG = 'line of text, naïve\n'.repeat(20_000);

/** Each runs in the same folder, one after the other. */
const RUNS: readonly (readonly [Invocation, Partial<Outcome>])[] = [
  [{ args: ['args', 'one', '', 'naïve 🦀'] }, { code: 0, stdout: 'one\n\nnaïve 🦀\n' }],
  [
    { args: ['env'], env: { A: '1', B: 'two words' } },
    { code: 0, stdout: 'A=1\nB=two words\n' },
  ],
  [
    { args: ['env', 'B'], env: { B: '2' } },
    { code: 0, stdout: '2\n' },
  ],
  [{ args: ['env', 'HOME'] }, { code: 1, stdout: '' }],
  [{ args: ['cat'] }, { code: 0, stdout: '' }],
  [
    { args: ['cat'], stdin: BIG },
    { code: 0, stdout: BIG },
  ],
  [
    { args: ['lines'], stdin: 'a\nb' },
    { code: 0, stdout: '1 a\n2 b\n' },
  ],
  [{ args: ['list', '/'] }, { code: 0, stdout: '' }],
  [{ args: ['mkdir', '/deep/er'] }, { code: 0 }],
  [{ args: ['write', '/deep/er/file', 'content'] }, { code: 0 }],
  [{ args: ['append', '/deep/er/file', ' and more'] }, { code: 0 }],
  [{ args: ['read', '/deep/er/file'] }, { code: 0, stdout: 'content and more' }],
  [{ args: ['copy', '/deep/er/file', '/copy'] }, { code: 0, stdout: '16 bytes\n' }],
  [{ args: ['list', '/'] }, { code: 0, stdout: 'copy\ndeep/\n' }],
  [{ args: ['stat', '/copy'] }, { code: 0, stdout: 'file 16\n' }],
  [{ args: ['rename', '/copy', '/deep/copy'] }, { code: 0 }],
  [{ args: ['list', '/deep'] }, { code: 0, stdout: 'copy\ner/\n' }],
  [{ args: ['remove', '/deep/copy'] }, { code: 0 }],
  [{ args: ['remove', '/deep'] }, { code: 1, stderr: 'rust-cli: Directory not empty (os error 55)\n' }],
  [{ args: ['read', '/absent'] }, { code: 1, stderr: 'rust-cli: No such file or directory (os error 44)\n' }],
  [{ args: ['read', '/../../etc/passwd'] }, { code: 1, stdout: '' }],
  [{ args: ['stderr', 'to the other'] }, { code: 0, stdout: '', stderr: 'to the other\n' }],
  [{ args: ['exit', '0'] }, { code: 0 }],
  [{ args: ['exit', '1'] }, { code: 1 }],
  [{ args: ['fail'] }, { code: 1, stderr: 'rust-cli: failed as asked\n' }],
  [{ args: ['panic'] }, { code: 'trap', stdout: '' }],
  [{ args: ['sleep', '5'] }, { code: 0, stdout: 'slept\n' }],
  [{ args: ['recurse'] }, { code: 'trap' }],
  [{ args: [] }, { code: 1, stdout: '' }],
];

/** Checks the subcommands of `rust-cli` that end. */
export async function checkCli(component: Component): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'guest-'));
  try {
    for (const [invocation, wanted] of RUNS) {
      const outcome = await runCommand(component, { ...invocation, folder });
      const seen = Object.fromEntries(Object.keys(wanted).map((name) => [name, outcome[name as keyof Outcome]]));
      assert.deepEqual(seen, wanted, `${invocation.args?.join(' ')}\n${outcome.stderr}`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const { stdout } = await runCommand(component, { args: ['clock'] });
  assert.match(stdout, /^20\d\d\n$/);
  const seeds = await Promise.all([1, 2].map(() => runCommand(component, { args: ['random'] })));
  assert.notEqual(seeds[0]?.stdout, seeds[1]?.stdout);
  assert.match((await runCommand(component, { args: ['panic', 'so it is'] })).stderr, /so it is/);
}

/** Small amounts of the work that needs no server; each prints how long it took. */
export async function checkBench(component: Component): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-guest-'));
  try {
    const network = { send: ['127.0.0.1'], receive: ['127.0.0.1'] };
    for (const invocation of [
      { args: ['write', '/file', '262144'], folder },
      { args: ['read', '/file'], folder },
      { args: ['opens', '/small', '10'], folder },
      { args: ['poll', '10', '2'] },
      { args: ['wakes', '10', '2'], network },
    ]) {
      const { code, stdout, stderr } = await runCommand(component, invocation);
      assert.equal(code, 0, stderr);
      assert.match(stdout, /^\d+\n$/);
    }
    assert.equal(statSync(join(folder, 'file')).size, 262_144);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Nothing gets out of a folder as it should be. In one that has what belongs outside, the guest says so: it would not keep quiet. */
export async function checkIntruder(component: Component): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-guest-'));
  try {
    mkdirSync(join(folder, 'dir', 'sub'), { recursive: true });
    writeFileSync(join(folder, 'dir', 'file'), 'gggg');
    writeFileSync(join(folder, 'file'), 'gggg');
    writeFileSync(join(folder, 'stop'), '');
    const well = await runCommand(component, { folder });
    assert.equal(well.code, 0, well.stdout);
    const { round, outcomes, escapes } = JSON.parse(well.stdout);
    assert.equal(round, 20);
    assert.deepEqual(escapes, []);
    assert.equal(outcomes.read.done, 20);

    writeFileSync(join(folder, 'dir', 'file'), 'other');
    mkdirSync(join(folder, 'dir', 'secret-folder'));
    writeFileSync(join(folder, 'dir', 'secret'), 'gggg');
    symlinkSync('secret', join(folder, 'dir', 'secret-link'));
    utimesSync(join(folder, 'dir', 'sub'), 1_000_000_000, 1_000_000_000);
    const out = await runCommand(component, { folder });
    assert.equal(out.code, 1);
    const found = (JSON.parse(out.stdout).escapes as string[]).map((found) =>
      found.replace(/^(read-directory dir): .*"secret.*/s, '$1: a secret'),
    );
    for (const expected of [
      'read dir/file: read "other"',
      'stat-at dir/sub/: was told of something outside',
      'read-directory dir: a secret',
      ...[
        'open-at',
        'open-at to write',
        'open-at to truncate',
        'open-at to create',
        'open-at, a directory',
        'open-at, a link',
        'stat-at',
        'stat-at, following',
        'metadata-hash-at',
        'set-times-at',
        'set-times-at, following',
        'readlink-at',
        'symlink-at',
        'create-directory-at',
        'link-at',
        'link-at, out',
        'rename-at',
        'rename-at, out',
        'unlink-file-at',
      ].map((kind) => `${kind} dir/secret: done`),
    ]) {
      assert.ok(found.includes(expected), `${expected}: not among ${found.join('; ')}`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}
