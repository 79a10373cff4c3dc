/** https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#-canon-waitable-setnew */
import { Context } from '../../abi/context.ts';
import { mayWait } from '../../abi/jspi.ts';
import { currentThread } from '../current.ts';
import { blockStack } from '../thread.ts';
import { type Event, usedInSet, WaitableSet, waitableAt, waitableSetAt } from '../waitable.ts';
import { type BuiltinEnvironment, guarded, type Maker } from './environment.ts';

/** `() -> (set: i32)`. */
export const waitableSetNew: Maker<'waitable-set.new'> = ({ instance }) =>
  guarded(instance, 'waitable-set.new', () => instance.handles.add(new WaitableSet()));

/** `unpack_event`: stores the two parts of an event, and returns its code. */
function eventStorer({ binding }: BuiltinEnvironment, memory: number, name: string): (event: Event, address: number) => number {
  const cx = new Context(binding({ encoding: 'utf8', memory, realloc: undefined }, name), 'utf8');
  return ({ code, index, payload }, address) => {
    cx.check(address >>> 0, 8, 4, 'event');
    cx.view.setUint32(address >>> 0, index, true);
    cx.view.setUint32((address >>> 0) + 4, payload, true);
    return code;
  };
}

/** `(set: i32, address: i32) -> (event: i32)`. */
export const waitableSetWait: Maker<'waitable-set.wait'> = (env, { cancellable, memory }) => {
  const { instance, suspends } = env;
  const name = 'waitable-set.wait';
  const store = eventStorer(env, memory, name);
  const wait = guarded(instance, name, (index: number, address: number): number | Promise<number> => {
    const set = waitableSetAt(instance, index);
    const thread = currentThread(instance);
    let event: Event | undefined;
    return blockStack(
      instance,
      name,
      (then) =>
        set.waitForEventAnd(
          thread,
          () => true,
          cancellable,
          (found) => {
            event = found;
            then(false);
          },
        ),
      () => store(event as Event, address),
    );
  });
  return mayWait(wait as (...args: unknown[]) => unknown, suspends);
};

/** `(set: i32, address: i32) -> (event: i32)`. */
export const waitableSetPoll: Maker<'waitable-set.poll'> = (env, { cancellable, memory }) => {
  const { instance } = env;
  const name = 'waitable-set.poll';
  const store = eventStorer(env, memory, name);
  return guarded(instance, name, (index: number, address: number): number =>
    store(waitableSetAt(instance, index).poll(currentThread(instance), cancellable), address),
  );
};

/** `(set: i32) -> ()`. */
export const waitableSetDrop: Maker<'waitable-set.drop'> = ({ instance }) =>
  guarded(instance, 'waitable-set.drop', (index: number): void => {
    waitableSetAt(instance, index).drop();
    instance.handles.remove(index);
  });

/** `(waitable: i32, set: i32) -> ()`: a set of 0 means none. */
export const waitableJoin: Maker<'waitable.join'> = ({ instance }) =>
  guarded(instance, 'waitable.join', (index: number, set: number): void => {
    const waitable = waitableAt(instance, index);
    if (waitable.syncWaiter !== undefined) throw usedInSet();
    waitable.join(set === 0 ? undefined : waitableSetAt(instance, set));
  });
