/**
 * A budget for structural work on types and, while linking, for definitions: those of a nested component count once for each
 * instance of it. Real components use some thousand steps; a hostile one that makes small bytes mean
 * much work (many instantiations of one huge type) is refused instead of taking minutes and gigabytes.
 */
export const BASE_EFFORT = 600_000;

export class Effort {
  private left: number;
  private readonly exhausted: () => Error;

  /**
   * @param inputBytes the length of the component: a longer one may cost more.
   * @param base steps that even the shortest may take
   */
  constructor(inputBytes: number, exhausted: () => Error, base: number = BASE_EFFORT) {
    this.left = base + inputBytes;
    this.exhausted = exhausted;
  }

  spend(steps: number): void {
    this.left -= steps;
    if (this.left >= 0) return;
    const error = this.exhausted();
    // Until its stack is formatted an error keeps what the frames hold, which is all that the work has made so far.
    void error.stack;
    throw error;
  }
}
