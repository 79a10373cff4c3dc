/** Writes the pieces of the binary format: LEB128 numbers, names, vectors, sections. */
export class ByteWriter {
  private readonly chunks: (number | Uint8Array)[] = [];
  private size = 0;

  get length(): number {
    return this.size;
  }

  byte(...values: number[]): this {
    for (const value of values) this.chunks.push(value);
    this.size += values.length;
    return this;
  }

  bytes(value: Uint8Array): this {
    this.chunks.push(value);
    this.size += value.length;
    return this;
  }

  append(other: ByteWriter): this {
    for (const chunk of other.chunks) this.chunks.push(chunk);
    this.size += other.size;
    return this;
  }

  u32(value: number): this {
    return this.u64(BigInt(value));
  }

  u64(value: bigint): this {
    let rest = value;
    while (rest >= 0x80n) {
      this.byte(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    return this.byte(Number(rest));
  }

  /** A non-negative type index where the format has an `s33`: bit 6 of the last byte is the sign. */
  s33(value: number): this {
    let rest = value;
    while (rest >= 0x40) {
      this.byte((rest & 0x7f) | 0x80);
      rest = Math.floor(rest / 128);
    }
    return this.byte(rest);
  }

  name(value: string): this {
    const encoded = new TextEncoder().encode(value);
    return this.u32(encoded.length).bytes(encoded);
  }

  vec<T>(items: readonly T[], write: (item: T) => void): this {
    this.u32(items.length);
    for (const item of items) write(item);
    return this;
  }

  section(id: number, body: ByteWriter): this {
    return this.byte(id).u32(body.length).append(body);
  }

  finish(): Uint8Array<ArrayBuffer> {
    const out = new Uint8Array(this.size);
    let at = 0;
    for (const chunk of this.chunks) {
      if (typeof chunk === 'number') out[at++] = chunk;
      else {
        out.set(chunk, at);
        at += chunk.length;
      }
    }
    return out;
  }
}
