/** Every call of sockets under every set of grants: each is checked where it is used, and none stands for another. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { describe, test } from 'node:test';
import { ComponentError } from '@tenon/component';
import type { Endpoint, Family } from '../body/network/address.ts';
import { Network, type Use } from '../body/network/network.ts';
import { type Refusal, Refusals } from '../body/network/refusals.ts';
import { ipNameLookup, socketAddress } from './sockets-network.ts';
import { tcpCreateSocket } from './sockets-tcp.ts';
import { udpCreateSocket } from './sockets-udp.ts';

// biome-ignore lint/suspicious/noExplicitAny: the shape is the WIT's
type Resource = any;

const USES: readonly Use[] = ['connect', 'listen', 'send', 'receive'];
const ADDRESSES: Readonly<Record<Family, string>> = { ipv4: '127.0.0.1', ipv6: '::1' };

/** What is tried, and whether it is to succeed with these grants. */
type Call = readonly [
  name: string,
  allowed: (granted: ReadonlySet<Use>) => boolean,
  run: (guest: Guest) => Promise<unknown>,
  /** What the person hears who can grant it; silence where the guest hears nothing of it either. */
  refused: (guest: Guest) => Pick<Refusal, 'use' | 'target' | 'option'> | undefined,
];

/** A guest on loopback, with servers beside it that nobody granted it to hear from. */
class Guest {
  readonly network: Network;
  readonly family: Family;
  readonly address: string;
  readonly refusals: Refusal[] = [];
  readonly #sockets: Resource[] = [];
  /** Where a server accepts and echoes, over TCP and UDP. */
  readonly echo: Endpoint;
  readonly free: Endpoint;

  constructor(family: Family, granted: ReadonlySet<Use>, echoPort: number, freePort: number) {
    this.family = family;
    this.address = ADDRESSES[family];
    this.echo = { address: this.address, port: echoPort };
    this.free = { address: this.address, port: freePort };
    const rules = [this.address, 'localhost'];
    const grants = Object.fromEntries(USES.map((use) => [use, granted.has(use) ? rules : []]));
    this.network = new Network(grants, undefined, new Refusals((refusal) => this.refusals.push(refusal)));
  }

  tcp(): Resource {
    const socket = (tcpCreateSocket(this.network) as Resource).createTcpSocket(this.family);
    this.#sockets.push(socket);
    return socket;
  }

  udp(): Resource {
    const socket = (udpCreateSocket(this.network) as Resource).createUdpSocket(this.family);
    this.#sockets.push(socket);
    return socket;
  }

  /** A socket of this guest bound to any free port. */
  async bound(socket: Resource, endpoint: Endpoint = { address: this.address, port: 0 }): Promise<Resource> {
    socket.startBind({}, socketAddress(endpoint));
    await until(socket, () => socket.finishBind());
    return socket;
  }

