/**
 * A budget for structural work on types. Real components use a thousandth of it; a hostile one that makes
 * small bytes mean much work (many instantiations of one huge type) is refused instead of taking minutes.
 */
const LIMIT = 20_000_000;

export class Effort {
  private left = LIMIT;
  private readonly exhausted: () => Error;

  constructor(exhausted: () => Error) {
    this.exhausted = exhausted;
  }

  spend(steps: number): void {
    this.left -= steps;
    if (this.left < 0) throw this.exhausted();
  }
}
