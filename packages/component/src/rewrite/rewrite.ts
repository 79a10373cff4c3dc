/**
 * Rewrites a core module so that it can be interrupted, bounded and reset.
 *
 * Function entries and loop headers load a word of a shared memory and call a hook when it is set. No index of the original changes: what is
 * added comes last in each index space. For memories, of which the clock's is imported, that means that those which the module defines
 * become imports, which the engine makes. `memory.grow`, `memory.size`, `table.grow`, atomic waits and large arrays go through functions
 * that ask the engine. The start function is exported and left for the engine to call.
 */
import { Reader } from '../binary/reader.ts';
import { Added, clockLoad } from './added.ts';
import { ByteWriter, leb, lebLength } from './byte-writer.ts';
import { CodeMetadata, isCodeMetadata } from './hints.ts';
import { LAYOUT_SECTION, type Layout, NAMES, REWRITE_VERSION } from './layout.ts';
import { ORIGINS_SECTION, OriginWriter } from './origins.ts';
import { BodyScanner, CHANGE, Unreadable, type Uses } from './scan.ts';
import { readShape, SECTION, type Section, type Shape, type Value } from './shape.ts';

/** Globals and tables that are recorded: more than programs have, so that no bytes can ask for millions. */
const MAX_STATE = 10_000;

/** Sections that a module cannot bring. */
const OWN: ReadonlySet<string> = new Set([LAYOUT_SECTION, ORIGINS_SECTION]);

/** Where sections of each id stand; those that are not there are made at their place. */
const ORDER: readonly number[] = [
  SECTION.type, SECTION.import, SECTION.function, SECTION.table, SECTION.memory, SECTION.tag, SECTION.global, SECTION.export, SECTION.start,
  SECTION.element, SECTION.dataCount, SECTION.code, SECTION.data,
]; // biome-ignore format: one list

/**
 * @param module a core module; whether it is valid is V8's to say, of the original
 * @throws UnknownInstruction; Unreadable or ComponentError for what is no valid module
 */
export function rewrite(module: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Rewriter(module).rewrite();
}

/** Why instances of a module cannot be made as new. @throws as {@link rewrite} */
export function remakeReasons(module: Uint8Array): readonly string[] {
  return new Rewriter(module).remakeReasons();
}

/** As {@link rewrite}, for code of this engine: only loops are checked, and what has none stays as it is. */
export function rewriteLoops(module: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const rewriter = new Rewriter(module, false);
  const bytes = rewriter.rewrite();
  return rewriter.checks === 0 ? module : bytes;
}

class Rewriter {
  /** How many checks went in. */
  checks = 0;
  private readonly bytes: Uint8Array;
  private readonly shape: Shape;
  private readonly added: Added;
  private readonly metadata: CodeMetadata;
  private readonly origins = new OriginWriter();
  /** Where the first body stands in what is written. */
  private bodiesAt = 0;
  private readonly clock: readonly number[];
  private readonly check: Uint8Array;
  private readonly namespace: string;
  private readonly prefix: string;
  private readonly uses: Uses = {
    tablesChanged: new Set(),
    dataDropped: new Set(),
    dataUsed: new Set(),
    elemDropped: new Set(),
    elemUsed: new Set(),
  };

  private readonly entries: boolean;

  /** @param entries whether function entries are checked too */
  constructor(bytes: Uint8Array, entries = true) {
    this.entries = entries;
    this.bytes = bytes;
    this.shape = readShape(bytes);
    this.clock = clockLoad(this.shape.memories.length);
    this.added = new Added(this.shape, this.clock);
    // A loop inside, though one round is enough: V8 peels innermost loops, and forgets there what the hints say.
    const again = [0x03, 0x40, 0x10, ...leb(this.added.interrupt), ...this.clock, 0x0d, 0, 0x0b];
    this.check = Uint8Array.of(...this.clock, 0x04, 0x40, ...again, 0x0b);
    this.metadata = new CodeMetadata(bytes, this.shape);
    this.namespace = unused('tenon', (name) => this.shape.importModules.has(name));
    this.prefix = unused('tenon:', (prefix) => this.shape.exportNames.some((name) => name.startsWith(prefix)));
  }

