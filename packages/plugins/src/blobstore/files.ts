/**
 * Blob storage in a folder: `<folder>/<container>/<object>`. An object is written to a file of its own beside the others and takes its name when it is
 * whole and on the disk, so that readers see the old one or the new one, also after a crash.
 */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { access, type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PluginError } from '../errors.ts';
import { escapedName, fileName } from '../file-name.ts';
import {
  BlobError,
  type BlobLimits,
  type BlobStore,
  type ContainerInfo,
  checkName,
  DEFAULT_BLOB_LIMITS,
  type ObjectId,
  type ObjectInfo,
  type OpenObject,
  PIECE_BYTES,
  pieces,
} from './backend.ts';

export interface FileBlobsOptions {
  /** Path of the folder; it is made when it is missing. */
  readonly folder: string;
  readonly limits?: Partial<BlobLimits> | undefined;
}

/** Parts of objects that are being written; what a crash left there is removed at the next start. */
const PARTS = '.parts';
/** Holds the name of a container or object whose own name is too long for a file. */
const LONG = '.name';

export class FileBlobs implements BlobStore {
  readonly #folder: string;
  readonly #limits: BlobLimits;

  private constructor({ folder, limits }: FileBlobsOptions) {
    this.#folder = folder;
    this.#limits = { ...DEFAULT_BLOB_LIMITS, ...limits };
  }

  /**
   * @param fresh whether nobody else has the folder open, so that what was left half written can go
   * @throws PluginError `TENON_STORE_OPEN` when the folder cannot be made or written
   */
  static async open(options: FileBlobsOptions, fresh = false): Promise<FileBlobs> {
    const parts = join(options.folder, PARTS);
    try {
      if (fresh) await rm(parts, { recursive: true, force: true });
      await mkdir(parts, { recursive: true });
      await access(options.folder, constants.R_OK | constants.W_OK | constants.X_OK);
    } catch (error) {
      throw new PluginError('TENON_STORE_OPEN', `${options.folder}: ${(error as Error).message}`, error);
    }
    return new FileBlobs(options);
  }

