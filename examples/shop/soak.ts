/**
 * `npm run soak`: mixed load over the shop, with faults, for ten minutes.
 *
 *   npm run soak -- --minutes 60
 *   npm run soak -- --seconds 20
 *
 * Every order and image that was acknowledged is looked for at the end, and every message that was accepted has arrived. Memory may not grow.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { guestPath } from '../../guests/guests.ts';
import { Ledger, wait } from './test/ledger.ts';
import { Shop } from './test/shop.ts';

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' }, seconds: { type: 'string' } } });
const seconds = Number(values.seconds ?? Number(values.minutes) * 60);
if (!(seconds > 0)) throw new Error('--minutes and --seconds take a number above 0');

/** A guest that traps, waits and spins when it is asked to, under limits that end it. */
const FAULTY = `
name: faulty
listeners: { faulty: { port: 0 } }
workloads:
  faulty:
    component: ${guestPath('rust-http')}
    limits: { requestTimeoutMs: 500, maxInstances: 4 }
    triggers: { http: [{ listener: faulty, path: /* }] }
`;
const FAULTS = ['/trap', '/trap-late', '/wait', '/silent', '/spin', '/'];

const shop = await Shop.open();
let going = true;
const counts = { faults: 0, vanished: 0, reads: 0 };
/** Bytes of the host by the number of its life, at the first and at the last look. */
const memory: { first: number; last: number }[] = [];
let faultyUrl = '';

async function look(isNew: boolean): Promise<void> {
  const { workloads, memory: bytes } = await shop.look();
  faultyUrl = workloads.find(({ name }) => name === 'faulty')?.urls[0] ?? faultyUrl;
  const life = memory.at(-1);
  if (isNew || life === undefined) memory.push({ first: bytes, last: bytes });
  else life.last = bytes;
}

/** Does something until the end; that it fails while the host is away is part of it. */
async function client(act: (n: number) => Promise<unknown>): Promise<void> {
  for (let n = 0; going; n++) await act(n).catch(() => wait(20));
}

/** Sends half a request with half a body, slowly, and goes. */
async function vanish(): Promise<void> {
  const { hostname, port } = new URL(shop.url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {});
  socket.write('PUT /images/half HTTP/1.1\r\nhost: shop\r\ncontent-length: 100000\r\n\r\n');
  for (let i = 0; i < 5; i++) {
    socket.write('x'.repeat(100));
    await wait(20);
  }
  socket.destroy();
  counts.vanished++;
}

const BACK = ['up', '--detach', '--empty'];
const UPHEAVALS: readonly (readonly [what: string, make: () => Promise<boolean>])[] = [
  ['swap', async () => (await shop.tenon('restart', 'front')).code !== 0],
  ['kill -9', async () => (await shop.kill(), await shop.tenon(...BACK), true)],
  ['swap', async () => (await shop.tenon('restart', 'orders')).code !== 0],
  ['SIGTERM', async () => (process.kill(shop.pid, 'SIGTERM'), await shop.gone(), await shop.tenon(...BACK), true)],
];

try {
  assert.equal((await shop.up()).code, 0);
  writeFileSync(join(shop.folder, 'faulty.yaml'), FAULTY);
  assert.equal((await shop.tenon('up', 'faulty.yaml')).code, 0);
  await look(true);
  const ledger = new Ledger(shop);
  const clients = [
    client(async () => (await shop.json('/items'), counts.reads++)),
    client(vanish),
    client(async (n) => {
      const response = await fetch(faultyUrl + (FAULTS[n % FAULTS.length] ?? '/'), { signal: AbortSignal.timeout(5000) });
      counts.faults++;
      await response.text();
    }),
  ];
  const end = Date.now() + seconds * 1000;
  for (let n = 0; Date.now() < end; n++) {
    await wait(Math.min(Math.max(2000, seconds * 20), 20_000));
    await look(false);
    const [what, make] = UPHEAVALS[n % UPHEAVALS.length] ?? ['', async () => false];
    console.log(`${what}: ${ledger.acknowledged} orders, ${counts.reads} reads, ${counts.faults} faults, ${memory.at(-1)?.last} bytes`);
    const isNew = await make();
    await shop.running();
    await look(isNew);
  }
  going = false;
  await Promise.all(clients);
  console.log(await ledger.settle());
  assert.equal((await fetch(`${shop.url}/images/half`)).status, 404, 'half an image was kept');
  await look(false);
  for (const { first, last } of memory) {
    console.log(`memory: ${first >> 20} MiB to ${last >> 20} MiB`);
    assert.ok(last < first * 2 + 256 * 2 ** 20, 'memory grows');
  }
  assert.ok(ledger.acknowledged > 0 && counts.reads > 0 && counts.faults > 0 && counts.vanished > 0);
} finally {
  going = false;
  await shop.close();
}
