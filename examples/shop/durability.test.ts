/**
 * The host is killed in a loop while orders and images come in. Nothing that was acknowledged is lost, nothing is torn, no message that was accepted
 * is lost. `TENON_ATTACK_SECONDS` says for how long; five seconds unless given.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ledger, wait } from './test/ledger.ts';
import { Shop } from './test/shop.ts';

const SECONDS = Number(process.env.TENON_ATTACK_SECONDS ?? 5);

test(`killed again and again for ${SECONDS} s`, async (t) => {
  const shop = await Shop.open();
  t.after(() => shop.close());
  assert.equal((await shop.up()).code, 0);
  const ledger = new Ledger(shop);
  let kills = 0;
  for (const end = Date.now() + SECONDS * 1000; Date.now() < end || kills < 2; kills++) {
    await wait(300 + Math.random() * 1200);
    await shop.kill();
    assert.equal((await shop.up('--empty')).code, 0);
    await shop.running();
  }
  const said = await ledger.settle();
  assert.ok(ledger.acknowledged > 0);
  t.diagnostic(`${said}; ${kills} kills`);
});
