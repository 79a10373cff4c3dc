/** What the guests that compute must find. */
import assert from 'node:assert/strict';
import { type Component, Linker } from '@tenon/component';
import { wasi } from '@tenon/wasi';

type Work = Readonly<Record<'hash' | 'sort' | 'matrix' | 'interpret' | 'scan' | 'fibonacci', (times: number) => bigint | Promise<bigint>>>;

/** @param found check sums of doing each work twice */
export async function checkCompute(component: Component, found: Partial<Record<keyof Work, bigint>>): Promise<void> {
  const linker = new Linker();
  linker.use(wasi());
  const { exports } = await linker.instantiate(component);
  const work = exports['example:compute/work'] as Work;
  for (const [name, sum] of Object.entries(found)) assert.equal(await work[name as keyof Work](2), sum, name);
}
