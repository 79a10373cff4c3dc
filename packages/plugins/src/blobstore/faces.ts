/**
 * The blob storage interfaces that guests import, over one store.
 * `wasi:blobstore` 0.2.0-draft: https://github.com/WebAssembly/wasi-blobstore; `wasmcloud:blobstore` 0.1.0.
 */
import { Readable, Writable } from 'node:stream';
import { resultError } from '@tenon/component';
import { BlobError, type BlobStore, type ContainerInfo, type ObjectId, type ObjectInfo, type OpenObject } from './backend.ts';

/** The streams of `wasi:io`, made by the WASI of the workload. */
export interface Streams {
  /** An `input-stream` of what the stream brings. */
  input(from: Readable): object;
  /** An `output-stream` into the stream; to drop it leaves the stream open. */
  output(to: Writable): object;
}

export interface FaceOptions {
  readonly store: BlobStore;
  readonly streams: Streams;
  /** Bytes that `incoming-value-consume-sync` returns at most; more is an error that names the streaming way. */
  readonly maxSyncBytes: number;
  /** Checks that the guest may use a container. Throws BlobError `access-denied`. */
  readonly mayUse: (container: string) => void;
}

type Definitions = Readonly<Record<string, object>>;
type Say = (error: BlobError) => unknown;

async function answer<T>(say: Say, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    throw error instanceof BlobError ? resultError(say(error), error.message) : error;
  }
}

const inWords: Say = ({ message }) => message;
const SAME: ReadonlySet<string> = new Set([
  'no-such-container',
  'container-already-exists',
  'no-such-object',
  'access-denied',
  'quota-exceeded',
  'store-unavailable',
]);
const byTag: Say = ({ problem, message }) => (SAME.has(problem) ? { tag: problem } : { tag: 'other', val: message });

/** Names that are read from the store at a time. */
const PAGE = 1000;
const MAX_NAMES = 10_000n;

/** Goes through the names of a container. */
class Names {
  readonly #store: BlobStore;
  readonly #container: string;
  #after: string | undefined;
  #page: string[] = [];
  #ended = false;

  constructor(store: BlobStore, container: string) {
    this.#store = store;
    this.#container = container;
  }

