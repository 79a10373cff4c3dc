/**
 * The state of streams, futures and waitables, as `definitions.py` of the Canonical ABI writes it down: a direct transcription to compare the
 * engine with, slow and plain. Elements are bytes.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/canonical-abi/definitions.py
 */

export class ModelTrap extends Error {}

function trapIf(condition: boolean): void {
  if (condition) throw new ModelTrap();
}

export class Table {
  readonly array: unknown[] = [undefined];
  private readonly free: number[] = [];

  get(i: number): unknown {
    trapIf(i >= this.array.length || this.array[i] === undefined);
    return this.array[i];
  }

  add(e: unknown): number {
    const i = this.free.pop() ?? this.array.length;
    this.array[i] = e;
    return i;
  }

  remove(i: number): unknown {
    const e = this.get(i);
    this.array[i] = undefined;
    this.free.push(i);
    return e;
  }
}

type EventTuple = readonly [code: number, index: number, payload: number];

class Waitable {
  pendingEvent: (() => EventTuple) | undefined = undefined;
  wset: WaitableSet | undefined = undefined;

  getPendingEvent(): EventTuple {
    const { pendingEvent } = this;
    this.pendingEvent = undefined;
    if (pendingEvent === undefined) throw new Error('no event');
    return pendingEvent();
  }

  join(wset: WaitableSet | undefined): void {
    this.wset?.elems.delete(this);
    this.wset = wset;
    wset?.elems.add(this);
  }

  drop(): void {
    this.join(undefined);
  }
}

class WaitableSet {
  readonly elems = new Set<Waitable>();

  drop(): void {
    trapIf(this.elems.size > 0);
  }
}

class Buffer {
  progress = 0;
  private ptr: number;
  private readonly memory: Uint8Array;
  readonly length: number;

  constructor(memory: Uint8Array, ptr: number, length: number) {
    trapIf(length > 2 ** 28 - 1);
    if (length > 0) trapIf(ptr + length > memory.length);
    this.memory = memory;
    this.ptr = ptr;
    this.length = length;
  }

  remain(): number {
    return this.length - this.progress;
  }

  isZeroLength(): boolean {
    return this.length === 0;
  }

  read(n: number): number[] {
    const vs = [...this.memory.subarray(this.ptr, this.ptr + n)];
    this.ptr += n;
    this.progress += n;
    return vs;
  }

  write(vs: readonly number[]): void {
    this.memory.set(vs, this.ptr);
    this.ptr += vs.length;
    this.progress += vs.length;
  }
}

const COMPLETED = 0;
const DROPPED = 1;
const CANCELLED = 2;
type OnCopy = (reclaim: () => void) => void;
type OnCopyDone = (result: number) => void;

class Shared {
  dropped = false;
  pendingBuffer: Buffer | undefined = undefined;
  pendingOnCopy: OnCopy | undefined = undefined;
  pendingOnCopyDone: OnCopyDone | undefined = undefined;

  resetPending = (): void => this.setPending(undefined, undefined, undefined);

  setPending(buffer: Buffer | undefined, onCopy: OnCopy | undefined, onCopyDone: OnCopyDone | undefined): void {
    this.pendingBuffer = buffer;
    this.pendingOnCopy = onCopy;
    this.pendingOnCopyDone = onCopyDone;
  }

  resetAndNotifyPending(result: number): void {
    const { pendingOnCopyDone } = this;
    this.resetPending();
    pendingOnCopyDone?.(result);
  }

  cancel(): void {
    this.resetAndNotifyPending(CANCELLED);
  }

  drop(): void {
    if (this.dropped) return;
    this.dropped = true;
    if (this.pendingBuffer !== undefined) this.resetAndNotifyPending(DROPPED);
  }
}

class SharedStreamImpl extends Shared {
  read(dst: Buffer, onCopy: OnCopy, onCopyDone: OnCopyDone): void {
    if (this.dropped) onCopyDone(DROPPED);
    else if (this.pendingBuffer === undefined) this.setPending(dst, onCopy, onCopyDone);
    else if (this.pendingBuffer.remain() > 0) {
      if (dst.remain() > 0) {
        const n = Math.min(dst.remain(), this.pendingBuffer.remain());
        dst.write(this.pendingBuffer.read(n));
        this.pendingOnCopy?.(this.resetPending);
      }
      onCopyDone(COMPLETED);
    } else {
      this.resetAndNotifyPending(COMPLETED);
      this.setPending(dst, onCopy, onCopyDone);
    }
  }

