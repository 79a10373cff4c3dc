/**
 * A bounded reader of the primitives of the binary format: bytes, LEB128 integers, UTF-8 names.
 * Offsets are into the whole input, so nested components and core modules report positions that a hex dump shows.
 * https://webassembly.github.io/spec/core/binary/values.html
 */
import { ComponentError } from '../errors.ts';
import { keepOneOf } from '../keep.ts';

/** No name in a real component comes near this; tools of the Bytecode Alliance have the same limit. */
const MAX_STRING_BYTES = 100_000;
/** Below this length a loop beats the call into the engine's UTF-8 decoder. */
const SHORT_STRING_BYTES = 24;

/** Longer vectors grow as they are read, since a count may promise more than there is. */
const EXACT_LENGTH = 16;

/** Shared, since an empty vector is a single byte. */
const EMPTY: readonly never[] = [];

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Undefined when it is not ASCII. Eight characters at a time: each addition makes a string. */
function shortAscii(bytes: Uint8Array, start: number, end: number): string | undefined {
  let text = '';
  let at = start;
  for (; at + 8 <= end; at += 8) {
    const a = bytes[at] as number;
    const b = bytes[at + 1] as number;
    const c = bytes[at + 2] as number;
    const d = bytes[at + 3] as number;
    const e = bytes[at + 4] as number;
    const f = bytes[at + 5] as number;
    const g = bytes[at + 6] as number;
    const h = bytes[at + 7] as number;
    if ((a | b | c | d | e | f | g | h) >= 0x80) return undefined;
    text += String.fromCharCode(a, b, c, d, e, f, g, h);
  }
  for (; at < end; at++) {
    const byte = bytes[at] as number;
    if (byte >= 0x80) return undefined;
    text += String.fromCharCode(byte);
  }
  return text;
}

/** A malformed binary: the error every decoder throws. */
export function malformed(message: string, offset: number): ComponentError {
  return new ComponentError('TENON_MALFORMED', message, { offset });
}

/** What a proposal adds to the format that this engine does not run, said as that and not as wrong bytes. */
export function unsupportedProposal(what: string, offset: number): ComponentError {
  return new ComponentError('TENON_UNSUPPORTED', `the component uses ${what}, a proposal that this engine does not support`, { offset });
}

export class Reader {
  readonly bytes: Uint8Array;
  position: number;
  /** Nothing at or after this offset is read; narrowed while a section is read. */
  end: number;

  constructor(bytes: Uint8Array, start = 0, end: number = bytes.length) {
    this.bytes = bytes;
    this.position = start;
    this.end = end;
  }

  get left(): number {
    return this.end - this.position;
  }

  byte(): number {
    const byte = this.position < this.end ? this.bytes[this.position] : undefined;
    if (byte === undefined) throw this.endOfFile();
    this.position++;
    return byte;
  }

  peek(): number {
    const byte = this.position < this.end ? this.bytes[this.position] : undefined;
    if (byte === undefined) throw this.endOfFile();
    return byte;
  }

  /** Moves past `length` bytes and returns where they began. */
  skip(length: number): number {
    if (length > this.left) throw this.endOfFile();
    const start = this.position;
    this.position += length;
    return start;
  }

  u32(): number {
    const first = this.byte();
    if (first < 0x80) return first;
    let result = first & 0x7f;
    for (let shift = 7; ; shift += 7) {
      const byte = this.byte();
      if (shift === 28 && byte > 0x0f) {
        throw malformed(`invalid u32: integer ${byte >= 0x80 ? 'representation too long' : 'too large'}`, this.position - 1);
      }
      result |= (byte & 0x7f) << shift;
      if (byte < 0x80) return result >>> 0;
    }
  }

  u64(): bigint {
    let result = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.byte();
      if (shift === 63n && byte > 1) {
        throw malformed(`invalid u64: integer ${byte >= 0x80 ? 'representation too long' : 'too large'}`, this.position - 1);
      }
      result |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return result;
    }
  }

  /** A signed LEB128 of at most `bits` (32, 33 or 64) bits. Exact up to 53 bits of magnitude, which is all that callers look at. */
  signed(bits: number): number {
    let result = 0;
    let scale = 1;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      const bitsLeft = bits - shift;
      if (bitsLeft <= 7) {
        // Bits past the value's sign bit must repeat it.
        const unused = (byte << 25) >> (25 + bitsLeft - 1);
        if (byte >= 0x80 || (unused !== 0 && unused !== -1)) {
          throw malformed(`invalid s${bits}: integer ${byte >= 0x80 ? 'representation too long' : 'too large'}`, this.position - 1);
        }
      }
      result += (byte & 0x7f) * scale;
      scale *= 128;
      if (byte < 0x80) return (byte & 0x40) === 0 ? result : result - scale;
    }
  }

  /**
   * The count of a vector whose elements take at least one byte each, so no count makes the decoder allocate more than the input is long.
   * @param limit the implementation limit, the same as in other tools, for what `what` names
   */
  count(limit: number, what: string): number {
    const at = this.position;
    const count = this.u32();
    if (count > limit) throw malformed(`${what} count is out of bounds: ${count} exceeds ${limit}`, at);
    if (count > this.left) throw this.endOfFile(this.end);
    return count;
  }

  /** A vector: the count, then the elements. */
  vec<T>(limit: number, what: string, element: () => T): readonly T[] {
    const count = this.count(limit, what);
    if (count === 0) return EMPTY;
    // Pushed to, an array would have room for seventeen.
    const result = new Array<T>(Math.min(count, EXACT_LENGTH));
    for (let i = 0; i < count; i++) result[i] = element();
    return result;
  }

  bool(): boolean {
    const byte = this.byte();
    if (byte > 1) throw malformed(`invalid boolean value (0x${byte.toString(16)})`, this.position - 1);
    return byte === 1;
  }

  name(): string {
    const length = this.u32();
    if (length > MAX_STRING_BYTES) throw malformed(`string size out of bounds: ${length} exceeds ${MAX_STRING_BYTES}`, this.position - 1);
    const start = this.skip(length);
    const { bytes, position } = this;
    if (length <= SHORT_STRING_BYTES) {
      const text = shortAscii(bytes, start, position);
      if (text !== undefined) return text;
    }
    try {
      return utf8.decode(bytes.subarray(start, position));
    } catch {
      throw malformed('malformed UTF-8 encoding', start);
    }
  }

  /** The error for a byte, just read, that begins nothing the format knows. */
  invalidByte(byte: number, what: string, offset: number = this.position - 1): ComponentError {
    return malformed(`invalid leading byte (0x${byte.toString(16)}) for ${what}`, offset);
  }

  endOfFile(offset: number = this.position): ComponentError {
    return malformed('unexpected end-of-file', offset);
  }
}

keepOneOf(new Reader(new Uint8Array(0)));
