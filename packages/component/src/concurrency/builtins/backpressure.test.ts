import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromCore } from '../../../test/core-guest.ts';
import { ComponentInstance, Store } from '../../instance/state.ts';
import { backpressureDec, backpressureInc } from './backpressure.ts';
import type { BuiltinEnvironment } from './environment.ts';

const instance = (): ComponentInstance => new ComponentInstance(new Store(), undefined, 'root');
const environment = (own: ComponentInstance): BuiltinEnvironment => ({ instance: own }) as BuiltinEnvironment;

test('backpressure counts per instance and traps out of its range', () => {
  const own = instance();
  const increase = backpressureInc(environment(own), { kind: 'backpressure.inc' }) as () => void;
  for (let i = 1; i < 2 ** 16; i++) increase();
  assert.throws(fromCore(increase), { code: 'TENON_TRAP', message: /backpressure/ });

  const other = instance();
  const decrease = backpressureDec(environment(other), { kind: 'backpressure.dec' }) as () => void;
  (backpressureInc(environment(other), { kind: 'backpressure.inc' }) as () => void)();
  decrease();
  assert.equal(other.backpressure, 0);
  assert.throws(fromCore(decrease), { code: 'TENON_TRAP', func: 'backpressure.dec' });
});
