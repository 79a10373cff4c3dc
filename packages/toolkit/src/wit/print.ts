/**
 * Prints a component's world and its interfaces as WIT.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/WIT.md
 */
import { type ExternDescription, type ValType, visible } from '@tenon/component';
import { parseInterfaceName } from '../names.ts';
import { describeWorld, type NamedType, type Scope, type TypeNames, type WorldItem } from './model.ts';
import { funcText, id, paramsText, valueText } from './reference.ts';

/**
 * Prints the WIT of a component: its world, then the interfaces by package.
 * @param component anything that has the imports and exports of a component
 */
export function printWit(component: {
  readonly imports: readonly ExternDescription[];
  readonly exports: readonly ExternDescription[];
}): string {
  const world = describeWorld(component.imports, component.exports);
  const lines = ['package root:component;', '', 'world root {'];
  const own = [
    ...world.imports.map((item) => worldItem('import', item, world.names)),
    ...world.exports.map((item) => worldItem('export', item, world.names)),
  ];
  lines.push(...own.flat().map((line) => (line === '' ? '' : `  ${line}`)), '}');
  for (const [name, interfaces] of packages([...world.imports, ...world.exports])) {
    lines.push('', `package ${name} {`);
    for (const [i, { name: iface, scope }] of interfaces.entries()) {
      if (i > 0) lines.push('');
      lines.push(...interfaceBody(`interface ${id(iface)}`, scope, name).map((line) => (line === '' ? '' : `  ${line}`)));
    }
    lines.push('}');
  }
  return `${lines.join('\n')}\n`;
}

/** Interfaces by `namespace:package@version`, in order of appearance; one that is imported and exported stands once. */
function packages(items: readonly WorldItem[]): Map<string, { readonly name: string; scope: Scope }[]> {
  const found = new Map<string, { readonly name: string; scope: Scope }[]>();
  for (const item of items) {
    const parsed = item.kind === 'interface' ? parseInterfaceName(item.name) : undefined;
    if (parsed === undefined || item.kind !== 'interface') continue;
    const name = packageName(parsed);
    const list = found.get(name) ?? [];
    found.set(name, list);
    const size = (scope: Scope): number => scope.types.length + scope.functions.length;
    const other = list.find((entry) => entry.name === parsed.interface);
    if (other === undefined) list.push({ name: parsed.interface, scope: item.scope });
    else if (size(item.scope) > size(other.scope)) other.scope = item.scope;
  }
  return found;
}

function packageName(name: { readonly namespace: string; readonly package: string; readonly version: string | undefined }): string {
  return `${id(name.namespace)}:${id(name.package)}${name.version === undefined ? '' : `@${name.version}`}`;
}

/** `wasi:io/streams@0.2.0`, with keywords marked; other names as they are. */
function interfacePath(name: string): string {
  const parsed = parseInterfaceName(name);
  if (parsed === undefined) return visible(name);
  const version = parsed.version === undefined ? '' : `@${parsed.version}`;
  return `${id(parsed.namespace)}:${id(parsed.package)}/${id(parsed.interface)}${version}`;
}

function worldItem(direction: 'import' | 'export', item: WorldItem, names: TypeNames): string[] {
  switch (item.kind) {
    case 'interface':
      if (parseInterfaceName(item.name) !== undefined) return [`${direction} ${interfacePath(item.name)};`];
      return interfaceBody(`${direction} ${id(item.name)}: interface`, item.scope, undefined);
    case 'func':
      return [`${direction} ${id(item.name)}: ${funcText(item.type, names)};`];
    case 'type':
      return direction === 'export' && item.type.kind === 'alias' && item.type.of === item.name
        ? []
        : typeDefinition(item.type, names, undefined);
    case 'other':
      return [`// ${direction} ${visible(item.name)}: ${item.sort}`];
  }
}

/** @param home the package that the interface stands in: uses of its siblings are short. */
function interfaceBody(head: string, scope: Scope, home: string | undefined): string[] {
  const lines: string[] = [];
  for (const [i, type] of scope.types.entries()) {
    if (i > 0 && !(type.kind === 'use' && scope.types[i - 1]?.kind === 'use')) lines.push('');
    lines.push(...typeDefinition(type, scope.names, home));
  }
  for (const func of scope.functions) {
    if (lines.length > 0) lines.push('');
    lines.push(`${id(func.name)}: ${funcText(func.type, scope.names)};`);
  }
  return [`${head} {`, ...lines.map((line) => (line === '' ? '' : `  ${line}`)), '}'];
}

function typeDefinition(type: NamedType, names: TypeNames, home: string | undefined): string[] {
  const name = id(type.name);
  switch (type.kind) {
    case 'alias':
      return [`type ${name} = ${id(type.of)};`];
    case 'use': {
      const item = type.of === type.name ? name : `${id(type.of)} as ${name}`;
      return [`use ${usePath(type.interface, home)}.{${item}};`];
    }
    case 'resource': {
      if (type.members.length === 0) return [`resource ${name};`];
      return [`resource ${name} {`, ...type.members.map((member) => `  ${memberText(member, names)}`), '}'];
    }
    case 'value':
      return valueDefinition(name, type.type, names);
  }
}

function usePath(iface: string, home: string | undefined): string {
  const parsed = parseInterfaceName(iface);
  return parsed !== undefined && packageName(parsed) === home ? id(parsed.interface) : interfacePath(iface);
}

function memberText(member: (NamedType & { kind: 'resource' })['members'][number], names: TypeNames): string {
  if (member.kind === 'static') return `${id(member.func)}: static ${funcText(member.type, names)};`;
  if (member.kind === 'method') return `${id(member.func)}: ${funcText({ ...member.type, params: member.type.params.slice(1) }, names)};`;
  const fallible = member.type.result?.kind === 'result' ? ` -> ${valueText(member.type.result, names)}` : '';
  return `constructor(${paramsText(member.type, names)})${fallible};`;
}

function valueDefinition(name: string, type: ValType, names: TypeNames): string[] {
  switch (type.kind) {
    case 'record':
      return block(
        `record ${name}`,
        type.fields.map((field) => `${id(field.name)}: ${valueText(field.type, names)}`),
      );
    case 'variant':
      return block(
        `variant ${name}`,
        type.cases.map((c) => (c.type === undefined ? id(c.name) : `${id(c.name)}(${valueText(c.type, names)})`)),
      );
    case 'flags':
    case 'enum':
      return block(`${type.kind} ${name}`, type.names.map(id));
    default:
      return [`type ${name} = ${valueText(type, names)};`];
  }
}

function block(head: string, items: readonly string[]): string[] {
  return [`${head} {`, ...items.map((item) => `  ${item},`), '}'];
}
