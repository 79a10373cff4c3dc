/** `wasi:io/poll` — https://github.com/WebAssembly/WASI/tree/main/wasip2/io */
import { blocking } from '@tenon/component';
import { mustTurn, type Readiness, turn, type Waiter, whenReady } from '../body/readiness.ts';

/**
 * Pollables that are polled together: the first that fires wakes whoever waits. A guest polls much the same list again and again, so its
 * members keep their group, and only those that are new have to be told.
 */
class Group {
  /** How often members have fired. */
  fires = 0;
  #waiting: PromiseWithResolvers<void> | undefined;

  /** Resolves when a member has fired more than so often: one may do so while it is being registered. */
  wait(fires: number): Promise<void> {
    if (this.fires !== fires) return Promise.resolve();
    this.#waiting ??= Promise.withResolvers();
    return this.#waiting.promise;
  }

  fire(): void {
    this.fires++;
    this.#waiting?.resolve();
    this.#waiting = undefined;
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
  #group: Group | undefined;

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
    this.#group?.fire();
  }

  /** The group that a list is polled in: that of its first, which lists keep longest. */
  get group(): Group {
    this.#group ??= new Group();
    return this.#group;
  }

  /** Whether it is ready; otherwise it is registered and fires for the group. One that is registered already is not asked again. */
  fired(group: Group): boolean {
    if (this.#group !== group) this.#group = group;
    if (this.#armed) return false;
    if (this.#on.ready()) return true;
    this.#armed = true;
    this.#on.add(this);
    return false;
  }

  [Symbol.dispose](): void {
    if (this.#armed) this.#on.remove(this);
  }

  static {
    blocking(Pollable.prototype.ready);
    blocking(Pollable.prototype.block);
  }
}

function readyOnes(pollables: readonly Pollable[], group: Group): number[] {
  const indices: number[] = [];
  for (let index = 0; index < pollables.length; index++) if ((pollables[index] as Pollable).fired(group)) indices.push(index);
  return indices;
}

async function firstOnes(pollables: readonly Pollable[], group: Group, fires: number): Promise<number[]> {
  for (let seen = fires; ; ) {
    await group.wait(seen);
    seen = group.fires;
    const indices = readyOnes(pollables, group);
    if (indices.length > 0) return indices;
  }
}

/** Indices of the ready ones; waits until there is one. The list must not be empty: that is a trap. */
export function poll(pollables: readonly Pollable[]): number[] | Promise<number[]> {
  const [first] = pollables;
  if (first === undefined) throw new Error('poll was called with an empty list: nothing would ever wake it');
  const { group } = first;
  const { fires } = group;
  const indices = readyOnes(pollables, group);
  if (indices.length === 0) return firstOnes(pollables, group, fires);
  return mustTurn()
    ? turn()
        .then(() => readyOnes(pollables, group))
        .then((later) => (later.length > 0 ? later : indices))
    : indices;
}
blocking(poll);

export const ioPoll: object = { Pollable, poll };
