import { builtins } from '../builtins.ts';

/** Programs ask for what they have just listed, and ask more than once. */
const MOST_REMEMBERED = 4096;
const remembered = new Map<string, Buffer>();

/** Bytes that say which object it is and nothing else: guests are not told the numbers of devices and inodes. Not to be changed. */
export function identity(...numbers: readonly (bigint | string)[]): Buffer {
  const key = numbers.join(':');
  let digest = remembered.get(key);
  if (digest === undefined) {
    if (remembered.size >= MOST_REMEMBERED) remembered.clear();
    digest = builtins.crypto.hash('sha256', key, 'buffer');
    remembered.set(key, digest);
  }
  return digest;
}

/** The same as one number. */
export function numberOf(...numbers: readonly (bigint | string)[]): bigint {
  return identity(...numbers).readBigUInt64LE(0);
}
