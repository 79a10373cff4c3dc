/** What the host holds for one instance is charged to an account that the embedder gives it. */
export interface Account {
  /** Bytes that may still be held. Values that the guest passes in one call may not take more. */
  readonly left: number;
  /** The instance has ended: the host works for it no more. */
  end(): void;
}

let current: Account | undefined;

let currentSignal: AbortSignal | undefined;

/** A host function is about to be called. */
export function callFrom(account: Account | undefined, signal: AbortSignal | undefined): void {
  current = account;
  currentSignal = signal;
}

/**
 * The signal of the call of the embedder in which the host function is called that asks, see `Instance.within`; to be asked before it waits for
 * anything, by a function that may wait.
 */
export function callerSignal(): AbortSignal | undefined {
  return currentSignal;
}

/** The account of the instance that has called the host function which asks; to be asked before it waits for anything. */
export function callerAccount(): Account | undefined {
  return current;
}
