/**
 * What a worker thread tells the main thread without either waiting for the other: a heartbeat, and which sockets wait for an answer.
 *
 * A guest that never stops computing blocks its whole thread, the HTTP server in it included. The main thread sees the heartbeat
 * stand still and answers the waiting clients itself before it ends the thread: file descriptors belong to the process, not to a thread.
 */

const BEAT = 0;
const WAITING = 1;
const FIRST_SLOT = 2;
/** Of a slot: the file descriptor plus one (0 is a free slot), and when the request came in. */
const SLOT_WORDS = 2;

/** A client that got no byte of its answer yet. */
export interface WaitingClient {
  readonly fd: number;
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

  /** How many requests are under way, answered in part or not at all. */
  get requests(): number {
    return Atomics.load(this.words, WAITING);
  }

  /** Notes a request. Returns its slot, or undefined when all are taken. */
  enter(fd: number): number | undefined {
    const slot = this.free.pop();
    if (slot === undefined) return undefined;
    Atomics.add(this.words, WAITING, 1);
    Atomics.store(this.words, slot + 1, now());
    Atomics.store(this.words, slot, fd + 1);
    return slot;
  }

  /** The first byte of the answer is on its way: from now on only the worker may write to the socket. */
  answering(slot: number): void {
    Atomics.store(this.words, slot, 0);
  }

  leave(slot: number): void {
    Atomics.store(this.words, slot, 0);
    Atomics.sub(this.words, WAITING, 1);
    this.free.push(slot);
  }

  /** Clients without an answer, each socket once. */
  waiting(): readonly WaitingClient[] {
    const clients = new Map<number, WaitingClient>();
    for (let slot = FIRST_SLOT; slot < this.words.length; slot += SLOT_WORDS) {
      const fd = Atomics.load(this.words, slot) - 1;
      if (fd >= 0) clients.set(fd, { fd, ageMs: (now() - Atomics.load(this.words, slot + 1)) | 0 });
    }
    return [...clients.values()];
  }
}

/** Watches one board from the main thread. */
export class Watchdog {
  private readonly board: Board;
  private readonly patience: number;
  private beats = -1;
  private missed = 0;

  /** @param patience how many checks in a row may find the thread busy with the same thing */
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
    if (beats !== this.beats || this.board.requests === 0) {
      this.beats = beats;
      this.missed = 0;
      return false;
    }
    this.missed++;
    return this.missed >= this.patience;
  }
}
