/** Limits of calls from JavaScript. */
import { ComponentError, Trap } from '../errors.ts';
import type { Store } from '../instance/state.ts';
import type { Guard } from './guard.ts';

/** How long calls may take. What goes beyond traps: the instance is poisoned, everything else goes on. */
export interface CallLimits {
  /** Milliseconds from now until the call must have returned, with what it waits for. */
  readonly timeoutMs?: number | undefined;
  /** Milliseconds that the guest may compute. */
  readonly cpuMs?: number | undefined;
  /** Ends the call when it is aborted. */
  readonly signal?: AbortSignal | undefined;
}

/** Limits while a call that has them is under way. */
/** Of the calls whose JavaScript is on the stack: a guest that is called in one of them, of whatever instance, ends with it. */
export const onStack: { limits: ActiveLimits | undefined } = { limits: undefined };

export class ActiveLimits {
  /** Of the call that this one is in: of the same instance, and of any. */
  readonly outer: ActiveLimits | undefined;
  readonly around: ActiveLimits | undefined;
  /** The call is over. */
  done = false;
  private readonly limits: CallLimits;
  private readonly guard: Guard;
  /** By the clock. It may have ticked just before now, or just after. */
  private readonly deadline: number;
  private readonly cpuBefore: number;

  constructor(guard: Guard, limits: CallLimits) {
    this.guard = guard;
    this.limits = limits;
    this.outer = guard.limits;
    this.around = onStack.limits;
    this.deadline = limits.timeoutMs === undefined ? 0 : guard.clock.now + limits.timeoutMs + guard.clock.periodMs;
    this.cpuBefore = guard.own.cpuMs;
  }

  /** Why the call must end. @param now by the clock */
  exceeded(now: number): Trap | undefined {
    if (this.done) return undefined;
    const { cpuMs, signal, timeoutMs } = this.limits;
    if (timeoutMs !== undefined && ((now - this.deadline) | 0) >= 0) return deadlineTrap(timeoutMs);
    if (cpuMs !== undefined && this.guard.own.cpuMs - this.cpuBefore > cpuMs) {
      return new Trap(`the call took more than the ${cpuMs} ms of computing that it may take`, undefined, { code: 'TENON_CPU_TIME' });
    }
    return signal?.aborted === true ? abortTrap(signal) : undefined;
  }
}

function deadlineTrap(timeoutMs: number): Trap {
  return new Trap(`the call did not return within ${timeoutMs} ms`, undefined, { code: 'TENON_DEADLINE' });
}

function abortTrap({ reason }: AbortSignal): Trap {
  return new Trap('the call was cancelled', reason, { code: 'TENON_CANCELLED' });
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && typeof (value as { readonly then?: unknown }).then === 'function';

/**
 * Runs calls of an instance under limits.
 * @param store of the instance
 * @throws what `call` throws; Trap TENON_DEADLINE, TENON_CPU_TIME, TENON_CANCELLED; ComponentError TENON_NOT_INTERRUPTIBLE
 */
export function callWithin<E, T>(store: Store, limits: CallLimits, exports: E, call: (exports: E) => T): T {
  const { guard } = store;
  if (guard === undefined) {
    throw new ComponentError('TENON_NOT_INTERRUPTIBLE', 'calls under limits need a component that was compiled with `interruptible`');
  }
  if (limits.signal?.aborted === true) throw abortTrap(limits.signal);
  const active = new ActiveLimits(guard, limits);
  guard.limits = active;
  onStack.limits = active;
  guard.running();
  let waits = false;
  try {
    const result = call(exports);
    waits = isThenable(result);
    return waits ? (whileWaiting(store, limits, active, result as PromiseLike<unknown>) as T) : result;
  } finally {
    onStack.limits = active.around;
    if (!waits) end(guard, active);
    guard.waiting();
  }
}

/** Calls that overlap end in any order. */
function end(guard: Guard, active: ActiveLimits): void {
  active.done = true;
  while (guard.limits?.done === true) guard.limits = guard.limits.outer;
}

/** A guest that waits looks at no clock, so timers end it. */
function whileWaiting(
  store: Store,
  { signal, timeoutMs }: CallLimits,
  active: ActiveLimits,
  result: PromiseLike<unknown>,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const fail = (trap: Trap): void => {
      store.end(trap);
      settle();
      reject(trap);
    };
    const abort = (): void => fail(abortTrap(signal as AbortSignal));
    const timer = timeoutMs === undefined ? undefined : setTimeout(() => fail(deadlineTrap(timeoutMs)), timeoutMs);
    signal?.addEventListener('abort', abort, { once: true });
    const settle = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      if (store.guard !== undefined) end(store.guard, active);
    };
    result.then(
      (value) => {
        settle();
        resolve(value);
      },
      (error) => {
        settle();
        reject(error);
      },
    );
  });
}
