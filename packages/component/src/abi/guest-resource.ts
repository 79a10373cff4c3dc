/**
 * Resources that a guest implements, as the embedder holds them.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/Explainer.md#js-api
 */
import { ComponentError } from '../errors.ts';
import type { ComponentInstance, RuntimeResource, Store } from '../instance/state.ts';
import { destructionOf } from './destruction.ts';
import { enter } from './entry.ts';

/** What an instance of a {@link GuestResource} class stands for: `own` or `borrow` of a representation. */
export class GuestHandle {
  readonly resource: RuntimeResource;
  readonly rep: number;
  readonly own: boolean;
  /** Calls that it is lent to now. */
  lends = 0;
  /** Why it cannot be used any more. */
  private gone: 'dropped' | 'moved' | 'ended' | undefined = undefined;
  /** Of its implementer's store, when it was made: what a guest gave away before a reset stands for nothing any more. */
  private readonly life: number;

  constructor(resource: RuntimeResource, rep: number, own: boolean) {
    this.resource = resource;
    this.rep = rep;
    this.own = own;
    this.life = resource.implementer?.store.life ?? 0;
  }

  private get past(): boolean {
    return this.resource.implementer !== undefined && this.resource.implementer.store.life !== this.life;
  }

  /** @throws ComponentError `TENON_RESOURCE` */
  lend(): void {
    if (this.gone !== undefined) throw this.unusable(GONE[this.gone]);
    if (this.past) throw this.unusable(PAST);
    this.lends++;
  }

  /** @throws ComponentError `TENON_RESOURCE` */
  move(): void {
    if (this.gone !== undefined) throw this.unusable(GONE[this.gone]);
    if (this.past) throw this.unusable(PAST);
    if (!this.own) throw this.unusable('it is only borrowed and cannot be given away');
    if (this.lends > 0) throw this.unusable('it is lent to a call that has not ended');
    this.gone = 'moved';
  }

  moveBack(): void {
    this.gone = undefined;
  }

  endBorrow(): void {
    if (this.lends > 0) throw this.unusable('the host function that borrowed it has ended, but it is still lent to another call');
    this.gone = 'ended';
  }

  /**
   * Runs the destructor. Does nothing when the handle is gone already, or when its instance trapped and so nothing is left to destroy.
   * A destructor that is still waiting is waited for first.
   * @returns a Promise when the destructor may suspend
   * @throws ComponentError `TENON_RESOURCE` while lent, `TENON_INSTANCE_BUSY`; Trap
   */
  drop(): void | Promise<void> {
    if (this.gone !== undefined || this.past) return;
    const { implementer } = this.resource;
    // A call that trapped never gives back what it was lent: `using` must not hide that trap behind an error of its own.
    if (implementer?.store.trap !== undefined) {
      this.gone = 'dropped';
      return;
    }
    if (this.lends > 0) throw this.unusable('it is lent to a call that has not ended');
    if (!this.own || implementer === undefined) {
      this.gone = 'dropped';
      return;
    }
    const { dropping } = implementer.store;
    if (dropping !== undefined) {
      this.gone = 'dropped';
      this.forget();
      return dropping.then(() => this.destroy(implementer));
    }
    return this.destroy(implementer);
  }

  private destroy(implementer: ComponentInstance): void | Promise<void> {
    const { store } = implementer;
    if (store.trap !== undefined || this.past) return;
    const destruction = destructionOf(this.resource, implementer);
    enter(destruction.entry);
    this.gone = 'dropped';
    this.forget();
    return destruction.run(this.rep);
  }

  /** Nothing is left to be done when the embedder's object is lost. */
  forget(): void {
    if (this.own) this.resource.implementer?.store.lost?.unregister(this);
  }

  private unusable(why: string): ComponentError {
    return new ComponentError('TENON_RESOURCE', `the handle of resource \`${this.resource.name}\` cannot be used: ${why}`);
  }
}

const PAST = 'its instance was reset';

const GONE = { dropped: 'it was dropped', moved: 'it was given away', ended: 'the call that it was lent for has ended' } as const;

/**
 * A handle that the embedder lost is dropped. Each store has a registry of its own, which goes when the store does: so no handle keeps an
 * instance that is otherwise lost.
 */
