import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import { type Limits, type LogEntry, Runtime, type Workload, WorkloadConfig } from '@tenon/runtime';
import { guestPath } from '../../../guests/guests.ts';

const folder = mkdtempSync(join(tmpdir(), 'tenon-runtime-'));
after(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const http = (source: string | Uint8Array = guestPath('rust-http')): WorkloadConfig =>
  new WorkloadConfig(source).withInterface('wasi:http/incoming-handler');

interface Served {
  readonly runtime: Runtime;
  readonly workload: Workload;
  readonly log: LogEntry[];
  /** The next entry of this kind, past or future. */
  readonly logged: (event: LogEntry['event']) => Promise<LogEntry>;
  readonly status: (path: string, init?: RequestInit) => Promise<number>;
  readonly text: (path: string, init?: RequestInit) => Promise<string>;
}

/** Runs a test against the Rust guest under these limits. */
async function serving(limits: Partial<Limits>, use: (served: Served) => Promise<void>, threads = 1): Promise<void> {
  const log: LogEntry[] = [];
  const waiting = new Set<() => void>();
  const runtime = await Runtime.create({
    threads,
    log: (entry) => {
      log.push(entry);
      for (const wake of waiting) wake();
    },
  });
  const workload = await runtime.startWorkload(http().withLimits(limits));
  const get = (path: string, init?: RequestInit): Promise<Response> => fetch(`${workload.url}${path}`, init ?? {});
  const logged = (event: LogEntry['event']): Promise<LogEntry> =>
    new Promise((settle) => {
      const look = (): void => {
        const entry = log.find((candidate) => candidate.event === event);
        if (entry === undefined) return;
        waiting.delete(look);
        settle(entry);
      };
      waiting.add(look);
      look();
    });
  try {
    await use({
      runtime,
      workload,
      log,
      logged,
      status: async (path, init) => {
        const response = await get(path, init);
        await response.arrayBuffer();
        return response.status;
      },
      text: async (path, init) => (await get(path, init)).text(),
    });
  } finally {
    await runtime.stop();
  }
}

test('serves requests, one after the other and many at a time', () =>
  serving({ maxInstances: 16 }, async ({ status, text, workload }) => {
    assert.match(workload.url, /^http:\/\/127\.0\.0\.1:\d+$/);
    assert.equal(await text('/'), 'Hello from Rust!\n');
    assert.equal(await status('/nowhere'), 404);
    const body = 'x'.repeat(300_000);
    assert.equal(await text('/echo', { method: 'POST', body }), body);
    const all = await Promise.all(Array.from({ length: 40 }, () => status('/sleep?ms=5')));
    assert.deepEqual(all, Array(40).fill(200));
  }));

for (const threads of [0, 2]) {
  test(`${threads} threads serve one port`, () =>
    serving(
      {},
      async ({ status }) => {
        const all = await Promise.all(Array.from({ length: 40 }, () => status('/', { headers: { connection: 'close' } })));
        assert.deepEqual(all, Array(40).fill(200));
      },
      threads,
    ));
}

test('an instance serves as many requests as it may', () =>
  serving({ maxInstances: 1, maxRequestsPerInstance: 1 }, async ({ status }) => {
    assert.deepEqual(await Promise.all(Array.from({ length: 10 }, () => status('/sleep?ms=1'))), Array(10).fill(200));
  }));

test('a trap answers 500, is logged with its place, and the next request gets a fresh instance', () =>
  serving({ maxInstances: 1 }, async ({ status, logged }) => {
    assert.equal(await status('/trap'), 500);
    const entry = await logged('trap');
    assert.equal(entry.code, 'TENON_TRAP');
    assert.equal(entry.component, 'root');
    assert.match(entry.func ?? '', /handle/);
    assert.match(entry.backtrace ?? '', /^(?:… \d+ frames of .*|at .* \(wasm:.*\))$/m);
    assert.doesNotMatch(entry.backtrace ?? '', /\bfile:|_RNv/);
    assert.equal(await status('/'), 200);
  }));

test('a trap after the head answers 500 when the head is still here, and breaks the connection off when it has gone', () =>
  serving({ maxInstances: 1 }, async ({ status, logged }) => {
    const outcome = await status('/trap-late').catch(() => 'broken off');
    assert.ok(outcome === 500 || outcome === 'broken off', `${outcome}`);
    assert.equal((await logged('trap')).level, 'error');
    assert.equal(await status('/'), 200);
  }));

test('a guest that returns without an answer gives 500', () =>
  serving({ maxInstances: 1 }, async ({ status, logged }) => {
    assert.equal(await status('/silent'), 500);
    assert.equal((await logged('error')).code, 'TENON_NO_RESPONSE');
    assert.equal(await status('/'), 200);
  }));

for (const path of ['/wait', '/spin']) {
  test(`${path}: a guest that never answers gives 504, and the next request is served`, () =>
    serving({ maxInstances: 1, requestTimeoutMs: 300 }, async ({ status, logged }) => {
      assert.equal(await status(path), 504);
      assert.equal((await logged('timeout')).code, 'TENON_RUNTIME_TIMEOUT');
      assert.equal(await status('/', { headers: { connection: 'close' } }), 200);
    }));
}

test('requests beside a guest that spins get an answer too, and the workload stays where it is', () =>
  serving({ requestTimeoutMs: 300 }, async ({ status, workload, logged }) => {
    const { url } = workload;
    const slow = status('/sleep?ms=100');
    const spinning = status('/spin');
    assert.equal(await spinning, 504);
    assert.ok([200, 503, 504].includes(await slow));
    await logged('timeout');
    assert.equal(workload.url, url);
    assert.equal(await status('/', { headers: { connection: 'close' } }), 200);
  }));

test('a full queue answers 503 with Retry-After', () =>
  serving({ maxInstances: 1, maxQueue: 0, requestTimeoutMs: 1000 }, async ({ status, logged, workload }) => {
    const busy = status('/wait');
    let refused: Response;
    do refused = await fetch(workload.url);
    while (refused.status === 200);
    assert.equal(refused.status, 503);
    assert.equal(refused.headers.get('retry-after'), '1');
    assert.equal((await logged('busy')).code, 'TENON_RUNTIME_BUSY');
    assert.equal(await busy, 504);
  }));

test('a client that goes away in mid-body leaves nothing behind', () =>
  serving({ maxInstances: 1, requestTimeoutMs: 5000 }, async ({ status, workload }) => {
    const { port } = new URL(workload.url);
    const socket = connect(Number(port), '127.0.0.1');
    socket.write('POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\nsome of it');
    await once(socket, 'data');
    socket.destroy();
    assert.equal(await status('/'), 200);
  }));

test('long bodies pass whole, both ways, at the pace of a slow reader', () =>
  serving({ maxInstances: 1 }, async ({ text, workload }) => {
    const sent = 20_000_000;
    assert.match(await text('/upload', { method: 'POST', body: new Uint8Array(sent) }), new RegExp(`^${sent} bytes`));
    const socket = connect(Number(new URL(workload.url).port), '127.0.0.1');
    socket.pause();
    socket.write('GET /stream?chunks=400&size=65536 HTTP/1.0\r\n\r\n');
    // What has not been asked for waits with the guest: its instance is in use, and nobody else gets an answer meanwhile.
    const other = text('/');
    let received = 0;
    for await (const chunk of socket) received += (chunk as Buffer).length;
    assert.ok(received > 400 * 65536, `${received} bytes`);
    assert.equal(await other, 'Hello from Rust!\n');
  }));

test('an idle connection outlives a thread that had to be replaced', () =>
  serving({ requestTimeoutMs: 300 }, async ({ status, workload }) => {
    const { port } = new URL(workload.url);
    const socket = connect(Number(port), '127.0.0.1');
    const get = async (): Promise<string> => {
      socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
      const [answer] = await once(socket, 'data');
      return String(answer);
    };
    assert.match(await get(), /^HTTP\/1\.1 200 /);
    assert.equal(await status('/spin'), 504);
    assert.match(await get(), /^HTTP\/1\.1 200 /);
    socket.destroy();
  }));

test('bytes that are no HTTP never reach the guest', () =>
  serving({}, async ({ status, workload, log }) => {
    const socket = connect(Number(new URL(workload.url).port), '127.0.0.1');
    socket.end('NONSENSE\r\n\r\n');
    const [answer] = await once(socket, 'data');
    assert.match(String(answer), /^HTTP\/1\.1 400 /);
    assert.equal(await status('/'), 200);
    assert.deepEqual(
      log.filter(({ level }) => level === 'error'),
      [],
    );
  }));

test('stop lets requests finish, refuses new ones, and can be called again', () =>
  serving({}, async ({ workload, runtime }) => {
    const { url } = workload;
    const streaming = await fetch(`${url}/stream?chunks=4&size=100000`);
    const slow = fetch(`${url}/sleep?ms=200`);
    // The request is under way once a later one has been answered.
    await (await fetch(url)).text();
    const stopped = workload.stop();
    assert.equal((await slow).status, 200);
    assert.equal((await streaming.arrayBuffer()).byteLength, 400_000);
    await stopped;
    await workload.stop();
    await assert.rejects(fetch(url));
    await runtime.stop();
    await assert.rejects(runtime.startWorkload(http()), { code: 'TENON_RUNTIME_STOPPED' });
  }));

test('stop answers 503 to what does not finish within the drain limit', () =>
  serving({ drainTimeoutMs: 50 }, async ({ workload }) => {
    const waiting = fetch(`${workload.url}/wait`);
    await (await fetch(workload.url)).text();
    await workload.stop();
    assert.equal((await waiting).status, 503);
  }));

test('what a guest writes to its standard error comes out', async () => {
  const written = Promise.withResolvers<string>();
  const runtime = await Runtime.create({ log: () => {}, output: (_stream, bytes) => written.resolve(Buffer.from(bytes).toString()) });
  const workload = await runtime.startWorkload(http());
  await (await fetch(`${workload.url}/trap`)).text();
  assert.match(await written.promise, /panicked/);
  await runtime.stop();
});

const HANDLER = '"wasi:http/incoming-handler@0.2.0"';
const core = (body: string): string =>
  `(core module $m ${body}) (core instance (instantiate $m)) (instance $i) (export ${HANDLER} (instance $i))`;

const REFUSED: readonly {
  readonly name: string;
  readonly config: () => WorkloadConfig | Promise<WorkloadConfig>;
  readonly code: string;
  readonly message: RegExp;
}[] = [
  { name: 'no file', config: () => http(join(folder, 'none.wasm')), code: 'TENON_RUNTIME_FILE', message: /no such file/ },
  { name: 'a folder', config: () => http(folder), code: 'TENON_RUNTIME_FILE', message: /folder/ },
  { name: 'text', config: () => http(file('text.wasm', 'hello')), code: 'TENON_NOT_WASM', message: /./ },
  {
    name: 'a core module',
    config: async () => http(file('core.wasm', await parse('(module)'))),
    code: 'TENON_CORE_MODULE',
    message: /core module/,
  },
  {
    name: 'a library',
    config: () => http(guestPath('rust-calculator')),
    code: 'TENON_RUNTIME_EXPORT',
    message: /example:calculator\/math/,
  },
  { name: 'a command', config: () => http(guestPath('rust-hello')), code: 'TENON_RUNTIME_EXPORT', message: /wasi:cli\/run/ },
  {
    name: 'host functions of another thread',
    config: () => http().withImport('a:b/c', { f() {} }),
    code: 'TENON_RUNTIME_OPTION',
    message: /a:b\/c.*threads: 0/,
  },
  {
    name: 'a missing import',
    config: async () =>
      http(
        await parse(`(component (import "a:b/c" (instance $c (export "f" (func)))) (alias export $c "f" (func $f))
        (instance $i (export "handle" (func $f))) (export ${HANDLER} (instance $i)))`),
      ),
    code: 'TENON_IMPORT_MISSING',
    message: /a:b\/c/,
  },
  {
    name: 'a handler without a function',
    config: async () => http(await parse(`(component ${core('')})`)),
    code: 'TENON_RUNTIME_EXPORT',
    message: /handle/,
  },
  {
    name: 'a first instance that traps',
    config: async () => http(await parse(`(component ${core('(func $f unreachable) (start $f)')})`)),
    code: 'TENON_RUNTIME_START',
    message: /unreachable/,
  },
  {
    name: 'a first instance that never comes up',
    config: async () => http(await parse(`(component ${core('(func $f (loop br 0)) (start $f)')})`)).withLimits({ startTimeoutMs: 200 }),
    code: 'TENON_RUNTIME_START',
    message: /200 ms/,
  },
  {
    name: 'a directory that does not exist',
    config: () => http().withDirectory({ host: join(folder, 'nowhere'), guest: '/' }),
    code: 'TENON_PREOPEN',
    message: /nowhere/,
  },
  {
    name: 'an address of another machine',
    config: () => new WorkloadConfig(guestPath('rust-http')).withInterface('wasi:http/incoming-handler', { host: '192.0.2.1', port: 9 }),
    code: 'TENON_RUNTIME_ADDRESS',
    message: /192\.0\.2\.1:9/,
  },
];

for (const { name, config, code, message } of REFUSED) {
  test(`refused: ${name}`, async () => {
    const runtime = await Runtime.create({ log: () => {} });
    await assert.rejects(async () => runtime.startWorkload(await config()), { code, message });
    await runtime.stop();
  });
}

test('refused: a port that is taken, by a stranger or by another workload', async () => {
  const stranger = createServer().listen(0, '127.0.0.1');
  await once(stranger, 'listening');
  const taken = (stranger.address() as { readonly port: number }).port;
  const runtime = await Runtime.create({ log: () => {} });
  const on = (port: number): WorkloadConfig => http().withInterface('wasi:http/incoming-handler', { port });
  await assert.rejects(runtime.startWorkload(on(taken)), { code: 'TENON_RUNTIME_ADDRESS', message: /taken/ });
  const own = await runtime.startWorkload(on(0));
  await assert.rejects(runtime.startWorkload(on(Number(new URL(own.url).port))), { code: 'TENON_RUNTIME_ADDRESS', message: /taken/ });
  await runtime.stop();
  stranger.close();
});

test('guests hold no more of the host than they may', async (t) => {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  t.after(() => listener.close());
  const { port } = listener.address() as { port: number };
  for (const [limits, refused] of [
    [{ maxSockets: 2 }, 'new-socket-limit\n'],
    // A guest that makes one handle more traps.
    [{ maxHandles: 12 }, 'the component failed\n'],
  ] as const) {
    const runtime = await Runtime.create({ log: () => {} });
    t.after(() => runtime.stop());
    const config = http(guestPath('rust-sockets'))
      .withReuse('keep')
      .withInterface('wasi:sockets', { connect: ['127.0.0.1'] })
      .withLimits(limits);
    const { url } = await runtime.startWorkload(config);
    const keep = async (): Promise<string> => (await fetch(`${url}/keep/127.0.0.1/${port}`)).text();
    let open = 0;
    let answer = await keep();
    for (; answer === `${open + 1}\n`; answer = await keep()) open++;
    assert.equal(answer, refused);
    assert.ok(open > 0 && open < 12);
  }
});

test('refused: a component that needs more memory than it may have', async () => {
  const runtime = await Runtime.create({ log: () => {} });
  const config = http().withLimits({ maxMemoryBytes: 65_536 });
  await assert.rejects(runtime.startWorkload(config), { code: 'TENON_MEMORY_LIMIT', message: /the limit is 65536/ });
  await runtime.stop();
});

test('refused: options outside their range, and unknown names', () => {
  const config = http();
  for (const limits of [{ maxInstances: 0 }, { requestTimeoutMs: 1.5 }, { maxQueue: Number.NaN }, { unknown: 1 }]) {
    assert.throws(() => config.withLimits(limits as Partial<Limits>), { code: 'TENON_RUNTIME_OPTION' });
  }
  assert.throws(() => config.withInterface('wasi:http/incoming-handler', { port: 65536 }), { code: 'TENON_RUNTIME_OPTION' });
  assert.throws(() => config.withInterface('wasi:sockets', { conect: ['*'] } as object), {
    code: 'TENON_RUNTIME_OPTION',
    message: /conect/,
  });
  assert.throws(() => config.withInterface('wasi:nonsense' as 'wasi:http/incoming-handler'), { code: 'TENON_RUNTIME_INTERFACE' });
  assert.equal(config.withInterface('wasi:http/incoming-handler@0.2.3', { port: 1 }).http?.port, 1);
});

test('a workload sees the environment that it is given and requests only where it may', () =>
  serving({}, async ({ text, workload }) => {
    const other = await text(`/proxy?url=${encodeURIComponent(workload.url)}`);
    assert.doesNotMatch(other, /Hello from Rust/);
  }));
