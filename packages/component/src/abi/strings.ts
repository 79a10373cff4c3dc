/**
 * Strings in linear memory, in all three encodings.
 * Lowering follows the `realloc` protocol for a source of UTF-16 code units, which is what a JavaScript string is.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#loading
 */
import { Trap } from '../errors.ts';
import type { Context } from './context.ts';
import { Misfit } from './misfit.ts';

/** `MAX_STRING_BYTE_LENGTH` of the spec. */
export const MAX_STRING_BYTES: number = 2 ** 28 - 1;
/** `utf16_tag` of the spec: marks the length of a `latin1+utf16` string that is UTF-16. */
const UTF16_TAG = 0x8000_0000;

// Up to these lengths a loop in JavaScript is faster than the call of the platform's coder (70–140 ns).
const SHORT_DECODE = 24;
const SHORT_ENCODE = 32;
/** Arguments of one `String.fromCharCode` call; far below any engine's limit. */
const CHUNK = 4096;

const encoder = new TextEncoder();
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const utf16 = new TextDecoder('utf-16le', { fatal: true, ignoreBOM: true });
const { fromCharCode } = String;

/** `load_string_from_range`. */
export function loadString(cx: Context, address: number, tagged: number): string {
  switch (cx.encoding) {
    case 'utf8':
      return loadUtf8(checked(cx, address, tagged, 1), address, tagged);
    case 'utf16':
      return loadUtf16(checked(cx, address, 2 * tagged, 2), address, tagged);
    case 'latin1+utf16': {
      if ((tagged & UTF16_TAG) === 0) return loadLatin1(checked(cx, address, tagged, 2), address, tagged);
      const units = tagged - UTF16_TAG;
      return loadUtf16(checked(cx, address, 2 * units, 2), address, units);
    }
  }
}

/** What a string takes of the host beside its characters. */
const HEADER = 24;

function checked(cx: Context, address: number, size: number, align: number): Uint8Array {
  const { bytes } = cx;
  if (address % align !== 0) throw new Trap(`unaligned pointer: string pointer not aligned to ${align}`);
  if (address + size > bytes.length) throw new Trap('string pointer/length out of bounds of memory');
  if (size > MAX_STRING_BYTES) throw new Trap(`string of ${size} bytes is longer than the limit of ${MAX_STRING_BYTES}`);
  cx.hold(HEADER + size);
  return bytes;
}

function loadUtf8(bytes: Uint8Array, address: number, length: number): string {
  if (length <= SHORT_DECODE) {
    const text = shortAscii(bytes, address, length);
    if (text !== undefined) return text;
  }
  try {
    return utf8.decode(bytes.subarray(address, address + length));
  } catch {
    throw new Trap(invalidUtf8(bytes, address, length));
  }
}

function shortAscii(bytes: Uint8Array, address: number, length: number): string | undefined {
  let text = '';
  let i = address;
  const end = address + length;
  for (; i + 8 <= end; i += 8) {
    const a = bytes[i] as number;
    const b = bytes[i + 1] as number;
    const c = bytes[i + 2] as number;
    const d = bytes[i + 3] as number;
    const e = bytes[i + 4] as number;
    const f = bytes[i + 5] as number;
    const g = bytes[i + 6] as number;
    const h = bytes[i + 7] as number;
    if ((a | b | c | d | e | f | g | h) > 0x7f) return undefined;
    text += fromCharCode(a, b, c, d, e, f, g, h);
  }
  if (i + 4 <= end) {
    const a = bytes[i] as number;
    const b = bytes[i + 1] as number;
    const c = bytes[i + 2] as number;
    const d = bytes[i + 3] as number;
    if ((a | b | c | d) > 0x7f) return undefined;
    text += fromCharCode(a, b, c, d);
    i += 4;
  }
  switch (end - i) {
    case 1: {
      const a = bytes[i] as number;
      return a > 0x7f ? undefined : text + fromCharCode(a);
    }
    case 2: {
      const a = bytes[i] as number;
      const b = bytes[i + 1] as number;
      return (a | b) > 0x7f ? undefined : text + fromCharCode(a, b);
    }
    case 3: {
      const a = bytes[i] as number;
      const b = bytes[i + 1] as number;
      const c = bytes[i + 2] as number;
      return (a | b | c) > 0x7f ? undefined : text + fromCharCode(a, b, c);
    }
    default:
      return text;
  }
}

