/** Core functions that do nothing but call another of the same signature. */
import assert from 'node:assert/strict';
import { flattenFunc } from '../src/types/layout.ts';
import type { CoreValType, FuncType } from '../src/types/types.ts';
import type { CoreGuest } from './core-guest.ts';

/** What core wasm makes of a JavaScript value that is passed as a core type. */
function throughCore(type: CoreValType, value: unknown): unknown {
  switch (type) {
    case 'i64':
      return BigInt.asIntN(64, value as bigint);
    case 'f32':
      return Math.fround(value as number);
    case 'f64':
      return Number(value as number);
    default:
      assert.equal(typeof value, 'number', `a core ${type} from ${typeof value}`);
      return (value as number) | 0;
  }
}

/**
 * The core function of a guest whose lifted function does nothing but call its import: it passes its flat parameters on,
 * and the memory it gives for a spilled result.
 */
export function passOn(guest: CoreGuest, type: FuncType, lowered: (...args: unknown[]) => unknown): (...args: unknown[]) => unknown {
  const lift = flattenFunc(type, 'lift');
  const lower = flattenFunc(type, 'lower');
  return (...args) => {
    assert.equal(args.length, lift.params.length);
    const passed = args.map((arg, i) => throughCore(lift.params[i] ?? 'i32', arg));
    const out = lower.params.length > lift.params.length ? [guest.func('realloc')(0, 0, 16, 4096)] : [];
    const value = lowered(...passed, ...out);
    return out.length > 0 ? out[0] : lower.results[0] && throughCore(lower.results[0], value);
  };
}
