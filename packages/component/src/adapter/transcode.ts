/**
 * Functions that turn code units of one encoding into those of another, sixteen bytes at a time while they are plain.
 * Each validates what it reads; none reads or writes outside of what it is given.
 */
import type { SharedModule } from './module.ts';
import { TRAP } from './traps.ts';
import { type Code, type Func, type Local, mem, op } from './wasm-code.ts';

/** What a run of code units is; `latin1+utf16` is one of the two at run time. */
export type SourceEncoding = 'latin1' | 'utf8' | 'utf16';
/** `ascii` is what UTF-8 is written as until a longer character comes. */
export type TargetEncoding = SourceEncoding | 'ascii';

const LIMITS: Readonly<Record<TargetEncoding, number | undefined>> = { ascii: 0x7f, latin1: 0xff, utf8: undefined, utf16: undefined };

/**
 * `(source, end, target) -> (source, target)`: transcodes until the source ends or a character comes that the target cannot hold,
 * and returns how far it came. Memories are indices of the module.
 */
export function transcoder(module: SharedModule, from: SourceEncoding, to: TargetEncoding, fromMemory: number, toMemory: number): Func {
  const key = `transcode ${from} to ${to}, memory ${fromMemory} to ${toMemory}`;
  return module.helper(key, { params: ['i32', 'i32', 'i32'], results: ['i32', 'i32'] }, (code) => {
    const [source, end, target] = code.params as readonly [Local, Local, Local];
    const point = code.fresh('i32');
    const start = code.fresh('i32');
    const limit = LIMITS[to];
    code.block((done) => {
      code.loop((next) => {
        plainBlock(code, from, to, fromMemory, toMemory, source, end, target, () => code.br(next));
        code.get(source, end).op(op.i32GeU).brIf(done);
        code.get(source).set(start);
        decode(code, from, fromMemory, source, end, point);
        if (limit !== undefined) {
          code.get(point).i32(limit).op(op.i32GtU);
          code.if(() => code.get(start).set(source).br(done));
        }
        encode(code, to, toMemory, target, point);
        code.br(next);
      });
    });
    code.get(source, target);
  });
}

/** How many bytes of source one step of vectors takes, and which bits of a code unit must be clear for it. */
function plainUnits(from: SourceEncoding, to: TargetEncoding): { readonly bytes: 16 | 32; readonly clear: number } {
  if (from !== 'utf16') return { bytes: 16, clear: from === 'latin1' && (to === 'latin1' || to === 'utf16') ? 0 : 0x80 };
  if (to === 'utf16') return { bytes: 16, clear: 0 };
  return { bytes: 32, clear: to === 'latin1' ? 0xff00 : 0xff80 };
}

function plainBlock(
  code: Code,
  from: SourceEncoding,
  to: TargetEncoding,
  fromMemory: number,
  toMemory: number,
  source: Local,
  end: Local,
  target: Local,
  next: () => void,
): void {
  const { bytes, clear } = plainUnits(from, to);
  const low = code.fresh('v128');
  const high = code.fresh('v128');
  const store = (offset: number, value: () => void): void => {
    code.get(target);
    value();
    code.access(mem.v128Store, toMemory, offset);
  };
  code.get(end, source).op(op.i32Sub).i32(bytes).op(op.i32GeU);
  code.if(() => {
    code.get(source).access(mem.v128Load, fromMemory).set(low);
    if (bytes === 32) code.get(source).access(mem.v128Load, fromMemory, 16).set(high);
    const write = (): void => {
      let written = 16;
      if (bytes === 32) store(0, () => code.get(low, high).op(op.i8x16NarrowI16x8U));
      else if (from !== 'utf16' && to === 'utf16') {
        store(0, () => code.get(low).op(op.i16x8ExtendLowI8x16U));
        store(16, () => code.get(low).op(op.i16x8ExtendHighI8x16U));
        written = 32;
      } else store(0, () => code.get(low));
      code.get(source).i32(bytes).op(op.i32Add).set(source);
      code.get(target).i32(written).op(op.i32Add).set(target);
      next();
    };
    if (from === 'utf16' && to === 'utf16') {
      code.get(low).v128(0x00, 0xf8).op(op.v128And).v128(0x00, 0xd8).op(op.i16x8Eq, op.v128AnyTrue, op.i32Eqz).if(write);
    } else if (bytes === 32) {
      code
        .get(low, high)
        .op(op.v128Or)
        .v128(clear & 0xff, clear >> 8)
        .op(op.v128And, op.v128AnyTrue, op.i32Eqz)
        .if(write);
    } else if (clear !== 0) code.get(low).op(op.i8x16Bitmask, op.i32Eqz).if(write);
    else write();
  });
}

