/** What a cell gives besides a listener: calls, handlers, shared addresses, and guests that take nothing from each other. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { test } from 'node:test';
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import { type Limits, type LogEntry, Runtime, type RuntimeOptions, type Workload, WorkloadConfig } from '@tenon/runtime';
import { guestPath } from '../../../guests/guests.ts';

async function running(
  options: RuntimeOptions,
  config: WorkloadConfig,
  use: (workload: Workload, runtime: Runtime) => Promise<void>,
): Promise<void> {
  const runtime = await Runtime.create({ log: () => {}, output: () => {}, ...options });
  try {
    await use(await runtime.startWorkload(config), runtime);
  } finally {
    await runtime.stop();
  }
}

const http = (name: 'rust-http' | 'rust-sockets' = 'rust-http'): WorkloadConfig =>
  new WorkloadConfig(guestPath(name)).withInterface('wasi:http/incoming-handler');
const calculator = new WorkloadConfig(guestPath('rust-calculator'));

/** A component with these core functions as its exports, without parameters and results. */
async function component(core: string, names: readonly string[]): Promise<WorkloadConfig> {
  const lifts = names.map((name) => `(func (export "${name}") (canon lift (core func $i "${name}")))`).join(' ');
  return new WorkloadConfig(await parse(`(component (core module $m ${core}) (core instance $i (instantiate $m)) ${lifts})`));
}

for (const threads of [0, 1, 2]) {
  test(`${threads} threads: exports are called by name, and errors come back as what they are`, () =>
    running({ threads }, calculator, async (workload) => {
      assert.equal(await workload.call('math', 'add', [2, 3]), 5);
      assert.equal(await workload.call('example:calculator/math', 'multiply', [6, 7], { timeoutMs: 1000 }), 42);
      const sums = await Promise.all(Array.from({ length: 20 }, (_, i) => workload.call('math', 'add', [i, i])));
      assert.deepEqual(
        sums,
        Array.from({ length: 20 }, (_, i) => 2 * i),
      );
      await assert.rejects(workload.call('math', 'divide'), { code: 'TENON_RUNTIME_EXPORT', message: /math.divide.*`add`/ });
      await assert.rejects(workload.call('constructor', 'call'), { code: 'TENON_RUNTIME_EXPORT' });
      await assert.rejects(workload.call('math', 'add', ['2', 3]), { name: 'ComponentError', code: 'TENON_VALUE_TYPE' });
      await workload.stop();
      await assert.rejects(workload.call('math', 'add', [2, 3]), { code: 'TENON_RUNTIME_STOPPED' });
    }));

  test(`${threads} threads: a guest that spins is ended alone, by its time limit or by whoever called`, async () => {
    const config = await component('(func (export "spin") (loop (br 0))) (func (export "rest"))', ['spin', 'rest']);
    await running({ threads }, config.withLimits({ maxInstances: 4 }), async (workload) => {
      await assert.rejects(workload.call('spin', [], { timeoutMs: 50 }), { name: 'Trap', code: 'TENON_DEADLINE' });
      assert.equal(await workload.call('rest'), undefined);
      await assert.rejects(workload.call('spin', [], { timeoutMs: 5000, signal: AbortSignal.timeout(50) }), /abort|cancel/i);
      assert.equal(await workload.call('rest'), undefined);
    });
  });
}

test('host functions may be closures in the calling thread', async () => {
  const source = await parse(`(component
    (import "host:log/sink" (instance $sink (export "put" (func (param "n" u32)))))
    (core module $m (import "" "put" (func $put (param i32))) (func (export "run") (call $put (i32.const 7))))
    (alias export $sink "put" (func $put))
    (core func $lowered (canon lower (func $put)))
    (core instance $i (instantiate $m (with "" (instance (export "put" (func $lowered))))))
    (func (export "run") (canon lift (core func $i "run"))))`);
  const got: number[] = [];
  const config = new WorkloadConfig(source).withImport('host:log/sink', { put: (n: number) => got.push(n) });
  await running({ threads: 0 }, config, async (workload) => {
    await workload.call('run');
    assert.deepEqual(got, [7]);
    assert.throws(() => workload.url, { code: 'TENON_RUNTIME_TRIGGER' });
  });
});

for (const threads of [0, 1]) {
  test(`${threads} threads: a workload is the handler of a server of one's own`, () =>
    running({ threads }, new WorkloadConfig(guestPath('rust-http')), async (workload) => {
      const server = createServer(workload.handler);
      await once(server.listen(0, '127.0.0.1'), 'listening');
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      assert.equal(await (await fetch(url)).text(), 'Hello from Rust!\n');
      const body = 'x'.repeat(200_000);
      assert.equal(await (await fetch(`${url}/echo`, { method: 'POST', body })).text(), body);
      assert.equal((await fetch(`${url}/trap`)).status, 500);
      server.closeAllConnections();
      server.close();
    }));
}

test('workloads share an address by host and path, and what nobody takes is not found', async () => {
  const at = (port: number, match: { readonly path: string }): WorkloadConfig =>
    new WorkloadConfig(guestPath('rust-http')).withName(match.path).withInterface('wasi:http/incoming-handler', { port, match });
  await running({}, at(0, { path: '/headers' }), async (first, runtime) => {
    const port = Number(new URL(first.url).port);
    const second = await runtime.startWorkload(at(port, { path: '/echo' }));
    assert.equal(second.url, first.url);
    assert.match(await (await fetch(`${first.url}/headers`)).text(), /^GET \/headers/);
    assert.equal(await (await fetch(`${first.url}/echo`, { method: 'POST', body: 'x' })).text(), 'x');
    assert.equal((await fetch(first.url)).status, 404);
    await assert.rejects(runtime.startWorkload(at(port, { path: '/echo' })), { code: 'TENON_RUNTIME_ADDRESS', message: /taken.*`\/echo`/ });
    await first.stop();
    assert.equal((await fetch(`${first.url}/headers`)).status, 404);
    assert.equal(await (await fetch(`${second.url}/echo`, { method: 'POST', body: 'y' })).text(), 'y');
  });
});

