/**
 * Entering a component instance from the host, leaving it, and calling out of it.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#component-instances
 */
import { ComponentError, Ended, Trap } from '../errors.ts';
import { FLAGS_CONTEXT_OFFSET, flags, flagWords, MAY_ENTER, MAY_LEAVE } from '../instance/flags.ts';
import type { ComponentInstance } from '../instance/state.ts';
import { isUnwind } from './traps.ts';

/** The flags words of an instance and its ancestors: the `entering_set` of a call from the host. */
export class Entry {
  readonly instance: ComponentInstance;
  /** The function that is entered, for messages. */
  readonly func: string;
  readonly root: number;
  /** The words below the root's; empty for the root itself. */
  readonly inner: readonly number[];
  /** Index of the first word of the task-local storage, or 0 when the instance does not use it. */
  readonly storage: number;

  constructor(instance: ComponentInstance, func: string) {
    const inner: number[] = [];
    let root = instance;
    for (; root.parent !== undefined; root = root.parent) inner.push(root.flagsWord);
    this.instance = instance;
    this.func = func;
    this.root = root.flagsWord;
    this.inner = inner.length === 0 ? NONE : inner;
    this.storage = instance.usesContext ? instance.flagsWord + (FLAGS_CONTEXT_OFFSET >> 2) : 0;
  }
}

const NONE: readonly number[] = [];

/**
 * Only the root is asked: whatever enters an instance enters its ancestors too, so the root is free only when all are.
 * The task-local storage is zeroed, since each call is a task with a thread of its own.
 * @throws ComponentError `TENON_INSTANCE_POISONED` or `TENON_INSTANCE_BUSY`
 */
export function enter(entry: Entry): void {
  const { inner, root, storage } = entry;
  const { words } = flags;
  const word = words[root] as number;
  if ((word & MAY_ENTER) === 0) throw refused(entry.instance, entry.func);
  words[root] = word & ~MAY_ENTER;
  if (inner !== NONE) {
    for (const each of inner) words[each] = (words[each] as number) & ~MAY_ENTER;
  }
  if (storage !== 0) {
    words[storage] = 0;
    words[storage + 1] = 0;
    words[storage + 2] = 0;
    words[storage + 3] = 0;
  }
}

/** Both flags are set in an instance that nobody is in: whoever cleared MAY_LEAVE has set it again, or the store is poisoned. */
export function leave(entry: Entry): void {
  const { inner, root } = entry;
  const { words } = flags;
  if (inner !== NONE) {
    for (const each of inner) words[each] = MAY_ENTER | MAY_LEAVE;
  }
  words[root] = MAY_ENTER | MAY_LEAVE;
}

/** The error for an instance that cannot be entered. */
export function refused(instance: ComponentInstance, func: string): ComponentError {
  const { dropping, trap } = instance.store;
  const what = `\`${func}\`: cannot enter component instance \`${instance.path}\``;
  if (trap === undefined) {
    const who = dropping === undefined ? 'another call is in it' : 'a destructor waits in it: dispose of resources with `await using`';
    return new ComponentError('TENON_INSTANCE_BUSY', `${what}: ${who}`);
  }
  if (trap instanceof Ended) return new ComponentError('TENON_INSTANCE_ENDED', `${what}: ${trap.message}`, { cause: trap.cause });
  if (isUnwind(trap.cause)) return new ComponentError('TENON_INSTANCE_ENDED', `${what}: the guest has exited`, { cause: trap.cause });
  return new ComponentError('TENON_INSTANCE_POISONED', `${what}: it trapped earlier (${trap.message})`, { cause: trap });
}

/** Whether the instance with that flags word may call its imports: not during `realloc` and `post-return`, and not after a trap. */
export function mayLeave(word: number): boolean {
  return ((flagWords[word] ?? 0) & MAY_LEAVE) !== 0;
}

export const cannotLeave = (): Trap => new Trap('wasm trap: cannot leave component instance');
