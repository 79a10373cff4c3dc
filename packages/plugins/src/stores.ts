/** Stores that bindings share: opened by the first that needs one, closed by the last. */

interface Held<Store> {
  readonly store: Promise<Store>;
  users: number;
}

/** How stores of one kind are opened and closed in a cell. */
export class SharedStores<Store extends { close(): unknown }> {
  readonly #held = new Map<string, Held<Store>>();

  /**
   * @param key stores of one key are one store
   * @returns the store, and what gives it back
   */
  async take(key: string, open: () => Store | Promise<Store>): Promise<{ readonly store: Store; readonly giveBack: () => Promise<void> }> {
    let held = this.#held.get(key);
    if (held === undefined) {
      held = { store: (async () => open())(), users: 0 };
      this.#held.set(key, held);
    }
    const mine = held;
    mine.users++;
    let given = false;
    const giveBack = async (): Promise<void> => {
      if (given) return;
      given = true;
      if (--mine.users > 0) return;
      this.#held.delete(key);
      await (await mine.store).close();
    };
    try {
      return { store: await mine.store, giveBack };
    } catch (error) {
      // One that could not be opened is tried again by whoever comes next.
      if (this.#held.get(key) === mine) this.#held.delete(key);
      throw error;
    }
  }

  /** Closes all that is open. */
  async close(): Promise<void> {
    const held = [...this.#held.values()];
    this.#held.clear();
    await Promise.all(held.map(async ({ store }) => (await store).close()));
  }
}