  /** At most `count` names, and whether those were the last. */
  async take(count: number): Promise<{ readonly names: string[]; readonly ended: boolean }> {
    const names: string[] = [];
    // One more than asked for tells whether there are more.
    while (names.length + this.#page.length <= count && !this.#ended) {
      names.push(...this.#page);
      this.#page = [...(await this.#store.list(this.#container, this.#after, PAGE))];
      this.#after = this.#page.at(-1) ?? this.#after;
      this.#ended = this.#page.length < PAGE;
    }
    names.push(...this.#page.splice(0, count - names.length));
    return { names, ended: this.#ended && this.#page.length === 0 };
  }

  async *all(): AsyncGenerator<string> {
    for (;;) {
      const { names, ended } = await this.take(PAGE);
      yield* names;
      if (ended) return;
    }
  }
}

/** Bytes that a guest may write before it says where to. */
const EARLY_BYTES = 1024 * 1024;

/** The resource `outgoing-value`: what is written goes to the store as it comes; it is an object when the value is finished. */
class OutgoingValue {
  readonly #pieces: Uint8Array[] = [];
  #early = 0;
  #taken: (() => void) | undefined;
  #arrived: (() => void) | undefined;
  #state: 'open' | 'finished' | 'abandoned' = 'open';
  #asked = false;
  #stored: Promise<void> | undefined;

  readonly sink = new Writable({
    highWaterMark: 64 * 1024,
    decodeStrings: false,
    write: (bytes: Uint8Array, _encoding, taken) => {
      this.#early += bytes.length;
      if (this.#stored === undefined && this.#early > EARLY_BYTES) {
        taken(new Error(`more than ${EARLY_BYTES} bytes were written before write-data said where to`));
        return;
      }
      this.#pieces.push(bytes);
      // Until the store takes them, pieces are gathered; afterwards each waits for the one before.
      if (this.#stored === undefined) taken();
      else this.#taken = taken;
      this.#arrived?.();
    },
  });

  /** The body may be asked for once. */
  ask(): boolean {
    const first = !this.#asked;
    this.#asked = true;
    return first;
  }

  store(write: (body: AsyncIterable<Uint8Array>) => Promise<void>): void {
    if (this.#stored !== undefined) throw new BlobError('invalid-name', 'this value was written already');
    this.#stored = write(this.#body());
    this.#stored.catch((error: unknown) => this.sink.destroy(error instanceof Error ? error : new Error(String(error))));
  }

  async finish(): Promise<void> {
    this.#end('finished');
    await this.#stored;
  }

  /** A value that is dropped before it is finished is no object. */
  abandon(): void {
    this.#end('abandoned');
  }

  #end(state: 'finished' | 'abandoned'): void {
    if (this.#state !== 'open') return;
    this.#state = state;
    this.#arrived?.();
  }

  async *#body(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const piece = this.#pieces.shift();
      if (piece !== undefined) {
        yield piece;
        const taken = this.#taken;
        this.#taken = undefined;
        taken?.();
      } else if (this.#state === 'finished') return;
      else if (this.#state === 'abandoned') throw new BlobError('store-unavailable', 'the value was dropped before it was finished');
      else await new Promise<void>((resolve) => (this.#arrived = resolve));
    }
  }

  static newOutgoingValue(): OutgoingValue {
    return new OutgoingValue();
  }

  [Symbol.dispose](): void {
    this.abandon();
  }
}

/** The resource `incoming-value`. */
class IncomingValue {
  readonly object: OpenObject;

  constructor(object: OpenObject) {
    this.object = object;
  }

  size(): bigint {
    return this.object.size;
  }

  [Symbol.dispose](): void {
    this.object.body.return?.();
  }
}

/** `wasi:blobstore@0.2.0-draft`. */
export function wasi({ store, streams, maxSyncBytes, mayUse }: FaceOptions): Definitions {
  const say = inWords;

  class Outgoing extends OutgoingValue {
    static override newOutgoingValue(): Outgoing {
      return new Outgoing();
    }

    outgoingValueWriteBody(): object {
      if (!this.ask()) throw resultError(undefined, 'the body was asked for already');
      return streams.output(this.sink);
    }

    static async finish(value: Outgoing): Promise<void> {
      return answer(say, () => value.finish());
    }
  }

  class Incoming extends IncomingValue {
    static async incomingValueConsumeSync(value: Incoming): Promise<Uint8Array> {
      return answer(say, async () => {
        const { size, body } = value.object;
        if (size > maxSyncBytes) {
          await body.return?.();
          throw new BlobError('quota-exceeded', `the value has ${size} bytes, more than the ${maxSyncBytes} that fit at once: stream it`);
        }
        return Buffer.concat(await Array.fromAsync(body));
      });
    }

    static incomingValueConsumeAsync(value: Incoming): object {
      return streams.input(Readable.from(value.object.body, { objectMode: false }));
    }
  }

  class ObjectNames {
    readonly names: Names;

    constructor(names: Names) {
      this.names = names;
    }

    async readStreamObjectNames(length: bigint): Promise<[string[], boolean]> {
      return answer(say, async () => {
        const { names, ended } = await this.names.take(Number(length < MAX_NAMES ? length : MAX_NAMES));
        return [names, ended];
      });
    }

    async skipStreamObjectNames(count: bigint): Promise<[bigint, boolean]> {
      return answer(say, async () => {
        const { names, ended } = await this.names.take(Number(count < MAX_NAMES ? count : MAX_NAMES));
        return [BigInt(names.length), ended];
      });
    }
  }

  class Container extends StoreContainer {
    override readonly say = say;

    constructor(info: ContainerInfo) {
      super(store, info);
    }

    async getData(name: string, start: bigint, end: bigint): Promise<Incoming> {
      return answer(say, async () => new Incoming(await store.read(this.container, name, start, end)));
    }

    async writeData(name: string, value: Outgoing): Promise<void> {
      return answer(say, async () => {
        await store.container(this.container);
        value.store((body) => store.write(this.container, name, body));
      });
    }

    async listObjects(): Promise<ObjectNames> {
      return answer(say, async () => {
        await store.container(this.container);
        return new ObjectNames(new Names(store, this.container));
      });
    }
  }

  return {
    'wasi:blobstore/types@0.2.0-draft': { OutgoingValue: Outgoing, IncomingValue: Incoming },
    'wasi:blobstore/container@0.2.0-draft': { Container, StreamObjectNames: ObjectNames },
    'wasi:blobstore/blobstore@0.2.0-draft': containers(store, say, mayUse, (info) => new Container(info)),
  };
}

/** `wasmcloud:blobstore@0.1.0`, whose bodies and lists are streams. */
export function wasmcloud({ store, mayUse }: Pick<FaceOptions, 'store' | 'mayUse'>): Definitions {
  const say = byTag;
  class Container extends StoreContainer {
    override readonly say = say;

    constructor(info: ContainerInfo) {
      super(store, info);
    }

    async getData(name: string, start: bigint, end: bigint): Promise<AsyncIterable<Uint8Array>> {
      return answer(say, async () => (await store.read(this.container, name, start, end)).body);
    }

    async writeData(name: string, data: AsyncIterable<Uint8Array>): Promise<void> {
      return answer(say, () => store.write(this.container, name, data));
    }

    async listObjects(): Promise<AsyncIterable<string>> {
      return answer(say, async () => {
        await store.container(this.container);
        return new Names(store, this.container).all();
      });
    }
  }
  return {
    'wasmcloud:blobstore/types@0.1.0': {},
    'wasmcloud:blobstore/container@0.1.0': { Container },
    'wasmcloud:blobstore/blobstore@0.1.0': containers(store, say, mayUse, (info) => new Container(info)),
  };
}

/** What the resource `container` does in all versions. */
abstract class StoreContainer {
  readonly store: BlobStore;
  readonly container: string;
  abstract readonly say: Say;

  constructor(store: BlobStore, info: ContainerInfo) {
    this.store = store;
    this.container = info.name;
  }

  name(): string {
    return this.container;
  }

  async info(): Promise<ContainerInfo> {
    return answer(this.say, () => this.store.container(this.container));
  }

  async deleteObject(name: string): Promise<void> {
    return answer(this.say, () => this.store.delete(this.container, [name]));
  }

  async deleteObjects(names: readonly string[]): Promise<void> {
    return answer(this.say, () => this.store.delete(this.container, names));
  }

  async hasObject(name: string): Promise<boolean> {
    return answer(this.say, () => this.store.has(this.container, name));
  }

  async objectInfo(name: string): Promise<ObjectInfo> {
    return answer(this.say, () => this.store.info(this.container, name));
  }

  async clear(): Promise<void> {
    return answer(this.say, () => this.store.clear(this.container));
  }
}

/** The functions of the interface `blobstore`, which are the same in all versions. */
function containers(
  store: BlobStore,
  say: Say,
  mayUse: (container: string) => void,
  wrap: (info: ContainerInfo) => object,
): Readonly<Record<string, (...args: never[]) => Promise<unknown>>> {
  const both = (from: ObjectId, to: ObjectId): void => {
    mayUse(from.container);
    mayUse(to.container);
  };
  const granted = <T>(container: string, operation: () => Promise<T>): Promise<T> =>
    answer(say, async () => {
      mayUse(container);
      return operation();
    });
  return {
    createContainer: async (name: string) => granted(name, async () => wrap(await store.createContainer(name))),
    getContainer: async (name: string) => granted(name, async () => wrap(await store.container(name))),
    deleteContainer: async (name: string) => granted(name, () => store.deleteContainer(name)),
    containerExists: async (name: string) => granted(name, () => store.containerExists(name)),
    copyObject: async (from: ObjectId, to: ObjectId) =>
      answer(say, async () => {
        both(from, to);
        await store.copy(from, to);
      }),
    moveObject: async (from: ObjectId, to: ObjectId) =>
      answer(say, async () => {
        both(from, to);
        await store.move(from, to);
      }),
  };
}
