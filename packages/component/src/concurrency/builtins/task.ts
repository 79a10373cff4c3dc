/** https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#-canon-taskreturn */
import { Trap } from '../../errors.ts';
import { currentTask } from '../current.ts';
import { sameElement } from '../same-type.ts';
import { guarded, type Maker } from './environment.ts';

/** `(flat values of the result) -> ()`. */
export const taskReturn: Maker<'task.return'> = ({ instance, memory }, { options, result }) => {
  const own = options.memory === undefined ? undefined : memory(options.memory);
  return guarded(instance, 'task.return', (...flat: unknown[]): void => {
    const task = currentTask(instance);
    const { func } = task;
    // Without a memory there is nothing that one could be needed for.
    const same =
      func.options.async &&
      sameElement(result, func.type.result) &&
      options.encoding === func.options.encoding &&
      (own === undefined || own === func.memory);
    if (!same) throw new Trap('invalid `task.return` signature and/or options for current task');
    task.return(func.liftReturned(task, flat));
  });
};

/** `() -> ()`. */
export const taskCancel: Maker<'task.cancel'> = ({ instance }) =>
  guarded(instance, 'task.cancel', (): void => {
    const task = currentTask(instance);
    if (!task.func.options.async) throw new Trap('`task.cancel` called by a task of a function that is not async');
    task.cancel();
  });
