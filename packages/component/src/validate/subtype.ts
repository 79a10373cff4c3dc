/**
 * Subtyping. Value and function types must be equal, as in the other implementations; components, instances and modules
 * have width subtyping, and resource types are matched by opening one signature with the items of another.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/Subtyping.md
 *
 * Each function returns why `a` does not fit `b`, or undefined when it does.
 */
import type { CoreTypes } from '../types/core-types.ts';
import { labelOf, resourceLabel } from '../types/identity.ts';
import type {
  Case,
  ComponentType,
  CoreModuleType,
  DefinedType,
  ExternType,
  FuncType,
  InstanceType,
  ResourceId,
  ValType,
} from '../types/types.ts';
import type { Effort } from './effort.ts';
import { Substitution } from './substitute.ts';
import { children } from './type-info.ts';

export type Mismatch = string | undefined;

export class Subtyping {
  private readonly coreTypes: CoreTypes;
  private readonly effort: Effort;
  /** What is known to fit. Types do not change, so a fact stays one; without this, shared parts would be compared exponentially often. */
  private readonly fits = new WeakMap<object, WeakSet<object>>();

  constructor(coreTypes: CoreTypes, effort: Effort) {
    this.coreTypes = coreTypes;
    this.effort = effort;
  }

  extern(a: ExternType, b: ExternType): Mismatch {
    switch (b.kind) {
      case 'module':
        if (a.kind === 'module') return this.once(a.type, b.type, () => this.module(a.type, b.type));
        break;
      case 'func':
        if (a.kind === 'func') return this.func(a.type, b.type);
        break;
      case 'value':
        if (a.kind === 'value') return this.val(a.type, b.type);
        break;
      case 'type':
        if (a.kind === 'type') return this.defined(a.type, b.type);
        break;
      case 'instance':
        if (a.kind === 'instance') return this.instance(a.type, b.type);
        break;
      case 'component':
        if (a.kind === 'component') return this.component(a.type, b.type);
        break;
    }
    return `expected ${b.kind}, found ${a.kind}`;
  }

  private defined(a: DefinedType, b: DefinedType): Mismatch {
    switch (b.kind) {
      case 'resource':
        if (a.kind !== 'resource') break;
        return a.resource === b.resource ? undefined : differentResources(labelOf(a), labelOf(b));
      case 'value':
        if (a.kind === 'value') return this.val(a.type, b.type);
        break;
      case 'func':
        if (a.kind === 'func') return this.func(a.type, b.type);
        break;
      case 'instance':
        if (a.kind === 'instance') return this.instance(a.type, b.type);
        break;
      case 'component':
        if (a.kind === 'component') return this.component(a.type, b.type);
        break;
    }
    return `expected ${DEFINED_KINDS[b.kind]}, found ${DEFINED_KINDS[a.kind]}`;
  }

  /** A component fits when the imports wanted of it satisfy its own, and then its exports satisfy those wanted. */
  private component(a: ComponentType, b: ComponentType): Mismatch {
    return this.once(a, b, () => {
      const opened = this.open(a.imports, a.importedResources, b.imports, 'import');
      if (typeof opened === 'string') return opened;
      const exports = this.open(b.exports, b.definedResources, opened.externs(a.exports), 'export');
      return typeof exports === 'string' ? exports : undefined;
    });
  }

  instance(a: InstanceType, b: InstanceType): Mismatch {
    return this.once(a, b, () => {
      this.effort.spend(b.exports.size);
      for (const name of b.exports.keys()) if (!a.exports.has(name)) return `missing expected export \`${name}\``;
      for (const [name, expected] of b.exports) {
        const mismatch = this.extern(a.exports.get(name) as ExternType, expected);
        if (mismatch !== undefined) return `type mismatch in instance export \`${name}\`: ${mismatch}`;
      }
      return undefined;
    });
  }

  /**
   * Opens a signature with the items that are given for it.
   * @returns why they do not satisfy it; or the substitution that turns the signature's resources and types into the given ones
   */
  open(
    signature: ReadonlyMap<string, ExternType>,
    resources: readonly ResourceId[],
    given: ReadonlyMap<string, ExternType>,
    what: 'import' | 'export',
  ): string | Substitution {
    this.effort.spend(signature.size + resources.length);
    const bound = new Substitution(this.effort);
    const unbound = new Set(resources);
    for (const [name, expected] of signature) this.bind(expected, given.get(name), unbound, bound);
    for (const name of signature.keys()) if (!given.has(name)) return `missing ${what} named \`${name}\``;
    const result = new Substitution(this.effort);
    for (const [from, to] of bound.resources) result.resources.set(from, to);
    for (const [name, expected] of signature) {
      const actual = given.get(name) as ExternType;
      const mismatch = this.extern(actual, bound.extern(expected));
      if (mismatch !== undefined) return `type mismatch for ${what} \`${name}\`: ${mismatch}`;
      this.rename(expected, actual, result);
    }
    return result;
  }

