import { builtins } from './builtins.ts';

/** Where random bytes come from. */
export interface Randomness {
  /** Fills the array with bytes that nobody can predict. */
  secure(into: Uint8Array<ArrayBuffer>): void;
  /** Fills the array with bytes that only look random. */
  insecure(into: Uint8Array<ArrayBuffer>): void;
  /** 128 bits that differ from run to run, so that hash tables of guests do. */
  seed(): readonly [bigint, bigint];
}

const POOL = 4096;

/** Random words from a pool that is filled at once: one call of the system per 512 words. */
export class Words {
  readonly #fill: (into: Uint8Array<ArrayBuffer>) => void;
  readonly #bytes = new Uint8Array(POOL);
  readonly #words = new BigUint64Array(this.#bytes.buffer);
  #next: number = this.#words.length;

  constructor(fill: (into: Uint8Array<ArrayBuffer>) => void) {
    this.#fill = fill;
  }

  next(): bigint {
    if (this.#next === this.#words.length) {
      this.#fill(this.#bytes);
      this.#next = 0;
    }
    const word = this.#words[this.#next] ?? 0n;
    // What was handed out must not be found in memory later.
    this.#words[this.#next++] = 0n;
    return word;
  }
}

const fillSecurely = (into: Uint8Array<ArrayBuffer>): void => {
  builtins.crypto.randomFillSync(into);
};

export const SYSTEM_RANDOMNESS: Randomness = {
  secure: fillSecurely,
  insecure: fillSecurely,
  seed() {
    const words = new BigUint64Array(2);
    builtins.crypto.randomFillSync(words);
    return [words[0] ?? 0n, words[1] ?? 0n];
  },
};