/** Sets `point` to the character at `source` and advances `source` past it. */
function decode(code: Code, from: SourceEncoding, memory: number, source: Local, end: Local, point: Local): void {
  if (from === 'utf8') decodeUtf8(code, memory, source, end, point);
  else if (from === 'utf16') decodeUtf16(code, memory, source, end, point);
  else {
    code.get(source).access(mem.i32Load8U, memory).set(point);
    advance(code, source, 1);
  }
}

export function advance(code: Code, pointer: Local, bytes: number): void {
  code.get(pointer).i32(bytes).op(op.i32Add).set(pointer);
}

/** Sets `point` to the character at `source`, which is before `end`, and advances `source`; traps when it is not UTF-8. */
export function decodeUtf8(code: Code, memory: number, source: Local, end: Local, point: Local): void {
  const invalidIf = (condition: () => void): void => void code.trapIf(TRAP.invalidUtf8, condition);
  /** Appends the continuation bytes to `point` and advances. */
  const sequence = (length: number, leadBits: number): void => {
    invalidIf(() => code.get(end, source).op(op.i32Sub).i32(length).op(op.i32LtU));
    code.get(point).i32(leadBits).op(op.i32And).set(point);
    code.scratch('i32', (byte) => {
      for (let i = 1; i < length; i++) {
        code.get(source).access(mem.i32Load8U, memory, i).set(byte);
        invalidIf(() => code.get(byte).i32(0xc0).op(op.i32And).i32(0x80).op(op.i32Ne));
        code.get(point).i32(6).op(op.i32Shl).get(byte).i32(0x3f).op(op.i32And, op.i32Or).set(point);
      }
    });
    advance(code, source, length);
  };
  code.block((done) => {
    code.get(source).access(mem.i32Load8U, memory).tee(point).i32(0x80).op(op.i32LtU);
    code.if(() => {
      advance(code, source, 1);
      code.br(done);
    });
    invalidIf(() => code.get(point).i32(0xc2).op(op.i32LtU));
    code.get(point).i32(0xe0).op(op.i32LtU);
    code.if(() => {
      sequence(2, 0x1f);
      code.br(done);
    });
    code.get(point).i32(0xf0).op(op.i32LtU);
    code.if(() => {
      sequence(3, 0x0f);
      invalidIf(() => code.get(point).i32(0x800).op(op.i32LtU));
      invalidIf(() => code.get(point).i32(0xf800).op(op.i32And).i32(0xd800).op(op.i32Eq));
      code.br(done);
    });
    invalidIf(() => code.get(point).i32(0xf4).op(op.i32GtU));
    sequence(4, 0x07);
    invalidIf(() => code.get(point).i32(0x10000).op(op.i32Sub).i32(0x100000).op(op.i32GeU));
  });
}

function decodeUtf16(code: Code, memory: number, source: Local, end: Local, point: Local): void {
  const invalidIf = (condition: () => void): void => void code.trapIf(TRAP.invalidUtf16, condition);
  code.block((done) => {
    code.get(source).access(mem.i32Load16U, memory).tee(point).i32(0xf800).op(op.i32And).i32(0xd800).op(op.i32Ne);
    code.if(() => {
      advance(code, source, 2);
      code.br(done);
    });
    invalidIf(() => code.get(point).i32(0xdc00).op(op.i32GeU));
    invalidIf(() => code.get(end, source).op(op.i32Sub).i32(4).op(op.i32LtU));
    code.scratch('i32', (trail) => {
      code.get(source).access(mem.i32Load16U, memory, 2).set(trail);
      invalidIf(() => code.get(trail).i32(0xfc00).op(op.i32And).i32(0xdc00).op(op.i32Ne));
      code.get(point).i32(10).op(op.i32Shl).get(trail).op(op.i32Add);
      code
        .i32((0xd800 << 10) + 0xdc00 - 0x10000)
        .op(op.i32Sub)
        .set(point);
    });
    advance(code, source, 4);
  });
}

