/** A linear memory of an instance that can be reset: it may be larger than the guest is told, since no memory ever shrinks. */

const PAGE_BYTES = 65_536;
/** What its addresses reach. */
const MAX_PAGES = 65_536;
const MAX_PAGES_64 = 2 ** 37;

export class GuestMemory {
  readonly memory: WebAssembly.Memory;
  /** What the guest is told. */
  pages: number;
  private readonly max: number;
  private readonly index64: boolean;

  constructor(memory: WebAssembly.Memory, max: number | undefined, index64: boolean) {
    this.memory = memory;
    this.pages = memory.buffer.byteLength / PAGE_BYTES;
    this.max = max ?? (index64 ? MAX_PAGES_64 : MAX_PAGES);
    this.index64 = index64;
  }

  /** What it really has, in bytes. */
  get bytes(): number {
    return this.memory.buffer.byteLength;
  }

  /**
   * `memory.grow`
   * @param take asks for so many bytes; negative to give them back
   * @returns the pages that it had, or -1
   */
  grow(delta: number, take: (bytes: number) => boolean): number {
    const before = this.pages;
    const pages = before + delta;
    if (pages > this.max) return -1;
    const missing = pages - this.bytes / PAGE_BYTES;
    if (missing > 0) {
      const bytes = missing * PAGE_BYTES;
      if (!take(bytes)) return -1;
      try {
        this.memory.grow((this.index64 ? BigInt(missing) : missing) as number);
      } catch {
        take(-bytes);
        return -1;
      }
    }
    this.pages = pages;
    return before;
  }
}
