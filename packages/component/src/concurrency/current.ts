/** Which thread and task run. A core start function runs in none: it may do what needs neither. */
import { Trap } from '../errors.ts';
import type { ComponentInstance } from '../instance/state.ts';
import type { Task } from './task.ts';
import type { Thread } from './thread.ts';

/** `current_thread`. @throws Trap while an instance is made */
export function currentThread(instance: ComponentInstance): Thread {
  const { thread } = instance.store;
  if (thread === undefined) {
    throw new Trap('wasm trap: cannot block a synchronous task before returning: core start functions cannot wait, and have no task');
  }
  return thread;
}

/** `current_task`. @throws Trap while an instance is made */
export function currentTask(instance: ComponentInstance): Task {
  return currentThread(instance).task;
}
