/**
 * Core type definitions of components: recursive groups and module types.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/Explainer.md#core-type-definitions
 */
import type { CoreExternTypeExpr, CoreModuleDeclaration, CoreTypeExpr } from '../binary/definitions.ts';
import { type CoreTypeId, canonicalValType } from '../types/core-types.ts';
import type { CoreExternType, CoreFuncType, CoreLimits, CoreModuleType, CoreValType } from '../types/types.ts';
import type { Scope } from './scope.ts';
import { importKey } from './subtype.ts';
import { MAX_ITEMS, type Validation } from './validation.ts';

const MAX_TABLE_ENTRIES = 10_000_000n;

export function addCoreType(v: Validation, scope: Scope, type: CoreTypeExpr): void {
  if (type.kind === 'rec') {
    if (scope.coreTypes.length + type.types.length > MAX_ITEMS) throw v.error(`types count exceeds limit of ${MAX_ITEMS}`);
    v.coreTypes.addGroup(scope.coreTypes, type.types, (message) => v.error(message));
    return;
  }
  const module = moduleType(v, scope, type.declarations);
  scope.coreModuleTypes.set(scope.coreTypes.length, module);
  v.push(scope.coreTypes, undefined, 'types');
}

/** Shared: its definition is two bytes, of which a component may have very many. */
const EMPTY_MODULE: CoreModuleType = { imports: [], exports: new Map() };

function moduleType(v: Validation, scope: Scope, declarations: readonly CoreModuleDeclaration[]): CoreModuleType {
  if (declarations.length === 0) return EMPTY_MODULE;
  const types: (CoreTypeId | undefined)[] = [];
  const imports: { readonly module: string; readonly name: string; readonly type: CoreExternType }[] = [];
  const exports = new Map<string, CoreExternType>();
  for (const declaration of declarations) {
    switch (declaration.kind) {
      case 'type':
        if (declaration.type.kind === 'rec') v.coreTypes.addGroup(types, declaration.type.types, (message) => v.error(message));
        break;
      case 'outer alias':
        types.push(outerType(v, scope, types, declaration.count, declaration.index));
        break;
      case 'import':
        imports.push({ module: declaration.module, name: declaration.name, type: resolve(v, types, declaration.type) });
        break;
      case 'export':
        if (exports.has(declaration.name)) throw v.error(`duplicate export name: export name \`${declaration.name}\` already defined`);
        exports.set(declaration.name, resolve(v, types, declaration.type));
        break;
    }
  }
  const module = { imports, exports };
  checkImportNames(v, module);
  return module;
}

/** A core module may import one name twice, but then no instance could say which is meant. */
export function checkImportNames(v: Validation, type: CoreModuleType): void {
  const seen = new Set<string>();
  for (const item of type.imports) {
    const key = importKey(item);
    if (seen.has(key)) throw v.error(`duplicate import name \`${item.module}:${item.name}\``);
    seen.add(key);
  }
}

function outerType(v: Validation, scope: Scope, own: readonly (CoreTypeId | undefined)[], count: number, index: number): CoreTypeId {
  let types = own;
  if (count > 0) {
    let outer: Scope | undefined = scope;
    for (let i = 1; i < count && outer !== undefined; i++) outer = outer.parent;
    if (outer === undefined) throw v.error(`invalid outer alias count of ${count}`);
    types = outer.coreTypes;
  }
  if (index >= types.length) throw v.error(`unknown type ${index}: type index out of bounds`);
  const type = types[index];
  if (type === undefined) throw v.error('a core module type cannot be aliased into the types of a core module type');
  return type;
}

function resolve(v: Validation, types: readonly (CoreTypeId | undefined)[], type: CoreExternTypeExpr): CoreExternType {
  switch (type.kind) {
    case 'func':
      return { kind: 'func', type: funcType(v, types, type.type) };
    case 'tag': {
      const signature = funcType(v, types, type.type);
      if (signature.results.length > 0) throw v.error('invalid exception type: non-empty tag result type');
      return { kind: 'tag', type: signature };
    }
    case 'global':
      return { ...type, type: resolveVal(v, types, type.type) };
    case 'table':
      checkLimits(v, type.limits, 'table');
      if (type.limits.min > MAX_TABLE_ENTRIES) throw v.error(`minimum table size is out of bounds: ${type.limits.min}`);
      return { ...type, element: resolveVal(v, types, type.element) };
    case 'memory':
      checkMemory(v, type.limits);
      return type;
  }
}

function funcType(v: Validation, types: readonly (CoreTypeId | undefined)[], index: number): CoreFuncType {
  if (index >= types.length) throw v.error(`unknown type ${index}: type index out of bounds`);
  const id = types[index];
  const type = id === undefined ? undefined : v.coreTypes.funcOf(id);
  if (type === undefined) throw v.error(`type index ${index} is not a function type`);
  return type;
}

function resolveVal(v: Validation, types: readonly (CoreTypeId | undefined)[], type: CoreValType): CoreValType {
  const resolved = canonicalValType(types, type);
  if (resolved === undefined) throw v.error(`unknown type in ${type}: type index out of bounds`);
  return resolved;
}

function checkLimits(v: Validation, { min, max }: CoreLimits, what: string): void {
  if (max !== undefined && min > max) throw v.error(`${what} size minimum must not be greater than maximum`);
}

function checkMemory(v: Validation, limits: CoreLimits): void {
  checkLimits(v, limits, 'memory');
  const pageSize = limits.pageSizeLog2 ?? 16;
  if (pageSize !== 0 && pageSize !== 16) throw v.error('invalid custom page size');
  if (limits.shared && limits.max === undefined) throw v.error('shared memory must have maximum size');
  const most = (1n << (limits.index64 ? 64n : 32n)) >> BigInt(pageSize);
  if (limits.min > most || (limits.max ?? 0n) > most) throw v.error(`memory size must be at most ${most} pages`);
}
