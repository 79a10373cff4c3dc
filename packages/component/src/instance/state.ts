/**
 * The run-time state that the Canonical ABI is written in terms of: store, component instances, handle tables, tasks.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#runtime-state
 */
import type { GuestHandle } from '../abi/guest-resource.ts';
import { Scheduler } from '../concurrency/scheduler.ts';
import { type Thread, ThreadTable } from '../concurrency/thread.ts';
import type { Guard } from '../epoch/guard.ts';
import { Trap } from '../errors.ts';
import type { Account } from './account.ts';
import { allocateFlags, flagWords, freeFlags, isFree, MAY_ENTER, MAY_LEAVE, resetFlags } from './flags.ts';
import type { Turns } from './turns.ts';

/** Each takes the host about a kilobyte, and a wasm stack where it is suspended in the middle of a function. */
const MAX_TASKS = 100_000;

/** One root instance and everything inside it. Nothing is shared between stores but immutable plans. */
export class Store {
  /** What borrows of the running call belong to, if it has any; saved and restored around each call that makes one. */
  scope: CallScope | undefined = undefined;
  /** The first trap; set once. Every later call is refused with it. */
  trap: Trap | undefined = undefined;
  /** What interrupts, bounds and resets it, where its code was rewritten. */
  guard: Guard | undefined = undefined;
  /** How often it was reset. What a guest gave away belongs to one life. */
  life = 0;
  /** Every component instance in it. Whoever holds one so keeps the flags of all, which adapters know by address only. */
  readonly instances: ComponentInstance[] = [];
  /** Handles that each component instance may hold. */
  readonly maxHandles: number;
  /** The thread that runs, if any: where nothing can be concurrent there are none. */
  thread: Thread | undefined = undefined;
  /** Threads, and tasks that wait to start, which each component instance may have. */
  readonly maxTasks: number;
  /** What the host holds for it is charged there. */
  account: Account | undefined;
  /** A destructor that the embedder's drop of a handle began, while it waits. Never rejects. */
  dropping: Promise<void> | undefined = undefined;
  /** Drops handles of its resources that the embedder lost. */
  lost: FinalizationRegistry<GuestHandle> | undefined = undefined;
  /** Functions of the host that wait and can be told to stop. */
  readonly waiting = new Set<AbortController>();
  /** What ends the call that is under way. */
  signal: AbortSignal | undefined = undefined;
  /** Calls that wait for their turn, where the embedder asked for that. */
  turns: Turns | undefined = undefined;
  private readonly flagsAddresses: number[] = [];
  private whenEnded: ((trap: Trap) => void)[] | undefined = undefined;
  private made: Scheduler | undefined = undefined;

  constructor(maxHandles: number = HandleTable.MAX_LENGTH, account?: Account, maxTasks: number = MAX_TASKS) {
    this.maxHandles = maxHandles;
    this.account = account;
    this.maxTasks = maxTasks;
    live++;
    stores.register(this, this.flagsAddresses);
  }

  /** @returns the byte address of its flags, which are given back when nobody holds the store */
  add(instance: ComponentInstance): number {
    const address = allocateFlags();
    this.instances.push(instance);
    this.flagsAddresses.push(address);
    return address;
  }

  /** Whether a task is under way, whether it runs or waits. */
  get hasTasks(): boolean {
    const { made } = this;
    if (made === undefined) return false;
    return made.isBusy || made.calls.size > 0 || this.instances.some(({ threads }) => threads !== undefined && threads.size > 0);
  }

  get scheduler(): Scheduler {
    this.made ??= new Scheduler(this);
    return this.made;
  }

  /** Has a function called when the store ends, or now if it has ended already. */
  onEnd(callback: (trap: Trap) => void): void {
    if (this.trap !== undefined) {
      callback(this.trap);
      return;
    }
    this.whenEnded ??= [];
    this.whenEnded.push(callback);
  }

  /** Ends the store with whatever was thrown in it, where nobody is left to throw it to. */
  fail(error: unknown): void {
    this.end(error instanceof Trap ? error : new Trap(error instanceof Error ? error.message : 'the guest failed', error));
  }

