/** Collects the parts of a plan: numbers slots, emits steps when an item is first used, batches fused adapters. */
import { emitAdapters, passesStraight } from '../adapter/emit.ts';
import type { AdapterModule, AdapterRequest } from '../adapter/requests.ts';
import { ComponentError } from '../errors.ts';
import type { FuncType, ResourceId } from '../types/types.ts';
import { Effort } from '../validate/effort.ts';
import { at, type CoreItem, defined, type FuncValue } from './environment.ts';
import type {
  CanonSlots,
  HostPath,
  Plan,
  PlanBuiltin,
  PlanCallee,
  PlanExport,
  PlanExports,
  PlanHostFunction,
  PlanHostInstance,
  PlanInstance,
  PlanLift,
  PlanModule,
  PlanResource,
  Slot,
  Step,
  StepImports,
} from './plan.ts';

/** What even the shortest component may take once it is flattened, in units of some 50 bytes of memory. */
const BASE_EFFORT = 600_000;

const STEP_EFFORT = 4;
const INSTANCE_EFFORT = 20;
/** Fewer than a unit has: emitting code takes longer than linking. */
const CODE_BYTES_PER_EFFORT = 10;
/** How often a function may be lowered, lifted again, and so on: each time takes a call inside a call to make. */
const MAX_ADAPTER_DEPTH = 500;

interface InstanceBuilder {
  readonly parent: number | undefined;
  readonly path: string;
  readonly callsInstances: Set<number>;
  readonly callsHost: Set<number>;
  readonly usesContext: boolean;
  readonly forbidsLeaving: boolean;
  tasks: boolean;
  waits: boolean;
  /** Whether it may come to have core modules with exception tags. */
  readonly mayHaveTags: boolean;
  closed: boolean;
  ended: boolean;
  /** Whether it has such a module. */
  hasTags: boolean;
}

interface ResourceBuilder {
  plan: PlanResource;
  readonly destructor: CoreItem | undefined;
}

type LiftedValue = Extract<FuncValue, { readonly kind: 'lifted' }>;
type HostValue = Extract<FuncValue, { readonly kind: 'host' }>;

/** How a function is lowered that is called as a subtask. */
interface TaskLowering {
  readonly options: CanonSlots;
  readonly async: boolean;
}

/** The two ways to lower a function of another component. */
interface Lowerings {
  readonly task: () => TaskLowering;
  readonly adapter: () => Omit<AdapterRequest, 'enters'>;
}

interface PendingAdapter {
  readonly request: AdapterRequest;
  readonly to: Slot;
}

export class PlanBuilder {
  readonly effort: Effort;
  private readonly modules: PlanModule[] = [];
  private readonly moduleIndices = new Map<string, number>();
  private readonly adapters: AdapterModule[] = [];
  private readonly instances: InstanceBuilder[] = [];
  private readonly resources: ResourceBuilder[] = [];
  private readonly sameTypes: Plan['sameTypes'][number][] = [];
  private readonly hostInstances: PlanHostInstance[] = [];
  private readonly hostFunctions: PlanHostFunction[] = [];
  private readonly steps: Step[] = [];
  private readonly pending: PendingAdapter[] = [];
  private readonly pendingSlots = new Set<Slot>();
  /** Instances, not ended yet, that are known not to be closed. */
  private readonly open = new Set<number>();
  /** Whether anything in what is flattened is about concurrency. */
  concurrent = false;
  private readonly lifts = new Map<LiftedValue, PlanLift>();
  private adapterDepth = 0;
  private slots = 0;

  /** @param inputBytes the length of the component */
  constructor(inputBytes: number) {
    const exhausted = (): Error =>
      new ComponentError('TENON_UNSUPPORTED', 'the component is too large once its nested components are flattened');
    this.effort = new Effort(inputBytes, exhausted, BASE_EFFORT);
  }

  /** Its calls are tasks. */
  needsTasks(instance: number): void {
    this.instanceAt(instance).tasks = true;
    this.concurrent = true;
  }

