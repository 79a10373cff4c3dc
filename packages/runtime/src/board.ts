/** What a worker thread tells the main thread without a message, so that it is known when a guest holds the thread and no message comes. */

const BEAT = 0;
const FIRST_SLOT = 1;
/** Of a slot: the connection (0 when free, negative once the head of the answer is out), and when the request came in. */
const SLOT_WORDS = 2;

/** A connection with a request under way. */
export interface ConnectionState {
  /** The head of the answer is out. */
  readonly answering: boolean;
  readonly ageMs: number;
}

// Wraps after 24 days; ages are differences and stay right.
const now = (): number => Date.now() | 0;

/** Shared by both threads: the worker writes, the main thread reads. */
export class Board {
  readonly memory: SharedArrayBuffer;
  private readonly words: Int32Array<SharedArrayBuffer>;
  private readonly free: number[] = [];

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
    this.words = new Int32Array(memory);
    for (let slot = FIRST_SLOT; slot < this.words.length; slot += SLOT_WORDS) this.free.push(slot);
  }

  /** @param requests how many requests may be under way at once */
  static ofCapacity(requests: number): Board {
    return new Board(new SharedArrayBuffer(4 * (FIRST_SLOT + SLOT_WORDS * requests)));
  }

  beat(): void {
    Atomics.add(this.words, BEAT, 1);
  }

  get beats(): number {
    return Atomics.load(this.words, BEAT);
  }

  /** Notes a request. Returns its slot, or undefined when all are taken. */
  enter(connection: number): number | undefined {
    const slot = this.free.pop();
    if (slot === undefined) return undefined;
    Atomics.store(this.words, slot + 1, now());
    Atomics.store(this.words, slot, connection);
    return slot;
  }

  /** The head of the answer is on its way: no one else may answer any more. */
  answering(slot: number): void {
    Atomics.store(this.words, slot, -Math.abs(Atomics.load(this.words, slot)));
  }

  leave(slot: number): void {
    Atomics.store(this.words, slot, 0);
    this.free.push(slot);
  }

  /** The connections with requests under way. */
  states(): ReadonlyMap<number, ConnectionState> {
    const states = new Map<number, ConnectionState>();
    for (let slot = FIRST_SLOT; slot < this.words.length; slot += SLOT_WORDS) {
      const value = Atomics.load(this.words, slot);
      if (value === 0) continue;
      const connection = Math.abs(value);
      const answering = value < 0 || states.get(connection)?.answering === true;
      states.set(connection, { answering, ageMs: (now() - Atomics.load(this.words, slot + 1)) | 0 });
    }
    return states;
  }
}

/** Watches one board from the main thread. */
export class Watchdog {
  private readonly board: Board;
  private readonly patience: number;
  private beats = -1;
  private missed = 0;

  /** @param patience how many checks in a row may find no new beat */
  constructor(board: Board, patience: number) {
    this.board = board;
    this.patience = patience;
  }

  /**
   * To be called at even intervals. Returns whether the thread is stuck. It counts calls and does not look at the clock: a machine that
   * slept stops both threads, and no guest is to blame.
   */
  check(): boolean {
    const { beats } = this.board;
    this.missed = beats === this.beats ? this.missed + 1 : 0;
    this.beats = beats;
    return this.missed >= this.patience;
  }
}
