import { FileError } from '../body/files/error.ts';
import { EMPTY } from '../body/streams.ts';

/** The most pieces of one scattered read or gathered write that are looked at; the count that is answered says how far it came. */
const MOST_PIECES = 1024;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A guest's memory. Every pointer is checked: what lies outside is `EFAULT`. */
export class GuestMemory {
  #memory: WebAssembly.Memory | undefined;
  #bytes: Uint8Array<ArrayBuffer> = EMPTY;
  #data: DataView = new DataView(EMPTY.buffer);

  /** The memory is known once the guest is instantiated; until then no pointer leads anywhere. */
  attach(memory: WebAssembly.Memory): void {
    this.#memory = memory;
  }

  /** The bytes themselves, no copy: they are those of the guest until it grows its memory. */
  bytes(pointer: number, length: number): Uint8Array<ArrayBuffer> {
    this.#check(pointer, length);
    return this.#bytes.subarray(pointer, pointer + length);
  }

  /** @throws FileError `EILSEQ` when it is not UTF-8 */
  string(pointer: number, length: number): string {
    const bytes = this.bytes(pointer, length);
    try {
      // A decoder takes no bytes of a shared memory.
      return utf8.decode(bytes.slice());
    } catch {
      throw new FileError('EILSEQ', 'a string of the guest is not UTF-8');
    }
  }

  /** The pieces of an array of `iovec` or `ciovec`, empty ones left out. */
  pieces(pointer: number, count: number): Uint8Array<ArrayBuffer>[] {
    this.#check(pointer, count * 8);
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    for (let at = pointer; at < pointer + Math.min(count, MOST_PIECES) * 8; at += 8) {
      const piece = this.bytes(this.u32(at), this.u32(at + 4));
      if (piece.length > 0) pieces.push(piece);
    }
    return pieces;
  }

  u8(pointer: number): number {
    this.#check(pointer, 1);
    return this.#data.getUint8(pointer);
  }

  u16(pointer: number): number {
    this.#check(pointer, 2);
    return this.#data.getUint16(pointer, true);
  }

  u32(pointer: number): number {
    this.#check(pointer, 4);
    return this.#data.getUint32(pointer, true);
  }

  u64(pointer: number): bigint {
    this.#check(pointer, 8);
    return this.#data.getBigUint64(pointer, true);
  }

  setU8(pointer: number, value: number): void {
    this.#check(pointer, 1);
    this.#data.setUint8(pointer, value);
  }

  setU32(pointer: number, value: number): void {
    this.#check(pointer, 4);
    this.#data.setUint32(pointer, value, true);
  }

  setU64(pointer: number, value: bigint): void {
    this.#check(pointer, 8);
    this.#data.setBigUint64(pointer, value, true);
  }

  /** A record of zeros at `pointer` to be filled in. */
  record(pointer: number, size: number): DataView {
    this.bytes(pointer, size).fill(0);
    return new DataView(this.#bytes.buffer, pointer, size);
  }

  #check(pointer: number, length: number): void {
    const buffer = this.#memory?.buffer;
    if (buffer !== undefined && buffer !== this.#bytes.buffer) {
      this.#bytes = new Uint8Array(buffer);
      this.#data = new DataView(buffer);
    }
    if (pointer + length > this.#bytes.length) throw new FileError('EFAULT', 'a pointer of the guest leads out of its memory');
  }
}
