/**
 * Strings: for each pair of encodings the protocol of `realloc` calls that the specification lays down.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#storing
 */
import type { StringEncoding } from '../binary/definitions.ts';
import { checkAligned, checkBounds, checkLength, memoryOf, reallocate } from './memory.ts';
import type { Passage, SharedModule } from './module.ts';
import { fitsLatin1, inflate, type SourceEncoding, type TargetEncoding, transcoder } from './transcode.ts';
import { TRAP } from './traps.ts';
import { copyUtf8 } from './utf8.ts';
import { type Code, type Func, type Local, op } from './wasm-code.ts';

/** Set in the length of a `latin1+utf16` string that is UTF-16. */
const UTF16_TAG = 0x80000000;

/** `(pointer, length) -> (pointer, length)`: lifts a string from the one side and lowers it into the other. */
export function stringHelper(module: SharedModule, passage: Passage): Func {
  const name = `string ${passage.from.encoding} to ${passage.to.encoding}`;
  const body = (code: Code): void => new StringMove(module, passage, code).emit();
  return module.helper(name, { params: ['i32', 'i32'], results: ['i32', 'i32'] }, body, `string ${passage.key}`);
}

class StringMove {
  private readonly module: SharedModule;
  private readonly passage: Passage;
  private readonly code: Code;
  private readonly fromMemory: number;
  private readonly toMemory: number;
  /** The source, and its length: in code units from where {@link simple} begins. */
  private readonly source: Local;
  private readonly units: Local;
  /** What is returned. */
  private readonly result: Local;
  private readonly length: Local;

  constructor(module: SharedModule, passage: Passage, code: Code) {
    this.module = module;
    this.passage = passage;
    this.code = code;
    this.fromMemory = memoryOf(module, passage.from);
    this.toMemory = memoryOf(module, passage.to);
    [this.source, this.units] = code.params as readonly [Local, Local];
    this.result = code.fresh('i32');
    this.length = code.fresh('i32');
  }

  emit(): void {
    const { code, units } = this;
    const { encoding } = this.passage.from;
    if (encoding === 'latin1+utf16') {
      code.get(units).i32(UTF16_TAG).op(op.i32And);
      code.if(
        () => {
          code.get(units).i32(UTF16_TAG).op(op.i32Xor).set(units);
          this.simple('utf16');
        },
        () => this.simple('latin1'),
      );
    } else this.simple(encoding);
    code.get(this.result, this.length);
  }

  private simple(from: SourceEncoding): void {
    this.checkSource(from);
    const to: StringEncoding = this.passage.to.encoding;
    if (to === 'utf8') {
      if (from === 'utf8') this.copy('utf8', 1, 1);
      else this.toUtf8(from);
    } else if (to === 'utf16') {
      if (from === 'utf8') this.utf8ToUtf16();
      else this.copy(from, 2, 2);
    } else if (this.passage.from.encoding !== 'latin1+utf16') this.toLatin1OrUtf16(from);
    else if (from === 'latin1') this.copy('latin1', 1, 2);
    else this.probablyUtf16();
  }

  /** `load_string_from_range`, but for the decoding. */
  private checkSource(from: SourceEncoding): void {
    const { code, source, units } = this;
    const size = from === 'utf16' ? 2 : 1;
    checkLength(code, this.fromMemory, source, units, size, { outOfBounds: TRAP.stringOutOfBounds, tooLong: TRAP.stringTooLong });
    checkAligned(code, source, this.passage.from.encoding === 'utf8' ? 1 : 2);
    checkBounds(code, this.fromMemory, source, this.times(size), TRAP.stringOutOfBounds);
  }

  /** `store_string_copy`: the number of code units stays. */
  private copy(from: SourceEncoding, unitSize: 1 | 2, align: 1 | 2): void {
    const { code, module, source, units, result, length } = this;
    this.allocate(align, this.times(unitSize));
    code.get(units).set(length);
    if (from === 'utf8') code.get(source, units, result).call(copyUtf8(module, this.fromMemory, this.toMemory));
    else if (from === 'latin1' && unitSize === 1) code.get(result, source, units).memoryCopy(this.toMemory, this.fromMemory);
    else {
      this.transcode(from, 'utf16', () => code.get(result));
      code.op(op.drop, op.drop);
    }
  }

  /** `store_string_to_utf8`: as many bytes as code units while it is ASCII, else the worst case and a shrink. */
  private toUtf8(from: 'latin1' | 'utf16'): void {
    const { code, source, units, result, length } = this;
    const worst = this.times(from === 'latin1' ? 2 : 3);
    this.allocate(1, this.times(1));
    code.scratch('i32', (end) =>
      code.scratch('i32', (target) => {
        this.setEnd(end, from);
        this.transcode(from, 'ascii', () => code.get(result), end);
        code.set(target).set(source);
        code.get(target, result).op(op.i32Sub).tee(length);
        code.get(units).op(op.i32Ne);
        code.if(() => {
          this.reallocate(1, this.times(1), worst);
          this.transcode(from, 'utf8', () => code.get(result, length).op(op.i32Add), end);
          code.set(target).op(op.drop);
          code.get(target, result).op(op.i32Sub).set(length);
          this.shrink(1, worst, () => code.get(length));
        });
      }),
    );
  }