  write(src: Buffer, onCopy: OnCopy, onCopyDone: OnCopyDone): void {
    if (this.dropped) onCopyDone(DROPPED);
    else if (this.pendingBuffer === undefined) this.setPending(src, onCopy, onCopyDone);
    else if (this.pendingBuffer.remain() > 0) {
      if (src.remain() > 0) {
        const n = Math.min(src.remain(), this.pendingBuffer.remain());
        this.pendingBuffer.write(src.read(n));
        this.pendingOnCopy?.(this.resetPending);
      }
      onCopyDone(COMPLETED);
    } else if (src.isZeroLength() && this.pendingBuffer.isZeroLength()) onCopyDone(COMPLETED);
    else {
      this.resetAndNotifyPending(COMPLETED);
      this.setPending(src, onCopy, onCopyDone);
    }
  }
}

class SharedFutureImpl extends Shared {
  read(dst: Buffer, onCopyDone: OnCopyDone): void {
    if (this.pendingBuffer === undefined) this.setPending(dst, undefined, onCopyDone);
    else {
      dst.write(this.pendingBuffer.read(1));
      this.resetAndNotifyPending(COMPLETED);
      onCopyDone(COMPLETED);
    }
  }

  write(src: Buffer, onCopyDone: OnCopyDone): void {
    if (this.dropped) onCopyDone(DROPPED);
    else if (this.pendingBuffer === undefined) this.setPending(src, undefined, onCopyDone);
    else {
      this.pendingBuffer.write(src.read(1));
      this.resetAndNotifyPending(COMPLETED);
      onCopyDone(COMPLETED);
    }
  }
}

export type State = 'IDLE' | 'COPYING' | 'CANCELLING_COPY' | 'DONE';

abstract class CopyEnd extends Waitable {
  state: State = 'IDLE';
  /** Whether the other end still has the buffer, and it is not full: see {@link Instance.cancelCopy}. */
  partial: (() => boolean) | undefined = undefined;
  abstract readonly shared: Shared;

  copying(): boolean {
    return this.state === 'COPYING' || this.state === 'CANCELLING_COPY';
  }

  override drop(): void {
    trapIf(this.copying());
    this.shared.drop();
    super.drop();
  }
}

class StreamEnd extends CopyEnd {
  readonly shared: SharedStreamImpl;

  constructor(shared: SharedStreamImpl) {
    super();
    this.shared = shared;
  }
}
class ReadableStreamEnd extends StreamEnd {}
class WritableStreamEnd extends StreamEnd {}
class FutureEnd extends CopyEnd {
  readonly shared: SharedFutureImpl;

  constructor(shared: SharedFutureImpl) {
    super();
    this.shared = shared;
  }
}
class ReadableFutureEnd extends FutureEnd {}
class WritableFutureEnd extends FutureEnd {
  override drop(): void {
    trapIf(this.state !== 'DONE');
    super.drop();
  }
}

const ENDS = {
  'stream read': [ReadableStreamEnd, 2],
  'stream write': [WritableStreamEnd, 3],
  'future read': [ReadableFutureEnd, 4],
  'future write': [WritableFutureEnd, 5],
} as const;

export type EndKind = keyof typeof ENDS;
export const BLOCKED = 0xffff_ffff;

/** A component instance whose core code calls built-ins, all with the option `async`. */
export class Instance {
  readonly handles = new Table();
  readonly memory = new Uint8Array(4096);

  /** Handles that are of use for something: ends in a state, waitable sets or waitables. */
  indices(what: EndKind | 'set' | 'waitable', states: readonly State[] = []): number[] {
    const type = what === 'set' ? WaitableSet : what === 'waitable' ? Waitable : ENDS[what][0];
    return [...this.handles.array.entries()].flatMap(([i, e]) =>
      e instanceof type && (states.length === 0 || (e instanceof CopyEnd && states.includes(e.state))) ? [i] : [],
    );
  }

  streamNew(): readonly [number, number] {
    const shared = new SharedStreamImpl();
    return [this.handles.add(new ReadableStreamEnd(shared)), this.handles.add(new WritableStreamEnd(shared))];
  }

  futureNew(): readonly [number, number] {
    const shared = new SharedFutureImpl();
    return [this.handles.add(new ReadableFutureEnd(shared)), this.handles.add(new WritableFutureEnd(shared))];
  }

