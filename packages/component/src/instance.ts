/** An instance of a component, as the embedder holds it. */

import { isUnwind } from './abi/traps.ts';
import type { Usage } from './epoch/budget.ts';
import { type CallLimits, callWithin } from './epoch/call-limits.ts';
import { Ended, type Trap } from './errors.ts';
import { makeExports } from './instance/exports.ts';
import type { Instantiation } from './instance/instantiate.ts';
import type { Synchronous, UntypedExports } from './typed.ts';

export interface InstanceOptions<Sync extends true | readonly string[] = true | readonly string[]> {
  /** What messages call it; `root` unless given. */
  readonly name?: string | undefined;
  /**
   * Exports that are plain functions although what the component imports may wait: all, or interfaces (`math`) and functions by name. If an import
   * does wait in such a call, the guest traps.
   */
  readonly sync?: Sync | undefined;
  /**
   * Whether calls of functions that may wait queue up while the instance is busy, where they are refused otherwise. A number is how many may wait.
   * A host function must not wait for a call of the instance that has called it.
   */
  readonly queue?: boolean | number | undefined;
  /** Whether {@link Instance.reset} will be called: what the instance holds when it is new is noted then. */
  readonly resettable?: boolean | undefined;
  /** Of its start functions together; only for interruptible components. */
  readonly limits?: CallLimits | undefined;
}

export const INSTANCE_OPTIONS: Record<keyof InstanceOptions | 'context', true> = {
  name: true,
  sync: true,
  queue: true,
  resettable: true,
  limits: true,
  context: true,
};

/** How an instance ended. */
export interface InstanceEnd {
  /** `ended` by the embedder, `exited` by itself, or `trapped`. */
  readonly how: 'ended' | 'exited' | 'trapped';
  /** What later calls are refused with, or have as their cause. */
  readonly error: Error;
}

/** A running component. */
export class Instance<Exports extends object = UntypedExports, Sync extends true | readonly string[] = readonly []> {
  /**
   * The exports: an interface as an object of functions and resource classes, under its full name (`example:calculator/math`) and
   * its short name (`math`); a function under its name in camel case.
   */
  get exports(): Synchronous<Exports, Sync> {
    this.bound ??= makeExports(this.made, this.made.linked.exports);
    return this.bound as Synchronous<Exports, Sync>;
  }

  /** Names that were defined with {@link Linker.define} and are no imports of the component. */
  readonly unused: readonly string[];
  private readonly made: Instantiation;
  /** Made when they are first asked for: many instances of a pool are never called. */
  private bound: Record<string, unknown> | undefined = undefined;

  private readonly resets: (() => void)[] = [];

  private whenEnded: Promise<InstanceEnd> | undefined = undefined;

  constructor(made: Instantiation, { resettable = false }: InstanceOptions = {}, unused: readonly string[] = []) {
    this.made = made;
    this.unused = unused;
    if (resettable) made.record();
  }

  /** Resolves when the instance has ended, with how: it trapped, it exited, or {@link Instance.end} was called. */
  get ended(): Promise<InstanceEnd> {
    this.whenEnded ??= new Promise((resolve) => {
      this.made.store.onEnd((trap) => resolve(endOf(trap)));
    });
    return this.whenEnded;
  }

  /**
   * Calls exports under limits. It ends with the call, or with the Promise that the call returns. A guest that goes beyond traps where it is, and
   * the instance is poisoned; a guest that may wait lets others have their turn at each tick of the clock.
   * @param call gets the exports, and calls what it wants to
   * @returns what `call` returns
   * @throws Trap with the code TENON_DEADLINE, TENON_CPU_TIME or TENON_CANCELLED; ComponentError TENON_NOT_INTERRUPTIBLE
   * @example instance.within({ timeoutMs: 100, signal }, ({ math }) => math.add(2, 3));
   */
  within<T>(limits: CallLimits, call: (exports: this['exports']) => T): T {
    return callWithin(this.made.store, limits, this.exports, call);
  }

  /** What the instance takes, and how long it has computed; undefined unless it is interruptible. */
  get usage(): Usage | undefined {
    return this.made.store.guard?.own;
  }

  /** Why {@link Instance.reset} cannot make it as new, as far as that is known beforehand. */
  get remakeReasons(): readonly string[] {
    return this.made.store.guard?.remake ?? ['it was not compiled with `interruptible`'];
  }

  /** Has a function called at each reset, when the engine has made everything as new: for state that the host keeps. */
  onReset(callback: () => void): void {
    this.resets.push(callback);
  }

  /**
   * Makes the instance as new: memories, globals, tables, handles, flags, a trap. Objects of its resources that the embedder holds are gone.
   * Not to be called from a host function that the instance called.
   * @returns whether it is as new; if not, it is to be dropped and another one made. It is not when a call is under way or suspended, when
   *   the instance was not made `resettable`, and for what {@link Instance.remakeReasons} says.
   */
  reset(): boolean {
    if (!this.made.reset()) return false;
    for (const callback of this.resets) callback();
    return true;
  }

  /**
   * Ends the instance: a guest that is suspended does not run on when what it waits for is there, and later calls are refused. Host resources that it
   * owns are disposed of, and so is what was made for it alone. Does nothing when it has ended already.
   * @param reason in words, or an Error; the `cause` of the errors `TENON_INSTANCE_ENDED` that calls under way and later ones fail with
   */
  end(reason: unknown = 'the embedder ended it'): void {
    this.made.store.end(new Ended(reason));
    this.made.store.guard?.release();
  }

  /** As {@link Instance.end}. */
  [Symbol.dispose](): void {
    this.end('it was disposed of');
  }

  /**
   * As {@link Instance.end}, and waits until what was made for the instance alone has been disposed of.
   * @throws what disposing of it threw, such as `TENON_OUTPUT` of a `wasi()` of its own; an AggregateError of several
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.end('it was disposed of');
    const results = await this.made.disposed;
    const reasons = results.filter((each) => each.status === 'rejected').map(({ reason }): unknown => reason);
    if (reasons.length > 1) throw new AggregateError(reasons, 'what was made for the instance could not be disposed of');
    if (reasons.length === 1) throw reasons[0];
  }
}

function endOf(trap: Trap): InstanceEnd {
  if (trap instanceof Ended) return { how: 'ended', error: trap.error };
  return isUnwind(trap.cause) ? { how: 'exited', error: trap.cause as Error } : { how: 'trapped', error: trap };
}
