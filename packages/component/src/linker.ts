/** Links components to the definitions of the embedder. */

import { Component } from './component.ts';
import type { Budget, Usage } from './epoch/budget.ts';
import { type CallLimits, callWithin } from './epoch/call-limits.ts';
import { EpochClock } from './epoch/clock.ts';
import { ComponentError, Trap } from './errors.ts';
import type { Account } from './instance/account.ts';
import { makeExports } from './instance/exports.ts';
import { Instantiation } from './instance/instantiate.ts';
import { bindHost } from './link/definitions.ts';
import { at } from './link/environment.ts';
import { flatten } from './link/flatten.ts';
import { checkGivenModules } from './link/given-modules.ts';
import { isNothing, kindOf } from './link/host-items.ts';
import { Linked } from './link/linked.ts';
import type { Plan } from './link/plan.ts';
import { provider } from './link/semver.ts';
import { rewriteLoops } from './rewrite/rewrite.ts';
import { componentMismatch } from './validate/given-component.ts';

export interface InstanceOptions {
  /** Whether {@link Instance.reset} will be called: what the instance holds when it is new is noted then. */
  readonly resettable?: boolean | undefined;
  /** Of its start functions together; only for interruptible components. */
  readonly limits?: CallLimits | undefined;
}

/** A running component. */
export class Instance {
  /**
   * The exports: an interface as an object of functions and resource classes, under its full name (`example:calculator/math`) and
   * its short name (`math`); a function under its name in camel case.
   */
  get exports(): Readonly<Record<string, unknown>> {
    this.bound ??= makeExports(this.made, this.made.linked.exports);
    return this.bound;
  }

  private readonly made: Instantiation;
  /** Made when they are first asked for: many instances of a pool are never called. */
  private bound: Record<string, unknown> | undefined = undefined;

  private readonly resets: (() => void)[] = [];

  constructor(made: Instantiation, { resettable = false }: InstanceOptions = {}) {
    this.made = made;
    if (resettable) made.record();
  }

  /**
   * Calls exports under limits. It ends with the call, or with the Promise that the call returns. A guest that goes beyond traps where it is, and
   * the instance is poisoned; a guest that may wait lets others have their turn at each tick of the clock.
   * @param call gets the exports, and calls what it wants to
   * @returns what `call` returns
   * @throws Trap with the code TENON_DEADLINE, TENON_CPU_TIME or TENON_CANCELLED; ComponentError TENON_NOT_INTERRUPTIBLE
   * @example instance.within({ timeoutMs: 100, signal }, ({ math }) => math.add(2, 3));
   */
  within<T>(limits: CallLimits, call: (exports: this['exports']) => T): T {
    return callWithin(this.made.store, limits, this.exports, call);
  }

  /** What the instance takes, and how long it has computed; undefined unless it is interruptible. */
  get usage(): Usage | undefined {
    return this.made.store.guard?.own;
  }

  /** Why {@link Instance.reset} cannot make it as new, as far as that is known beforehand. */
  get remakeReasons(): readonly string[] {
    return this.made.store.guard?.remake ?? ['it was not compiled with `interruptible`'];
  }

  /** Has a function called at each reset, when the engine has made everything as new: for state that the host keeps. */
  onReset(callback: () => void): void {
    this.resets.push(callback);
  }

  /**
   * Makes the instance as new: memories, globals, tables, handles, flags, a trap. Objects of its resources that the embedder holds are gone.
   * Not to be called from a host function that the instance called.
   * @returns whether it is as new; if not, it is to be dropped and another one made. It is not when a call is under way or suspended, when
   *   the instance was not made `resettable`, and for what {@link Instance.remakeReasons} says.
   */
  reset(): boolean {
    if (!this.made.reset()) return false;
    for (const callback of this.resets) callback();
    return true;
  }

  /**
   * Ends the instance: a guest that is suspended does not run on when what it waits for is there, and later calls are refused.
   * @param reason what the calls that are under way reject with, in words
   */
  end(reason = 'the embedder ended the instance'): void {
    this.made.store.end(new Trap(reason));
    this.made.store.guard?.release();
  }
}

/** A component that is linked already: making the next instance repeats none of that work. */
export class Prepared {
  private readonly linked: Linked;

  constructor(linked: Linked) {
    this.linked = linked;
  }

  /** Whether any export may suspend and so returns a Promise. */
  get suspends(): boolean {
    return this.linked.suspends.some((suspends) => suspends);
  }

  /** @throws Trap when a start function of the component traps */
  instantiateSync(options?: InstanceOptions): Instance {
    return new Instance(new Instantiation(this.linked, options?.limits), options);
  }

  /** @throws Trap when a start function of the component traps */
  async instantiate(options?: InstanceOptions): Promise<Instance> {
    return this.instantiateSync(options);
  }
}

