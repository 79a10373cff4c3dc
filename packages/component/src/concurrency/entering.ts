/**
 * Which component instances a call enters, and whether it may.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#component-instance-state
 */
import { flags, MAY_ENTER } from '../instance/flags.ts';
import type { ComponentInstance, Store } from '../instance/state.ts';

const sets = new WeakMap<ComponentInstance, Map<ComponentInstance | undefined, EnteringSet>>();

/** The flags words of the instances that a call enters. */
export type EnteringSet = readonly number[];

/**
 * `entering_set`: the callee and its ancestors, less the caller and its ancestors.
 * @param caller undefined for the embedder
 */
export function enteringSet(callee: ComponentInstance, caller: ComponentInstance | undefined): EnteringSet {
  let known = sets.get(callee);
  if (known === undefined) {
    known = new Map();
    sets.set(callee, known);
  }
  let words = known.get(caller);
  if (words === undefined) {
    const left = new Set<ComponentInstance>();
    for (let each = caller; each !== undefined; each = each.parent) left.add(each);
    const set: number[] = [];
    for (let each: ComponentInstance | undefined = callee; each !== undefined && !left.has(each); each = each.parent)
      set.push(each.flagsWord);
    words = set;
    known.set(caller, words);
  }
  return words;
}

/** `may_enter_from`. */
export function mayEnter(entering: EnteringSet): boolean {
  const { words } = flags;
  for (let i = 0; i < entering.length; i++) if (((words[entering[i] as number] ?? 0) & MAY_ENTER) === 0) return false;
  return true;
}

/** `enter_from`. */
export function enter(entering: EnteringSet): void {
  const { words } = flags;
  for (let i = 0; i < entering.length; i++) words[entering[i] as number] = (words[entering[i] as number] ?? 0) & ~MAY_ENTER;
}

/** `leave_to`. Nothing is entered any more once the store has ended. */
export function leave(store: Store, entering: EnteringSet): void {
  if (store.trap !== undefined) return;
  const { words } = flags;
  for (let i = 0; i < entering.length; i++) words[entering[i] as number] = (words[entering[i] as number] ?? 0) | MAY_ENTER;
}
