/** https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#-canon-subtaskcancel */
import { mayWait } from '../../abi/jspi.ts';
import { raise } from '../../abi/traps.ts';
import { Trap } from '../../errors.ts';
import { currentThread } from '../current.ts';
import { type Subtask, subtaskAt } from '../subtask.ts';
import { blockStack } from '../thread.ts';
import { usedInSet } from '../waitable.ts';
import { guarded, type Maker } from './environment.ts';

/** What a built-in returns when it has to wait and must not. */
export const BLOCKED = -1;

/** `(subtask: i32) -> i32`: the state it ended in, or {@link BLOCKED}. */
export const subtaskCancel: Maker<'subtask.cancel'> = ({ instance, suspends }, { async }) => {
  const name = 'subtask.cancel';
  const end = (subtask: Subtask): number => {
    subtask.takeEvent();
    return subtask.state;
  };
  const requested = (subtask: Subtask): number | Promise<number> => {
    if (subtask.resolved) return end(subtask);
    if (async) return BLOCKED;
    const thread = currentThread(instance);
    return blockStack(
      instance,
      name,
      (then) => subtask.waitForPendingEvent(thread, () => then(false)),
      () => end(subtask),
    );
  };
  const cancel = guarded(instance, name, (index: number): number | Promise<number> => {
    const subtask = subtaskAt(instance, index);
    if (subtask.resolveDelivered) throw new Trap('`subtask.cancel` called after terminal status delivered');
    if (subtask.cancellationRequested) throw new Trap('`subtask.cancel` called on a subtask that is being cancelled');
    if (subtask.wset !== undefined && !async) throw usedInSet();
    if (subtask.resolved) return end(subtask);
    subtask.cancellationRequested = true;
    const held = subtask.callee?.requestCancellation(instance);
    if (held === undefined) return requested(subtask);
    return held.then(
      () => {
        try {
          return requested(subtask);
        } catch (error) {
          return raise(instance, name, error);
        }
      },
      (error: unknown) => raise(instance, name, error),
    );
  });
  return mayWait(cancel as (...args: unknown[]) => unknown, suspends);
};

/** `(subtask: i32) -> ()`. */
export const subtaskDrop: Maker<'subtask.drop'> = ({ instance }) =>
  guarded(instance, 'subtask.drop', (index: number): void => {
    subtaskAt(instance, index).drop();
    instance.handles.remove(index);
  });
