/** What the host holds for one instance is charged to an account that the embedder gives it. */
export interface Account {
  /** Bytes that may still be held. Values that the guest passes in one call may not take more. */
  readonly left: number;
  /** The instance has ended: the host works for it no more. */
  end(): void;
}

let current: Account | undefined;

/** A host function is about to be called. */
export function callFrom(account: Account | undefined): void {
  current = account;
}

/** The account of the instance that has called the host function which asks; to be asked before it waits for anything. */
export function callerAccount(): Account | undefined {
  return current;
}