  /**
   * Ends the life of all instances: their flags are cleared for good, so that nothing enters any more, and so that core code which is still
   * on the stack cannot call out again. Host resources that they own are disposed of soon after.
   * @param trap why; the first one stays
   */
  end(trap: Trap): void {
    if (this.trap !== undefined) return;
    this.trap = trap;
    const idle = !this.hasTasks && this.instances.every(({ flagsWord }) => isFree(flagsWord));
    if (this.made !== undefined) for (const call of this.made.calls) call.abandon(trap);
    this.stopWaiting();
    for (const { flagsWord } of this.instances) flagWords[flagsWord] = (flagWords[flagsWord] ?? 0) & ~(MAY_ENTER | MAY_LEAVE);
    this.account?.end();
    for (const callback of this.whenEnded?.splice(0) ?? []) callback(trap);
    // Nothing to dispose of, and no call that could bring something. What a microtask holds lives until the job has ended.
    if (idle && this.instances.every(({ handles }) => handles.size === 0)) return;
    // A method of such a resource may be what failed: it shall return first.
    const { life } = this;
    queueMicrotask(() => {
      if (this.life === life) this.disposeHostResources();
    });
  }

  /** Nobody wants any more what the host waits for. */
  private stopWaiting(): void {
    for (const controller of this.waiting) controller.abort();
    this.waiting.clear();
  }

  private disposeHostResources(): void {
    for (const instance of this.instances) disposeHostResources(instance.handles);
  }

  /**
   * Makes everything that the engine keeps for its instances as it is for new ones. No guest code may be on the stack or suspended.
   * @param account of its next life
   */
  reset(account: Account | undefined): void {
    this.stopWaiting();
    this.disposeHostResources();
    this.account?.end();
    this.account = account;
    this.life++;
    this.trap = undefined;
    this.scope = undefined;
    this.dropping = undefined;
    this.thread = undefined;
    this.made = undefined;
    for (const instance of this.instances) {
      instance.reset();
      resetFlags(instance.flagsAddress);
    }
  }
}

/** Disposes of a host resource. @returns what to wait for, where it has only `Symbol.asyncDispose` */
export function dispose(rep: number | object): PromiseLike<void> | undefined {
  const resource = rep as Partial<Disposable & AsyncDisposable>;
  if (resource[Symbol.dispose] !== undefined) resource[Symbol.dispose]?.();
  else return resource[Symbol.asyncDispose]?.();
  return undefined;
}

/** Children are made after their parents, so the last goes first. A failure has nobody to be told to, and must not keep the others. */
function disposeHostResources(handles: HandleTable): void {
  for (const entry of handles.clear().reverse()) {
    entry.abandon?.();
    if (!(entry instanceof ResourceHandle)) continue;
    const { own, rep } = entry;
    if (!own || typeof rep === 'number') continue;
    try {
      dispose(rep)?.then(undefined, () => {});
    } catch {}
  }
}

/** A component instance at run time: `ComponentInstance` of the spec. */
export class ComponentInstance {
  readonly store: Store;
  readonly parent: ComponentInstance | undefined;
  /** The path of nested instances for messages: `root`, `root.math`. */
  readonly path: string;
  readonly handles: HandleTable;
  /** How often `backpressure.inc` was called more than `backpressure.dec`. */
  backpressure = 0;
  /** Tasks that wait until backpressure ends. */
  numWaitingToEnter = 0;
  /** The implicit thread that alone may run code of tasks which need the instance for themselves. */
  exclusiveThread: Thread | undefined = undefined;
  threads: ThreadTable | undefined = undefined;
  /** Threads that would be ready but for {@link exclusiveThread} or {@link backpressure}. */
  private parked: Set<Thread> | undefined = undefined;
  /** Byte address of its flags in the flags memory. */
  readonly flagsAddress: number;
  /** Index of its flags word in `flagWords`. */
  readonly flagsWord: number;
  /** Whether it has the built-ins `context.get` or `context.set`; without them its task-local storage is zero for ever. */
  readonly usesContext: boolean;
  /** Whether nothing that it calls can call back into it; its MAY_ENTER means nothing then. */
  readonly closed: boolean;

