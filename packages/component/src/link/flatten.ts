/**
 * Flattens a component into a linear plan by interpreting its definitions, nested components included, in environments where
 * every index is already known. What is left has no components in it: instantiate core modules, make functions, read exports.
 */
import type { ComponentDefinition, CoreInstanceExpr, CoreSort, Definition, InstanceExpr, Sort } from '../binary/definitions.ts';
import { ComponentError } from '../errors.ts';
import { keepOneOf } from '../keep.ts';
import { canonFunc, lift } from './canon.ts';
import { hasConcurrency, mayBeConcurrent } from './concurrent.ts';
import {
  at,
  type ComponentValue,
  type CoreInstanceValue,
  type CoreItem,
  defined,
  Environment,
  type InstanceValue,
  type Item,
} from './environment.ts';
import { hostItem } from './host.ts';
import type { Plan, PlanExport, PlanExports, StepImports } from './plan.ts';
import { PlanBuilder } from './plan-builder.ts';
import { typeEffort, typeValue } from './types.ts';

/** Component instances that one plan may have. Nested instantiation can double at each level, so it must be bounded. */
const MAX_INSTANCES = 10_000;
/** Instantiations inside instantiations. */
const MAX_DEPTH = 100;

/** Looks up a component or module that the embedder gives for an import; such an import shapes the plan. */
export interface GivenDefinitions {
  component(name: string): ComponentValue | undefined;
}

/**
 * @param root the validated component
 * @param given components that the embedder provides for component imports
 * @throws ComponentError TENON_UNSUPPORTED when the component needs what this engine cannot run, or is too large once flattened
 */
export function flatten(root: ComponentDefinition, given: GivenDefinitions): Plan {
  const builder = new PlanBuilder(root.end);
  const flattener = new Flattener(builder, given);
  const exports = flattener.instantiate({ definition: root, source: 0, scope: undefined }, undefined, undefined, 'root');
  return builder.finish(flattener.planExports(exports));
}

class Flattener {
  private readonly builder: PlanBuilder;
  private readonly given: GivenDefinitions;
  private depth = 0;

  constructor(builder: PlanBuilder, given: GivenDefinitions) {
    this.builder = builder;
    this.given = given;
  }

  /** @param args what the imports are bound to; undefined for the root, whose imports the embedder provides */
  instantiate(
    component: ComponentValue,
    args: ReadonlyMap<string, Item> | undefined,
    parent: number | undefined,
    path: string,
  ): InstanceValue {
    if (this.builder.instanceCount >= MAX_INSTANCES || ++this.depth > MAX_DEPTH) {
      throw new ComponentError(
        'TENON_UNSUPPORTED',
        `the component makes more than ${MAX_INSTANCES} component instances, or nests them deeper than ${MAX_DEPTH}`,
      );
    }
    const { definitions } = component.definition;
    if (hasConcurrency(component.definition)) this.builder.concurrent = true;
    const instance = this.builder.addInstance(parent, path, {
      tasks: mayBeConcurrent(component.definition, component.scope !== undefined && this.builder.concurrent),
      usesContext: definitions.some(usesContext),
      forbidsLeaving: definitions.some(forbidsLeaving),
      mayHaveTags: definitions.some(mayBringTags),
    });
    const env = new Environment(component.scope, instance, component.source);
    const exports = new Map<string, Item>();
    for (const definition of definitions) {
      this.builder.effort.spend(effortOf(definition));
      this.define(env, definition, args, exports);
    }
    this.builder.endInstance(instance);
    this.depth--;
    return { exports };
  }

