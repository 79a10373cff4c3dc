/**
 * What is wanted of a host, in SQLite: workloads, their revisions, and the bytes of their components. A host that was killed reads it and goes on
 * with the very bytes that ran.
 */
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { RuntimeError } from '../errors.ts';
import type { Workload } from '../spec/types.ts';

/** A workload's name in full. */
export interface WorkloadId {
  readonly namespace: string;
  readonly name: string;
}

/** What a revision runs: the spec as it was given, with absolute paths, and the digest of each component by its name. Immutable. */
export interface RevisionSpec {
  readonly spec: Workload;
  /** `sha256:…` of the bytes of each component; the one of `component` is called `main`. */
  readonly components: Readonly<Record<string, string>>;
  /** What the application shares that the workload depends on: listeners and plugins. */
  readonly shared: Readonly<Record<string, unknown>>;
}

export interface Revision extends RevisionSpec {
  readonly number: number;
  /** Milliseconds since 1970. */
  readonly created: number;
}

/** A workload as it is wanted. */
export interface Desired extends WorkloadId {
  readonly application: string;
  readonly state: 'running' | 'stopped';
  readonly revision: Revision;
}

/** Revisions of a workload that are kept. */
export const KEPT_REVISIONS = 10;

const APPLICATION_ID = 0x74_68_6f_31;
const TABLES = `
  create table workload (
    namespace text not null, name text not null, application text not null, state text not null, revision integer not null,
    primary key (namespace, name)
  ) strict, without rowid;
  create table revision (
    namespace text not null, name text not null, number integer not null, created integer not null, spec text not null,
    primary key (namespace, name, number)
  ) strict, without rowid;
  create table memory (key text primary key, value text not null) strict, without rowid;
  pragma application_id = ${APPLICATION_ID};
  pragma user_version = 1;`;

export class DesiredState {
  readonly #folder: string;
  readonly #database: DatabaseSync;

