/**
 * Entering a component instance from the host, leaving it, and calling out of it.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#component-instances
 */
import { ComponentError, Trap } from '../errors.ts';
import { flagWords, MAY_ENTER, MAY_LEAVE } from '../instance/flags.ts';
import type { ComponentInstance } from '../instance/state.ts';

/** The flags words of an instance and its ancestors: the `entering_set` of a call from the host. */
export class Entry {
  readonly instance: ComponentInstance;
  /** The function that is entered, for messages. */
  readonly func: string;
  readonly word: number;
  readonly root: number;
  /** The words below the root's; empty for the root itself. */
  readonly inner: readonly number[];

  constructor(instance: ComponentInstance, func: string) {
    const inner: number[] = [];
    let root = instance;
    for (; root.parent !== undefined; root = root.parent) inner.push(root.flagsWord);
    this.instance = instance;
    this.func = func;
    this.word = instance.flagsWord;
    this.root = root.flagsWord;
    this.inner = inner;
  }
}

/**
 * Only the root is asked: whatever enters an instance enters its ancestors too, so the root is free only when all are.
 * The task-local storage is zeroed, since each call is a task with a thread of its own.
 * @throws ComponentError `TENON_INSTANCE_POISONED` or `TENON_INSTANCE_BUSY`
 */
export function enter(entry: Entry): void {
  const { root, word } = entry;
  const words = flagWords;
  const flags = words[root] ?? 0;
  if ((flags & MAY_ENTER) === 0) throw refused(entry);
  words[root] = flags & ~MAY_ENTER;
  const { inner } = entry;
  for (let i = 0; i < inner.length; i++) {
    const each = inner[i] ?? 0;
    words[each] = (words[each] ?? 0) & ~MAY_ENTER;
  }
  words[word + 2] = 0;
  words[word + 3] = 0;
  words[word + 4] = 0;
  words[word + 5] = 0;
}

export function leave(entry: Entry): void {
  const words = flagWords;
  const { inner, root } = entry;
  for (let i = 0; i < inner.length; i++) {
    const each = inner[i] ?? 0;
    words[each] = (words[each] ?? 0) | MAY_ENTER;
  }
  words[root] = (words[root] ?? 0) | MAY_ENTER;
}

function refused({ func, instance }: Entry): ComponentError {
  const { trap } = instance.store;
  return trap === undefined
    ? new ComponentError('TENON_INSTANCE_BUSY', `\`${func}\`: cannot enter component instance \`${instance.path}\`: another call is in it`)
    : new ComponentError(
        'TENON_INSTANCE_POISONED',
        `\`${func}\`: cannot enter component instance \`${instance.path}\`: it trapped earlier (${trap.message})`,
        { cause: trap },
      );
}

/** Whether the instance with that flags word may call its imports: not during `realloc` and `post-return`, and not after a trap. */
export function mayLeave(word: number): boolean {
  return ((flagWords[word] ?? 0) & MAY_LEAVE) !== 0;
}

export const cannotLeave = (): Trap => new Trap('wasm trap: cannot leave component instance');