  private end(kind: EndKind, i: number): CopyEnd {
    const e = this.handles.get(i);
    const [type] = ENDS[kind];
    trapIf(!(e instanceof type));
    return e as CopyEnd;
  }

  copy(kind: EndKind, i: number, ptr: number, n: number): number {
    const e = this.end(kind, i);
    const code = ENDS[kind][1];
    trapIf(e.state !== 'IDLE');
    const single = e instanceof FutureEnd;
    const buffer = new Buffer(this.memory, ptr, single ? 1 : n);
    const event = (result: number, reclaim: () => void): EventTuple => {
      reclaim();
      e.partial = undefined;
      e.state = result === DROPPED || (single && result === COMPLETED) ? 'DONE' : 'IDLE';
      return [code, i, single ? result : result + buffer.progress * 16];
    };
    const onCopy: OnCopy = (reclaim) => {
      e.partial = () => buffer.remain() > 0;
      e.pendingEvent = () => event(e.state === 'CANCELLING_COPY' && buffer.remain() > 0 ? CANCELLED : COMPLETED, reclaim);
    };
    const onCopyDone: OnCopyDone = (result) => {
      e.pendingEvent = () => event(result, () => {});
    };
    e.state = 'COPYING';
    const shared = e.shared as SharedStreamImpl & SharedFutureImpl;
    if (single)
      kind === 'future read'
        ? (shared as SharedFutureImpl).read(buffer, onCopyDone)
        : (shared as SharedFutureImpl).write(buffer, onCopyDone);
    else
      kind === 'stream read'
        ? (shared as SharedStreamImpl).read(buffer, onCopy, onCopyDone)
        : (shared as SharedStreamImpl).write(buffer, onCopy, onCopyDone);
    return e.pendingEvent === undefined ? BLOCKED : e.getPendingEvent()[2];
  }

  /** A copy with some progress that is cancelled says so, as the reference tests have it: `onCopy` above looks at the state. */
  cancelCopy(kind: EndKind, i: number): number {
    const e = this.end(kind, i);
    trapIf(e.state !== 'COPYING');
    e.state = 'CANCELLING_COPY';
    if (e.pendingEvent === undefined) {
      e.shared.cancel();
      if (e.pendingEvent === undefined) return BLOCKED;
    }
    return e.getPendingEvent()[2];
  }

  drop(kind: EndKind, i: number): void {
    const e = this.end(kind, i);
    this.handles.remove(i);
    e.drop();
  }

  setNew(): number {
    return this.handles.add(new WaitableSet());
  }

  setDrop(i: number): void {
    const set = this.handles.remove(i);
    trapIf(!(set instanceof WaitableSet));
    (set as WaitableSet).drop();
  }

  join(wi: number, si: number): void {
    const w = this.handles.get(wi);
    trapIf(!(w instanceof Waitable));
    const set = si === 0 ? undefined : this.handles.get(si);
    trapIf(set !== undefined && !(set instanceof WaitableSet));
    (w as Waitable).join(set as WaitableSet | undefined);
  }

  /** @param choose which of the indices of waitables with events is delivered: any may be */
  poll(si: number, choose: (ready: ReadonlySet<number>) => number): EventTuple {
    const set = this.handles.get(si);
    trapIf(!(set instanceof WaitableSet));
    const ready = new Map<number, Waitable>();
    for (const [i, e] of this.handles.array.entries()) {
      if (e instanceof Waitable && e.pendingEvent !== undefined && (set as WaitableSet).elems.has(e)) ready.set(i, e);
    }
    if (ready.size === 0) return [0, 0, 0];
    const chosen = ready.get(choose(new Set(ready.keys())));
    return chosen?.getPendingEvent() ?? [-1, -1, -1];
  }

  /** `lift_async_value` here, `lower_stream` or `lower_future` there. */
  give(kind: 'stream read' | 'future read', i: number, to: Instance): number {
    const e = this.handles.get(i);
    const [type] = ENDS[kind];
    trapIf(!(e instanceof type));
    const end = e as ReadableStreamEnd | ReadableFutureEnd;
    trapIf(end.state !== 'IDLE');
    trapIf(end.wset !== undefined);
    this.handles.remove(i);
    return to.handles.add(end instanceof ReadableStreamEnd ? new ReadableStreamEnd(end.shared) : new ReadableFutureEnd(end.shared));
  }
}
