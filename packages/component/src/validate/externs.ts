/**
 * Imports and exports: what they add to the index spaces, their names, and the visibility of types.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md#import-and-export-definitions
 */
import type { ExternName } from '../binary/definitions.ts';
import { resourceNameOf, setLabel } from '../types/identity.ts';
import type { ComponentType, DefinedType, ExternType, FuncType, InstanceType, ValType } from '../types/types.ts';
import { checkName } from './extern-names.ts';
import type { Externs, Scope } from './scope.ts';
import { FreeResources, Substitution } from './substitute.ts';
import { children } from './type-info.ts';
import { bounded } from './type-limits.ts';
import { MAX_HEAVY_ITEMS, type Validation } from './validation.ts';

export function addImport(v: Validation, scope: Scope, name: ExternName, type: ExternType): void {
  let added = type;
  if (type.kind === 'instance') {
    added = { kind: 'instance', type: introduced(v, type.type, (resource) => scope.importedResources.push(resource)) };
  }
  add(v, scope, scope.imports, name, added);
}

export function addExport(v: Validation, scope: Scope, name: ExternName, type: ExternType): void {
  let added = type;
  if (type.kind === 'instance') {
    const define = (resource: number): unknown => scope.definedResources.set(resource, undefined);
    // What a component exports is there already, under the names that it has; a type declares what is to be.
    const make = scope.kind === 'component' ? freshInstance : introduced;
    added = { kind: 'instance', type: make(v, type.type, define) };
    noteExplicit(v, scope, added.type);
  } else if (type.kind === 'type' && type.type.kind === 'resource') {
    scope.explicitResources.add(type.type.resource);
  }
  add(v, scope, scope.exports, name, added);
}

function add(v: Validation, scope: Scope, externs: Externs, name: ExternName, type: ExternType): void {
  addItem(v, scope, type);
  if (type.kind === 'type') setLabel(identityOf(type.type), name.name);
  if (type.kind === 'type' && type.type.kind === 'resource') {
    externs.resourceNames.set(type.type, name.name);
    externs.resourceLabels.add(name.name);
  }
  if (scope.kind !== 'instance type' && !makeVisible(v, scope, externs, type)) {
    throw v.error(
      `${type.kind} not valid to be used as ${externs.direction}: it refers to a type that is not itself ${externs.direction}ed before`,
    );
  }
  checkName(v, externs, name, type);
}

const identityOf = (type: DefinedType): object => (type.kind === 'value' ? type.type : type);

/** Adds an item to the index space of its sort. */
export function addItem(v: Validation, scope: Scope, item: ExternType): void {
  switch (item.kind) {
    case 'module':
      v.push(scope.coreModules, item.type, 'modules', MAX_HEAVY_ITEMS);
      break;
    case 'func':
      v.push(scope.funcs, item.type, 'functions');
      break;
    case 'type':
      v.push(scope.types, item.type, 'types');
      break;
    case 'component':
      v.push(scope.components, bounded(v, item).type, 'components', MAX_HEAVY_ITEMS);
      break;
    case 'instance':
      v.push(scope.instances, bounded(v, item).type, 'instances', MAX_HEAVY_ITEMS);
      break;
    case 'value':
      throw v.valuesUnsupported();
  }
}

/**
 * An instance of an instance type: what the type introduces is introduced anew, so that two imports of one instance type
 * share neither resources nor names.
 */
function introduced(v: Validation, type: InstanceType, introduce: (resource: number) => void): InstanceType {
  const substitution = new Substitution(v.effort);
  if (v.introduced.has(type)) renewNames(v, type.exports, substitution);
  else v.introduced.add(type);
  return freshInstance(v, type, introduce, substitution);
}

function freshInstance(
  v: Validation,
  type: InstanceType,
  introduce: (resource: number) => void,
  substitution: Substitution = new Substitution(v.effort),
): InstanceType {
  v.effort.spend(type.resources.length);
  for (const resource of type.resources) {
    const fresh = v.freshResource();
    substitution.resources.set(resource, fresh);
    introduce(fresh);
  }
  const exports = substitution.externs(type.exports);
  return exports === type.exports && type.resources.length === 0 ? type : { exports, resources: [] };
}

/** Gives the types that are exported by name identities of their own. */
export function renewNames(v: Validation, exports: ReadonlyMap<string, ExternType>, substitution: Substitution): void {
  v.effort.spend(exports.size);
  for (const item of exports.values()) {
    if (item.kind === 'instance') renewNames(v, item.type.exports, substitution);
    else if (item.kind === 'type' && item.type.kind === 'value') substitution.renew(item.type.type);
  }
}

function noteExplicit(v: Validation, scope: Scope, type: InstanceType): void {
  for (const item of type.exports.values()) {
    v.effort.spend(1);
    if (item.kind === 'instance') noteExplicit(v, scope, item.type);
    else if (item.kind === 'type' && item.type.kind === 'resource') scope.explicitResources.add(item.type.resource);
  }
}

