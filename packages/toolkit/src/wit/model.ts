/**
 * A component's imports and exports as a world of interfaces with named types. A named type is what an import or export of a type made,
 * in its interface, under its name; where another interface uses it, it is the same type.
 */
import {
  children,
  type DefinedType,
  type ExternDescription,
  type ExternType,
  type FuncType,
  type InstanceType,
  labelOf,
  originOf,
  type ResourceName,
  resourceNameOf,
  type ValType,
} from '@tenon/component';
import { isNominal, type Name, nameIn } from '../compose/walk.ts';
import { parseResourceFunction, type ResourceFunction } from '../names.ts';

/** A function of a resource, as `[method]stream.read` names it. */
export interface ResourceMember extends ResourceFunction {
  readonly type: FuncType;
}

/** An interface may be imported and exported, with types of their own. */
export type Side = 'import' | 'export';

export type NamedType = { readonly name: string } & (
  | { readonly kind: 'value'; readonly type: ValType }
  | { readonly kind: 'resource'; readonly members: readonly ResourceMember[] }
  /** Another name of a type of the same scope. */
  | { readonly kind: 'alias'; readonly of: string }
  /** A type of another interface; the world itself is ''. */
  | { readonly kind: 'use'; readonly interface: string; readonly side: Side; readonly of: string; readonly type: Name }
  /** The same where the other interface has no path to use it by: its definition has to be repeated. */
  | { readonly kind: 'copy'; readonly interface: string; readonly of: string; readonly type: Name }
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
  /** Types of interfaces that the world's own functions mention and the world does not name. */
  readonly uses: readonly NamedType[];
  /** Names of types within the world itself, on the importing and on the exporting side. */
  readonly names: TypeNames;
}

/** The names that types have within one scope. */
export class TypeNames {
  private readonly names = new Map<object, string>();
  private readonly taken = new Set<string>();

  /** The name of a type; undefined for types that are written out. */
  value(type: ValType): string | undefined {
    return this.names.get(type);
  }

  resource(handle: Extract<ValType, { kind: 'own' | 'borrow' }>): string {
    const name = resourceNameOf(handle);
    return this.names.get(name) ?? labelOf(name) ?? 'resource';
  }

  has(type: Name): boolean {
    return this.names.has(type);
  }

  get(type: Name): string | undefined {
    return this.names.get(type);
  }

  add(type: Name, name: string): void {
    this.taken.add(name);
    if (!this.names.has(type)) this.names.set(type, name);
  }

  /** Keeps a name from being given to something else. */
  take(name: string): void {
    this.taken.add(name);
  }

  /** Adds a type under a name like `wanted` that is free. */
  addLike(type: Name, wanted: string): string {
    let name = wanted;
    for (let n = 1; this.taken.has(name); n++) name = `${wanted}${n}`;
    this.add(type, name);
    return name;
  }
}

/** Where a named type was introduced. */
interface Home {
  /** The name of the interface; '' is the world. */
  readonly interface: string;
  readonly side: Side;
  readonly name: string;
}

/** Names of types that are known so far, over one component or package. */
export class Homes {
  private readonly homes = new Map<object, Home>();
  private readonly canUse: (iface: string) => boolean;

  /** @param canUse whether others can use types of an interface of that name */
  constructor(canUse: (iface: string) => boolean) {
    this.canUse = canUse;
  }

  get(type: Name): Home | undefined {
    return this.homes.get(type);
  }

  note(type: Name, home: Home): void {
    if (!this.homes.has(type)) this.homes.set(type, home);
  }

  /** What `name` is in another scope than its home. */
  reference(name: string, type: Name, home: Home): NamedType {
    const { interface: iface, side, name: of } = home;
    return this.canUse(iface)
      ? { kind: 'use', name, interface: iface, side, of, type }
      : { kind: 'copy', name, interface: iface, of, type };
  }
}

/** Arranges the imports and exports of a component, or of a world in a package, as a world. */
export function describeWorld(imports: readonly ExternDescription[], exports: readonly ExternDescription[], homes: Homes): World {
  const builder = new ScopeBuilder('', homes);
  const members = membersByResource(new Map([...imports, ...exports].map((item) => [item.name, item.type])));
  for (const { name, type } of [...imports, ...exports]) if (type.kind !== 'type') builder.names.take(name);
  const items = (list: readonly ExternDescription[], side: Side): WorldItem[] =>
    list.flatMap(({ name, type }): WorldItem[] => {
      if (type.kind === 'instance') return [{ kind: 'interface', name, scope: describeInterface(name, side, type.type, homes) }];
      if (type.kind === 'func') return parseResourceFunction(name) === undefined ? [{ kind: 'func', name, type: type.type }] : [];
      if (type.kind !== 'type') return [{ kind: 'other', name, sort: type.kind }];
      const named = builder.addType(name, side, type.type, members);
      return named === undefined ? [{ kind: 'other', name, sort: `${type.type.kind} type` }] : [{ kind: 'type', name, type: named }];
    });
  const world = { imports: items(imports, 'import'), exports: items(exports, 'export') };
  // Only now: a function may come before the type that it mentions.
  for (const { type } of [...imports, ...exports]) if (type.kind === 'func') builder.mention(type.type);
  return { ...world, uses: builder.implicit, names: builder.names };
}

