/**
 * Which component instances a call enters, and whether it may.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#component-instance-state
 */
import { flags, MAY_ENTER } from '../instance/flags.ts';
import type { ComponentInstance } from '../instance/state.ts';

const sets = new WeakMap<ComponentInstance, Map<ComponentInstance | undefined, readonly number[]>>();

/** `entering_set`: the flags words of the callee and its ancestors, less those of the caller and its ancestors. */
function enteringSet(callee: ComponentInstance, caller: ComponentInstance | undefined): readonly number[] {
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

/** `may_enter_from`. @param caller undefined for the embedder */
export function mayEnterFrom(callee: ComponentInstance, caller: ComponentInstance | undefined): boolean {
  for (const word of enteringSet(callee, caller)) if (((flags.words[word] ?? 0) & MAY_ENTER) === 0) return false;
  return true;
}

/** `enter_from`. */
export function enterFrom(callee: ComponentInstance, caller: ComponentInstance | undefined): void {
  const { words } = flags;
  for (const word of enteringSet(callee, caller)) words[word] = (words[word] ?? 0) & ~MAY_ENTER;
}

/** `leave_to`. Nothing is entered any more once the store has ended. */
export function leaveTo(callee: ComponentInstance, caller: ComponentInstance | undefined): void {
  if (callee.store.trap !== undefined) return;
  const { words } = flags;
  for (const word of enteringSet(callee, caller)) words[word] = (words[word] ?? 0) | MAY_ENTER;
}
