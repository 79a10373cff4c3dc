/** Lookups in index spaces. Each throws when the index names nothing, or something of another kind. */

import type { CoreSort, Sort, ValTypeExpr } from '../binary/definitions.ts';
import type { ResourceName } from '../types/identity.ts';
import type {
  ComponentType,
  CoreExternType,
  CoreFuncType,
  CoreModuleType,
  DefinedType,
  ExternType,
  FuncType,
  InstanceType,
  ValType,
} from '../types/types.ts';
import type { Scope } from './scope.ts';
import { primitive, type Validation } from './validation.ts';

export function at<T>(v: Validation, space: readonly T[], index: number, what: string, ofIndex: string = what): T {
  const item = space[index];
  if (item === undefined) throw v.error(`unknown ${what} ${index}: ${ofIndex} index out of bounds`);
  return item;
}

export function coreFuncAt(v: Validation, scope: Scope, index: number): CoreFuncType {
  return at(v, scope.coreFuncs, index, 'core function', 'function');
}

export function funcAt(v: Validation, scope: Scope, index: number): FuncType {
  return at(v, scope.funcs, index, 'function');
}

export function typeAt(v: Validation, scope: Scope, index: number): DefinedType {
  return at(v, scope.types, index, 'type');
}

export function resourceAt(v: Validation, scope: Scope, index: number): ResourceName {
  const type = typeAt(v, scope, index);
  if (type.kind !== 'resource') throw v.error(`type index ${index} is not a resource type`);
  return type;
}

interface TypeOfKind {
  readonly func: FuncType;
  readonly component: ComponentType;
  readonly instance: InstanceType;
}

export function typeOfKind<K extends keyof TypeOfKind>(v: Validation, scope: Scope, index: number, kind: K): TypeOfKind[K] {
  const type = typeAt(v, scope, index);
  if (type.kind === kind) return type.type as TypeOfKind[K];
  const article = kind === 'instance' ? 'an instance' : `a ${kind === 'func' ? 'function' : kind}`;
  throw v.error(`type index ${index} is not ${article} type`);
}

export function definedTypeAt(v: Validation, scope: Scope, index: number): ValType {
  const type = typeAt(v, scope, index);
  if (type.kind !== 'value') throw v.error(`type index ${index} is not a defined type`);
  return type.type;
}

export function valType(v: Validation, scope: Scope, expr: ValTypeExpr): ValType {
  return typeof expr === 'string' ? primitive(expr) : definedTypeAt(v, scope, expr);
}

export function optionalValType(v: Validation, scope: Scope, expr: ValTypeExpr | undefined): ValType | undefined {
  return expr === undefined ? undefined : valType(v, scope, expr);
}

/** A module type of the core type index space. */
export function coreModuleTypeAt(v: Validation, scope: Scope, index: number): CoreModuleType {
  if (index >= scope.coreTypes.length) throw v.error(`unknown type ${index}: type index out of bounds`);
  const type = scope.coreModuleTypes.get(index);
  if (type === undefined) throw v.error(`core type index ${index} is not a module type`);
  return type;
}

/** The function type in the core type index space. */
export function coreFuncTypeAt(v: Validation, scope: Scope, index: number): CoreFuncType {
  if (index >= scope.coreTypes.length) throw v.error(`unknown type ${index}: type index out of bounds`);
  const id = scope.coreTypes[index];
  if (id === undefined) throw v.error('expected a core function type');
  const type = v.coreTypes.funcOf(id);
  if (type === undefined) throw v.error('start type must be a function');
  return type;
}

/** An item of a core index space, as the type that a core instance would export. */
export function coreItemAt(v: Validation, scope: Scope, sort: CoreSort, index: number): CoreExternType {
  switch (sort) {
    case 'func':
      return { kind: 'func', type: coreFuncAt(v, scope, index) };
    case 'table':
      return at(v, scope.coreTables, index, 'table');
    case 'memory':
      return at(v, scope.coreMemories, index, 'memory');
    case 'global':
      return at(v, scope.coreGlobals, index, 'global');
    case 'tag':
      return at(v, scope.coreTags, index, 'tag');
    default:
      throw v.error(`a core instance cannot export a ${sort}`);
  }
}

/** An item of a component-level index space, as the type that an instance would export. */
export function itemAt(v: Validation, scope: Scope, sort: Sort, index: number): ExternType {
  switch (sort) {
    case 'core module':
      return { kind: 'module', type: at(v, scope.coreModules, index, 'module') };
    case 'func':
      return { kind: 'func', type: funcAt(v, scope, index) };
    case 'type':
      return { kind: 'type', type: typeAt(v, scope, index) };
    case 'component':
      return { kind: 'component', type: at(v, scope.components, index, 'component') };
    case 'instance':
      return { kind: 'instance', type: at(v, scope.instances, index, 'instance') };
    case 'value':
      throw v.valuesUnsupported();
    default:
      throw v.error(`a ${sort} cannot be imported or exported`);
  }
}
