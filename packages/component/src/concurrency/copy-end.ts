/**
 * The ends of streams and futures, as components hold them.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#stream-state
 */
import { Trap } from '../errors.ts';
import type { ComponentInstance } from '../instance/state.ts';
import { wrongEntry } from '../instance/state.ts';
import type { GuestBuffer } from './buffer.ts';
import { type Copier, CopyResult, type Shared, type SharedFuture, type SharedStream } from './shared.ts';
import { type Event, EventCode, Waitable } from './waitable.ts';

export const CopyState = { IDLE: 1, COPYING: 2, CANCELLING_COPY: 3, DONE: 4 } as const;
export type CopyState = (typeof CopyState)[keyof typeof CopyState];

/** `CopyEnd` of the spec. */
export abstract class CopyEnd extends Waitable implements Copier {
  abstract readonly shared: Shared;
  /** `stream` or `future`. */
  abstract readonly kind: string;
  protected abstract readonly code: number;
  state: CopyState = CopyState.IDLE;
  private index = 0;
  protected buffer: GuestBuffer | undefined = undefined;
  private result: CopyResult = CopyResult.COMPLETED;
  /** Whether the buffer is still with the other end when the event is delivered. */
  private reclaims = false;

  get copying(): boolean {
    return this.state === CopyState.COPYING || this.state === CopyState.CANCELLING_COPY;
  }

  /** Begins a copy. There is a pending event afterwards unless it has to wait for the other end. */
  copy(instance: ComponentInstance, index: number, buffer: GuestBuffer): void {
    this.state = CopyState.COPYING;
    this.index = index;
    this.buffer = buffer;
    this.transfer(instance, buffer);
  }

  protected abstract transfer(instance: ComponentInstance, buffer: GuestBuffer): void;

  onCopy(): void {
    this.result = CopyResult.COMPLETED;
    this.reclaims = true;
    this.setPendingEvent();
  }

  onCopyDone(result: CopyResult): void {
    this.result = result;
    this.reclaims = false;
    this.setPendingEvent();
  }

  /**
   * Takes the buffer back, if the other end has it. A copy that made some progress, but not all, is cancelled too: so the reference tests
   * have it, where the Python text reports it as completed.
   */
  cancel(): void {
    this.state = CopyState.CANCELLING_COPY;
    if (!this.hasPendingEvent) this.shared.cancel();
    else if (this.reclaims && this.buffer !== undefined && this.buffer.remain > 0) this.result = CopyResult.CANCELLED;
  }

  protected event(): Event {
    if (this.reclaims) this.shared.resetPending();
    this.reclaims = false;
    const payload = this.finish(this.result);
    this.buffer = undefined;
    return { code: this.code, index: this.index, payload };
  }

  /** Ends a copy. @returns the payload of its event */
  protected abstract finish(result: CopyResult): number;

  protected dropsBusy(): Trap {
    return new Trap(`cannot ${this.what.startsWith('readable') ? 'remove' : 'drop'} busy ${this.kind}`);
  }

  /** The trap for a copy in a state other than `IDLE`. */
  abstract busy(): Trap;

  override drop(): void {
    if (this.copying) throw this.dropsBusy();
    this.shared.drop();
    super.drop();
  }

  abandon(): void {
    this.shared.drop();
  }

  get reason(): string {
    return `the other end of a ${this.kind}`;
  }
}

abstract class StreamEnd extends CopyEnd {
  readonly shared: SharedStream;
  readonly kind = 'stream';

  constructor(shared: SharedStream) {
    super();
    this.shared = shared;
  }

  protected finish(result: CopyResult): number {
    this.state = result === CopyResult.DROPPED ? CopyState.DONE : CopyState.IDLE;
    return result | ((this.buffer?.progress ?? 0) << 4);
  }
}

/** `ReadableStreamEnd` of the spec. */
export class ReadableStreamEnd extends StreamEnd {
  readonly what = 'readable stream end';
  protected readonly code: number = EventCode.STREAM_READ;

  protected transfer(instance: ComponentInstance, buffer: GuestBuffer): void {
    this.shared.read(instance, buffer, this);
  }

  busy(): Trap {
    return new Trap(
      this.copying
        ? 'cannot have concurrent operations active on a future/stream: a read is in progress'
        : 'cannot read from stream after being notified that the writable end dropped',
    );
  }
}

/** `WritableStreamEnd` of the spec. */
export class WritableStreamEnd extends StreamEnd {
  readonly what = 'writable stream end';
  protected readonly code: number = EventCode.STREAM_WRITE;

  protected transfer(instance: ComponentInstance, buffer: GuestBuffer): void {
    this.shared.write(instance, buffer, this);
  }

  busy(): Trap {
    return new Trap(
      this.copying
        ? 'cannot have concurrent operations active on a future/stream: a write is in progress'
        : 'cannot write to stream after being notified that the readable end dropped',
    );
  }
}

abstract class FutureEnd extends CopyEnd {
  readonly shared: SharedFuture;
  readonly kind = 'future';
  /** How its last copy ended. */
  protected last: CopyResult | undefined = undefined;

  constructor(shared: SharedFuture) {
    super();
    this.shared = shared;
  }

  protected finish(result: CopyResult): number {
    this.state = result === CopyResult.CANCELLED ? CopyState.IDLE : CopyState.DONE;
    this.last = result;
    return result;
  }
}

/** `ReadableFutureEnd` of the spec. */
export class ReadableFutureEnd extends FutureEnd {
  readonly what = 'readable future end';
  protected readonly code: number = EventCode.FUTURE_READ;

  protected transfer(instance: ComponentInstance, buffer: GuestBuffer): void {
    this.shared.read(instance, buffer, this);
  }

  busy(): Trap {
    return new Trap(
      this.copying
        ? 'cannot have concurrent operations active on a future/stream: a read is in progress'
        : 'cannot read from future after previous read succeeded',
    );
  }
}

/** `WritableFutureEnd` of the spec. */
export class WritableFutureEnd extends FutureEnd {
  readonly what = 'writable future end';
  protected readonly code: number = EventCode.FUTURE_WRITE;

  protected transfer(instance: ComponentInstance, buffer: GuestBuffer): void {
    this.shared.write(instance, buffer, this);
  }

  busy(): Trap {
    return new Trap(
      this.copying
        ? 'cannot have concurrent operations active on a future/stream: a write is in progress'
        : 'cannot write to future after previous write succeeded or readable end dropped',
    );
  }

  override drop(): void {
    if (this.copying) throw this.dropsBusy();
    if (this.state !== CopyState.DONE) throw new Trap('cannot drop future write end without first writing a value');
    super.drop();
  }
}

/** A class of ends, to find them in a handle table. */
export type EndClass<E extends CopyEnd> = { readonly prototype: E } & (abstract new (...args: never[]) => E);

/** @throws Trap when the index holds no end of that class and element type */
export function endAt<E extends CopyEnd>(instance: ComponentInstance, index: number, type: EndClass<E>, what: string): E {
  const entry = instance.handles.entry(index);
  if (!(entry instanceof type)) throw wrongEntry(index, `a ${what}`, entry);
  return entry;
}
