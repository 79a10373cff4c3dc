/** Key-value buckets in SQLite: in memory, or in a file. */
import { BroadcastChannel } from 'node:worker_threads';
import { Database, type Place, type Row, type Statement } from '../database.ts';
import { PluginError } from '../errors.ts';
import {
  type Bucket,
  type Change,
  DEFAULT_KEY_VALUE_LIMITS,
  type Entry,
  type Expected,
  type KeyPage,
  KeyValueError,
  type KeyValueLimits,
  type KeyValueStore,
  type Pair,
  type SetOptions,
} from './backend.ts';

export interface SqliteStoreOptions {
  readonly place: Place;
  /** How long keys live unless a write says otherwise, in milliseconds; for ever unless given. */
  readonly ttlMs?: number | undefined;
  readonly limits?: Partial<KeyValueLimits> | undefined;
  /** Milliseconds since 1970; the system's clock unless given. */
  readonly now?: (() => number) | undefined;
}

/** What the trigger says that keeps a bucket within its limit. */
const FULL = 'the bucket is full';

const SCHEMA = {
  applicationId: 0x74_6b_76_31,
  migrations: [
    `create table bucket (id integer primary key, name text not null unique, bytes integer not null default 0, most integer not null) strict;
     create table entry (
       bucket integer not null references bucket, key text not null, value blob not null, version integer not null, expires integer,
       primary key (bucket, key)
     ) strict, without rowid;
     create index expiring on entry (expires) where expires is not null;
     create trigger bucket_full after update of bytes on bucket when new.bytes > new.most and new.bytes > old.bytes begin
       select raise(abort, '${FULL}');
     end;
     create trigger entry_added after insert on entry begin
       update bucket set bytes = bytes + octet_length(new.key) + length(new.value) where id = new.bucket;
     end;
     create trigger entry_changed after update of value on entry when length(new.value) <> length(old.value) begin
       update bucket set bytes = bytes + length(new.value) - length(old.value) where id = new.bucket;
     end;
     create trigger entry_gone after delete on entry begin
       update bucket set bytes = bytes - octet_length(old.key) - length(old.value) where id = old.bucket;
     end;`,
  ],
};

const PAGE = 1000;
/** So many writes go by before those look for keys that have expired. */
const SWEEP_EVERY = 1000;
const SWEEP_AT_MOST = 10_000;

const S64_MAX = 2n ** 63n - 1n;
const S64_MIN = -(2n ** 63n);

export class SqliteStore implements KeyValueStore {
  readonly waits = false;
  readonly #database: Database;
  readonly #statements: Statements;
  readonly #settings: Settings;
  readonly #buckets = new Map<string, Bucket>();
  readonly #channel: BroadcastChannel;
  readonly #watchers = new Map<string, Set<(change: Change) => void>>();

  constructor({ place, ttlMs, limits, now = Date.now }: SqliteStoreOptions) {
    this.#database = new Database(place, SCHEMA);
    this.#statements = prepare(this.#database);
    this.#settings = { ttlMs, limits: { ...DEFAULT_KEY_VALUE_LIMITS, ...limits }, now };
    this.#channel = new BroadcastChannel(`tenon:keyvalue:${'memory' in place ? place.memory : place.file}`);
    this.#channel.unref();
  }

