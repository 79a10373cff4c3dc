/** The stores of a host as a guest reaches them, beside SQLite by hand. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Component, Linker } from '@tenon/component';
import type { Logger, Plugin } from '@tenon/plugin';
import { BUILT_IN } from '@tenon/plugins';
import { wasi } from '@tenon/wasi';
import { readGuest } from '../../guests/guests.ts';
import { absolute, type Contender, type Row, type Target } from '../harness.ts';

type Kind = 'set' | 'get';

const TIMES = 1000;
const NAMES = { memory: 'tenon', sqlite: 'tenon, sqlite' } as const;
const BY_HAND = 'node:sqlite';
const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/** A guest that sets or gets a key of 100 bytes, again and again. */
function guest(kind: Kind, backend: keyof typeof NAMES): Contender {
  return {
    name: NAMES[backend],
    async open() {
      const dataFolder = await mkdtemp(join(tmpdir(), 'tenon-bench-keys-'));
      const linker = new Linker();
      wasi().defineIn(linker);
      const ends: (() => unknown)[] = [];
      const workload = { namespace: 'default', name: 'stores', revision: 1 };
      for (const plugin of BUILT_IN as readonly Plugin<unknown, object, object>[]) {
        const hostId = `bench-${process.pid}-${dataFolder}`;
        const state = await plugin.start?.({ options: {}, log: silent, dataFolder, hostId, cell: 0 });
        const limits = { keyvalue: { maxBytes: 2 ** 30, maxValueBytes: 2 ** 20 }, blobstore: { maxObjectBytes: 1, maxMemoryBytes: 1 } };
        const config = {
          keyvalue: { backend, durability: 'process', ...limits.keyvalue },
          blobstore: { backend: 'memory', ...limits.blobstore },
          messaging: { backend: 'memory', store: 'default', maxMessageBytes: 1 },
        }[plugin.name];
        const binding = await plugin.bind(state, {
          workload,
          interfaces: plugin.interfaces,
          config: new Map(config === undefined ? [] : [['default', config]]),
          maxHostBytes: 2 ** 24,
          log: silent,
          signal: new AbortController().signal,
        });
        for (const [name, value] of Object.entries(binding.definitions)) linker.define(name, value);
        ends.push(
          () => binding.unbind?.(),
          () => plugin.stop?.(state),
        );
      }
      const { exports } = await linker.instantiate(await Component.compile(await readGuest('rust-stores')));
      const { repeat } = exports.keys as { repeat(bucket: string, sets: number, gets: number): unknown };
      const counts: readonly [sets: number, gets: number] = kind === 'set' ? [TIMES, 0] : [0, TIMES];
      return {
        async sample() {
          const started = performance.now();
          await repeat('', ...counts);
          return ((performance.now() - started) * 1000) / TIMES;
        },
        async close() {
          for (const end of ends) await end();
          await rm(dataFolder, { recursive: true, force: true });
        },
      };
    },
  };
}

/** The same with prepared statements. */
function byHand(kind: Kind): Contender {
  return {
    name: BY_HAND,
    async open() {
      const folder = await mkdtemp(join(tmpdir(), 'tenon-bench-sqlite-'));
      const database = new DatabaseSync(join(folder, 'keys.db'));
      database.exec(
        'pragma journal_mode = wal; pragma synchronous = normal; create table entry (key text primary key, value blob) without rowid',
      );
      const set = database.prepare('insert into entry values (?, ?) on conflict do update set value = excluded.value');
      const get = database.prepare('select value from entry where key = ?');
      const value = new Uint8Array(100).fill(7);
      return {
        sample() {
          const started = performance.now();
          for (let i = 0; i < TIMES; i++) kind === 'set' ? set.run('repeated', value) : get.get('repeated');
          return ((performance.now() - started) * 1000) / TIMES;
        },
        async close() {
          database.close();
          await rm(folder, { recursive: true, force: true });
        },
      };
    },
  };
}

export function platformRows(): readonly Row[] {
  return (['set', 'get'] as const).flatMap((kind): Row[] => {
    const row = (name: string, contenders: readonly Contender[], targets: readonly Target[]): Row => ({
      group: 'platform',
      name,
      unit: 'µs',
      better: 'less',
      contenders,
      targets,
    });
    return [
      row(`key-value ${kind}, in memory`, [guest(kind, 'memory'), byHand(kind)], [absolute(2)]),
      row(`key-value ${kind}, in SQLite`, [{ ...guest(kind, 'sqlite'), name: 'tenon' }, byHand(kind)], [{ peer: BY_HAND, ratio: 1.5 }]),
    ];
  });
}
