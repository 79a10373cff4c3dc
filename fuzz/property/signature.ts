/** Random function signatures with the values of calls. */
import fc from 'fast-check';
import type { Signature } from './echo.ts';
import { BORROW, type TypeOptions, valType, value } from './types.ts';

export interface Call {
  readonly args: readonly unknown[];
  readonly result: unknown;
}

export function signature(options: TypeOptions): fc.Arbitrary<Signature> {
  const type = fc.integer({ min: 0, max: 3 }).chain((depth) => valType(depth, options));
  const borrows = options.handles ? fc.array(fc.constant(BORROW), { maxLength: 2 }) : fc.constant([]);
  return fc.record({
    // Borrows come first, where code that knows nothing of the types finds them.
    params: fc.tuple(borrows, fc.array(type, { maxLength: 5 })).map((lists) => lists.flat()),
    result: fc.option(type, { nil: undefined }),
  });
}

/** Some calls of a function; the host returns `result`. */
export function calls({ params, result }: Signature, count: number): fc.Arbitrary<readonly Call[]> {
  const call = fc.record({ args: fc.tuple(...params.map(value)), result: result === undefined ? fc.constant(undefined) : value(result) });
  return fc.array(call, { minLength: 1, maxLength: count });
}
