/** Blob storage in memory that all threads of the process share. */
import { Database, type Statement } from '../database.ts';
import { PluginError } from '../errors.ts';
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

export interface MemoryBlobsOptions {
  /** Stores of one name are one store. */
  readonly name: string;
  readonly limits?: Partial<BlobLimits> | undefined;
}

const FULL = 'the store is full';

/** A body goes when no object has it and nobody reads or writes it. */
const UNUSED = 'readers = 0 and not exists (select 1 from object where body = body.id)';

const SCHEMA = {
  applicationId: 0x74_62_6c_31,
  migrations: [
    `create table container (name text primary key, created integer not null) strict, without rowid;
     create table body (id integer primary key, size integer not null, readers integer not null) strict;
     create table piece (body integer not null, start integer not null, bytes blob not null, primary key (body, start)) strict, without rowid;
     create table object (
       container text not null, name text not null, created integer not null, body integer not null, primary key (container, name)
     ) strict, without rowid;
     create index object_body on object (body);
     create table usage (bytes integer not null, most integer not null) strict;
     insert into usage values (0, 0);
     create trigger full after update of bytes on usage when new.bytes > new.most and new.bytes > old.bytes begin
       select raise(abort, '${FULL}');
     end;
     create trigger piece_added after insert on piece begin update usage set bytes = bytes + length(new.bytes); end;
     create trigger piece_gone after delete on piece begin update usage set bytes = bytes - length(old.bytes); end;
     create trigger body_gone after delete on body begin delete from piece where body = old.id; end;
     create trigger body_released after update of readers on body when new.readers = 0 begin
       delete from body where id = new.id and ${UNUSED};
     end;
     create trigger object_replaced after update of body on object begin delete from body where id = old.body and ${UNUSED}; end;
     create trigger object_gone after delete on object begin delete from body where id = old.body and ${UNUSED}; end;`,
  ],
};

type Name =
  | 'container'
  | 'addContainer'
  | 'removeContainer'
  | 'object'
  | 'put'
  | 'remove'
  | 'clear'
  | 'list'
  | 'newBody'
  | 'addPiece'
  | 'size'
  | 'piece'
  | 'hold'
  | 'bound';

export class MemoryBlobs implements BlobStore {
  readonly #database: Database;
  readonly #statements: Readonly<Record<Name, Statement>>;
  readonly #limits: BlobLimits;

  constructor({ name, limits }: MemoryBlobsOptions) {
    this.#database = new Database({ memory: name }, SCHEMA);
    this.#limits = { ...DEFAULT_BLOB_LIMITS, ...limits };
    const prepare = (sql: string): Statement => this.#database.prepare(sql);
    this.#statements = {
      container: prepare('select created from container where name = ?'),
      addContainer: prepare('insert into container values (?, unixepoch()) on conflict do nothing'),
      removeContainer: prepare('delete from container where name = ?'),
      object: prepare(
        'select object.created, body.size, body.id from object join body on body.id = object.body where container = ? and name = ?',
      ),
      put: prepare(
        `insert into object values (?, ?, unixepoch(), ?)
         on conflict do update set created = excluded.created, body = excluded.body`,
      ),
      remove: prepare('delete from object where container = ? and name = ?'),
      clear: prepare('delete from object where container = ?'),
      list: prepare('select name from object where container = ? and name > ? order by name limit ?'),
      newBody: prepare('insert into body (size, readers) values (0, 1) returning id'),
      addPiece: prepare('insert into piece values (?, ?, ?)'),
      size: prepare('update body set size = ?2 where id = ?1'),
      piece: prepare('select start, bytes from piece where body = ? and start <= ? order by start desc limit 1'),
      hold: prepare('update body set readers = readers + ?2 where id = ?1'),
      bound: prepare('update usage set most = ?'),
    };
    attempt(() => this.#statements.bound.run(this.#limits.maxMemoryBytes));
  }

