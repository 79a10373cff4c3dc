import type { HandleTable, RuntimeResource } from '../instance/state.ts';
import { hostRepAt } from './handles.ts';

/** A list of borrowed resources that a function marked with `inPlace` gets: the same array in each call of a guest. */
export type KeptList<T> = readonly T[] & {
  /** Indices of what differs from the last call. */
  readonly changed: readonly number[];
};

/**
 * Lifts a list of a host's resources into the array of the last call. Who waits for many things passes much the same list again and again:
 * what has not changed since is not looked up again.
 */
export class KeptBorrows {
  /** A longer list is not kept: a guest could make one of a single handle, and the host would hold on to it. */
  static readonly MAX_LENGTH = 65_536;
  private readonly changed: number[] = [];
  private readonly list: object[] & { readonly changed: number[] } = Object.assign([], { changed: this.changed });
  /** The handles of its elements, and perhaps more behind them. */
  private indices = new Uint32Array(8);
  /** How often the handle table had changed when the list was last brought up to date. */
  private since = 0;

  /** @throws Trap */
  update(handles: HandleTable, now: Uint32Array, resource: RuntimeResource): KeptList<object> {
    const { changed, list, since } = this;
    const { stamps } = handles;
    const { length } = now;
    const indices = this.room(length);
    changed.length = 0;
    if (list.length > length) list.length = length;
    const kept = list.length;
    for (let at = 0; at < length; at++) {
      at = firstChange(now, indices, stamps, since, at, kept);
      if (at >= length) break;
      const index = now[at] as number;
      list[at] = hostRepAt(handles, index, resource);
      indices[at] = index;
      changed.push(at);
    }
    this.since = handles.changes;
    return list;
  }

  private room(length: number): Uint32Array {
    if (length <= this.indices.length) return this.indices;
    const larger = new Uint32Array(2 * length);
    larger.set(this.indices);
    this.indices = larger;
    return larger;
  }
}

/** By itself, since V8 makes a tighter loop of what does nothing else. */
function firstChange(now: Uint32Array, before: Uint32Array, stamps: readonly number[], since: number, from: number, to: number): number {
  let at = from;
  for (; at < to; at++) {
    const index = now[at] as number;
    // Not `>`: the table has no stamp of what it has never held.
    if (index !== before[at] || !((stamps[index] as number) <= since)) break;
  }
  return at;
}
