/** What watches over one store whose code was rewritten: its calls' limits, its time, what it takes, and how it is made as new. */
import { carriedBy, swallowed, uncatchable } from '../abi/traps.ts';
import { ComponentError, Trap } from '../errors.ts';
import type { Store } from '../instance/state.ts';
import type { Epochs } from '../link/linked.ts';
import { type Layout, layoutOf, NAMES, SERVICE } from '../rewrite/layout.ts';
import { originalFrames } from '../rewrite/origins.ts';
import { Budget } from './budget.ts';
import { ActiveLimits, type CallLimits, onStack } from './call-limits.ts';
import type { EpochClock } from './clock.ts';
import { type Gate, makeGate } from './gate.ts';
import { GuestMemory } from './memory.ts';
import { Snapshot } from './snapshot.ts';
import { nextTurn } from './turn.ts';

/** Beyond this, one array would fill V8's heap, which ends the process. */
const MAX_ARRAY_BYTES = 64 * 1024 * 1024;

/** The heap of a thread counts as full when so much of it is in use, and a guest has filled it that has added so much. */
const HEAP_FULL = 0.7;
const HEAP_PART = 0.1;

/** Unless it is said: far more than programs have, and far less than fills V8's heap. */
const MAX_TABLE_ELEMENTS = 1_000_000;

/** How much larger than it began a memory may be and still be put back, in bytes: zeros that are written at each reset. */
const MAX_GROWN_BYTES = 4 * 1024 * 1024;

/** A core instance, as its code knows it. */
class CoreState {
  readonly guard: Guard;
  readonly memories: GuestMemory[] = [];

  constructor(guard: Guard) {
    this.guard = guard;
  }
}

let gate: Gate | undefined;

const theGate = (): Gate =>
  makeGate<CoreState>({
    check: ({ guard }) => guard.check(),
    yield: ({ guard }) => guard.yield(),
    service: ({ guard, memories }, what, which, value) => guard.service(memories, what, which, value),
  });

interface Recorded {
  readonly memories: readonly { readonly memory: GuestMemory; readonly snapshot: Snapshot }[];
}

let givingWay = 0;

/** Whether a guest in this thread would go on if it were its turn: it waits for nothing else. */
export const someoneGivesWay = (): boolean => givingWay > 0;

/** What an instance took that nobody holds any more and that was never ended. */
const lost = new FinalizationRegistry<{ readonly own: Budget; readonly budget: Budget }>(({ budget, own }) => giveBack(own, budget));

function giveBack(own: Budget, budget: Budget): void {
  budget.takeMemory(-own.memoryBytes);
  budget.takeElements(-own.tableElements);
  own.memoryBytes = 0;
  own.tableElements = 0;
}

export class Guard {
  readonly clock: EpochClock;
  readonly own: Budget;
  /** Calls that are under way and can be suspended. */
  promised = 0;
  /** Of a call whose JavaScript is on the stack, unless it is in another one. */
  private usual: ActiveLimits;
  /** Of calls that go on in a Promise. */
  private readonly waits: ActiveLimits[] = [];
  /** Why it cannot be made as new. */
  readonly remake: string[] = [];
  private readonly store: Store;
  private readonly budget: Budget | undefined;
  private readonly memories = new Map<WebAssembly.Memory, GuestMemory>();
  private readonly made: GuestMemory[] = [];
  private readonly records: (() => void)[] = [];
  private readonly restores: (() => number)[] = [];
  private readonly modules: WebAssembly.Module[] = [];
  private recorded: Recorded | undefined;
  /** When the guest began to compute, by the clock; undefined while it does not, or nobody counts. */
  private since: number | undefined;
  /** The tick at which it looked up last, or went on after others had their turn. */
  private lastTick = -2;
  /** What the heap held when the guest of this call was first seen to compute, in bytes; -1 before. */
  private heapBefore = -1;

  constructor(store: Store, { budget, clock, limits }: Epochs) {
    this.store = store;
    this.clock = clock;
    this.own = new Budget({ ...limits, maxTableElements: limits.maxTableElements ?? MAX_TABLE_ELEMENTS });
    this.budget = budget;
    this.usual = new ActiveLimits(this);
    if (budget !== undefined) lost.register(store, { own: this.own, budget });
  }

  cannotReset(reason: string): void {
    if (!this.remake.includes(reason)) this.remake.push(reason);
  }

  /** Makes the frames of an error speak of the modules as they were given. */
  place(error: unknown): void {
    if (error instanceof Error && error.stack !== undefined) error.stack = originalFrames(error.stack, this.modules);
  }

  // What the guest takes

  takeMemory = (bytes: number): boolean => {
    if (!this.own.takeMemory(bytes)) return false;
    if (this.budget === undefined || this.budget.takeMemory(bytes)) return true;
    this.own.takeMemory(-bytes);
    return false;
  };

  private takeElements(count: number): boolean {
    if (!this.own.takeElements(count)) return false;
    if (this.budget === undefined || this.budget.takeElements(count)) return true;
    this.own.takeElements(-count);
    return false;
  }