  /** Finds what the signature's resources stand for: the first item that introduces one says so. */
  private bind(expected: ExternType, given: ExternType | undefined, unbound: Set<ResourceId>, to: Substitution): void {
    if (unbound.size === 0 || given === undefined) return;
    this.effort.spend(1);
    if (expected.kind === 'type' && given.kind === 'type') {
      if (expected.type.kind !== 'resource' || given.type.kind !== 'resource') return;
      if (unbound.delete(expected.type.resource)) to.resources.set(expected.type.resource, given.type.resource);
    } else if (expected.kind === 'instance' && given.kind === 'instance') {
      for (const [name, item] of expected.type.exports) this.bind(item, given.type.exports.get(name), unbound, to);
    }
  }

  private rename(expected: ExternType, actual: ExternType, result: Substitution): void {
    this.effort.spend(1);
    if (expected.kind === 'type' && actual.kind === 'type') {
      const from = expected.type.kind === 'resource' ? expected.type : expected.type.type;
      const to = actual.type.kind === 'resource' ? actual.type : actual.type.type;
      result.rename(from, to);
    } else if (expected.kind === 'instance' && actual.kind === 'instance') {
      for (const [name, item] of expected.type.exports) this.rename(item, actual.type.exports.get(name) as ExternType, result);
    }
  }

  module(a: CoreModuleType, b: CoreModuleType): Mismatch {
    this.effort.spend(a.imports.length + b.imports.length + b.exports.size);
    const provided = new Map(b.imports.map((item) => [importKey(item), item.type]));
    for (const item of a.imports) {
      const type = provided.get(importKey(item));
      const name = `${item.module}::${item.name}`;
      if (type === undefined) return `missing expected import \`${name}\``;
      const mismatch = this.coreTypes.mismatch(type, item.type);
      if (mismatch !== undefined) return `type mismatch in import \`${name}\`: ${mismatch}`;
    }
    for (const [name, expected] of b.exports) {
      const type = a.exports.get(name);
      if (type === undefined) return `missing expected export \`${name}\``;
      const mismatch = this.coreTypes.mismatch(type, expected);
      if (mismatch !== undefined) return `type mismatch in export \`${name}\`: ${mismatch}`;
    }
    return undefined;
  }

  func(a: FuncType, b: FuncType): Mismatch {
    return this.once(a, b, () => {
      this.effort.spend(b.params.length);
      if (a.async !== b.async) return `expected ${asyncness(b)} function, found ${asyncness(a)} function`;
      if (a.params.length !== b.params.length) return `expected ${b.params.length} parameters, found ${a.params.length}`;
      for (const [i, expected] of b.params.entries()) {
        const found = a.params[i] as (typeof a.params)[number];
        if (found.name !== expected.name) return `expected parameter named \`${expected.name}\`, found \`${found.name}\``;
        const mismatch = this.val(found.type, expected.type);
        if (mismatch !== undefined) return `type mismatch in function parameter \`${found.name}\`: ${mismatch}`;
      }
      // Worded as the other tools word it, from the side of the item that is given.
      if (a.result !== undefined && b.result === undefined) return 'expected a result, found none';
      if (a.result === undefined && b.result !== undefined) return 'expected no result, found one';
      if (a.result === undefined || b.result === undefined) return undefined;
      const mismatch = this.val(a.result, b.result);
      return mismatch === undefined ? undefined : `type mismatch with result type: ${mismatch}`;
    });
  }

  val(a: ValType, b: ValType): Mismatch {
    return this.once(a, b, () => this.compare(a, b));
  }

