/** `wasi:random` — https://github.com/WebAssembly/WASI/tree/main/wasip2/random */
import { type Randomness, Words } from '../body/random.ts';

// One call asks for this many bytes at most: a guest must not make the host allocate without bound.
const MOST = 1n << 26n;

function bytes(fill: (into: Uint8Array<ArrayBuffer>) => void): (length: bigint) => Uint8Array {
  return (length) => {
    if (length > MOST) throw new Error(`a guest asked for ${length} random bytes at once; at most ${MOST} are given`);
    const into = new Uint8Array(Number(length));
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
  return { insecureSeed: () => randomness.seed() };
}
