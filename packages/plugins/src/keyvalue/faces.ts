/**
 * The key-value interfaces that guests import, over one store.
 * `wasi:keyvalue` 0.2.0-draft and 0.2.0-draft2: https://github.com/WebAssembly/wasi-keyvalue; `wasmcloud:keyvalue` 0.2.0.
 */
import { blocking, resultError } from '@tenon/component';
import { type Bucket as Backend, type Entry, type KeyPage, KeyValueError, type KeyValueProblem, type SetOptions } from './backend.ts';

/** Finds the bucket that a guest names. Throws KeyValueError `no-such-store` or `access-denied`. */
export type OpenBucket = (identifier: string) => Backend;

export interface FaceOptions {
  readonly open: OpenBucket;
  /** Whether the store's methods may return promises. */
  readonly waits: boolean;
}

type Definitions = Readonly<Record<string, object>>;

/** How an interface says what a backend refuses. */
type Say = (error: KeyValueError) => unknown;

const PLAIN: ReadonlySet<KeyValueProblem> = new Set(['no-such-store', 'access-denied']);
const wasiError: Say = ({ problem, message }) => (PLAIN.has(problem) ? { tag: problem } : { tag: 'other', val: message });
const wasmcloudError: Say = ({ problem }) => ({ tag: problem });

/** Runs a backend's operation; what it refuses is the error case of the interface. */
function answer<T, U>(say: Say, operation: () => T | Promise<T>, map: (value: T) => U): U | Promise<U> {
  try {
    const value = operation();
    if (!(value instanceof Promise)) return map(value);
    return value.then(map, (error: unknown) => {
      throw failure(say, error);
    });
  } catch (error) {
    throw failure(say, error);
  }
}

function failure(say: Say, error: unknown): unknown {
  return error instanceof KeyValueError ? resultError(say(error), error.message) : error;
}

const same = <T>(value: T): T => value;
const nothing = (): void => {};

type Functions = Readonly<Record<string, (...args: never[]) => unknown>>;

/** Marks functions that may wait. */
function marked<T extends object>(functions: T, waits: boolean): T {
  if (!waits) return functions;
  for (const name of Object.getOwnPropertyNames(functions)) {
    const member = (functions as Record<string, unknown>)[name];
    if (name !== 'constructor' && typeof member === 'function') blocking(member as (...args: never[]) => unknown);
  }
  return functions;
}

/** A class `bucket` whose objects have the methods that all versions share; a class of its own for each binding, so that marks are its own. */
function bucketClass(say: Say) {
  return class Bucket {
    readonly backend: Backend;

    constructor(backend: Backend) {
      this.backend = backend;
    }

    get(key: string): unknown {
      return answer(say, () => this.backend.get(key), same);
    }

    set(key: string, value: Uint8Array, options?: { ttlMs: bigint | undefined; ifNotExists: boolean }): unknown {
      const given: SetOptions = options ? { ttlMs: toNumber(options.ttlMs), ifNotExists: options.ifNotExists } : {};
      return answer(say, () => this.backend.set(key, value, given), nothing);
    }

    delete(key: string): unknown {
      return answer(say, () => this.backend.delete(key), nothing);
    }

    exists(key: string): unknown {
      return answer(say, () => this.backend.exists(key), same);
    }
  };
}

type BucketClass = ReturnType<typeof bucketClass>;
type Bucket = InstanceType<BucketClass>;

const toNumber = (value: bigint | undefined): number | undefined => (value === undefined ? undefined : Number(value));

function batch(say: Say): Functions {
  return {
    getMany: (bucket: Bucket, keys: readonly string[]) =>
      answer(
        say,
        () => bucket.backend.getMany(keys),
        (values) => values.map((value, index) => (value === undefined ? undefined : [keys[index] ?? '', value])),
      ),
    setMany: (bucket: Bucket, pairs: readonly (readonly [string, Uint8Array])[]) =>
      answer(say, () => bucket.backend.setMany(pairs), nothing),
    deleteMany: (bucket: Bucket, keys: readonly string[]) => answer(say, () => bucket.backend.deleteMany(keys), nothing),
  };
}

const increment =
  (say: Say) =>
  (bucket: Bucket, key: string, delta: bigint): unknown =>
    answer(say, () => bucket.backend.increment(key, delta), same);

/** `wasi:keyvalue@0.2.0-draft2`, the newest. */
export function draft2({ open, waits }: FaceOptions): Definitions {
  const say = wasiError;
  class Bucket2 extends bucketClass(say) {
    listKeys(cursor: string | undefined): unknown {
      return answer(say, () => this.backend.listKeys(undefined, cursor), same);
    }
  }
  /** What was there when the operation began. */
  class Cas {
    readonly backend: Backend;
    readonly key: string;
    readonly found: Entry | undefined;

    constructor(backend: Backend, key: string, found: Entry | undefined) {
      this.backend = backend;
      this.key = key;
      this.found = found;
    }

    static new({ backend }: Bucket, key: string): unknown {
      return answer(
        say,
        () => backend.entry(key),
        (entry) => new Cas(backend, key, entry),
      );
    }

    current(): Uint8Array | undefined {
      return this.found?.value;
    }
  }
  const swap = ({ backend, key, found }: Cas, value: Uint8Array): unknown =>
    answer(
      (error) => ({ tag: 'store-error', val: say(error) }),
      () => backend.swap(key, value, { version: found?.version }),
      (now) => {
        if (now === undefined) return;
        const retry = new Cas(backend, key, now ?? undefined);
        throw resultError({ tag: 'cas-failed', val: retry }, 'the value has changed since');
      },
    );
  marked(Bucket2.prototype, waits);
  marked(Object.getPrototypeOf(Bucket2.prototype) as object, waits);
  marked(Cas, waits);
  return {
    'wasi:keyvalue/store@0.2.0-draft2': { Bucket: Bucket2, open: opener(open, Bucket2, say) },
    'wasi:keyvalue/atomics@0.2.0-draft2': marked({ Cas, increment: increment(say), swap }, waits),
    'wasi:keyvalue/batch@0.2.0-draft2': marked(batch(say), waits),
  };
}