export function describeInterface(iface: string, side: Side, instance: InstanceType, homes: Homes): Scope {
  const builder = new ScopeBuilder(iface, homes);
  const members = membersByResource(instance.exports);
  const types: NamedType[] = [];
  const functions: { name: string; type: FuncType }[] = [];
  for (const name of instance.exports.keys()) builder.names.take(name);
  for (const [name, type] of instance.exports) {
    if (type.kind === 'func' && parseResourceFunction(name) === undefined) functions.push({ name, type: type.type });
    if (type.kind !== 'type') continue;
    const named = builder.addType(name, side, type.type, members);
    if (named !== undefined) types.push(named);
  }
  for (const type of instance.exports.values()) if (type.kind === 'func') builder.mention(type.type);
  return { types: [...builder.implicit, ...types], functions, names: builder.names };
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

class ScopeBuilder {
  readonly names = new TypeNames();
  /** Types of other scopes that are mentioned here without a name of their own. */
  readonly implicit: NamedType[] = [];
  private readonly scope: string;
  private readonly homes: Homes;
  private readonly seen = new Set<object>();

  constructor(scope: string, homes: Homes) {
    this.scope = scope;
    this.homes = homes;
  }

  /** A type that is imported or exported by name. */
  addType(name: string, side: Side, defined: DefinedType, members: ReadonlyMap<string, readonly ResourceMember[]>): NamedType | undefined {
    const type = nameIn({ kind: 'type', type: defined });
    if (type === undefined) return undefined;
    const known = this.knownAs(type);
    const named = known === undefined ? this.define(name, type, members) : this.refer(name, type, members, known);
    this.names.add(type, name);
    this.homes.note(type, { interface: this.scope, side, name });
    return named;
  }

  /** The nearest name that it was made from, if there is one; a component may also export one and the same type again. */
  private knownAs(type: Name): Name | undefined {
    for (let at: Name | undefined = type; at !== undefined; at = originOf(at)) {
      if (this.names.has(at) || this.homes.get(at) !== undefined) return at;
    }
    return undefined;
  }

  private refer(name: string, type: Name, members: ReadonlyMap<string, readonly ResourceMember[]>, known: Name): NamedType {
    const local = this.names.get(known);
    if (local !== undefined) return { kind: 'alias', name, of: local };
    const home = this.homes.get(known);
    if (home === undefined) return this.define(name, type, members);
    // An interface that is both imported and exported is one: it may define on one side what it defines on the other.
    if (home.interface === this.scope) {
      return home.name === name ? this.define(name, type, members) : { kind: 'alias', name, of: home.name };
    }
    const reference = this.homes.reference(name, known, home);
    if (reference.kind === 'copy') this.mentionParts(known);
    return reference;
  }

  private define(name: string, type: Name, members: ReadonlyMap<string, readonly ResourceMember[]>): NamedType {
    if (type.kind === 'resource') return { kind: 'resource', name, members: members.get(name) ?? [] };
    this.mentionParts(type);
    return { kind: 'value', name, type };
  }

  /** Sees to it that what a signature mentions has a name here. */
  mention(func: FuncType): void {
    for (const param of func.params) this.mentionValue(param.type);
    if (func.result !== undefined) this.mentionValue(func.result);
  }

  private mentionValue(type: ValType): void {
    if (this.names.has(type) || this.isSeen(type)) return;
    if (this.use(type)) return;
    this.mentionParts(type);
  }

  private mentionParts(type: Name): void {
    if (type.kind === 'resource') return;
    if (type.kind === 'own' || type.kind === 'borrow') this.mentionResource(resourceNameOf(type));
    else for (const part of children(type)) this.mentionValue(part);
  }

  private mentionResource(name: ResourceName): void {
    if (!this.names.has(name) && !this.isSeen(name)) this.use(name);
  }

  private isSeen(type: object): boolean {
    if (this.seen.has(type)) return true;
    this.seen.add(type);
    return false;
  }

  /** Names a type of another scope, or one that no scope names although it has to have a name. */
  private use(type: Name): boolean {
    const home = this.homes.get(type);
    if (home !== undefined) {
      const local = this.names.addLike(type, home.name);
      const reference = this.homes.reference(local, type, home);
      this.implicit.push(reference);
      if (reference.kind === 'copy') this.mentionParts(type);
      return true;
    }
    if (type.kind !== 'resource' && !isNominal(type)) return false;
    const local = this.names.addLike(type, labelOf(type) ?? (type.kind === 'resource' ? 'handle' : `a-${type.kind}`));
    this.implicit.push(type.kind === 'resource' ? { kind: 'resource', name: local, members: [] } : { kind: 'value', name: local, type });
    this.mentionParts(type);
    return true;
  }
}
