/** Bytes that grow. */

/** Below this a loop beats the call that copies a range. */
const SHORT = 32;

export class ByteWriter {
  private bytes: Uint8Array<ArrayBuffer>;
  length = 0;

  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
  }

  private room(more: number): void {
    const needed = this.length + more;
    if (needed <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, Math.ceil(1.5 * this.bytes.length)));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }

  byte(value: number): void {
    if (this.length === this.bytes.length) this.room(1);
    this.bytes[this.length++] = value;
  }

  /** An unsigned LEB128 of a whole number up to 2^53. */
  leb(value: number): void {
    let left = value;
    for (; left >= 128; left = Math.floor(left / 128)) this.byte((left % 128) | 128);
    this.byte(left);
  }

  list(values: ArrayLike<number>): void {
    const count = values.length;
    this.room(count);
    if (count <= SHORT) for (let i = 0; i < count; i++) this.bytes[this.length + i] = values[i] as number;
    else this.bytes.set(values, this.length);
    this.length += count;
  }

  /** `source[start, end)` */
  range(source: Uint8Array, start: number, end: number): void {
    const count = end - start;
    this.room(count);
    const { bytes } = this;
    let { length } = this;
    if (count <= SHORT) for (let i = start; i < end; i++) bytes[length++] = source[i] as number;
    else bytes.set(source.subarray(start, end), length);
    this.length += count;
  }

  name(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.leb(bytes.length);
    this.list(bytes);
  }

  written(): Uint8Array<ArrayBuffer> {
    return this.bytes.subarray(0, this.length);
  }
}

/** How many bytes {@link ByteWriter.leb} takes. */
export function lebLength(value: number): number {
  let length = 1;
  for (let left = value; left >= 128; left = Math.floor(left / 128)) length++;
  return length;
}

/** LEB128, unsigned. */
export function leb(value: number | bigint): number[] {
  const bytes: number[] = [];
  for (let left = BigInt(value); ; left >>= 7n) {
    if (left < 128n) return [...bytes, Number(left)];
    bytes.push(Number(left & 127n) | 128);
  }
}

/** LEB128, signed. */
export function sleb(value: number | bigint): number[] {
  const bytes: number[] = [];
  for (let left = BigInt(value); ; left >>= 7n) {
    const byte = Number(left & 127n);
    const rest = left >> 7n;
    if ((rest === 0n && byte < 64) || (rest === -1n && byte >= 64)) return [...bytes, byte];
    bytes.push(byte | 128);
  }
}
