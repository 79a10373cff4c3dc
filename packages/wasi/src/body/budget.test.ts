import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Budget, Charge } from './budget.ts';
import { FieldList } from './http/fields.ts';
import { Held } from './http/held.ts';
import { Reply, type Responder } from './http/server.ts';
import { UdpSocket } from './network/udp.ts';

describe('budgets', () => {
  test('an instance takes from its own and from that of all', () => {
    const all = new Budget(100);
    const [one, two] = [new Budget(80, all), new Budget(80, all)];
    assert.equal(one.take(81), false);
    assert.equal(one.take(70), true);
    assert.deepEqual([one.left, two.left, all.left], [10, 30, 30]);
    assert.equal(two.take(31), false);
    assert.equal(two.take(30), true);
    one.give(20);
    assert.deepEqual([one.left, two.left, all.left], [20, 20, 20]);
    one.end();
    assert.deepEqual([one.ended, two.left, all.held], [true, 50, 30]);
    // What is given back later was given back already.
    one.give(50);
    assert.equal(all.held, 30);
  });

  test('a charge gives back no more than it took', () => {
    const budget = new Budget(100);
    const [one, two] = [new Charge(budget), new Charge(budget)];
    assert.ok(one.take(40) && two.take(40));
    one.give(60);
    assert.equal(budget.held, 40);
    two.end();
    two.end();
    assert.equal(budget.held, 0);
  });
});

test('pieces of a body are kept in their order, and crumbs take little more than what is in them', () => {
  const held = new Held();
  const pieces = Array.from({ length: 5000 }, (_, index) => Buffer.alloc(index % 700 === 0 ? 2000 : index % 5, index % 251));
  for (const piece of pieces) held.add(piece);
  assert.deepEqual(Buffer.from(held.take()), Buffer.concat(pieces));
  assert.equal(held.take().length, 0);
  held.add(Buffer.from('again'));
  held.add(Buffer.from(' and again'));
  assert.equal(Buffer.from(held.take()).toString(), 'again and again');
});

test('responses ahead of the final one are refused where they are too much', () => {
  let sent = 0;
  const responder: Partial<Responder> = {
    gone: false,
    inform() {
      sent++;
    },
  };
  const reply = new Reply('GET', responder as Responder);
  const fields = FieldList.of([['link', 'x'.repeat(100_000)]]);
  const refused = Array.from({ length: 5 }, () => reply.inform(103, fields));
  assert.equal(sent, 2);
  assert.deepEqual(
    refused.map((bytes) => bytes === undefined),
    [true, true, false, false, false],
  );
  assert.ok((refused[2] ?? 0) > 300_000);
});

test('datagrams for which there is no room are lost, and none is sent', async (context) => {
  const charges = [new Charge(new Budget(3000)), new Charge()];
  const local = { address: '127.0.0.1', port: 0 };
  const [small, large] = await Promise.all(charges.map((charge) => UdpSocket.open(local, 'ipv4', true, charge)));
  assert.ok(small !== undefined && large !== undefined);
  context.after(() => {
    for (const socket of [small, large]) socket.close();
  });
  const heard = Promise.withResolvers<void>();
  let count = 0;
  small.socket.on('message', () => ++count === 5 && heard.resolve());
  for (let each = 0; each < 5; each++) large.sending.send({ data: new Uint8Array(1000), remote: small.local }, false);
  await heard.promise;
  assert.equal(small.receive(10).length, 2);
  assert.throws(() => small.sending.send({ data: new Uint8Array(5000), remote: large.local }, false), { problem: 'out-of-memory' });
});