  /** Gives everything back. */
  release(): void {
    if (this.budget !== undefined) giveBack(this.own, this.budget);
  }

  // Core instances

  /**
   * Instantiates a rewritten module.
   * @param imports by module and name; the module's additions go in
   */
  instantiate(module: WebAssembly.Module, given: object): Record<string, unknown> {
    const imports = given as Record<string, WebAssembly.ModuleImports>;
    const layout = layoutOf(module);
    if (layout === undefined) return new WebAssembly.Instance(module, imports).exports;
    this.modules.push(module);
    const state = new CoreState(this);
    const adding: Record<string, WebAssembly.ImportValue> = {};
    imports[layout.namespace] = adding;
    adding[NAMES.clock] = this.clock.memory;
    for (const memory of layout.memories) {
      if (memory.own) {
        const made = this.makeMemory(memory);
        adding[memory.name] = made.memory;
        state.memories.push(made);
      } else {
        state.memories.push(this.memoryOf(imports[memory.module]?.[memory.name], memory));
      }
    }
    this.takeWhatItBeginsWith(layout);
    const { exports } = new WebAssembly.Instance(module, imports);
    gate ??= theGate();
    const own = (name: string) => exports[`${layout.prefix}${name}`] as (...args: unknown[]) => never;
    own(NAMES.init)(state, gate.interrupt, gate.service);
    if (layout.state) {
      this.records.push(own(NAMES.record));
      this.restores.push(own(NAMES.restore));
    }
    for (const reason of layout.remake) this.cannotReset(reason);
    if (layout.start) own(NAMES.start)();
    return exports;
  }

  private makeMemory({ index64, max, min, shared }: Layout['memories'][number]): GuestMemory {
    if (!this.takeMemory(min * 65_536)) {
      throw new ComponentError(
        'TENON_MEMORY_LIMIT',
        `the memories of the instance begin with more than is left of their limit: ${min * 65_536} bytes more`,
      );
    }
    const pages = (count: number): number => (index64 ? BigInt(count) : count) as number;
    const memory = new WebAssembly.Memory({
      initial: pages(min),
      ...(max === undefined ? {} : { maximum: pages(max) }),
      ...(shared ? { shared } : {}),
      ...(index64 ? { address: 'i64' } : {}),
    } as WebAssembly.MemoryDescriptor);
    const made = new GuestMemory(memory, max, index64);
    this.memories.set(memory, made);
    this.made.push(made);
    return made;
  }

  private memoryOf(value: unknown, { index64, max }: Layout['memories'][number]): GuestMemory {
    // A module that does not fit its imports is what V8 says next.
    if (!(value instanceof WebAssembly.Memory)) return new GuestMemory(new WebAssembly.Memory({ initial: 0 }), max, index64);
    let known = this.memories.get(value);
    if (known === undefined) {
      known = new GuestMemory(value, max, index64);
      this.memories.set(value, known);
    }
    return known;
  }

  private takeWhatItBeginsWith({ constantArrayBytes, tableElements }: Layout): void {
    if (!this.takeElements(tableElements)) {
      throw new ComponentError(
        'TENON_TABLE_LIMIT',
        `the tables of the instance begin with more than is left of their limit: ${tableElements} elements more`,
      );
    }
    if (constantArrayBytes === null || constantArrayBytes > this.largestArray) throw this.arrayTooLarge(constantArrayBytes);
  }

  private get largestArray(): number {
    return Math.min(MAX_ARRAY_BYTES, this.own.largestArray);
  }

  private arrayTooLarge(bytes: number | null): Trap {
    return new Trap(
      `an array is too large: ${bytes === null ? 'its length is not known beforehand' : `${bytes} bytes`}; the limit is ${this.largestArray}`,
    );
  }

  /** What rewritten code asks; see {@link SERVICE}. */
  service(memories: readonly GuestMemory[], what: number, which: number, value: number): number {
    switch (what) {
      case SERVICE.memorySize:
        return memories[which]?.pages ?? 0;
      case SERVICE.memoryGrow:
        return memories[which]?.grow(value, this.takeMemory) ?? -1;
      case SERVICE.tableMayGrow:
        return this.own.mayTakeElements(value) && this.budget?.mayTakeElements(value) !== false ? 0 : -1;
      case SERVICE.tableGrew:
        this.takeElements(value);
        return 0;
      case SERVICE.array:
        if (value > this.largestArray) throw uncatchable(this.arrayTooLarge(value));
        this.checkHeap(value);
        this.check();
        return 0;
      default:
        return -1;
    }
  }

  // Calls

  begin(limits: CallLimits): ActiveLimits {
    let active = this.usual;
    if (active.open) active = new ActiveLimits(this);
    const { now } = this.clock;
    active.limits = limits;
    active.open = true;
    active.since = now;
    active.charged = now;
    active.cpuBefore = limits.cpuMs === undefined ? 0 : this.own.cpuMs;
    active.around = onStack.limits;
    onStack.limits = active;
    return active;
  }

