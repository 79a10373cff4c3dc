/** Mutations: of sections and definitions, of the numbers and names in them, and of bytes as such. */
import { type Bytes, concat, leb, readLeb, replace } from './bytes.ts';
import type { Random } from './random.ts';
import { COMPONENT_SECTION, parseTree, type Section, serialise, type Tree } from './tree.ts';

/** The tree of an input; undefined when it cannot be decoded. Made anew each time: kept, all trees would fill the heap. */
function treeOf(bytes: Bytes): Tree | undefined {
  try {
    return parseTree(bytes);
  } catch {
    return undefined;
  }
}

const MAX_ROUNDS = 6;
/** Mostly one: of several mistakes only the first is seen. */
const rounds = (random: Random): number => 1 + random.below(random.below(MAX_ROUNDS) + 1);

/** An input made of one or two of the corpus. @param limit the bytes that it may have */
export function mutant(random: Random, corpus: readonly Bytes[], limit: number): Bytes {
  let bytes = random.pick(corpus);
  let tree = random.oneIn(8) ? undefined : treeOf(bytes);
  if (tree !== undefined) {
    for (let left = rounds(random); left > 0; left--) tree = mutateSomewhere(random, tree, corpus);
    bytes = serialise(tree);
    if (!random.oneIn(5)) return bytes.subarray(0, limit);
  }
  for (let left = rounds(random); left > 0; left--) bytes = mutateBytes(random, bytes, random.pick(corpus));
  return bytes.subarray(0, limit);
}

/** Walks down to a component or module, each as likely as what it holds. */
function mutateSomewhere(random: Random, tree: Tree, corpus: readonly Bytes[]): Tree {
  const inner = tree.sections.flatMap(({ body }, i) => (body.kind === 'component' || body.kind === 'module' ? [i] : []));
  if (inner.length > 0 && random.oneIn(2)) {
    const index = random.pick(inner);
    const { id, body } = tree.sections[index] as Section & { readonly body: Tree };
    // Almost all that the engine reads of a module is its types, and a changed module is seldom a valid one.
    if (body.kind === 'component' || random.oneIn(4)) {
      return { ...tree, sections: tree.sections.with(index, { id, body: mutateSomewhere(random, body, corpus) }) };
    }
  }
  return tree.kind === 'component' && random.oneIn(3) ? mutateSections(random, tree, corpus) : mutateItems(random, tree, corpus);
}

function mutateSections(random: Random, tree: Tree, corpus: readonly Bytes[]): Tree {
  const sections = [...tree.sections];
  const at = random.below(sections.length);
  const change = random.below(8);
  const other = change >= 3 && change <= 5 ? treeOf(random.pick(corpus)) : undefined;
  const foreign = other === undefined || other.sections.length === 0 ? undefined : random.pick(other.sections);
  switch (change) {
    case 0:
      return { ...tree, sections: sections.toSpliced(at, 1) };
    case 1: {
      const section = sections[at];
      return section === undefined ? tree : { ...tree, sections: sections.toSpliced(random.below(sections.length + 1), 0, section) };
    }
    case 2: {
      const [section] = sections.splice(at, 1);
      return section === undefined ? tree : { ...tree, sections: sections.toSpliced(random.below(sections.length + 1), 0, section) };
    }
    case 3:
      return foreign === undefined ? tree : { ...tree, sections: sections.toSpliced(at, 0, foreign) };
    case 4:
      return foreign === undefined ? tree : { ...tree, sections: sections.toSpliced(at, 1, foreign) };
    case 5:
      // The whole of another component inside of this one, before everything that could refer to it.
      return other === undefined ? tree : { ...tree, sections: [{ id: COMPONENT_SECTION, body: other }, ...sections] };
    case 6:
      return wrap(tree, random.below(3));
    default:
      return { ...tree, sections: sections.slice(0, at) };
  }
}

/** A component that has `tree` as its only part, and instances of it. */
function wrap(tree: Tree, instances: number): Tree {
  const part: Section = { id: COMPONENT_SECTION, body: tree };
  if (instances === 0) return { kind: 'component', sections: [part] };
  const items = Array.from({ length: instances }, () => Uint8Array.of(0x00, 0x00, 0x00));
  return { kind: 'component', sections: [part, { id: 5, body: { kind: 'items', items } }] };
}

function mutateItems(random: Random, tree: Tree, corpus: readonly Bytes[]): Tree {
  const editable = tree.sections.flatMap(({ id, body }, i) => (isEditable(tree, id, body) ? [i] : []));
  if (editable.length === 0) return tree;
  const index = random.pick(editable);
  const { id, body } = tree.sections[index] as Section;
  const put = (changed: Section['body']): Tree => ({ ...tree, sections: tree.sections.with(index, { id, body: changed }) });
  if (body.kind === 'raw') return put({ kind: 'raw', bytes: edit(random, body.bytes, body.bytes) });
  if (body.kind !== 'items') return tree;
  const { items } = body;
  const at = random.below(items.length);
  const item = items[at];
  if (item === undefined) return tree;
  switch (random.below(10)) {
    case 0:
      return put({ kind: 'items', items: items.toSpliced(at, 1) });
    case 1:
      return put({ kind: 'items', items: items.toSpliced(random.below(items.length + 1), 0, item) });
    case 2: {
      const times = 2 ** random.below(10);
      return put({ kind: 'items', items: [...items.slice(0, at), ...new Array<Uint8Array>(times).fill(item), ...items.slice(at)] });
    }
    case 3: {
      const donor = random.pick(items);
      return put({ kind: 'items', items: items.with(at, donor) });
    }
    case 4: {
      const foreign = treeOf(random.pick(corpus))?.sections.find((section) => section.id === id)?.body;
      if (foreign?.kind !== 'items' || foreign.items.length === 0) return tree;
      return put({ kind: 'items', items: items.toSpliced(at, random.below(2), random.pick(foreign.items)) });
    }
    default:
      return put({ kind: 'items', items: items.with(at, edit(random, item, random.pick(items))) });
  }
}

