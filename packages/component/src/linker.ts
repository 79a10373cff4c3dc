/** Links components to the definitions of the embedder. */

import { Component } from './component.ts';
import type { Budget } from './epoch/budget.ts';
import { EpochClock } from './epoch/clock.ts';
import { ComponentError } from './errors.ts';
import type { Account } from './instance/account.ts';
import type { Instance, InstanceOptions } from './instance.ts';
import { type Definition, DefinitionSet, type Waits } from './link/definition-set.ts';
import { at } from './link/environment.ts';
import { flatten } from './link/flatten.ts';
import { kindOf } from './link/host-items.ts';
import type { Plan } from './link/plan.ts';
import { checkOptions } from './options.ts';
import { Prepared } from './prepared.ts';
import { rewriteLoops } from './rewrite/rewrite.ts';
import type { ContextArgument, UntypedImports, Waiting, WorldTypes } from './typed.ts';
import { componentMismatch } from './validate/given-component.ts';

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

const LINKER_OPTIONS: Record<keyof LinkerOptions, true> = { maxHandles: true, maxTasks: true, clock: true, budget: true, yields: true };

export interface DefineOptions {
  /**
   * The functions that may return a Promise, during which the guest is suspended: all of them, or those named (`read`, or `Connection.query` for a
   * method). `async` functions need not be named, nor exports of components that wait.
   */
  readonly waits?: Waits | undefined;
  /** Whether it counts before any other definition of the same import, made before or after. */
  readonly override?: boolean | undefined;
}

const DEFINE_OPTIONS: Record<keyof DefineOptions, true> = { waits: true, override: true };

/** What {@link Provider.defineIn} fills. */
export interface ProviderTarget {
  define(name: string, value: object): unknown;
  charge(open: () => Account): unknown;
}

/** A set of definitions that belong together, of which a component need not import all; `wasi()` makes one. */
export interface Provider {
  defineIn(target: ProviderTarget): void;
}

/** What is defined for one instance, beside what is defined for all. */
export interface OwnDefinitions {
  readonly definitions: DefinitionSet;
  readonly openAccount: (() => Account) | undefined;
  /** What was made for it, and is disposed of when it ends. */
  readonly made: readonly unknown[];
}

/**
 * Holds the definitions that components may import. With types that `tenon types` generated, names and values of definitions are checked.
 * @typeParam Imports definitions by the names of imports
 * @typeParam Context what definitions of one instance are made from, see {@link Linker.defineFor}
 * @example
 * const linker = new Linker<Plugin['imports']>().define('example:host/log', { write: (text) => console.log(text) });
 * const { exports } = await linker.instantiate(await Component.compile<Plugin>(bytes));
 */
export class Linker<Imports extends object = UntypedImports, Context = undefined> {
  private readonly definitions = new DefinitionSet();
  private readonly providersFor: ((context: Context) => Provider)[] = [];
  private readonly options: LinkerOptions;
  private openAccount: (() => Account) | undefined;

  /** @throws ComponentError `TENON_OPTION` */
  constructor(options: LinkerOptions = {}) {
    checkOptions(options, LINKER_OPTIONS, 'Linker');
    this.options = options;
  }

  /**
   * Defines what stands behind an import. Interfaces match by name and semver-compatible version; a name without a version serves all.
   * @param name the name of the import: `wasi:io/streams@0.2.12`, or a plain name
   * @param value an object of functions and resource classes for an interface, a function, a resource class, a `WebAssembly.Module`,
   *   or a {@link Component} for a component import
   * @throws ComponentError `TENON_DEFINITION` for a second definition of one import without `override`, for what defines nothing, and for names
   *   in `waits` that it does not have
   */
  define<Name extends keyof Imports & string>(
    name: Name,
    value: Imports[Name],
    options?: DefineOptions & { readonly waits?: undefined },
  ): this;
  define<Name extends keyof Imports & string, const W extends Waits>(
    name: Name,
    value: Waiting<Imports[Name], W>,
    options: DefineOptions & { readonly waits: W },
  ): this;
  define(name: string, value: unknown, options: DefineOptions = {}): this {
    return this.add(name, value, undefined, options);
  }

  /**
   * Defines what stands behind an import for each instance anew, from the context that {@link Linker.instantiate} is given. When the instance
   * ends, what was made is disposed of, if it has `Symbol.dispose`.
   * @example linker.defineFor('example:host/log', ({ name }) => ({ write: (text) => console.log(name, text) }));
   */
  defineFor<Name extends keyof Imports & string>(
    name: Name,
    make: (context: Context) => Imports[Name],
    options?: DefineOptions & { readonly waits?: undefined },
  ): this;
  defineFor<Name extends keyof Imports & string, const W extends Waits>(
    name: Name,
    make: (context: Context) => Waiting<Imports[Name], W>,
    options: DefineOptions & { readonly waits: W },
  ): this;
  defineFor(name: string, make: (context: Context) => unknown, options: DefineOptions = {}): this {
    return this.add(name, undefined, make as Definition['make'], options);
  }

