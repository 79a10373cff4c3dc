/**
 * Type definitions.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md#type-definitions
 */
import type { Declaration, DefValTypeExpr, ExternTypeExpr, TypeExpr, ValTypeExpr } from '../binary/definitions.ts';
import { describeFunc } from '../types/core-types.ts';
import { makeHandle, renamed } from '../types/identity.ts';
import { elemSize } from '../types/layout.ts';
import type { ComponentType, CoreValType, DefinedType, ExternType, FuncType, InstanceType, ValType } from '../types/types.ts';
import { addAlias } from './aliases.ts';
import { addCoreType } from './core-types.ts';
import { addExport, addImport, finish } from './externs.ts';
import { coreFuncAt, coreModuleTypeAt, optionalValType, resourceAt, typeAt, typeOfKind, valType } from './lookup.ts';
import { isLabel, uniquenessKey } from './names.ts';
import { Scope } from './scope.ts';
import { valInfo } from './type-info.ts';
import { bounded } from './type-limits.ts';
import { primitive, type Validation } from './validation.ts';

const MAX_FLAGS = 32;
/** The bound that keeps sizes and offsets of values in memory from overflowing. */
const MAX_VALUE_BYTES = 2 ** 28;
const MAX_FIXED_LENGTH = 2 ** 30;
/** The index spaces of a type scope, against two bytes that it takes. */
const SCOPE_EFFORT = 20;
const KEY_TYPES: ReadonlySet<string> = new Set(['bool', 's8', 'u8', 's16', 'u16', 's32', 'u32', 's64', 'u64', 'char', 'string']);

export function addType(v: Validation, scope: Scope, expr: TypeExpr): void {
  v.push(scope.types, defineType(v, scope, expr), 'types');
}

/** Types that mention no other are the same everywhere. The decoder shares their definitions, so that a million of them cost little. */
const closedTypes = new WeakMap<TypeExpr, DefinedType>();

function isClosed(expr: TypeExpr): boolean {
  switch (expr.kind) {
    case 'primitive':
      return true;
    case 'list':
      return typeof expr.element === 'string' && expr.length === undefined;
    case 'option':
      return typeof expr.type === 'string';
    case 'tuple':
      return expr.types.length === 1 && typeof expr.types[0] === 'string';
    case 'result':
      return expr.ok === undefined && expr.err === undefined;
    case 'stream':
    case 'future':
      return expr.element === undefined;
    default:
      return false;
  }
}

function defineType(v: Validation, scope: Scope, expr: TypeExpr): DefinedType {
  if (!isClosed(expr)) return defineOpenType(v, scope, expr);
  let type = closedTypes.get(expr);
  if (type === undefined) {
    type = defineOpenType(v, scope, expr);
    closedTypes.set(expr, type);
  }
  return type;
}

function defineOpenType(v: Validation, scope: Scope, expr: TypeExpr): DefinedType {
  switch (expr.kind) {
    case 'primitive':
      return { kind: 'value', type: primitive(expr.type) };
    case 'resource':
      return { kind: 'resource', resource: defineResource(v, scope, expr.rep, expr.destructor) };
    case 'func':
      return bounded(v, { kind: 'func', type: funcType(v, scope, expr) });
    case 'component':
      return bounded(v, { kind: 'component', type: componentType(v, scope, expr.declarations) });
    case 'instance':
      return bounded(v, { kind: 'instance', type: instanceType(v, scope, expr.declarations) });
    default: {
      const { type } = bounded(v, { kind: 'value', type: defineVal(v, scope, expr) });
      if (valInfo(type).maxBytes >= MAX_VALUE_BYTES && elemSize(type, 'i64') >= MAX_VALUE_BYTES) {
        throw v.error(`type exceeds maximum byte size: ${elemSize(type, 'i64')} bytes, at most ${MAX_VALUE_BYTES - 1} are allowed`);
      }
      return { kind: 'value', type };
    }
  }
}

function defineResource(v: Validation, scope: Scope, rep: CoreValType, destructor: number | undefined): number {
  if (scope.kind !== 'component') throw v.error('resources can only be defined within a concrete component');
  if (rep !== 'i32') throw v.error('resources can only be represented by `i32`');
  if (destructor !== undefined) {
    const { params, results } = coreFuncAt(v, scope, destructor);
    if (params.length !== 1 || params[0] !== rep || results.length > 0) {
      const found = describeFunc(coreFuncAt(v, scope, destructor));
      throw v.error(`core function ${destructor} has wrong signature for a destructor: expected (func (param i32)), found ${found}`);
    }
  }
  const resource = v.freshResource();
  scope.definedResources.set(resource, rep);
  return resource;
}

