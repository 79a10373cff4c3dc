/**
 * Buffers that streams and futures copy from and to.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#buffer-state
 */
import type { Context } from '../abi/context.ts';
import { listLoaderOf } from '../abi/load.ts';
import { listStorerOf } from '../abi/store.ts';
import { Trap } from '../errors.ts';
import { alignment, elemSize } from '../types/layout.ts';
import type { ValType } from '../types/types.ts';

/** The elements that are read from a buffer: as a list of the type is in JavaScript, or only their number where they carry nothing. */
export type Elements = ArrayLike<unknown>;

/** `Buffer` of the spec: one end's part in a copy. */
export interface Buffer {
  /** Elements copied so far. */
  readonly progress: number;
  /** Elements that may still be copied. */
  readonly remain: number;
  readonly isZeroLength: boolean;
  /** Takes the next `count` elements. */
  read(count: number): Elements;
  /** Puts elements next; there are at most as many as remain. */
  write(elements: Elements): void;
}

const NUMBERS: ReadonlySet<ValType['kind']> = new Set(['u8', 's8', 'u16', 's16', 'u32', 's32', 'u64', 's64', 'f32', 'f64']);

/** `none_or_number_type`: what is copied without lifting and lowering. */
export const isNoneOrNumber = (element: ValType | undefined): boolean => element === undefined || NUMBERS.has(element.kind);

/** `BufferGuestImpl`: elements in the memory of a component. */
export class GuestBuffer implements Buffer {
  /** `MAX_LENGTH` of the spec, in elements. */
  static readonly MAX_LENGTH: number = 2 ** 28 - 1;
  readonly length: number;
  progress = 0;
  private readonly cx: Context;
  private readonly element: ValType | undefined;
  private readonly size: number;
  private address: number;

  /** @throws Trap when the elements do not lie in the memory */
  constructor(cx: Context, element: ValType | undefined, address: number, length: number) {
    if (length > GuestBuffer.MAX_LENGTH)
      throw new Trap(`a buffer of ${length} elements is longer than the limit of ${GuestBuffer.MAX_LENGTH}`);
    this.cx = cx;
    this.element = element;
    this.size = element === undefined ? 0 : elemSize(element);
    this.address = address;
    this.length = length;
    if (element !== undefined && length > 0) cx.check(address, length * this.size, alignment(element), 'buffer');
  }

  get remain(): number {
    return this.length - this.progress;
  }

  get isZeroLength(): boolean {
    return this.length === 0;
  }

  read(count: number): Elements {
    const { address, cx, element } = this;
    this.advance(count);
    if (element === undefined) return nothings(count);
    cx.renew();
    return listLoaderOf(element)(cx, address, count) as Elements;
  }

  /** As {@link read}, for JavaScript code of the embedder. */
  readForHost(count: number): Elements {
    const { cx } = this;
    cx.internal = false;
    try {
      return this.read(count);
    } finally {
      cx.internal = true;
    }
  }

  write(elements: Elements): void {
    const { address, cx, element } = this;
    const { length } = elements;
    this.advance(length);
    if (element === undefined) return;
    cx.renew();
    listStorerOf(element)(cx, elements, address, length);
  }

  /** From memory to memory. */
  copyTo(other: GuestBuffer, count: number): void {
    const { address, cx, element, size } = this;
    if (!isNoneOrNumber(element)) {
      other.write(this.read(count));
      return;
    }
    if (size > 0) {
      cx.renew();
      other.cx.renew();
      other.cx.bytes.set(cx.bytes.subarray(address, address + count * size), other.address);
    }
    this.advance(count);
    other.advance(count);
  }

  private advance(count: number): void {
    this.progress += count;
    this.address += count * this.size;
  }
}

/** So many elements that carry nothing. */
export const nothings = (count: number): Elements => ({ length: count });

/** Copies as many elements as both have room for. */
export function copy(from: Buffer, to: Buffer): void {
  const count = Math.min(from.remain, to.remain);
  if (from instanceof GuestBuffer) {
    if (to instanceof GuestBuffer) from.copyTo(to, count);
    else to.write(from.readForHost(count));
  } else {
    const elements = from.read(count);
    to.write(to instanceof GuestBuffer ? elements : owned(elements));
  }
}

/** What one piece of JavaScript gives another through a component becomes the other's own, as if it had been in memory. */
function owned(elements: Elements): Elements {
  return ArrayBuffer.isView(elements) ? Uint8Array.prototype.slice.call(elements) : elements;
}