for (const [reuse, answers] of [
  ['reset', ['1', '1', '1']],
  ['keep', ['1', '2', '3']],
  ['fresh', ['1', '1', '1']],
] as const) {
  test(`${reuse}: what a request finds of the ones before`, async (t) => {
    const peer = createServer().listen(0, '127.0.0.1');
    await once(peer, 'listening');
    t.after(() => peer.close());
    const { port } = peer.address() as AddressInfo;
    const config = http('rust-sockets')
      .withReuse(reuse)
      .withInterface('wasi:sockets', { connect: ['127.0.0.1'] });
    await running({}, config, async ({ url }) => {
      const seen: string[] = [];
      for (const _ of answers) seen.push((await (await fetch(`${url}/keep/127.0.0.1/${port}`)).text()).trim());
      assert.deepEqual(seen, answers);
    });
  });
}

test('guests that spin hold nobody up, and each is ended by its limit', () =>
  running({}, http().withLimits({ requestTimeoutMs: 1500 }), async ({ url }) => {
    const spinning = Array.from({ length: 4 }, () => fetch(`${url}/spin`));
    for (let i = 0; i < 20; i++) assert.equal((await fetch(url)).status, 200);
    for (const { status } of await Promise.all(spinning)) assert.equal(status, 504);
  }));

test('a client that has gone ends its guest', () =>
  running({}, http().withLimits({ maxInstances: 1, maxQueue: 1, requestTimeoutMs: 60_000 }), async ({ url }) => {
    for (let i = 0; i < 3; i++) {
      const socket = connect(Number(new URL(url).port), '127.0.0.1');
      socket.write('GET /wait HTTP/1.1\r\nHost: x\r\n\r\n');
      await once(socket, 'connect');
      socket.destroy();
    }
    let status: number;
    do ({ status } = await fetch(url));
    while (status === 503);
    assert.equal(status, 200);
  }));

test('clients that are slow do not keep others from being served', () =>
  running({}, http().withLimits({ maxInstances: 2, requestTimeoutMs: 60_000 }), async ({ url }) => {
    const slow = Array.from({ length: 8 }, () => {
      const socket = connect(Number(new URL(url).port), '127.0.0.1');
      socket.on('error', () => {});
      socket.write('POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nsome of it');
      return socket;
    });
    await Promise.all(slow.map((socket) => once(socket, 'connect')));
    for (let i = 0; i < 5; i++) assert.equal((await fetch(url)).status, 200);
    for (const socket of slow) socket.destroy();
  }));

test('a guest that fills the heap with objects is ended, and the cell goes on', async () => {
  const core = `(type $bytes (array (mut i8))) (type $list (struct (field (ref null $list)) (field (ref $bytes))))
    (global $all (mut (ref null $list)) (ref.null $list))
    (func (export "fill") (loop (global.set $all (struct.new $list (global.get $all) (array.new $bytes (i32.const 1) (i32.const 100000)))) (br 0)))
    (func (export "huge") (drop (array.new $bytes (i32.const 1) (i32.const 900000000))))
    (func (export "rest"))`;
  await running({}, await component(core, ['fill', 'huge', 'rest']), async (workload) => {
    await assert.rejects(workload.call('fill'), { name: 'Trap', message: /filled the heap/ });
    assert.equal(await workload.call('rest'), undefined);
    await assert.rejects(workload.call('huge'), { name: 'Trap', message: /array is too large/ });
    assert.equal(await workload.call('rest'), undefined);
  });
});

test('tables and memories that would not fit are refused, not made', async () => {
  const tables = Array.from({ length: 50 }, () => '(table 10000000 externref)').join(' ');
  const limits: Partial<Limits> = { maxWorkloadMemoryBytes: 10 * 65_536, maxMemoryBytes: 6 * 65_536 };
  const runtime = await Runtime.create({ log: () => {} });
  await assert.rejects(runtime.startWorkload(await component(`${tables} (func (export "f"))`, ['f'])), { code: 'TENON_TABLE_LIMIT' });
  const grow = await component(
    `(memory 1) (func (export "grow") (if (i32.eq (memory.grow (i32.const 4)) (i32.const -1)) (then unreachable)))`,
    ['grow'],
  );
  const workload = await runtime.startWorkload(grow.withReuse('keep').withLimits({ ...limits, maxInstances: 1 }));
  assert.equal(await workload.call('grow'), undefined);
  await assert.rejects(workload.call('grow'), { name: 'Trap', message: /unreachable/ });
  await runtime.stop();
});

test('each line of a guest is told with its workload and request', async () => {
  const told: (readonly [string, string, string | undefined])[] = [];
  const trap = Promise.withResolvers<LogEntry>();
  const output: RuntimeOptions['output'] = (_stream, bytes, workload, request) =>
    void told.push([Buffer.from(bytes).toString(), workload, request]);
  await running({ output, log: (entry) => entry.event === 'trap' && trap.resolve(entry) }, http().withName('shop'), async ({ url }) => {
    await Promise.all([fetch(`${url}/trap`), fetch(url)]);
    await trap.promise;
  });
  const lines = told.filter(([text]) => text.includes('trapped as asked'));
  assert.deepEqual(
    lines.map(([, workload, request]) => [workload, request]),
    [['shop', 'GET /trap']],
  );
});