  async createContainer(name: string): Promise<ContainerInfo> {
    checkName(name, this.#limits);
    if (attempt(() => this.#statements.addContainer.run(name)) === 0) {
      throw new BlobError('container-already-exists', `the container "${name}" exists`);
    }
    return this.#container(name);
  }

  async container(name: string): Promise<ContainerInfo> {
    return this.#container(name);
  }

  async containerExists(name: string): Promise<boolean> {
    return attempt(() => this.#statements.container.get(name)) !== undefined;
  }

  async deleteContainer(name: string): Promise<void> {
    this.#transaction(() => {
      this.#container(name);
      this.#statements.clear.run(name);
      this.#statements.removeContainer.run(name);
    });
  }

  async clear(container: string): Promise<void> {
    this.#transaction(() => {
      this.#container(container);
      this.#statements.clear.run(container);
    });
  }

  async list(container: string, after: string | undefined, limit: number): Promise<readonly string[]> {
    this.#container(container);
    return attempt(() => this.#statements.list.all(container, after ?? '', limit)).map((row) => row[0] as string);
  }

  async info(container: string, object: string): Promise<ObjectInfo> {
    const { createdAt, size } = this.#object(container, object);
    return { name: object, container, createdAt, size };
  }

  async has(container: string, object: string): Promise<boolean> {
    this.#container(container);
    return attempt(() => this.#statements.object.get(container, object)) !== undefined;
  }

  async read(container: string, object: string, start: bigint, end: bigint): Promise<OpenObject> {
    const { body, size } = this.#transaction(() => {
      const found = this.#object(container, object);
      this.#statements.hold.run(found.body, 1);
      return found;
    });
    const stop = end < size ? end + 1n : size;
    const piece = (at: bigint): Uint8Array => this.#piece(body, at, stop);
    return { size: stop > start ? stop - start : 0n, body: pieces(start, stop, piece, () => this.#release(body)) };
  }

  async write(container: string, object: string, body: AsyncIterable<Uint8Array>): Promise<void> {
    checkName(object, this.#limits);
    this.#container(container);
    const id = attempt(() => this.#statements.newBody.get())?.[0] as bigint;
    try {
      let size = 0;
      for await (const bytes of body) {
        for (let start = 0; start < bytes.length; start += PIECE_BYTES) {
          this.#addPiece(id, size, bytes.subarray(start, start + PIECE_BYTES));
          size += Math.min(PIECE_BYTES, bytes.length - start);
        }
      }
      this.#transaction(() => {
        // The container may have gone while the body arrived.
        this.#container(container);
        this.#statements.size.run(id, size);
        this.#statements.put.run(container, object, id);
      });
    } finally {
      this.#release(id);
    }
  }

  async delete(container: string, objects: readonly string[]): Promise<void> {
    this.#transaction(() => {
      this.#container(container);
      for (const object of objects) this.#statements.remove.run(container, object);
    });
  }

  async copy(from: ObjectId, to: ObjectId): Promise<void> {
    checkName(to.object, this.#limits);
    this.#transaction(() => {
      this.#container(to.container);
      this.#statements.put.run(to.container, to.object, this.#object(from.container, from.object).body);
    });
  }

  async move(from: ObjectId, to: ObjectId): Promise<void> {
    this.#transaction(() => {
      const { body } = this.#object(from.container, from.object);
      checkName(to.object, this.#limits);
      this.#container(to.container);
      this.#statements.put.run(to.container, to.object, body);
      const same = from.container === to.container && from.object === to.object;
      if (!same) this.#statements.remove.run(from.container, from.object);
    });
  }

  async close(): Promise<void> {
    this.#database.close();
  }

  #addPiece(body: bigint, start: number, bytes: Uint8Array): void {
    const { maxObjectBytes } = this.#limits;
    if (start + bytes.length > maxObjectBytes) {
      throw new BlobError('quota-exceeded', `the object is over the limit of ${maxObjectBytes} bytes`);
    }
    attempt(() => this.#statements.addPiece.run(body, start, bytes));
  }

  #piece(body: bigint, at: bigint, stop: bigint): Uint8Array {
    const row = attempt(() => this.#statements.piece.get(body, at));
    if (row === undefined) throw new BlobError('store-unavailable', 'a piece of the object is missing');
    const offset = Number(at - (row[0] as bigint));
    return (row[1] as Uint8Array).subarray(offset, offset + Number(stop - at));
  }

  #release(body: bigint): void {
    attempt(() => this.#statements.hold.run(body, -1));
  }

  #container(name: string): ContainerInfo {
    const row = attempt(() => this.#statements.container.get(name));
    if (row === undefined) throw new BlobError('no-such-container', `there is no container "${name}"`);
    return { name, createdAt: row[0] as bigint };
  }

  #object(container: string, name: string): { readonly createdAt: bigint; readonly size: bigint; readonly body: bigint } {
    this.#container(container);
    const row = attempt(() => this.#statements.object.get(container, name));
    if (row === undefined) throw new BlobError('no-such-object', `there is no object "${name}" in the container "${container}"`);
    return { createdAt: row[0] as bigint, size: row[1] as bigint, body: row[2] as bigint };
  }

  #transaction<T>(operation: () => T): T {
    return attempt(() => this.#database.transaction(operation));
  }
}

function attempt<T>(operation: () => T): T {
  try {
    return operation();
  } catch (error) {
    if (!(error instanceof PluginError)) throw error;
    const full = error.code === 'TENON_STORE_FULL' || error.message.endsWith(FULL);
    throw new BlobError(full ? 'quota-exceeded' : 'store-unavailable', error.message, error);
  }
}
