/** The readable end of a stream that a component gave to the embedder. */
import type { Store } from '../../instance/state.ts';
import type { Buffer, Elements } from '../buffer.ts';
import type { Scheduler } from '../scheduler.ts';
import { type Copier, CopyResult, type SharedStream } from '../shared.ts';

/** Elements that one read takes, unless it asks for fewer. */
const MOST = 65_536;

/** One read. */
class Reading implements Buffer, Copier {
  readonly isZeroLength = false;
  readonly promise: Promise<Elements | undefined>;
  progress = 0;
  private readonly owner: StreamReader;
  private readonly most: number;
  private resolve: (elements: Elements | undefined) => void = () => {};
  private reject: (error: unknown) => void = () => {};
  private taken: Elements | undefined = undefined;

  constructor(owner: StreamReader, most: number) {
    this.owner = owner;
    this.most = most;
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  get remain(): number {
    return this.taken === undefined ? this.most : 0;
  }

  read(): never {
    throw new Error('internal error: nothing is read from a read');
  }

  write(elements: Elements): void {
    this.taken = elements;
    this.progress = elements.length;
  }

  onCopy(): void {
    this.owner.shared.resetPending();
    this.settle();
  }

  onCopyDone(result: CopyResult): void {
    // The writer wrote nothing: there may be more.
    if (result === CopyResult.COMPLETED && this.taken === undefined) {
      this.owner.shared.read(undefined, this, this);
      return;
    }
    if (result === CopyResult.DROPPED) this.owner.closed();
    this.settle();
  }

  private settle(): void {
    const { owner, taken } = this;
    owner.ended();
    const { trap } = owner.store;
    if (taken === undefined && trap !== undefined) this.reject(trap);
    else this.resolve(taken);
  }
}

/** Reads a stream many elements at a time. */
export class StreamReader {
  /** @internal */
  readonly shared: SharedStream;
  /** @internal */
  readonly store: Store;
  private readonly scheduler: Scheduler;
  private reading: Reading | undefined = undefined;
  private isClosed = false;

  constructor(store: Store, shared: SharedStream) {
    this.store = store;
    this.scheduler = store.scheduler;
    this.shared = shared;
    this.scheduler.obligations++;
  }

  /**
   * @param most elements: there may come fewer
   * @returns elements as soon as there are some, a `Uint8Array` of bytes and a list of other things; undefined at the end
   * @throws TypeError while another read waits; Trap when the component trapped
   */
  read(most: number = MOST): Promise<Elements | undefined> {
    if (this.reading !== undefined) return Promise.reject(new TypeError('a read of the stream is under way'));
    if (this.store.trap !== undefined) return Promise.reject(this.store.trap);
    if (this.isClosed) return Promise.resolve(undefined);
    const reading = new Reading(this, most);
    this.reading = reading;
    this.shared.read(undefined, reading, reading);
    return reading.promise;
  }

  /** @internal */
  ended(): void {
    this.reading = undefined;
  }

  /** @internal */
  closed(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.scheduler.obligations--;
    this.scheduler.nudge();
  }

  /** Drops the end: the writer learns that nobody reads any more. */
  cancel(): void {
    if (this.isClosed) return;
    if (this.reading !== undefined) this.shared.cancel();
    this.shared.drop();
    this.closed();
  }

  /** Gives the end away. @returns undefined when it cannot be given to that store @internal */
  release(store: Store): SharedStream | undefined {
    if (this.reading !== undefined || this.isClosed || store !== this.store) return undefined;
    this.isClosed = true;
    this.scheduler.obligations--;
    return this.shared;
  }
}