const U64_MAX = 2n ** 64n - 1n;

/** `wasi:keyvalue@0.2.0-draft`: cursors and counters are `u64`. */
export function draft1({ open, waits }: FaceOptions): Definitions {
  const say = wasiError;
  class Bucket1 extends bucketClass(say) {
    listKeys(cursor: bigint | undefined): unknown {
      return answer(say, () => this.#page(Number(cursor ?? 0n)), same);
    }

    /** A cursor is the number of a page: a number says nothing about the key that it stands for, so the pages before are looked up again. */
    async #pageLater(number: number): Promise<{ keys: readonly string[]; cursor: bigint | undefined }> {
      let page = await this.backend.listKeys();
      for (let at = 0; at < number; at++) {
        if (page.cursor === undefined) return { keys: [], cursor: undefined };
        page = await this.backend.listKeys(undefined, page.cursor);
      }
      return numbered(page, number);
    }

    #page(number: number): unknown {
      if (waits) return this.#pageLater(number);
      let page = this.backend.listKeys() as KeyPage;
      for (let at = 0; at < number; at++) {
        if (page.cursor === undefined) return { keys: [], cursor: undefined };
        page = this.backend.listKeys(undefined, page.cursor) as KeyPage;
      }
      return numbered(page, number);
    }
  }
  marked(Bucket1.prototype, waits);
  marked(Object.getPrototypeOf(Bucket1.prototype) as object, waits);
  const count = (bucket: Bucket, key: string, delta: bigint): unknown =>
    answer(
      say,
      () => {
        if (delta < 2n ** 63n) return bucket.backend.increment(key, delta);
        throw new KeyValueError('invalid-argument', 'the delta does not fit into 63 bits');
      },
      (sum) => {
        if (sum >= 0n && sum <= U64_MAX) return sum;
        throw resultError({ tag: 'other', val: 'the value is a negative number' });
      },
    );
  return {
    'wasi:keyvalue/store@0.2.0-draft': { Bucket: Bucket1, open: opener(open, Bucket1, say) },
    'wasi:keyvalue/atomics@0.2.0-draft': marked({ increment: count }, waits),
    'wasi:keyvalue/batch@0.2.0-draft': marked(batch(say), waits),
  };
}

function numbered({ keys, cursor }: KeyPage, number: number): { keys: readonly string[]; cursor: bigint | undefined } {
  return { keys, cursor: cursor === undefined ? undefined : BigInt(number + 1) };
}

/** `wasmcloud:keyvalue@0.2.0`, whose functions are asynchronous. */
export function wasmcloud({ open, waits }: FaceOptions): Definitions {
  const say = wasmcloudError;
  class BucketW extends bucketClass(say) {
    listKeys(prefix: string | undefined, cursor: string | undefined): unknown {
      return answer(say, () => this.backend.listKeys(prefix, cursor), same);
    }
  }
  marked(BucketW.prototype, waits);
  marked(Object.getPrototypeOf(BucketW.prototype) as object, waits);
  interface CasOptions {
    readonly requireVersion: string | undefined;
    readonly requireValue: Uint8Array | undefined;
  }
  return {
    'wasmcloud:keyvalue/types@0.2.0': { Bucket: BucketW },
    'wasmcloud:keyvalue/store@0.2.0': { open: opener(open, BucketW, say) },
    'wasmcloud:keyvalue/atomics@0.2.0': marked({ increment: increment(say) }, waits),
    'wasmcloud:keyvalue/cas@0.2.0': marked(
      {
        current: (bucket: Bucket, key: string) => answer(say, () => bucket.backend.entry(key), same),
        swap: (bucket: Bucket, key: string, value: Uint8Array, { requireVersion, requireValue }: CasOptions) =>
          answer(
            say,
            () => bucket.backend.swap(key, value, { version: requireVersion, value: requireValue }),
            (found) => (found === undefined ? { tag: 'swapped' } : { tag: 'stale', val: found ?? undefined }),
          ),
      },
      waits,
    ),
    'wasmcloud:keyvalue/batch@0.2.0': marked(batch(say), waits),
  };
}

function opener(open: OpenBucket, Class: new (backend: Backend) => object, say: Say): (identifier: string) => unknown {
  return (identifier) =>
    answer(
      say,
      () => open(identifier),
      (backend) => new Class(backend),
    );
}