/** Of a core module the code and data are V8's alone. */
function isEditable(tree: Tree, id: number, body: Section['body']): boolean {
  if (body.kind === 'items') return body.items.length > 0;
  if (body.kind !== 'raw') return false;
  return tree.kind === 'component' || (id !== 10 && id !== 11 && id !== 0);
}

const NAMES = [
  'a',
  'a-b',
  'A',
  'a-B',
  '',
  'constructor',
  '__proto__',
  'then',
  '[constructor]a',
  '[method]a.b',
  '[static]a.b',
  'a:b/c',
  'a:b/c@1.0.0',
];
const ODD_NAMES = [
  'a:b/c@1.0.0-rc+x',
  'a@',
  '1a',
  'a--b',
  'ä',
  '\u{1f600}',
  'unlocked-dep=<a:b>',
  'url=<>',
  'integrity=<sha256-x>',
  '[async]a',
  '\0',
  'a:b:c/d/e',
];
const NUMBERS = [
  0,
  1,
  2,
  3,
  4,
  15,
  16,
  17,
  31,
  32,
  33,
  127,
  128,
  255,
  1000,
  10_000,
  100_000,
  1_000_000,
  2 ** 28,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 53,
];

/** Changes a number, a name or a byte of one definition; its length may change. */
function edit(random: Random, item: Uint8Array, donor: Uint8Array): Bytes {
  const at = random.below(item.length);
  switch (random.below(8)) {
    case 0:
      return replace(item, at, at + 1, [random.below(256)]);
    case 1:
      return replace(item, at, at, [random.below(256)]);
    case 2:
      return replace(item, at, at + 1, []);
    case 3: {
      const from = random.below(donor.length);
      const to = from + random.below(donor.length - from + 1);
      return replace(item, at, at + random.below(3), donor.subarray(from, to));
    }
    case 4:
    case 5:
      return editName(random, item, at) ?? editNumber(random, item, at);
    default:
      return editNumber(random, item, at);
  }
}

function editNumber(random: Random, item: Uint8Array, at: number): Bytes {
  const found = readLeb(item, at);
  if (found === undefined) return concat(item);
  const near = Math.max(0, found.value + random.below(5) - 2);
  const value = random.oneIn(3) ? random.pick(NUMBERS) : near;
  return replace(item, at, found.end, leb(value, random.oneIn(10) ? random.below(6) : 0));
}

/** Looks for the next name: a length and as many bytes of text. */
function editName(random: Random, item: Uint8Array, from: number): Bytes | undefined {
  for (let at = from; at < item.length - 1; at++) {
    const length = item[at] as number;
    const text = item.subarray(at + 1, at + 1 + length);
    if (length < 1 || length > 100 || text.length < length || !text.every((byte) => byte >= 0x20 && byte < 0x7f)) continue;
    const changed = changeName(random, text);
    return replace(item, at, at + 1 + length, [...leb(changed.length), ...changed]);
  }
  return undefined;
}

function changeName(random: Random, text: Uint8Array): Uint8Array {
  const encode = (name: string): Uint8Array => new TextEncoder().encode(name);
  const at = random.below(text.length);
  switch (random.below(6)) {
    case 0:
      return encode(random.pick(NAMES));
    case 1:
      return encode(random.pick(ODD_NAMES));
    case 2:
      return replace(text, at, at + 1, [random.below(256)]);
    case 3:
      return replace(text, at, at, encode(random.pick(['-', '.', ':', '/', '@', '1', '[', 'A', '=', ' '])));
    case 4:
      return text.map((byte) => (byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte));
    default:
      return concat(text, text);
  }
}

/** Where mutations of bytes hit: all of a small input, mostly the head and tail of a large one. */
function position(random: Random, bytes: Uint8Array): number {
  if (bytes.length < 4096 || random.oneIn(2)) return random.below(bytes.length);
  return random.oneIn(2) ? random.below(4096) : bytes.length - 1 - random.below(4096);
}

function mutateBytes(random: Random, bytes: Bytes, other: Uint8Array): Bytes {
  const at = position(random, bytes);
  switch (random.below(9)) {
    case 0:
      return replace(bytes, at, at + 1, [(bytes[at] ?? 0) ^ (1 << random.below(8))]);
    case 1:
      return replace(bytes, at, at + 1, [random.below(256)]);
    case 2:
      return bytes.slice(0, at);
    case 3:
      return concat(bytes.subarray(0, at), other.subarray(position(random, other)));
    case 4:
      return editNumber(random, bytes, at);
    case 5:
      // A size or count that is far more than there are bytes.
      return replace(
        bytes,
        at,
        at + 1,
        random.pick([
          [0xff, 0xff, 0xff, 0xff, 0x0f],
          [0xff, 0xff, 0xff, 0x7f],
          [0xff, 0xff, 0x03],
          [0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
        ]),
      );
    case 6: {
      const end = at + random.below(Math.min(256, bytes.length - at));
      return replace(bytes, at, end, []);
    }
    case 7: {
      const end = at + random.below(Math.min(256, bytes.length - at));
      return replace(bytes, at, at, bytes.subarray(at, end));
    }
    default:
      return replace(
        bytes,
        at,
        at,
        Array.from({ length: 1 + random.below(8) }, () => random.below(256)),
      );
  }
}
