/**
 * Aliases.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/Explainer.md#alias-definitions
 */
import type { Alias, CoreSort } from '../binary/definitions.ts';
import type { CoreExternType } from '../types/types.ts';
import { addItem } from './externs.ts';
import { at, typeAt } from './lookup.ts';
import type { Scope } from './scope.ts';
import { FreeResources } from './substitute.ts';
import { MAX_HEAVY_ITEMS, type Validation } from './validation.ts';

export function addAlias(v: Validation, scope: Scope, alias: Alias): void {
  if (scope.kind !== 'component' && !isTypeAlias(alias)) {
    throw v.error('aliases in a component or instance type may only refer to types or instances');
  }
  switch (alias.kind) {
    case 'export':
      addExportAlias(v, scope, alias);
      break;
    case 'core export':
      addCoreExportAlias(v, scope, alias);
      break;
    case 'outer':
      addOuterAlias(v, scope, alias);
      break;
  }
}

function isTypeAlias(alias: Alias): boolean {
  if (alias.kind === 'export') return alias.sort === 'type' || alias.sort === 'instance';
  return alias.kind === 'outer' && (alias.sort === 'type' || alias.sort === 'core type');
}

function addExportAlias(v: Validation, scope: Scope, alias: Extract<Alias, { kind: 'export' }>): void {
  if (alias.sort === 'value') throw v.valuesUnsupported();
  const instance = at(v, scope.instances, alias.instance, 'instance');
  const item = instance.exports.get(alias.name);
  if (item === undefined) throw v.error(`instance ${alias.instance} has no export named \`${alias.name}\``);
  const sort = alias.sort === 'core module' ? 'module' : alias.sort;
  if (item.kind !== sort) throw v.error(`export \`${alias.name}\` for instance ${alias.instance} is not a ${sort}`);
  addItem(v, scope, item);
}

function addCoreExportAlias(v: Validation, scope: Scope, alias: Extract<Alias, { kind: 'core export' }>): void {
  const instance = at(v, scope.coreInstances, alias.instance, 'core instance', 'instance');
  const item = instance.get(alias.name);
  if (item === undefined) throw v.error(`core instance ${alias.instance} has no export named \`${alias.name}\``);
  if (item.kind !== alias.sort) {
    throw v.error(`export \`${alias.name}\` for core instance ${alias.instance} is not a ${nameOf(alias.sort)}`);
  }
  addCoreItem(v, scope, item);
}

const nameOf = (sort: CoreSort): string => (sort === 'func' ? 'function' : sort);

function addCoreItem(v: Validation, scope: Scope, item: CoreExternType): void {
  switch (item.kind) {
    case 'func':
      v.push(scope.coreFuncs, item.type, 'functions');
      break;
    case 'table':
      v.push(scope.coreTables, item, 'tables');
      break;
    case 'memory':
      v.push(scope.coreMemories, item, 'memories');
      break;
    case 'global':
      v.push(scope.coreGlobals, item, 'globals');
      break;
    case 'tag':
      v.push(scope.coreTags, item, 'tags');
      break;
  }
}

function addOuterAlias(v: Validation, scope: Scope, alias: Extract<Alias, { kind: 'outer' }>): void {
  let outer: Scope = scope;
  let inner: Scope | undefined;
  for (let i = 0; i < alias.count; i++) {
    if (outer.parent === undefined) throw v.error(`invalid outer alias count of ${alias.count}`);
    inner = outer;
    outer = outer.parent;
  }
  const { index } = alias;
  switch (alias.sort) {
    case 'core module':
      v.push(scope.coreModules, at(v, outer.coreModules, index, 'module'), 'modules', MAX_HEAVY_ITEMS);
      break;
    case 'component':
      v.push(scope.components, at(v, outer.components, index, 'component'), 'components', MAX_HEAVY_ITEMS);
      break;
    case 'core type': {
      if (index >= outer.coreTypes.length) throw v.error(`unknown type ${index}: type index out of bounds`);
      const module = outer.coreModuleTypes.get(index);
      if (module !== undefined) scope.coreModuleTypes.set(scope.coreTypes.length, module);
      v.push(scope.coreTypes, outer.coreTypes[index], 'types');
      break;
    }
    case 'type': {
      const type = typeAt(v, outer, index);
      // Types nest inside components, never the other way round, so the scope just inside the target tells whether one was left.
      if (inner?.kind === 'component') {
        const free = new FreeResources(v.effort);
        free.extern(type);
        if (free.found.size > 0) {
          throw v.error('cannot alias outer type which transitively refers to resources not defined in the current component');
        }
      }
      v.push(scope.types, type, 'types');
      break;
    }
    default:
      throw v.error(`a ${alias.sort} cannot be aliased from an outer component`);
  }
}
