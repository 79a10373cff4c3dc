/** The plugin `keyvalue`: `wasi:keyvalue` and `wasmcloud:keyvalue`, in memory or in SQLite. */
import { definePlugin, refuse, type TriggerContext, type WorkloadIdentity } from '@tenon/plugin';
import { packageOf, placeOf, refuseUnconfigured, STORE_PROPERTIES, type StoreConfig } from '../place.ts';
import { SharedStores } from '../stores.ts';
import { type Bucket, type Change, DEFAULT_KEY_VALUE_LIMITS, KeyValueError, type KeyValueLimits } from './backend.ts';
import { draft1, draft2, type FaceOptions, wasmcloud } from './faces.ts';
import { SqliteStore } from './sqlite.ts';

/** What a workload configures for each bucket that it may open, by its name. */
export interface KeyValueConfig extends StoreConfig {
  /** How long keys live unless a write says otherwise, in milliseconds; for ever unless given. */
  readonly ttlMs?: number | undefined;
  /** Bytes that the bucket may hold. */
  readonly maxBytes: number;
  /** Bytes that a value may have. */
  readonly maxValueBytes: number;
}

/** The trigger `watch`. */
export interface WatchTrigger {
  /** The bucket, as the workload configures it. */
  readonly bucket: string;
  /** Only keys that begin so. */
  readonly prefix: string;
}

/** What a bound workload has. */
interface Bound {
  readonly stores: ReadonlyMap<string, SqliteStore>;
  readonly buckets: ReadonlyMap<string, Bucket>;
  readonly definitions: Readonly<Record<string, object>>;
}

interface State {
  /** What is bound, by workload. */
  readonly bound: Map<string, Bound>;
  readonly stores: SharedStores<SqliteStore>;
  readonly hostId: string;
  readonly dataFolder: string | undefined;
}

/** What exports hear of changes, and where the class of their bucket is. */
const WATCHERS: readonly { readonly watcher: string; readonly owner: string }[] = [
  { watcher: 'wasmcloud:keyvalue/watcher@0.2.0', owner: 'wasmcloud:keyvalue/types@0.2.0' },
  { watcher: 'wasi:keyvalue/watcher@0.2.0-draft2', owner: 'wasi:keyvalue/store@0.2.0-draft2' },
  { watcher: 'wasi:keyvalue/watcher@0.2.0-draft', owner: 'wasi:keyvalue/store@0.2.0-draft' },
];

const keyOf = ({ namespace, name, revision }: WorkloadIdentity): string => JSON.stringify([namespace, name, revision]);

const FACES: readonly ((options: FaceOptions) => Readonly<Record<string, object>>)[] = [draft2, draft1, wasmcloud];
const NOWHERE: FaceOptions = { open: () => noSuchStore(''), waits: false };
const INTERFACES = FACES.flatMap((face) => Object.keys(face(NOWHERE)));

/** `open("")` is the bucket that a workload has when it configures none by name. */
const DEFAULT = 'default';

function noSuchStore(identifier: string): never {
  throw new KeyValueError('no-such-store', `the workload configures no bucket "${identifier}"`);
}

