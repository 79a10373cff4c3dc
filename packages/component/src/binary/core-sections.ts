/**
 * What the headers of a core module's sections say, without reading what is in them.
 * https://webassembly.github.io/spec/core/binary/modules.html#sections
 */

const PREAMBLE_BYTES = 8;
const TAG_SECTION = 13;

/**
 * Whether the core module in `bytes[start, end)` has a section of exception tags. Whatever throws an exception needs a tag that some module
 * defines. Malformed bytes have none: whether they are valid is found out elsewhere.
 */
export function hasTags(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start + PREAMBLE_BYTES;
  while (at < end) {
    if (bytes[at++] === TAG_SECTION) return true;
    let size = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      if (byte === undefined || at > end || shift > 28) return false;
      size += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    at += size;
  }
  return false;
}
