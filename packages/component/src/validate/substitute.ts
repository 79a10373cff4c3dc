/** Substitution of resources and named types in types, and their free resources. */

import { isName, makeHandle, originOf, type ResourceName, resourceNameOf, sameName } from '../types/identity.ts';
import type { ComponentType, DefinedType, ExternType, FuncType, InstanceType, ResourceId, ValType } from '../types/types.ts';
import type { Effort } from './effort.ts';
import { children } from './type-info.ts';

/**
 * One simultaneous substitution. A type that contains nothing to replace stays the same object, and each type is replaced
 * by one object, so sharing and identity survive.
 */
export class Substitution {
  readonly resources = new Map<ResourceId, ResourceId>();
  private readonly replaced = new Map<object, object>();
  private readonly renewed = new Set<object>();
  private renames = false;
  private readonly effort: Effort;

  constructor(effort: Effort) {
    this.effort = effort;
  }

  /** Replaces the very type `from` (not its equals) by `to`. */
  rename(from: object, to: object): void {
    this.renames = true;
    this.replaced.set(from, to);
  }

  /** Gives the very type `type` an identity of its own on the other side, though nothing of it may change. */
  renew(type: object): void {
    this.renames = true;
    this.renewed.add(type);
  }

  private get isIdentity(): boolean {
    return !this.renames && this.resources.size === 0;
  }

  extern(extern: ExternType): ExternType {
    if (this.isIdentity) return extern;
    switch (extern.kind) {
      case 'module':
        return extern;
      case 'func':
        return rewrap(extern, this.func(extern.type));
      case 'value':
        return rewrap(extern, this.val(extern.type));
      case 'type':
        return rewrap(extern, this.defined(extern.type));
      case 'component':
        return rewrap(extern, this.component(extern.type));
      case 'instance':
        return rewrap(extern, this.instance(extern.type));
    }
  }

  private defined(type: DefinedType): DefinedType {
    switch (type.kind) {
      case 'resource':
        return this.resource(type);
      case 'value':
        return rewrap(type, this.val(type.type));
      case 'func':
        return rewrap(type, this.func(type.type));
      case 'component':
        return rewrap(type, this.component(type.type));
      case 'instance':
        return rewrap(type, this.instance(type.type));
    }
  }

  resource(name: ResourceName): ResourceName {
    return this.memoised(name, () => {
      const resource = this.resources.get(name.resource);
      return this.keepName(name, resource === undefined ? name : { kind: 'resource', resource });
    });
  }

  func(type: FuncType): FuncType {
    return this.memoised(type, () => {
      const params = mapShared(type.params, (param) => rewrap(param, this.val(param.type)));
      const result = this.optional(type.result);
      return params === type.params && result === type.result ? type : { params, result, async: type.async };
    });
  }

  instance(type: InstanceType): InstanceType {
    return this.memoised(type, () => {
      const exports = this.externs(type.exports);
      return exports === type.exports ? type : { exports, resources: type.resources };
    });
  }

  private component(type: ComponentType): ComponentType {
    return this.memoised(type, () => {
      const imports = this.externs(type.imports);
      const exports = this.externs(type.exports);
      return imports === type.imports && exports === type.exports ? type : { ...type, imports, exports };
    });
  }

  externs(externs: ReadonlyMap<string, ExternType>): ReadonlyMap<string, ExternType> {
    if (this.isIdentity) return externs;
    let copy: Map<string, ExternType> | undefined;
    this.effort.spend(externs.size);
    for (const [name, extern] of externs) {
      const replaced = this.extern(extern);
      if (replaced === extern) continue;
      copy ??= new Map(externs);
      copy.set(name, replaced);
    }
    return copy ?? externs;
  }

  private optional(type: ValType | undefined): ValType | undefined {
    return type === undefined ? undefined : this.val(type);
  }

  val(type: ValType): ValType {
    return this.memoised(type, () => this.keepName(type, this.computeVal(type)));
  }

  /** What `changed` has become of `type`, as the same name: over what its origin has become. */
  private keepName<T extends ValType | ResourceName>(type: T, changed: T): T {
    const renew = this.renewed.has(type);
    if (!isName(type)) return renew && changed === type ? { ...type } : changed;
    const origin = originOf(type);
    const newOrigin = origin === undefined ? undefined : this.nameOrigin(origin);
    return changed === type && newOrigin === origin && !renew ? type : sameName(type, newOrigin, changed);
  }

