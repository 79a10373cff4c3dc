/** Binds the host items of a plan to the embedder's definitions, and reports all that is missing at once. */
import type { HostFunction } from '../abi/contract.ts';
import { inPlace, takesInPlace } from '../abi/in-place.ts';
import { camelCase, parseFunctionName, pascalCase } from '../abi/names.ts';
import { ComponentError } from '../errors.ts';
import type { ResourceClass } from '../instance/state.ts';
import { brief } from '../validate/names.ts';
import type { HostPath, Plan } from './plan.ts';
import { provider } from './semver.ts';

/** What the embedder defined, by import name. */
export type Definitions = ReadonlyMap<string, unknown>;

/** The embedder's side of a plan, in the order of the plan's lists. */
export interface HostBinding {
  readonly functions: readonly HostFunction[];
  /** Whether each function may suspend the guest. */
  readonly blocking: readonly boolean[];
  /** Classes of host resources; undefined at the indices of guest resources. */
  readonly classes: readonly (ResourceClass | undefined)[];
  /** Core modules of module imports; undefined at the indices of embedded modules. */
  readonly modules: readonly (WebAssembly.Module | undefined)[];
}

/** An import, or an item of an imported instance, that nothing provides. */
export interface MissingImport {
  /** The name of the import. */
  readonly import: string;
  /** The function or type inside it; undefined when the whole import is missing. */
  readonly item: string | undefined;
}

/** Marks a host function that may return a Promise, during which the guest is suspended. */
export const BLOCKING: unique symbol = Symbol.for('tenon.blocking') as never;

/**
 * Declares that a host function may wait. Functions declared with `async` need no mark.
 * @param fn a function that returns a value or a Promise of it
 * @returns the same function
 */
export function blocking<F extends (...args: never[]) => unknown>(fn: F): F {
  Object.defineProperty(fn, BLOCKING, { value: true });
  return fn;
}

const AsyncFunction = (async () => {}).constructor;

function isBlocking(fn: unknown): boolean {
  return fn instanceof AsyncFunction || (typeof fn === 'function' && (fn as { [BLOCKING]?: boolean })[BLOCKING] === true);
}

/** Thrown when imports have no definition; `missing` lists every one. */
export class MissingImportsError extends ComponentError {
  readonly missing: readonly MissingImport[];

  constructor(missing: readonly MissingImport[]) {
    const lines = missing.map((m) => (m.item === undefined ? `  ${brief(m.import)}` : `  ${brief(m.import)}: ${brief(m.item)}`));
    super('TENON_IMPORT_MISSING', [`nothing provides ${missing.length === 1 ? 'this import' : 'these imports'}:`, ...lines]);
    this.missing = missing;
  }
}

/** @throws MissingImportsError naming everything that the plan needs and `definitions` lack */
export function bindHost(plan: Plan, definitions: Definitions): HostBinding {
  const missing = new Map<string, MissingImport>();
  const functions: HostFunction[] = [];
  const blockingFlags: boolean[] = [];
  const miss = (path: HostPath, whole: boolean): void => {
    const item = whole || path.length === 1 ? undefined : path.slice(1).join('.');
    missing.set(JSON.stringify([path[0], item]), { import: path[0], item });
  };
  for (const { path, type } of plan.hostFunctions) {
    const owner = ownerOf(definitions, path);
    const found = owner === undefined ? undefined : hostFunction(owner, path, type.params.length);
    if (found === undefined) {
      miss(path, owner === undefined);
      continue;
    }
    functions.push(takesInPlace(found.declared) ? inPlace(found.call) : found.call);
    blockingFlags.push(isBlocking(found.declared));
  }
  const classes = plan.resources.map((resource) => {
    if (resource.kind === 'guest') return undefined;
    const owner = ownerOf(definitions, resource.path);
    const found = owner?.[resource.path.length === 1 ? SELF : pascalCase(resource.name)];
    if (typeof found === 'function') return found as ResourceClass;
    miss(resource.path, owner === undefined);
    return undefined;
  });
  const modules = plan.modules.map((module) => {
    if (module.kind === 'embedded') return undefined;
    const owner = ownerOf(definitions, module.path);
    const found = owner?.[module.path.length === 1 ? SELF : (module.path[module.path.length - 1] ?? '')];
    if (found instanceof WebAssembly.Module) return found;
    miss(module.path, owner === undefined);
    return undefined;
  });
  if (missing.size > 0) throw new MissingImportsError([...missing.values()]);
  for (const { path, resource } of plan.sameTypes) {
    const found = ownerOf(definitions, path)?.[path.length === 1 ? SELF : pascalCase(path[path.length - 1] ?? '')];
    if (found === undefined || found === classes[resource]) continue;
    const same = plan.resources[resource];
    const names = [path, same?.kind === 'host' ? same.path : []].map((each) => `"${each.join('" > "')}"`);
    throw new ComponentError('TENON_IMPORT_TYPE', `mismatched resource types: ${names[0]} must be the same class as ${names[1]}`);
  }
  return { functions, blocking: blockingFlags, classes, modules };
}

