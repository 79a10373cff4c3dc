/** Runs a plan: one pass over its steps makes an instance. */

import type { Binding, CoreFunction } from '../abi/contract.ts';
import { NoSuspension } from '../abi/no-suspension.ts';
import { enterCall, exitCall, transferBorrow, transferOwn } from '../abi/resources.ts';
import { failed, uncatchable } from '../abi/traps.ts';
import type { AdapterImport } from '../adapter/requests.ts';
import { ADAPTER_TRAPS } from '../adapter/traps.ts';
import { makeBuiltin } from '../concurrency/builtins/index.ts';
import { HostCallee } from '../concurrency/host/function.ts';
import { type Callee, LiftedFunction } from '../concurrency/lift.ts';
import { LoweredFunction } from '../concurrency/lower.ts';
import { type CallLimits, callWithin } from '../epoch/call-limits.ts';
import { Guard } from '../epoch/guard.ts';
import { ComponentError, Trap } from '../errors.ts';
import { at } from '../link/environment.ts';
import type { NamedExport } from '../link/export-names.ts';
import type { Linked } from '../link/linked.ts';
import type { CanonSlots, PlanBuiltin, PlanLift, PlanResource, Step, StepImports } from '../link/plan.ts';
import { withoutWaiting } from '../link/synchronous.ts';
import { layoutOf } from '../rewrite/layout.ts';
import { flagsMemory, isFree } from './flags.ts';
import { ComponentInstance, liveStores, type RuntimeResource, Store } from './state.ts';
import { Turns } from './turns.ts';

type ImportedItems = Exclude<StepImports[number][1], number>;

export interface InstantiationOptions {
  /** Of start functions. */
  readonly limits?: CallLimits | undefined;
  /** What messages call it. */
  readonly name?: string | undefined;
  readonly queue?: boolean | number | undefined;
  /** What was made for it alone, and is disposed of when it ends. */
  readonly made?: readonly unknown[];
  /** Which exports are plain functions; undefined where nothing was said. */
  readonly sync?: ((named: NamedExport) => boolean) | undefined;
}

/** Calls that may wait in a queue, where nothing else is said. */
const MAX_QUEUED = 1000;

const never = (): boolean => false;

/** One instance of a plan, while it is made and as long as its exports live. */
export class Instantiation {
  readonly linked: Linked;
  readonly store: Store;
  readonly instances: readonly ComponentInstance[];
  readonly resources: RuntimeResource[];
  private readonly slots: unknown[];
  /** Made when one is first needed: most instances have none. */
  private lifts: Map<PlanLift, LiftedFunction> | undefined = undefined;

  readonly isSync: (named: NamedExport) => boolean;
  /** Where some exports are plain functions although what they call may wait. */
  readonly noSuspension: NoSuspension | undefined = undefined;
  /** Resolves when what was made for it alone has been disposed of. */
  disposed: Promise<readonly PromiseSettledResult<void>[]> = Promise.resolve([]);

  constructor(linked: Linked, { limits, made, name, queue = false, sync }: InstantiationOptions = {}) {
    this.linked = linked;
    this.isSync = sync ?? never;
    this.store = new Store(linked.maxHandles, linked.openAccount?.(), linked.maxTasks);
    const { epochs, plan, hostResources } = linked;
    const guard = epochs === undefined ? undefined : new Guard(this.store, epochs);
    this.store.guard = guard;
    const instances: ComponentInstance[] = [];
    // Indices here and below: most instances of a process are made before V8 has optimised this, and until then iterators cost more than all else.
    for (let i = 0; i < plan.instances.length; i++) {
      const { parent: index, path, usesContext, closed } = at(plan.instances, i, 'instance');
      const parent = index === undefined ? undefined : at(instances, index, 'instance');
      instances.push(new ComponentInstance(this.store, parent, name === undefined ? path : named(path, name), usesContext, closed));
    }
    this.instances = instances;
    this.slots = new Array<unknown>(plan.slots);
    // Those of the host are the same for all instances.
    this.resources = hostResources.slice();
    if (queue !== false) this.store.turns = new Turns(queue === true ? MAX_QUEUED : queue);
    if (sync !== undefined && linked.suspends.includes(true)) this.noSuspension = new NoSuspension();
    if (made !== undefined && made.length > 0) this.store.onEnd(() => this.dispose(made));
    try {
      const run = (): void => {
        for (let i = 0; i < plan.steps.length; i++) this.run(plan.steps[i] as Step);
      };
      const start = this.noSuspension?.during(run) ?? run;
      if (limits === undefined) start();
      else callWithin(this.store, limits, undefined, start);
    } catch (error) {
      guard?.release();
      if (made !== undefined) this.dispose(made);
      throw error;
    }
  }

  /** A failure must not keep the others. */
  private dispose(made: readonly unknown[]): void {
    this.disposed = Promise.allSettled(
      made.map(async (each) => {
        const { [Symbol.asyncDispose]: later, [Symbol.dispose]: now } = each as Partial<Disposable & AsyncDisposable>;
        if (later !== undefined) await later.call(each);
        else now?.call(each);
      }),
    );
  }

