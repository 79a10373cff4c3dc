/** Bytes of the binary format, written without asking whether they make sense. */

export type Bytes = Uint8Array<ArrayBuffer>;

/** An unsigned LEB128 of any value up to 2^64, with `padding` needless bytes. */
export function leb(value: number, padding = 0): number[] {
  const bytes: number[] = [];
  let left = value;
  do {
    bytes.push((left % 128) | 0x80);
    left = Math.floor(left / 128);
  } while (left > 0);
  for (let i = 0; i < padding; i++) bytes.push(0x80);
  bytes.push((bytes.pop() ?? 0) & 0x7f);
  return bytes;
}

/** Reads an unsigned LEB128 of at most five bytes, or nothing where there is none. */
export function readLeb(bytes: Uint8Array, at: number): { readonly value: number; readonly end: number } | undefined {
  let value = 0;
  for (let i = 0; i < 5; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) return undefined;
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return { value, end: at + i + 1 };
  }
  return undefined;
}

export const concat = (...parts: readonly ArrayLike<number>[]): Bytes => join(parts);

/** As {@link concat}, for any number of parts. */
export function join(parts: readonly ArrayLike<number>[]): Bytes {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** `bytes` with `[from, to)` replaced. */
export function replace(bytes: Uint8Array, from: number, to: number, by: ArrayLike<number>): Bytes {
  return concat(bytes.subarray(0, from), by, bytes.subarray(to));
}

const utf8 = new TextEncoder();

export function name(text: string): number[] {
  const bytes = utf8.encode(text);
  return [...leb(bytes.length), ...bytes];
}

/** A vector whose elements are bytes already. */
export function vec(items: readonly ArrayLike<number>[]): Bytes {
  return join([leb(items.length), ...items]);
}
