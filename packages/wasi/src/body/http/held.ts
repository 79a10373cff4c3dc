import { type Budget, Charge, OBJECT_BYTES, tooMuch } from '../budget.ts';
import { EMPTY } from '../streams.ts';

/** The most bytes of a body that are held until its head can go; a guest may write so much before it gives the response, or sends the request. */
const MOST = 1 << 20;

/** Pieces up to this length share pages: a buffer for each would take more than what is in it. */
const SMALL = 1024;
const PAGE = 16 * 1024;

/** The beginning of a body whose head has not gone yet. */
export class Held {
  readonly #charge: Charge;
  #parts: Uint8Array[] = [];
  #length = 0;
  #page: Buffer = Buffer.alloc(0);
  /** How much of the page is used; what is used last is the last part. */
  #used = 0;
  #from = 0;

  /** @param budget of the instance whose body it is; that of the caller unless given */
  constructor(budget?: Budget) {
    this.#charge = new Charge(budget);
  }

  /** Bytes that {@link add} takes now. */
  get room(): number {
    return Math.max(0, Math.min(MOST - this.#length, this.#charge.budget.left - OBJECT_BYTES));
  }

  /** Whether the limit for one body is reached, and not that for all that the host holds. */
  get full(): boolean {
    return this.#length >= MOST;
  }

  /** @throws Error when the instance's budget has no room */
  add(bytes: Uint8Array): void {
    if (!this.#charge.take(bytes.length + OBJECT_BYTES)) throw tooMuch(`${bytes.length} bytes of a body`);
    this.#length += bytes.length;
    // Most bodies are one piece.
    if (bytes.length > SMALL || this.#parts.length === 0) {
      this.#parts.push(bytes);
      this.#from = this.#used;
      return;
    }
    if (this.#page.length - this.#used < bytes.length) {
      this.#page = Buffer.allocUnsafeSlow(PAGE);
      this.#used = 0;
      this.#from = 0;
    }
    // What the piece before it left of its overhead is not needed.
    const begins = this.#from === this.#used;
    this.#page.set(bytes, this.#used);
    this.#used += bytes.length;
    const part = this.#page.subarray(this.#from, this.#used);
    if (begins) {
      this.#parts.push(part);
      return;
    }
    this.#parts[this.#parts.length - 1] = part;
    this.#charge.give(OBJECT_BYTES);
  }

  /** All of it in one piece; it is not held any more. */
  take(): Uint8Array {
    const [only = EMPTY] = this.#parts;
    const all = this.#parts.length > 1 ? Buffer.concat(this.#parts) : only;
    this.clear();
    return all;
  }

  clear(): void {
    this.#parts = [];
    this.#length = 0;
    this.#page = Buffer.alloc(0);
    this.#used = 0;
    this.#from = 0;
    this.#charge.end();
  }
}
