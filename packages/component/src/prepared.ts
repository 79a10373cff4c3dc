/** Components that are linked. */

import type { ExternDescription } from './component.ts';
import { ComponentError } from './errors.ts';
import { Instantiation, type InstantiationOptions } from './instance/instantiate.ts';
import { INSTANCE_OPTIONS, Instance, type InstanceOptions } from './instance.ts';
import { checkWaits, type Definition, type DefinitionSet, type Definitions } from './link/definition-set.ts';
import { bindHost, type HostBinding } from './link/definitions.ts';
import { at } from './link/environment.ts';
import { checkGivenModules } from './link/given-modules.ts';
import { type Epochs, Linked } from './link/linked.ts';
import type { Plan } from './link/plan.ts';
import { exportsThat, neverWaiting } from './link/synchronous.ts';
import type { OwnDefinitions } from './linker.ts';
import { checkOptions } from './options.ts';
import type { ContextArgument, UntypedExports } from './typed.ts';

/** What a linker knows of a component. */
export interface Linking {
  readonly plan: Plan;
  readonly imports: () => readonly ExternDescription[];
  /** Imports that components are given for. */
  readonly given: readonly string[];
  readonly embedded: (source: number, start: number) => WebAssembly.Module;
  readonly adapters: readonly WebAssembly.Module[];
  readonly epochs: Epochs | undefined;
  readonly maxHandles: number | undefined;
  readonly maxTasks: number | undefined;
  readonly definitions: DefinitionSet;
  readonly openAccount: Linked['openAccount'];
  /** Undefined where all that is defined is defined for all instances. */
  readonly ownFor: ((context: unknown) => OwnDefinitions) | undefined;
}

/** What an instance is made of, beside its options. */
interface Bound {
  readonly linked: Linked;
  readonly made: readonly unknown[];
  readonly unused: readonly string[];
}

/** A component that is linked already: making the next instance repeats none of that work. */
export class Prepared<Exports extends object = UntypedExports, Context = undefined> {
  private readonly linking: Linking;
  /** Undefined until an instance was made, where definitions are made for each. */
  private linked: Linked | undefined = undefined;
  /** Names that were defined with {@link Linker.define} and are no imports of the component; empty where some are made for each instance. */
  readonly unused: readonly string[];
  /** Undefined where something is made for each instance. */
  private readonly bound: Bound | undefined = undefined;
  private never: Linked | undefined = undefined;

  /** @throws MissingImportsError; ComponentError */
  constructor(linking: Linking) {
    this.linking = linking;
    const { definitions, ownFor, plan } = linking;
    const isMade = (name: string): boolean => definitions.find(name)?.make !== undefined;
    const names = hostNames(plan);
    if (ownFor !== undefined) {
      // What is defined for each instance can be anything, so it is checked with the first.
      this.unused = [];
      return;
    }
    this.unused = definitions.unused([...names, ...linking.given]);
    const host = bindHost(plan, definitions, isMade);
    if (names.some(isMade)) return;
    this.linked = this.link(host, linking.openAccount);
    this.bound = { linked: this.linked, made: [], unused: this.unused };
  }

  /** Whether any export may suspend and so returns a Promise; true where that depends on what is made for each instance. */
  get suspends(): boolean {
    return this.linked?.suspends.some((suspends) => suspends) ?? true;
  }

  /** @throws Trap when a start function of the component traps; ComponentError `TENON_OPTION`; MissingImportsError */
  instantiateSync<const Sync extends true | readonly string[] = readonly []>(
    ...[options]: ContextArgument<Context, InstanceOptions<Sync>>
  ): Instance<Exports, Sync> {
    if (options !== undefined) checkOptions(options, INSTANCE_OPTIONS, 'instantiate');
    const { linked, made, unused } = this.bound ?? this.bind(options?.context);
    if (options === undefined && made.length === 0) return new Instance<Exports, Sync>(new Instantiation(linked), undefined, unused);
    const { limits, name, queue, sync } = options ?? {};
    const given: InstantiationOptions = { limits, name, queue, made, sync: sync === undefined ? undefined : exportsThat(linked, sync) };
    return new Instance<Exports, Sync>(new Instantiation(sync === true ? this.neverWaiting(linked) : linked, given), options, unused);
  }

  /** @throws as {@link Prepared.instantiateSync} */
  async instantiate<const Sync extends true | readonly string[] = readonly []>(
    ...options: ContextArgument<Context, InstanceOptions<Sync>>
  ): Promise<Instance<Exports, Sync>> {
    return this.instantiateSync(...options);
  }

  private neverWaiting(linked: Linked): Linked {
    if (this.bound === undefined) return linked.rebound(neverWaiting(linked));
    this.never ??= linked.rebound(neverWaiting(linked));
    return this.never;
  }

  /** Makes what is defined for each instance. */
  private bind(context: unknown): Bound {
    const { linking } = this;
    const own = linking.ownFor?.(context);
    const definitions = own?.definitions ?? linking.definitions;
    const made = [...(own?.made ?? [])];
    const values = new Map<Definition, Definition>();
    const resolved: Definitions = {
      near: (name) => definitions.near(name),
      find(name) {
        const found = definitions.find(name);
        if (found?.make === undefined) return found;
        let known = values.get(found);
        if (known === undefined) {
          const value = found.make(context);
          if ((typeof value !== 'object' && typeof value !== 'function') || value === null) {
            throw new ComponentError('TENON_DEFINITION', `what was made for "${found.name}" is no object, class or function`);
          }
          checkWaits(found.name, value, found.waits);
          known = { ...found, value };
          values.set(found, known);
          made.push(value);
        }
        return known;
      },
    };
    const unused = own === undefined ? this.unused : definitions.unused([...hostNames(linking.plan), ...linking.given]);
    const host = bindHost(linking.plan, resolved);
    const openAccount = own?.openAccount ?? linking.openAccount;
    this.linked ??= this.link(host, openAccount);
    return { linked: this.linked.rebound(host, openAccount), made, unused };
  }

  private link(host: HostBinding, openAccount: Linked['openAccount']): Linked {
    const { adapters, embedded, epochs, imports, maxHandles, maxTasks, plan } = this.linking;
    checkGivenModules(plan, host.modules, imports);
    const modules = plan.modules.map((module, i) =>
      module.kind === 'embedded' ? embedded(module.source, module.start) : (at(host.modules, i, 'module') as WebAssembly.Module),
    );
    return new Linked(plan, host, modules, adapters, maxHandles, openAccount, epochs, maxTasks);
  }
}

/** The names of the imports that the embedder's definitions serve. */
function hostNames(plan: Plan): string[] {
  const names = new Set<string>();
  for (const { path } of plan.hostInstances) names.add(path[0]);
  for (const { path } of plan.hostFunctions) names.add(path[0]);
  for (const resource of plan.resources) if (resource.kind !== 'guest') names.add(resource.path[0]);
  for (const module of plan.modules) if (module.kind !== 'embedded') names.add(module.path[0]);
  for (const { path } of plan.sameTypes) names.add(path[0]);
  return [...names];
}
