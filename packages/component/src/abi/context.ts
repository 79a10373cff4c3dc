/** `LiftLowerContext` of the spec: what lifting and lowering need of one bound function. */
import type { StringEncoding } from '../binary/definitions.ts';
import { Trap } from '../errors.ts';
import { freshContext, restoreContext } from '../instance/context.ts';
import { flags, MAY_LEAVE } from '../instance/flags.ts';
import { CallScope, type ComponentInstance, type ResourceHandle, type RuntimeResource } from '../instance/state.ts';
import type { Binding, CoreFunction } from './contract.ts';
import type { GuestHandle } from './guest-resource.ts';
import type { KeptBorrows } from './kept-borrows.ts';
import { raise } from './traps.ts';

const NOTHING = new Uint8Array(0);
const NO_VIEW = new DataView(NOTHING.buffer);

/** Where handles that are lifted and lowered with the values of a call are put down. */
export interface HandleScope {
  /** Whether the call also gives handles away. */
  readonly gives: boolean;
  /** What borrow handles that the guest receives belong to. */
  readonly task: CallScope;
  /** Lowering the parameters added a handle to the guest's table. */
  add(index: number): void;
  /** A handle of the embedder moved into the guest. */
  move(handle: GuestHandle): void;
  /** A handle of the embedder is lent to the guest while the call lasts. */
  lend(handle: GuestHandle): void;
  /**
   * A handle of the guest is lent while the call lasts.
   * @param borrowed what the other side holds for it, where a guest implements it
   */
  borrow(lender: ResourceHandle, borrowed: GuestHandle | undefined): void;
}

/**
 * The handles that take part in one call. Made only for signatures that have handles among their parameters; most calls use one of the
 * lists, for one handle, and V8 makes room for seventeen in a list that is filled only after it was made.
 */
export class Scope implements HandleScope {
  readonly gives: boolean;
  private readonly instance: ComponentInstance;
  private readonly caller: CallScope | undefined;
  private received: CallScope | undefined = undefined;
  private added: number[] | undefined = undefined;
  private moved: GuestHandle[] | undefined = undefined;
  private lent: GuestHandle[] | undefined = undefined;
  private lenders: ResourceHandle[] | undefined = undefined;
  private borrowed: GuestHandle[] | undefined = undefined;

  constructor(instance: ComponentInstance, gives: boolean) {
    this.gives = gives;
    this.instance = instance;
    this.caller = instance.store.scope;
  }

  get task(): CallScope {
    this.received ??= new CallScope(this.instance, this.caller);
    return this.received;
  }

  add(index: number): void {
    if (this.added === undefined) this.added = [index];
    else this.added.push(index);
  }

  move(handle: GuestHandle): void {
    if (this.moved === undefined) this.moved = [handle];
    else this.moved.push(handle);
  }

  lend(handle: GuestHandle): void {
    handle.lend();
    if (this.lent === undefined) this.lent = [handle];
    else this.lent.push(handle);
  }

  borrow(lender: ResourceHandle, borrowed: GuestHandle | undefined): void {
    lender.lends++;
    if (this.lenders === undefined) this.lenders = [lender];
    else this.lenders.push(lender);
    if (borrowed === undefined) return;
    if (this.borrowed === undefined) this.borrowed = [borrowed];
    else this.borrowed.push(borrowed);
  }

  /** Undoes what lowering the parameters did, when a later parameter did not fit and the guest never ran. */
  abandon(): void {
    for (const index of this.added?.reverse() ?? []) this.instance.handles.remove(index);
    for (const handle of this.moved ?? []) handle.moveBack();
    for (const handle of this.lent ?? []) handle.lends--;
  }

  /** @throws Trap when a borrow outlives the call. */
  end(): void {
    if (this.received !== undefined && this.received.borrows > 0) throw new Trap('borrow handles still remain at the end of the call');
    if (this.moved !== undefined) for (const handle of this.moved) handle.forget();
    if (this.lent !== undefined) for (const handle of this.lent) handle.lends--;
    if (this.borrowed !== undefined) for (const handle of this.borrowed) handle.endBorrow();
    if (this.lenders !== undefined) for (const handle of this.lenders) handle.lends--;
  }
}

export class Context {
  readonly instance: ComponentInstance;
  readonly name: string;
  readonly encoding: StringEncoding;
  readonly resources: readonly RuntimeResource[];
  private readonly memory: WebAssembly.Memory | undefined;
  private readonly reallocate: CoreFunction | undefined;
  /** Views of all of the memory. They become empty when it grows, which is how {@link renew} knows. */
  bytes: Uint8Array = NOTHING;
  view: DataView = NO_VIEW;
  /** Second result of storing a string: its tagged number of code units. */
  units = 0;
  /** Bytes of the host that what is lifted may still take. */
  left = Number.POSITIVE_INFINITY;
  /** Set only while the parameters of a call that has handles are lowered or lifted. */
  scope: HandleScope | undefined = undefined;
  /** Whether values only pass from one component to another, so that no JavaScript code of the embedder sees them. */
  internal = false;
  /** Lists of borrows that a function which takes them in place got with its last call, by their place among the flat parameters. */
  kept: KeptBorrows[] | undefined = undefined;

  constructor(binding: Binding, encoding: StringEncoding) {
    this.instance = binding.instance;
    this.name = binding.name;
    this.encoding = encoding;
    this.resources = binding.resources;
    this.memory = binding.memory;
    this.reallocate = binding.realloc;
  }

  /** To be called before the views are used whenever core code may have run. */
  renew(): void {
    if (this.bytes.length === 0 && this.memory !== undefined) {
      this.bytes = new Uint8Array(this.memory.buffer);
      this.view = new DataView(this.memory.buffer);
    }
  }

  /**
   * `cx.reallocate` with the checks that every caller of it makes. Sizes are in bytes.
   * @throws Trap
   */
  realloc(old: number, oldSize: number, align: number, size: number): number {
    const { instance, reallocate } = this;
    const word = instance.flagsWord;
    // It runs in a thread of its own.
    const interrupted = instance.usesContext ? freshContext(instance) : undefined;
    let address: number;
    try {
      if (reallocate === undefined) throw new Trap('internal error: a function that needs `realloc` was bound without it');
      flags.words[word] = (flags.words[word] as number) & ~MAY_LEAVE;
      address = reallocate(old, oldSize, align, size) >>> 0;
    } catch (error) {
      return raise(instance, this.name, error);
    }
    // A trap that core code swallowed has cleared the flags for good.
    if (instance.store.trap !== undefined) throw instance.store.trap;
    flags.words[word] = (flags.words[word] as number) | MAY_LEAVE;
    if (interrupted !== undefined) restoreContext(instance, interrupted);
    this.renew();
    if ((address & (align - 1)) !== 0) return raise(instance, this.name, new Trap(`realloc return: result not aligned to ${align}`));
    if (address + size > this.bytes.length) return raise(instance, this.name, new Trap('realloc return: beyond end of memory'));
    return address;
  }

  /** What is about to be lifted takes so many bytes of the host. @throws Trap when the instance may not have them */
  hold(bytes: number): void {
    this.left -= bytes;
    if (this.left < 0) throw new Trap('what the guest passes takes more of the host than it may hold for this instance');
  }

  /** @throws Trap when `size` bytes at `address` are not an aligned range of the memory. */
  check(address: number, size: number, align: number, what: string): void {
    this.renew();
    if ((address & (align - 1)) !== 0) throw new Trap(`unaligned pointer: ${what} pointer not aligned to ${align}`);
    if (address + size > this.bytes.length) throw new Trap(`${what} pointer out of bounds of memory`);
  }
}
