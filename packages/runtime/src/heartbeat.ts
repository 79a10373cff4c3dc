/** What a worker thread tells the main thread without a message, so that it is known when a guest holds the thread and no message comes. */
export class Heartbeat {
  /** How often it beats and is looked at, in milliseconds. */
  static readonly INTERVAL_MS = 500;
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

/** Watches one heartbeat from the main thread. */
export class Watchdog {
  private readonly heartbeat: Heartbeat;
  private beats = -1;
  private missed = 0;

  constructor(heartbeat: Heartbeat) {
    this.heartbeat = heartbeat;
  }

  /**
   * To be called at even intervals. Returns how many checks in a row have found no new beat. It counts calls and does not look at the clock: a
   * machine that slept stops all threads, and no guest is to blame.
   */
  check(): number {
    const { beats } = this.heartbeat;
    this.missed = beats === this.beats ? this.missed + 1 : 0;
    this.beats = beats;
    return this.missed;
  }
}
