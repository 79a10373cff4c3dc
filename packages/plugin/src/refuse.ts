/** Thrown by `bind` when a workload cannot have an interface: its start fails with the reason, and nothing else is said. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  readonly code = 'TENON_PLUGIN_REFUSED';
  /** What the person who deploys can do about it. */
  readonly remedy: string | undefined;

  constructor(reason: string, remedy?: string) {
    super(reason);
    this.remedy = remedy;
  }
}

/**
 * Refuses to bind a workload.
 * @param reason one sentence, without a full stop: `the bucket "orders" belongs to another workload`
 * @param remedy what to do about it: `name another bucket in "interfaces"`
 * @throws RefusedError always
 */
export function refuse(reason: string, remedy?: string): never {
  throw new RefusedError(reason, remedy);
}
