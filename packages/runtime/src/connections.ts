/** The connections of an address, counted in memory that all cells share: each cell has a place of its own in it, so that a lost one counts no more. */
export class ConnectionCount {
  private readonly counts: Int32Array<SharedArrayBuffer>;
  private readonly cell: number;
  private readonly most: number;

  /** @param memory four bytes for each cell; @param cell which of them this is */
  constructor(memory: SharedArrayBuffer, cell: number, most: number) {
    this.counts = new Int32Array(memory);
    this.cell = cell;
    this.most = most;
  }

  /** Counts one more, unless there are as many as may be. */
  enter(): boolean {
    Atomics.add(this.counts, this.cell, 1);
    let all = 0;
    for (let i = 0; i < this.counts.length; i++) all += Atomics.load(this.counts, i);
    if (all <= this.most) return true;
    this.leave();
    return false;
  }

  leave(): void {
    Atomics.sub(this.counts, this.cell, 1);
  }
}

/** Memory for {@link ConnectionCount}. */
export const connectionMemory = (cells: number): SharedArrayBuffer => new SharedArrayBuffer(4 * cells);

/** A cell that was lost has no connections. */
export function forget(memory: SharedArrayBuffer, cell: number): void {
  Atomics.store(new Int32Array(memory), cell, 0);
}