  get instanceCount(): number {
    return this.instances.length;
  }

  /** @param known what its definitions, all of them, are known to do before any of it is linked */
  addInstance(
    parent: number | undefined,
    path: string,
    known: Pick<InstanceBuilder, 'tasks' | 'usesContext' | 'forbidsLeaving' | 'mayHaveTags'>,
  ): number {
    this.effort.spend(INSTANCE_EFFORT);
    this.instances.push({
      parent,
      path,
      callsInstances: new Set(),
      callsHost: new Set(),
      ...known,
      waits: false,
      closed: false,
      ended: false,
      hasTags: false,
    });
    return this.instances.length - 1;
  }

  /** All definitions of the instance are linked. Children end before their parents. */
  endInstance(index: number): void {
    const instance = this.instanceAt(index);
    instance.ended = true;
    if (!this.open.delete(index)) instance.closed = true;
    else if (instance.parent !== undefined) this.open.add(instance.parent);
  }

  /**
   * An instance is closed when each of its calls, and of its children's, goes to an instance that was closed before. What it calls was then
   * made before it or inside it, so that nothing outside of it can call back into it: to watch whether it may be entered has no use.
   */
  private callsOutOf(caller: number, callee: number): void {
    if (!this.instanceAt(callee).closed) this.open.add(caller);
  }

  instancePath(index: number): string {
    return this.instanceAt(index).path;
  }

  /**
   * Whether an exception of core code can leave the functions of an instance. Where none of its modules defines a tag there is none to throw:
   * those of other instances end at their boundaries.
   */
  mayThrow(index: number): boolean {
    const { ended, hasTags, mayHaveTags } = this.instanceAt(index);
    return hasTags || (mayHaveTags && !ended);
  }

  usesContext(index: number): boolean {
    return this.instanceAt(index).usesContext;
  }

  private instanceAt(index: number): InstanceBuilder {
    return at(this.instances, index, 'instance');
  }

  module(module: PlanModule): number {
    const key = module.kind === 'embedded' ? `${module.source}:${module.start}` : JSON.stringify(module.path);
    let index = this.moduleIndices.get(key);
    if (index === undefined) {
      index = this.modules.push(module) - 1;
      this.moduleIndices.set(key, index);
    }
    return index;
  }

  hostInstance(path: HostPath, empty: boolean): void {
    this.hostInstances.push({ path, empty });
  }

  hostFunction(path: HostPath, type: FuncType): number {
    return this.hostFunctions.push({ path, type }) - 1;
  }

  hostResource(path: HostPath): ResourceId {
    return this.resources.push({ plan: { kind: 'host', name: path[path.length - 1] ?? path[0], path }, destructor: undefined }) - 1;
  }

  /** A type that is imported with the bound that it equals a resource. */
  sameType(path: HostPath, resource: ResourceId): void {
    this.sameTypes.push({ path, resource });
  }

  /** A resource type of a guest; its destructor, if any, must have a slot before the resource is first used. */
  guestResource(implementer: number, destructor: CoreItem | undefined): ResourceId {
    const resource = this.resources.length;
    this.resources.push({
      plan: { kind: 'guest', name: `resource ${resource}`, implementer, hasDestructor: destructor !== undefined },
      destructor,
    });
    const slot = destructor?.slot();
    this.require(slot);
    this.emit({ op: 'define resource', resource, destructor: slot });
    return resource;
  }

  /** A resource gets its name from the first export of its type. */
  nameResource(resource: ResourceId, name: string): void {
    const entry = at(this.resources, resource, 'resource');
    if (entry.plan.kind === 'guest' && entry.plan.name.startsWith('resource ')) entry.plan = { ...entry.plan, name };
  }

  resource(resource: ResourceId): PlanResource {
    return at(this.resources, resource, 'resource').plan;
  }

  private emit(step: Step): void {
    this.effort.spend(STEP_EFFORT);
    this.steps.push(step);
  }

