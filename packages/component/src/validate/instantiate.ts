/**
 * Instances, core and component: instantiation of what is defined, and bags of exports.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md#instance-definitions
 */
import type { CoreInstanceExpr, InstanceExpr } from '../binary/definitions.ts';
import type { CoreExternType, ExternType, InstanceType } from '../types/types.ts';
import { checkName } from './extern-names.ts';
import { addItem, renewNames } from './externs.ts';
import { at, coreItemAt, itemAt } from './lookup.ts';
import { type CoreInstanceType, Externs, type Scope } from './scope.ts';
import { MAX_HEAVY_ITEMS, type Validation } from './validation.ts';

export function addCoreInstance(v: Validation, scope: Scope, expr: CoreInstanceExpr): void {
  const instance = expr.kind === 'instantiate' ? instantiateModule(v, scope, expr) : coreExports(v, scope, expr);
  v.push(scope.coreInstances, instance, 'instances', MAX_HEAVY_ITEMS);
}

function instantiateModule(v: Validation, scope: Scope, expr: Extract<CoreInstanceExpr, { kind: 'instantiate' }>): CoreInstanceType {
  const module = at(v, scope.coreModules, expr.module, 'module');
  const args = new Map<string, CoreInstanceType>();
  for (const { name, instance } of expr.args) {
    const arg = at(v, scope.coreInstances, instance, 'core instance', 'instance');
    if (args.has(name)) throw v.error(`duplicate module instantiation argument named \`${name}\``);
    args.set(name, arg);
  }
  for (const { module: from, name, type } of module.imports) {
    v.effort.spend(1);
    const arg = args.get(from);
    if (arg === undefined) throw v.error(`missing module instantiation argument named \`${from}\``);
    const item = arg.get(name);
    if (item === undefined) throw v.error(`module instantiation argument \`${from}\` does not export an item named \`${name}\``);
    const mismatch = v.coreTypes.mismatch(item, type);
    if (mismatch !== undefined) {
      throw v.error(`type mismatch for export \`${name}\` of module instantiation argument \`${from}\`: ${mismatch}`);
    }
  }
  return module.exports;
}

function coreExports(v: Validation, scope: Scope, expr: Extract<CoreInstanceExpr, { kind: 'exports' }>): CoreInstanceType {
  const exports = new Map<string, CoreExternType>();
  for (const { name, sort, index } of expr.exports) {
    const item = coreItemAt(v, scope, sort, index);
    if (exports.has(name)) throw v.error(`duplicate instantiation export name \`${name}\` already defined`);
    exports.set(name, item);
  }
  return exports;
}

export function addInstance(v: Validation, scope: Scope, expr: InstanceExpr): void {
  const type = expr.kind === 'instantiate' ? instantiateComponent(v, scope, expr) : bagOfExports(v, scope, expr);
  addItem(v, scope, { kind: 'instance', type });
}

function instantiateComponent(v: Validation, scope: Scope, expr: Extract<InstanceExpr, { kind: 'instantiate' }>): InstanceType {
  const component = at(v, scope.components, expr.component, 'component');
  const args = new Map<string, ExternType>();
  for (const { name, target } of expr.args) {
    const arg = itemAt(v, scope, target.sort, target.index);
    if (args.has(name)) throw v.error(`instantiation argument \`${name}\` conflicts with previous argument \`${name}\``);
    args.set(name, arg);
  }
  const opened = v.subtyping.open(component.imports, component.importedResources, args, 'import');
  if (typeof opened === 'string') throw v.error(opened);
  // Resource types are generative: each instantiation makes its own.
  v.effort.spend(component.definedResources.length);
  for (const resource of component.definedResources) {
    const fresh = v.freshResource();
    opened.resources.set(resource, fresh);
    scope.definedResources.set(fresh, undefined);
  }
  if (v.introduced.has(component)) renewNames(v, component.exports, opened);
  v.introduced.add(component);
  return { exports: opened.externs(component.exports), resources: [] };
}

function bagOfExports(v: Validation, scope: Scope, expr: Extract<InstanceExpr, { kind: 'exports' }>): InstanceType {
  // A bag has no index space of its own, so nothing in it has a name that `[method]` and the like could refer to.
  const externs = new Externs('export');
  for (const { name, target } of expr.exports) checkName(v, externs, name, itemAt(v, scope, target.sort, target.index));
  return { exports: externs.items, resources: [] };
}
