/** Reading mangled names: a text, a place in it, and bounds, since a short name of a hostile guest can stand for an endless one. */

/** What a name may grow to, in characters. */
const MAX_LENGTH = 2_000;
const MAX_DEPTH = 100;
const MAX_STEPS = 20_000;

class Unreadable extends Error {}
const UNREADABLE = new Unreadable('not a mangled name');

export class Unmangled {
  protected readonly text: string;
  protected position = 0;
  private depth = 0;
  private steps = 0;

  constructor(text: string) {
    this.text = text;
  }

  /** What `read` returns, or undefined when the name is not one of those that it reads. */
  static attempt(read: () => string): string | undefined {
    try {
      return read();
    } catch (error) {
      if (error === UNREADABLE) return undefined;
      throw error;
    }
  }

  protected fail(): never {
    throw UNREADABLE;
  }

  protected nested<T>(read: () => T): T {
    if (++this.depth > MAX_DEPTH || ++this.steps > MAX_STEPS) this.fail();
    const result = read();
    this.depth--;
    return result;
  }

  /** Reads at another place, and goes on here. */
  protected from<T>(position: number, read: () => T): T {
    const before = this.position;
    this.position = position;
    const result = this.nested(read);
    this.position = before;
    return result;
  }

  protected bounded(text: string): string {
    return text.length > MAX_LENGTH ? this.fail() : text;
  }

  protected get done(): boolean {
    return this.position >= this.text.length;
  }

  protected peek(): string {
    return this.text.charAt(this.position);
  }

  protected next(): string {
    if (this.done) this.fail();
    return this.text.charAt(this.position++);
  }

  protected chars(length: number): string {
    const end = this.position + length;
    if (end > this.text.length) this.fail();
    const part = this.text.slice(this.position, end);
    this.position = end;
    return part;
  }

  /** Takes a text if it is next. */
  protected take(text: string): boolean {
    if (!this.text.startsWith(text, this.position)) return false;
    this.position += text.length;
    return true;
  }

  protected decimal(): number {
    const digits = /^\d+/.exec(this.text.slice(this.position, this.position + 10))?.[0] ?? this.fail();
    this.position += digits.length;
    return Number(digits);
  }
}
