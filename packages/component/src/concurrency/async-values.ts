/**
 * Lifting and lowering streams and futures: the readable end passes on, and with it all that it shares with the writable one.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#lifting-and-lowering-values
 */
import type { Context } from '../abi/context.ts';
import { Trap } from '../errors.ts';
import type { FutureType, StreamType } from '../types/types.ts';
import { type CopyEnd, CopyState, type EndClass, endAt, ReadableFutureEnd, ReadableStreamEnd } from './copy-end.ts';
import { futureFromHost, futureToHost } from './host/future.ts';
import { streamFromHost, streamToHost } from './host/stream.ts';
import { sameElement } from './same-type.ts';
import { SharedFuture, SharedStream } from './shared.ts';

/** `lift_async_value` */
function takeEnd<E extends CopyEnd>(cx: Context, index: number, type: StreamType | FutureType, end: EndClass<E>): E {
  const { handles } = cx.instance;
  const found = endAt(cx.instance, index, end, `readable ${type.kind} end`);
  if (!sameElement(found.shared.element, type.element)) throw wrongElement(type.kind);
  if (found.copying) throw new Trap(`cannot remove busy ${type.kind}`);
  if (found.state === CopyState.DONE) {
    throw new Trap(
      type.kind === 'stream'
        ? 'cannot lift stream after being notified that the writable end dropped'
        : 'cannot lift future after previous read succeeded',
    );
  }
  if (found.wset !== undefined) throw new Trap(`cannot lift ${type.kind} while it's in a waitable set`);
  handles.remove(index);
  return found;
}

export const wrongElement = (kind: string): Trap => new Trap(`the ${kind} is one of another element type`);

/** `lift_stream` */
export function liftStream(cx: Context, index: number, type: StreamType): unknown {
  const { shared } = takeEnd(cx, index, type, ReadableStreamEnd);
  return cx.internal ? shared : streamToHost(cx.instance.store, shared);
}

/** `lift_future` */
export function liftFuture(cx: Context, index: number, type: FutureType): unknown {
  const { shared } = takeEnd(cx, index, type, ReadableFutureEnd);
  return cx.internal ? shared : futureToHost(cx.instance.store, shared);
}

/** `lower_stream` */
export function lowerStream(cx: Context, value: unknown, type: StreamType): number {
  const shared = value instanceof SharedStream ? value : streamFromHost(cx.instance.store, value, type);
  return cx.instance.handles.add(new ReadableStreamEnd(shared));
}

/** `lower_future` */
export function lowerFuture(cx: Context, value: unknown, type: FutureType): number {
  const shared = value instanceof SharedFuture ? value : futureFromHost(cx.instance.store, value, type);
  return cx.instance.handles.add(new ReadableFutureEnd(shared));
}
