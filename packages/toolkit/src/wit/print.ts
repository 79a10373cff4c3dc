/**
 * Prints the world of a component, or a package in binary form, and the interfaces that it mentions as WIT.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/WIT.md
 */
import { type CustomSection, type ResourceName, type ValType, visible } from '@tenon/component';
import { parseInterfaceName } from '../names.ts';
import { Docs } from './docs.ts';
import { describeDocument, type Externs, type Interface, packageOf } from './document.ts';
import type { NamedType, ResourceMember, Scope, TypeNames, World, WorldItem } from './model.ts';
import { funcText, id, paramsText, structureText, valueText } from './reference.ts';

/** A component, or anything that has the imports and exports of one; documentation is in its custom sections. */
export interface Printable extends Externs {
  readonly definition?: { readonly customSections: readonly CustomSection[] };
}

/**
 * Prints the WIT of a component: its world, then the interfaces by package. Of a package in binary form: its interfaces and worlds.
 * @param bytes the binary, for the documentation in it
 */
export function printWit(component: Printable, bytes?: Uint8Array): string {
  const document = describeDocument(component);
  const docs = bytes === undefined ? Docs.none : Docs.read(component.definition?.customSections ?? [], bytes);
  const lines = [...docs.lines(), `package ${packageText(document.package)};`];
  for (const each of document.interfaces) lines.push('', ...interfaceText(each, document.package, docs.at('interfaces', each.name)));
  for (const { name, world } of document.worlds) {
    lines.push('', ...worldText(name, world, document.package, docs.at('worlds', name)));
  }
  for (const [name, interfaces] of document.others) {
    lines.push('', `package ${packageText(name)} {`);
    for (const [i, each] of interfaces.entries()) {
      if (i > 0) lines.push('');
      lines.push(...indented(interfaceText(each, name, Docs.none)));
    }
    lines.push('}');
  }
  return `${lines.join('\n')}\n`;
}

const indented = (lines: readonly string[]): string[] => lines.map((line) => (line === '' ? '' : `  ${line}`));

/** `namespace:name@version`, with keywords marked. */
function packageText(name: string): string {
  const match = /^(.+):([^:@]+)(@.+)?$/.exec(name);
  if (match === null) return visible(name);
  const [, namespace = '', pkg = '', version = ''] = match;
  return `${namespace.split(':').map(id).join(':')}:${id(pkg)}${visible(version)}`;
}

/** `wasi:io/streams@0.2.0`, with keywords marked; other names as they are. */
function interfacePath(name: string): string {
  const parsed = parseInterfaceName(name);
  if (parsed === undefined) return visible(name);
  const version = parsed.version === undefined ? '' : `@${visible(parsed.version)}`;
  return `${parsed.namespace.split(':').map(id).join(':')}:${id(parsed.package)}/${parsed.interface.split('/').map(id).join('/')}${version}`;
}

/** A path as it is written in the package `home`: siblings need only their name. */
function pathFrom(name: string, home: string): string {
  const parsed = parseInterfaceName(name);
  return parsed !== undefined && packageOf(name) === home ? id(parsed.interface) : interfacePath(name);
}

function worldText(name: string, world: World, home: string, docs: Docs): string[] {
  const uses = world.uses.flatMap((type) => (type.kind === 'use' ? [] : typeText(type, world.names, home, Docs.none)));
  const exported = new Set(world.exports);
  const own = [...world.imports, ...world.exports].flatMap((item) =>
    worldItem(exported.has(item) ? 'export' : 'import', item, world, home, docs),
  );
  return [...docs.lines(), `world ${id(name)} {`, ...indented([...useLines(world.uses, home, Docs.none), ...uses, ...own]), '}'];
}

function worldItem(direction: 'import' | 'export', item: WorldItem, world: World, home: string, docs: Docs): string[] {
  switch (item.kind) {
    case 'interface': {
      if (parseInterfaceName(item.name) !== undefined) {
        return [...docs.declaration(direction, item.name), `${direction} ${pathFrom(item.name, home)};`];
      }
      const inner = docs.at(direction === 'import' ? 'interfaces' : 'interface_exports', item.name);
      return [...inner.lines(), ...scopeText(`${direction} ${id(item.name)}: interface`, [item.scope], home, inner)];
    }
    case 'func': {
      const inner = docs.at(direction === 'import' ? 'funcs' : 'func_exports', item.name);
      return [...inner.lines(), `${direction} ${id(item.name)}: ${funcText(item.type, world.names)};`];
    }
    case 'type':
      if (direction === 'import') return typeText(item.type, world.names, home, docs);
      // A world cannot export a type by itself. What it exports again is there already; what it makes is said where it has to be.
      if (item.type.kind === 'alias' && item.type.of === item.name) return [];
      return ['// This is exported.', ...typeText(item.type, world.names, home, docs)];
    case 'other':
      return [`// ${direction} ${visible(item.name)}: ${item.sort}`];
  }
}

function interfaceText({ name, scopes }: Interface, home: string, docs: Docs): string[] {
  return [...docs.lines(), ...scopeText(`interface ${id(name)}`, scopes, home, docs)];
}