  /** The JavaScript of the call has returned. */
  returned(active: ActiveLimits): void {
    onStack.limits = active.around;
    active.open = false;
    if (this.clock.now !== active.charged) this.charge(active);
  }

  /** The call goes on when its JavaScript has returned. */
  wait(active: ActiveLimits): ActiveLimits {
    if (active === this.usual) this.usual = new ActiveLimits(this);
    this.waits.push(active);
    return active;
  }

  /** It is over. Calls that overlap end in any order. */
  waited(active: ActiveLimits): void {
    this.waits.splice(this.waits.indexOf(active), 1);
  }

  // Time

  /** A call begins that can be suspended. */
  promise(): void {
    if (this.promised++ === 0) {
      this.lastTick = -2;
      this.heapBefore = -1;
    }
    this.running();
  }

  /** It has ended. */
  settled(): void {
    this.promised--;
    this.waiting();
  }

  /** The guest computes from now on. */
  running(): void {
    this.since ??= this.clock.now;
  }

  /** The guest computes no more: it waits, or has returned. */
  waiting(): void {
    if (this.since === undefined) return;
    const { now } = this.clock;
    this.add(now - this.since);
    this.since = undefined;
    const active = onStack.limits;
    if (active?.guard === this) active.charged = now;
  }

  /** Counts what a call has computed since this was last called. */
  charge(active: ActiveLimits): void {
    const { now } = this.clock;
    if (this.since === undefined) this.add(now - active.charged);
    active.charged = now;
  }

  private add(ms: number): void {
    if (ms <= 0) return;
    this.own.cpuMs += ms;
    if (this.budget !== undefined) this.budget.cpuMs += ms;
  }

  /** Counts, while the guest computes. */
  private tally(now: number): void {
    const active = onStack.limits;
    if (this.since !== undefined) {
      this.add(now - this.since);
      this.since = now;
    } else if (active?.guard === this) this.charge(active);
    else this.add(this.clock.periodMs);
  }

  /**
   * The clock has moved while the guest computes.
   * @returns 1 when the guest shall yield
   * @throws what ends it
   */
  check(): number {
    const { clock, store } = this;
    clock.clear();
    const { now } = clock;
    this.tally(now);
    if (store.trap !== undefined) throw uncatchable(carriedBy(swallowed(store.trap)));
    this.checkHeap(0);
    for (const each of this.waits) {
      const trap = each.exceeded(now);
      if (trap !== undefined) throw uncatchable(trap);
    }
    for (let each = onStack.limits; each !== undefined; each = each.around) {
      const trap = each.exceeded(now);
      if (trap !== undefined) throw uncatchable(trap);
    }
    // A tick that was there before the guest began says nothing: only one that has computed from one tick to the next gives way.
    const { ticks } = clock;
    const long = ticks === this.lastTick + 1;
    this.lastTick = ticks;
    return long && this.promised > 0 ? 1 : 0;
  }

  /** @throws a trap where the heap is nearly full and this guest has filled much of it, or is about to */
  private checkHeap(bytes: number): void {
    const heap = this.budget?.heap?.();
    if (heap === undefined) return;
    const { limit, used } = heap;
    if (this.heapBefore < 0) this.heapBefore = used;
    const grown = used - this.heapBefore;
    if (used + bytes < HEAP_FULL * limit || grown + bytes < HEAP_PART * limit) return;
    throw uncatchable(new Trap(`the guest filled the heap: ${grown + bytes} bytes of ${limit}, of which ${used} are in use`));
  }

  /** Others get their turn. */
  async yield(): Promise<void> {
    const { store } = this;
    const { scope } = store;
    this.waiting();
    givingWay++;
    await nextTurn();
    await this.budget?.pause?.();
    givingWay--;
    store.scope = scope;
    this.lastTick = this.clock.ticks;
    this.running();
  }

  // As new

  /**
   * Notes what all is now, to be put back.
   * @param shared snapshots of other instances of the same component, by memory: one does for all that begin alike
   */
  record(shared: (Snapshot | undefined)[]): void {
    for (const record of this.records) record();
    const memories = this.made.map((memory, index) => {
      const known = shared[index];
      const snapshot = known?.matches(memory.memory) === true ? known : Snapshot.of(memory.memory);
      shared[index] ??= snapshot;
      return { memory, snapshot };
    });
    this.recorded = { memories };
  }

  /** @returns whether memories, globals and tables are as they were when they were recorded; when not, they are anything */
  restore(): boolean {
    if (this.recorded === undefined || this.promised > 0 || this.remake.length > 0) return false;
    const { memories } = this.recorded;
    if (memories.some(({ memory, snapshot }) => memory.bytes > 2 * snapshot.length + MAX_GROWN_BYTES)) return false;
    if (this.restores.some((restore) => restore() === 0)) return false;
    for (const { memory, snapshot } of memories) {
      snapshot.restore(memory.memory);
      memory.pages = snapshot.length / 65_536;
    }
    this.waits.length = 0;
    this.since = undefined;
    return true;
  }
}
