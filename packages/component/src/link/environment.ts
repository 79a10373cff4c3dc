/**
 * The environment in which the linker interprets definitions: the index spaces of one component instance (or of one type scope),
 * holding what each index *is* once everything around it is known.
 */
import type { CanonOption, ComponentDefinition, Declaration, StringEncoding } from '../binary/definitions.ts';
import type { FuncType, ResourceId, ValType } from '../types/types.ts';
import type { Slot } from './plan.ts';

/** A core item that gets a slot when it is first used. */
export interface CoreItem {
  slot(): Slot;
}

export type CoreInstanceValue =
  | { readonly kind: 'instantiated'; readonly slot: Slot; readonly items: Map<string, CoreItem> }
  | { readonly kind: 'exports'; readonly items: ReadonlyMap<string, CoreItem> };

export interface CanonOptions {
  readonly encoding: StringEncoding;
  readonly memory: CoreItem | undefined;
  readonly realloc: CoreItem | undefined;
  readonly postReturn: CoreItem | undefined;
  readonly callback: CoreItem | undefined;
  readonly async: boolean;
  readonly declared: readonly CanonOption[];
}

export interface ModuleValue {
  /** Index in the plan. */
  readonly module: number;
  /** Whether it defines exception tags; true when that is not known. */
  readonly hasTags: boolean;
}

export type FuncValue =
  | { readonly kind: 'lifted'; readonly type: FuncType; readonly core: CoreItem; readonly options: CanonOptions; readonly instance: number }
  | { readonly kind: 'host'; readonly type: FuncType; readonly func: number };

export type TypeValue =
  | { readonly kind: 'value'; readonly type: ValType }
  | { readonly kind: 'func'; readonly type: FuncType }
  | { readonly kind: 'resource'; readonly resource: ResourceId }
  | { readonly kind: 'instance' | 'component'; readonly declarations: readonly Declaration[]; readonly scope: Environment };

/** A component closed over the environment that it was defined in. */
export interface ComponentValue {
  readonly definition: ComponentDefinition;
  readonly source: number;
  readonly scope: Environment | undefined;
}

export interface InstanceValue {
  readonly exports: ReadonlyMap<string, Item>;
}

export type Item =
  | { readonly sort: 'module'; readonly value: ModuleValue }
  | { readonly sort: 'func'; readonly value: FuncValue }
  | { readonly sort: 'type'; readonly value: TypeValue }
  | { readonly sort: 'component'; readonly value: ComponentValue }
  | { readonly sort: 'instance'; readonly value: InstanceValue };

export class Environment {
  /** The scope that encloses this one lexically. */
  readonly parent: Environment | undefined;
  /** The component instance that its definitions belong to. */
  readonly instance: number;
  /** Which component's bytes its core modules are in. */
  readonly source: number;
  readonly coreModules: ModuleValue[] = [];
  readonly coreInstances: CoreInstanceValue[] = [];
  readonly coreFuncs: CoreItem[] = [];
  readonly coreTables: CoreItem[] = [];
  readonly coreMemories: CoreItem[] = [];
  readonly coreGlobals: CoreItem[] = [];
  readonly coreTags: CoreItem[] = [];
  readonly funcs: FuncValue[] = [];
  readonly types: TypeValue[] = [];
  readonly components: ComponentValue[] = [];
  readonly instances: InstanceValue[] = [];

  constructor(parent: Environment | undefined, instance: number, source: number) {
    this.parent = parent;
    this.instance = instance;
    this.source = source;
  }

  /** The scope `count` steps outwards. Validation has bounded `count`. */
  outer(count: number): Environment {
    let scope: Environment = this;
    for (let i = 0; i < count; i++) scope = defined(scope.parent, 'enclosing scope');
    return scope;
  }

  /** Adds an item to the index space of its sort. */
  push(item: Item): void {
    switch (item.sort) {
      case 'module':
        this.coreModules.push(item.value);
        break;
      case 'func':
        this.funcs.push(item.value);
        break;
      case 'type':
        this.types.push(item.value);
        break;
      case 'component':
        this.components.push(item.value);
        break;
      case 'instance':
        this.instances.push(item.value);
        break;
    }
  }
}

/** Validation has made sure that the index is in bounds; a failure here is a bug of the engine, never of the input. */
export function at<T>(space: readonly T[], index: number, what: string): T {
  const value = space[index];
  return value === undefined ? defined(value, what, index) : value;
}

/** The parts of the message are put together only when it is needed: this runs for every step of every instance. */
export function defined<T>(value: T | undefined, what: string, which: string | number = ''): T {
  if (value === undefined) throw new Error(`internal error: no ${what} ${which} after validation`);
  return value;
}