/**
 * Whether everything that an item refers to is visible outside; if so, what it introduces is from now on.
 * Imported types may be used in imports and exports, exported ones in exports only.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/Explainer.md#external-visibility-of-types
 */
function makeVisible(v: Validation, scope: Scope, externs: Externs, item: ExternType): boolean {
  v.effort.spend(1);
  switch (item.kind) {
    case 'type': {
      if (!isDefinitionVisible(v, externs, item.type)) return false;
      const identity = identityOf(item.type);
      externs.visible.add(identity);
      if (externs.direction === 'import') scope.exports.visible.add(identity);
      return true;
    }
    case 'instance':
      for (const exported of item.type.exports.values()) if (!makeVisible(v, scope, externs, exported)) return false;
      return true;
    case 'func':
      return isFuncVisible(v, externs, item.type);
    case 'value':
      return isVisible(v, externs, item.type);
    case 'module':
    case 'component':
      // Closed: components were checked where they were defined.
      return true;
  }
}

/** Where types can be visible: among the imports or exports of a scope, or within an instance type, which names types for itself alone. */
interface View {
  isVisible(type: object): boolean;
  /** Types found to consist of visible ones. */
  readonly knownVisible: Set<object>;
}

class Within implements View {
  readonly names = new Set<object>();
  readonly knownVisible = new Set<object>();
  private readonly outer: View;

  constructor(outer: View) {
    this.outer = outer;
  }

  isVisible(type: object): boolean {
    return this.names.has(type) || this.outer.isVisible(type);
  }
}

/** Whether what a type is made of is visible. The type itself need not be: it is about to be. */
function isDefinitionVisible(v: Validation, view: View, type: DefinedType): boolean {
  switch (type.kind) {
    case 'resource':
    case 'component':
      return true;
    case 'value':
      return arePartsVisible(v, view, type.type);
    case 'func':
      return isFuncVisible(v, view, type.type);
    case 'instance': {
      const inside = new Within(view);
      for (const item of type.type.exports.values()) {
        v.effort.spend(1);
        if (item.kind !== 'type') {
          if (!isItemVisible(v, inside, item)) return false;
          continue;
        }
        if (!isDefinitionVisible(v, inside, item.type)) return false;
        inside.names.add(identityOf(item.type));
      }
      return true;
    }
  }
}

function isItemVisible(v: Validation, view: View, item: Exclude<ExternType, { kind: 'type' }>): boolean {
  switch (item.kind) {
    case 'func':
    case 'instance':
      return isDefinitionVisible(v, view, item);
    case 'value':
      return isVisible(v, view, item.type);
    case 'module':
    case 'component':
      return true;
  }
}

function isFuncVisible(v: Validation, view: View, type: FuncType): boolean {
  if (view.knownVisible.has(type)) return true;
  v.effort.spend(type.params.length + 1);
  const visible =
    type.params.every((param) => isVisible(v, view, param.type)) && (type.result === undefined || isVisible(v, view, type.result));
  if (visible) view.knownVisible.add(type);
  return visible;
}

function isVisible(v: Validation, view: View, type: ValType): boolean {
  switch (type.kind) {
    case 'record':
    case 'variant':
    case 'flags':
    case 'enum':
      return view.isVisible(type);
    default:
      return arePartsVisible(v, view, type);
  }
}

function arePartsVisible(v: Validation, view: View, type: ValType): boolean {
  if (type.kind === 'own' || type.kind === 'borrow') return view.isVisible(resourceNameOf(type));
  const parts = children(type);
  if (parts.length === 0 || view.knownVisible.has(type)) return true;
  v.effort.spend(parts.length + 1);
  if (!parts.every((part) => isVisible(v, view, part))) return false;
  view.knownVisible.add(type);
  return true;
}

/** Closes a component or component type. */
export function finish(v: Validation, scope: Scope): ComponentType {
  return {
    imports: scope.imports.items,
    exports: scope.exports.items,
    importedResources: scope.importedResources,
    definedResources: exportedResources(v, scope),
  };
}

/** Those of the resources defined in a scope that its exports mention. */
function exportedResources(v: Validation, scope: Scope): number[] {
  const exported: number[] = [];
  if (scope.definedResources.size === 0) return exported;
  const importsFree = new FreeResources(v.effort);
  for (const item of scope.imports.items.values()) importsFree.extern(item);
  const exportsFree = new FreeResources(v.effort);
  for (const item of scope.exports.items.values()) exportsFree.extern(item);
  for (const resource of scope.definedResources.keys()) {
    if (importsFree.found.has(resource)) throw v.error('local resource type found in imports');
    if (!exportsFree.found.has(resource)) continue;
    if (!scope.explicitResources.has(resource)) throw v.error('local resource type found in export but not exported itself');
    exported.push(resource);
  }
  return exported;
}