  /** An item that is made by `make` when it is first used. */
  private item(make: () => Slot): CoreItem {
    let made: Slot | undefined;
    return {
      slot: () => {
        made ??= make();
        return made;
      },
    };
  }

  private emitTo(step: (to: Slot) => Step): Slot {
    const to = this.slots++;
    this.emit(step(to));
    return to;
  }

  /** @param hasTags whether the module defines exception tags, as far as is known */
  instantiate(module: number, imports: StepImports, instance: number, hasTags: boolean): Slot {
    this.flushAdapters();
    if (hasTags) this.instanceAt(instance).hasTags = true;
    return this.emitTo((to) => ({ op: 'instantiate', module, imports, instance, to }));
  }

  exportOf(from: Slot, name: string): CoreItem {
    return this.item(() => this.emitTo((to) => ({ op: 'read export', from, name, to })));
  }

  /**
   * @param builtin is called when the built-in is first used
   * @param effects `destroys`: the resource whose destructor it may call; `waits`: whether it may block its thread
   */
  builtin(
    builtin: () => PlanBuiltin,
    instance: number,
    effects: { readonly destroys?: number | undefined; readonly waits?: boolean } = {},
  ): CoreItem {
    const resource = effects.destroys === undefined ? undefined : this.resource(effects.destroys);
    const destroyer = resource?.kind === 'guest' && resource.hasDestructor ? resource.implementer : undefined;
    if (destroyer !== undefined) this.callsOutOf(instance, destroyer);
    return this.item(() => {
      const user = this.instanceAt(instance);
      if (destroyer !== undefined) user.callsInstances.add(destroyer);
      if (effects.waits === true) user.waits = true;
      const made = builtin();
      if ('options' in made) this.require(made.options.realloc);
      return this.emitTo((to) => ({ op: 'make builtin', builtin: made, instance, to }));
    });
  }

  lowerHost(func: number, options: () => CanonSlots, instance: number): CoreItem {
    return this.item(() => {
      this.instanceAt(instance).callsHost.add(func);
      const slots = options();
      this.require(slots.realloc);
      return this.emitTo((to) => ({ op: 'lower host', func, options: slots, instance, to }));
    });
  }

  /** A host function that is called as a subtask. @param waits whether the call blocks its thread until the function has returned */
  lowerHostTask(func: HostValue, lowering: () => TaskLowering, instance: number, waits: boolean): CoreItem {
    return this.item(() => {
      const caller = this.instanceAt(instance);
      if (waits) caller.waits = true;
      if (!func.type.async) caller.callsHost.add(func.func);
      const name = at(this.hostFunctions, func.func, 'host function').path.join('#');
      return this.lowerTask(func.type, { kind: 'host function', func: func.func }, lowering(), instance, name);
    });
  }

  private lowerTask(type: FuncType, callee: PlanCallee, { async, options }: TaskLowering, instance: number, name: string): Slot {
    this.require(options.realloc);
    return this.emitTo((to) => ({ op: 'lower', type, callee, async, options, instance, name, to }));
  }

  /**
   * A call from one component to another: a subtask where one of them needs tasks; otherwise an adapter, made together with others just
   * before something needs it, or the callee's function itself where an adapter would do nothing.
   */
  call(func: LiftedValue, caller: number, waits: boolean, lowering: Lowerings): CoreItem {
    const callee = func.instance;
    this.callsOutOf(caller, callee);
    return this.item(() => {
      const from = this.instanceAt(caller);
      const to = this.instanceAt(callee);
      from.callsInstances.add(callee);
      if (waits) from.waits = true;
      // What an instance that is not complete will need is not known.
      if (from.tasks || to.tasks || (this.concurrent && !to.ended)) {
        return this.lowerTask(func.type, this.lift(func), lowering.task(), caller, to.path);
      }
      return this.adapt(callee, caller, lowering.adapter);
    });
  }

