/** Composition: one component in which the exports of plugs satisfy the imports of a socket. */
import { Component, ComponentError, type ExternType } from '@tenon/component';
import { ToolkitError } from '../errors.ts';
import { ComponentWriter, type Item } from './encode.ts';
import { findExports } from './exporting.ts';
import { leftovers } from './leftover.ts';
import { matchExtern, mismatchText } from './match.ts';
import { Space } from './space.ts';
import { type Part, type Source, type Wire, type WiredPart, wire } from './wiring.ts';

export type { Part } from './wiring.ts';

/** What `compose` made. */
export interface Composition {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Imports that a plug satisfies. */
  readonly connections: readonly {
    readonly importer: string;
    readonly import: string;
    readonly exporter: string;
    readonly export: string;
  }[];
  /** Names that the composed component still imports. */
  readonly imports: readonly string[];
  readonly exports: readonly string[];
}

/**
 * Composes components. Plugs may use each other; what nothing satisfies stays an import, merged by version.
 * @param socket the component whose imports are satisfied and whose exports the result has, besides interfaces of plugs whose
 *   types those mention
 * @throws ToolkitError TENON_COMPOSE_NOTHING, TENON_COMPOSE_TYPE, TENON_COMPOSE_AMBIGUOUS, TENON_COMPOSE_CYCLE, TENON_COMPOSE_IMPORT
 * @example compose({ name: 'app', bytes, component }, [{ name: 'math', bytes: mathBytes, component: math }]).bytes
 */
export function compose(socket: Part, plugs: readonly Part[]): Composition {
  const parts = wire(socket, plugs);
  const space = new Space();
  const imports = leftovers(parts, space);
  for (const part of parts) checkWires(part, space);
  const exports = findExports(socket, plugs, imports, space);

  const writer = new ComponentWriter();
  const importItems = new Map<Part, Map<string, Item>>(parts.map(({ part }) => [part, new Map()]));
  for (const { name, type, members } of imports) {
    const item = writer.import(name, type);
    for (const member of members) importItems.get(member.part)?.set(member.name, item);
  }
  const instances = new Map<Part, Item>();
  const instanceOf = (part: Part): Item => {
    const instance = instances.get(part);
    if (instance === undefined) throw new Error(`internal error: ${part.name} is not instantiated yet`);
    return instance;
  };
  const sourceItem = ({ part, export: name, member }: Source, kind: ExternType['kind']): Item => {
    if (member === undefined) return writer.aliasExport(instanceOf(part), name, kind);
    return writer.aliasExport(writer.aliasExport(instanceOf(part), name, 'instance'), member, kind);
  };
  for (const { part, wires } of parts) {
    const component = writer.component(part.bytes, part.name);
    const args = wires.map(({ import: { name, type }, source }) => {
      const item = source === undefined ? importItems.get(part)?.get(name) : sourceItem(source, type.kind);
      if (item === undefined) throw new Error(`internal error: nothing stands for the import ${name}`);
      return { name, item };
    });
    instances.set(part, writer.instantiate(component, args));
  }
  for (const { part, name, type } of exports) writer.export(name, writer.aliasExport(instanceOf(part), name, type.kind), type);

  const bytes = writer.finish();
  validateResult(bytes);
  return {
    bytes,
    connections: parts.flatMap(({ part, wires }) => wires.flatMap((w) => connection(part, w))),
    imports: imports.map((item) => item.name),
    exports: exports.map((item) => item.name),
  };
}

function connection(part: Part, { import: item, source }: Wire): Composition['connections'] {
  if (source === undefined) return [];
  const { member } = source;
  const name = member === undefined ? source.export : `${source.export}.${member}`;
  return [{ importer: part.name, import: item.name, exporter: source.part.name, export: name }];
}

/** Checks each wired import by subtype; the resources and types that it introduces become those of the plug. */
function checkWires({ part, wires }: WiredPart, space: Space): void {
  const bindings = space.bindings(part);
  for (const { import: item, source } of wires) {
    if (source === undefined) continue;
    const exported = exportOf(source);
    if (exported === undefined) continue;
    const found = space.translate(source.part, exported);
    const mismatch = matchExtern(item.type, found, bindings, [item.name]);
    if (mismatch === undefined) {
      space.identify(part, item.type, found);
      continue;
    }
    throw new ToolkitError('TENON_COMPOSE_TYPE', [
      `\`${source.part.name}\` exports \`${source.export}\`, but not as \`${part.name}\` imports it`,
      `  ${mismatchText(mismatch)}`,
    ]);
  }
}

function exportOf({ part, export: name, member }: Source): ExternType | undefined {
  const type = part.component.exports.find((candidate) => candidate.name === name)?.type;
  return member === undefined || type?.kind !== 'instance' ? type : type.type.exports.get(member);
}

/** What the check by path leaves to the validator: module and component types, and anything it should have seen. */
function validateResult(bytes: Uint8Array<ArrayBuffer>): void {
  try {
    Component.validate(bytes);
  } catch (error) {
    if (!(error instanceof ComponentError)) throw error;
    throw new ToolkitError('TENON_COMPOSE_TYPE', `the parts do not fit together: ${error.message}`, error);
  }
}
