/** Where an instruction of a rewritten module stood in the original, so that backtraces and debug information speak of the same places. */
import { Reader } from '../binary/reader.ts';
import { ByteWriter } from './byte-writer.ts';

export const ORIGINS_SECTION = 'tenon.origins';

/** Growth is written as a number above zero. */
const BIAS = 64;

/** Writes, function by function, where its body stands and by how much it has grown at which places. */
export class OriginWriter {
  private readonly writer = new ByteWriter(4096);
  private functions = 0;
  private before = 0;
  private after = 0;

  /**
   * @param original offset of the body in the original module
   * @param rewritten offset of the body among the bodies of the rewritten one
   * @param changes how many places have changed
   */
  begin(original: number, rewritten: number, changes: number): void {
    this.functions++;
    this.writer.leb(original - this.before);
    this.writer.leb(rewritten - this.after);
    this.writer.leb(changes);
    this.before = original;
    this.after = rewritten;
  }

  /** @param offset in the original body, from the last change on */
  change(offset: number, growth: number): void {
    this.writer.leb(offset);
    this.writer.leb(growth + BIAS);
  }

  /** @param bodies where the first body stands in the rewritten module, and how many functions come before it */
  written(bodies: number, imported: number): Uint8Array {
    const section = new ByteWriter(this.writer.length + 20);
    section.leb(bodies);
    section.leb(imported);
    section.leb(this.functions);
    section.list(this.writer.written());
    return section.written();
  }
}

interface Body {
  readonly original: number;
  readonly rewritten: number;
  /** Pairs of an offset in the original body and the growth there. */
  readonly changes: readonly number[];
}

export class Origins {
  private readonly bodies: readonly Body[];
  private readonly imported: number;

  constructor(section: Uint8Array) {
    const reader = new Reader(section);
    const start = reader.u32();
    this.imported = reader.u32();
    const bodies: Body[] = [];
    let original = 0;
    let rewritten = start;
    for (let left = reader.u32(); left > 0; left--) {
      original += reader.u32();
      rewritten += reader.u32();
      const changes: number[] = [];
      let offset = 0;
      for (let count = reader.u32(); count > 0; count--) {
        offset += reader.u32();
        changes.push(offset, reader.u32() - BIAS);
      }
      bodies.push({ original, rewritten, changes });
    }
    this.bodies = bodies;
  }

  /**
   * @param func the index of the function
   * @param offset into the rewritten module
   * @returns the offset into the original; undefined when it is not in that function
   */
  originalOffset(func: number, offset: number): number | undefined {
    const body = this.bodies[func - this.imported];
    const next = this.bodies[func - this.imported + 1];
    if (body === undefined || offset < body.rewritten || (next !== undefined && offset >= next.rewritten)) return undefined;
    const place = offset - body.rewritten;
    let grown = 0;
    for (let i = 0; i < body.changes.length; i += 2) {
      const at = body.changes[i] as number;
      const growth = body.changes[i + 1] as number;
      if (place < at + grown) break;
      // In what was added, the instruction that it was added for.
      if (place < at + grown + Math.max(growth, 0)) return body.original + at;
      grown += growth;
    }
    return body.original + place - grown;
  }
}

const known = new WeakMap<WebAssembly.Module, Origins | undefined>();

function originsOf(module: WebAssembly.Module): Origins | undefined {
  if (!known.has(module)) {
    const [section] = WebAssembly.Module.customSections(module, ORIGINS_SECTION);
    known.set(module, section === undefined ? undefined : new Origins(new Uint8Array(section)));
  }
  return known.get(module);
}

const FRAME = /(wasm-function\[(\d+)\]:0x)([0-9a-f]+)/g;

/** Makes the frames of a backtrace speak of the original modules. A frame that could be of several of them stays. */
export function originalFrames(stack: string, modules: readonly WebAssembly.Module[]): string {
  return stack.replace(FRAME, (frame: string, before: string, func: string, offset: string) => {
    const found = new Set<number>();
    for (const module of modules) {
      const original = originsOf(module)?.originalOffset(Number(func), Number.parseInt(offset, 16));
      if (original !== undefined) found.add(original);
    }
    const [only] = found;
    return only === undefined || found.size > 1 ? frame : `${before}${only.toString(16)}`;
  });
}
