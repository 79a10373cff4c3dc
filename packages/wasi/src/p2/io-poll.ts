/** `wasi:io/poll` — https://github.com/WebAssembly/WASI/tree/main/wasip2/io */
import { blocking, inPlace, type KeptList } from '@tenon/component';
import { callerBudget } from '../body/budget.ts';
import { mustTurn, type Readiness, turn, type Waiter } from '../body/readiness.ts';

/**
 * A list that is polled. A guest polls much the same list again and again: members are registered once and tell when they fire, so that
 * afterwards only those are asked where something has happened.
 */
class Group {
  readonly list: readonly Pollable[];
  /** Indices of members that are not registered: they were ready at the last poll, or have fired since. */
  #loose: number[] = [];
  /** Whether a member may be registered elsewhere, or at another index: then all must be asked. */
  #unsure = true;
  #waiting: PromiseWithResolvers<void> | undefined;

  constructor(list: readonly Pollable[]) {
    this.list = list;
  }

  /** Indices of those that are ready; all others are registered then. */
  ready(changed: readonly number[] = []): number[] {
    const { list } = this;
    const loose = this.#loose;
    const unsure = this.#unsure;
    this.#loose = [];
    this.#unsure = false;
    const indices: number[] = [];
    if (unsure || loose.length + changed.length > list.length >> 3) {
      for (let index = 0; index < list.length; index++) this.#ask(index, indices);
    } else {
      for (const index of new Set([...loose, ...changed].sort((a, b) => a - b))) if (index < list.length) this.#ask(index, indices);
    }
    for (const index of indices) this.#loose.push(index);
    return indices;
  }

  #ask(index: number, indices: number[]): void {
    if ((this.list[index] as Pollable).fired(this, index)) indices.push(index);
  }

  /** Resolves when a member has fired since all were asked: it may have done so while it was being registered. */
  wait(): Promise<void> {
    if (this.#loose.length > 0) return Promise.resolve();
    this.#waiting ??= Promise.withResolvers();
    return this.#waiting.promise;
  }

  /** Whoever was registered at an index is registered elsewhere from now on. */
  leave(member: Pollable, index: number): void {
    if (this.list[index] === member) this.#unsure = true;
  }

  fire(index: number): void {
    this.#loose.push(index);
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }
}

/** The resource `pollable`. Once polled it stays registered until it fires or is dropped. */
export class Pollable implements Waiter {
  readonly #on: Readiness;
  #armed = false;
  #group: Group | undefined;
  #index = 0;
  /** The guest that is in {@link block}. */
  #blocked: Waiter | undefined;
  #dropped = false;

  constructor(on: Readiness) {
    this.#on = on;
  }

  /** When nothing is ready the event loop goes round once, so that a guest that asks again and again makes progress. */
  ready(): boolean | Promise<boolean> {
    if (this.#on.ready()) return true;
    return turn().then(() => this.#on.ready());
  }

  block(): void | Promise<void> {
    if (!this.#on.ready()) return this.#awaited();
    if (mustTurn()) return turn();
  }

  async #awaited(): Promise<void> {
    // A guest that waits again and again for what is ready soon lets the event loop go round now and then.
    if (mustTurn()) await turn();
    while (!this.#dropped && !this.#on.ready()) {
      const stuck = this.#on.stuck?.();
      if (stuck !== undefined) throw stuck;
      await new Promise<void>((resolve) => {
        this.#blocked = { wake: resolve };
        this.#on.add(this.#blocked);
      });
      this.#blocked = undefined;
    }
  }

  /** Why nothing will ever make it ready, as long as a guest waits for it alone. */
  stuck(): Error | undefined {
    return this.#on.stuck?.();
  }

  wake(): void {
    this.#armed = false;
    this.#group?.fire(this.#index);
  }

  /** Whether it is ready; otherwise it is registered and fires for this member of the group. One that is registered already is not asked. */
  fired(group: Group, index: number): boolean {
    if (this.#dropped) return false;
    if (this.#armed) {
      if (this.#group === group && this.#index === index) return false;
      this.#group?.leave(this, this.#index);
    }
    this.#group = group;
    this.#index = index;
    if (this.#armed) return false;
    if (this.#on.ready()) return true;
    this.#armed = true;
    this.#on.add(this);
    return false;
  }

  /** Whoever waits for it waits for nothing any more: its guest has ended. */
  [Symbol.dispose](): void {
    this.#dropped = true;
    if (this.#armed) {
      this.#on.remove(this);
      this.wake();
    }
    const blocked = this.#blocked;
    if (blocked === undefined) return;
    this.#on.remove(blocked);
    blocked.wake();
  }

  static {
    blocking(Pollable.prototype.ready);
    blocking(Pollable.prototype.block);
  }
}

const groups = new WeakMap<readonly Pollable[], Group>();

function groupOf(list: readonly Pollable[]): Group {
  let group = groups.get(list);
  if (group === undefined) {
    group = new Group(list);
    groups.set(list, group);
  }
  return group;
}

async function firstOnes(group: Group): Promise<number[]> {
  const budget = callerBudget();
  if (group.list.every((member) => member.stuck() !== undefined)) throw group.list[0]?.stuck();
  for (;;) {
    await group.wait();
    if (budget.ended) throw new Error('the guest has ended');
    const indices = group.ready();
    if (indices.length > 0) return indices;
  }
}

/** Indices of the ready ones; waits until there is one. The list must not be empty: that is a trap. */
export function poll(pollables: readonly Pollable[] | KeptList<Pollable>): number[] | Promise<number[]> {
  if (pollables.length === 0) throw new Error('poll was called with an empty list: nothing would ever wake it');
  // What is no kept list is one that nobody has registered with yet.
  const kept = 'changed' in pollables;
  const group = kept ? groupOf(pollables) : new Group(pollables);
  const indices = group.ready(kept ? pollables.changed : []);
  if (indices.length === 0) return firstOnes(group);
  return mustTurn()
    ? turn()
        .then(() => group.ready())
        .then((later) => (later.length > 0 ? later : indices))
    : indices;
}
inPlace(blocking(poll));

export const ioPoll: object = { Pollable, poll };
