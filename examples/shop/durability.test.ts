/**
 * The host is killed in a loop while orders and images come in. Nothing that was acknowledged is lost, nothing is torn, no message that was accepted
 * is lost. `TENON_ATTACK_SECONDS` says for how long; five seconds unless given.
 */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { type Order, Shop } from './test/shop.ts';

const SECONDS = Number(process.env.TENON_ATTACK_SECONDS ?? 5);
const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

test(`killed again and again for ${SECONDS} s`, async (t) => {
  const shop = await Shop.open();
  t.after(() => shop.close());
  assert.equal((await shop.up()).code, 0);

  const acknowledged = new Map<number, { readonly item: string; readonly count: number }>();
  /** By image, what may be there: what was acknowledged last, and what was sent since. */
  const images = new Map<string, Set<string>>();
  const missing = new Set<string>();
  let refused = 0;
  let going = true;
  const orders = Array.from({ length: 4 }, async (_, client) => {
    for (let n = 1; going; n++) {
      const [item, count] = [['tea', 'cup', 'pot', 'coffee'][client] ?? 'tea', (n % 999) + 1];
      try {
        const { id } = await shop.order(item, count);
        assert.ok(!acknowledged.has(id), `order ${id} was given twice`);
        acknowledged.set(id, { item, count });
      } catch (error) {
        if (error instanceof assert.AssertionError && /given twice/.test(error.message)) throw error;
        refused++;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  });
  const pictures = (async () => {
    for (let n = 0; going; n++) {
      const name = `picture-${n % 5}`;
      const bytes = randomBytes(100_000 + n);
      const possible = images.get(name) ?? new Set();
      if (!images.has(name)) missing.add(name);
      images.set(name, possible.add(digest(bytes)));
      try {
        const response = await fetch(`${shop.url}/images/${name}`, { method: 'PUT', body: bytes });
        await response.text();
        if (response.status !== 201) continue;
        images.set(name, new Set([digest(bytes)]));
        missing.delete(name);
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  })();

  let kills = 0;
  for (const end = Date.now() + SECONDS * 1000; Date.now() < end || kills < 2; kills++) {
    await new Promise((resolve) => setTimeout(resolve, 300 + Math.random() * 1200));
    await shop.kill();
    assert.equal((await shop.up('--empty')).code, 0);
    await shop.running();
  }
  going = false;
  await Promise.all([...orders, pictures]);

  assert.ok(acknowledged.size > 0 && kills > 1, `${acknowledged.size} orders in ${kills} lives`);
  let found: Map<number, Order>;
  // Every message that was accepted arrives: what was acknowledged is packed in the end.
  do {
    await new Promise((resolve) => setTimeout(resolve, 50));
    found = new Map((await shop.orders()).map((order) => [order.id, order]));
  } while ([...acknowledged.keys()].some((id) => found.get(id)?.state === 'placed'));
  for (const [id, { item, count }] of acknowledged) {
    const order = found.get(id);
    assert.deepEqual([order?.item, order?.count], [item, count], `order ${id}`);
  }
  for (const [name, possible] of images) {
    const response = await fetch(`${shop.url}/images/${name}`);
    const bytes = new Uint8Array(await response.arrayBuffer());
    if (response.status === 404 && missing.has(name)) continue;
    assert.equal(response.status, 200, name);
    assert.ok(possible.has(digest(bytes)), `${name} is nothing that was sent whole`);
  }
  t.diagnostic(`${acknowledged.size} orders acknowledged, ${refused} not, ${kills} kills, ${images.size} images`);
});
