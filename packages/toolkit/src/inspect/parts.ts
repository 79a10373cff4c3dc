/** The tree of parts of a component: nested components and core modules, with their sizes. */
import type { ComponentDefinition } from '@tenon/component';
import { coreCustomSections, type Producer, readComponentNames, readModuleName, readProducers } from './binary.ts';

export interface PartInfo {
  readonly kind: 'component' | 'core module';
  readonly name: string | undefined;
  /** Index in its index space, as the binary counts. */
  readonly index: number;
  /** Byte offset in the file. */
  readonly offset: number;
  /** Size in bytes. */
  readonly size: number;
  readonly producers: readonly Producer[];
  readonly parts: readonly PartInfo[];
}

/** @param bytes the whole file that `definition` was decoded from */
export function partTree(bytes: Uint8Array, definition: ComponentDefinition, name?: string, index = 0): PartInfo {
  const section = (wanted: string): { readonly start: number; readonly end: number } | undefined =>
    definition.customSections.find((custom) => custom.name === wanted);
  const nameSection = section('component-name');
  const names = nameSection === undefined ? undefined : readComponentNames(bytes, nameSection.start, nameSection.end);
  const producers = section('producers');
  const parts: PartInfo[] = [];
  const counts = { components: 0, modules: 0 };
  for (const item of definition.definitions) {
    if (item.kind === 'component') {
      parts.push(partTree(bytes, item.component, names?.components.get(counts.components), counts.components));
      counts.components++;
    } else if (item.kind === 'core module') {
      parts.push(modulePart(bytes, item.start, item.end, names?.modules.get(counts.modules), counts.modules));
      counts.modules++;
    } else if (item.kind === 'alias') {
      // Aliases fill the same index spaces.
      if (item.alias.sort === 'component') counts.components++;
      if (item.alias.sort === 'core module') counts.modules++;
    } else if (item.kind === 'import') {
      if (item.type.kind === 'component') counts.components++;
      if (item.type.kind === 'module') counts.modules++;
    }
  }
  return {
    kind: 'component',
    name: name ?? names?.self,
    index,
    offset: definition.start,
    size: definition.end - definition.start,
    producers: producers === undefined ? [] : readProducers(bytes, producers.start, producers.end),
    parts,
  };
}

function modulePart(bytes: Uint8Array, start: number, end: number, given: string | undefined, index: number): PartInfo {
  const sections = coreCustomSections(bytes, start, end);
  const name = sections.get('name');
  const producers = sections.get('producers');
  return {
    kind: 'core module',
    name: given ?? (name === undefined ? undefined : readModuleName(bytes, name.start, name.end)),
    index,
    offset: start,
    size: end - start,
    producers: producers === undefined ? [] : readProducers(bytes, producers.start, producers.end),
    parts: [],
  };
}