  rewrite(): Uint8Array<ArrayBuffer> {
    const { added, bytes, shape } = this;
    const bodies = this.bodies();
    const remake = this.remake();
    // What is made anew is not recorded.
    const state = remake.length === 0 && added.addState(this.uses.tablesChanged);
    const layout: Layout = {
      version: REWRITE_VERSION,
      memories: shape.memories.map(({ imported, limits }, index) => ({
        min: Number(limits.min),
        max: limits.max === undefined ? undefined : Number(limits.max),
        shared: limits.shared,
        index64: limits.index64,
        module: imported?.[0] ?? this.namespace,
        name: imported?.[1] ?? String(index),
        own: imported === undefined,
      })),
      namespace: this.namespace,
      prefix: this.prefix,
      tableElements: Number(shape.tables.reduce((sum, { imported, min }) => (imported ? sum : sum + min), 0n)),
      constantArrayBytes: Number.isFinite(shape.constantArrayBytes) ? shape.constantArrayBytes : null,
      start: shape.start !== undefined,
      state,
      remake,
    };
    const output = new ByteWriter(bytes.length - this.codeBytes() + bodies.length + 16 * this.checks + 65_536);
    output.range(bytes, 0, 8);
    const { sections } = shape;
    let done = 0;
    for (const id of ORDER) {
      const found = sections.findIndex((section, index) => index >= done && section.id === id);
      if (found >= 0) for (; done < found; done++) this.custom(output, sections[done] as Section);
      const section = found < 0 ? undefined : sections[found];
      this.section(output, id, section, bodies);
      if (found >= 0) done = found + 1;
    }
    for (; done < sections.length; done++) this.custom(output, sections[done] as Section);
    const text = new TextEncoder().encode(JSON.stringify(layout));
    customSection(output, ORIGINS_SECTION, this.origins.written(this.bodiesAt, shape.importedFunctions));
    customSection(output, LAYOUT_SECTION, text);
    return output.written();
  }

  private codeBytes(): number {
    const code = this.shape.sections.find(({ id }) => id === SECTION.code);
    return code === undefined ? 0 : code.end - code.start;
  }

  /** Sections between those that have a place. A module cannot bring a layout of its own. */
  private custom(output: ByteWriter, section: Section): void {
    if (section.id !== SECTION.custom || OWN.has(section.name) || isCodeMetadata(section)) return;
    output.range(this.bytes, section.header, section.end);
  }

  private section(output: ByteWriter, id: number, section: Section | undefined, bodies: ByteWriter): void {
    const { added } = this;
    switch (id) {
      case SECTION.type:
        this.extend(output, id, section, added.types);
        break;
      case SECTION.import:
        this.extend(output, id, section, this.addedImports());
        break;
      case SECTION.function:
        this.extend(
          output,
          id,
          section,
          added.functions.map(({ type }) => leb(type)),
        );
        break;
      case SECTION.table:
        this.extend(output, id, section, added.tables);
        break;
      case SECTION.global:
        this.extend(output, id, section, added.globals);
        break;
      case SECTION.export:
        this.extend(
          output,
          id,
          section,
          added.exports.map(({ index, kind, name }) => [...nameBytes(`${this.prefix}${name}`), kind, ...leb(index)]),
        );
        break;
      case SECTION.memory:
      case SECTION.start:
        break;
      case SECTION.code:
        this.code(output, section, bodies);
        break;
      default:
        if (section !== undefined) output.range(this.bytes, section.header, section.end);
    }
  }

  private code(output: ByteWriter, section: Section | undefined, bodies: ByteWriter): void {
    const { added, bytes } = this;
    for (const { content, name } of this.metadata.sections()) customSection(output, name, content);
    const more = added.functions.flatMap(({ body }) => [...leb(body.length), ...body]);
    const count = added.functions.length + (section === undefined ? 0 : new Reader(bytes, section.start, section.end).u32());
    output.byte(SECTION.code);
    output.leb(lebLength(count) + bodies.length + more.length);
    output.leb(count);
    this.bodiesAt = output.length;
    output.list(bodies.written());
    output.list(more);
  }

  /** A section that is a list, with more items at its end. */
  private extend(output: ByteWriter, id: number, section: Section | undefined, items: readonly (readonly number[])[]): void {
    if (items.length === 0) {
      if (section !== undefined) output.range(this.bytes, section.header, section.end);
      return;
    }
    const more = items.flat();
    let count = 0;
    let start = 0;
    let end = 0;
    if (section !== undefined) {
      const reader = new Reader(this.bytes, section.start, section.end);
      count = reader.u32();
      start = reader.position;
      end = section.end;
    }
    const total = count + items.length;
    output.byte(id);
    output.leb(lebLength(total) + end - start + more.length);
    output.leb(total);
    output.range(this.bytes, start, end);
    output.list(more);
  }

  /** The memories that the module defined, then the clock's. */
  private addedImports(): number[][] {
    const module = nameBytes(this.namespace);
    const imports: number[][] = [];
    for (const [index, { imported, limits }] of this.shape.memories.entries()) {
      if (imported !== undefined) continue;
      const { index64, max, min, pageSizeLog2, shared } = limits;
      const flags = (max === undefined ? 0 : 1) | (shared ? 2 : 0) | (index64 ? 4 : 0) | (pageSizeLog2 === undefined ? 0 : 8);
      const sizes = [...leb(min), ...(max === undefined ? [] : leb(max)), ...(pageSizeLog2 === undefined ? [] : leb(pageSizeLog2))];
      imports.push([...module, ...nameBytes(String(index)), 2, flags, ...sizes]);
    }
    imports.push([...module, ...nameBytes(NAMES.clock), 2, 3, 1, 1]);
    return imports;
  }

