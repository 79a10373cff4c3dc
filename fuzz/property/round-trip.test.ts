import { test } from 'node:test';
import fc from 'fast-check';
import { callAll, tenon } from './call.ts';
import { ENCODINGS, echo, text } from './echo.ts';
import { calls, signature } from './signature.ts';

/** FUZZ_RUNS asks for more, FUZZ_SEED for others. */
const RUNS = Number(process.env.FUZZ_RUNS ?? 150);
const SEED = Number(process.env.FUZZ_SEED ?? 20_261_123);

const property = fc.record({
  signature: signature({ recent: true, handles: true }),
  inner: fc.constantFrom(...ENCODINGS),
  outer: fc.constantFrom(...ENCODINGS),
  suspends: fc.boolean(),
});
const withCalls = property.chain((shape) => calls(shape.signature, 4).map((list) => ({ ...shape, calls: list })));

test('values of random types pass through two components and an adapter between any two encodings', async () => {
  await fc.assert(
    fc.asyncProperty(withCalls, async ({ signature: type, inner, outer, suspends, calls: list }) => {
      const bytes = await echo(type, inner, outer);
      await callAll(tenon, bytes, type, list, { suspends });
    }),
    { numRuns: RUNS, seed: SEED, reporter: report },
  );
});

/** The counterexample with the text of its component. */
function report(details: fc.RunDetails<[typeof withCalls extends fc.Arbitrary<infer T> ? T : never]>): void {
  if (!details.failed) return;
  const [example] = details.counterexample ?? [];
  const component = example === undefined ? '' : text(example.signature, example.inner, example.outer);
  throw new Error(`${fc.defaultReportMessage(details)}\n${component}`, { cause: details.errorInstance });
}
