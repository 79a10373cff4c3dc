/** Checks core modules that the embedder gives for module imports. */
import { ComponentError } from '../errors.ts';
import { CoreTypes } from '../types/core-types.ts';
import type { CoreExternType, CoreModuleType, ExternType } from '../types/types.ts';
import { importKey } from '../validate/subtype.ts';
import type { HostPath, Plan } from './plan.ts';

/** The types of modules that stood in a component. JavaScript alone can ask a module only for names and kinds. */
const knownTypes = new WeakMap<WebAssembly.Module, CoreModuleType>();

export function rememberModuleType(module: WebAssembly.Module, type: CoreModuleType | undefined): void {
  if (type !== undefined) knownTypes.set(module, type);
}

/**
 * @param modules what is given, at the indices of the plan's modules
 * @param imports the component's imports with their types
 * @throws ComponentError `TENON_IMPORT_TYPE` for a module that does not have the type that the component imports
 */
export function checkGivenModules(
  plan: Plan,
  modules: readonly (WebAssembly.Module | undefined)[],
  imports: () => readonly { readonly name: string; readonly type: ExternType }[],
): void {
  for (const [index, module] of plan.modules.entries()) {
    if (module.kind !== 'host') continue;
    const expected = typeAt(imports(), module.path);
    const given = modules[index];
    if (expected === undefined || given === undefined) continue;
    const mismatch = moduleMismatch(given, expected);
    if (mismatch === undefined) continue;
    throw new ComponentError('TENON_IMPORT_TYPE', `the core module given for "${module.path.join('" > "')}" does not fit: ${mismatch}`);
  }
}

function typeAt(imports: readonly { readonly name: string; readonly type: ExternType }[], path: HostPath): CoreModuleType | undefined {
  const [first, ...rest] = path;
  let type = imports.find((item) => item.name === first)?.type;
  for (const name of rest) type = type?.kind === 'instance' ? type.type.exports.get(name) : undefined;
  return type?.kind === 'module' ? type.type : undefined;
}

/** Whether the given module imports no more, and exports no less, than the expected type says. */
function moduleMismatch(module: WebAssembly.Module, expected: CoreModuleType): string | undefined {
  const known = knownTypes.get(module);
  const provided = new Map(expected.imports.map((item) => [importKey(item), item.type]));
  const knownImports = new Map(known?.imports.map((item) => [importKey(item), item.type]));
  for (const item of WebAssembly.Module.imports(module)) {
    const name = `${item.module}::${item.name}`;
    const type = provided.get(importKey(item));
    if (type === undefined) return `module import \`${name}\` not defined`;
    const wanted = knownImports.get(importKey(item));
    const mismatch = kindMismatch(type, item.kind) ?? (wanted && typeMismatch(type, wanted));
    if (mismatch !== undefined) return `module import \`${name}\` has the wrong type: ${mismatch}`;
  }
  const exports = new Map(WebAssembly.Module.exports(module).map((item) => [item.name, item.kind]));
  for (const [name, type] of expected.exports) {
    const kind = exports.get(name);
    if (kind === undefined) return `module export \`${name}\` not defined`;
    const actual = known?.exports.get(name);
    const mismatch = kindMismatch(type, kind) ?? (actual && typeMismatch(actual, type));
    if (mismatch !== undefined) return `module export \`${name}\` has the wrong type: ${mismatch}`;
  }
  return undefined;
}

const kindOf = (type: CoreExternType): string => (type.kind === 'func' ? 'function' : type.kind);

function kindMismatch(type: CoreExternType, kind: string): string | undefined {
  return kindOf(type) === kind ? undefined : `expected ${type.kind} found ${kind === 'function' ? 'func' : kind}`;
}

/** Concrete reference types are numbered by the component that they stand in, so they cannot be compared here. V8 does when it links. */
function typeMismatch(a: CoreExternType, b: CoreExternType): string | undefined {
  return isConcrete(a) || isConcrete(b) ? undefined : new CoreTypes().mismatch(a, b);
}

function isConcrete(type: CoreExternType): boolean {
  switch (type.kind) {
    case 'func':
    case 'tag':
      return [...type.type.params, ...type.type.results].some((part) => part.includes('@'));
    case 'global':
      return type.type.includes('@');
    case 'table':
      return type.element.includes('@');
    case 'memory':
      return false;
  }
}