  async createContainer(name: string): Promise<ContainerInfo> {
    checkName(name, this.#limits);
    const path = this.#containerPath(name);
    await attempt(async () => {
      try {
        await mkdir(path);
      } catch (error) {
        throw codeOf(error) === 'EEXIST' ? new BlobError('container-already-exists', `the container "${name}" exists`) : error;
      }
      if (isLong(name)) await writeFile(`${path}${LONG}`, name);
      await sync(this.#folder);
    });
    return this.container(name);
  }

  async container(name: string): Promise<ContainerInfo> {
    const path = this.#containerPath(name);
    const { birthtimeMs } = await attempt(() => stat(path), noContainer(name));
    return { name, createdAt: BigInt(Math.floor(birthtimeMs / 1000)) };
  }

  async containerExists(name: string): Promise<boolean> {
    return this.container(name).then(
      () => true,
      (error: unknown) => {
        if (error instanceof BlobError && error.problem === 'no-such-container') return false;
        throw error;
      },
    );
  }

  async deleteContainer(name: string): Promise<void> {
    const path = this.#containerPath(name);
    // It is gone for all at once, and then its files go.
    const grave = join(this.#folder, PARTS, randomUUID());
    await attempt(() => rename(path, grave), noContainer(name));
    await attempt(async () => {
      await rm(`${path}${LONG}`, { force: true });
      await sync(this.#folder);
      await rm(grave, { recursive: true, force: true });
    });
  }

  async clear(container: string): Promise<void> {
    const path = this.#containerPath(container);
    const files = await attempt(() => readdir(path), noContainer(container));
    await attempt(async () => {
      for (const file of files) await rm(join(path, file), { force: true });
      await sync(path);
    });
  }

  async list(container: string, after: string | undefined, limit: number): Promise<readonly string[]> {
    const path = this.#containerPath(container);
    const files = await attempt(() => readdir(path), noContainer(container));
    const names: string[] = [];
    for (const file of files) {
      if (file.endsWith(LONG)) names.push(await attempt(() => readFile(join(path, file), 'utf8')));
      else if (!file.startsWith('.')) names.push(decodeURIComponent(file));
    }
    const order = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
    const later = after === undefined ? names : names.filter((name) => order(name, after) > 0);
    return later.sort(order).slice(0, limit);
  }

  async info(container: string, object: string): Promise<ObjectInfo> {
    const path = await this.#objectPath(container, object);
    const found = await attempt(() => stat(path, { bigint: true }), noObject(container, object));
    return { name: object, container, createdAt: found.mtimeMs / 1000n, size: found.size };
  }

  async has(container: string, object: string): Promise<boolean> {
    const path = await this.#objectPath(container, object);
    return attempt(() =>
      stat(path).then(
        () => true,
        (error: unknown) => {
          if (codeOf(error) === 'ENOENT') return false;
          throw error;
        },
      ),
    );
  }

  async read(container: string, object: string, start: bigint, end: bigint): Promise<OpenObject> {
    const path = await this.#objectPath(container, object);
    const file = await attempt(() => open(path, 'r'), noObject(container, object));
    const { size } = await attempt(() => file.stat({ bigint: true }));
    const stop = end < size ? end + 1n : size;
    const piece = async (at: bigint): Promise<Uint8Array> => {
      const buffer = new Uint8Array(Math.min(PIECE_BYTES, Number(stop - at)));
      const { bytesRead } = await attempt(() => file.read(buffer, 0, buffer.length, Number(at)));
      if (bytesRead === 0) throw new BlobError('store-unavailable', 'the file of the object is shorter than it was');
      return buffer.subarray(0, bytesRead);
    };
    return { size: stop > start ? stop - start : 0n, body: pieces(start, stop, piece, () => file.close()) };
  }

  async write(container: string, object: string, body: AsyncIterable<Uint8Array>): Promise<void> {
    checkName(object, this.#limits);
    const path = await this.#objectPath(container, object);
    await this.#place(container, object, path, async (file) => {
      let size = 0;
      for await (const bytes of body) {
        size += bytes.length;
        if (size > this.#limits.maxObjectBytes) {
          throw new BlobError('quota-exceeded', `the object is over the limit of ${this.#limits.maxObjectBytes} bytes`);
        }
        await attempt(() => file.writeFile(bytes));
      }
    });
  }

  async delete(container: string, objects: readonly string[]): Promise<void> {
    await this.container(container);
    for (const object of objects) {
      const path = await this.#objectPath(container, object);
      await attempt(async () => {
        await rm(path, { force: true });
        await rm(`${path}${LONG}`, { force: true });
      });
    }
    await attempt(() => sync(this.#containerPath(container)), noContainer(container));
  }

  async copy(from: ObjectId, to: ObjectId): Promise<void> {
    const { body } = await this.read(from.container, from.object, 0n, 2n ** 63n);
    await this.write(to.container, to.object, body);
  }

  async move(from: ObjectId, to: ObjectId): Promise<void> {
    checkName(to.object, this.#limits);
    const [source, target] = [await this.#objectPath(from.container, from.object), await this.#objectPath(to.container, to.object)];
    await this.container(to.container);
    if (source === target) {
      await this.info(from.container, from.object);
      return;
    }
    if (isLong(to.object)) await attempt(() => writeFile(`${target}${LONG}`, to.object));
    await attempt(() => rename(source, target), noObject(from.container, from.object));
    await attempt(async () => {
      await rm(`${source}${LONG}`, { force: true });
      await sync(this.#containerPath(to.container));
      await sync(this.#containerPath(from.container));
    });
  }

  async close(): Promise<void> {}

  /** Fills a new file and gives it its name when it is whole. */
  async #place(container: string, object: string, path: string, fill: (file: FileHandle) => Promise<void>): Promise<void> {
    const part = join(this.#folder, PARTS, randomUUID());
    const file = await attempt(() => open(part, 'wx'));
    try {
      try {
        await fill(file);
        await attempt(() => file.sync());
      } finally {
        await file.close();
      }
      if (isLong(object)) await attempt(() => writeFile(`${path}${LONG}`, object), noContainer(container));
      await attempt(() => rename(part, path), noContainer(container));
      await attempt(() => sync(this.#containerPath(container)), noContainer(container));
    } catch (error) {
      await rm(part, { force: true });
      throw error;
    }
  }

  #containerPath(name: string): string {
    return join(this.#folder, fileName(name));
  }

  async #objectPath(container: string, object: string): Promise<string> {
    await this.container(container);
    return join(this.#containerPath(container), fileName(object));
  }
}

const isLong = (name: string): boolean => escapedName(name) === undefined;

async function sync(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

type Absent = () => BlobError;
const noContainer =
  (name: string): Absent =>
  () =>
    new BlobError('no-such-container', `there is no container "${name}"`);
const noObject =
  (container: string, name: string): Absent =>
  () =>
    new BlobError('no-such-object', `there is no object "${name}" in the container "${container}"`);

const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code;

async function attempt<T>(operation: () => Promise<T>, absent?: Absent): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    if (error instanceof BlobError) throw error;
    const code = codeOf(error);
    if (code === 'ENOENT' && absent !== undefined) throw absent();
    const problem = code === 'ENOSPC' || code === 'EDQUOT' ? 'quota-exceeded' : code === 'EACCES' ? 'access-denied' : 'store-unavailable';
    throw new BlobError(problem, (error as Error).message, error);
  }
}
