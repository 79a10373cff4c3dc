import assert from 'node:assert/strict';
import { connect, createServer, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { ComponentError } from '@tenon/component';
import { Network } from '../body/network/network.ts';
import { Quota } from '../limits.ts';
import { Pollable } from './io-poll.ts';
import type { InputStream, OutputStream } from './io-streams.ts';
import { endpointOf, type IpSocketAddress, ipNameLookup, socketAddress } from './sockets-network.ts';
import { tcpCreateSocket } from './sockets-tcp.ts';
import { udpCreateSocket } from './sockets-udp.ts';

const NETWORK = {};
const LOOPBACK = ['127.0.0.1', '::1'];
const ALL = new Network({ connect: [...LOOPBACK, 'localhost'], listen: LOOPBACK, send: LOOPBACK, receive: LOOPBACK });

/** The classes are the definitions' own: a guest reaches them only through the functions. */
// biome-ignore lint/suspicious/noExplicitAny: the shape is the WIT's
type Resource = any;

function tcpSocket(family: 'ipv4' | 'ipv6' = 'ipv4', network = ALL): Resource {
  return (tcpCreateSocket(network) as Resource).createTcpSocket(family);
}

function udpSocket(family: 'ipv4' | 'ipv6' = 'ipv4', network = ALL): Resource {
  return (udpCreateSocket(network) as Resource).createUdpSocket(family);
}

function at(port: number, address = '127.0.0.1'): IpSocketAddress {
  return socketAddress({ address, port });
}

function refusal(operation: () => unknown): unknown {
  try {
    operation();
  } catch (error) {
    assert.ok(error instanceof ComponentError && error.code === 'TENON_RESULT', String(error));
    return error.payload;
  }
  return 'no error';
}

/** Calls until it would not block. */
async function until<T>(socket: Resource, operation: () => T | Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await operation();
    } catch (error) {
      if (!(error instanceof ComponentError) || error.payload !== 'would-block') throw error;
      const pollable = socket.subscribe();
      assert.ok(pollable instanceof Pollable);
      await pollable.block();
    }
  }
}

async function listening(family: 'ipv4' | 'ipv6' = 'ipv4'): Promise<{ socket: Resource; address: IpSocketAddress }> {
  const socket = tcpSocket(family);
  socket.startBind(NETWORK, at(0, family === 'ipv4' ? '127.0.0.1' : '::1'));
  await until(socket, () => socket.finishBind());
  socket.startListen();
  await until(socket, () => socket.finishListen());
  return { socket, address: socket.localAddress() };
}

async function connected(address: IpSocketAddress): Promise<{ socket: Resource; input: InputStream; output: OutputStream }> {
  const socket = tcpSocket(address.tag);
  socket.startConnect(NETWORK, address);
  const [input, output] = (await until(socket, () => socket.finishConnect())) as [InputStream, OutputStream];
  return { socket, input, output };
}

async function closes(input: InputStream): Promise<unknown> {
  try {
    for (;;) await input.blockingRead(100n);
  } catch (error) {
    assert.ok(error instanceof ComponentError);
    return error.payload;
  }
}

test('addresses there and back', () => {
  for (const address of ['127.0.0.1', '255.0.3.9', '::', '::1', 'fe80::1:2', '2001:db8:1:2:3:4:5:6', '::ffff:1.2.3.4', '1::']) {
    assert.deepEqual(endpointOf(socketAddress({ address, port: 80 })), { address, port: 80 });
  }
});

