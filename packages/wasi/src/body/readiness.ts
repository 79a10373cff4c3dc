/** One who waits. `wake` is called at most once for each time it was added. */
export interface Waiter {
  wake(): void;
}

/** Something that can become ready. Whoever changes it from unready to ready wakes every waiter. */
export interface Readiness {
  ready(): boolean;
  add(waiter: Waiter): void;
  remove(waiter: Waiter): void;
  /** Why nothing will ever make it ready, as long as a guest waits for it alone. */
  stuck?(): Error | undefined;
}

/** Keeps the waiters of something that becomes ready. */
export abstract class Signal implements Readiness {
  #waiters: Set<Waiter> | undefined;

  abstract ready(): boolean;

  add(waiter: Waiter): void {
    this.#waiters ??= new Set();
    this.#waiters.add(waiter);
  }

  remove(waiter: Waiter): void {
    this.#waiters?.delete(waiter);
  }

  /** Wakes everyone who waits. */
  notify(): void {
    const waiters = this.#waiters;
    if (waiters === undefined || waiters.size === 0) return;
    this.#waiters = undefined;
    for (const waiter of waiters) waiter.wake();
  }

  stuck(): Error | undefined {
    return undefined;
  }

  get waited(): boolean {
    return this.#waiters !== undefined && this.#waiters.size > 0;
  }
}

/** Always ready. */
export const READY: Readiness = { ready: () => true, add: (waiter) => waiter.wake(), remove: () => {} };

/** A value that arrives later: ready once it has been settled. */
export class Later<T> extends Signal {
  value: T | undefined;
  #settled = false;

  override ready(): boolean {
    return this.#settled;
  }

  settle(value: T): void {
    if (this.#settled) return;
    this.value = value;
    this.#settled = true;
    this.notify();
  }
}

/** Lets the event loop go round once. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

const GRACE = 64;
let grace = GRACE;

/**
 * Whether a caller whose calls are all answered at once should let the event loop go round.
 * Without it a guest that always finds something ready would starve every other one, and its own other I/O.
 */
export function mustTurn(): boolean {
  if (--grace > 0) return false;
  grace = GRACE;
  return true;
}

/**
 * Resolves when `on` is ready, and rejects when nothing will make it so. Who waits again and again for what is ready at once lets the event loop go round now and then: promises
 * alone would keep it from ever hearing of the other side.
 */
export async function whenReady(on: Readiness): Promise<void> {
  if (mustTurn()) await turn();
  while (!on.ready()) {
    const stuck = on.stuck?.();
    if (stuck !== undefined) throw stuck;
    await new Promise<void>((resolve) => on.add({ wake: resolve }));
  }
}
