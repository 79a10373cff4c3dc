/** Calls into an instance that can only be entered by one at a time wait for their turn. */
import { ComponentError } from '../errors.ts';

type Callable = (...args: unknown[]) => unknown;

export class Turns {
  private last: Promise<unknown> | undefined = undefined;
  private waiting = 0;
  private readonly most: number;

  /** @param most how many calls may wait */
  constructor(most: number) {
    this.most = most;
  }

  /**
   * Calls at once when no other call is under way or waits.
   * @throws ComponentError `TENON_INSTANCE_BUSY`, by rejecting, when too many wait
   */
  take(call: Callable, args: readonly unknown[]): Promise<unknown> {
    if (this.last !== undefined && this.waiting >= this.most) {
      return Promise.reject(new ComponentError('TENON_INSTANCE_BUSY', `${this.most} calls wait for the instance already`));
    }
    const result = this.last === undefined ? (call(...args) as Promise<unknown>) : this.after(this.last, call, args);
    const over: Promise<unknown> = result.then(
      () => this.end(over),
      () => this.end(over),
    );
    this.last = over;
    return result;
  }

  private async after(last: Promise<unknown>, call: Callable, args: readonly unknown[]): Promise<unknown> {
    this.waiting++;
    await last;
    this.waiting--;
    return await call(...args);
  }

  private end(over: Promise<unknown>): void {
    if (this.last === over) this.last = undefined;
  }
}