  constructor(store: Store, parent: ComponentInstance | undefined, path: string, usesContext = true, closed = false) {
    this.usesContext = usesContext;
    this.closed = closed;
    this.store = store;
    this.handles = new HandleTable(store.maxHandles);
    this.parent = parent;
    this.path = path;
    this.flagsAddress = store.add(this);
    this.flagsWord = this.flagsAddress >> 2;
  }

  get threadTable(): ThreadTable {
    this.threads ??= new ThreadTable(this.store.maxTasks);
    return this.threads;
  }

  /** As new: no thread is left. */
  reset(): void {
    this.backpressure = 0;
    this.numWaitingToEnter = 0;
    this.exclusiveThread = undefined;
    this.threads = undefined;
    this.parked = undefined;
  }

  setExclusiveThread(thread: Thread | undefined): void {
    this.exclusiveThread = thread;
    if (thread === undefined) this.unpark();
  }

  /** A thread shall be asked again whether it is ready when the instance is free. */
  park(thread: Thread): void {
    this.parked ??= new Set();
    this.parked.add(thread);
  }

  unpark(): void {
    const { parked } = this;
    if (parked === undefined || parked.size === 0) return;
    this.parked = undefined;
    for (const thread of parked) this.store.scheduler.wake(thread);
  }
}

let live = 0;

/** Stores of this thread that were not collected yet. */
export const liveStores = (): number => live;

const stores = new FinalizationRegistry<readonly number[]>((addresses) => {
  live--;
  addresses.forEach(freeFlags);
});

/** What handles that are borrowed for one call belong to. Made only for calls that lend; a `Task` is one too. */
export class CallScope {
  readonly instance: ComponentInstance;
  readonly caller: CallScope | undefined;
  /** Borrow handles that this call received and has not dropped yet. */
  borrows = 0;
  /** The caller's handles that are lent until this call ends (the spec keeps them on the subtask). */
  lenders: ResourceHandle[] | undefined = undefined;

  constructor(instance: ComponentInstance, caller: CallScope | undefined) {
    this.instance = instance;
    this.caller = caller;
  }
}

/**
 * A resource type at run time. The representation is an `i32` chosen by the guest, or for a host resource the JavaScript object.
 */
export interface RuntimeResource {
  /** Index in the plan; equal for all instances of one plan. */
  readonly index: number;
  /** Its name for messages and for the exported class. */
  readonly name: string;
  /** The component instance that implements it; undefined for host resources. */
  readonly implementer: ComponentInstance | undefined;
  /** The core destructor of a guest resource, `(rep: i32) -> ()`. */
  readonly destructor: ((rep: number) => void) | undefined;
  /** Whether the destructor may suspend. */
  readonly destructorSuspends?: boolean;
  /** The class of a host resource (its instances are the representations), or the class made for a guest resource. */
  readonly constructorFunction: ResourceClass | undefined;
}

// biome-ignore lint/complexity/noBannedTypes: a class of any constructor signature
export type ResourceClass = Function & { readonly prototype: object };

/** An entry of a handle table: a resource handle, a waitable, a waitable set or an error context. */
export interface TableEntry {
  /** The resource type of a resource handle; undefined for all others. */
  readonly resource: RuntimeResource | undefined;
  /** What it is, for messages: `subtask`, `readable stream end`. */
  readonly what: string;
  /** Called when its store has ended: nobody in it uses the entry any more. */
  abandon?(): void;
}

export class ResourceHandle implements TableEntry {
  readonly resource: RuntimeResource;
  readonly rep: number | object;
  readonly own: boolean;
  /** For a borrow: the call that must see it dropped before it returns. */
  readonly scope: CallScope | undefined;
  lends = 0;

  constructor(resource: RuntimeResource, rep: number | object, own: boolean, scope: CallScope | undefined) {
    this.resource = resource;
    this.rep = rep;
    this.own = own;
    this.scope = scope;
  }

