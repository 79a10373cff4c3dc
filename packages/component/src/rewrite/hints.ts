/**
 * Custom sections that say something about instructions by their place (`metadata.code.*`): they are kept, with the places that they have now.
 * https://github.com/WebAssembly/tool-conventions/blob/main/CodeMetadata.md
 */
import { Reader } from '../binary/reader.ts';
import { ByteWriter } from './byte-writer.ts';
import type { Section, Shape } from './shape.ts';

const PREFIX = 'metadata.code.';
export const BRANCH_HINTS = 'metadata.code.branch_hint';

interface Hint {
  /** From the beginning of the function's body. */
  readonly offset: number;
  readonly data: Uint8Array;
}

const UNLIKELY = Uint8Array.of(0);

/** What one section says, by function. */
class Hints {
  readonly name: string;
  private readonly given: Map<number, readonly Hint[]>;
  private readonly writer = new ByteWriter(1024);
  private functions = 0;

  constructor(name: string, given: Map<number, readonly Hint[]>) {
    this.name = name;
    this.given = given;
  }

  /**
   * Writes what is said of a function. Functions come in order.
   * @param added offsets of instructions that are unlikely to branch
   */
  function(index: number, moved: (offset: number) => number, added: readonly number[]): void {
    const given = this.given.get(index);
    const count = added.length + (given?.length ?? 0);
    if (count === 0) return;
    const { writer } = this;
    this.functions++;
    writer.leb(index);
    writer.leb(count);
    if (given === undefined) {
      for (const offset of added) this.hint(offset, UNLIKELY);
      return;
    }
    const hints = given
      .map(({ data, offset }) => ({ offset: moved(offset), data }))
      .concat(added.map((offset) => ({ offset, data: UNLIKELY })));
    hints.sort((a, b) => a.offset - b.offset);
    for (const { data, offset } of hints) this.hint(offset, data);
  }

  private hint(offset: number, data: Uint8Array): void {
    const { writer } = this;
    writer.leb(offset);
    writer.leb(data.length);
    writer.list(data);
  }

  /** Contents of the section, after its name. */
  written(): Uint8Array | undefined {
    if (this.functions === 0) return undefined;
    const section = new ByteWriter(this.writer.length + 5);
    section.leb(this.functions);
    section.list(this.writer.written());
    return section.written();
  }
}

export class CodeMetadata {
  private readonly branches: Hints;
  private readonly others: readonly Hints[];

  constructor(bytes: Uint8Array, { sections }: Shape) {
    const given = sections.filter((section) => section.name.startsWith(PREFIX));
    const read = (section: Section): Hints => new Hints(section.name, readHints(bytes, section));
    const branches = given.find(({ name }) => name === BRANCH_HINTS);
    this.branches = branches === undefined ? new Hints(BRANCH_HINTS, new Map()) : read(branches);
    this.others = given.filter(({ name }) => name !== BRANCH_HINTS).map(read);
  }

  function(index: number, moved: (offset: number) => number, unlikely: readonly number[]): void {
    this.branches.function(index, moved, unlikely);
    for (const hints of this.others) hints.function(index, moved, []);
  }

  sections(): { readonly name: string; readonly content: Uint8Array }[] {
    return [this.branches, ...this.others].flatMap((hints) => {
      const content = hints.written();
      return content === undefined ? [] : [{ name: hints.name, content }];
    });
  }
}

export const isCodeMetadata = ({ name }: Section): boolean => name.startsWith(PREFIX);

/** What cannot be read says nothing: these sections are advice. */
function readHints(bytes: Uint8Array, { body, end }: Section): Map<number, readonly Hint[]> {
  const functions = new Map<number, readonly Hint[]>();
  try {
    const reader = new Reader(bytes, body, end);
    for (let left = reader.u32(); left > 0; left--) {
      const index = reader.u32();
      const hints: Hint[] = [];
      for (let count = reader.u32(); count > 0; count--) {
        const offset = reader.u32();
        const size = reader.u32();
        const start = reader.skip(size);
        hints.push({ offset, data: bytes.subarray(start, start + size) });
      }
      functions.set(index, hints);
    }
  } catch {
    return new Map();
  }
  return functions;
}
