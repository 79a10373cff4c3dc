/** The plugin `keyvalue`: `wasi:keyvalue` and `wasmcloud:keyvalue`, in memory or in SQLite. */
import { definePlugin } from '@tenon/plugin';
import { packageOf, placeOf, refuseUnconfigured, STORE_PROPERTIES, type StoreConfig } from '../place.ts';
import { SharedStores } from '../stores.ts';
import { type Bucket, DEFAULT_KEY_VALUE_LIMITS, KeyValueError, type KeyValueLimits } from './backend.ts';
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

interface State {
  readonly stores: SharedStores<SqliteStore>;
  readonly hostId: string;
  readonly dataFolder: string | undefined;
}

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

  start: ({ hostId, dataFolder }) => ({ stores: new SharedStores<SqliteStore>(), hostId, dataFolder }),

  async bind({ stores, hostId, dataFolder }, { workload, config, interfaces }) {
    if (config.size === 0 && interfaces.length > 0) refuseUnconfigured('keyvalue', packageOf(interfaces));
    const buckets = new Map<string, Bucket>();
    const taken: (() => Promise<void>)[] = [];
    const unbind = async (): Promise<void> => {
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
        buckets.set(label, store.open(DEFAULT));
      }
    } catch (error) {
      await unbind();
      throw error;
    }
    const open = (identifier: string): Bucket => buckets.get(identifier === '' ? DEFAULT : identifier) ?? noSuchStore(identifier);
    return { definitions: Object.assign({}, ...FACES.map((face) => face({ open, waits: false }))), unbind };
  },

  stop: ({ stores }) => stores.close(),
});
