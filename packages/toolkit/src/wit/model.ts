/**
 * A component's imports and exports as a world of interfaces with named types.
 * Types in a binary have structure but no identity of their own; their names are the type exports of the interface they are used in.
 */
import type { ExternDescription, ExternType, FuncType, InstanceType, ResourceId, ValType } from '@tenon/component';
import { typeKey } from '../compose/type-key.ts';
import { parseResourceFunction, type ResourceFunction } from '../names.ts';

/** A function of a resource, as `[method]stream.read` names it. */
export interface ResourceMember extends ResourceFunction {
  readonly type: FuncType;
}

export type NamedType = { readonly name: string } & (
  | { readonly kind: 'value'; readonly type: ValType }
  | { readonly kind: 'resource'; readonly members: readonly ResourceMember[] }
  /** Another name of a type of the same scope. */
  | { readonly kind: 'alias'; readonly of: string }
  | { readonly kind: 'use'; readonly interface: string; readonly of: string }
);

/** The types and functions of an interface, or those that stand in the world itself. */
export interface Scope {
  readonly types: readonly NamedType[];
  readonly functions: readonly { readonly name: string; readonly type: FuncType }[];
  readonly names: TypeNames;
}

/** An import or export of the world. */
export type WorldItem = { readonly name: string } & (
  | { readonly kind: 'interface'; readonly scope: Scope }
  | { readonly kind: 'func'; readonly type: FuncType }
  | { readonly kind: 'type'; readonly type: NamedType }
  /** Components, modules and values: WIT has no form for them. */
  | { readonly kind: 'other'; readonly sort: string }
);

export interface World {
  readonly imports: readonly WorldItem[];
  readonly exports: readonly WorldItem[];
  /** Names that the world's own functions use, on the importing and on the exporting side. */
  readonly names: TypeNames;
}

const NOMINAL: ReadonlySet<ValType['kind']> = new Set(['record', 'variant', 'enum', 'flags']);

/** Whether a type has to have a name to be used. */
export function isNominal(type: ValType): boolean {
  return NOMINAL.has(type.kind);
}

/** The names that types have within one scope. */
export class TypeNames {
  private readonly values = new Map<string, string>();
  private readonly resources = new Map<ResourceId, string>();

  /** The name of a record, variant, enum or flags type; undefined for types that are written out. */
  value(type: ValType): string | undefined {
    return isNominal(type) ? this.values.get(typeKey(type)) : undefined;
  }

  resource(resource: ResourceId): string {
    return this.resources.get(resource) ?? 'resource';
  }

  hasResource(resource: ResourceId): boolean {
    return this.resources.has(resource);
  }

  addValue(type: ValType, name: string): void {
    if (isNominal(type) && !this.values.has(typeKey(type))) this.values.set(typeKey(type), name);
  }

  addResource(resource: ResourceId, name: string): void {
    if (!this.resources.has(resource)) this.resources.set(resource, name);
  }
}

/** Where types were introduced first: other interfaces `use` them from there. */
class Homes {
  private readonly resources = new Map<ResourceId, { readonly interface: string; readonly name: string }>();
  private readonly values = new Map<string, string>();

  resource(resource: ResourceId): { readonly interface: string; readonly name: string } | undefined {
    return this.resources.get(resource);
  }

  value(type: ValType, name: string): string | undefined {
    return isNominal(type) ? this.values.get(`${name}\n${typeKey(type)}`) : undefined;
  }

  note(iface: string, name: string, type: ExternType): void {
    if (type.kind !== 'type') return;
    if (type.type.kind === 'resource') {
      if (!this.resources.has(type.type.resource)) this.resources.set(type.type.resource, { interface: iface, name });
    } else if (type.type.kind === 'value' && isNominal(type.type.type)) {
      const key = `${name}\n${typeKey(type.type.type)}`;
      if (!this.values.has(key)) this.values.set(key, iface);
    }
  }
}

/** Arranges the imports and exports of a component as a world. */
export function describeWorld(imports: readonly ExternDescription[], exports: readonly ExternDescription[]): World {
  const names = new TypeNames();
  const homes = new Homes();
  const worldResources = membersByResource(new Map([...imports, ...exports].map((item) => [item.name, item.type])));
  const items = (list: readonly ExternDescription[]): WorldItem[] =>
    list.flatMap(({ name, type }): WorldItem[] => {
      if (type.kind === 'instance') return [{ kind: 'interface', name, scope: describeInterface(name, type.type, homes) }];
      if (type.kind === 'func') return parseResourceFunction(name) === undefined ? [{ kind: 'func', name, type: type.type }] : [];
      if (type.kind !== 'type') return [{ kind: 'other', name, sort: type.kind }];
      const named = describeType('', name, type, names, homes, worldResources);
      return named === undefined ? [{ kind: 'other', name, sort: `${type.type.kind} type` }] : [{ kind: 'type', name, type: named }];
    });
  return { imports: items(imports), exports: items(exports), names };
}

function describeInterface(iface: string, instance: InstanceType, homes: Homes): Scope {
  const names = new TypeNames();
  const members = membersByResource(instance.exports);
  const types: NamedType[] = [];
  const functions: { name: string; type: FuncType }[] = [];
  for (const [name, type] of instance.exports) {
    if (type.kind === 'func' && parseResourceFunction(name) === undefined) functions.push({ name, type: type.type });
    if (type.kind !== 'type') continue;
    const named = describeType(iface, name, type, names, homes, members);
    if (named !== undefined) types.push(named);
  }
  return { types, functions, names };
}

function membersByResource(exports: ReadonlyMap<string, ExternType>): ReadonlyMap<string, readonly ResourceMember[]> {
  const members = new Map<string, ResourceMember[]>();
  for (const [name, type] of exports) {
    const parsed = type.kind === 'func' ? parseResourceFunction(name) : undefined;
    if (parsed === undefined || type.kind !== 'func') continue;
    const list = members.get(parsed.resource) ?? [];
    members.set(parsed.resource, list);
    list.push({ ...parsed, type: type.type });
  }
  return members;
}

function describeType(
  iface: string,
  name: string,
  type: ExternType & { kind: 'type' },
  names: TypeNames,
  homes: Homes,
  members: ReadonlyMap<string, readonly ResourceMember[]>,
): NamedType | undefined {
  if (type.type.kind === 'resource') {
    const { resource } = type.type;
    const local = names.hasResource(resource) ? names.resource(resource) : undefined;
    const home = homes.resource(resource);
    names.addResource(resource, name);
    homes.note(iface, name, type);
    if (local !== undefined) return { kind: 'alias', name, of: local };
    if (home !== undefined && home.interface !== iface) return { kind: 'use', name, interface: home.interface, of: home.name };
    return { kind: 'resource', name, members: members.get(name) ?? [] };
  }
  if (type.type.kind !== 'value') return undefined;
  const value = type.type.type;
  const local = names.value(value);
  const home = homes.value(value, name);
  names.addValue(value, name);
  homes.note(iface, name, type);
  if (local !== undefined) return { kind: 'alias', name, of: local };
  if (home !== undefined && home !== iface) return { kind: 'use', name, interface: home, of: name };
  return { kind: 'value', name, type: value };
}