/** Says what is wrong with bytes that are not UTF-8: the first ill-formed sequence, or that the last is cut off. */
function invalidUtf8(bytes: Uint8Array, address: number, length: number): string {
  const end = address + length;
  for (let i = address; i < end; ) {
    const lead = bytes[i] as number;
    if (lead < 0x80) {
      i++;
      continue;
    }
    const size = lead >= 0xc2 && lead <= 0xdf ? 2 : lead >= 0xe0 && lead <= 0xef ? 3 : lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
    let have = 1;
    for (; have < size && i + have < end; have++) {
      const next = bytes[i + have] as number;
      // Table 3-7 of the Unicode Standard: the second byte is what excludes overlong forms, surrogates and too large values.
      const low = have > 1 ? 0x80 : lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
      const high = have > 1 ? 0xbf : lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
      if (next < low || next > high) break;
    }
    if (have === size) i += size;
    else if (size !== 0 && i + have === end) return `incomplete utf-8 byte sequence from index ${i - address}`;
    else return `invalid utf-8 sequence of ${have} bytes from index ${i - address}`;
  }
  return 'invalid utf-8';
}

function loadUtf16(bytes: Uint8Array, address: number, units: number): string {
  if (units <= SHORT_DECODE) {
    let text = '';
    for (let i = 0; i < units; i++) {
      const at = address + 2 * i;
      text += fromCharCode((bytes[at] as number) | ((bytes[at + 1] as number) << 8));
    }
    if (!text.isWellFormed()) throw new Trap('invalid utf-16: unpaired surrogate found');
    return text;
  }
  try {
    return utf16.decode(bytes.subarray(address, address + 2 * units));
  } catch {
    throw new Trap('invalid utf-16: unpaired surrogate found');
  }
}

// Not TextDecoder('latin1'), which is windows-1252.
function loadLatin1(bytes: Uint8Array, address: number, length: number): string {
  if (length <= SHORT_DECODE) {
    const text = shortAscii(bytes, address, length);
    if (text !== undefined) return text;
  }
  let text = '';
  for (let done = 0; done < length; done += CHUNK) {
    const chunk = bytes.subarray(address + done, address + Math.min(done + CHUNK, length));
    text += fromCharCode.apply(undefined, chunk as unknown as number[]);
  }
  return text;
}

/** `store_string_into_range`: returns the address, and leaves the tagged number of code units in `cx.units`. */
export function storeString(cx: Context, text: string): number {
  if (text.length > MAX_STRING_BYTES) throw tooLong(text);
  switch (cx.encoding) {
    case 'utf8':
      return storeUtf8(cx, text);
    case 'utf16':
      return storeUtf16(cx, text);
    case 'latin1+utf16':
      return storeLatin1OrUtf16(cx, text);
  }
}

const tooLong = (text: string): Misfit => new Misfit(`a string of at most ${MAX_STRING_BYTES} bytes`, text);

/**
 * The host may hold its strings in UTF-8, so what is allocated is exact. The growing protocol of `store_string_to_utf8` is for sources whose
 * length is unknown, and allocators that cannot grow (the preview 1 adapter's) would trap.
 */
function storeUtf8(cx: Context, text: string): number {
  const { length } = text;
  if (length > SHORT_ENCODE || !copyAscii(text)) return storeEncoded(cx, encoder.encode(text), text);
  const address = cx.realloc(0, 0, 1, length);
  const { bytes } = cx;
  for (let i = 0; i < length; i++) bytes[address + i] = short[i] as number;
  cx.units = length;
  return address;
}

/** A short text between its check and `realloc`: reading it from a string a second time would cost twice as much. */
const short = new Uint8Array(SHORT_ENCODE);

/** Copies to {@link short}. @returns whether the text is ASCII */
function copyAscii(text: string): boolean {
  let all = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    all |= unit;
    short[i] = unit;
  }
  return all <= 0x7f;
}

function storeEncoded(cx: Context, encoded: Uint8Array, text: string): number {
  if (encoded.length > MAX_STRING_BYTES) throw tooLong(text);
  const address = cx.realloc(0, 0, 1, encoded.length);
  cx.bytes.set(encoded, address);
  cx.units = encoded.length;
  return address;
}

function storeUtf16(cx: Context, text: string): number {
  const { length } = text;
  if (2 * length > MAX_STRING_BYTES) throw tooLong(text);
  const address = cx.realloc(0, 0, 2, 2 * length);
  writeUtf16(cx, address, text);
  cx.units = length;
  return address;
}

function writeUtf16(cx: Context, address: number, text: string): void {
  const whole = text.isWellFormed() ? text : text.toWellFormed();
  const { view } = cx;
  for (let i = 0; i < whole.length; i++) view.setUint16(address + 2 * i, whole.charCodeAt(i), true);
}

function storeLatin1OrUtf16(cx: Context, text: string): number {
  const { length } = text;
  let address = cx.realloc(0, 0, 2, length);
  const { bytes } = cx;
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0xff) {
      if (2 * length > MAX_STRING_BYTES) throw tooLong(text);
      address = cx.realloc(address, length, 2, 2 * length);
      writeUtf16(cx, address, text);
      cx.units = length + UTF16_TAG;
      return address;
    }
    bytes[address + i] = unit;
  }
  cx.units = length;
  return address;
}
