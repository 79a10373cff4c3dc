const utf8 = new TextEncoder();

/** Buffers for the next bytes under construction: a new one costs more than most functions take to write. */
const spare: Uint8Array<ArrayBuffer>[] = [];
const MAX_SPARE = 16;
const SPARE_BYTES = 4096;

/** Bytes under construction. */
export class Bytes {
  private buffer = spare.pop() ?? new Uint8Array(SPARE_BYTES);
  length = 0;

  push(...bytes: readonly number[]): void {
    this.reserve(bytes.length);
    for (const byte of bytes) this.buffer[this.length++] = byte;
  }

  append(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.buffer.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** LEB128 of a number below 2^32. */
  unsigned(value: number): void {
    this.reserve(5);
    let rest = value >>> 0;
    while (rest > 0x7f) {
      this.buffer[this.length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.buffer[this.length++] = rest;
  }

  /** LEB128 of a signed 32-bit number. */
  signed(value: number): void {
    this.reserve(5);
    let rest = value | 0;
    while (rest < -64 || rest > 63) {
      this.buffer[this.length++] = (rest & 0x7f) | 0x80;
      rest >>= 7;
    }
    this.buffer[this.length++] = rest & 0x7f;
  }

  /** LEB128 of a signed 64-bit number. */
  signedLong(value: bigint): void {
    let rest = BigInt.asIntN(64, value);
    while (rest < -64n || rest > 63n) {
      this.push(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    this.push(Number(rest & 0x7fn));
  }

  /** A length and the bytes of the text in UTF-8. */
  name(text: string): void {
    const encoded = utf8.encode(text);
    this.unsigned(encoded.length);
    this.append(encoded);
  }

  /** The length of other bytes, and those; ends their construction. */
  sized(content: Bytes): void {
    this.unsigned(content.length);
    this.append(content.finish());
  }

  /** Ends the construction: returns the bytes, and keeps none. */
  finish(): Uint8Array<ArrayBuffer> {
    const bytes = this.buffer.slice(0, this.length);
    if (this.buffer.length === SPARE_BYTES && spare.length < MAX_SPARE) spare.push(this.buffer);
    this.buffer = new Uint8Array(0);
    this.length = 0;
    return bytes;
  }

  private reserve(count: number): void {
    if (this.length + count <= this.buffer.length) return;
    const larger = new Uint8Array(Math.max(2 * this.buffer.length, this.length + count, 64));
    larger.set(this.buffer);
    this.buffer = larger;
  }
}

/** Replaces the five bytes at `position` by a number below 2^32. */
export function patch(bytes: Uint8Array, position: number, value: number): void {
  for (let i = 0; i < 5; i++) bytes[position + i] = ((value >>> (7 * i)) & 0x7f) | (i < 4 ? 0x80 : 0);
}