  private compare(a: ValType, b: ValType): Mismatch {
    this.effort.spend(children(b).length);
    switch (b.kind) {
      case 'record': {
        if (a.kind !== 'record') break;
        if (a.fields.length !== b.fields.length) return `expected ${b.fields.length} fields, found ${a.fields.length}`;
        for (const [i, field] of b.fields.entries()) {
          const found = a.fields[i] as (typeof a.fields)[number];
          if (found.name !== field.name) return `expected field name \`${field.name}\`, found \`${found.name}\``;
          const mismatch = this.val(found.type, field.type);
          if (mismatch !== undefined) return `type mismatch in record field \`${field.name}\`: ${mismatch}`;
        }
        return undefined;
      }
      case 'variant': {
        if (a.kind !== 'variant') break;
        if (a.cases.length !== b.cases.length) return `expected ${b.cases.length} cases, found ${a.cases.length}`;
        for (const [i, expected] of b.cases.entries()) {
          const mismatch = this.variantCase(a.cases[i] as Case, expected);
          if (mismatch !== undefined) return mismatch;
        }
        return undefined;
      }
      case 'tuple': {
        if (a.kind !== 'tuple') break;
        if (a.types.length !== b.types.length) return `expected ${b.types.length} types, found ${a.types.length}`;
        for (const [i, type] of b.types.entries()) {
          const mismatch = this.val(a.types[i] as ValType, type);
          if (mismatch !== undefined) return `type mismatch in tuple field ${i}: ${mismatch}`;
        }
        return undefined;
      }
      case 'list':
        if (a.kind !== 'list' || (a.length === undefined) !== (b.length === undefined)) break;
        if (a.length !== b.length) return `expected fixed-length ${b.length}, found size ${a.length}`;
        return this.val(a.element, b.element);
      case 'map': {
        if (a.kind !== 'map') break;
        const key = this.val(a.key, b.key);
        if (key !== undefined) return `type mismatch in map key: ${key}`;
        const value = this.val(a.value, b.value);
        return value === undefined ? undefined : `type mismatch in map value: ${value}`;
      }
      case 'flags':
      case 'enum':
        if (a.kind !== b.kind) break;
        this.effort.spend(b.names.length);
        return a.names.length === b.names.length && a.names.every((name, i) => name === b.names[i])
          ? undefined
          : `mismatch in ${b.kind} elements`;
      case 'option':
        if (a.kind !== 'option') break;
        return this.val(a.type, b.type);
      case 'result':
        if (a.kind !== 'result') break;
        return this.optional(a.ok, b.ok, 'ok', 'ok variant') ?? this.optional(a.err, b.err, 'err', 'err variant');
      case 'own':
      case 'borrow':
        if (a.kind !== b.kind) break;
        return a.resource === b.resource ? undefined : differentResources(resourceLabel(a), resourceLabel(b));
      case 'stream':
      case 'future':
        if (a.kind !== b.kind) break;
        return this.optional(a.element, b.element, b.kind, b.kind);
      default:
        if (a.kind === b.kind) return undefined;
        if (isPrimitive(a)) return `expected primitive \`${b.kind}\` found primitive \`${a.kind}\``;
        return `expected ${b.kind}, found ${describeKind(a)}`;
    }
    return isPrimitive(a) ? `expected ${describeKind(b)}, found ${a.kind}` : `expected ${describeKind(b)}, found ${describeKind(a)}`;
  }

  private variantCase(a: Case, b: Case): Mismatch {
    if (a.name !== b.name) return `expected case named \`${b.name}\`, found \`${a.name}\``;
    if (a.type === undefined && b.type !== undefined) return `expected case \`${a.name}\` to have a type, found none`;
    if (a.type !== undefined && b.type === undefined) return `expected case \`${a.name}\` to have no type`;
    if (a.type === undefined || b.type === undefined) return undefined;
    const mismatch = this.val(a.type, b.type);
    return mismatch === undefined ? undefined : `type mismatch in variant case \`${a.name}\`: ${mismatch}`;
  }

  private optional(a: ValType | undefined, b: ValType | undefined, what: string, where: string): Mismatch {
    if (a === undefined && b === undefined) return undefined;
    if (a === undefined) return `expected ${what} type, but found none`;
    if (b === undefined) return `expected ${what} type to not be present`;
    const mismatch = this.val(a, b);
    return mismatch === undefined ? undefined : `type mismatch in ${where}: ${mismatch}`;
  }

  private once(a: object, b: object, compare: () => Mismatch): Mismatch {
    if (a === b || this.fits.get(a)?.has(b) === true) return undefined;
    this.effort.spend(1);
    const mismatch = compare();
    if (mismatch === undefined) {
      let known = this.fits.get(a);
      if (known === undefined) {
        known = new WeakSet();
        this.fits.set(a, known);
      }
      known.add(b);
    }
    return mismatch;
  }
}

function differentResources(found: string | undefined, expected: string | undefined): string {
  const names = found === undefined || expected === undefined ? '' : `: expected \`${expected}\`, found \`${found}\``;
  return `resource types are not the same${names}`;
}

const DEFINED_KINDS = {
  resource: 'resource',
  value: 'defined type',
  func: 'func type',
  instance: 'instance type',
  component: 'component type',
};

const COMPOUND_KINDS: ReadonlySet<string> = new Set([
  ...['record', 'variant', 'list', 'map', 'tuple', 'flags', 'enum', 'option', 'result', 'own', 'borrow', 'stream', 'future'],
]);

function isPrimitive(type: ValType): boolean {
  return !COMPOUND_KINDS.has(type.kind);
}

function describeKind(type: ValType): string {
  if (isPrimitive(type)) return 'primitive';
  return type.kind === 'list' && type.length !== undefined ? 'fixed-length list' : type.kind;
}

const asyncness = (type: FuncType): string => (type.async ? 'async' : 'sync');

/** Module and name as one key; a name may hold any character, so its length goes in front. */
export function importKey(item: { readonly module: string; readonly name: string }): string {
  return `${item.module.length}:${item.module}${item.name}`;
}
