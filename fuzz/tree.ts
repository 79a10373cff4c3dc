/** A binary as a tree of sections and definitions, so that a mutation keeps the sizes around it right. */
import { type ComponentDefinition, decode } from '@tenon/component';
import { type Bytes, join, leb, readLeb, vec } from './bytes.ts';

export const COMPONENT_PREAMBLE: readonly number[] = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00];
export const MODULE_PREAMBLE: readonly number[] = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const PREAMBLE_BYTES = 8;
export const MODULE_SECTION = 1;
export const COMPONENT_SECTION = 4;

/** Nothing in it is changed once it is made: trees share their parts. */
export interface Tree {
  readonly kind: 'component' | 'module';
  readonly sections: readonly Section[];
}

export interface Section {
  readonly id: number;
  readonly body:
    | Tree
    | { readonly kind: 'raw'; readonly bytes: Uint8Array }
    | { readonly kind: 'items'; readonly items: readonly Uint8Array[] };
}

/** Definitions of one section; a tree of more would take the memory that is meant for the engine. */
const MAX_ITEMS = 20_000;

/** @throws Error when the bytes cannot be decoded, or hold too much; such an input is mutated as bytes only. */
export function parseTree(bytes: Uint8Array): Tree {
  const crowded = sectionsOf(bytes, 0, bytes.length).some(
    ({ id, start }) => id !== 0 && (readLeb(bytes, start)?.value ?? 0) > MAX_ITEMS && id !== MODULE_SECTION && id !== COMPONENT_SECTION,
  );
  if (crowded) throw new RangeError('too many definitions');
  return componentTree(bytes, decode(bytes));
}

function componentTree(bytes: Uint8Array, definition: ComponentDefinition): Tree {
  let next = 0;
  const sections = sectionsOf(bytes, definition.start, definition.end).map(({ id, start, end }): Section => {
    if (id === 0) return { id, body: { kind: 'raw', bytes: bytes.subarray(start, end) } };
    const starts: number[] = [];
    for (let item = definition.definitions[next]; item !== undefined && item.offset < end; item = definition.definitions[next]) {
      next++;
      if (item.kind === 'component') return { id, body: componentTree(bytes, item.component) };
      if (item.kind === 'core module') return { id, body: moduleTree(bytes, start, end) };
      if (item.kind === 'start') return { id, body: { kind: 'raw', bytes: bytes.subarray(start, end) } };
      starts.push(item.offset);
    }
    return { id, body: { kind: 'items', items: starts.map((from, i) => bytes.subarray(from, starts[i + 1] ?? end)) } };
  });
  return { kind: 'component', sections };
}

function moduleTree(bytes: Uint8Array, start: number, end: number): Tree {
  const sections = sectionsOf(bytes, start, end).map(
    ({ id, start: from, end: to }): Section => ({ id, body: { kind: 'raw', bytes: bytes.subarray(from, to) } }),
  );
  return { kind: 'module', sections };
}

/** Stops where the bytes are no sections: a core module was not checked yet. */
function sectionsOf(bytes: Uint8Array, from: number, to: number): { readonly id: number; readonly start: number; readonly end: number }[] {
  const sections = [];
  for (let at = from + PREAMBLE_BYTES; at < to; ) {
    const id = bytes[at] as number;
    const size = readLeb(bytes, at + 1);
    if (size === undefined || size.end + size.value > to) break;
    at = size.end + size.value;
    sections.push({ id, start: size.end, end: at });
  }
  return sections;
}

/** The bytes of a tree, its preamble included. */
export function serialise(tree: Tree): Bytes {
  const parts: ArrayLike<number>[] = [tree.kind === 'component' ? COMPONENT_PREAMBLE : MODULE_PREAMBLE];
  for (const { id, body } of tree.sections) {
    const content = bodyBytes(body);
    parts.push([id, ...leb(content.length)], content);
  }
  return join(parts);
}

function bodyBytes(body: Section['body']): Uint8Array {
  switch (body.kind) {
    case 'raw':
      return body.bytes;
    case 'items':
      return vec(body.items);
    default:
      return serialise(body);
  }
}
