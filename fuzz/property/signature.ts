/** Random function signatures with the values of calls. */
import fc from 'fast-check';
import type { Signature } from './echo.ts';
import { type TypeOptions, valType, value } from './types.ts';

export interface Call {
  readonly args: readonly unknown[];
  readonly result: unknown;
}

export function signature(options: TypeOptions): fc.Arbitrary<Signature> {
  const type = fc.integer({ min: 0, max: 3 }).chain((depth) => valType(depth, options));
  return fc.record({ params: fc.array(type, { maxLength: 5 }), result: fc.option(type, { nil: undefined }) });
}

/** Some calls of a function; the host returns `result`. */
export function calls({ params, result }: Signature, count: number): fc.Arbitrary<readonly Call[]> {
  const call = fc.record({ args: fc.tuple(...params.map(value)), result: result === undefined ? fc.constant(undefined) : value(result) });
  return fc.array(call, { minLength: 1, maxLength: count });
}
