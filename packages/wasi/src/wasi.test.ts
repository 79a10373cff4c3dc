import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough, Writable } from 'node:stream';
import { describe, test } from 'node:test';
import { Exit, type StandardOutput, WASI_VERSION, WasiError, wasi } from './index.ts';

type Functions = Readonly<Record<string, (...args: never[]) => unknown>>;

function get(instance: ReturnType<typeof wasi>, name: string): Functions {
  const found = instance.imports.get(`wasi:${name}@${WASI_VERSION}`);
  assert.ok(found, name);
  return found as Functions;
}

function call(functions: Functions, name: string, ...args: unknown[]): unknown {
  return (functions[name] as (...args: unknown[]) => unknown)(...args);
}

test('nothing is granted by default', async () => {
  const system = wasi();
  assert.deepEqual(call(get(system, 'cli/environment'), 'getEnvironment'), []);
  assert.deepEqual(call(get(system, 'cli/environment'), 'getArguments'), []);
  assert.equal(call(get(system, 'cli/environment'), 'initialCwd'), undefined);
  assert.deepEqual(call(get(system, 'filesystem/preopens'), 'getDirectories'), []);
  for (const stream of ['Stdin', 'Stdout', 'Stderr']) {
    assert.equal(call(get(system, `cli/terminal-${stream.toLowerCase()}`), `getTerminal${stream}`), undefined);
  }
  const { OutgoingRequest, Fields } = get(system, 'http/types') as unknown as Record<string, new (...args: unknown[]) => unknown>;
  assert.ok(OutgoingRequest && Fields);
  const request = new OutgoingRequest(new Fields()) as { setAuthority(authority: string): void };
  request.setAuthority('example.com');
  assert.throws(() => call(get(system, 'http/outgoing-handler'), 'handle', request), { payload: { tag: 'HTTP-request-denied' } });
  const socket = call(get(system, 'sockets/tcp-create-socket'), 'createTcpSocket', 'ipv4') as Record<
    string,
    (...args: unknown[]) => unknown
  >;
  const address = { tag: 'ipv4', val: { port: 80, address: [127, 0, 0, 1] } };
  assert.throws(() => socket.startConnect?.({}, address), { payload: 'access-denied' });
  assert.throws(() => socket.startBind?.({}, address), { payload: 'access-denied' });
  assert.throws(() => call(get(system, 'sockets/ip-name-lookup'), 'resolveAddresses', {}, 'example.com'), { payload: 'access-denied' });
  system.close();
});

test('arguments and environment as given', () => {
  const system = wasi({ args: ['program', 'a'], env: { KEY: 'value' }, cwd: '/work' });
  assert.deepEqual(call(get(system, 'cli/environment'), 'getEnvironment'), [['KEY', 'value']]);
  assert.deepEqual(call(get(system, 'cli/environment'), 'getArguments'), ['program', 'a']);
  assert.equal(call(get(system, 'cli/environment'), 'initialCwd'), '/work');
});

describe('exit unwinds with its code', () => {
  for (const [name, argument, code] of [
    ['exit', { tag: 'ok' }, 0],
    ['exit', { tag: 'err' }, 1],
    ['exitWithCode', 42, 42],
  ] as const) {
    test(`${name} ${JSON.stringify(argument)}`, () => {
      assert.throws(
        () => call(get(wasi(), 'cli/exit'), name, argument),
        (error) => error instanceof Exit && error.code === code && error[Symbol.for('tenon.unwind') as never] === true,
      );
    });
  }
});

