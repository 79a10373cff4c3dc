/** What a key-value backend does. The interfaces that guests import are faces over this. */

/** A backend answers at once or later. */
export type Awaitable<T> = T | Promise<T>;

/** Why a backend refuses. The faces say it in the words of their interface. */
export type KeyValueProblem =
  | 'no-such-store'
  | 'access-denied'
  | 'invalid-argument'
  | 'precondition-failed'
  | 'quota-exceeded'
  | 'store-unavailable'
  | 'timeout';

export class KeyValueError extends Error {
  override readonly name = 'KeyValueError';
  readonly problem: KeyValueProblem;

  constructor(problem: KeyValueProblem, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.problem = problem;
  }
}

export interface Entry {
  readonly value: Uint8Array;
  /** Changes with every write of the key, also when it was deleted in between. */
  readonly version: string;
}

export interface SetOptions {
  /** Milliseconds until the key is gone by itself; the default of the store unless given. */
  readonly ttlMs?: number | undefined;
  /** Fails with `precondition-failed` when there is a value. */
  readonly ifNotExists?: boolean | undefined;
}

/** What a swap wants to find. Both where both are given; the key must not exist where neither is. */
export interface Expected {
  readonly version?: string | undefined;
  readonly value?: Uint8Array | undefined;
}

export interface KeyPage {
  readonly keys: readonly string[];
  /** What to pass to get the next page; undefined after the last one. */
  readonly cursor: string | undefined;
}

export type Pair = readonly [key: string, value: Uint8Array];

/** A change that watchers are told of. */
export type Change =
  | { readonly kind: 'set'; readonly key: string; readonly value: Uint8Array }
  | { readonly kind: 'delete'; readonly key: string };

/** One bucket of a store. Every method throws {@link KeyValueError}, or rejects with it. */
export interface Bucket {
  readonly name: string;
  get(key: string): Awaitable<Uint8Array | undefined>;
  set(key: string, value: Uint8Array, options?: SetOptions): Awaitable<void>;
  delete(key: string): Awaitable<void>;
  exists(key: string): Awaitable<boolean>;
  /** Keys in their byte order, a page at a time. Keys that stay there all the while are seen exactly once. */
  listKeys(prefix?: string, cursor?: string): Awaitable<KeyPage>;
  /** Adds to the decimal number that the value is, 0 where there is none, and returns the sum. */
  increment(key: string, delta: bigint): Awaitable<bigint>;
  entry(key: string): Awaitable<Entry | undefined>;
  /** Writes if what is there is what was expected. @returns undefined when it wrote, otherwise what is there (`null` for nothing). */
  swap(key: string, value: Uint8Array, expected: Expected): Awaitable<Entry | null | undefined>;
  getMany(keys: readonly string[]): Awaitable<readonly (Uint8Array | undefined)[]>;
  /** All or nothing. */
  setMany(pairs: readonly Pair[]): Awaitable<void>;
  /** All or nothing. */
  deleteMany(keys: readonly string[]): Awaitable<void>;
}

/** A store with its buckets. */
export interface KeyValueStore {
  /** Whether its methods may return promises. */
  readonly waits: boolean;
  /** Calls `on` for each change of a bucket, whoever made it, until the returned function is called. Undefined where the backend cannot. */
  readonly watch?: ((bucket: string, on: (change: Change) => void) => () => void) | undefined;
  open(bucket: string): Bucket;
  close(): Awaitable<void>;
}

/** What a store holds at most. */
export interface KeyValueLimits {
  /** UTF-8 bytes of a key; 1,024. */
  readonly maxKeyBytes: number;
  /** Bytes of a value; 16 MiB. */
  readonly maxValueBytes: number;
  /** Keys in one batch; 10,000. */
  readonly maxBatch: number;
  /** Bytes of all keys and values of a bucket; 1 GiB. */
  readonly maxBucketBytes: number;
}

export const DEFAULT_KEY_VALUE_LIMITS: KeyValueLimits = {
  maxKeyBytes: 1024,
  maxValueBytes: 16 * 1024 * 1024,
  maxBatch: 10_000,
  maxBucketBytes: 1024 * 1024 * 1024,
};
