/**
 * What advances the clocks of all cells, so that guests look up wherever they are: a thread of its own, one for the runtime. While no call is
 * under way it sleeps. Cells say through a few shared words whether they need it.
 */
import { parentPort } from 'node:worker_threads';
import { EpochClock } from '@tenon/component/clock';

/** Whether the thread sleeps; behind it how many calls are under way in each cell. */
const ASLEEP = 0;
const CALLS = 1;

/** So many ticks without a call under way, and it sleeps. */
const IDLE_TICKS = 100;

/** The clocks of the cells and what they say to the thread. */
export interface TickerMemory {
  readonly clocks: readonly WebAssembly.Memory[];
  readonly words: SharedArrayBuffer;
}

export function tickerMemory(cells: number): TickerMemory {
  return {
    clocks: Array.from({ length: cells }, () => new EpochClock().share()),
    words: new SharedArrayBuffer(4 * (CALLS + cells)),
  };
}

/** A cell's side: its clock, and how many calls it has under way. */
export class CellClock {
  readonly clock: EpochClock;
  private readonly words: Int32Array<SharedArrayBuffer>;
  private readonly cell: number;

  /** @param cell which of the runtime's cells it is */
  constructor({ clocks, words }: TickerMemory, cell: number) {
    const memory = clocks[cell];
    if (memory === undefined) throw new Error(`internal error: no clock for cell ${cell}`);
    this.clock = EpochClock.fromShared(memory);
    this.words = new Int32Array(words);
    this.cell = cell;
  }

  /** A call begins. Without a tick its guest would never look up. */
  enter(): void {
    Atomics.add(this.words, CALLS + this.cell, 1);
    if (Atomics.load(this.words, ASLEEP) === 1) this.wake();
  }

  private wake(): void {
    // Limits count from now, and the clock has stood still.
    this.clock.tick();
    Atomics.store(this.words, ASLEEP, 0);
    Atomics.notify(this.words, ASLEEP);
  }

  /** It has ended. */
  leave(): void {
    Atomics.sub(this.words, CALLS + this.cell, 1);
  }

  /** A cell that was lost has no calls under way. */
  static forget({ words }: TickerMemory, cell: number): void {
    Atomics.store(new Int32Array(words), CALLS + cell, 0);
  }
}

/** The thread's side. It never ends by itself. */
export function tick({ clocks: memories, words: shared }: TickerMemory): void {
  const words = new Int32Array(shared);
  const clocks = memories.map((memory) => EpochClock.fromShared(memory));
  let idle = 0;
  // What waits for a word to change does not keep a thread alive.
  parentPort?.on('message', () => {});
  const busy = (): boolean => {
    for (let i = CALLS; i < words.length; i++) if (Atomics.load(words, i) > 0) return true;
    return false;
  };
  const begin = (): void => {
    idle = 0;
    const ticking = setInterval(() => {
      for (const clock of clocks) clock.tick();
      idle = busy() ? 0 : idle + 1;
      if (idle < IDLE_TICKS) return;
      Atomics.store(words, ASLEEP, 1);
      // A call that begins now has seen it, or is seen here.
      if (busy()) {
        Atomics.store(words, ASLEEP, 0);
        idle = 0;
        return;
      }
      clearInterval(ticking);
      const woken = Atomics.waitAsync(words, ASLEEP, 1);
      if (woken.async) void woken.value.then(begin);
      else begin();
    }, clocks[0]?.periodMs);
  };
  begin();
}