describe('standard streams', () => {
  interface Stream {
    blockingRead(length: bigint): Uint8Array | Promise<Uint8Array>;
    blockingWriteAndFlush(bytes: Uint8Array): unknown;
    [Symbol.dispose](): void;
  }

  test('in memory', async () => {
    const taken: Uint8Array[] = [];
    const system = wasi({ stdin: 'in', stdout: (bytes) => taken.push(bytes) });
    const stdin = call(get(system, 'cli/stdin'), 'getStdin') as Stream;
    assert.equal(Buffer.from(await stdin.blockingRead(10n)).toString(), 'in');
    const stdout = call(get(system, 'cli/stdout'), 'getStdout') as Stream;
    await stdout.blockingWriteAndFlush(Buffer.from('out'));
    assert.equal(Buffer.concat(taken).toString(), 'out');
  });

  const FULL = Object.assign(new Error('disk full'), { code: 'ENOSPC' });
  const FAILING: readonly [name: string, output: () => StandardOutput][] = [
    [
      'a function that throws',
      () => () => {
        throw FULL;
      },
    ],
    ['a function that rejects', () => () => Promise.reject(FULL)],
    ['a stream of Node', () => new Writable({ write: (_bytes, _encoding, done) => done(FULL) })],
  ];
  for (const [name, output] of FAILING) {
    test(`what ${name} fails with ends the guest's stream, and reaches the embedder once`, async () => {
      const system = wasi({ stdout: output() });
      const stdout = call(get(system, 'cli/stdout'), 'getStdout') as Stream;
      const write = async (): Promise<unknown> => stdout.blockingWriteAndFlush(Buffer.from('x'));
      await assert.rejects(
        write(),
        ({ payload: { tag, val } }: { payload: { tag: string; val: { toDebugString(): string } } }) =>
          tag === 'last-operation-failed' && val.toDebugString() === 'disk full',
      );
      await assert.rejects(write(), { payload: { tag: 'closed' } });
      await assert.rejects(system.flush(), {
        code: 'TENON_OUTPUT',
        message: 'standard output could not be written: disk full',
        cause: FULL,
      });
      await system.flush();
    });
  }

  test('a failure that the guest did not wait for reaches the embedder too', async () => {
    const output = new Writable({ write: (_bytes, _encoding, done) => setImmediate(done, FULL) });
    const failing = async (): Promise<void> => {
      await using system = wasi({ stderr: output });
      const stderr = call(get(system, 'cli/stderr'), 'getStderr') as { write(bytes: Uint8Array): void };
      stderr.write(Buffer.from('x'));
    };
    await assert.rejects(failing(), { code: 'TENON_OUTPUT', message: /^standard error/, cause: FULL });
  });

  test('a function that returns a Promise gets the next bytes when it is done', async () => {
    const events: string[] = [];
    const system = wasi({
      stdout: async (bytes) => {
        events.push(`begin ${Buffer.from(bytes)}`);
        await new Promise((resolve) => setImmediate(resolve));
        events.push(`end ${Buffer.from(bytes)}`);
      },
    });
    const stdout = call(get(system, 'cli/stdout'), 'getStdout') as Stream;
    for (const word of ['a', 'b']) await stdout.blockingWriteAndFlush(Buffer.from(word));
    assert.deepEqual(events, ['begin a', 'end a', 'begin b', 'end b']);
  });

  test('of Node, which outlive the handles to them', async () => {
    const input = new PassThrough();
    const output = new PassThrough();
    const taken: Buffer[] = [];
    output.on('data', (bytes: Buffer) => taken.push(bytes));
    const system = wasi({ stdin: input, stdout: output });
    for (const word of ['one', 'two']) {
      const stdin = call(get(system, 'cli/stdin'), 'getStdin') as Stream;
      input.write(word);
      assert.equal(Buffer.from(await stdin.blockingRead(10n)).toString(), word);
      stdin[Symbol.dispose]();
      const stdout = call(get(system, 'cli/stdout'), 'getStdout') as Stream;
      await stdout.blockingWriteAndFlush(Buffer.from(word));
      stdout[Symbol.dispose]();
    }
    await system.flush();
    system.close();
    assert.equal(input.destroyed, false);
    output.end();
    await once(output, 'close');
    assert.equal(Buffer.concat(taken).toString(), 'onetwo');
  });
});