/** @param home the package that it stands in */
function scopeText(head: string, scopes: readonly Scope[], home: string, docs: Docs): string[] {
  const blocks: string[][] = [];
  const seen = new Set<string>();
  const isNew = (name: string): boolean => !seen.has(name) && seen.add(name) !== undefined;
  for (const { types, functions, names } of scopes) {
    const added = types.filter((type) => isNew(type.name));
    const uses = useLines(added, home, docs);
    if (uses.length > 0) blocks.push(uses);
    for (const type of added) {
      if (type.kind === 'resource') blocks.push(resourceText(type.name, scopes, docs));
      else if (type.kind !== 'use') blocks.push(typeText(type, names, home, docs));
    }
    for (const func of functions) {
      if (isNew(func.name)) blocks.push(docs.at('funcs', func.name).before([`${id(func.name)}: ${funcText(func.type, names)};`]));
    }
  }
  const lines = [`${head} {`];
  for (const [i, block] of blocks.entries()) {
    if (i > 0) lines.push('');
    for (const line of block) lines.push(line === '' ? '' : `  ${line}`);
  }
  lines.push('}');
  return lines;
}

/** One line for each interface that types are used from, in order of appearance; what is gated or documented stands by itself. */
function useLines(types: readonly NamedType[], home: string, docs: Docs): string[] {
  const groups = new Map<string, { readonly iface: string; readonly before: readonly string[]; readonly items: string[] }>();
  for (const type of types) {
    if (type.kind !== 'use') continue;
    const before = docs.at('types', type.name).lines();
    const key = [type.interface, ...before].join('\n');
    const group = groups.get(key) ?? { iface: type.interface, before, items: [] };
    groups.set(key, group);
    group.items.push(type.of === type.name ? id(type.name) : `${id(type.of)} as ${id(type.name)}`);
  }
  return [...groups.values()].flatMap(({ iface, before, items }) => [...before, `use ${pathFrom(iface, home)}.{${items.join(', ')}};`]);
}

function typeText(type: NamedType, names: TypeNames, home: string, docs: Docs): string[] {
  const name = id(type.name);
  const own = docs.at('types', type.name);
  switch (type.kind) {
    case 'alias':
      return own.before([`type ${name} = ${id(type.of)};`]);
    case 'use':
      return useLines([type], home, docs);
    case 'copy':
      return [copyNote(type.interface, type.of), ...copyText(name, type.type, names)];
    case 'resource':
      return resourceText(type.name, [{ types: [type], functions: [], names }], docs);
    case 'value':
      return own.before(valueDefinition(name, type.type, names, own));
  }
}

function copyNote(iface: string, of: string): string {
  const where = iface === '' ? 'the world' : `\`${visible(iface)}\``;
  return `// This is \`${visible(of)}\` of ${where}, which WIT cannot use from there.`;
}

function copyText(name: string, type: ValType | ResourceName, names: TypeNames): string[] {
  return type.kind === 'resource' ? [`resource ${name};`] : valueDefinition(name, type, names, Docs.none);
}

/** @param scopes where it stands: one may know functions of it that another does not */
function resourceText(name: string, scopes: readonly Scope[], docs: Docs): string[] {
  const seen = new Set<string>();
  const lines: string[] = [];
  for (const { types, names } of scopes) {
    const type = types.find((each) => each.kind === 'resource' && each.name === name);
    if (type?.kind !== 'resource') continue;
    for (const member of type.members) {
      if (scopes.length === 1 && docs.isEmpty) {
        lines.push(memberText(member, names));
        continue;
      }
      const key = memberName(member);
      if (!seen.has(key)) lines.push(...docs.at('funcs', key).before([memberText(member, names)]));
      seen.add(key);
    }
  }
  const body = lines.length === 0 ? [`resource ${id(name)};`] : block(`resource ${id(name)}`, lines);
  return docs.at('types', name).before(body);
}

const memberName = (member: ResourceMember): string =>
  member.kind === 'constructor' ? `[constructor]${member.resource}` : `[${member.kind}]${member.resource}.${member.func}`;

function memberText(member: ResourceMember, names: TypeNames): string {
  if (member.kind === 'static') return `${id(member.func)}: static ${funcText(member.type, names)};`;
  if (member.kind === 'method') return `${id(member.func)}: ${funcText({ ...member.type, params: member.type.params.slice(1) }, names)};`;
  const fallible = member.type.result?.kind === 'result' ? ` -> ${valueText(member.type.result, names)}` : '';
  return `constructor(${paramsText(member.type, names)})${fallible};`;
}

function valueDefinition(name: string, type: ValType, names: TypeNames, docs: Docs): string[] {
  const items = (list: readonly { readonly name: string; readonly text: string }[]): string[] =>
    docs.isEmpty ? list.map((item) => `${item.text},`) : list.flatMap((item) => docs.at('items', item.name).before([`${item.text},`]));
  switch (type.kind) {
    case 'record':
      return block(
        `record ${name}`,
        items(type.fields.map((field) => ({ name: field.name, text: `${id(field.name)}: ${valueText(field.type, names)}` }))),
      );
    case 'variant':
      return block(
        `variant ${name}`,
        items(
          type.cases.map((c) => ({
            name: c.name,
            text: c.type === undefined ? id(c.name) : `${id(c.name)}(${valueText(c.type, names)})`,
          })),
        ),
      );
    case 'flags':
    case 'enum':
      return block(`${type.kind} ${name}`, items(type.names.map((item) => ({ name: item, text: id(item) }))));
    default:
      return [`type ${name} = ${structureText(type, names)};`];
  }
}

function block(head: string, lines: readonly string[]): string[] {
  return [`${head} {`, ...indented(lines), '}'];
}