  /**
   * Takes all definitions of a provider.
   * @example linker.use(wasi({ stdout: 'inherit' }))
   */
  use(provider: Provider): this {
    checkProvider(provider);
    provider.defineIn({
      define: (name, value) => this.definitions.add(provided(name, value)),
      charge: (open) => this.charge(open),
    });
    return this;
  }

  /**
   * Takes all definitions of a provider that is made for each instance anew; when the instance ends, it is disposed of.
   * @example linker.useFor(({ name }) => wasi({ stdout: lines((line) => console.log(`${name}: ${line}`)) }))
   */
  useFor(make: (context: Context) => Provider): this {
    this.providersFor.push(make);
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

  /**
   * Links a component and makes an instance of it.
   * @throws MissingImportsError listing all imports that nothing provides; ComponentError `TENON_DEFINITION` for a definition that was probably
   *   meant for an import which something else serves; Trap when a start function traps
   */
  async instantiate<World extends WorldTypes, const Sync extends true | readonly string[] = readonly []>(
    component: Component<World>,
    ...[options]: ContextArgument<Context, InstanceOptions<Sync>>
  ): Promise<Instance<World['exports'], Sync>> {
    const prepared = this.prepareSync(component) as unknown as Prepared<World['exports'], undefined>;
    return prepared.instantiateSync(options as InstanceOptions<Sync>);
  }

  /** Links without instantiating. @throws as {@link Linker.instantiate}, but for start functions */
  async prepare<World extends WorldTypes>(component: Component<World>): Promise<Prepared<World['exports'], Context>> {
    return this.prepareSync(component);
  }

  /** As {@link Linker.prepare}. */
  prepareSync<World extends WorldTypes>(component: Component<World>): Prepared<World['exports'], Context> {
    const { given, plan, sources } = this.plan(component as unknown as Component);
    const { limits } = component;
    const { budget, clock = EpochClock.ofThread, maxHandles, maxTasks, yields = false } = this.options;
    const epochs = limits === undefined ? undefined : { clock, budget, limits, yields, snapshots: [] };
    return new Prepared<World['exports'], Context>({
      plan,
      imports: () => component.imports,
      given,
      embedded: (source, start) => at(sources, source, 'source').coreModule(start),
      adapters: plan.adapters.map(({ bytes }) => new WebAssembly.Module(epochs === undefined ? bytes : rewriteLoops(bytes))),
      epochs,
      maxHandles,
      maxTasks,
      definitions: this.definitions.copy(),
      openAccount: this.openAccount,
      ownFor: this.providersFor.length === 0 ? undefined : (context) => this.own(context as Context),
    });
  }

  private add(name: string, value: unknown, make: Definition['make'], options: DefineOptions): this {
    checkOptions(options, DEFINE_OPTIONS, 'define');
    const { override = false, waits } = options;
    this.definitions.add({ name, value, make, waits, override, provided: false });
    return this;
  }

  private own(context: Context): OwnDefinitions {
    const definitions = this.definitions.copy();
    const made: Provider[] = [];
    let { openAccount } = this;
    for (const make of this.providersFor) {
      const provider = make(context);
      checkProvider(provider);
      made.push(provider);
      provider.defineIn({
        define: (name, value) => definitions.add(provided(name, value)),
        charge: (open) => {
          openAccount = open;
        },
      });
    }
    return { definitions, openAccount, made };
  }

  /** Components that are given for imports become part of the plan; without any the component's own plan is shared. */
  private plan(component: Component): { readonly plan: Plan; readonly sources: readonly Component[]; readonly given: readonly string[] } {
    const given: string[] = [];
    const sources = [component];
    if (component.isPlanned) return { plan: component.ownPlan(), sources, given };
    const imported = component.definition.definitions.some((item) => item.kind === 'import' && item.type.kind === 'component');
    if (!imported) return { plan: component.ownPlan(), sources, given };
    const plan = flatten(component.definition, {
      component: (name) => {
        const value = this.definitions.find(name)?.value;
        if (value === undefined) return undefined;
        given.push(name);
        if (!(value instanceof Component)) {
          throw new ComponentError('TENON_IMPORT_TYPE', `"${name}": expected a Component, found ${kindOf(value)}`);
        }
        checkGivenComponent(component, name, value);
        return { definition: value.definition, source: sources.push(value) - 1, scope: undefined };
      },
    });
    return { plan, sources, given };
  }
}

const provided = (name: string, value: object): Definition => ({
  name,
  value,
  make: undefined,
  waits: undefined,
  override: false,
  provided: true,
});

function checkProvider(provider: Provider): void {
  if (typeof provider?.defineIn === 'function') return;
  throw new ComponentError('TENON_DEFINITION', '`use` takes what has a method `defineIn`, such as `wasi()` makes');
}

function checkGivenComponent(importer: Component, name: string, given: Component): void {
  const expected = importer.imports.find((item) => item.name === name)?.type;
  if (expected?.kind !== 'component') return;
  const mismatch = componentMismatch(given.type(), expected.type);
  if (mismatch !== undefined) {
    throw new ComponentError('TENON_IMPORT_TYPE', `the component given for "${name}" does not fit: ${mismatch}`);
  }
}