export const keyvalue = definePlugin<State, Record<string, never>, KeyValueConfig>({
  name: 'keyvalue',
  interfaces: INTERFACES,
  config: {
    type: 'object',
    properties: {
      ...STORE_PROPERTIES,
      ttlMs: { type: 'integer', minimum: 1, description: 'how long keys live unless a write says otherwise, in milliseconds' },
      maxBytes: {
        type: 'integer',
        minimum: 1,
        default: DEFAULT_KEY_VALUE_LIMITS.maxBucketBytes,
        description: 'bytes that the bucket may hold',
      },
      maxValueBytes: {
        type: 'integer',
        minimum: 0,
        default: DEFAULT_KEY_VALUE_LIMITS.maxValueBytes,
        description: 'bytes that a value may have',
      },
    },
    additionalProperties: false,
  },

  start: ({ hostId, dataFolder }) => ({ bound: new Map(), stores: new SharedStores<SqliteStore>(), hostId, dataFolder }),

  async bind({ bound, stores, hostId, dataFolder }, { workload, config, interfaces }) {
    if (config.size === 0 && interfaces.length > 0) refuseUnconfigured('keyvalue', packageOf(interfaces));
    const buckets = new Map<string, Bucket>();
    const mine = new Map<string, SqliteStore>();
    const taken: (() => Promise<void>)[] = [];
    const unbind = async (): Promise<void> => {
      bound.delete(keyOf(workload));
      for (const giveBack of taken.toReversed()) await giveBack();
    };
    try {
      for (const [label, each] of config) {
        const place = placeOf(each, { plugin: 'keyvalue', label, workload, hostId, dataFolder });
        const limits: Partial<KeyValueLimits> = { maxBucketBytes: each.maxBytes, maxValueBytes: each.maxValueBytes };
        const { store, giveBack } = await stores.take(
          JSON.stringify([place, each]),
          () => new SqliteStore({ place, ttlMs: each.ttlMs, limits }),
        );
        taken.push(giveBack);
        mine.set(label, store);
        buckets.set(label, store.open(DEFAULT));
      }
    } catch (error) {
      await unbind();
      throw error;
    }
    const open = (identifier: string): Bucket => buckets.get(identifier === '' ? DEFAULT : identifier) ?? noSuchStore(identifier);
    const definitions: Readonly<Record<string, object>> = Object.assign({}, ...FACES.map((face) => face({ open, waits: false })));
    bound.set(keyOf(workload), { stores: mine, buckets, definitions });
    return { definitions, unbind };
  },

  triggers: {
    watch: {
      exports: WATCHERS.map(({ watcher }) => watcher),
      // One cell hears the changes of all.
      once: true,
      config: {
        type: 'object',
        properties: {
          bucket: { type: 'string', default: DEFAULT, description: 'the bucket, as the workload configures it' },
          prefix: { type: 'string', default: '', description: 'only keys that begin so' },
        },
        additionalProperties: false,
      },
      start: ({ bound }, context) => watch(bound.get(keyOf(context.workload)), context as TriggerContext<WatchTrigger>),
    },
  },

  stop: ({ stores }) => stores.close(),
});

/** Tells a guest of each change, one after the other. @returns what ends it */
function watch(bound: Bound | undefined, { config, exports, invoke, log }: TriggerContext<WatchTrigger>): () => Promise<void> {
  const store = bound?.stores.get(config.bucket);
  const bucket = bound?.buckets.get(config.bucket);
  if (store === undefined || bucket === undefined) {
    return refuse(`the trigger watches the bucket "${config.bucket}", which the workload does not configure`);
  }
  const found = WATCHERS.find(({ watcher }) => exports.has(watcher));
  const owner = found && (bound?.definitions[found.owner] as { readonly Bucket?: new (backend: Bucket) => object } | undefined);
  if (found === undefined || owner?.Bucket === undefined) return refuse('the workload exports no watcher');
  const { Bucket: Handle } = owner;
  const waiting: Change[] = [];
  let working: Promise<void> | undefined;
  let stopped = false;
  let missed = 0;
  const work = async (): Promise<void> => {
    for (let change = waiting.shift(); change !== undefined && !stopped; change = waiting.shift()) {
      const [method, args] = change.kind === 'set' ? ['on-set', [change.key, change.value]] : ['on-delete', [change.key]];
      try {
        await invoke({ export: `${found.watcher}#${method}`, args: [new Handle(bucket), ...args] });
      } catch (error) {
        log.error('a watcher failed', { key: change.key, error: error instanceof Error ? error.message : String(error) });
      }
    }
    working = undefined;
  };
  const stop = store.watch(DEFAULT, (change) => {
    if (!change.key.startsWith(config.prefix)) return;
    if (waiting.length >= MOST_CHANGES) {
      if (missed++ === 0) log.warn('changes come faster than the watcher takes them; some are left out', { bucket: config.bucket });
      return;
    }
    waiting.push(change);
    working ??= work();
  });
  return async () => {
    stopped = true;
    stop();
    await working;
  };
}

/** Changes that wait for a watcher. */
const MOST_CHANGES = 10_000;
