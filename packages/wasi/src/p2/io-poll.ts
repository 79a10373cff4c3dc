/** `wasi:io/poll` — https://github.com/WebAssembly/WASI/tree/main/wasip2/io */
import { blocking } from '@tenon/component';
import { mustTurn, type Readiness, turn, type Waiter, whenReady } from '../body/readiness.ts';

/** One suspended `poll`: the first pollable that fires ends it. */
class Wait {
  readonly promise: Promise<void>;
  fire: () => void;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.promise = promise;
    this.fire = resolve;
  }
}

/**
 * The resource `pollable`.
 * Once polled it stays registered until it fires or is dropped, so that polling a long list again and again costs a glance
 * at each member and a wake costs the same however long the list is.
 */
export class Pollable implements Waiter {
  readonly #on: Readiness;
  #armed = false;
  #wait: Wait | undefined;

  constructor(on: Readiness) {
    this.#on = on;
  }

  /** When nothing is ready the event loop goes round once, so that a guest that asks again and again makes progress. */
  ready(): boolean | Promise<boolean> {
    if (this.#on.ready()) return true;
    return turn().then(() => this.#on.ready());
  }

  block(): void | Promise<void> {
    if (!this.#on.ready()) return whenReady(this.#on);
    if (mustTurn()) return turn();
  }

  wake(): void {
    this.#armed = false;
    this.#wait?.fire();
  }

  /** Whether it is ready. One that is registered and has not fired is not, and nobody is asked. */
  fired(): boolean {
    return !this.#armed && this.#on.ready();
  }

  /** Registers for `wait`. */
  arm(wait: Wait): void {
    this.#wait = wait;
    if (this.#armed) return;
    this.#armed = true;
    this.#on.add(this);
  }

  [Symbol.dispose](): void {
    this.#wait = undefined;
    if (this.#armed) this.#on.remove(this);
  }

  static {
    blocking(Pollable.prototype.ready);
    blocking(Pollable.prototype.block);
  }
}

function readyOnes(pollables: readonly Pollable[]): number[] {
  const indices: number[] = [];
  for (let index = 0; index < pollables.length; index++) if (pollables[index]?.fired()) indices.push(index);
  return indices;
}

async function firstOnes(pollables: readonly Pollable[]): Promise<number[]> {
  for (;;) {
    const wait = new Wait();
    for (const pollable of pollables) pollable.arm(wait);
    await wait.promise;
    const indices = readyOnes(pollables);
    if (indices.length > 0) return indices;
  }
}

/** Indices of the ready ones; waits until there is one. The list must not be empty: that is a trap. */
export function poll(pollables: readonly Pollable[]): number[] | Promise<number[]> {
  if (pollables.length === 0) throw new Error('poll was called with an empty list: nothing would ever wake it');
  const indices = readyOnes(pollables);
  if (indices.length === 0) return firstOnes(pollables);
  return mustTurn()
    ? turn()
        .then(() => readyOnes(pollables))
        .then((later) => (later.length > 0 ? later : indices))
    : indices;
}
blocking(poll);

export const ioPoll: object = { Pollable, poll };
