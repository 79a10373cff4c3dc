/** What a blob storage backend does. The interfaces that guests import are faces over this. */

export type BlobProblem =
  | 'no-such-container'
  | 'container-already-exists'
  | 'no-such-object'
  | 'access-denied'
  | 'invalid-name'
  | 'quota-exceeded'
  | 'store-unavailable';

export class BlobError extends Error {
  override readonly name = 'BlobError';
  readonly problem: BlobProblem;

  constructor(problem: BlobProblem, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.problem = problem;
  }
}

export interface ContainerInfo {
  readonly name: string;
  /** Seconds since 1970. */
  readonly createdAt: bigint;
}

export interface ObjectInfo {
  readonly name: string;
  readonly container: string;
  /** Seconds since 1970. */
  readonly createdAt: bigint;
  /** Bytes. */
  readonly size: bigint;
}

export interface ObjectId {
  readonly container: string;
  readonly object: string;
}

/** An object that is being read: its size at the moment it was opened, and the bytes of the range that was asked for. */
export interface OpenObject {
  /** Bytes in the range. */
  readonly size: bigint;
  /** Pieces of at most 64 KiB, read as they are taken. Who stops early calls `return`. */
  readonly body: AsyncIterableIterator<Uint8Array>;
}

/** Containers of objects. Every method rejects with {@link BlobError}. */
export interface BlobStore {
  createContainer(name: string): Promise<ContainerInfo>;
  container(name: string): Promise<ContainerInfo>;
  containerExists(name: string): Promise<boolean>;
  /** With all that it holds. */
  deleteContainer(name: string): Promise<void>;
  /** Removes all objects. */
  clear(container: string): Promise<void>;
  /** Names in their byte order, after `after`, at most `limit`. */
  list(container: string, after: string | undefined, limit: number): Promise<readonly string[]>;
  info(container: string, object: string): Promise<ObjectInfo>;
  has(container: string, object: string): Promise<boolean>;
  /** @param start the first byte; @param end the last byte, both from 0; what lies beyond the object is not there */
  read(container: string, object: string, start: bigint, end: bigint): Promise<OpenObject>;
  /** Takes all pieces and puts the object in place of one of that name, whole or not at all. A body that fails leaves what was there. */
  write(container: string, object: string, body: AsyncIterable<Uint8Array>): Promise<void>;
  /** An object that is not there counts as deleted. */
  delete(container: string, objects: readonly string[]): Promise<void>;
  copy(from: ObjectId, to: ObjectId): Promise<void>;
  move(from: ObjectId, to: ObjectId): Promise<void>;
  close(): Promise<void>;
}

/** What a store holds at most. */
export interface BlobLimits {
  /** UTF-8 bytes of a name of a container or object; 1,024. */
  readonly maxNameBytes: number;
  /** Bytes of an object; 5 GiB. */
  readonly maxObjectBytes: number;
  /** Bytes of all objects of a store that lies in memory; 1 GiB. Files are bounded by their disk. */
  readonly maxMemoryBytes: number;
}

export const DEFAULT_BLOB_LIMITS: BlobLimits = {
  maxNameBytes: 1024,
  maxObjectBytes: 5 * 1024 ** 3,
  maxMemoryBytes: 1024 ** 3,
};

/** The pieces in which objects are read. */
export const PIECE_BYTES = 64 * 1024;

/** @throws BlobError `invalid-name` */
export function checkName(name: string, limits: BlobLimits): void {
  if (name === '') throw new BlobError('invalid-name', 'a name must not be empty');
  if (Buffer.byteLength(name) <= limits.maxNameBytes) return;
  throw new BlobError('invalid-name', `a name is over the limit of ${limits.maxNameBytes} bytes`);
}

/**
 * Reads an object piece by piece.
 * @param piece reads some bytes from a position on, at least one
 * @param close is called once: at the end, after a failure, or when the reader stops, also one that never began
 */
export function pieces(
  start: bigint,
  stop: bigint,
  piece: (at: bigint) => Uint8Array | Promise<Uint8Array>,
  close: () => void | Promise<void>,
): AsyncIterableIterator<Uint8Array> {
  let at = start;
  let open = true;
  const end = async (): Promise<{ readonly done: true; readonly value: undefined }> => {
    if (open) {
      open = false;
      await close();
    }
    return { done: true, value: undefined };
  };
  return {
    async next() {
      if (!open || at >= stop) return end();
      try {
        const value = await piece(at);
        at += BigInt(value.length);
        return { done: false, value };
      } catch (error) {
        await end();
        throw error;
      }
    },
    return: end,
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
