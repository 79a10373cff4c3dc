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

/** Of the calls whose JavaScript is on the stack: a guest that is called in one of them, of whatever instance, ends with it. */
export const onStack: { limits: ActiveLimits | undefined } = { limits: undefined };

const NONE: CallLimits = {};

/** Limits while a call that has them is under way. Used again for the next call: most are short, and this is most of what they cost. */
export class ActiveLimits {
  readonly guard: Guard;
  limits: CallLimits = NONE;
  /** Of the call that this one is in, of whatever instance. */
  around: ActiveLimits | undefined = undefined;
  /** Its JavaScript is on the stack. */
  open = false;
  /** When it began, and until when its time has been charged, by the clock. */
  since = 0;
  charged = 0;
  cpuBefore = 0;

  constructor(guard: Guard) {
    this.guard = guard;
  }

  /** Why the call must end. @param now by the clock */
  exceeded(now: number): Trap | undefined {
    const { guard } = this;
    const { cpuMs, signal, timeoutMs } = this.limits;
    // The clock may have ticked just after it began.
    if (timeoutMs !== undefined && ((now - this.since) | 0) >= timeoutMs + guard.clock.periodMs) return deadlineTrap(timeoutMs);
    if (cpuMs !== undefined && guard.own.cpuMs - this.cpuBefore > cpuMs) {
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
  const { signal } = limits;
  if (guard === undefined && signal !== undefined && limits.timeoutMs === undefined && limits.cpuMs === undefined) {
    return callUntil(store, signal, exports, call);
  }
  if (guard === undefined) {
    throw new ComponentError('TENON_NOT_INTERRUPTIBLE', 'calls under limits need a component that was compiled with `interruptible`');
  }
  if (signal?.aborted === true) throw abortTrap(signal);
  const signalBefore = store.signal;
  store.signal = signal;
  const active = guard.begin(limits);
  try {
    const result = call(exports);
    if (typeof result === 'object' && isThenable(result)) return whileWaiting(store, limits, guard.wait(active), result) as T;
    store.signal = signalBefore;
    return result;
  } catch (error) {
    store.signal = signalBefore;
    throw error;
  } finally {
    guard.returned(active);
  }
}

/** What waits can be ended although the guest cannot be interrupted. */
function callUntil<E, T>(store: Store, signal: AbortSignal, exports: E, call: (exports: E) => T): T {
  if (signal.aborted) throw abortTrap(signal);
  const before = store.signal;
  store.signal = signal;
  let waits = false;
  try {
    const result = call(exports);
    if (typeof result !== 'object' || !isThenable(result)) return result;
    waits = true;
    return whileWaiting(store, { signal }, undefined, result) as T;
  } finally {
    if (!waits) store.signal = before;
  }
}

/** A guest that waits looks at no clock, so timers end it. */
function whileWaiting(
  store: Store,
  { signal, timeoutMs }: CallLimits,
  active: ActiveLimits | undefined,
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
      if (active !== undefined) store.guard?.waited(active);
      if (store.signal === signal) store.signal = undefined;
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