  private adapt(callee: number, caller: number, request: () => Omit<AdapterRequest, 'enters'>): Slot {
    const enters = this.enteringSet(callee, caller).filter((instance) => !this.instanceAt(instance).closed);
    this.deepen();
    const needed = request();
    this.adapterDepth--;
    if (enters.length === 0 && !this.instanceAt(caller).forbidsLeaving && passesStraight(needed)) return needed.callee.func;
    this.require(needed.callee.func, needed.callee.postReturn, needed.callee.realloc, needed.caller.realloc);
    const to = this.slots++;
    this.pending.push({ request: { ...needed, enters }, to });
    this.pendingSlots.add(to);
    return to;
  }

  private deepen(): void {
    if (this.adapterDepth++ < MAX_ADAPTER_DEPTH) return;
    throw new ComponentError('TENON_UNSUPPORTED', `the component lifts and lowers a function more than ${MAX_ADAPTER_DEPTH} times over`);
  }

  /** A lifted function, with slots; the same for all who call it. */
  private lift(func: LiftedValue): PlanLift {
    let known = this.lifts.get(func);
    if (known === undefined) {
      this.deepen();
      const { async, callback, encoding, memory, postReturn, realloc } = func.options;
      known = {
        kind: 'lift',
        type: func.type,
        core: func.core.slot(),
        options: { encoding, memory: memory?.slot(), realloc: realloc?.slot() },
        postReturn: postReturn?.slot(),
        instance: func.instance,
        async,
        callback: callback?.slot(),
      };
      this.adapterDepth--;
      this.lifts.set(func, known);
    }
    this.require(known.core, known.postReturn, known.options.realloc, known.callback);
    return known;
  }

  /** Makes the adapters among these slots that are not made yet: lifted, a lowered function is a core function like any other. */
  private require(...slots: readonly (Slot | undefined)[]): void {
    if (slots.some((slot) => slot !== undefined && this.pendingSlots.has(slot))) this.flushAdapters();
  }

  /** `entering_set` of the spec: the callee and its ancestors, less the caller and its ancestors. */
  private enteringSet(callee: number, caller: number): number[] {
    const left = new Set(this.selfAndAncestors(caller));
    return this.selfAndAncestors(callee).filter((instance) => !left.has(instance));
  }

  private selfAndAncestors(instance: number): number[] {
    const chain: number[] = [];
    for (let i: number | undefined = instance; i !== undefined; i = this.instanceAt(i).parent) chain.push(i);
    return chain;
  }

  private flushAdapters(): void {
    if (this.pending.length === 0) return;
    const batch = this.pending.splice(0);
    this.pendingSlots.clear();
    const spend = (bytes: number): void => this.effort.spend(bytes / CODE_BYTES_PER_EFFORT);
    const module = emitAdapters(
      batch.map((p) => p.request),
      spend,
    );
    const adapter = this.adapters.push(module) - 1;
    this.emit({ op: 'adapt', adapter, to: batch.map((p) => p.to) });
  }

  exportFunc(func: FuncValue): PlanExport {
    return func.kind === 'host' ? { kind: 'host function', func: func.func } : this.lift(func);
  }

  finish(exports: PlanExports): Plan {
    this.flushAdapters();
    return {
      modules: this.modules,
      adapters: this.adapters,
      instances: this.instances.map(
        (i): PlanInstance => ({
          parent: i.parent,
          path: i.path,
          callsInstances: [...i.callsInstances],
          callsHost: [...i.callsHost],
          usesContext: i.usesContext,
          tasks: i.tasks,
          waits: i.waits,
          closed: i.closed,
        }),
      ),
      resources: this.resources.map((r) => defined(r.plan, 'resource')),
      sameTypes: this.sameTypes,
      hostInstances: this.hostInstances,
      hostFunctions: this.hostFunctions,
      steps: this.steps,
      slots: this.slots,
      concurrent: this.concurrent,
      exports,
    };
  }
}
