/** What there is to know about a component without running it, as plain data. */
import type { Component, ExternDescription } from '@tenon/component';
import { describeWorld, Homes, type TypeNames, type WorldItem } from '../wit/model.ts';
import { funcText } from '../wit/reference.ts';
import type { Producer } from './binary.ts';
import { type Capability, capabilities } from './capabilities.ts';
import { type PartInfo, partTree } from './parts.ts';

/** An import or export. */
export interface ExternInfo {
  readonly name: string;
  readonly kind: string;
  /** The signature of a function. */
  readonly signature?: string;
  /** The functions of an interface. */
  readonly functions?: readonly { readonly name: string; readonly signature: string }[];
}

export interface Inspection {
  /** Size of the file in bytes. */
  readonly size: number;
  readonly imports: readonly ExternInfo[];
  readonly exports: readonly ExternInfo[];
  readonly capabilities: readonly Capability[];
  /** Why instances cannot be made as new by a reset, and are remade; empty where they can. */
  readonly remade: readonly string[];
  /** Tools that made the component or a part of it. */
  readonly producers: readonly Producer[];
  /** The component itself, with its nested parts. */
  readonly tree: PartInfo;
}

/** @param bytes the file that `component` was compiled from */
export function inspect(bytes: Uint8Array, component: Component): Inspection {
  const world = describeWorld(component.imports, component.exports, new Homes(() => true));
  const tree = partTree(bytes, component.definition);
  return {
    size: bytes.length,
    imports: component.imports.map((item) => describeExtern(item, namesOf(item, world.imports) ?? world.names)),
    exports: component.exports.map((item) => describeExtern(item, namesOf(item, world.exports) ?? world.names)),
    capabilities: capabilities(component.imports),
    remade: component.remakeReasons(),
    producers: collectProducers(tree),
    tree,
  };
}

function collectProducers(part: PartInfo): Producer[] {
  const found = new Map<string, Producer>();
  const visit = (item: PartInfo): void => {
    for (const producer of item.producers) found.set(`${producer.field}\n${producer.name}\n${producer.version}`, producer);
    item.parts.forEach(visit);
  };
  visit(part);
  return [...found.values()].sort((a, b) => a.field.localeCompare(b.field));
}

function namesOf({ name }: ExternDescription, items: readonly WorldItem[]): TypeNames | undefined {
  const item = items.find((candidate) => candidate.name === name);
  return item?.kind === 'interface' ? item.scope.names : undefined;
}

function describeExtern({ name, type }: ExternDescription, names: TypeNames): ExternInfo {
  if (type.kind === 'func') return { name, kind: 'func', signature: funcText(type.type, names) };
  if (type.kind === 'type') return { name, kind: type.type.kind === 'resource' ? 'resource' : 'type' };
  if (type.kind !== 'instance') return { name, kind: type.kind };
  const functions = [...type.type.exports].flatMap(([item, itemType]) =>
    itemType.kind === 'func' ? [{ name: item, signature: funcText(itemType.type, names) }] : [],
  );
  return { name, kind: 'interface', functions };
}