function defineVal(v: Validation, scope: Scope, expr: Exclude<DefValTypeExpr, { kind: 'primitive' }>): ValType {
  const val = (type: ValTypeExpr): ValType => valType(v, scope, type);
  const optional = (type: ValTypeExpr | undefined): ValType | undefined => optionalValType(v, scope, type);
  switch (expr.kind) {
    case 'record': {
      if (expr.fields.length === 0) throw v.error('record type must have at least one field');
      checkLabels(v, expr.fields, 'record field', 'field');
      return { kind: 'record', fields: expr.fields.map((field) => ({ name: field.name, type: val(field.type) })) };
    }
    case 'variant': {
      if (expr.cases.length === 0) throw v.error('variant type must have at least one case');
      checkLabels(v, expr.cases, 'variant case', 'case');
      return { kind: 'variant', cases: expr.cases.map((c) => ({ name: c.name, type: optional(c.type) })) };
    }
    case 'flags':
      if (expr.names.length === 0) throw v.error('flags must have at least one entry');
      if (expr.names.length > MAX_FLAGS) throw v.error(`cannot have more than ${MAX_FLAGS} flags`);
      checkLabels(v, named(expr.names), 'flag', 'flag');
      return expr;
    case 'enum':
      if (expr.names.length === 0) throw v.error('enum type must have at least one variant');
      checkLabels(v, named(expr.names), 'enum tag', 'tag');
      return expr;
    case 'list':
      if (expr.length === 0) throw v.error('Fixed-length lists must have more than zero elements');
      if ((expr.length ?? 0) > MAX_FIXED_LENGTH) throw v.error(`fixed-length list element count exceeds limit of ${MAX_FIXED_LENGTH}`);
      return { kind: 'list', element: val(expr.element), length: expr.length };
    case 'map': {
      const key = val(expr.key);
      if (!KEY_TYPES.has(key.kind)) throw v.error(`a map key must be a bool, integer, char or string, found ${key.kind}`);
      return { kind: 'map', key, value: val(expr.value) };
    }
    case 'tuple':
      if (expr.types.length === 0) throw v.error('tuple type must have at least one type');
      return { kind: 'tuple', types: expr.types.map(val) };
    case 'option':
      return { kind: 'option', type: val(expr.type) };
    case 'result':
      return { kind: 'result', ok: optional(expr.ok), err: optional(expr.err) };
    case 'own':
    case 'borrow':
      return makeHandle(expr.kind, resourceAt(v, scope, expr.resource));
    case 'stream':
    case 'future': {
      const element = optional(expr.element);
      if (expr.kind === 'stream' && element?.kind === 'char') {
        throw v.error('`stream<char>` is not valid at this time, use `stream<u8>` with a defined byte encoding instead for now');
      }
      if (element !== undefined && valInfo(element).containsBorrow) {
        throw v.error(`a ${expr.kind} cannot contain a \`borrow\` type`);
      }
      return { kind: expr.kind, element };
    }
  }
}

const named = (names: readonly string[]): { readonly name: string }[] => names.map((name) => ({ name }));

/** Labels of one list must be kebab case and strongly unique. */
function checkLabels(v: Validation, list: readonly { readonly name: string }[], what: string, brief: string): void {
  const seen = new Map<string, string>();
  for (const { name } of list) {
    if (name === '') throw v.error(`${what} name cannot be empty`);
    if (!isLabel(name)) throw v.error(`${what} name \`${name}\` is not in kebab case`);
    const key = uniquenessKey(name);
    const previous = seen.get(key);
    if (previous !== undefined) throw v.error(`${what} name \`${name}\` conflicts with previous ${brief} name \`${previous}\``);
    seen.set(key, name);
  }
}

function funcType(v: Validation, scope: Scope, expr: Extract<TypeExpr, { kind: 'func' }>): FuncType {
  checkLabels(v, expr.params, 'function parameter', 'parameter');
  const params = expr.params.map((param) => ({ name: param.name, type: valType(v, scope, param.type) }));
  const result = optionalValType(v, scope, expr.result);
  if (result !== undefined && valInfo(result).containsBorrow) {
    throw v.error('function result cannot contain a `borrow` type');
  }
  return { params, result, async: expr.async };
}

function componentType(v: Validation, parent: Scope, declarations: readonly Declaration[]): ComponentType {
  const scope = declare(v, new Scope('component type', parent), declarations);
  return finish(v, scope);
}

function instanceType(v: Validation, parent: Scope, declarations: readonly Declaration[]): InstanceType {
  const scope = declare(v, new Scope('instance type', parent), declarations);
  return { exports: scope.exports.items, resources: [...scope.definedResources.keys()] };
}

function declare(v: Validation, scope: Scope, declarations: readonly Declaration[]): Scope {
  v.effort.spend(SCOPE_EFFORT);
  v.scope = scope;
  for (const declaration of declarations) {
    scope.current = declaration;
    switch (declaration.kind) {
      case 'core type':
        addCoreType(v, scope, declaration.type);
        break;
      case 'type':
        addType(v, scope, declaration.type);
        break;
      case 'alias':
        addAlias(v, scope, declaration.alias);
        break;
      case 'import':
        addImport(v, scope, declaration.name, externType(v, scope, declaration.type, 'import'));
        break;
      case 'export':
        addExport(v, scope, declaration.name, externType(v, scope, declaration.type, 'export'));
        break;
    }
  }
  scope.current = undefined;
  v.scope = scope.parent;
  return scope;
}

/** The type of an import or export. A `sub resource` bound introduces a resource into the scope. */
export function externType(v: Validation, scope: Scope, expr: ExternTypeExpr, direction: 'import' | 'export'): ExternType {
  switch (expr.kind) {
    case 'module':
      return { kind: 'module', type: coreModuleTypeAt(v, scope, expr.type) };
    case 'func':
    case 'component':
    case 'instance':
      return { kind: expr.kind, type: typeOfKind(v, scope, expr.type, expr.kind) } as ExternType;
    case 'type eq':
      return { kind: 'type', type: renameType(typeAt(v, scope, expr.type)) };
    case 'resource': {
      const resource = v.freshResource();
      if (direction === 'import') scope.importedResources.push(resource);
      else scope.definedResources.set(resource, undefined);
      return { kind: 'type', type: { kind: 'resource', resource } };
    }
    case 'value':
    case 'value eq':
      throw v.valuesUnsupported();
  }
}

/** What importing or exporting a type introduces: an equal type under a name of its own. */
export function renameType(type: DefinedType): DefinedType {
  return type.kind === 'value' ? { kind: 'value', type: renamed(type.type) } : renamed(type);
}