export interface LinkerOptions {
  /** Handles to resources, streams, futures, subtasks and the like that each component instance may hold, 1,000,000 unless given: a guest that makes one more traps. */
  readonly maxHandles?: number | undefined;
  /** Tasks and threads that each component instance may have under way, 100,000 unless given: a guest that begins one more traps. */
  readonly maxTasks?: number | undefined;
  /** The clock that interruptible guests look at; {@link EpochClock.ofThread} unless given. */
  readonly clock?: EpochClock | undefined;
  /** From which all interruptible instances take their memories and tables, besides the limits of each. */
  readonly budget?: Budget | undefined;
  /**
   * Whether interruptible guests give way to others wherever they compute, and not only those that may wait for something. All exports return
   * Promises then, which costs each call about a microsecond.
   */
  readonly yields?: boolean | undefined;
}

/**
 * Holds the definitions that components may import.
 * @example
 * const linker = new Linker().define('example:host/log', { write: (text) => console.log(text) });
 * const { exports } = await linker.instantiate(await Component.compile(bytes));
 */
export class Linker {
  private readonly definitions = new Map<string, unknown>();
  private readonly options: LinkerOptions;
  private openAccount: (() => Account) | undefined;

  constructor(options: LinkerOptions = {}) {
    this.options = options;
  }

  /**
   * Defines what stands behind an import. Interfaces match by name and semver-compatible version.
   * @param name the name of the import: `wasi:io/streams@0.2.12`, or a plain name
   * @param value an object of functions and resource classes for an interface, a function, a resource class, a `WebAssembly.Module`,
   *   or a {@link Component} for a component import
   */
  define(name: string, value: unknown): this {
    this.definitions.set(name, value);
    return this;
  }

  /**
   * Charges what the host holds for an instance: its host functions ask {@link callerAccount}, and what they are passed in one call may not take
   * more than is left.
   * @param open makes the account of each instance
   */
  charge(open: () => Account): this {
    this.openAccount = open;
    return this;
  }

  /** @throws MissingImportsError listing all imports that nothing provides */
  async instantiate(component: Component, options?: InstanceOptions): Promise<Instance> {
    return this.prepareSync(component).instantiateSync(options);
  }

  /** Does everything but making an instance. @throws MissingImportsError listing all imports that nothing provides */
  async prepare(component: Component): Promise<Prepared> {
    return this.prepareSync(component);
  }

  /** As {@link Linker.prepare}. */
  prepareSync(component: Component): Prepared {
    const { plan, sources } = this.plan(component);
    const host = bindHost(plan, this.definitions);
    checkGivenModules(plan, host.modules, () => component.imports);
    const modules = plan.modules.map((module, i) =>
      module.kind === 'embedded'
        ? at(sources, module.source, 'source').coreModule(module.start)
        : (at(host.modules, i, 'module') as WebAssembly.Module),
    );
    const { limits } = component;
    const { budget, clock = EpochClock.ofThread, maxHandles, maxTasks, yields = false } = this.options;
    const epochs = limits === undefined ? undefined : { clock, budget, limits, yields, snapshots: [] };
    const adapters = plan.adapters.map(({ bytes }) => new WebAssembly.Module(epochs === undefined ? bytes : rewriteLoops(bytes)));
    return new Prepared(new Linked(plan, host, modules, adapters, maxHandles, this.openAccount, epochs, maxTasks));
  }

  /** Components that are given for imports become part of the plan; without any the component's own plan is shared. */
  private plan(component: Component): { readonly plan: Plan; readonly sources: readonly Component[] } {
    const sources = [component];
    if (component.isPlanned) return { plan: component.ownPlan(), sources };
    const imported = component.definition.definitions.some((item) => item.kind === 'import' && item.type.kind === 'component');
    if (!imported) return { plan: component.ownPlan(), sources };
    const plan = flatten(component.definition, {
      component: (name) => {
        const key = provider(this.definitions.keys(), name);
        const value = key === undefined ? undefined : this.definitions.get(key);
        if (isNothing(value)) return undefined;
        if (!(value instanceof Component)) {
          throw new ComponentError('TENON_IMPORT_TYPE', `"${name}": expected a Component, found ${kindOf(value)}`);
        }
        checkGivenComponent(component, name, value);
        return { definition: value.definition, source: sources.push(value) - 1, scope: undefined };
      },
    });
    return { plan, sources };
  }
}

function checkGivenComponent(importer: Component, name: string, given: Component): void {
  const expected = importer.imports.find((item) => item.name === name)?.type;
  if (expected?.kind !== 'component') return;
  const mismatch = componentMismatch(given.type(), expected.type);
  if (mismatch !== undefined) {
    throw new ComponentError('TENON_IMPORT_TYPE', `the component given for "${name}" does not fit: ${mismatch}`);
  }
}