  /** Notes what all is now, for {@link Instantiation.reset}. */
  record(): void {
    const { store } = this;
    store.guard?.record(this.linked.epochs?.snapshots ?? []);
    // What the host gave cannot be made as new.
    if (store.instances.some(({ handles }) => handles.size > 0)) store.guard?.cannotReset('it holds handles when it is new');
    for (const { handles } of store.instances) handles.record();
  }

  /** @returns whether all is as it was recorded; when not, the store has ended */
  reset(): boolean {
    const { store } = this;
    const { guard } = store;
    // A call is under way.
    if (
      guard === undefined ||
      (store.trap === undefined && (store.hasTasks || store.instances.some(({ flagsWord }) => !isFree(flagsWord))))
    )
      return false;
    if (!guard.restore()) {
      store.end(new Trap('the instance cannot be reset'));
      return false;
    }
    store.reset(this.linked.openAccount?.());
    return true;
  }

  instance(index: number): ComponentInstance {
    return at(this.instances, index, 'instance');
  }

  resource(index: number): RuntimeResource {
    return at(this.resources, index, 'resource');
  }

  func(slot: number): CoreFunction {
    return this.slots[slot] as CoreFunction;
  }

  /** @param name of the function, for messages */
  binding(index: number, { memory, realloc }: CanonSlots, name: string): Binding {
    return {
      instance: this.instance(index),
      memory: memory === undefined ? undefined : (this.slots[memory] as WebAssembly.Memory),
      realloc: realloc === undefined ? undefined : this.func(realloc),
      resources: this.resources,
      name,
    };
  }

  private run(step: Step): void {
    switch (step.op) {
      case 'instantiate':
        this.slots[step.to] = this.instantiate(step);
        break;
      case 'read export':
        this.slots[step.to] = (this.slots[step.from] as WebAssembly.Exports)[step.name];
        break;
      case 'define resource':
        this.resources[step.resource] = this.defineResource(step.resource, step.destructor);
        break;
      case 'lower host': {
        const { lower, host, name, suspends } = this.linked.lowering(step);
        const binding = this.binding(step.instance, step.options, name);
        const core = lower.bind(binding, host, suspends);
        this.slots[step.to] =
          suspends && this.noSuspension !== undefined
            ? this.noSuspension.either(this.linked.coreTypeOf(step), core, lower.bind(binding, withoutWaiting(host, name), false))
            : core;
        break;
      }
      case 'lower':
        this.slots[step.to] = this.lowerTask(step);
        break;
      case 'make builtin':
        this.slots[step.to] = this.builtin(step.builtin, step.instance);
        break;
      case 'adapt':
        this.adapt(step);
        break;
    }
  }

  private instantiate(step: Extract<Step, { op: 'instantiate' }>): WebAssembly.Exports {
    const imports: Record<string, WebAssembly.ModuleImports> = Object.create(null) as Record<string, WebAssembly.ModuleImports>;
    for (let i = 0; i < step.imports.length; i++) {
      const entry = step.imports[i] as StepImports[number];
      const items = entry[1];
      imports[entry[0]] = typeof items === 'number' ? (this.slots[items] as WebAssembly.ModuleImports) : this.namespace(items);
    }
    try {
      return this.link(at(this.linked.modules, step.module, 'module'), imports);
    } catch (error) {
      throw this.instantiationError(error, this.instance(step.instance));
    }
  }

  private link(module: WebAssembly.Module, imports: Record<string, WebAssembly.ModuleImports>): WebAssembly.Exports {
    const { guard } = this.store;
    if (guard === undefined) return new WebAssembly.Instance(module, imports).exports;
    // What the embedder gives was compiled by the embedder. Adapters are ours, and keep nothing.
    if (layoutOf(module) === undefined && !this.linked.adapters.includes(module))
      guard.cannotReset('it has a core module that was not rewritten');
    return guard.instantiate(module, imports) as WebAssembly.Exports;
  }

  private namespace(items: ImportedItems): WebAssembly.ModuleImports {
    const namespace = Object.create(null) as WebAssembly.ModuleImports;
    for (let i = 0; i < items.length; i++) {
      const item = items[i] as ImportedItems[number];
      namespace[item[0]] = this.slots[item[1]] as WebAssembly.ImportValue;
    }
    return namespace;
  }

  private instantiationError(error: unknown, instance: ComponentInstance): unknown {
    if (error instanceof WebAssembly.LinkError) {
      return new ComponentError('TENON_IMPORT_TYPE', `a core module does not fit its imports: ${error.message}`, {
        path: instance.path,
        cause: error,
      });
    }
    if (error instanceof RangeError && /out of memory|could not allocate memory/i.test(error.message)) {
      const live = liveStores();
      const what = `the host cannot map another linear memory beside those of ${live} live instance${live === 1 ? '' : 's'}`;
      const advice = 'drop some, keep a pool of them, or start Node with --disable-wasm-trap-handler';
      return new ComponentError('TENON_HOST_MEMORY', `${what}: ${advice}`, { path: instance.path, cause: error });
    }
    // More than it may have.
    return error instanceof ComponentError ? error : failed(error, instance, '(start)');
  }