const SELF: unique symbol = Symbol('the definition itself');
type Owner = { readonly [name: string | symbol]: unknown };

/** A member that the embedder defined: `constructor`, `toString`, `call`, which objects and functions have anyway, define nothing. */
function member(owner: Owner, key: string): unknown {
  const everyOneHas = key in Object.prototype || (typeof owner === 'function' && key in Function.prototype);
  return everyOneHas && !defines(owner, key) ? undefined : owner[key];
}

function defines(owner: Owner, key: string): boolean {
  if (key === 'constructor') return Object.hasOwn(owner, key) && Object(owner[key]).prototype !== owner;
  for (let object: object | null = owner; object !== null; object = Object.getPrototypeOf(object)) {
    if (object === Object.prototype || object === Function.prototype) return false;
    if (Object.hasOwn(object, key)) return true;
  }
  return false;
}

/** The object that holds the last name of a path. A path of one name is held by a wrapper of the definition itself. */
function ownerOf(definitions: Definitions, path: HostPath): Owner | undefined {
  const name = provider(definitions.keys(), path[0]);
  const definition = name === undefined ? undefined : definitions.get(name);
  if (definition === undefined || definition === null) return undefined;
  if (path.length === 1) return { [SELF]: definition };
  let owner = definition as Owner;
  for (const inner of path.slice(1, -1)) {
    const next = member(owner, inner) ?? member(owner, camelCase(inner));
    if (next === undefined || next === null) return undefined;
    owner = next as Owner;
  }
  return owner;
}

/** Host functions are called as free functions by the ABI: methods get their resource as first parameter. */
function hostFunction(
  owner: Owner,
  path: HostPath,
  arity: number,
): { readonly call: HostFunction; readonly declared: unknown } | undefined {
  const name = parseFunctionName(path[path.length - 1] ?? path[0]);
  if (name.kind === 'plain') {
    const fn = path.length === 1 ? owner[SELF] : member(owner, camelCase(name.name));
    if (typeof fn !== 'function') return undefined;
    return { call: (path.length === 1 ? fn : fn.bind(owner)) as HostFunction, declared: fn };
  }
  const found = owner[pascalCase(name.resource)];
  if (typeof found !== 'function') return undefined;
  const type = found as unknown as Owner & (new (...args: never[]) => object);
  switch (name.kind) {
    case 'constructor':
      return { call: ((...args: never[]) => new type(...args)) as HostFunction, declared: undefined };
    case 'static': {
      const fn = member(type, camelCase(name.name));
      return typeof fn === 'function' ? { call: fn.bind(type) as HostFunction, declared: fn } : undefined;
    }
    case 'method': {
      const key = camelCase(name.name);
      const { prototype } = type as { readonly prototype?: Owner };
      const fn = prototype && member(prototype, key);
      return typeof fn === 'function' ? { call: methodCall(key, arity), declared: fn } : undefined;
    }
    default:
      return undefined;
  }
}

/** Dispatches on the object, so that subclasses of a resource class may override. One shape for each arity: no rest arrays. */
function methodCall(key: string, arity: number): HostFunction {
  type Self = Record<string, (...args: unknown[]) => unknown>;
  const method = (self: Self): ((...args: unknown[]) => unknown) => {
    const fn = self[key];
    if (typeof fn !== 'function') throw new TypeError(`the resource has no method ${key}`);
    return fn;
  };
  const shapes: ((self: Self, ...args: unknown[]) => unknown)[] = [
    (self) => method(self).call(self),
    (self, a) => method(self).call(self, a),
    (self, a, b) => method(self).call(self, a, b),
    (self, a, b, c) => method(self).call(self, a, b, c),
    (self, a, b, c, d) => method(self).call(self, a, b, c, d),
  ];
  const call = shapes[arity - 1] ?? ((self: Self, ...args: unknown[]) => method(self).apply(self, args));
  return call as HostFunction;
}
