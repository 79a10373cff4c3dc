/** https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#-canon-threadindex */
import type { CoreFunction } from '../../abi/contract.ts';
import { mayWait } from '../../abi/jspi.ts';
import { Trap } from '../../errors.ts';
import { CoreEntry, NOT_YET } from '../core-entry.ts';
import { currentTask, currentThread } from '../current.ts';
import { blockStack, Thread } from '../thread.ts';
import { type BuiltinEnvironment, guarded, type Maker } from './environment.ts';

/** `() -> (thread: i32)`. */
export const threadIndex: Maker<'thread.index'> = ({ instance }) => guarded(instance, 'thread.index', () => currentThread(instance).index);

/*
 * (module
 *   (type $start (func (param i32)))
 *   (import "" "table" (table $table 0 funcref))
 *   (import "" "started" (table $started 0 funcref))
 *   (func (export "check") (param i32) (result i32) (ref.test (ref $start) (table.get $table (local.get 0))))
 *   (func (export "run") (param i32 i32) (call_indirect $started (type $start) (local.get 1) (local.get 0))))
 */
const MODULE = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 15, 3, 96, 1, 127, 0, 96, 1, 127, 1, 127, 96, 2, 127, 127, 0, 2, 25, 2, 0, 5, 116, 97, 98, 108, 101, 1,
  112, 0, 0, 0, 7, 115, 116, 97, 114, 116, 101, 100, 1, 112, 0, 0, 3, 3, 2, 1, 2, 7, 15, 2, 5, 99, 104, 101, 99, 107, 0, 0, 3, 114, 117,
  110, 0, 1, 10, 21, 2, 9, 0, 32, 0, 37, 0, 251, 20, 0, 11, 9, 0, 32, 1, 32, 0, 17, 0, 1, 11,
]; // biome-ignore format: bytes

let compiled: WebAssembly.Module | undefined;

/** Start functions that threads are to run, each taken out of the guest's table when its thread was made. */
class StartFunctions {
  readonly check: (index: number) => number;
  readonly run: CoreFunction;
  private readonly table: WebAssembly.Table;
  private readonly started = new WebAssembly.Table({ element: 'anyfunc', initial: 8 });
  private readonly free: number[] = [];
  private used = 0;

  constructor(table: WebAssembly.Table) {
    compiled ??= new WebAssembly.Module(new Uint8Array(MODULE));
    const { exports } = new WebAssembly.Instance(compiled, { '': { table, started: this.started } });
    this.table = table;
    this.check = exports.check as (index: number) => number;
    this.run = exports.run as CoreFunction;
  }

  take(index: number): number {
    const slot = this.free.pop() ?? this.used++;
    if (slot === this.started.length) this.started.grow(slot);
    this.started.set(slot, this.table.get(index));
    return slot;
  }

  release(slot: number): void {
    this.started.set(slot, null);
    this.free.push(slot);
  }
}

const START_TYPE = { params: ['i32', 'i32'], results: [] } as const;

/** `(function: i32, argument: i32) -> (thread: i32)`. The thread is suspended. */
export const threadNewIndirect: Maker<'thread.new-indirect'> = ({ instance, suspends, table }, builtin) => {
  let functions: StartFunctions | undefined;
  let entry: CoreEntry | undefined;
  return guarded(instance, 'thread.new-indirect', (index: number, argument: number): number => {
    const task = currentTask(instance);
    functions ??= new StartFunctions(table(builtin.table));
    entry ??= new CoreEntry(instance, functions.run, START_TYPE, suspends);
    const { check, take, release } = bound(functions);
    if (check(index) === 0) throw new Trap('wasm trap: indirect call type mismatch: a thread starts with a function of type (i32) -> ()');
    const slot = take(index);
    const run = entry;
    const end = (thread: Thread): void => {
      task.unregisterThread(thread);
      thread.end();
    };
    const thread: Thread = new Thread(task, () => {
      const result = run.call(thread, [slot, argument], () => {
        release(slot);
        end(thread);
      });
      if (result === NOT_YET) return;
      release(slot);
      end(thread);
    });
    task.registerThread(thread);
    return thread.index;
  });
};

const bound = (functions: StartFunctions) => ({
  check: functions.check,
  take: (index: number) => functions.take(index),
  release: (slot: number) => functions.release(slot),
});

/** A thread that is named by its index. @throws Trap when there is none, or it is not suspended */
function suspendedThread({ instance }: BuiltinEnvironment, index: number): Thread {
  const thread = instance.threadTable.get(index);
  if (!thread.suspended) throw new Trap('cannot resume thread which is not suspended');
  return thread;
}

/** `(thread: i32) -> ()`. */
export const threadResumeLater: Maker<'thread.resume-later'> = (env) =>
  guarded(env.instance, 'thread.resume-later', (index: number): void => suspendedThread(env, index).resumeLater());

type Block = (thread: Thread, index: number, then: (cancelled: boolean) => void) => void;

/** The built-ins that suspend the running thread return whether its task was cancelled: 0 or 1. */
function suspending(env: BuiltinEnvironment, name: string, block: Block): CoreFunction {
  const { instance, suspends } = env;
  const run = guarded(instance, name, (index: number): number | Promise<number> => {
    const thread = currentThread(instance);
    return blockStack(instance, name, (then) => block(thread, index, then), Number);
  });
  return mayWait(run as (...args: unknown[]) => unknown, suspends);
}

/** `() -> i32`. */
export const threadYield: Maker<'thread.yield'> = (env, { cancellable, kind }) =>
  suspending(env, kind, (thread, _index, then) => thread.yield(cancellable, then));

/** `() -> i32`. */
export const threadSuspend: Maker<'thread.suspend'> = (env, { cancellable, kind }) =>
  suspending(env, kind, (thread, _index, then) => thread.suspend(cancellable, then));

/** `(thread: i32) -> i32`. */
export const threadSuspendThenResume: Maker<'thread.suspend-then-resume'> = (env, { cancellable, kind }) =>
  suspending(env, kind, (thread, index, then) => thread.suspend(cancellable, then, suspendedThread(env, index)));

/** `(thread: i32) -> i32`. */
export const threadYieldThenResume: Maker<'thread.yield-then-resume'> = (env, { cancellable, kind }) =>
  suspending(env, kind, (thread, index, then) => thread.yield(cancellable, then, suspendedThread(env, index)));

/** The thread of that index, if it is ready and the running thread may give way to it. */
function promoted({ instance }: BuiltinEnvironment, index: number, running: Thread, cancellable: boolean): Thread | undefined {
  const other = instance.threadTable.get(index);
  if (!other.ready || running.task.hasPendingCancel(cancellable)) return undefined;
  other.stopWaiting();
  return other;
}

/** `(thread: i32) -> i32`. */
export const threadSuspendThenPromote: Maker<'thread.suspend-then-promote'> = (env, { cancellable, kind }) =>
  suspending(env, kind, (thread, index, then) => thread.suspend(cancellable, then, promoted(env, index, thread, cancellable)));

/** `(thread: i32) -> i32`. */
export const threadYieldThenPromote: Maker<'thread.yield-then-promote'> = (env, { cancellable, kind }) =>
  suspending(env, kind, (thread, index, then) => thread.yield(cancellable, then, promoted(env, index, thread, cancellable)));