  /**
   * @param folder the host's data folder
   * @throws RuntimeError `TENON_HOST_STATE` when the state cannot be read; it is never replaced
   */
  constructor(folder: string) {
    this.#folder = join(folder, 'components');
    const file = join(folder, 'host.db');
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      this.#database = openState(file);
    } catch (error) {
      if (error instanceof RuntimeError) throw error;
      throw new RuntimeError('TENON_HOST_STATE', `${file}: ${(error as Error).message}`, error);
    }
  }

  /** Everything that is wanted. */
  all(): readonly Desired[] {
    const rows = this.#database
      .prepare(
        `select namespace, name, application, state, number, created, spec
         from workload join revision using (namespace, name) where revision = number order by namespace, name`,
      )
      .all();
    return rows.map(desired);
  }

  get({ namespace, name }: WorkloadId): Desired | undefined {
    const row = this.#database
      .prepare(
        `select namespace, name, application, state, number, created, spec
         from workload join revision using (namespace, name) where revision = number and namespace = ? and name = ?`,
      )
      .get(namespace, name);
    return row === undefined ? undefined : desired(row);
  }

  /** The newest first. */
  revisions({ namespace, name }: WorkloadId): readonly Revision[] {
    const rows = this.#database
      .prepare('select number, created, spec from revision where namespace = ? and name = ? order by number desc')
      .all(namespace, name);
    return rows.map(revisionOf);
  }

  /**
   * Wants workloads of an application to run as described. What is the same as before makes no revision; what the application had before and
   * has no more goes.
   * @returns what changed
   */
  apply(
    namespace: string,
    application: string,
    workloads: ReadonlyMap<string, RevisionSpec>,
  ): { readonly changed: readonly string[]; readonly removed: readonly string[] } {
    return this.#transaction(() => {
      const mine = this.all().filter((each) => each.namespace === namespace);
      for (const name of workloads.keys()) {
        const other = mine.find((each) => each.name === name && each.application !== application);
        if (other === undefined) continue;
        throw new RuntimeError(
          'TENON_HOST_CONFLICT',
          `the workload "${name}" belongs to the application "${other.application}" of this namespace`,
        );
      }
      const changed: string[] = [];
      for (const [name, spec] of workloads) if (this.#want({ namespace, name }, application, spec)) changed.push(name);
      const removed = mine.filter((each) => each.application === application && !workloads.has(each.name)).map((each) => each.name);
      for (const name of removed) this.#remove({ namespace, name });
      return { changed, removed };
    });
  }

  /** @returns whether it was there. */
  remove(id: WorkloadId): boolean {
    return this.#transaction(() => this.#remove(id));
  }

  /** @returns whether it was there. */
  setState({ namespace, name }: WorkloadId, state: Desired['state']): boolean {
    return this.#database.prepare('update workload set state = ? where namespace = ? and name = ?').run(state, namespace, name).changes > 0;
  }

  /**
   * Wants an earlier revision again.
   * @param number the one before the current one unless given
   * @throws RuntimeError `TENON_HOST_REVISION` when there is none
   */
  rollBack(id: WorkloadId, number?: number): Revision {
    return this.#transaction(() => {
      const current = this.get(id);
      const revisions = this.revisions(id);
      const before = (each: Revision): boolean =>
        number === undefined ? each.number < (current?.revision.number ?? 0) : each.number === number;
      const found = revisions.find(before);
      if (found === undefined) {
        const known = revisions.map((each) => each.number).join(', ');
        throw new RuntimeError(
          'TENON_HOST_REVISION',
          `there is no revision ${number ?? 'before the current one'} of "${id.name}"; kept are ${known || 'none'}`,
        );
      }
      this.#database
        .prepare(`update workload set revision = ?, state = 'running' where namespace = ? and name = ?`)
        .run(found.number, id.namespace, id.name);
      return found;
    });
  }

  /** What a trigger or plugin wants to know after a restart, such as when a job ran last. */
  recall(key: string): string | undefined {
    const row = this.#database.prepare('select value from memory where key = ?').get(key);
    return row?.value as string | undefined;
  }

  /** All that is remembered under keys that begin so, without that beginning. */
  recallAll(prefix: string): readonly (readonly [string, string])[] {
    const rows = this.#database.prepare('select key, value from memory where substr(key, 1, ?) = ?').all(prefix.length, prefix);
    return rows.map((row) => [(row.key as string).slice(prefix.length), row.value as string]);
  }

  remember(key: string, value: string): void {
    this.#database.prepare('insert into memory values (?, ?) on conflict do update set value = excluded.value').run(key, value);
  }

  /**
   * Keeps the bytes of a component.
   * @returns their digest, `sha256:…`
   */
  async putComponent(bytes: Uint8Array): Promise<string> {
    const digest = digestOf(bytes);
    const path = this.#path(digest);
    if (existsSync(path)) return digest;
    const part = `${path}.${randomUUID()}.part`;
    const file = await open(part, 'wx', 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    renameSync(part, path);
    return digest;
  }

  hasComponent(digest: string): boolean {
    return /^sha256:[0-9a-f]{64}$/.test(digest) && existsSync(this.#path(digest));
  }

  /** @throws RuntimeError `TENON_HOST_STATE` when they are not there, or are not what was kept */
  component(digest: string): Uint8Array {
    let bytes: Uint8Array;
    try {
      bytes = readFileSync(this.#path(digest));
    } catch (error) {
      throw new RuntimeError('TENON_HOST_STATE', `the bytes of ${digest} are missing: ${(error as Error).message}`, error);
    }
    if (digestOf(bytes) === digest) return bytes;
    throw new RuntimeError('TENON_HOST_STATE', `the file of ${digest} was changed: deploy the workload again`);
  }

  /** Removes bytes that no revision needs. */
  collect(): void {
    const needed = new Set<string>();
    for (const row of this.#database.prepare('select number, created, spec from revision').all()) {
      for (const digest of Object.values(revisionOf(row).components)) needed.add(this.#path(digest));
    }
    for (const name of readdirSync(this.#folder)) {
      const path = join(this.#folder, name);
      if (!needed.has(path)) rmSync(path, { force: true });
    }
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }

  #want({ namespace, name }: WorkloadId, application: string, spec: RevisionSpec): boolean {
    const current = this.get({ namespace, name });
    const text = JSON.stringify(spec);
    if (current !== undefined && JSON.stringify(specOf(current.revision)) === text) {
      if (current.state === 'running') return false;
      return this.setState({ namespace, name }, 'running');
    }
    const number = Math.max(0, ...this.revisions({ namespace, name }).map((each) => each.number)) + 1;
    this.#database.prepare('insert into revision values (?, ?, ?, ?, ?)').run(namespace, name, number, Date.now(), text);
    this.#database
      .prepare(
        `insert into workload values (?, ?, ?, 'running', ?)
         on conflict do update set application = excluded.application, state = 'running', revision = excluded.revision`,
      )
      .run(namespace, name, application, number);
    this.#database
      .prepare('delete from revision where namespace = ? and name = ? and number <= ?')
      .run(namespace, name, number - KEPT_REVISIONS);
    return true;
  }

  #remove({ namespace, name }: WorkloadId): boolean {
    this.#database.prepare('delete from revision where namespace = ? and name = ?').run(namespace, name);
    return this.#database.prepare('delete from workload where namespace = ? and name = ?').run(namespace, name).changes > 0;
  }

  #transaction<T>(operation: () => T): T {
    this.#database.exec('begin immediate');
    try {
      const result = operation();
      this.#database.exec('commit');
      return result;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('rollback');
      throw error;
    }
  }

  #path(digest: string): string {
    return join(this.#folder, `${digest.slice('sha256:'.length)}.wasm`);
  }
}

/** `sha256:` and the digest in hexadecimal digits. */
export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function openState(file: string): DatabaseSync {
  const database = new DatabaseSync(file, { timeout: 5000 });
  const number = (query: string): number => Number(Object.values(database.prepare(query).get() ?? {})[0] ?? 0);
  const known = number('pragma application_id') === APPLICATION_ID;
  if (!known && number('select count(*) from sqlite_schema') > 0) {
    throw new RuntimeError('TENON_HOST_STATE', `${file} is a database of another kind; it is left as it is`);
  }
  if (number('pragma user_version') > 1) throw new RuntimeError('TENON_HOST_STATE', `a newer Tenon wrote ${file}; it is left as it is`);
  database.exec('pragma journal_mode = wal; pragma synchronous = full');
  if (!known) database.exec(`begin immediate; ${TABLES} commit`);
  return database;
}

type Cells = Readonly<Record<string, unknown>>;

function revisionOf(row: Cells): Revision {
  return { number: Number(row.number), created: Number(row.created), ...(JSON.parse(row.spec as string) as RevisionSpec) };
}

function specOf({ spec, components, shared }: Revision): RevisionSpec {
  return { spec, components, shared };
}

function desired(row: Cells): Desired {
  return {
    namespace: row.namespace as string,
    name: row.name as string,
    application: row.application as string,
    state: row.state as Desired['state'],
    revision: revisionOf(row),
  };
}
