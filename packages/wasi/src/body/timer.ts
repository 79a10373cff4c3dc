import type { Clocks } from './clock.ts';
import { Signal, type Waiter } from './readiness.ts';

/** Ready from an instant of the monotonic clock on. It costs nothing while nobody waits. */
export class Timer extends Signal {
  readonly instant: bigint;
  readonly #clocks: Clocks;
  /** Its index in the heap of its alarm, -1 while nobody waits. */
  place = -1;

  constructor(clocks: Clocks, instant: bigint) {
    super();
    this.#clocks = clocks;
    this.instant = instant;
  }

  override ready(): boolean {
    return this.#clocks.monotonic() >= this.instant;
  }

  override add(waiter: Waiter): void {
    super.add(waiter);
    if (this.place < 0) alarmOf(this.#clocks).add(this);
  }

  override remove(waiter: Waiter): void {
    super.remove(waiter);
    if (this.place >= 0 && !this.waited) alarmOf(this.#clocks).remove(this);
  }
}

const alarms = new WeakMap<Clocks, Alarm>();

function alarmOf(clocks: Clocks): Alarm {
  let alarm = alarms.get(clocks);
  if (alarm === undefined) {
    alarm = new Alarm(clocks);
    alarms.set(clocks, alarm);
  }
  return alarm;
}

// The longest delay that setTimeout knows, in milliseconds.
const LONGEST = 2 ** 31 - 1;

/** Wakes all timers of a clock: a heap, the earliest first, under one timer of Node. */
class Alarm {
  readonly #clocks: Clocks;
  readonly #heap: Timer[] = [];
  #timeout: NodeJS.Timeout | undefined;
  /** For which instant Node's timer is set. */
  #set = 0n;

  constructor(clocks: Clocks) {
    this.#clocks = clocks;
  }

  add(timer: Timer): void {
    this.#rise(timer, this.#heap.length);
    if (timer.place === 0) this.#arm();
  }

  /** Node's timer stays as it is while others wait: if it fires too early it is set again. */
  remove(timer: Timer): void {
    this.#take(timer);
    if (this.#heap.length === 0) this.#disarm();
  }

  #take({ place }: Timer): void {
    const heap = this.#heap;
    const taken = heap[place] as Timer;
    const last = heap.pop() as Timer;
    taken.place = -1;
    if (last === taken) return;
    this.#sink(last, place);
    this.#rise(last, last.place);
  }

  /** Puts a timer at a place, or above it where it is earlier than what is there. */
  #rise(timer: Timer, from: number): void {
    const heap = this.#heap;
    let place = from;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = heap[above] as Timer;
      if (parent.instant <= timer.instant) break;
      heap[place] = parent;
      parent.place = place;
      place = above;
    }
    heap[place] = timer;
    timer.place = place;
  }

  /** Puts a timer at a place, or below it where it is later than what is there. */
  #sink(timer: Timer, from: number): void {
    const heap = this.#heap;
    let place = from;
    for (;;) {
      let below = 2 * place + 1;
      const right = heap[below + 1];
      if (right !== undefined && right.instant < (heap[below] as Timer).instant) below++;
      const child = heap[below];
      if (child === undefined || child.instant >= timer.instant) break;
      heap[place] = child;
      child.place = place;
      place = below;
    }
    heap[place] = timer;
    timer.place = place;
  }

  #arm(): void {
    const first = this.#heap[0];
    if (first === undefined || (this.#timeout !== undefined && this.#set <= first.instant)) return;
    this.#disarm();
    this.#set = first.instant;
    const milliseconds = Math.ceil(Number(first.instant - this.#clocks.monotonic()) / 1e6);
    this.#timeout = setTimeout(this.#fire, Math.min(Math.max(milliseconds, 0), LONGEST));
  }

  #disarm(): void {
    clearTimeout(this.#timeout);
    this.#timeout = undefined;
  }

  readonly #fire = (): void => {
    this.#timeout = undefined;
    for (let first = this.#heap[0]; first?.ready(); first = this.#heap[0]) {
      this.#take(first);
      first.notify();
    }
    this.#arm();
  };
}
