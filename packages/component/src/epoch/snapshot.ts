/** What a memory held when its instance was new: the pages that are not zero. */

/** What is compared and copied at once; smaller pieces would be many, larger ones copy zeros. */
const PIECE_BYTES = 4096;
const PIECE_WORDS = PIECE_BYTES / 4;

interface Run {
  readonly start: number;
  readonly bytes: Uint8Array;
}

export class Snapshot {
  /** Of the memory, when it was taken. */
  readonly length: number;
  private readonly runs: readonly Run[];

  private constructor(length: number, runs: readonly Run[]) {
    this.length = length;
    this.runs = runs;
  }

  static of({ buffer }: WebAssembly.Memory): Snapshot {
    const bytes = new Uint8Array(buffer);
    const words = new Int32Array(buffer);
    const runs: Run[] = [];
    let start = -1;
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      const zero = isZero(words, at / 4);
      if (!zero && start < 0) start = at;
      if (zero && start >= 0) {
        runs.push({ start, bytes: bytes.slice(start, at) });
        start = -1;
      }
    }
    if (start >= 0) runs.push({ start, bytes: bytes.slice(start) });
    return new Snapshot(bytes.length, runs);
  }

  /** Whether a memory holds just this, so that one snapshot does for many instances. */
  matches({ buffer }: WebAssembly.Memory): boolean {
    if (buffer.byteLength !== this.length) return false;
    const words = new Int32Array(buffer);
    let at = 0;
    for (const { bytes, start } of this.runs) {
      for (; at < start; at += PIECE_BYTES) if (!isZero(words, at / 4)) return false;
      const kept = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
      for (let i = 0; i < kept.length; i++) if (kept[i] !== words[start / 4 + i]) return false;
      at += bytes.length;
    }
    for (; at < this.length; at += PIECE_BYTES) if (!isZero(words, at / 4)) return false;
    return true;
  }

  /** Puts it back; what the memory has grown by is zero then. */
  restore({ buffer }: WebAssembly.Memory): void {
    const memory = new Uint8Array(buffer);
    let at = 0;
    for (const { bytes, start } of this.runs) {
      if (at < start) memory.fill(0, at, start);
      memory.set(bytes, start);
      at = start + bytes.length;
    }
    if (at < memory.length) memory.fill(0, at);
  }
}

function isZero(words: Int32Array, start: number): boolean {
  for (let i = start; i < start + PIECE_WORDS; i++) if (words[i] !== 0) return false;
  return true;
}