  /** From the far end: names may be made from names without end. */
  private nameOrigin(origin: ValType | ResourceName): object {
    const chain: (ValType | ResourceName)[] = [];
    for (let at: ValType | ResourceName | undefined = origin; at !== undefined && !this.replaced.has(at); at = originOf(at)) chain.push(at);
    for (const type of chain.reverse()) {
      if (type.kind === 'resource') this.resource(type);
      else this.val(type);
    }
    return this.replaced.get(origin) ?? origin;
  }

  private computeVal(type: ValType): ValType {
    switch (type.kind) {
      case 'own':
      case 'borrow': {
        const name = resourceNameOf(type);
        const replaced = this.resource(name);
        return replaced === name ? type : makeHandle(type.kind, replaced);
      }
      case 'record': {
        const fields = mapShared(type.fields, (field) => rewrap(field, this.val(field.type)));
        return fields === type.fields ? type : { kind: 'record', fields };
      }
      case 'variant': {
        const cases = mapShared(type.cases, (c) => rewrap(c, this.optional(c.type)));
        return cases === type.cases ? type : { kind: 'variant', cases };
      }
      case 'tuple': {
        const types = mapShared(type.types, (t) => this.val(t));
        return types === type.types ? type : { kind: 'tuple', types };
      }
      case 'option':
        return rewrap(type, this.val(type.type));
      case 'list':
      case 'stream':
      case 'future': {
        const element = this.optional(type.element);
        return element === type.element ? type : ({ ...type, element } as ValType);
      }
      case 'map': {
        const key = this.val(type.key);
        const value = this.val(type.value);
        return key === type.key && value === type.value ? type : { kind: 'map', key, value };
      }
      case 'result': {
        const ok = this.optional(type.ok);
        const err = this.optional(type.err);
        return ok === type.ok && err === type.err ? type : { kind: 'result', ok, err };
      }
      default:
        return type;
    }
  }

  private memoised<T extends object>(type: T, compute: () => T): T {
    const known = this.replaced.get(type);
    if (known !== undefined) return known as T;
    this.effort.spend(1);
    const result = compute();
    this.replaced.set(type, result);
    return result;
  }
}

/** The same wrapper around another type; the same object when the type is the same. */
function rewrap<W extends { readonly type: unknown }>(wrapper: W, type: W['type']): W {
  return type === wrapper.type ? wrapper : { ...wrapper, type };
}

function mapShared<T>(list: readonly T[], map: (item: T) => T): readonly T[] {
  let changed = false;
  const result = list.map((item) => {
    const mapped = map(item);
    changed ||= mapped !== item;
    return mapped;
  });
  return changed ? result : list;
}

/** Collects the resources that types mention without introducing them. */
export class FreeResources {
  readonly found = new Set<ResourceId>();
  private readonly seen = new Set<object>();
  private readonly effort: Effort;

  constructor(effort: Effort) {
    this.effort = effort;
  }

  extern(extern: ExternType | DefinedType): void {
    switch (extern.kind) {
      case 'module':
        return;
      case 'resource':
        this.found.add(extern.resource);
        return;
      case 'type':
        this.extern(extern.type);
        return;
      case 'value':
        this.val(extern.type);
        return;
      case 'func':
        this.func(extern.type);
        return;
      case 'instance':
        if (this.isNew(extern.type)) this.closed(extern.type.exports.values(), extern.type.resources);
        return;
      case 'component': {
        const { imports, exports, importedResources, definedResources } = extern.type;
        if (this.isNew(extern.type)) this.closed([...imports.values(), ...exports.values()], [...importedResources, ...definedResources]);
      }
    }
  }

  /** What a type that binds resources mentions. No other type mentions those that it binds, so they can be taken out again. */
  private closed(externs: Iterable<ExternType>, bound: readonly ResourceId[]): void {
    for (const extern of externs) {
      this.effort.spend(1);
      this.extern(extern);
    }
    for (const resource of bound) this.found.delete(resource);
  }

  private func(type: FuncType): void {
    if (!this.isNew(type)) return;
    this.effort.spend(type.params.length);
    for (const param of type.params) this.val(param.type);
    if (type.result !== undefined) this.val(type.result);
  }

  private val(type: ValType): void {
    if (!this.isNew(type)) return;
    if (type.kind === 'own' || type.kind === 'borrow') {
      this.found.add(type.resource);
      return;
    }
    const parts = children(type);
    this.effort.spend(parts.length);
    for (const part of parts) this.val(part);
  }

  private isNew(type: object): boolean {
    if (this.seen.has(type)) return false;
    this.effort.spend(1);
    this.seen.add(type);
    return true;
  }
}