  private defineResource(index: number, destructor: number | undefined): RuntimeResource {
    const resource = at(this.linked.plan.resources, index, 'resource') as Extract<PlanResource, { kind: 'guest' }>;
    return {
      index,
      name: resource.name,
      implementer: this.instance(resource.implementer),
      destructor: destructor === undefined ? undefined : (this.func(destructor) as (rep: number) => void),
      destructorSuspends: this.linked.suspends[resource.implementer] === true,
      constructorFunction: undefined,
    };
  }

  private builtin(builtin: PlanBuiltin, index: number): CoreFunction {
    return makeBuiltin(
      {
        instance: this.instance(index),
        suspends: this.linked.suspends[index] === true,
        memory: (slot) => this.slots[slot] as WebAssembly.Memory,
        table: (slot) => this.slots[slot] as WebAssembly.Table,
        resource: (resource) => this.resource(resource),
        binding: (options, name) => this.binding(index, options, name),
      },
      builtin,
    );
  }

  /** A function that is called as a task; one for all who call it. */
  lifted(lift: PlanLift, name: string): LiftedFunction {
    this.lifts ??= new Map();
    let func = this.lifts.get(lift);
    if (func === undefined) {
      const { async, callback, core, instance, options, postReturn, type } = lift;
      const functions = {
        callback: callback === undefined ? undefined : this.func(callback),
        postReturn: postReturn === undefined ? undefined : this.func(postReturn),
      };
      const suspends = this.linked.suspends[instance] === true;
      func = new LiftedFunction(
        type,
        { encoding: options.encoding, async, ...functions },
        this.binding(instance, options, name),
        this.func(core),
        suspends,
      );
      this.lifts.set(lift, func);
    }
    return func;
  }

  private lowerTask(step: Extract<Step, { op: 'lower' }>): CoreFunction {
    const { async, callee, instance, name, options, type } = step;
    const { host, suspends } = this.linked;
    let func: Callee;
    let waits = async ? false : type.async;
    if (callee.kind === 'lift') {
      func = this.lifted(callee, name);
      waits ||= suspends[callee.instance] === true;
    } else {
      const blocking = host.blocking[callee.func] === true;
      func = new HostCallee(this.store, type, at(host.functions, callee.func, 'host function'), name, blocking);
      waits ||= blocking && !type.async;
    }
    const lowered = new LoweredFunction(
      type,
      { encoding: options.encoding, async },
      this.binding(instance, options, name),
      func,
      callee.kind !== 'lift',
    );
    return lowered.core(waits);
  }

  private adapt(step: Extract<Step, { op: 'adapt' }>): void {
    const adapter = at(this.linked.plan.adapters, step.adapter, 'adapter');
    const imports: Record<string, WebAssembly.ModuleImports> = {};
    for (const item of adapter.imports) {
      let namespace = imports[item.module];
      if (namespace === undefined) {
        namespace = {};
        imports[item.module] = namespace;
      }
      namespace[item.name] = this.adapterImport(item);
    }
    const exports = this.link(at(this.linked.adapters, step.adapter, 'adapter'), imports);
    for (const [i, slot] of step.to.entries()) this.slots[slot] = exports[at(adapter.exports, i, 'adapter export')];
  }

  private adapterImport(item: AdapterImport): WebAssembly.ImportValue {
    switch (item.kind) {
      case 'memory':
        return this.slots[item.memory] as WebAssembly.Memory;
      case 'flags memory':
        return flagsMemory;
      case 'flags address':
        return new WebAssembly.Global({ value: 'i32' }, this.instance(item.instance).flagsAddress);
      case 'func':
        return this.func(item.func) as WebAssembly.ExportValue;
      case 'realloc':
        return this.func(item.realloc) as WebAssembly.ExportValue;
      case 'post-return':
        return this.func(item.postReturn) as WebAssembly.ExportValue;
      case 'trap':
        return adapterTrap;
      case 'transfer own':
        return transferOwn(this.instance(item.from), this.instance(item.to), this.resource(item.resource));
      case 'transfer borrow':
        return transferBorrow(this.instance(item.from), this.instance(item.to), this.resource(item.resource));
      case 'enter call':
        return enterCall(this.instance(item.callee));
      case 'exit call':
        return exitCall(this.store);
    }
  }
}

function adapterTrap(code: number): never {
  throw uncatchable(new Trap(ADAPTER_TRAPS[code] ?? 'the adapter trapped'));
}

/** The path of an instance, with its name in place of `root`. */
const named = (path: string, name: string): string => name + path.slice(path.indexOf('.') < 0 ? path.length : path.indexOf('.'));