  /** The bodies of the original functions, changed. */
  private bodies(): ByteWriter {
    const { bytes, shape } = this;
    const section = shape.sections.find(({ id }) => id === SECTION.code);
    const writer = new ByteWriter(section === undefined ? 0 : Math.ceil(1.2 * (section.end - section.start)) + 1024);
    if (section === undefined) return writer;
    const reader = new Reader(bytes, section.start, section.end);
    const scanner = new BodyScanner(bytes, this.added, this.uses);
    const count = reader.u32();
    for (let i = 0; i < count; i++) {
      const size = reader.u32();
      const start = reader.skip(size);
      scanner.scan(start, reader.position);
      if (!this.entries) scanner.kinds[0] = CHANGE.none;
      this.writeBody(writer, scanner, start, reader.position, shape.importedFunctions + i);
    }
    if (reader.left > 0) throw new Unreadable();
    return writer;
  }

  private writeBody(writer: ByteWriter, changes: BodyScanner, start: number, end: number, index: number): void {
    const { bytes, check } = this;
    const { ends, helpers, kinds, starts } = changes;
    let size = end - start;
    for (let i = 0; i < starts.length; i++) {
      const kind = kinds[i] as number;
      if (kind === CHANGE.check) size += check.length;
      else if (kind > 0) size += 1 + lebLength(helpers[i] as number) - ((ends[i] as number) - (starts[i] as number));
    }
    writer.leb(size);
    const base = writer.length;
    const unlikely: number[] = [];
    let from = start;
    let changed = start;
    this.origins.begin(
      start,
      base,
      kinds.reduce((count, kind) => (kind === CHANGE.none ? count : count + 1), 0),
    );
    for (let i = 0; i < starts.length; i++) {
      const kind = kinds[i] as number;
      if (kind === CHANGE.none) continue;
      const at = starts[i] as number;
      writer.range(bytes, from, at);
      const { length } = writer;
      if (kind === CHANGE.check) {
        this.checks++;
        unlikely.push(writer.length - base + this.clock.length);
        writer.list(check);
      } else {
        writer.byte(0x10);
        writer.leb(helpers[i] as number);
      }
      from = ends[i] as number;
      this.origins.change(at - changed, writer.length - length - (from - at));
      changed = at;
    }
    writer.range(bytes, from, end);
    this.metadata.function(index, (offset) => offset + this.growth(changes, start + offset), unlikely);
  }

  /** How many bytes more stand before the instruction at `offset` of the original. */
  private growth({ ends, helpers, kinds, starts }: BodyScanner, offset: number): number {
    let growth = 0;
    for (let i = 0; i < starts.length; i++) {
      const kind = kinds[i] as number;
      const end = ends[i] as number;
      const start = starts[i] as number;
      if (start > offset || (start === offset && end > start)) break;
      if (kind === CHANGE.check) growth += this.check.length;
      else if (kind > 0) growth += 1 + lebLength(helpers[i] as number) - (end - start);
    }
    return growth;
  }

  remakeReasons(): readonly string[] {
    this.bodies();
    return this.remake();
  }

  /** Why an instance cannot be made as new by putting back memories, globals and tables. */
  private remake(): string[] {
    const { shape, uses } = this;
    const reasons: string[] = [];
    const both = (a: ReadonlySet<number>, b: ReadonlySet<number>): number | undefined => [...a].find((index) => b.has(index));
    const data = both(uses.dataDropped, uses.dataUsed);
    if (data !== undefined) reasons.push(`data segment ${data} is used and dropped`);
    const element = both(uses.elemDropped, uses.elemUsed);
    if (element !== undefined) reasons.push(`element segment ${element} is used and dropped`);
    const table = [...uses.tablesChanged].find(
      (index) => shape.tables[index] !== undefined && shape.tables[index].element.bytes[0] === 0x64,
    );
    if (table !== undefined) reasons.push(`table ${table} changes and holds references that are never null`);
    const state = shape.globals.filter(({ imported, mutable }) => mutable && !imported).length + uses.tablesChanged.size;
    if (state > MAX_STATE) reasons.push(`it has ${state} globals and tables that change`);
    if (shape.mutableObjects && holdsObjects(shape)) reasons.push('globals or tables can hold objects that change');
    return reasons;
  }
}

function holdsObjects({ constantObjects, globals, objectTypes, tables }: Shape): boolean {
  const leadsToObjects = ({ text }: Value): boolean => {
    const concrete = /\$(\d+)/.exec(text);
    if (concrete !== null) return objectTypes.has(Number(concrete[1]));
    return text.startsWith('(ref') && !/\b(func|nofunc|i31|none|noextern|noexn)\)$/.test(text);
  };
  return constantObjects || globals.some(({ type }) => leadsToObjects(type)) || tables.some(({ element }) => leadsToObjects(element));
}

function unused(base: string, taken: (name: string) => boolean): string {
  let name = base;
  while (taken(name)) name += '_';
  return name;
}

function nameBytes(text: string): number[] {
  const bytes = new TextEncoder().encode(text);
  return [...leb(bytes.length), ...bytes];
}

function customSection(output: ByteWriter, name: string, content: Uint8Array): void {
  const named = nameBytes(name);
  output.byte(SECTION.custom);
  output.leb(named.length + content.length);
  output.list(named);
  output.list(content);
}