  end(): void {
    for (const socket of this.#sockets) socket[Symbol.dispose]();
  }
}

async function until(socket: Resource, operation: () => unknown): Promise<Resource> {
  for (;;) {
    try {
      return await operation();
    } catch (error) {
      if (!(error instanceof ComponentError) || error.payload !== 'would-block') throw error;
      await socket.subscribe().block();
    }
  }
}

const bind = (granted: ReadonlySet<Use>, uses: readonly Use[]): boolean => uses.some((use) => granted.has(use));
const written = ({ address, port }: Endpoint): string => (address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`);

/** One datagram from an address that the guest has never sent anything to. */
async function fromStranger(guest: Guest, port: number): Promise<void> {
  const stranger = createSocket(guest.family === 'ipv4' ? 'udp4' : 'udp6');
  await new Promise<void>((sent) => stranger.send('stranger', port, guest.address, () => sent()));
  stranger.close();
}

const TCP: readonly Call[] = [
  [
    'tcp: bind to any free port',
    (granted) => bind(granted, ['listen', 'connect']),
    (guest) => guest.bound(guest.tcp()),
    (guest) => ({ use: 'listen', target: guest.address, option: `--listen ${guest.address}` }),
  ],
  [
    'tcp: bind to a port',
    (granted) => granted.has('listen'),
    (guest) => guest.bound(guest.tcp(), guest.free),
    ({ free }) => ({ use: 'listen', target: written(free), option: `--listen ${written(free)}` }),
  ],
  [
    'tcp: listen at any free port',
    (granted) => granted.has('listen'),
    async (guest) => {
      const socket = await guest.bound(guest.tcp());
      socket.startListen();
      await until(socket, () => socket.finishListen());
    },
    (guest) => ({ use: 'listen', target: guest.address, option: `--listen ${guest.address}` }),
  ],
  [
    'tcp: connect',
    (granted) => granted.has('connect'),
    async (guest) => {
      const socket = guest.tcp();
      socket.startConnect({}, socketAddress(guest.echo));
      await until(socket, () => socket.finishConnect());
    },
    ({ echo }) => ({ use: 'connect', target: written(echo), option: `--connect ${written(echo)}` }),
  ],
  [
    'tcp: connect from a socket that is bound',
    (granted) => granted.has('connect'),
    async (guest) => {
      const socket = await guest.bound(guest.tcp());
      socket.startConnect({}, socketAddress(guest.echo));
      await until(socket, () => socket.finishConnect());
    },
    () => undefined,
  ],
];

const UDP: readonly Call[] = [
  [
    'udp: bind to any free port',
    (granted) => bind(granted, ['receive', 'send']),
    (guest) => guest.bound(guest.udp()),
    (guest) => ({ use: 'receive', target: guest.address, option: `--listen ${guest.address}` }),
  ],
  [
    'udp: bind to a port',
    (granted) => granted.has('receive'),
    (guest) => guest.bound(guest.udp(), guest.free),
    ({ free }) => ({ use: 'receive', target: written(free), option: `--listen ${written(free)}` }),
  ],
  [
    'udp: talk to one',
    (granted) => granted.has('send'),
    async (guest) => (await guest.bound(guest.udp())).stream(socketAddress(guest.echo)),
    () => undefined,
  ],
  [
    'udp: send and hear the answer',
    (granted) => granted.has('send'),
    async (guest) => {
      const [incoming, outgoing] = await (await guest.bound(guest.udp())).stream(undefined);
      outgoing.checkSend();
      outgoing.send([{ data: Buffer.from('ping'), remoteAddress: socketAddress(guest.echo) }]);
      await incoming.subscribe().block();
      assert.equal((await incoming.receive(9n)).length, 1);
    },
    () => undefined,
  ],
  [
    'udp: hear a stranger',
    (granted) => granted.has('receive'),
    async (guest) => {
      const socket = await guest.bound(guest.udp());
      const [incoming, outgoing] = await socket.stream(undefined);
      const { port } = socket.localAddress().val;
      await fromStranger(guest, port);
      // Something behind it in the same queue says when the datagram is here or was turned away.
      const ownRead = Promise.withResolvers<void>();
      const marker = createSocket(guest.family === 'ipv4' ? 'udp4' : 'udp6');
      marker.bind(0, guest.address, () => ownRead.resolve());
      await ownRead.promise;
      const end = marker.address();
      if (guest.network.allows('send', end)) {
        outgoing.checkSend();
        outgoing.send([{ data: Buffer.from('to'), remoteAddress: socketAddress(end) }]);
        await new Promise((heard) => marker.once('message', heard));
      }
      await new Promise<void>((sent) => marker.send('marker', port, guest.address, () => sent()));
      if (guest.network.allows('send', end) || guest.network.allows('receive', socket.localAddress() && { address: guest.address, port }))
        await incoming.subscribe().block();
      marker.close();
      const heard = (await incoming.receive(9n)).map(({ data }: { data: Uint8Array }) => Buffer.from(data).toString());
      if (!heard.includes('stranger')) throw new ComponentError('TENON_RESULT', 'nothing was heard', { payload: 'access-denied' });
    },
    () => undefined,
  ],
];

const LOOKUP: Call = [
  'look up a name',
  (granted) => bind(granted, ['connect', 'send']),
  async (guest) => {
    const stream = (ipNameLookup(guest.network) as Resource).resolveAddresses({}, 'localhost');
    await until(stream, () => stream.resolveNextAddress());
  },
  () => ({ use: 'lookup', target: 'localhost', option: '--connect localhost' }),
];

const SETS: readonly ReadonlySet<Use>[] = Array.from({ length: 16 }, (_, bits) => new Set(USES.filter((_use, bit) => (bits >> bit) & 1)));

for (const family of ['ipv4', 'ipv6'] as const) {
  describe(family, async () => {
    for (const granted of SETS) {
      const words = granted.size === 0 ? 'nothing' : [...granted].join(', ');
      for (const [name, allowed, run, refused] of [...TCP, ...UDP, LOOKUP]) {
        const expected = allowed(granted);
        test(`${words}: ${name} is ${expected ? 'allowed' : 'denied'}`, async () => {
          const server = createServer((socket) => socket.on('error', () => {}).pipe(socket));
          await new Promise<void>((ready) => server.listen(0, ADDRESSES[family], ready));
          const { port } = server.address() as { port: number };
          const echo = createSocket(family === 'ipv4' ? 'udp4' : 'udp6');
          await new Promise<void>((ready) => echo.bind(port, ADDRESSES[family], ready));
          echo.on('message', (data, from) => echo.send(data, from.port, from.address));
          const spare = createServer();
          await new Promise<void>((ready) => spare.listen(0, ADDRESSES[family], ready));
          const free = (spare.address() as { port: number }).port;
          await new Promise((done) => spare.close(done));
          const guest = new Guest(family, granted, port, free);
          try {
            if (expected) {
              await run(guest);
              assert.deepEqual(guest.refusals, []);
              return;
            }
            await assert.rejects(async () => run(guest), { code: 'TENON_RESULT', payload: 'access-denied' });
            const told = refused(guest);
            if (told === undefined) return;
            const [refusal] = guest.refusals;
            assert.deepEqual({ use: refusal?.use, target: refusal?.target, option: refusal?.option }, told);
          } finally {
            guest.end();
            echo.close();
            server.close();
          }
        });
      }
    }
  });
}

test('a range of ports to listen at holds for the port that the system chooses', async () => {
  const guest = new Guest('ipv4', new Set(['connect']), 9, 9);
  const network = new Network({ connect: ['127.0.0.1'], listen: ['127.0.0.1:1-2'] });
  const socket = (tcpCreateSocket(network) as Resource).createTcpSocket('ipv4');
  await guest.bound(socket, { address: '127.0.0.1', port: 0 });
  assert.throws(() => socket.startListen(), { payload: 'access-denied' });
  socket[Symbol.dispose]();
});

test('each target is told of once, and nothing that a terminal would obey', () => {
  const told: string[] = [];
  const refusals = new Refusals(({ message }) => told.push(message));
  for (const target of ['a.com:80', 'a.com:80', 'b.com:80', 'x\u001b[2J\n:1']) refusals.report({ use: 'http', target });
  refusals.report({ use: 'http', target: 'c.com:80', via: '127.0.0.1:80' });
  assert.deepEqual(told, [
    'the guest may not send an HTTP request to a.com:80: `--http a.com:80` would let it',
    'the guest may not send an HTTP request to b.com:80: `--http b.com:80` would let it',
    'the guest may not send an HTTP request to x\\u{1b}[2J\\u{a}:1: `--http x\\u{1b}[2J\\u{a}:1` would let it',
    'the guest may not send an HTTP request to c.com:80, which leads to 127.0.0.1:80: `--http 127.0.0.1:80` would let it',
  ]);
});