  private define(env: Environment, definition: Definition, args: ReadonlyMap<string, Item> | undefined, exports: Map<string, Item>): void {
    switch (definition.kind) {
      case 'core module':
        env.coreModules.push({
          module: this.builder.module({ kind: 'embedded', source: env.source, start: definition.start }),
          hasTags: definition.hasTags,
        });
        break;
      case 'core instance':
        env.coreInstances.push(this.coreInstance(env, definition.expr));
        break;
      case 'core type':
        break;
      case 'component':
        env.components.push({ definition: definition.component, source: env.source, scope: env });
        break;
      case 'instance':
        env.instances.push(this.instance(env, definition.expr));
        break;
      case 'alias':
        this.alias(env, definition);
        break;
      case 'type':
        env.types.push(
          definition.type.kind === 'resource'
            ? { kind: 'resource', resource: this.defineResource(env, definition.type.destructor) }
            : typeValue(env, definition.type),
        );
        break;
      case 'canon':
        if (definition.canon.kind === 'lift') env.funcs.push(lift(this.builder, env, definition.canon));
        else env.coreFuncs.push(canonFunc(this.builder, env, definition.canon));
        break;
      case 'import': {
        const name = definition.name.name;
        env.push(
          args === undefined ? hostItem(this.builder, this.given, env, definition.type, [name]) : defined(args.get(name), 'argument', name),
        );
        break;
      }
      case 'export': {
        const item = itemAt(env, definition.target.sort, definition.target.index);
        if (item.sort === 'type' && item.value.kind === 'resource') this.builder.nameResource(item.value.resource, definition.name.name);
        exports.set(definition.name.name, item);
        env.push(item);
        break;
      }
      case 'start':
      case 'value':
        throw new ComponentError('TENON_UNSUPPORTED', 'the component needs value definitions, which are not part of WASI 0.3');
    }
  }

  private defineResource(env: Environment, destructor: number | undefined): number {
    const item = destructor === undefined ? undefined : at(env.coreFuncs, destructor, 'core func');
    return this.builder.guestResource(env.instance, item);
  }

  private coreInstance(env: Environment, expr: CoreInstanceExpr): CoreInstanceValue {
    if (expr.kind === 'exports') {
      const items = new Map<string, CoreItem>();
      for (const e of expr.exports) items.set(e.name, coreItemAt(env, e.sort, e.index));
      return { kind: 'exports', items };
    }
    const imports: StepImports = expr.args.map((arg) => {
      const value = at(env.coreInstances, arg.instance, 'core instance');
      if (value.kind === 'instantiated') return [arg.name, value.slot];
      this.builder.effort.spend(2 * value.items.size);
      return [arg.name, [...value.items].map(([name, item]) => [name, item.slot()] as const)];
    });
    const { module, hasTags } = at(env.coreModules, expr.module, 'core module');
    return { kind: 'instantiated', slot: this.builder.instantiate(module, imports, env.instance, hasTags), items: new Map() };
  }

  private instance(env: Environment, expr: InstanceExpr): InstanceValue {
    if (expr.kind === 'exports') {
      const exports = new Map<string, Item>();
      for (const e of expr.exports) {
        const item = itemAt(env, e.target.sort, e.target.index);
        if (item.sort === 'type' && item.value.kind === 'resource') this.builder.nameResource(item.value.resource, e.name.name);
        exports.set(e.name.name, item);
      }
      return { exports };
    }
    const args = new Map<string, Item>();
    for (const arg of expr.args) args.set(arg.name, itemAt(env, arg.target.sort, arg.target.index));
    const component = at(env.components, expr.component, 'component');
    const path = `${this.builder.instancePath(env.instance)}.${env.instances.length}`;
    return this.instantiate(component, args, env.instance, path);
  }

  private alias(env: Environment, definition: Extract<Definition, { kind: 'alias' }>): void {
    const alias = definition.alias;
    switch (alias.kind) {
      case 'export': {
        const item = at(env.instances, alias.instance, 'instance').exports.get(alias.name);
        env.push(defined(item, 'export', alias.name));
        break;
      }
      case 'core export':
        coreSpace(env, alias.sort).push(this.coreExport(at(env.coreInstances, alias.instance, 'core instance'), alias.name));
        break;
      case 'outer':
        // Core types are no values at run time, so their index space is not kept.
        if (alias.sort !== 'core type') env.push(itemAt(env.outer(alias.count), alias.sort, alias.index));
        break;
    }
  }

