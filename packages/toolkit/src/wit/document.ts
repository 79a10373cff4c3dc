/**
 * What there is to print: a component has one world, a package in binary form has interfaces and worlds of its own. In both, interfaces of
 * other packages come along.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/WIT.md#package-format
 */
import type { ComponentType, ExternDescription, ExternType } from '@tenon/component';
import { parseInterfaceName } from '../names.ts';
import { describeInterface, describeWorld, Homes, type Scope, type World, type WorldItem } from './model.ts';

/** An interface, or what is known of it: one that a component imports and exports has two scopes. */
export interface Interface {
  readonly name: string;
  readonly scopes: Scope[];
}

export interface Document {
  /** `namespace:name@version` */
  readonly package: string;
  readonly interfaces: readonly Interface[];
  readonly worlds: readonly { readonly name: string; readonly world: World }[];
  /** Interfaces of other packages, by package. */
  readonly others: ReadonlyMap<string, readonly Interface[]>;
}

export interface Externs {
  readonly imports: readonly ExternDescription[];
  readonly exports: readonly ExternDescription[];
}

/** Types can be used from interfaces that have a path. */
const newHomes = (): Homes => new Homes((iface) => parseInterfaceName(iface) !== undefined);

export function describeDocument(component: Externs): Document {
  const document = new DocumentBuilder();
  const members = packageMembers(component);
  if (members === undefined) {
    const world = describeWorld(component.imports, component.exports, newHomes());
    document.addAll(world);
    return { package: 'root:component', interfaces: [], worlds: [{ name: 'root', world }], others: document.packages };
  }
  const [first] = members;
  const name = first === undefined ? '' : packageOf(first.path);
  for (const { path, type, component: inner } of members) {
    const homes = newHomes();
    for (const [dependency, item] of inner.imports) {
      if (item.kind === 'instance') document.add(dependency, describeInterface(dependency, 'import', item.type, homes), true);
    }
    if (type.kind === 'instance') document.add(path, describeInterface(path, 'export', type.type, homes), false);
    else document.addWorld(path, describeWorld(list(type.type.imports), list(type.type.exports), homes));
  }
  const others = new Map(document.packages);
  others.delete(name);
  return { package: name, interfaces: document.packages.get(name) ?? [], worlds: document.worlds, others };
}

interface PackageMember {
  /** `namespace:package/name@version` of the interface or world. */
  readonly path: string;
  readonly type: Extract<ExternType, { kind: 'instance' | 'component' }>;
  readonly component: ComponentType;
}

/** The interfaces and worlds of a package in binary form: each is a component type that exports nothing else. */
function packageMembers({ imports, exports }: Externs): PackageMember[] | undefined {
  if (imports.length > 0 || exports.length === 0) return undefined;
  const members: PackageMember[] = [];
  for (const { type } of exports) {
    if (type.kind !== 'type' || type.type.kind !== 'component') return undefined;
    const [only, another] = type.type.type.exports;
    if (only === undefined || another !== undefined) return undefined;
    const [path, item] = only;
    if ((item.kind !== 'instance' && item.kind !== 'component') || parseInterfaceName(path) === undefined) return undefined;
    members.push({ path, type: item, component: type.type.type });
  }
  return members;
}

const list = (externs: ReadonlyMap<string, ExternType>): ExternDescription[] => [...externs].map(([name, type]) => ({ name, type }));

class DocumentBuilder {
  readonly packages = new Map<string, Interface[]>();
  readonly worlds: { readonly name: string; readonly world: World }[] = [];
  private readonly partial = new Map<Interface, Scope[]>();

  /** @param isUse whether it may be only what somebody uses of the interface */
  add(path: string, scope: Scope, isUse: boolean): void {
    const parsed = parseInterfaceName(path);
    if (parsed === undefined) return;
    const key = packageOf(path);
    const interfaces = this.packages.get(key) ?? [];
    this.packages.set(key, interfaces);
    let found = interfaces.find(({ name }) => name === parsed.interface);
    if (found === undefined) {
      found = { name: parsed.interface, scopes: [] };
      interfaces.push(found);
    }
    if (isUse) {
      this.partial.set(found, [...(this.partial.get(found) ?? []), scope]);
      found.scopes.push(scope);
    } else {
      // The whole interface decides in which order things stand.
      const uses = this.partial.get(found) ?? [];
      const whole = found.scopes.filter((each) => !uses.includes(each));
      found.scopes.splice(0, found.scopes.length, ...whole, scope, ...uses);
    }
  }

  addAll({ imports, exports }: World): void {
    for (const item of [...imports, ...exports]) if (isInterface(item)) this.add(item.name, item.scope, false);
  }

  addWorld(path: string, world: World): void {
    for (const item of [...world.imports, ...world.exports]) if (isInterface(item)) this.add(item.name, item.scope, true);
    this.worlds.push({ name: parseInterfaceName(path)?.interface ?? path, world });
  }
}

const isInterface = (item: WorldItem): item is WorldItem & { kind: 'interface' } => item.kind === 'interface';

/** `wasi:io@0.2.0` of `wasi:io/streams@0.2.0`. */
export function packageOf(path: string): string {
  const parsed = parseInterfaceName(path);
  if (parsed === undefined) return '';
  return `${parsed.namespace}:${parsed.package}${parsed.version === undefined ? '' : `@${parsed.version}`}`;
}
