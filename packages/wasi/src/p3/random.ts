/** `wasi:random` 0.3 — https://github.com/WebAssembly/WASI/tree/main/proposals/random */
import { type Randomness, Words } from '../body/random.ts';

/** Bytes that one call gives at most: whoever wants more asks again. */
const MOST = 1 << 16;

function bytes(fill: (into: Uint8Array<ArrayBuffer>) => void): (most: bigint) => Uint8Array {
  return (most) => {
    const into = new Uint8Array(most > MOST ? MOST : Number(most));
    fill(into);
    return into;
  };
}

export function random(randomness: Randomness): object {
  const words = new Words((into) => randomness.secure(into));
  return { getRandomBytes: bytes((into) => randomness.secure(into)), getRandomU64: () => words.next() };
}

export function insecure(randomness: Randomness): object {
  const words = new Words((into) => randomness.insecure(into));
  return { getInsecureRandomBytes: bytes((into) => randomness.insecure(into)), getInsecureRandomU64: () => words.next() };
}

export function insecureSeed(randomness: Randomness): object {
  return { getInsecureSeed: () => randomness.seed() };
}
