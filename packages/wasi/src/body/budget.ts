/** How many bytes the host holds for guests: one budget for all instances that were granted something together, and in it one for each. */
import { type Account, callerAccount } from '@tenon/component';

/** What is held, apart from the budget, so that it can be given back when nobody has the budget any more. */
interface State {
  readonly most: number;
  readonly above: Budget | undefined;
  held: number;
}

export class Budget implements Account {
  /** Of what no instance has asked for. */
  static readonly UNBOUNDED: Budget = new Budget(Number.POSITIVE_INFINITY);
  readonly #state: State;
  #ended = false;

  /**
   * @param most bytes
   * @param above the budget that what is taken from this one is taken from too
   */
  constructor(most: number, above?: Budget) {
    this.#state = { most, above, held: 0 };
    if (above !== undefined) forgotten.register(this, this.#state);
  }

  get left(): number {
    const { most, held, above } = this.#state;
    return Math.max(0, Math.min(most - held, above?.left ?? Number.POSITIVE_INFINITY));
  }

  get held(): number {
    return this.#state.held;
  }

  /** Whether the instance has ended: the host works for it no more. */
  get ended(): boolean {
    return this.#ended;
  }

  /** @returns false where so much is not left */
  take(bytes: number): boolean {
    if (bytes > this.left) return false;
    this.#move(bytes);
    return true;
  }

  give(bytes: number): void {
    if (!this.#ended) this.#move(-bytes);
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#move(-this.#state.held);
  }

  #move(bytes: number): void {
    this.#state.held += bytes;
    const { above } = this.#state;
    if (above !== undefined) above.#move(bytes);
  }
}

/** An instance that nobody ended: what was held for it is garbage by now. */
const forgotten = new FinalizationRegistry<State>(({ above, held }) => above?.give(held));

/** The budget of the instance that called the host function which asks; to be asked before it waits for anything. */
export function callerBudget(): Budget {
  const account = callerAccount();
  return account instanceof Budget ? account : Budget.UNBOUNDED;
}

/** What one thing that the host holds takes of a budget. */
export class Charge {
  readonly budget: Budget;
  #bytes = 0;

  constructor(budget: Budget = callerBudget()) {
    this.budget = budget;
  }

  /** @returns false where so much is not left */
  take(bytes: number): boolean {
    if (!this.budget.take(bytes)) return false;
    this.#bytes += bytes;
    return true;
  }

  give(bytes: number): void {
    const given = Math.min(bytes, this.#bytes);
    this.#bytes -= given;
    this.budget.give(given);
  }

  /** Gives everything back. */
  end(): void {
    this.give(this.#bytes);
  }
}

/** What every object takes, beside the bytes in it. */
export const OBJECT_BYTES = 64;

/** Where there is no error for it, an instance that makes the host hold too much is ended by this. */
export function tooMuch(what: string): Error {
  return new Error(`the host holds as much for this instance as it may: there is no room for ${what}`);
}
