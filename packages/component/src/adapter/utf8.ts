/** UTF-8 to UTF-8: validated and copied in one pass while it is ASCII, else validated sixteen bytes at a time and copied at once. */
import type { SharedModule } from './module.ts';
import { advance, decodeUtf8 } from './transcode.ts';
import { TRAP } from './traps.ts';
import { type Code, type Func, type Local, mem, op } from './wasm-code.ts';

/** `(source, length, target) -> ()`: traps when the bytes are not UTF-8. */
export function copyUtf8(module: SharedModule, from: number, to: number): Func {
  return module.helper(`copy utf8, memory ${from} to ${to}`, { params: ['i32', 'i32', 'i32'], results: [] }, (code) => {
    const [source, length, target] = code.params as readonly [Local, Local, Local];
    const end = code.fresh('i32');
    code.get(source, length).op(op.i32Add).set(end);
    code.block((done) => {
      code.block((notAscii) => {
        const copier: AsciiCopier = { code, from, to, source, end, target, leave: () => code.brIf(notAscii) };
        code.get(length).i32(16).op(op.i32GeU);
        code.if(
          () => {
            copyBlocks(copier, 4);
            copyBlocks(copier, 1);
            copyLast(copier);
          },
          () => copyShort(copier, length),
        );
        code.br(done);
      });
      code.get(source, end).call(utf8Validator(module, from));
      code.get(target, source).get(end, source).op(op.i32Sub).memoryCopy(to, from);
    });
  });
}

/** Copies ASCII; `leave` branches away when the condition on the stack says that it is none. */
interface AsciiCopier {
  readonly code: Code;
  readonly from: number;
  readonly to: number;
  readonly source: Local;
  readonly end: Local;
  readonly target: Local;
  readonly leave: () => void;
}

/** As many times `vectors` × 16 bytes as there are. */
function copyBlocks({ code, from, to, source, end, target, leave }: AsciiCopier, vectors: number): void {
  const lanes = Array.from({ length: vectors }, () => code.fresh('v128'));
  const bytes = 16 * vectors;
  const enough = (): void => void code.get(end, source).op(op.i32Sub).i32(bytes).op(op.i32GeU);
  enough();
  code.if(() =>
    code.loop((next) => {
      for (const [i, lane] of lanes.entries())
        code
          .get(source)
          .access(mem.v128Load, from, 16 * i)
          .set(lane);
      code.get(...lanes).op(...lanes.slice(1).map(() => op.v128Or), op.i8x16Bitmask);
      leave();
      for (const [i, lane] of lanes.entries()) code.get(target, lane).access(mem.v128Store, to, 16 * i);
      advance(code, source, bytes);
      advance(code, target, bytes);
      enough();
      code.brIf(next);
    }),
  );
}

/** The last sixteen bytes, some of them for a second time. */
function copyLast({ code, from, to, source, end, target, leave }: AsciiCopier): void {
  code.scratch('v128', (last) => {
    code.get(end).i32(16).op(op.i32Sub).access(mem.v128Load, from).tee(last).op(op.i8x16Bitmask);
    leave();
    code.get(target, end).op(op.i32Add).get(source).op(op.i32Sub).i32(16).op(op.i32Sub).get(last).access(mem.v128Store, to);
  });
}

/** Less than sixteen bytes: two words that overlap where the length is no power of two. */
function copyShort({ code, from, to, source, end, target, leave }: AsciiCopier, length: Local): void {
  const pair = (size: number, type: 'i32' | 'i64', load: number, store: number, or: number, isAscii: () => void): void => {
    const first = code.fresh(type);
    const last = code.fresh(type);
    code.get(source).access(load, from).tee(first);
    code.get(end).i32(size).op(op.i32Sub).access(load, from).tee(last).op(or);
    isAscii();
    leave();
    code.get(target, first).access(store, to);
    code.get(target, length).op(op.i32Add).i32(size).op(op.i32Sub).get(last).access(store, to);
  };
  code.get(length).i32(8).op(op.i32GeU);
  code.if(
    () => pair(8, 'i64', mem.i64Load, mem.i64Store, op.i64Or, () => code.i64(0x8080808080808080n).op(op.i64And).i64(0n).op(op.i64Ne)),
    () => {
      code.get(length).i32(4).op(op.i32GeU);
      code.if(
        () => pair(4, 'i32', mem.i32Load, mem.i32Store, op.i32Or, () => code.i32(0x80808080).op(op.i32And)),
        () => {
          code.get(length);
          code.if(() => {
            const middle = code.fresh('i32');
            code.get(source).get(length).i32(1).op(op.i32ShrU, op.i32Add).access(mem.i32Load8U, from).set(middle);
            pair(1, 'i32', mem.i32Load8U, mem.i32Store8, op.i32Or, () => code.get(middle).op(op.i32Or).i32(0x80).op(op.i32And));
            code.get(target).get(length).i32(1).op(op.i32ShrU, op.i32Add).get(middle).access(mem.i32Store8, to);
          });
        },
      );
    },
  );
}

/** `(source, end) -> ()`: traps when the bytes are not UTF-8. `source` is where a character begins. */
function utf8Validator(module: SharedModule, memory: number): Func {
  return module.helper(`validate utf8, memory ${memory}`, { params: ['i32', 'i32'], results: [] }, (code) => {
    const [source, end] = code.params as readonly [Local, Local];
    // The last vector is read from before the end; that needs sixteen bytes of memory, whatever is in them.
    code.get(end).i32(16).op(op.i32GeU);
    code.if(
      () => validateBlocks(code, memory, source, end),
      () => validateEach(code, memory, source, end),
    );
  });
}

