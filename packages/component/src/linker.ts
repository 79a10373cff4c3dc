/** Links components to the definitions of the embedder. */

import { Component } from './component.ts';
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
import { componentMismatch } from './validate/given-component.ts';

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

  constructor(made: Instantiation) {
    this.made = made;
  }

  /**
   * Ends the instance: a guest that is suspended does not run on when what it waits for is there, and later calls are refused.
   * @param reason what the calls that are under way reject with, in words
   */
  end(reason = 'the embedder ended the instance'): void {
    this.made.store.end(new Trap(reason));
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
  instantiateSync(): Instance {
    return new Instance(new Instantiation(this.linked));
  }

  /** @throws Trap when a start function of the component traps */
  async instantiate(): Promise<Instance> {
    return this.instantiateSync();
  }
}

export interface LinkerOptions {
  /** Handles to resources that each component instance may hold, 1,000,000 unless given: a guest that makes one more traps. */
  readonly maxHandles?: number | undefined;
}

/**
 * Holds the definitions that components may import.
 * @example
 * const linker = new Linker().define('example:host/log', { write: (text) => console.log(text) });
 * const { exports } = await linker.instantiate(await Component.compile(bytes));
 */
export class Linker {
  private readonly definitions = new Map<string, unknown>();
  private readonly maxHandles: number | undefined;
  private openAccount: (() => Account) | undefined;

  constructor({ maxHandles }: LinkerOptions = {}) {
    this.maxHandles = maxHandles;
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
  async instantiate(component: Component): Promise<Instance> {
    return this.prepareSync(component).instantiateSync();
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
    const adapters = plan.adapters.map((adapter) => new WebAssembly.Module(adapter.bytes));
    return new Prepared(new Linked(plan, host, modules, adapters, this.maxHandles, this.openAccount));
  }

  /** Components that are given for imports become part of the plan; without any the component's own plan is shared. */
  private plan(component: Component): { readonly plan: Plan; readonly sources: readonly Component[] } {
    const sources = [component];
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