describe('tcp', () => {
  for (const family of ['ipv4', 'ipv6'] as const) {
    test(`two guests talk over ${family}`, async () => {
      const server = await listening(family);
      assert.equal(server.socket.isListening(), true);
      await assert.rejects(server.socket.accept(), { payload: 'would-block' });
      const client = await connected(server.address);
      const [socket, input, output] = (await until(server.socket, () => server.socket.accept())) as [Resource, InputStream, OutputStream];
      await client.output.blockingWriteAndFlush(Buffer.from('ping'));
      assert.equal(Buffer.from(await input.blockingRead(100n)).toString(), 'ping');
      await output.blockingWriteAndFlush(Buffer.from('pong'));
      assert.equal(Buffer.from(await client.input.blockingRead(100n)).toString(), 'pong');
      assert.deepEqual(socket.remoteAddress(), client.socket.localAddress());
      assert.deepEqual(client.socket.remoteAddress(), server.address);
      // Half-closed: the other direction still works.
      client.socket.shutdown('send');
      assert.deepEqual(await closes(input), { tag: 'closed' });
      await output.blockingWriteAndFlush(Buffer.from('last'));
      assert.equal(Buffer.from(await client.input.blockingRead(100n)).toString(), 'last');
      for (const resource of [socket, client.socket, server.socket]) resource[Symbol.dispose]();
    });
  }

  test('what was written goes out after the socket is dropped', async () => {
    const received = Promise.withResolvers<number>();
    const server = createServer((socket: Socket) => {
      let bytes = 0;
      socket.on('data', (data) => {
        bytes += data.length;
      });
      socket.on('end', () => received.resolve(bytes));
      socket.on('error', received.reject);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const client = await connected(at(port));
    let left = 3_000_000;
    while (left > 0) {
      const room = Math.min(Number(client.output.checkWrite()), left);
      if (room === 0) {
        await client.output.subscribe().block();
        continue;
      }
      client.output.write(Buffer.alloc(room));
      left -= room;
    }
    client.output[Symbol.dispose]();
    client.input[Symbol.dispose]();
    client.socket[Symbol.dispose]();
    assert.equal(await received.promise, 3_000_000);
    server.close();
  });

  test('a connection that breaks off is an error of its streams', async () => {
    const server = createServer((socket: Socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.resetAndDestroy());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const client = await connected(at((server.address() as { port: number }).port));
    await client.output.blockingWriteAndFlush(Buffer.from('x'));
    const payload = (await closes(client.input)) as { tag: string; val: { cause: { problem: string } } };
    assert.equal(payload.tag, 'last-operation-failed');
    assert.equal(payload.val.cause.problem, 'connection-reset');
    client.socket[Symbol.dispose]();
    server.close();
  });

  test('nobody listens', async () => {
    const server = await listening();
    server.socket[Symbol.dispose]();
    await new Promise((resolve) => setImmediate(resolve));
    const socket = tcpSocket();
    socket.startConnect(NETWORK, server.address);
    await assert.rejects(
      until(socket, () => socket.finishConnect()),
      { payload: 'connection-refused' },
    );
    assert.equal(
      refusal(() => socket.startConnect(NETWORK, server.address)),
      'invalid-state',
    );
  });

  test('an address in use', async () => {
    const server = await listening();
    const socket = tcpSocket();
    socket.startBind(NETWORK, server.address);
    await assert.rejects(
      until(socket, () => socket.finishBind()),
      { payload: 'address-in-use' },
    );
    server.socket[Symbol.dispose]();
  });

  test('a bound socket connects from its address', async () => {
    const server = await listening();
    const socket = tcpSocket();
    socket.startBind(NETWORK, at(0));
    await until(socket, () => socket.finishBind());
    const local = socket.localAddress();
    socket.startConnect(NETWORK, server.address);
    await until(socket, () => socket.finishConnect());
    assert.deepEqual(socket.localAddress(), local);
    socket[Symbol.dispose]();
    server.socket[Symbol.dispose]();
  });

  test('connections before the guest listens are turned away', async () => {
    const socket = tcpSocket();
    socket.startBind(NETWORK, at(0));
    await until(socket, () => socket.finishBind());
    const early = connect(socket.localAddress().val.port, '127.0.0.1');
    const [error] = await new Promise<[Error | undefined]>((resolve) => {
      early.once('error', (error) => resolve([error]));
      early.once('end', () => resolve([undefined]));
    });
    assert.ok(error === undefined || 'code' in error);
    assert.equal(
      refusal(() => socket.accept()),
      'invalid-state',
    );
    socket[Symbol.dispose]();
  });

  test('states and arguments', async () => {
    const socket = tcpSocket();
    const cases: readonly (readonly [() => unknown, string])[] = [
      [() => socket.finishBind(), 'not-in-progress'],
      [() => socket.finishConnect(), 'not-in-progress'],
      [() => socket.finishListen(), 'not-in-progress'],
      [() => socket.startListen(), 'invalid-state'],
      [() => socket.accept(), 'invalid-state'],
      [() => socket.localAddress(), 'invalid-state'],
      [() => socket.remoteAddress(), 'invalid-state'],
      [() => socket.shutdown('both'), 'invalid-state'],
      [() => socket.startConnect(NETWORK, at(0)), 'invalid-argument'],
      [() => socket.startConnect(NETWORK, at(80, '0.0.0.0')), 'invalid-argument'],
      [() => socket.startConnect(NETWORK, at(80, '224.0.0.1')), 'invalid-argument'],
      [() => socket.startConnect(NETWORK, at(80, '::1')), 'invalid-argument'],
      [() => tcpSocket('ipv6').startConnect(NETWORK, at(80, '::ffff:127.0.0.1')), 'invalid-argument'],
      [() => socket.startConnect(NETWORK, at(80, '93.184.216.34')), 'access-denied'],
      [() => socket.startBind(NETWORK, at(80, '0.0.0.0')), 'access-denied'],
      [() => socket.setKeepAliveIdleTime(0n), 'invalid-argument'],
      [() => socket.setKeepAliveInterval(0n), 'invalid-argument'],
      [() => socket.setKeepAliveCount(0), 'invalid-argument'],
      [() => socket.setHopLimit(0), 'invalid-argument'],
      [() => socket.setReceiveBufferSize(0n), 'invalid-argument'],
      [() => socket.setSendBufferSize(0n), 'invalid-argument'],
      [() => socket.setListenBacklogSize(0n), 'invalid-argument'],
    ];
    for (const [operation, code] of cases) assert.equal(refusal(operation), code, String(operation));
    socket.startBind(NETWORK, at(0));
    assert.equal(
      refusal(() => socket.startBind(NETWORK, at(0))),
      'concurrency-conflict',
    );
    assert.equal(
      refusal(() => socket.finishConnect()),
      'not-in-progress',
    );
    await until(socket, () => socket.finishBind());
    assert.equal(
      refusal(() => socket.startBind(NETWORK, at(0))),
      'invalid-state',
    );
    socket[Symbol.dispose]();
  });

  test('a guest that asks again and again, without waiting, gets there', async () => {
    const again = async <T>(operation: () => T | Promise<T>): Promise<T> => {
      for (;;) {
        const outcome = await Promise.try(operation).catch((error: unknown) => error);
        if (!(outcome instanceof ComponentError)) return outcome as T;
        assert.equal(outcome.payload, 'would-block');
      }
    };
    const [server, client] = [tcpSocket(), tcpSocket()];
    server.startBind(NETWORK, at(0));
    await again(() => server.finishBind());
    server.startListen();
    await again(() => server.finishListen());
    client.startConnect(NETWORK, server.localAddress());
    await again(() => client.finishConnect());
    const [accepted] = await again<Resource[]>(() => server.accept());
    for (const socket of [server, client, accepted]) socket[Symbol.dispose]();
  });

  test('options keep what they are set to', () => {
    const socket = tcpSocket();
    socket.setKeepAliveEnabled(true);
    socket.setKeepAliveIdleTime(1n);
    socket.setKeepAliveInterval(5_000_000_000n);
    socket.setKeepAliveCount(3);
    socket.setReceiveBufferSize(1n << 40n);
    assert.equal(socket.keepAliveEnabled(), true);
    assert.equal(socket.keepAliveIdleTime(), 1_000_000_000n);
    assert.equal(socket.keepAliveInterval(), 5_000_000_000n);
    assert.equal(socket.keepAliveCount(), 3);
    assert.equal(socket.receiveBufferSize(), 1n << 24n);
    assert.equal(socket.addressFamily(), 'ipv4');
  });
});

describe('udp', () => {
  async function bound(family: 'ipv4' | 'ipv6' = 'ipv4'): Promise<Resource> {
    const socket = udpSocket(family);
    socket.startBind(NETWORK, at(0, family === 'ipv4' ? '127.0.0.1' : '::1'));
    await until(socket, () => socket.finishBind());
    return socket;
  }

  async function receive(incoming: Resource): Promise<Resource[]> {
    await incoming.subscribe().block();
    return incoming.receive(10n);
  }

  for (const family of ['ipv4', 'ipv6'] as const) {
    test(`datagrams there and back over ${family}`, async () => {
      const [one, two] = [await bound(family), await bound(family)];
      const [oneIn, oneOut] = await one.stream(undefined);
      const [twoIn, twoOut] = await two.stream(one.localAddress());
      assert.deepEqual(two.remoteAddress(), one.localAddress());
      assert.equal(
        refusal(() => one.remoteAddress()),
        'invalid-state',
      );
      assert.ok(twoOut.checkSend() > 0n);
      assert.equal(twoOut.send([{ data: Buffer.from('ping') }]), 1n);
      const [ping] = await receive(oneIn);
      assert.equal(Buffer.from(ping.data).toString(), 'ping');
      assert.deepEqual(ping.remoteAddress, two.localAddress());
      oneOut.checkSend();
      oneOut.send([{ data: Buffer.from('pong'), remoteAddress: ping.remoteAddress }]);
      const [pong] = await receive(twoIn);
      assert.equal(Buffer.from(pong.data).toString(), 'pong');
      assert.deepEqual(await oneIn.receive(10n), []);
      for (const socket of [one, two]) socket[Symbol.dispose]();
    });
  }

  /** Sends one datagram. */
  function send(outgoing: Resource, word: string, remoteAddress?: IpSocketAddress): void {
    assert.ok(outgoing.checkSend() > 0n);
    assert.equal(outgoing.send([{ data: Buffer.from(word), remoteAddress }]), 1n);
  }

  test('a socket bound to every address has one of its own while it is connected, and keeps its port', async () => {
    const network = new Network({ send: LOOPBACK });
    const [one, other, client] = [await bound(), await bound(), udpSocket('ipv4', network)];
    client.startBind(NETWORK, at(0, '0.0.0.0'));
    await until(client, () => client.finishBind());
    const { port } = client.localAddress().val;
    for (const peer of [one, one, other]) {
      const [incoming, outgoing] = await client.stream(peer.localAddress());
      assert.deepEqual(client.localAddress(), at(port));
      assert.deepEqual(client.remoteAddress(), peer.localAddress());
      const [peerIn, peerOut] = await peer.stream(undefined);
      send(outgoing, 'ping');
      const [ping] = await receive(peerIn);
      assert.deepEqual(ping.remoteAddress, at(port));
      send(peerOut, 'pong', at(port));
      assert.equal((await receive(incoming)).length, 1);
    }
    const [, late] = await client.stream(undefined);
    assert.equal(
      refusal(() => client.remoteAddress()),
      'invalid-state',
    );
    assert.deepEqual(client.localAddress(), at(port, '0.0.0.0'));
    const [peerIn] = await one.stream(undefined);
    send(late, 'still there', one.localAddress());
    assert.deepEqual((await receive(peerIn))[0].remoteAddress, at(port));
    for (const socket of [one, other, client]) socket[Symbol.dispose]();
  });

  test('a connected socket learns that nobody is there', async () => {
    const [client, gone] = [await bound(), await bound()];
    const [incoming, outgoing] = await client.stream(gone.localAddress());
    gone[Symbol.dispose]();
    send(outgoing, 'anybody?');
    await incoming.subscribe().block();
    assert.equal(
      refusal(() => incoming.receive(1n)),
      'connection-refused',
    );
    assert.deepEqual(await incoming.receive(1n), []);
    client[Symbol.dispose]();
  });

  test('the streams of an earlier association send no more', async () => {
    const [client, one, other] = [await bound(), await bound(), await bound()];
    const [, first] = await client.stream(one.localAddress());
    await client.stream(other.localAddress());
    first.checkSend();
    assert.equal(
      refusal(() => first.send([{ data: new Uint8Array(1) }])),
      'invalid-state',
    );
    for (const socket of [client, one, other]) socket[Symbol.dispose]();
  });

  test('a wake brings all that has arrived', async () => {
    const [one, two] = [await bound(), await bound()];
    const [incoming] = await one.stream(undefined);
    const [, outgoing] = await two.stream(one.localAddress());
    outgoing.checkSend();
    assert.equal(outgoing.send(Array.from({ length: 8 }, () => ({ data: Buffer.from('x') }))), 8n);
    assert.equal((await receive(incoming)).length, 8);
    for (const socket of [one, two]) socket[Symbol.dispose]();
  });

  test('a connected socket hears one other only', async () => {
    const [one, two, three] = [await bound(), await bound(), await bound()];
    const [incoming] = await one.stream(two.localAddress());
    for (const [sender, word] of [
      [three, 'stranger'],
      [two, 'friend'],
    ] as const) {
      const [, outgoing] = await sender.stream(undefined);
      outgoing.checkSend();
      outgoing.send([{ data: Buffer.from(word), remoteAddress: one.localAddress() }]);
    }
    const [datagram] = await receive(incoming);
    assert.equal(Buffer.from(datagram.data).toString(), 'friend');
    for (const socket of [one, two, three]) socket[Symbol.dispose]();
  });

  test('states and arguments', async () => {
    const fresh = udpSocket();
    await assert.rejects(fresh.stream(undefined), { payload: 'invalid-state' });
    assert.equal(
      refusal(() => fresh.localAddress()),
      'invalid-state',
    );
    assert.equal(
      refusal(() => fresh.finishBind()),
      'not-in-progress',
    );
    assert.equal(
      refusal(() => fresh.setUnicastHopLimit(0)),
      'invalid-argument',
    );
    assert.equal(
      refusal(() => fresh.startBind(NETWORK, at(0, '::1'))),
      'invalid-argument',
    );
    assert.equal(
      refusal(() => fresh.startBind(NETWORK, at(53, '0.0.0.0'))),
      'access-denied',
    );
    const socket = await bound();
    const [, outgoing] = await socket.stream(undefined);
    assert.throws(() => outgoing.send([{ data: new Uint8Array(1), remoteAddress: at(9) }]), /check-send allowed 0/);
    outgoing.checkSend();
    const sends: readonly (readonly [object, string])[] = [
      [{ data: new Uint8Array(1) }, 'invalid-argument'],
      [{ data: new Uint8Array(1), remoteAddress: at(0) }, 'invalid-argument'],
      [{ data: new Uint8Array(1), remoteAddress: at(9, '::1') }, 'invalid-argument'],
      [{ data: new Uint8Array(1), remoteAddress: at(9, '8.8.8.8') }, 'access-denied'],
      [{ data: new Uint8Array(65_508), remoteAddress: at(9) }, 'datagram-too-large'],
    ];
    for (const [datagram, code] of sends)
      assert.equal(
        refusal(() => outgoing.send([datagram])),
        code,
      );
    assert.ok(socket.receiveBufferSize() > 0n);
    socket.setUnicastHopLimit(7);
    assert.equal(socket.unicastHopLimit(), 7);
    socket[Symbol.dispose]();
    fresh[Symbol.dispose]();
  });
});

test('no more sockets than allowed are open at a time', async () => {
  const network = new Network({ connect: LOOPBACK, listen: LOOPBACK, receive: LOOPBACK }, new Quota(3));
  const sockets = [tcpSocket('ipv4', network), tcpSocket('ipv4', network), udpSocket('ipv4', network)];
  for (const open of [tcpSocket, udpSocket]) {
    assert.equal(
      refusal(() => open('ipv4', network)),
      'new-socket-limit',
    );
  }
  for (const socket of sockets) socket[Symbol.dispose]();
  // One that listens, one that connects, and one that is accepted.
  const [server, one, two] = [tcpSocket('ipv4', network), tcpSocket('ipv4', network), tcpSocket('ipv4', network)];
  server.startBind(NETWORK, at(0));
  await until(server, () => server.finishBind());
  server.startListen();
  await until(server, () => server.finishListen());
  two[Symbol.dispose]();
  one.startConnect(NETWORK, server.localAddress());
  await until(one, () => one.finishConnect());
  const [accepted] = await until<Resource[]>(server, () => server.accept());
  const late = connect(server.localAddress().val.port, '127.0.0.1');
  late.on('error', () => {});
  await new Promise((resolve) => late.once('close', resolve));
  await assert.rejects(server.accept(), { payload: 'would-block' });
  for (const socket of [server, one, accepted]) socket[Symbol.dispose]();
});

describe('name lookup', () => {
  const { resolveAddresses } = ipNameLookup(ALL) as Resource;

  async function addresses(name: string): Promise<string[]> {
    const stream = resolveAddresses(NETWORK, name);
    const found: string[] = [];
    for (let next = await until(stream, () => stream.resolveNextAddress()); next !== undefined; next = await stream.resolveNextAddress()) {
      found.push(
        endpointOf(
          next.tag === 'ipv4'
            ? { tag: 'ipv4', val: { port: 0, address: next.val } }
            : { tag: 'ipv6', val: { port: 0, flowInfo: 0, address: next.val, scopeId: 0 } },
        ).address,
      );
    }
    return found;
  }

  test('of names and addresses', async () => {
    assert.ok((await addresses('localhost')).some((address) => address === '127.0.0.1' || address === '::1'));
    for (const [name, address] of [
      ['10.1.2.3', '10.1.2.3'],
      ['10.515', '10.0.2.3'],
      ['[::1]', '::1'],
      ['2001:DB8::0:1', '2001:db8::1'],
      ['::ffff:1.2.3.4', '::ffff:1.2.3.4'],
    ] as const) {
      assert.deepEqual(await addresses(name), [address], name);
    }
    for (const name of ['LOCALHOST', '%6cocalhost', 'ｌocalhost']) assert.ok((await addresses(name)).length > 0, name);
  });

  test('of what no rule names is refused', () => {
    assert.equal(
      refusal(() => resolveAddresses(NETWORK, 'example.com')),
      'access-denied',
    );
    for (const name of ['', 'no host', 'a:1', '[::1', 'fe80::1%lo', '256.1.1.1', 'x'.repeat(5000)]) {
      assert.equal(
        refusal(() => resolveAddresses(NETWORK, name)),
        'invalid-argument',
        name,
      );
    }
  });
});
