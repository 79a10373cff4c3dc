import { builtins } from '../builtins.ts';

/** Bytes that say which object it is and nothing else: guests are not told the numbers of devices and inodes. */
export function identity(...numbers: readonly (bigint | string)[]): Buffer {
  return builtins.crypto.createHash('sha256').update(numbers.join(':')).digest();
}

/** The same as one number. */
export function numberOf(...numbers: readonly (bigint | string)[]): bigint {
  return identity(...numbers).readBigUInt64LE(0);
}