function validateEach(code: Code, memory: number, source: Local, end: Local): void {
  const point = code.fresh('i32');
  code.block((done) => {
    code.loop((next) => {
      code.get(source, end).op(op.i32GeU).brIf(done);
      decodeUtf8(code, memory, source, end, point);
      code.br(next);
    });
  });
}

// John Keiser, Daniel Lemire, "Validating UTF-8 In Less Than One Instruction Per Byte" (2021): two bytes that follow one another make
// an error when the three tables, indexed by their nibbles, share a bit. https://arxiv.org/abs/2010.03090
const TOO_SHORT = 1 << 0;
const TOO_LONG = 1 << 1;
const OVERLONG_3 = 1 << 2;
const TOO_LARGE = 1 << 3;
const SURROGATE = 1 << 4;
const OVERLONG_2 = 1 << 5;
const TOO_LARGE_1000 = 1 << 6;
const OVERLONG_4 = 1 << 6;
const TWO_CONTINUATIONS = 1 << 7;
const ANY_LOW = TOO_SHORT | TOO_LONG | TWO_CONTINUATIONS;

const repeat = (count: number, bits: number): number[] => Array.from({ length: count }, () => bits);

const FIRST_HIGH: readonly number[] = [
  ...repeat(8, TOO_LONG),
  ...repeat(4, TWO_CONTINUATIONS),
  TOO_SHORT | OVERLONG_2,
  TOO_SHORT,
  TOO_SHORT | OVERLONG_3 | SURROGATE,
  TOO_SHORT | TOO_LARGE | TOO_LARGE_1000 | OVERLONG_4,
];
const FIRST_LOW: readonly number[] = [
  ANY_LOW | OVERLONG_3 | OVERLONG_2 | OVERLONG_4,
  ANY_LOW | OVERLONG_2,
  ...repeat(2, ANY_LOW),
  ANY_LOW | TOO_LARGE,
  ...repeat(8, ANY_LOW | TOO_LARGE | TOO_LARGE_1000),
  ANY_LOW | TOO_LARGE | TOO_LARGE_1000 | SURROGATE,
  ...repeat(2, ANY_LOW | TOO_LARGE | TOO_LARGE_1000),
];
const CONTINUATION = TOO_LONG | OVERLONG_2 | TWO_CONTINUATIONS;
const SECOND_HIGH: readonly number[] = [
  ...repeat(8, TOO_SHORT),
  CONTINUATION | OVERLONG_3 | TOO_LARGE_1000 | OVERLONG_4,
  CONTINUATION | OVERLONG_3 | TOO_LARGE,
  ...repeat(2, CONTINUATION | SURROGATE | TOO_LARGE),
  ...repeat(4, TOO_SHORT),
];

const lanesFrom = (start: number): readonly number[] => Array.from({ length: 16 }, (_, i) => start + i);
/** What the bytes one, two and three places earlier are shuffled from, and the numbers of the lanes. */
const EARLIER = { 1: lanesFrom(15), 2: lanesFrom(14), 3: lanesFrom(13) } as const;
const LANES = lanesFrom(0);

function validateBlocks(code: Code, memory: number, source: Local, end: Local): void {
  const previous = code.fresh('v128');
  const block = code.fresh('v128');
  const error = code.fresh('v128');
  code.block((rest) => {
    code.loop((next) => {
      code.get(end, source).op(op.i32Sub).i32(16).op(op.i32LtU).brIf(rest);
      code.get(source).access(mem.v128Load, memory).set(block);
      // ASCII after ASCII: nothing that could be wrong, nothing that is not complete.
      code.get(block, previous).op(op.v128Or, op.i8x16Bitmask);
      code.if(() => checkBlock(code, block, previous, error));
      code.get(block).set(previous);
      advance(code, source, 16);
      code.br(next);
    });
  });
  // What is left, with zeros after it: they also show that the last character is complete.
  code.get(end).i32(16).op(op.i32Sub).access(mem.v128Load, memory);
  code
    .v128(...LANES)
    .i32(16)
    .get(end, source)
    .op(op.i32Sub, op.i32Sub, op.i8x16Splat, op.i8x16Add, op.i8x16Swizzle)
    .set(block);
  checkBlock(code, block, previous, error);
  code.trapIf(TRAP.invalidUtf8, () => code.get(error).op(op.v128AnyTrue));
}

function checkBlock(code: Code, block: Local, previous: Local, error: Local): void {
  const first = code.fresh('v128');
  const nibble = (table: readonly number[], bytes: Local, high: boolean): void => {
    code.v128(...table).get(bytes);
    if (high) code.i32(4).op(op.i8x16ShrU);
    else code.v128(0x0f).op(op.v128And);
    code.op(op.i8x16Swizzle);
  };
  /** The byte that many places earlier, less all that begins no character long enough to reach this one. */
  const leads = (places: 2 | 3, lead: number): void => {
    code
      .get(previous, block)
      .shuffle(EARLIER[places])
      .v128(lead - 0x80)
      .op(op.i8x16SubSatU);
  };
  code.get(previous, block).shuffle(EARLIER[1]).set(first);
  leads(2, 0xe0);
  leads(3, 0xf0);
  code.op(op.v128Or).v128(0x80).op(op.v128And);
  nibble(FIRST_HIGH, first, true);
  nibble(FIRST_LOW, first, false);
  code.op(op.v128And);
  nibble(SECOND_HIGH, block, true);
  code.op(op.v128And, op.v128Xor);
  code.get(error).op(op.v128Or).set(error);
}
