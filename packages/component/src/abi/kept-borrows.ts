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
  /** Room for elements that the lists of one handle table may take. A guest could make long ones of a single handle, for many functions. */
  static readonly MAX_ROOM = 131_072;
  private readonly changed: number[] = [];
  private readonly list: object[] & { readonly changed: number[] } = Object.assign([], { changed: this.changed });
  /** The handles of its elements, and perhaps more behind them. */
  private indices = new Uint32Array(0);
  /** How often the handle table had changed when the list was last brought up to date. */
  private since = 0;

  /** @returns undefined when there is no room to keep it. @throws Trap */
  update(handles: HandleTable, now: Uint32Array, resource: RuntimeResource): KeptList<object> | undefined {
    const { changed, list, since } = this;
    const { stamps } = handles;
    const { length } = now;
    const indices = this.room(handles, length);
    if (indices === undefined) return undefined;
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

  private room(handles: HandleTable, length: number): Uint32Array | undefined {
    const { indices } = this;
    if (length <= indices.length) return indices;
    const taken = handles.roomOfKept + 2 * length - indices.length;
    if (taken > KeptBorrows.MAX_ROOM) return undefined;
    handles.roomOfKept = taken;
    this.indices = new Uint32Array(2 * length);
    this.indices.set(indices);
    return this.indices;
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