/** Writes a character that the target can hold, and advances `target` past it. */
function encode(code: Code, to: TargetEncoding, memory: number, target: Local, point: Local): void {
  if (to === 'utf8') encodeUtf8(code, memory, target, point);
  else if (to === 'utf16') encodeUtf16(code, memory, target, point);
  else {
    code.get(target, point).access(mem.i32Store8, memory);
    advance(code, target, 1);
  }
}

function encodeUtf8(code: Code, memory: number, target: Local, point: Local): void {
  const sequence = (length: number, lead: number): void => {
    for (let i = 0; i < length; i++) {
      code.get(target, point);
      const shift = 6 * (length - 1 - i);
      if (shift > 0) code.i32(shift).op(op.i32ShrU);
      if (i > 0) code.i32(0x3f).op(op.i32And).i32(0x80).op(op.i32Or);
      else if (lead > 0) code.i32(lead).op(op.i32Or);
      code.access(mem.i32Store8, memory, i);
    }
    advance(code, target, length);
  };
  code.block((done) => {
    for (const [length, lead, limit] of [
      [1, 0, 0x80],
      [2, 0xc0, 0x800],
      [3, 0xe0, 0x10000],
    ] as const) {
      code.get(point).i32(limit).op(op.i32LtU);
      code.if(() => {
        sequence(length, lead);
        code.br(done);
      });
    }
    sequence(4, 0xf0);
  });
}

function encodeUtf16(code: Code, memory: number, target: Local, point: Local): void {
  code.get(point).i32(0x10000).op(op.i32LtU);
  code.if(
    () => {
      code.get(target, point).access(mem.i32Store16, memory);
      advance(code, target, 2);
    },
    () => {
      code.get(target).get(point).i32(10).op(op.i32ShrU).i32(0xd7c0).op(op.i32Add).access(mem.i32Store16, memory);
      code.get(target).get(point).i32(0x3ff).op(op.i32And).i32(0xdc00).op(op.i32Or).access(mem.i32Store16, memory, 2);
      advance(code, target, 4);
    },
  );
}

/** `(pointer, end) -> i32`: whether all UTF-16 code units are below 0x100. */
export function fitsLatin1(module: SharedModule, memory: number): Func {
  return module.helper(`utf16 fits latin1, memory ${memory}`, { params: ['i32', 'i32'], results: ['i32'] }, (code) => {
    const [pointer, end] = code.params as readonly [Local, Local];
    const seen = code.fresh('v128');
    const rest = code.fresh('i32');
    code.loop((next) => {
      code.get(end, pointer).op(op.i32Sub).i32(16).op(op.i32GeU);
      code.if(() => {
        code.get(pointer).access(mem.v128Load, memory).get(seen).op(op.v128Or).set(seen);
        advance(code, pointer, 16);
        code.br(next);
      });
    });
    code.block((done) => {
      code.loop((next) => {
        code.get(pointer, end).op(op.i32GeU).brIf(done);
        code.get(pointer).access(mem.i32Load16U, memory).get(rest).op(op.i32Or).set(rest);
        advance(code, pointer, 2);
        code.br(next);
      });
    });
    code.get(seen).v128(0x00, 0xff).op(op.v128And, op.v128AnyTrue, op.i32Eqz);
    code.get(rest).i32(0x100).op(op.i32LtU, op.i32And);
  });
}

/** `(pointer, length) -> ()`: widens that many Latin-1 bytes to UTF-16 where they stand. */
export function inflate(module: SharedModule, memory: number): Func {
  return module.helper(`inflate latin1, memory ${memory}`, { params: ['i32', 'i32'], results: [] }, (code) => {
    const [pointer, length] = code.params as readonly [Local, Local];
    code.block((done) => {
      // Backwards, since a unit is written where two bytes are still to be read.
      code.loop((next) => {
        code.get(length).op(op.i32Eqz).brIf(done);
        code.get(length).i32(1).op(op.i32Sub).set(length);
        code.get(pointer, length).i32(1).op(op.i32Shl, op.i32Add);
        code.get(pointer, length).op(op.i32Add).access(mem.i32Load8U, memory);
        code.access(mem.i32Store16, memory);
        code.br(next);
      });
    });
  });
}
