/**
 * How the embedder's drop of a handle runs a guest's destructor.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#canon-resourcedrop
 */
import type { ComponentInstance, RuntimeResource } from '../instance/state.ts';
import type { CoreFunction } from './contract.ts';
import { destructorThenEnd } from './destructor.ts';
import { Entry, leave } from './entry.ts';
import { promising } from './jspi.ts';
import { failed, swallowed } from './traps.ts';

/** What all handles of one resource have in common. */
export class Destruction {
  readonly entry: Entry;
  private readonly resource: RuntimeResource;
  private readonly implementer: ComponentInstance;
  private promised: CoreFunction | undefined = undefined;
  /** Whether the instance was left by the destructor that began last. */
  private left = false;

  constructor(resource: RuntimeResource, implementer: ComponentInstance) {
    this.resource = resource;
    this.implementer = implementer;
    this.entry = new Entry(implementer, `[resource-drop]${resource.name}`);
  }

  /**
   * The instance must be entered; it is left when the destructor has returned.
   * @returns a Promise when the destructor may suspend
   * @throws Trap
   */
  run(rep: number): void | Promise<void> {
    const { destructor, destructorSuspends } = this.resource;
    if (destructor !== undefined && destructorSuspends === true) return this.suspending(destructor, rep);
    try {
      destructor?.(rep);
    } catch (error) {
      throw this.failed(error);
    }
    this.end();
    this.check();
  }

  private suspending(destructor: CoreFunction, rep: number): Promise<void> {
    const { store } = this.implementer;
    this.promised ??= promising(
      destructorThenEnd(destructor, () => this.end()),
      { params: ['i32'], results: [] },
    );
    this.left = false;
    const done: Promise<void> = (this.promised(rep) as Promise<unknown>).then(
      () => this.check(),
      (error: unknown) => {
        throw this.failed(error);
      },
    );
    // Most destructors that could wait do not.
    if (this.left) return done;
    const over = (): void => {
      if (store.dropping === dropping) store.dropping = undefined;
    };
    const dropping: Promise<void> = done.then(over, over);
    store.dropping = dropping;
    return done;
  }

  private end(): void {
    this.left = true;
    if (this.implementer.store.trap === undefined) leave(this.entry);
  }

  private check(): void {
    const { trap } = this.implementer.store;
    if (trap !== undefined && !this.left) throw swallowed(trap);
  }

  private failed(error: unknown): unknown {
    return failed(error, this.implementer, this.entry.func);
  }
}

const destructions = new WeakMap<RuntimeResource, Destruction>();

export function destructionOf(resource: RuntimeResource, implementer: ComponentInstance): Destruction {
  let known = destructions.get(resource);
  if (known === undefined) {
    known = new Destruction(resource, implementer);
    destructions.set(resource, known);
  }
  return known;
}
