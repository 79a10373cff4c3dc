/**
 * One SQLite database, opened by every cell of a host. In memory it is one for all threads of the process, in a file for whoever opens the
 * file: what a guest stores is the same whichever cell answers.
 */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { PluginError, type PluginErrorCode } from './errors.ts';

/** Where a database lies. */
export type Place =
  /** In memory, under a name that all threads of the process share. */
  | { readonly memory: string }
  | {
      /** Path of the database file; folders on the way are made. */
      readonly file: string;
      /**
       * What an acknowledged write outlives: `power` a loss of power (each commit waits for the disk), `process` the end of the process in
       * any way. `power` unless given.
       */
      readonly durability?: 'power' | 'process' | undefined;
    };

/** What a database holds: statements for each version, applied in order to what an older one left. */
export interface Schema {
  /** Marks files of this kind, so that one store does not open another's file. */
  readonly applicationId: number;
  /** `migrations[n]` leads from version n to n + 1. */
  readonly migrations: readonly string[];
}

/** How long a write waits for another process or thread before it gives up, in milliseconds. */
const BUSY_MS = 5_000;

/** SQLite's result codes: https://www.sqlite.org/rescode.html */
const CODES: Readonly<Record<number, PluginErrorCode>> = {
  5: 'TENON_STORE_BUSY',
  6: 'TENON_STORE_BUSY',
  8: 'TENON_STORE_OPEN',
  10: 'TENON_STORE_FAILED',
  11: 'TENON_STORE_CORRUPT',
  13: 'TENON_STORE_FULL',
  14: 'TENON_STORE_OPEN',
  26: 'TENON_STORE_CORRUPT',
};

const LOCKED = 6;
const primaryCode = (error: unknown): number => (Number((error as { errcode?: unknown }).errcode) || 0) & 0xff;

const sleeper = new Int32Array(new SharedArrayBuffer(4));

export class Database {
  readonly #connection: DatabaseSync;
  readonly #where: string;
  #depth = 0;

  /** @throws PluginError TENON_STORE_OPEN, TENON_STORE_CORRUPT, TENON_STORE_VERSION, TENON_STORE_BUSY */
  constructor(place: Place, schema: Schema) {
    this.#where = 'memory' in place ? `the memory store "${place.memory}"` : place.file;
    try {
      this.#connection = open(place);
      this.#migrate(schema, place);
    } catch (error) {
      throw this.#failure(error);
    }
  }

  /** Prepares a statement whose rows are arrays. */
  prepare(sql: string): Statement {
    const statement = this.#connection.prepare(sql);
    statement.setReturnArrays(true);
    statement.setReadBigInts(true);
    return new Statement(statement, this);
  }

  /** Runs in one transaction, which takes the write lock at once. What throws rolls all of it back. A transaction inside another is part of it. */
  transaction<T>(operation: () => T): T {
    if (this.#depth > 0) return operation();
    return this.run(() => {
      this.#connection.exec('begin immediate');
      this.#depth++;
      try {
        const result = operation();
        this.#connection.exec('commit');
        return result;
      } catch (error) {
        // A full disk has rolled back already.
        if (this.#connection.isTransaction) this.#connection.exec('rollback');
        throw error;
      } finally {
        this.#depth--;
      }
    });
  }

  /** Runs an operation, again while another thread of the process holds a table. @throws PluginError */
  run<T>(operation: () => T): T {
    try {
      return operation();
    } catch (error) {
      return this.again(error, operation);
    }
  }

  /** Runs an operation again that failed, as long as what it failed for is another thread that holds a table. @throws PluginError */
  again<T>(failure: unknown, operation: () => T): T {
    // Inside of a transaction the whole of it is run again.
    if (this.#depth > 0) throw failure;
    const started = Date.now();
    let last = failure;
    for (let pause = 0; ; pause = Math.min(pause + 1, 20)) {
      // SQLite's busy handler is not asked about tables that another connection of a shared cache holds.
      if (primaryCode(last) !== LOCKED || Date.now() - started > BUSY_MS) throw this.#failure(last);
      if (pause > 0) Atomics.wait(sleeper, 0, 0, pause / 20);
      try {
        return operation();
      } catch (error) {
        last = error;
      }
    }
  }

  close(): void {
    if (this.#connection.isOpen) this.#connection.close();
  }

  #migrate({ applicationId, migrations }: Schema, place: Place): void {
    const number = (query: string): number => Number(Object.values(this.#connection.prepare(query).get() ?? {})[0] ?? 0);
    const kind = (): number => number('pragma application_id');
    // Looked at before anything of the file is touched.
    if (kind() !== applicationId && number('select count(*) from sqlite_schema') > 0) {
      throw new PluginError('TENON_STORE_CORRUPT', `${this.#where} is a database of another kind; it is left as it is`);
    }
    const newest = migrations.length;
    const version = (): number => number('pragma user_version');
    if (kind() === applicationId && version() > newest) {
      const message = `${this.#where} has tables of version ${version()}, and this Tenon knows those up to ${newest}`;
      throw new PluginError('TENON_STORE_VERSION', message);
    }
    this.#connection.exec(settings(place));
    // A database that is up to date is only read: many cells open it at the same moment.
    if (kind() === applicationId && version() === newest) return;
    this.transaction(() => {
      for (const migration of migrations.slice(version())) this.#connection.exec(migration);
      this.#connection.exec(`pragma application_id = ${applicationId}; pragma user_version = ${newest}`);
    });
  }

  #failure(error: unknown): unknown {
    const { code: reason, syscall } = error as { code?: unknown; syscall?: unknown };
    const other = reason === 'ERR_SQLITE_ERROR' ? 'TENON_STORE_FAILED' : syscall === undefined ? undefined : 'TENON_STORE_OPEN';
    const code = CODES[primaryCode(error)] ?? other;
    if (code === undefined) return error;
    return new PluginError(code, `${this.#where}: ${(error as Error).message}`, error);
  }
}

/** A prepared statement. Integers come back as `bigint`. */
export class Statement {
  readonly #statement: StatementSync;
  readonly #database: Database;

  constructor(statement: StatementSync, database: Database) {
    this.#statement = statement;
    this.#database = database;
  }

  /** The first row, or undefined. */
  get(...parameters: Parameter[]): Row | undefined {
    try {
      return this.#statement.get(...parameters) as Row | undefined;
    } catch (error) {
      return this.#database.again(error, () => this.#statement.get(...parameters)) as Row | undefined;
    }
  }

  all(...parameters: Parameter[]): Row[] {
    return this.#database.run(() => this.#statement.all(...parameters)) as unknown as Row[];
  }

  /** @returns how many rows changed. */
  run(...parameters: Parameter[]): number {
    try {
      return Number(this.#statement.run(...parameters).changes);
    } catch (error) {
      return Number(this.#database.again(error, () => this.#statement.run(...parameters)).changes);
    }
  }
}

export type Parameter = null | number | bigint | string | Uint8Array;
export type Row = readonly Parameter[];

function open(place: Place): DatabaseSync {
  if ('memory' in place) return new DatabaseSync(`file:${encodeURIComponent(place.memory)}?mode=memory&cache=shared`);
  mkdirSync(dirname(place.file), { recursive: true });
  return new DatabaseSync(place.file, { timeout: BUSY_MS });
}

function settings(place: Place): string {
  if ('memory' in place) return '';
  return `pragma journal_mode = wal; pragma synchronous = ${place.durability === 'process' ? 'normal' : 'full'}`;
}