  get what(): string {
    return `${this.own ? 'own' : 'borrow'} handle of \`${this.resource.name}\``;
  }
}

const NO_ENTRIES: (TableEntry | undefined)[] = [];
/** The trap for an entry that is of another kind than the built-in or type needs. */
export function wrongEntry(index: number, expected: string, found: TableEntry): Trap {
  return new Trap(`handle index ${index >>> 0} used with the wrong type, expected ${expected} but found ${article(found.what)}`);
}

const article = (what: string): string => (/^[aeiou]/.test(what) ? `an ${what}` : `a ${what}`);

const NONE_FREED: number[] = [];
const NO_STAMPS: readonly number[] = [];

/** `Table` of the spec: index 0 is never used, freed indices are reused last-in first-out. */
export class HandleTable {
  /** Far below the 2^28 - 1 that the spec lets an index be: each handle costs the host some hundred bytes, and a guest could fill its memory. */
  static readonly MAX_LENGTH = 1_000_000;
  // Most instances hold no handle for most of their life, so the arrays are made with the first.
  private entries: (TableEntry | undefined)[] = NO_ENTRIES;
  private freed: number[] = NONE_FREED;
  /** How often handles were added or removed. */
  changes = 0;
  /** For each index the value of `changes` when its entry was last added or removed. */
  stamps: readonly number[] = NO_STAMPS;
  /** Elements that lists of its handles have room for which are kept from call to call. */
  roomOfKept = 0;
  /** What {@link HandleTable.record} found: freed indices of a table that was used. */
  private firstFreed: readonly number[] | undefined = undefined;
  private readonly most: number;

  /** @param most handles that it may hold */
  constructor(most: number = HandleTable.MAX_LENGTH) {
    this.most = most;
  }

  /** @throws Trap when the index holds nothing. */
  entry(index: number): TableEntry {
    const entry = this.entries[index >>> 0];
    if (entry === undefined) throw new Trap(`unknown handle index ${index >>> 0}`);
    return entry;
  }

  /** @throws Trap when the index holds no resource handle. */
  get(index: number): ResourceHandle {
    const entry = this.entry(index);
    if (entry.resource === undefined) throw wrongEntry(index, 'a resource handle', entry);
    return entry as ResourceHandle;
  }

  add(entry: TableEntry): number {
    if (this.entries === NO_ENTRIES) {
      this.entries = [undefined];
      this.freed = [];
      this.stamps = [0];
    }
    const reused = this.freed.pop();
    if (reused !== undefined) {
      this.entries[reused] = entry;
      this.stamp(reused);
      return reused;
    }
    const index = this.entries.length;
    if (index > this.most) {
      throw new Trap(`the handle table is full: it holds ${this.most} handles, and there is no room for ${article(entry.what)}`);
    }
    this.entries.push(entry);
    this.stamp(index);
    return index;
  }

  remove(index: number): TableEntry {
    const entry = this.entry(index);
    this.entries[index >>> 0] = undefined;
    this.freed.push(index >>> 0);
    this.stamp(index >>> 0);
    return entry;
  }

  private stamp(index: number): void {
    (this.stamps as number[])[index] = ++this.changes;
  }

  /** Notes which indices were used, so that the next ones are the same after {@link HandleTable.clear}. All handles are gone. */
  record(): void {
    if (this.size === 0 && this.entries !== NO_ENTRIES) this.firstFreed = this.freed.slice();
  }

  /** Removes all handles. @returns what they were, by index */
  clear(): TableEntry[] {
    const live = this.entries.filter((entry) => entry !== undefined);
    const { firstFreed } = this;
    this.entries = firstFreed === undefined ? NO_ENTRIES : new Array<undefined>(firstFreed.length + 1).fill(undefined);
    this.freed = firstFreed?.slice() ?? NONE_FREED;
    this.stamps = NO_STAMPS;
    return live;
  }

  /** Handles that are live now. */
  get size(): number {
    return this.entries === NO_ENTRIES ? 0 : this.entries.length - 1 - this.freed.length;
  }
}
