/** The writable end of a stream that the embedder gives: it asks its source for elements when the other end wants some. */
import type { Misfit } from '../../abi/misfit.ts';
import { explain } from '../../abi/misfit.ts';
import { Trap } from '../../errors.ts';
import type { Store } from '../../instance/state.ts';
import { type Buffer, type Elements, nothings } from '../buffer.ts';
import { type Copier, CopyResult, type SharedStream } from '../shared.ts';
import type { StreamSource } from './source.ts';

const NO_ELEMENTS: Elements = nothings(0);

export class StreamWriter implements Copier, Buffer {
  readonly shared: SharedStream;
  private readonly store: Store;
  private readonly source: StreamSource;
  /** Elements that the source gave, and how many of them were taken. */
  private elements: Elements = NO_ELEMENTS;
  progress = 0;
  private ended = false;

  constructor(store: Store, shared: SharedStream, source: StreamSource) {
    this.store = store;
    this.shared = shared;
    this.source = source;
    shared.whenDropped = () => this.end();
  }

  get remain(): number {
    return this.elements.length - this.progress;
  }

  get isZeroLength(): boolean {
    return this.elements.length === 0;
  }

  read(count: number): Elements {
    const { elements, progress } = this;
    this.progress += count;
    if (this.shared.element === undefined) return nothings(count);
    if (progress === 0 && count === elements.length) return elements;
    if (ArrayBuffer.isView(elements)) return (elements as Uint8Array).subarray(progress, progress + count);
    return Array.prototype.slice.call(elements, progress, progress + count);
  }

  write(): never {
    throw new Error('internal error: nothing is written to a source');
  }

  /** Waits for the other end to want elements: a write of none is done when it reads. */
  start(): void {
    this.elements = NO_ELEMENTS;
    this.progress = 0;
    this.shared.write(undefined, this, this);
  }

  onCopy(): void {
    if (this.remain > 0) return;
    this.shared.resetPending();
    this.startLater();
  }

  onCopyDone(result: CopyResult): void {
    if (result === CopyResult.DROPPED) this.end();
    else if (result === CopyResult.CANCELLED || this.ended) return;
    else if (this.remain > 0) this.shared.write(undefined, this, this);
    else if (this.elements.length > 0) this.startLater();
    else this.pull();
  }

  /** What is there should be taken before there is more; and a source of many small pieces must not fill the stack. */
  private startLater(): void {
    this.store.scheduler.later(() => {
      if (!this.ended && this.store.trap === undefined) this.start();
      return undefined;
    });
  }

  private end(): void {
    if (this.ended) return;
    this.ended = true;
    this.source.cancel?.(this.remain > 0 ? this.read(this.remain) : NO_ELEMENTS);
  }

  private pull(): void {
    let chunk: ReturnType<StreamSource['read']>;
    try {
      chunk = this.source.read(Math.max(this.shared.wanted, 1));
    } catch (error) {
      this.failed(error);
      return;
    }
    if (chunk === undefined || !('then' in chunk)) {
      this.give(chunk);
      return;
    }
    const { scheduler } = this.store;
    scheduler.obligations++;
    chunk.then(
      (elements) =>
        scheduler.run(() => {
          scheduler.obligations--;
          this.give(elements);
          return undefined;
        }),
      (error: unknown) =>
        scheduler.run(() => {
          scheduler.obligations--;
          this.failed(error);
          return undefined;
        }),
    );
  }

  private give(elements: Elements | undefined): void {
    if (this.ended || this.store.trap !== undefined) {
      if (elements !== undefined) {
        this.elements = elements;
        this.progress = 0;
      }
      this.end();
      return;
    }
    if (elements === undefined) {
      this.ended = true;
      this.shared.drop();
      return;
    }
    if (elements.length === 0) {
      this.startLater();
      return;
    }
    this.elements = elements;
    this.progress = 0;
    try {
      this.shared.write(undefined, this, this);
    } catch (error) {
      this.failed(error);
    }
  }

  /** There is no way for a stream to say that it failed, and to end it would pass for success. */
  private failed(error: unknown): void {
    this.ended = true;
    const cause = explain(error as Misfit, 'an element of a stream');
    this.store.fail(
      cause instanceof Trap
        ? cause
        : new Trap(`the stream that the host gave failed: ${cause instanceof Error ? cause.message : String(cause)}`, cause),
    );
  }
}
