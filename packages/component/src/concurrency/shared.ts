/**
 * What the two ends of a stream or future share: the rendezvous of a read and a write.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#stream-state
 */
import { Trap } from '../errors.ts';
import type { ComponentInstance } from '../instance/state.ts';
import type { ValType } from '../types/types.ts';
import { type Buffer, copy, isNoneOrNumber } from './buffer.ts';

export const CopyResult = { COMPLETED: 0, DROPPED: 1, CANCELLED: 2 } as const;
export type CopyResult = (typeof CopyResult)[keyof typeof CopyResult];

/** An end that takes part in a copy: `OnCopy` and `OnCopyDone` of the spec. */
export interface Copier {
  /** Some elements were copied, more may follow until the end takes its buffer back with {@link Shared.resetPending}. */
  onCopy(): void;
  onCopyDone(result: CopyResult): void;
}

/** `SharedBase` of the spec. */
export abstract class Shared {
  readonly element: ValType | undefined;
  dropped = false;
  /** Called when an end is gone, for an end of the embedder that may be busy with something else than waiting for the other. */
  whenDropped: (() => void) | undefined = undefined;
  /** The end that waits for the other, the component instance it is in (undefined: the embedder), and its buffer. */
  protected pendingBuffer: Buffer | undefined = undefined;
  protected pendingInstance: ComponentInstance | undefined = undefined;
  private pendingCopier: Copier | undefined = undefined;

  constructor(element: ValType | undefined) {
    this.element = element;
  }

  abstract read(instance: ComponentInstance | undefined, to: Buffer, reader: Copier): void;
  abstract write(instance: ComponentInstance | undefined, from: Buffer, writer: Copier): void;

  protected setPending(instance: ComponentInstance | undefined, buffer: Buffer, copier: Copier): void {
    this.pendingInstance = instance;
    this.pendingBuffer = buffer;
    this.pendingCopier = copier;
  }

  protected onCopy(): void {
    this.pendingCopier?.onCopy();
  }

  resetPending(): void {
    this.pendingInstance = undefined;
    this.pendingBuffer = undefined;
    this.pendingCopier = undefined;
  }

  protected resetAndNotifyPending(result: CopyResult): void {
    const copier = this.pendingCopier;
    this.resetPending();
    copier?.onCopyDone(result);
  }

  /** The end that waited is done, and now the other one waits. An end of the embedder may go on at once, so it is told last. */
  protected takeTurns(instance: ComponentInstance | undefined, buffer: Buffer, copier: Copier): void {
    const before = this.pendingCopier;
    this.setPending(instance, buffer, copier);
    before?.onCopyDone(CopyResult.COMPLETED);
  }

  cancel(): void {
    this.resetAndNotifyPending(CopyResult.CANCELLED);
  }

  /** Either end is gone. */
  drop(): void {
    if (this.dropped) return;
    this.dropped = true;
    if (this.pendingBuffer !== undefined) this.resetAndNotifyPending(CopyResult.DROPPED);
    this.whenDropped?.();
  }

  /** @throws Trap */
  protected checkInstances(instance: ComponentInstance | undefined, what: string): void {
    if (instance === undefined || instance !== this.pendingInstance || isNoneOrNumber(this.element)) return;
    throw new Trap(`cannot read from and write to intra-component ${what}: only those of numbers may be used so`);
  }
}

/** `SharedStreamImpl` of the spec. */
export class SharedStream extends Shared {
  /** Elements that the end which waits has room for; 0 where none waits, or for none. */
  get wanted(): number {
    return this.pendingBuffer?.remain ?? 0;
  }

  read(instance: ComponentInstance | undefined, to: Buffer, reader: Copier): void {
    const pending = this.pendingBuffer;
    if (this.dropped) {
      reader.onCopyDone(CopyResult.DROPPED);
      return;
    }
    if (pending === undefined) {
      this.setPending(instance, to, reader);
      return;
    }
    this.checkInstances(instance, 'stream');
    if (pending.remain === 0) {
      this.takeTurns(instance, to, reader);
      return;
    }
    if (to.remain > 0) {
      copy(pending, to);
      this.onCopy();
    }
    reader.onCopyDone(CopyResult.COMPLETED);
  }

  write(instance: ComponentInstance | undefined, from: Buffer, writer: Copier): void {
    const pending = this.pendingBuffer;
    if (this.dropped) {
      writer.onCopyDone(CopyResult.DROPPED);
      return;
    }
    if (pending === undefined) {
      this.setPending(instance, from, writer);
      return;
    }
    this.checkInstances(instance, 'stream');
    if (pending.remain > 0) {
      if (from.remain > 0) {
        copy(from, pending);
        this.onCopy();
      }
      writer.onCopyDone(CopyResult.COMPLETED);
      return;
    }
    if (from.isZeroLength && pending.isZeroLength) {
      writer.onCopyDone(CopyResult.COMPLETED);
      return;
    }
    this.takeTurns(instance, from, writer);
  }
}

/** `SharedFutureImpl` of the spec. */
export class SharedFuture extends Shared {
  read(instance: ComponentInstance | undefined, to: Buffer, reader: Copier): void {
    const pending = this.pendingBuffer;
    if (pending === undefined) {
      this.setPending(instance, to, reader);
      return;
    }
    this.checkInstances(instance, 'future');
    copy(pending, to);
    this.resetAndNotifyPending(CopyResult.COMPLETED);
    reader.onCopyDone(CopyResult.COMPLETED);
  }

  write(instance: ComponentInstance | undefined, from: Buffer, writer: Copier): void {
    const pending = this.pendingBuffer;
    if (this.dropped) {
      writer.onCopyDone(CopyResult.DROPPED);
      return;
    }
    if (pending === undefined) {
      this.setPending(instance, from, writer);
      return;
    }
    this.checkInstances(instance, 'future');
    copy(from, pending);
    this.resetAndNotifyPending(CopyResult.COMPLETED);
    writer.onCopyDone(CopyResult.COMPLETED);
  }
}
