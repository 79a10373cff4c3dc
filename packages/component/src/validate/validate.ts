/**
 * The validator: every rule that can be checked without running anything. What passes cannot go wrong later for a static reason.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/Explainer.md
 */
import { readCoreModuleType } from '../binary/core-module.ts';
import type { ComponentDefinition, Definition } from '../binary/definitions.ts';
import { ComponentError } from '../errors.ts';
import { keepOneOf } from '../keep.ts';
import type { ComponentType, CoreModuleType, ExternType } from '../types/types.ts';
import { addAlias } from './aliases.ts';
import { addCanon } from './canon.ts';
import { addCoreType, checkImportNames } from './core-types.ts';
import { addExport, addImport, addItem, finish } from './externs.ts';
import { addCoreInstance, addInstance } from './instantiate.ts';
import { itemAt } from './lookup.ts';
import { Scope } from './scope.ts';
import { FreeResources, Substitution } from './substitute.ts';
import { addType, externType, renameType } from './types.ts';
import { MAX_HEAVY_ITEMS, Validation } from './validation.ts';

/** What is known of a component once it is found valid. */
export interface ValidatedComponent {
  /** Its imports and exports, in order. Resources are numbered within this one validation. */
  readonly type: ComponentType;
  /** The type of each core module in it, nested components included, by the module's byte offset. */
  readonly modules: ReadonlyMap<number, CoreModuleType>;
}

/**
 * Validates a decoded component. Core modules are read for their types only: whether they are valid is for `WebAssembly.compile`.
 * @param bytes the input that `definition` was decoded from
 * @throws ComponentError `TENON_INVALID`, `TENON_UNSUPPORTED`, `TENON_CORE_INVALID` or `TENON_MALFORMED`, with the byte offset
 *   and the path of definitions.
 */
export function validate(definition: ComponentDefinition, bytes: Uint8Array): ValidatedComponent {
  const v = new Validation(bytes);
  return { type: validateComponent(v, definition, undefined), modules: v.modules };
}

function validateComponent(v: Validation, definition: ComponentDefinition, parent: Scope | undefined): ComponentType {
  const scope = new Scope('component', parent);
  v.scope = scope;
  for (const item of definition.definitions) {
    scope.current = item;
    add(v, scope, item);
  }
  scope.current = undefined;
  const type = finish(v, scope);
  v.scope = parent;
  return type;
}

function add(v: Validation, scope: Scope, item: Definition): void {
  switch (item.kind) {
    case 'core module':
      v.push(scope.coreModules, coreModule(v, item.start, item.end), 'modules', MAX_HEAVY_ITEMS);
      break;
    case 'core instance':
      addCoreInstance(v, scope, item.expr);
      break;
    case 'core type':
      addCoreType(v, scope, item.type);
      break;
    case 'component':
      addItem(v, scope, { kind: 'component', type: validateComponent(v, item.component, scope) });
      break;
    case 'instance':
      addInstance(v, scope, item.expr);
      break;
    case 'alias':
      addAlias(v, scope, item.alias);
      break;
    case 'type':
      addType(v, scope, item.type);
      break;
    case 'canon':
      addCanon(v, scope, item.canon);
      break;
    case 'import':
      addImport(v, scope, item.name, externType(v, scope, item.type, 'import'));
      break;
    case 'export':
      addExport(v, scope, item.name, exportType(v, scope, item));
      break;
    case 'start':
    case 'value':
      throw v.valuesUnsupported();
  }
}

/** The type that an export has outside: its own, or the supertype that is ascribed to it. */
function exportType(v: Validation, scope: Scope, { target, type }: Extract<Definition, { kind: 'export' }>): ExternType {
  const actual = itemAt(v, scope, target.sort, target.index);
  if (type === undefined) return actual.kind === 'type' ? { kind: 'type', type: renameType(actual.type) } : actual;
  const ascribed = externType(v, scope, type, 'export');
  const mismatch = v.subtyping.extern(actual, ascribed);
  if (mismatch !== undefined) throw v.error(`ascribed type of export is not compatible with item's type: ${mismatch}`);
  return ascribed;
}

/** Of the whole binary: however small, V8 takes 4 KB for each. */
const MAX_CORE_MODULES = 10_000;

function coreModule(v: Validation, start: number, end: number): CoreModuleType {
  if (v.modules.size >= MAX_CORE_MODULES)
    throw v.error(`a component can hold at most ${MAX_CORE_MODULES} core modules`, 'TENON_UNSUPPORTED');
  let type: CoreModuleType;
  try {
    type = readCoreModuleType(v.bytes, start, end, v.coreTypes);
  } catch (error) {
    if (!(error instanceof ComponentError)) throw error;
    const { offset, path } = { offset: error.offset, path: v.error('').path };
    throw new ComponentError(error.code, error.message, { ...(offset !== undefined && { offset }), ...(path !== undefined && { path }) });
  }
  checkImportNames(v, type);
  v.modules.set(start, type);
  return type;
}

const specimen = new Validation(new Uint8Array(0));
keepOneOf(specimen, new Scope('component', undefined), new Substitution(specimen.effort), new FreeResources(specimen.effort));
