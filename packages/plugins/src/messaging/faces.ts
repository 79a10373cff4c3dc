/**
 * The messaging interfaces that guests import, over one broker, and how a message reaches a guest's handler.
 * `wasi:messaging` 0.2.0-draft: https://github.com/WebAssembly/wasi-messaging; `wasmcloud:messaging` 0.2.0 and 0.3.0.
 */
import { ComponentError, resultError } from '@tenon/component';
import { type Broker, type Message as BrokerMessage, type Headers, MessagingError, type Outcome } from './backend.ts';

export interface FaceOptions {
  /** Finds the broker that a guest names; the name is empty where the interface has none. Throws MessagingError. */
  readonly broker: (name: string) => Broker;
  /** Bytes that the bodies of a streamed message may have. */
  readonly maxMessageBytes: number;
  /** Checks that the guest may send to a subject. Throws MessagingError `access-denied`. */
  readonly maySend: (subject: string) => void;
}

type Definitions = Readonly<Record<string, object>>;
type Say = (error: MessagingError) => unknown;

async function answer<T>(say: Say, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    throw error instanceof MessagingError ? resultError(say(error), error.message) : error;
  }
}

const wasiError: Say = ({ problem, message }) => {
  if (problem === 'timeout') return { tag: 'timeout' };
  if (problem === 'broker-unavailable') return { tag: 'connection', val: message };
  return problem === 'access-denied' ? { tag: 'permission-denied', val: message } : { tag: 'other', val: message };
};

const DEFAULT_TIMEOUT_MS = 5000;
/** Answers that a guest may ask for. */
const MAX_REPLIES = 1000;

/** The resource `message` of `wasi:messaging`. */
export class WasiMessage {
  #topic: string | undefined;
  #data: Uint8Array;
  #contentType: string | undefined;
  #metadata: (readonly [string, string])[] = [];
  #replyTo: string | undefined;

  constructor(data: Uint8Array) {
    this.#data = data;
  }

  /** A message that arrived. */
  static received({ subject, body, headers = [], replyTo }: BrokerMessage): WasiMessage {
    const message = new WasiMessage(body);
    message.#topic = subject;
    message.#replyTo = replyTo;
    message.#contentType = headers.find(([name]) => name === CONTENT_TYPE)?.[1];
    message.#metadata = headers.filter(([name]) => name !== CONTENT_TYPE);
    return message;
  }

  topic(): string | undefined {
    return this.#topic;
  }

  contentType(): string | undefined {
    return this.#contentType;
  }

  setContentType(contentType: string): void {
    this.#contentType = contentType;
  }

  data(): Uint8Array {
    return this.#data;
  }

  setData(data: Uint8Array): void {
    this.#data = data;
  }

  metadata(): (readonly [string, string])[] | undefined {
    return this.#metadata.length === 0 ? undefined : this.#metadata;
  }

  addMetadata(key: string, value: string): void {
    this.#metadata.push([key, value]);
  }

  setMetadata(metadata: (readonly [string, string])[]): void {
    this.#metadata = [...metadata];
  }

  removeMetadata(key: string): void {
    this.#metadata = this.#metadata.filter(([name]) => name !== key);
  }

