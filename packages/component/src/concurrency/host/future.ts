/** `future<T>` in JavaScript: a promise. */
import { explain, type Misfit } from '../../abi/misfit.ts';
import { isThenable } from '../../abi/scalars.ts';
import { Trap } from '../../errors.ts';
import type { Store } from '../../instance/state.ts';
import type { FutureType } from '../../types/types.ts';
import { type Buffer, type Elements, nothings } from '../buffer.ts';
import { type Copier, type CopyResult, SharedFuture } from '../shared.ts';

class FutureReader implements Copier, Buffer {
  readonly isZeroLength = false;
  readonly promise: Promise<unknown>;
  progress = 0;
  private readonly store: Store;
  private readonly shared: SharedFuture;
  private resolve: (value: unknown) => void = () => {};
  private reject: (error: unknown) => void = () => {};
  private value: unknown = undefined;
  private released = false;

  constructor(store: Store, shared: SharedFuture) {
    this.store = store;
    this.shared = shared;
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    // Whoever does not look at it has not asked to be told.
    this.promise.catch(() => {});
    shared.read(undefined, this, this);
  }

  get remain(): number {
    return 1 - this.progress;
  }

  read(): never {
    throw new Error('internal error: nothing is read from a promise');
  }

  write(elements: Elements): void {
    this.value = this.shared.element === undefined ? undefined : elements[0];
    this.progress++;
  }

  onCopy(): void {}

  onCopyDone(): void {
    if (this.released) return;
    if (this.progress === 1) this.resolve(this.value);
    else this.reject(this.store.trap ?? new Trap('the future was dropped before it had a value'));
  }

  /** Gives the end away. @returns undefined when the value is there already, or in another store */
  release(store: Store): SharedFuture | undefined {
    if (store !== this.store || this.progress === 1 || this.released || this.shared.dropped) return undefined;
    this.released = true;
    this.shared.cancel();
    return this.shared;
  }
}

class FutureWriter implements Copier, Buffer {
  readonly isZeroLength = false;
  progress = 0;
  private readonly value: unknown;
  private readonly empty: boolean;

  constructor(value: unknown, empty: boolean) {
    this.value = value;
    this.empty = empty;
  }

  get remain(): number {
    return 1 - this.progress;
  }

  read(): Elements {
    this.progress++;
    return this.empty ? nothings(1) : [this.value];
  }

  write(): never {
    throw new Error('internal error: nothing is written to a value');
  }

  onCopy(): void {}
  onCopyDone(_result: CopyResult): void {}
}

const readers = new WeakMap<object, FutureReader>();

/** The embedder's side of a future that a component gives. */
export function futureToHost(store: Store, shared: SharedFuture): Promise<unknown> {
  const reader = new FutureReader(store, shared);
  readers.set(reader.promise, reader);
  return reader.promise;
}

/** `lower_future` of what the embedder gives: a promise, or the value itself. One that came from a component is passed on as it is. */
export function futureFromHost(store: Store, value: unknown, type: FutureType): SharedFuture {
  const passed = typeof value === 'object' && value !== null ? readers.get(value)?.release(store) : undefined;
  if (passed !== undefined) return passed;
  const shared = new SharedFuture(type.element);
  const write = (settled: unknown): void => {
    try {
      shared.write(undefined, ...writing(settled, type));
    } catch (error) {
      failed(store, error);
    }
  };
  if (!isThenable(value)) {
    write(value);
    return shared;
  }
  const { scheduler } = store;
  scheduler.obligations++;
  const settle = (then: () => void): void =>
    scheduler.run(() => {
      scheduler.obligations--;
      then();
      return undefined;
    });
  value.then(
    (settled) => settle(() => write(settled)),
    (error: unknown) => settle(() => failed(store, error)),
  );
  return shared;
}

function writing(value: unknown, type: FutureType): [Buffer, Copier] {
  const writer = new FutureWriter(value, type.element === undefined);
  return [writer, writer];
}

/** A future of a type that has no error case cannot tell that it failed. */
function failed(store: Store, error: unknown): void {
  const cause = explain(error as Misfit, 'the value of a future');
  store.fail(
    cause instanceof Trap
      ? cause
      : new Trap(`the promise that the host gave failed: ${cause instanceof Error ? cause.message : String(cause)}`, cause),
  );
}
