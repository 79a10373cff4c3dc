/** Components with fused adapters of many types, for the corpus of mutations. */
import fc from 'fast-check';
import type { Bytes } from '../bytes.ts';
import { ENCODINGS, echo } from './echo.ts';
import { signature } from './signature.ts';

const SEED = 1;
const COUNT = 60;

/** The same at each call. */
export async function echoes(): Promise<readonly Bytes[]> {
  const wanted = fc.sample(fc.tuple(signature({ recent: true }), fc.constantFrom(...ENCODINGS), fc.constantFrom(...ENCODINGS)), {
    seed: SEED,
    numRuns: COUNT,
  });
  const found: Bytes[] = [];
  for (const [type, inner, outer] of wanted) found.push(await echo(type, inner, outer));
  return found;
}