function lostHandles(store: Store): FinalizationRegistry<GuestHandle> {
  store.lost ??= new FinalizationRegistry<GuestHandle>((handle) => {
    try {
      // Nobody is there to take a trap of the destructor; the next call of the instance reports it.
      handle.drop()?.catch(() => {});
    } catch (error) {
      // An object that nobody holds stands for it, so that the next garbage collection tries again.
      if (error instanceof ComponentError && error.code === 'TENON_INSTANCE_BUSY') store.lost?.register({}, handle, handle);
    }
  });
  return store.lost as FinalizationRegistry<GuestHandle>;
}

const CREATE = Symbol('create');
let handleIn: (value: object) => GuestHandle | undefined;

/** The base of the classes that are made for resources which guests export. */
export class GuestResource {
  // Not set for an object that a constructor only stands in for.
  readonly #handle!: GuestHandle;

  static {
    handleIn = (value) => (#handle in value ? value.#handle : undefined);
  }

  /** Calls the guest's constructor, and returns what it returns. */
  constructor(...args: unknown[]) {
    if (args[0] === CREATE) {
      this.#handle = args[1] as GuestHandle;
      return;
    }
    const construct = guestConstructorOf(new.target);
    if (construct === undefined) {
      throw new ComponentError('TENON_RESOURCE', `resource \`${new.target.name}\` has no constructor: get it from a function`);
    }
    const made = construct(...args);
    // The object is the one that lifting the result made, of the guest's class.
    // biome-ignore lint/correctness/noConstructorReturn: as said
    return (
      made instanceof Promise ? made.then((object: object) => madeBy(new.target, object)) : madeBy(new.target, made)
    ) as GuestResource;
  }

  /** Drops the handle: runs the guest's destructor when it owns the resource. Does nothing when it was dropped or given away. */
  [Symbol.dispose](): void {
    // A trap of a destructor that suspends is reported by the next call of the instance, or by `Symbol.asyncDispose`.
    this.#handle.drop()?.catch(() => {});
  }

  /** As `Symbol.dispose`, and waits for a destructor that suspends. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.drop();
  }
}

export type GuestResourceClass = typeof GuestResource;

const constructors = new WeakMap<object, (...args: unknown[]) => unknown>();

/** Gives an object that a constructor made the subclass that was asked for. */
function madeBy(target: GuestResourceClass, made: unknown): unknown {
  if (typeof made === 'object' && made !== null && !(made instanceof target)) Object.setPrototypeOf(made, target.prototype);
  return made;
}

/** The lifted `[constructor]` of a class, or of one that it extends. */
export function guestConstructorOf(target: object): ((...args: unknown[]) => unknown) | undefined {
  for (let each: object | null = target; each !== null; each = Object.getPrototypeOf(each)) {
    const found = constructors.get(each);
    if (found !== undefined) return found;
  }
  return undefined;
}

const classes = new WeakMap<RuntimeResource, GuestResourceClass>();

/**
 * The class of a resource that a guest implements; always the same for the same resource.
 * @param name the name of the class; that of the first call stays
 */
export function guestResourceClass(resource: RuntimeResource, name: string): GuestResourceClass {
  let known = classes.get(resource);
  if (known === undefined) {
    known = { [name]: class extends GuestResource {} }[name] as GuestResourceClass;
    classes.set(resource, known);
  }
  return known;
}

/** Makes `new Class(...args)` call a lifted `[constructor]` function. */
export function setGuestConstructor(target: GuestResourceClass, construct: (...args: unknown[]) => unknown): void {
  constructors.set(target, construct);
}

/** What `value` stands for, if it is an instance of a guest resource's class. */
export function guestHandleOf(value: unknown): GuestHandle | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  return value instanceof GuestHandle ? value : handleIn(value);
}

/** Makes the embedder's object of a handle. An owned one that is lost to the garbage collector is dropped. */
export function guestObject(handle: GuestHandle): GuestResource {
  const { resource } = handle;
  const object = new (guestResourceClass(resource, resource.name))(CREATE, handle);
  if (handle.own && resource.implementer !== undefined) lostHandles(resource.implementer.store).register(object, handle, handle);
  return object;
}