  /** As the broker has it. */
  static to(subject: string, message: WasiMessage): BrokerMessage {
    const type: Headers = message.#contentType === undefined ? [] : [[CONTENT_TYPE, message.#contentType]];
    return { subject, body: message.#data, headers: [...type, ...message.#metadata] };
  }

  static replyTo(message: WasiMessage): string | undefined {
    return message.#replyTo;
  }
}

const CONTENT_TYPE = 'content-type';

/** `wasi:messaging@0.2.0-draft`. */
export function wasi({ broker, maySend }: FaceOptions): Definitions {
  class Client {
    readonly broker: Broker;
    readonly name: string;

    constructor(found: Broker, name: string) {
      this.broker = found;
      this.name = name;
    }

    static async connect(name: string): Promise<Client> {
      return answer(wasiError, async () => new Client(broker(name), name));
    }

    /** A handle that is dropped needs no word of its own. */
    disconnect(): void {}
  }
  class RequestOptions {
    timeoutMs = DEFAULT_TIMEOUT_MS;
    replies = 1;

    setTimeoutMs(timeoutMs: number): void {
      this.timeoutMs = timeoutMs;
    }

    setExpectedReplies(replies: number): void {
      this.replies = Math.min(Math.max(1, replies), MAX_REPLIES);
    }
  }
  const origins = new WeakMap<WasiMessage, Broker>();
  return {
    'wasi:messaging/types@0.2.0-draft': { Client, Message: WasiMessage },
    'wasi:messaging/producer@0.2.0-draft': {
      send: async (client: Client, topic: string, message: WasiMessage) =>
        answer(wasiError, async () => {
          maySend(topic);
          await client.broker.publish(WasiMessage.to(topic, message));
        }),
    },
    'wasi:messaging/request-reply@0.2.0-draft': {
      RequestOptions,
      request: async (client: Client, topic: string, message: WasiMessage, options: RequestOptions | undefined) =>
        answer(wasiError, async () => {
          maySend(topic);
          const { timeoutMs, replies } = options ?? new RequestOptions();
          const answers = await client.broker.request(WasiMessage.to(topic, message), timeoutMs, replies);
          return answers.map((each) => {
            const received = WasiMessage.received(each);
            origins.set(received, client.broker);
            return received;
          });
        }),
      reply: async (to: WasiMessage, message: WasiMessage) =>
        answer(wasiError, async () => {
          const subject = WasiMessage.replyTo(to);
          if (subject === undefined) throw new MessagingError('subject-invalid', 'the message does not ask for a reply');
          await (origins.get(to) ?? broker('')).publish(WasiMessage.to(subject, message));
        }),
    },
  };
}

interface WasmcloudMessage<Body> {
  readonly subject: string;
  readonly body: Body;
  readonly replyTo?: string | undefined;
}

const inWords: Say = ({ message }) => message;

/** `wasmcloud:messaging@0.2.0`. */
export function wasmcloud2({ broker, maySend }: FaceOptions): Definitions {
  return {
    'wasmcloud:messaging/types@0.2.0': {},
    'wasmcloud:messaging/consumer@0.2.0': {
      request: async (subject: string, body: Uint8Array, timeoutMs: number) =>
        answer(inWords, async () => {
          maySend(subject);
          const [first] = await broker('').request({ subject, body }, timeoutMs);
          return toWasmcloud(first as BrokerMessage);
        }),
      publish: async ({ subject, body, replyTo }: WasmcloudMessage<Uint8Array>) =>
        answer(inWords, async () => {
          maySend(subject);
          await broker('').publish({ subject, body, replyTo });
        }),
    },
  };
}

const byTag: Say = ({ problem }) => ({ tag: problem });

/** `wasmcloud:messaging@0.3.0`, whose bodies are streams. */
export function wasmcloud3({ broker, maySend, maxMessageBytes }: FaceOptions): Definitions {
  type Streamed = WasmcloudMessage<AsyncIterable<Uint8Array>>;
  return {
    'wasmcloud:messaging/types@0.3.0': {},
    'wasmcloud:messaging/consumer@0.3.0': {
      request: async (subject: string, body: AsyncIterable<Uint8Array>, timeoutMs: number | undefined) =>
        answer(byTag, async () => {
          maySend(subject);
          const message = { subject, body: await gather(body, maxMessageBytes) };
          const [first] = await broker('').request(message, timeoutMs ?? DEFAULT_TIMEOUT_MS);
          return toStreamed(first as BrokerMessage);
        }),
      publish: async ({ subject, body, replyTo }: Streamed) =>
        answer(byTag, async () => {
          maySend(subject);
          await broker('').publish({ subject, body: await gather(body, maxMessageBytes), replyTo });
        }),
    },
  };
}

const toWasmcloud = ({ subject, body, replyTo }: BrokerMessage): WasmcloudMessage<Uint8Array> => ({ subject, body, replyTo });

function toStreamed(message: BrokerMessage): WasmcloudMessage<Iterable<Uint8Array>> {
  return { ...toWasmcloud(message), body: message.body.length === 0 ? [] : [message.body] };
}

async function gather(body: AsyncIterable<Uint8Array>, most: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of body) {
    size += piece.length;
    if (size > most) throw new MessagingError('message-too-large', `the message is over the limit of ${most} bytes`);
    // What a stream hands out may be used again by it.
    pieces.push(piece.slice());
  }
  return Buffer.concat(pieces);
}

/** How an export handles messages. */
export interface Handler {
  /** Export and function, as a trigger calls it. */
  readonly export: string;
  readonly args: (message: BrokerMessage) => readonly unknown[];
  /** What an error case means; `done` when the function did not return one. */
  readonly failed: (payload: unknown) => Outcome;
}

const retry = (payload: unknown): Outcome => ({ kind: 'retry', reason: words(payload) });

function words(payload: unknown): string {
  if (typeof payload === 'string') return payload;
  const { tag, val } = (payload ?? {}) as { readonly tag?: unknown; readonly val?: unknown };
  return val === undefined ? String(tag) : `${String(tag)}: ${String(val)}`;
}

/** The exports that can handle messages, the newest first. */
export const HANDLERS: readonly Handler[] = [
  {
    export: 'wasmcloud:messaging/handler@0.3.0#handle-message',
    args: (message) => [toStreamed(message)],
    failed: (payload) =>
      (payload as { readonly tag?: unknown } | null)?.tag === 'reject'
        ? { kind: 'reject', reason: 'the guest rejected it' }
        : retry(payload),
  },
  { export: 'wasmcloud:messaging/handler@0.2.0#handle-message', args: (message) => [toWasmcloud(message)], failed: retry },
  { export: 'wasi:messaging/incoming-handler@0.2.0-draft#handle', args: (message) => [WasiMessage.received(message)], failed: retry },
];

/**
 * Hands a message to a guest.
 * @param call calls the handler's export
 * @returns what becomes of the message. A guest that traps is tried again like one that returns an error.
 */
export async function handOver(
  handler: Handler,
  message: BrokerMessage,
  call: (args: readonly unknown[]) => Promise<unknown>,
): Promise<Outcome> {
  try {
    await call(handler.args(message));
    return { kind: 'done' };
  } catch (error) {
    if (error instanceof ComponentError && error.code === 'TENON_RESULT') return handler.failed(error.payload);
    return { kind: 'retry', reason: error instanceof Error ? error.message : String(error) };
  }
}