  open(name: string): Bucket {
    let bucket = this.#buckets.get(name);
    if (bucket === undefined) {
      const id = Number(attempt(() => this.#statements.bucket.get(name, this.#settings.limits.maxBucketBytes))?.[0]);
      const changed = (change: Change): void => this.#announce(name, change);
      bucket = new SqliteBucket(name, id, this.#database, this.#statements, this.#settings, changed);
      this.#buckets.set(name, bucket);
    }
    return bucket;
  }

  /** Changes of all threads of the process; what another process writes into the same file is not seen. */
  watch(bucket: string, on: (change: Change) => void): () => void {
    const watchers = this.#watchers.get(bucket) ?? new Set();
    watchers.add(on);
    this.#watchers.set(bucket, watchers);
    this.#channel.onmessage = (message) => this.#tell(...((message as MessageEvent).data as [string, Change]));
    return () => {
      watchers.delete(on);
      if (watchers.size === 0) this.#watchers.delete(bucket);
    };
  }

  close(): void {
    this.#channel.close();
    this.#database.close();
  }

  #announce(bucket: string, change: Change): void {
    this.#channel.postMessage([bucket, change]);
    this.#tell(bucket, change);
  }

  #tell(bucket: string, change: Change): void {
    for (const watcher of this.#watchers.get(bucket) ?? []) watcher(change);
  }
}

interface Settings {
  readonly ttlMs: number | undefined;
  readonly limits: KeyValueLimits;
  readonly now: () => number;
}

type Statements = Readonly<Record<Name, Statement>>;

type Name = 'bucket' | 'get' | 'put' | 'putNew' | 'remove' | 'list' | 'sweep';

function prepare(database: Database): Readonly<Record<Name, Statement>> {
  // A key that is made anew must not get a version that it had before.
  const put = `insert into entry values (?1, ?2, ?3, random() >> 8, ?4) on conflict do update set
    value = excluded.value, version = version + 1, expires = excluded.expires`;
  const live = '(expires is null or expires > ?3)';
  return {
    bucket: database.prepare('insert into bucket (name, most) values (?1, ?2) on conflict do update set most = excluded.most returning id'),
    get: database.prepare(`select value, version, expires from entry where bucket = ?1 and key = ?2 and ${live}`),
    put: database.prepare(put),
    putNew: database.prepare(`${put} where expires <= ?5`),
    remove: database.prepare('delete from entry where bucket = ?1 and key = ?2'),
    list: database.prepare(`select key from entry where bucket = ?1 and key >= ?2 and ${live} and key > ?4 order by key limit ${PAGE + 1}`),
    sweep: database.prepare(
      `delete from entry where (bucket, key) in (select bucket, key from entry where expires <= ?1 limit ${SWEEP_AT_MOST})`,
    ),
  };
}

class SqliteBucket implements Bucket {
  readonly name: string;
  readonly #id: number;
  readonly #database: Database;
  readonly #statements: Statements;
  readonly #settings: Settings;
  readonly #changed: (change: Change) => void;
  #writes = 0;

  constructor(name: string, id: number, database: Database, statements: Statements, settings: Settings, changed: (change: Change) => void) {
    this.name = name;
    this.#id = id;
    this.#database = database;
    this.#statements = statements;
    this.#settings = settings;
    this.#changed = changed;
  }

  get(key: string): Uint8Array | undefined {
    return this.#row(key)?.[0] as Uint8Array | undefined;
  }

  exists(key: string): boolean {
    return this.#row(key) !== undefined;
  }

  entry(key: string): Entry | undefined {
    const row = this.#row(key);
    return row && { value: row[0] as Uint8Array, version: String(row[1]) };
  }

  set(key: string, value: Uint8Array, { ttlMs, ifNotExists }: SetOptions = {}): void {
    this.#checkKey(key);
    this.#write(() => this.#put(key, value, ttlMs, ifNotExists));
    this.#changed({ kind: 'set', key, value });
  }

  delete(key: string): void {
    const removed = this.#write(() => this.#statements.remove.run(this.#id, key));
    if (removed > 0) this.#changed({ kind: 'delete', key });
  }

  listKeys(prefix = '', cursor = ''): KeyPage {
    const rows = attempt(() => this.#statements.list.all(this.#id, prefix, this.#settings.now(), cursor));
    const found = rows.map((row) => row[0] as string);
    const outside = found.findIndex((key) => !key.startsWith(prefix));
    const keys = outside < 0 ? found : found.slice(0, outside);
    return keys.length > PAGE ? { keys: keys.slice(0, PAGE), cursor: keys[PAGE - 1] } : { keys, cursor: undefined };
  }

  increment(key: string, delta: bigint): bigint {
    this.#checkKey(key);
    let value: Uint8Array = new Uint8Array(0);
    const sum = this.#writeAll(() => {
      const [bytes, , expires] = this.#row(key) ?? [];
      const sum = decimal(bytes as Uint8Array | undefined) + delta;
      if (sum > S64_MAX || sum < S64_MIN) throw new KeyValueError('invalid-argument', `the sum ${sum} does not fit into 64 bits`);
      value = new TextEncoder().encode(String(sum));
      // To count on does not make a key live longer.
      const left = typeof expires === 'bigint' ? Number(expires) - this.#settings.now() : undefined;
      this.#put(key, value, left, false);
      return sum;
    });
    this.#changed({ kind: 'set', key, value });
    return sum;
  }

  swap(key: string, value: Uint8Array, expected: Expected): Entry | null | undefined {
    this.#checkKey(key);
    const found = this.#writeAll(() => {
      const entry = this.entry(key);
      if (!fits(entry, expected)) return entry ?? null;
      this.#put(key, value, undefined, false);
      return undefined;
    });
    if (found === undefined) this.#changed({ kind: 'set', key, value });
    return found;
  }

  getMany(keys: readonly string[]): readonly (Uint8Array | undefined)[] {
    this.#checkBatch(keys.length);
    return keys.map((key) => this.get(key));
  }

  setMany(pairs: readonly Pair[]): void {
    this.#checkBatch(pairs.length);
    for (const [key] of pairs) this.#checkKey(key);
    this.#writeAll(() => {
      for (const [key, value] of pairs) this.#put(key, value, undefined, false);
    });
    for (const [key, value] of pairs) this.#changed({ kind: 'set', key, value });
  }

  deleteMany(keys: readonly string[]): void {
    this.#checkBatch(keys.length);
    const removed = this.#writeAll(() => keys.filter((key) => this.#statements.remove.run(this.#id, key) > 0));
    for (const key of removed) this.#changed({ kind: 'delete', key });
  }

  #row(key: string): Row | undefined {
    return attempt(() => this.#statements.get.get(this.#id, key, this.#settings.now()));
  }

  #put(key: string, value: Uint8Array, ttlMs: number | undefined, ifNotExists: boolean | undefined): void {
    const { limits, now } = this.#settings;
    if (value.length > limits.maxValueBytes) {
      throw new KeyValueError('quota-exceeded', `the value of ${value.length} bytes is over the limit of ${limits.maxValueBytes}`);
    }
    const ttl = ttlMs ?? this.#settings.ttlMs;
    const expires = ttl === undefined ? null : now() + ttl;
    if (!ifNotExists) this.#statements.put.run(this.#id, key, value, expires);
    else if (this.#statements.putNew.run(this.#id, key, value, expires, now()) === 0) {
      throw new KeyValueError('precondition-failed', 'the key exists');
    }
  }

  /** One statement is a transaction of its own. */
  #write<T>(operation: () => T): T {
    if (++this.#writes % SWEEP_EVERY === 0) attempt(() => this.#statements.sweep.run(this.#settings.now()));
    return attempt(operation);
  }

  #writeAll<T>(operation: () => T): T {
    return this.#write(() => this.#database.transaction(operation));
  }

  #checkKey(key: string): void {
    const { maxKeyBytes } = this.#settings.limits;
    if (key.length * 3 <= maxKeyBytes || Buffer.byteLength(key) <= maxKeyBytes) return;
    throw new KeyValueError('invalid-argument', `the key is over the limit of ${maxKeyBytes} bytes`);
  }

  #checkBatch(length: number): void {
    const { maxBatch } = this.#settings.limits;
    if (length > maxBatch) throw new KeyValueError('invalid-argument', `${length} keys in one batch, the limit is ${maxBatch}`);
  }
}

function attempt<T>(operation: () => T): T {
  try {
    return operation();
  } catch (error) {
    if (!(error instanceof PluginError)) throw error;
    const full = error.code === 'TENON_STORE_FULL' || error.message.endsWith(FULL);
    throw new KeyValueError(full ? 'quota-exceeded' : 'store-unavailable', error.message, error);
  }
}

function fits(entry: Entry | undefined, { version, value }: Expected): boolean {
  if (version === undefined && value === undefined) return entry === undefined;
  if (entry === undefined) return false;
  if (version !== undefined && version !== entry.version) return false;
  return value === undefined || Buffer.compare(value, entry.value) === 0;
}

function decimal(value: Uint8Array | undefined): bigint {
  if (value === undefined) return 0n;
  const text = value.length > 20 ? '' : new TextDecoder().decode(value);
  if (!/^-?\d+$/.test(text)) throw new KeyValueError('invalid-argument', 'the value is not a decimal number');
  return BigInt(text);
}
