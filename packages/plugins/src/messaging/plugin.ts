/** The plugin `messaging`: `wasi:messaging` and `wasmcloud:messaging`, in memory or in SQLite, and messages as a trigger. */
import { definePlugin, refuse } from '@tenon/plugin';
import { packageOf, placeOf, refuseUnconfigured, STORE_PROPERTIES, type StoreConfig } from '../place.ts';
import { SharedStores } from '../stores.ts';
import { type Broker, DEFAULT_DELIVERY, DEFAULT_MESSAGING_LIMITS, type Delivery, INBOX, MessagingError, type Outcome } from './backend.ts';
import { type FaceOptions, HANDLERS, handOver, wasi, wasmcloud2, wasmcloud3 } from './faces.ts';
import { SqliteBroker } from './sqlite.ts';
import { matches, subjectProblem } from './subjects.ts';

/** What a workload configures for each broker that it may connect to, by its name. */
export interface MessagingConfig extends StoreConfig {
  /** Subjects, with wildcards, that the workload may send to; all unless given. Answers to requests may always be sent. */
  readonly publish?: readonly string[] | undefined;
  /** Bytes that a message may have. */
  readonly maxMessageBytes: number;
}

/** The trigger `messages`. */
export interface MessagesTrigger {
  /** Subjects, with wildcards. */
  readonly subjects: readonly string[];
  /** The broker, as the workload configures it. */
  readonly broker: string;
  /** Workloads of one group share its messages; a group of the workload's own unless given. */
  readonly group?: string | undefined;
  readonly concurrency: number;
  readonly maxAttempts: number;
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
}

interface State {
  readonly stores: SharedStores<SqliteBroker>;
  readonly hostId: string;
  readonly dataFolder: string | undefined;
  /** The brokers of what is bound, by workload and label. */
  readonly brokers: Map<string, Broker>;
}

const FACES: readonly ((options: FaceOptions) => Readonly<Record<string, object>>)[] = [wasi, wasmcloud2, wasmcloud3];
const DEFAULT = 'default';
const keyOf = ({ namespace, name, revision }: { namespace: string; name: string; revision: number }, label: string): string =>
  JSON.stringify([namespace, name, revision, label]);

function notConfigured(name: string): never {
  throw new MessagingError('broker-unavailable', `the workload configures no broker "${name}"`);
}

export const messaging = definePlugin<State, Record<string, never>, MessagingConfig>({
  name: 'messaging',
  interfaces: FACES.flatMap((face) => Object.keys(face({ broker: notConfigured, maxMessageBytes: 0, maySend: () => {} }))),
  config: {
    type: 'object',
    properties: {
      ...STORE_PROPERTIES,
      store: {
        ...STORE_PROPERTIES.store,
        default: DEFAULT,
        description: 'the broker: workloads of one namespace that name the same share it',
      },
      publish: { type: 'array', items: { type: 'string' }, description: 'subjects that the workload may send to; all unless given' },
      maxMessageBytes: {
        type: 'integer',
        minimum: 0,
        default: DEFAULT_MESSAGING_LIMITS.maxMessageBytes,
        description: 'bytes that a message may have',
      },
    },
    additionalProperties: false,
  },

  start: ({ hostId, dataFolder }) => ({ stores: new SharedStores<SqliteBroker>(), hostId, dataFolder, brokers: new Map() }),

  async bind({ stores, hostId, dataFolder, brokers }, { workload, config, interfaces }) {
    if (config.size === 0 && interfaces.length > 0) refuseUnconfigured('messaging', packageOf(interfaces));
    const mine = new Map<string, Broker>();
    const taken: (() => Promise<void>)[] = [];
    const unbind = async (): Promise<void> => {
      for (const label of mine.keys()) brokers.delete(keyOf(workload, label));
      for (const giveBack of taken.toReversed()) await giveBack();
    };
    try {
      for (const [label, each] of config) {
        for (const pattern of each.publish ?? []) {
          const problem = subjectProblem(pattern, true);
          if (problem !== undefined) refuse(`messaging "${label}" names "${pattern}", which is not a subject: ${problem}`);
        }
        const place = placeOf(each, { plugin: 'messaging', label, workload, hostId, dataFolder });
        const limits = { maxMessageBytes: each.maxMessageBytes };
        const { store, giveBack } = await stores.take(JSON.stringify([place, limits]), () => new SqliteBroker({ place, limits }));
        taken.push(giveBack);
        mine.set(label, store);
        brokers.set(keyOf(workload, label), store);
      }
    } catch (error) {
      await unbind();
      throw error;
    }
    const nameOf = (name: string): string => (name === '' ? DEFAULT : name);
    const broker = (name: string): Broker => mine.get(nameOf(name)) ?? notConfigured(name);
    // An interface that names no broker means the default one, and grants are looked up there.
    const granted = config.get(DEFAULT)?.publish;
    const maySend = (subject: string): void => {
      if (granted === undefined || subject.startsWith(INBOX) || granted.some((pattern) => matches(pattern, subject))) return;
      throw new MessagingError('access-denied', `the workload may not send to "${subject}"`);
    };
    const maxMessageBytes = Math.max(0, ...[...config.values()].map((each) => each.maxMessageBytes));
    return { definitions: Object.assign({}, ...FACES.map((face) => face({ broker, maxMessageBytes, maySend }))), unbind };
  },

  triggers: {
    messages: {
      exports: HANDLERS.map((handler) => handler.export.replace(/#.*/, '')),
      config: {
        type: 'object',
        required: ['subjects'],
        properties: {
          subjects: { type: 'array', minItems: 1, items: { type: 'string' }, description: 'subjects, with wildcards' },
          broker: { type: 'string', default: DEFAULT, description: 'the broker, as the workload configures it' },
          group: { type: 'string', minLength: 1, description: 'workloads of one group share its messages' },
          concurrency: {
            type: 'integer',
            minimum: 1,
            default: DEFAULT_DELIVERY.concurrency,
            description: 'messages at the same time, in each cell',
          },
          maxAttempts: {
            type: 'integer',
            minimum: 1,
            default: DEFAULT_DELIVERY.maxAttempts,
            description: 'attempts before a message is set aside',
          },
          backoffMs: {
            type: 'integer',
            minimum: 1,
            default: DEFAULT_DELIVERY.backoffMs,
            description: 'milliseconds before the second attempt',
          },
          maxBackoffMs: {
            type: 'integer',
            minimum: 1,
            default: DEFAULT_DELIVERY.maxBackoffMs,
            description: 'the longest wait between attempts',
          },
        },
        additionalProperties: false,
      },
      async start({ brokers }: State, { workload, config, invoke, exports }) {
        const { subjects, broker: label, group, ...options } = config as MessagesTrigger;
        const broker = brokers.get(keyOf(workload, label));
        if (broker === undefined) return refuse(`the trigger names the broker "${label}", which the workload does not configure`);
        const handler = HANDLERS.find((each) => exports.has(each.export.replace(/#.*/, '')));
        if (handler === undefined) return refuse('the workload exports no handler of messages');
        const name = group ?? `workload:${workload.name}`;
        const handle = ({ message }: Delivery): Promise<Outcome> =>
          handOver(handler, message, (args) => invoke({ export: handler.export, args }));
        const stops: (() => Promise<void>)[] = [];
        for (const pattern of subjects) {
          await broker.addConsumer({ name, pattern });
          stops.push(broker.listen({ name, pattern }, handle, options));
        }
        return async () => {
          await Promise.all(stops.map((stop) => stop()));
        };
      },
    },
  },

  stop: ({ stores }) => stores.close(),
});