  /** `store_utf8_to_utf16`: the worst case, and a shrink. */
  private utf8ToUtf16(): void {
    const { code, result, length } = this;
    this.allocate(2, this.times(2));
    this.transcode('utf8', 'utf16', () => code.get(result));
    code.get(result).op(op.i32Sub).i32(1).op(op.i32ShrU).set(length).op(op.drop);
    this.shrink(2, this.times(2), () => code.get(length).i32(1).op(op.i32Shl));
  }

  /** `store_string_to_latin1_or_utf16`: Latin-1 until a character comes that is not; then what is there is widened. */
  private toLatin1OrUtf16(from: SourceEncoding): void {
    const { code, module, source, result, length } = this;
    this.allocate(2, this.times(1));
    code.scratch('i32', (end) => {
      this.setEnd(end, from);
      this.transcode(from, 'latin1', () => code.get(result), end);
      code.get(result).op(op.i32Sub).set(length).set(source);
      code.get(source, end).op(op.i32Eq);
      code.if(
        () => this.shrink(2, this.times(1), () => code.get(length)),
        () => {
          this.reallocate(2, this.times(1), this.times(2));
          code.get(result, length).call(inflate(module, this.toMemory));
          this.transcode(from, 'utf16', () => code.get(result, length).i32(1).op(op.i32Shl, op.i32Add), end);
          code.get(result).op(op.i32Sub).i32(1).op(op.i32ShrU).set(length).op(op.drop);
          this.shrink(2, this.times(2), () => code.get(length).i32(1).op(op.i32Shl));
          code.get(length).i32(UTF16_TAG).op(op.i32Or).set(length);
        },
      );
    });
  }

  /** `store_probably_utf16_to_latin1_or_utf16`: copied as UTF-16, then narrowed where it stands if it can be. */
  private probablyUtf16(): void {
    const { code, module, units, result, length } = this;
    this.allocate(2, this.times(2));
    this.transcode('utf16', 'utf16', () => code.get(result));
    code.op(op.drop, op.drop);
    const end = (): void => void code.get(result, units).i32(1).op(op.i32Shl, op.i32Add);
    code.get(result);
    end();
    code.call(fitsLatin1(module, this.toMemory));
    code.if(
      () => {
        code.get(result);
        end();
        // Reads ahead of where it writes.
        code
          .get(result)
          .call(transcoder(module, 'utf16', 'latin1', this.toMemory, this.toMemory))
          .op(op.drop, op.drop);
        code.get(units).set(length);
        this.reallocate(1, this.times(2), this.times(1));
      },
      () => code.get(units).i32(UTF16_TAG).op(op.i32Or).set(length),
    );
  }

  /** Pushes a multiple of the number of source code units. */
  private times(factor: number): () => void {
    return () => {
      this.code.get(this.units);
      if (factor !== 1) this.code.i32(factor).op(op.i32Mul);
    };
  }

  private setEnd(end: Local, from: SourceEncoding): void {
    this.code.get(this.source);
    this.times(from === 'utf16' ? 2 : 1)();
    this.code.op(op.i32Add).set(end);
  }

  /** Leaves how far it came in the source and in the target. Without `end`, all of the source. */
  private transcode(from: SourceEncoding, to: TargetEncoding, target: () => void, end?: Local): void {
    const { code, module, source } = this;
    code.get(source);
    if (end !== undefined) code.get(end);
    else {
      code.get(source);
      this.times(from === 'utf16' ? 2 : 1)();
      code.op(op.i32Add);
    }
    target();
    code.call(transcoder(module, from, to, this.fromMemory, this.toMemory));
  }

  private allocate(align: 1 | 2, size: () => void): void {
    reallocate(this.code, this.module, this.passage.to, this.result, { align, size, outOfBounds: TRAP.stringOutOfBounds });
  }

  private reallocate(align: 1 | 2, oldSize: () => void, size: () => void): void {
    const old = { pointer: this.result, size: oldSize };
    reallocate(this.code, this.module, this.passage.to, this.result, { old, align, size, outOfBounds: TRAP.stringOutOfBounds });
  }

  /** Gives back what the worst case did not need. */
  private shrink(align: 1 | 2, oldSize: () => void, size: () => void): void {
    const { code } = this;
    oldSize();
    size();
    code.op(op.i32Ne).if(() => this.reallocate(align, oldSize, size));
  }
}