describe('clocks and random', () => {
  test('the monotonic clock never goes back', () => {
    const clock = get(wasi(), 'clocks/monotonic-clock');
    const first = call(clock, 'now') as bigint;
    assert.ok((call(clock, 'now') as bigint) >= first);
    assert.ok((call(clock, 'resolution') as bigint) > 0n);
  });

  test('the wall clock tells the time of day', () => {
    const now = call(get(wasi(), 'clocks/wall-clock'), 'now') as { seconds: bigint; nanoseconds: number };
    assert.ok(Math.abs(Number(now.seconds) - Date.now() / 1000) < 60);
    assert.ok(now.nanoseconds < 1e9);
  });

  test('clocks and randomness can be given', () => {
    const system = wasi({
      clocks: { monotonic: () => 5n, wall: () => 1_500_000_000n },
      random: { secure: (into) => into.fill(7), insecure: (into) => into.fill(8), seed: () => [1n, 2n] },
    });
    assert.equal(call(get(system, 'clocks/monotonic-clock'), 'now'), 5n);
    assert.deepEqual(call(get(system, 'clocks/wall-clock'), 'now'), { seconds: 1n, nanoseconds: 500_000_000 });
    assert.deepEqual(call(get(system, 'random/random'), 'getRandomBytes', 2n), new Uint8Array([7, 7]));
    assert.equal(call(get(system, 'random/random'), 'getRandomU64'), 0x0707070707070707n);
    assert.deepEqual(call(get(system, 'random/insecure'), 'getInsecureRandomBytes', 1n), new Uint8Array([8]));
    assert.deepEqual(call(get(system, 'random/insecure-seed'), 'insecureSeed'), [1n, 2n]);
  });

  test('time zones', () => {
    const when = { seconds: 1_700_000_000n, nanoseconds: 0 };
    assert.deepEqual(call(get(wasi(), 'clocks/timezone'), 'display', when), { utcOffset: 0, name: 'UTC', inDaylightSavingTime: false });
    const berlin = get(wasi({ timezone: 'Europe/Berlin' }), 'clocks/timezone');
    assert.equal(call(berlin, 'utcOffset', when), 3600);
    assert.equal(
      (call(berlin, 'display', { seconds: 1_689_000_000n, nanoseconds: 0 }) as { inDaylightSavingTime: boolean }).inDaylightSavingTime,
      true,
    );
  });

  test('random words differ, and a guest cannot ask for memory without end', () => {
    const random = get(wasi(), 'random/random');
    const words = new Set(Array.from({ length: 1000 }, () => call(random, 'getRandomU64')));
    assert.equal(words.size, 1000);
    assert.throws(() => call(random, 'getRandomBytes', 1n << 40n), /at most/);
  });
});

describe('what cannot be granted', () => {
  test('a directory that is not there', () => {
    assert.throws(
      () => wasi({ preopens: [{ host: '/nowhere/at/all', guest: '/' }] }),
      (error) => error instanceof WasiError && error.code === 'TENON_PREOPEN' && error.message.includes('/nowhere/at/all'),
    );
  });

  test('rules that cannot be read', () => {
    for (const options of [{ http: ['http://x'] }, { network: { connect: ['x:y'] } }]) {
      assert.throws(
        () => wasi(options),
        (error) => error instanceof WasiError && error.code === 'TENON_NETWORK_RULE',
      );
    }
  });
});

test('preopens are a list or an object', () => {
  const host = import.meta.dirname;
  for (const preopens of [[{ host, guest: '/src' }], { '/src': host }]) {
    const system = wasi({ preopens });
    const directories = call(get(system, 'filesystem/preopens'), 'getDirectories') as [unknown, string][];
    assert.deepEqual(
      directories.map(([, guest]) => guest),
      ['/src'],
    );
  }
  assert.throws(() => wasi({ preopens: { '/src': 5 as never } }), { code: 'TENON_PREOPEN', message: /host paths by guest path/ });
});
