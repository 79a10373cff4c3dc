/** Random modules do the same rewritten as they were. FUZZ_RUNS asks for more of them, FUZZ_SEED for others. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { behaviour, type Instantiate, random, randomModule } from '../../test/core-modules.ts';
import { EpochClock } from '../epoch/clock.ts';
import { Guard } from '../epoch/guard.ts';
import { Store } from '../instance/state.ts';
import { rewrite } from './rewrite.ts';

const RUNS = Number(process.env.FUZZ_RUNS ?? 8);
const SEED = Number(process.env.FUZZ_SEED ?? 20_261_129);

const plain: Instantiate = (module, imports) => new WebAssembly.Instance(module, imports).exports;

/** With a clock that has ticked before each call. */
const interrupted: Instantiate = (module, imports) => {
  const clock = new EpochClock();
  clock.tick();
  const guard = new Guard(new Store(), { clock, budget: undefined, limits: {}, snapshots: [] });
  const exports = guard.instantiate(module, imports) as WebAssembly.Exports;
  return Object.fromEntries(
    Object.entries(exports).map(([name, value]) => {
      if (typeof value !== 'function') return [name, value];
      const call = (...args: unknown[]): unknown => {
        clock.tick();
        return value(...args);
      };
      return [name, Object.defineProperty(call, 'length', { value: value.length })];
    }),
  );
};

test('random modules do the same, rewritten or not', () => {
  for (let run = 0; run < RUNS; run++) {
    if (process.env.VERBOSE) console.error(SEED + run);
    const bytes = randomModule(random(SEED + run));
    if (!WebAssembly.validate(bytes)) continue;
    const expected = behaviour(new WebAssembly.Module(bytes), plain);
    const found = behaviour(new WebAssembly.Module(rewrite(bytes)), interrupted);
    assert.deepEqual(found, expected, `seed ${SEED + run}`);
  }
});