  private coreExport(instance: CoreInstanceValue, name: string): CoreItem {
    if (instance.kind === 'exports') return defined(instance.items.get(name), 'core export', name);
    let item = instance.items.get(name);
    if (item === undefined) {
      item = this.builder.exportOf(instance.slot, name);
      instance.items.set(name, item);
    }
    return item;
  }

  planExports(instance: InstanceValue): PlanExports {
    const exports: [string, PlanExport][] = [];
    this.builder.effort.spend(3 * instance.exports.size);
    for (const [name, item] of instance.exports) {
      switch (item.sort) {
        case 'func':
          exports.push([name, this.builder.exportFunc(item.value)]);
          break;
        case 'instance':
          exports.push([name, { kind: 'instance', exports: this.planExports(item.value) }]);
          break;
        case 'module':
          exports.push([name, { kind: 'module', module: item.value.module }]);
          break;
        case 'type':
          if (item.value.kind === 'resource') exports.push([name, { kind: 'resource', resource: item.value.resource }]);
          break;
        case 'component':
          break;
      }
    }
    return exports;
  }
}

function usesContext(definition: Definition): boolean {
  return definition.kind === 'canon' && (definition.canon.kind === 'context.get' || definition.canon.kind === 'context.set');
}

/** Whether it makes the instance run functions, `realloc` or `post-return`, that must not call out: MAY_LEAVE is set for ever otherwise. */
function forbidsLeaving(definition: Definition): boolean {
  if (definition.kind !== 'canon' || !('options' in definition.canon)) return false;
  return definition.canon.options.some(({ kind }) => kind === 'realloc' || kind === 'post-return');
}

/** Whether it is a core module that defines exception tags, or one from elsewhere, of which nothing is known yet. */
function mayBringTags(definition: Definition): boolean {
  switch (definition.kind) {
    case 'core module':
      return definition.hasTags;
    case 'import':
      return definition.type.kind === 'module';
    case 'alias':
      return definition.alias.kind !== 'core export' && definition.alias.sort === 'core module';
    default:
      return false;
  }
}

/** The effort of interpreting a definition: what it leaves in memory, see `PlanBuilder.effort`. */
function effortOf(definition: Definition): number {
  switch (definition.kind) {
    case 'type':
      return typeEffort(definition.type);
    case 'instance':
    case 'core instance':
      return 4 + (definition.expr.kind === 'exports' ? definition.expr.exports.length : definition.expr.args.length);
    case 'canon':
      return 6;
    case 'alias':
      return definition.alias.kind === 'core export' ? 6 : 1;
    case 'import':
    case 'export':
      return 3;
    default:
      return 1;
  }
}

function coreSpace(env: Environment, sort: CoreSort): CoreItem[] {
  switch (sort) {
    case 'func':
      return env.coreFuncs;
    case 'table':
      return env.coreTables;
    case 'memory':
      return env.coreMemories;
    case 'global':
      return env.coreGlobals;
    case 'tag':
      return env.coreTags;
    default:
      throw new Error(`internal error: a core instance exports no ${sort} after validation`);
  }
}

function coreItemAt(env: Environment, sort: CoreSort, index: number): CoreItem {
  return at(coreSpace(env, sort), index, `core ${sort}`);
}

function itemAt(env: Environment, sort: Sort, index: number): Item {
  switch (sort) {
    case 'func':
      return { sort, value: at(env.funcs, index, sort) };
    case 'type':
      return { sort, value: at(env.types, index, sort) };
    case 'component':
      return { sort, value: at(env.components, index, sort) };
    case 'instance':
      return { sort, value: at(env.instances, index, sort) };
    case 'core module':
      return { sort: 'module', value: at(env.coreModules, index, sort) };
    default:
      throw new Error(`internal error: sort ${sort} after validation`);
  }
}

keepOneOf(new Flattener(new PlanBuilder(0), { component: () => undefined }), new Environment(undefined, 0, 0));
