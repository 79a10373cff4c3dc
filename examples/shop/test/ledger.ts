/** Clients of the shop that write down what was acknowledged, and what must be there afterwards. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import type { Order, Shop } from './shop.ts';

const ITEMS = ['tea', 'cup', 'pot', 'coffee'];
const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
/** After a failure a client waits as long before it comes again, in milliseconds. */
const PAUSE_MS = 20;
export const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export class Ledger {
  readonly #shop: Shop;
  readonly #orders = new Map<number, { readonly item: string; readonly count: number }>();
  /** By image, the digests that may be there: what was acknowledged last, and what was sent since. */
  readonly #images = new Map<string, Set<string>>();
  /** Images that were never acknowledged. */
  readonly #missing = new Set<string>();
  #going = true;
  #refused = 0;
  readonly #clients: readonly Promise<void>[];

  /** Begins to order and to send images. */
  constructor(shop: Shop) {
    this.#shop = shop;
    this.#clients = [...ITEMS.map((item) => this.#order(item)), this.#sendImages()];
  }

  get acknowledged(): number {
    return this.#orders.size;
  }

  /** Ends the clients, and checks that nothing acknowledged is lost or torn, and that every message that was accepted has arrived. */
  async settle(): Promise<string> {
    this.#going = false;
    await Promise.all(this.#clients);
    let found: Map<number, Order>;
    do {
      await wait(50);
      found = new Map((await this.#shop.orders()).map((order) => [order.id, order]));
    } while ([...this.#orders.keys()].some((id) => found.get(id)?.state === 'placed'));
    for (const [id, { item, count }] of this.#orders) {
      const order = found.get(id);
      assert.deepEqual([order?.item, order?.count], [item, count], `order ${id}`);
    }
    for (const [name, possible] of this.#images) {
      const response = await fetch(`${this.#shop.url}/images/${name}`);
      const bytes = new Uint8Array(await response.arrayBuffer());
      if (response.status === 404 && this.#missing.has(name)) continue;
      assert.equal(response.status, 200, name);
      assert.ok(possible.has(digest(bytes)), `${name} is nothing that was sent whole`);
    }
    return `${this.#orders.size} orders acknowledged, ${this.#refused} not, ${this.#images.size} images`;
  }

  async #order(item: string): Promise<void> {
    for (let n = 1; this.#going; n++) {
      const count = (n % 999) + 1;
      const placed = await this.#shop.order(item, count).catch(() => undefined);
      if (placed === undefined) {
        this.#refused++;
        await wait(PAUSE_MS);
        continue;
      }
      assert.ok(!this.#orders.has(placed.id), `order ${placed.id} was given twice`);
      this.#orders.set(placed.id, { item, count });
    }
  }

  async #sendImages(): Promise<void> {
    for (let n = 0; this.#going; n++) {
      const name = `picture-${n % 5}`;
      const bytes = randomBytes(100_000 + (n % 1000));
      const possible = this.#images.get(name) ?? new Set();
      if (!this.#images.has(name)) this.#missing.add(name);
      this.#images.set(name, possible.add(digest(bytes)));
      try {
        const response = await fetch(`${this.#shop.url}/images/${name}`, { method: 'PUT', body: bytes });
        await response.text();
        if (response.status !== 201) continue;
        this.#images.set(name, new Set([digest(bytes)]));
        this.#missing.delete(name);
      } catch {
        await wait(PAUSE_MS);
      }
    }
  }
}
