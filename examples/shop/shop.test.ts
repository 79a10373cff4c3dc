/** A day in the life of the shop. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Shop } from './test/shop.ts';

let shop: Shop;
before(async () => {
  shop = await Shop.open();
});
after(() => shop.close());

interface Item {
  readonly item: string;
  readonly cents: number;
}

const names = async (): Promise<readonly string[]> => (await shop.json<Item[]>('/items')).map(({ item }) => item);
const image = randomBytes(1_000_000);

/** The price list with another word in it, as a new build would have. */
function newPrices(change: (bytes: Buffer) => Buffer): void {
  const file = join(shop.folder, 'prices', 'prices.wasm');
  writeFileSync(file, change(readFileSync(file)));
}

test('one command brings everything up', async () => {
  const { code, stdout, stderr } = await shop.up();
  assert.equal(code, 0, stderr);
  for (const name of ['front', 'orders', 'images', 'shipping']) assert.match(stdout, new RegExp(`${name} is running`));
});

test('an order goes from TypeScript to Rust, through the queue, and the job in C ships it', async () => {
  assert.deepEqual((await shop.json<Item[]>('/items'))[0], { item: 'coffee', cents: 380 });
  assert.deepEqual(await shop.order('tea', 2), { id: 1, cents: 640 });
  await assert.rejects(shop.order('gold', 1), /404 .*there is no gold here/);
  while ((await shop.orders())[0]?.state !== 'shipped') await new Promise((resolve) => setTimeout(resolve, 50));
});

test('an image comes back as it went', async () => {
  const put = await fetch(`${shop.url}/images/pot`, { method: 'PUT', body: image });
  assert.equal(put.status, 201, await put.text());
  assert.deepEqual(Buffer.from(await (await fetch(`${shop.url}/images/pot`)).arrayBuffer()), image);
  assert.equal((await fetch(`${shop.url}/images/none`)).status, 404);
});

test('a new price list takes over under load, and a broken one changes nothing', async () => {
  let going = true;
  let answered = 0;
  const failures: unknown[] = [];
  const clients = Array.from({ length: 4 }, async () => {
    while (going) {
      await names().then(
        () => answered++,
        (error) => failures.push(error),
      );
    }
  });
  newPrices((bytes) => Buffer.from(bytes.toString('latin1').replace('coffee', 'barley'), 'latin1'));
  const swap = await shop.tenon('up');
  assert.equal(swap.code, 0, swap.stderr);
  assert.match(swap.stdout, /front is running, revision 2/);
  assert.ok((await names()).includes('barley'));
  newPrices((bytes) => bytes.subarray(0, 1000));
  const broken = await shop.tenon('up');
  assert.notEqual(broken.code, 0);
  assert.match(broken.stdout + broken.stderr, /front is degraded/);
  assert.ok((await names()).includes('barley'));
  going = false;
  await Promise.all(clients);
  assert.deepEqual(failures, []);
  assert.ok(answered > 0);
});

test('and back to the one before', async () => {
  const { code, stderr } = await shop.tenon('restart', '--revision', '1', 'front');
  assert.equal(code, 0, stderr);
  assert.ok((await names()).includes('coffee'));
});

test('killed, everything comes back as it ran, with what it kept', async () => {
  const { id } = await shop.order('cup', 3);
  await shop.kill();
  const { code, stderr } = await shop.up('--empty');
  assert.equal(code, 0, stderr);
  await shop.running();
  assert.ok((await names()).includes('coffee'));
  while ((await shop.orders()).some((order) => order.state !== 'shipped')) await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual((await shop.orders()).at(-1), { id, item: 'cup', count: 3, cents: 3750, state: 'shipped' });
  assert.deepEqual(Buffer.from(await (await fetch(`${shop.url}/images/pot`)).arrayBuffer()), image);
});

test('down leaves nothing running', async () => {
  const { code, stderr } = await shop.tenon('down');
  assert.equal(code, 0, stderr);
  const { workloads } = await shop.look();
  assert.deepEqual(workloads, []);
  await assert.rejects(fetch(shop.url));
});
