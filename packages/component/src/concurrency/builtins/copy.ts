/**
 * The built-ins of streams and futures.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#-canon-streamfuturenew
 */
import { Context } from '../../abi/context.ts';
import type { CoreFunction } from '../../abi/contract.ts';
import { mayWait } from '../../abi/jspi.ts';
import { Trap } from '../../errors.ts';
import type { ValType } from '../../types/types.ts';
import { wrongElement } from '../async-values.ts';
import { GuestBuffer } from '../buffer.ts';
import {
  type CopyEnd,
  CopyState,
  type EndClass,
  endAt,
  ReadableFutureEnd,
  ReadableStreamEnd,
  WritableFutureEnd,
  WritableStreamEnd,
} from '../copy-end.ts';
import { currentThread } from '../current.ts';
import { sameElement } from '../same-type.ts';
import { SharedFuture, SharedStream } from '../shared.ts';
import { blockStack } from '../thread.ts';
import { usedInSet } from '../waitable.ts';
import { type BuiltinEnvironment, type BuiltinOf, guarded, type Maker } from './environment.ts';
import { BLOCKED } from './subtask.ts';

/** The handle of the readable end, and that of the writable one in the upper half. */
const pair = (readable: number, writable: number): bigint => BigInt(readable) | (BigInt(writable) << 32n);

/** `() -> i64`. */
export const streamNew: Maker<'stream.new'> = ({ instance }, { element, kind }) =>
  guarded(instance, kind, (): bigint => {
    const shared = new SharedStream(element);
    return pair(instance.handles.add(new ReadableStreamEnd(shared)), instance.handles.add(new WritableStreamEnd(shared)));
  });

/** `() -> i64`. */
export const futureNew: Maker<'future.new'> = ({ instance }, { element, kind }) =>
  guarded(instance, kind, (): bigint => {
    const shared = new SharedFuture(element);
    return pair(instance.handles.add(new ReadableFutureEnd(shared)), instance.handles.add(new WritableFutureEnd(shared)));
  });

type Copying = 'stream.read' | 'stream.write' | 'future.read' | 'future.write';
type Cancelling = 'stream.cancel-read' | 'stream.cancel-write' | 'future.cancel-read' | 'future.cancel-write';
type Dropping = 'stream.drop-readable' | 'stream.drop-writable' | 'future.drop-readable' | 'future.drop-writable';

interface End {
  readonly type: EndClass<CopyEnd>;
  readonly what: string;
}

const READABLE_STREAM: End = { type: ReadableStreamEnd, what: 'readable stream end' };
const WRITABLE_STREAM: End = { type: WritableStreamEnd, what: 'writable stream end' };
const READABLE_FUTURE: End = { type: ReadableFutureEnd, what: 'readable future end' };
const WRITABLE_FUTURE: End = { type: WritableFutureEnd, what: 'writable future end' };

function find({ instance }: BuiltinEnvironment, { type, what }: End, index: number, element: ValType | undefined): CopyEnd {
  const end = endAt(instance, index, type, what);
  if (!sameElement(end.shared.element, element)) throw wrongElement(end.kind);
  return end;
}

/** What a copy came to: at once, later, or {@link BLOCKED}. */
function outcome({ instance }: BuiltinEnvironment, name: string, end: CopyEnd, async: boolean): number | Promise<number> {
  if (end.hasPendingEvent) return end.takeEvent().payload;
  if (async) return BLOCKED;
  const thread = currentThread(instance);
  return blockStack(
    instance,
    name,
    (then) => end.waitForPendingEvent(thread, () => then(false)),
    () => end.takeEvent().payload,
  );
}

/** `stream_copy` and `future_copy`: `(end: i32, address: i32, length: i32) -> i32`; futures have no length. */
function copying(kind: End, single: boolean): (env: BuiltinEnvironment, builtin: BuiltinOf<Copying>) => CoreFunction {
  return (env, { async, element, kind: name, options }) => {
    const { instance, suspends } = env;
    const cx = new Context(env.binding(options, name), options.encoding);
    cx.internal = true;
    const run = guarded(instance, name, (index: number, address: number, length: number): number | Promise<number> => {
      const end = find(env, kind, index, element);
      if (end.state !== CopyState.IDLE) throw end.busy();
      if (end.wset !== undefined && !async) throw usedInSet();
      end.copy(instance, index, new GuestBuffer(cx, element, address >>> 0, single ? 1 : length >>> 0));
      return outcome(env, name, end, async);
    });
    return mayWait(run as (...args: unknown[]) => unknown, suspends && !async);
  };
}

export const streamRead: Maker<'stream.read'> = copying(READABLE_STREAM, false);
export const streamWrite: Maker<'stream.write'> = copying(WRITABLE_STREAM, false);
export const futureRead: Maker<'future.read'> = copying(READABLE_FUTURE, true);
export const futureWrite: Maker<'future.write'> = copying(WRITABLE_FUTURE, true);

/** `cancel_copy`: `(end: i32) -> i32`. */
function cancelling(kind: End): (env: BuiltinEnvironment, builtin: BuiltinOf<Cancelling>) => CoreFunction {
  return (env, { async, element, kind: name }) => {
    const { instance, suspends } = env;
    const run = guarded(instance, name, (index: number): number | Promise<number> => {
      const end = find(env, kind, index, element);
      if (end.state !== CopyState.COPYING || end.syncWaiter !== undefined) {
        throw new Trap(`cannot cancel: the ${end.what} is not being used asynchronously`);
      }
      if (end.wset !== undefined && !async) throw usedInSet();
      end.cancel();
      return outcome(env, name, end, async);
    });
    return mayWait(run as (...args: unknown[]) => unknown, suspends && !async);
  };
}

export const streamCancelRead: Maker<'stream.cancel-read'> = cancelling(READABLE_STREAM);
export const streamCancelWrite: Maker<'stream.cancel-write'> = cancelling(WRITABLE_STREAM);
export const futureCancelRead: Maker<'future.cancel-read'> = cancelling(READABLE_FUTURE);
export const futureCancelWrite: Maker<'future.cancel-write'> = cancelling(WRITABLE_FUTURE);

/** `drop`: `(end: i32) -> ()`. */
function dropping(kind: End): (env: BuiltinEnvironment, builtin: BuiltinOf<Dropping>) => CoreFunction {
  return (env, { element, kind: name }) =>
    guarded(env.instance, name, (index: number): void => {
      find(env, kind, index, element).drop();
      env.instance.handles.remove(index);
    });
}

export const streamDropReadable: Maker<'stream.drop-readable'> = dropping(READABLE_STREAM);
export const streamDropWritable: Maker<'stream.drop-writable'> = dropping(WRITABLE_STREAM);
export const futureDropReadable: Maker<'future.drop-readable'> = dropping(READABLE_FUTURE);
export const futureDropWritable: Maker<'future.drop-writable'> = dropping(WRITABLE_FUTURE);
