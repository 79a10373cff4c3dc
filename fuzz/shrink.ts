import type { Bytes } from './bytes.ts';

/** How long one finding may be made smaller, in milliseconds. */
export const MINIMISE_MS = 15_000;

/** Takes out parts for as long as the rest is still `wanted`: halves first, single bytes at last. */
export async function shrink(from: Bytes, milliseconds: number, wanted: (bytes: Bytes) => Promise<boolean>): Promise<Bytes> {
  const deadline = performance.now() + milliseconds;
  let bytes = from;
  for (let size = Math.ceil(bytes.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < bytes.length && performance.now() < deadline; ) {
      const shorter = new Uint8Array(bytes.length - Math.min(size, bytes.length - at));
      shorter.set(bytes.subarray(0, at));
      shorter.set(bytes.subarray(at + size), at);
      if (await wanted(shorter)) bytes = shorter;
      else at += size;
    }
  }
  return bytes;
}
