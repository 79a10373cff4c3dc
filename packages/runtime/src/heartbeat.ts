/** What a worker thread tells the main thread without a message, so that it is known when a guest holds the thread and no message comes. */
export class Heartbeat {
  readonly memory: SharedArrayBuffer;
  private readonly count: Int32Array<SharedArrayBuffer>;

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(4)) {
    this.memory = memory;
    this.count = new Int32Array(memory);
  }

  beat(): void {
    Atomics.add(this.count, 0, 1);
  }

  get beats(): number {
    return Atomics.load(this.count, 0);
  }
}

/** A thread that missed so many checks in a row is not seen to be at work. */
const SILENT = 2;

/** Watches one heartbeat from the main thread. */
export class Watchdog {
  private readonly heartbeat: Heartbeat;
  private readonly patience: number;
  private beats = -1;
  private missed = 0;

  /** @param patience how many checks in a row may find no new beat */
  constructor(heartbeat: Heartbeat, patience: number) {
    this.heartbeat = heartbeat;
    this.patience = patience;
  }

  /**
   * To be called at even intervals. Returns whether the thread is stuck. It counts calls and does not look at the clock: a machine that
   * slept stops both threads, and no guest is to blame.
   */
  check(): boolean {
    const { beats } = this.heartbeat;
    this.missed = beats === this.beats ? this.missed + 1 : 0;
    this.beats = beats;
    return this.missed >= this.patience;
  }

  /** Nothing was heard for a while: something holds the thread, for ever or not. */
  get silent(): boolean {
    return this.missed >= SILENT;
  }
}
