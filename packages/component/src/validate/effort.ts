/**
 * A budget for structural work on types. Real components use some thousand steps; a hostile one that makes small bytes mean
 * much work (many instantiations of one huge type) is refused instead of taking minutes and gigabytes.
 */
const BASE = 1_000_000;

export class Effort {
  private left: number;
  private readonly exhausted: () => Error;

  /** @param inputBytes the length of the component: a longer one may cost more. */
  constructor(inputBytes: number, exhausted: () => Error) {
    this.left = BASE + inputBytes;
    this.exhausted = exhausted;
  }

  spend(steps: number): void {
    this.left -= steps;
    if (this.left < 0) throw this.exhausted();
  }
}
