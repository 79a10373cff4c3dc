/** Constant expressions: what they make, and how large it is. https://webassembly.github.io/spec/core/valid/instructions.html#constant-expressions */
import { readHeapType } from '../binary/decode-core-types.ts';
import type { Reader } from '../binary/reader.ts';
import { UnknownInstruction } from './scan.ts';

export const CONSTANT_END = 0x0b;

export interface Made {
  /** Of the largest array. Infinite where its length is no number that stands there. */
  readonly arrayBytes: number;
  /** Whether it makes arrays or structures. */
  readonly objects: boolean;
}

/**
 * Steps over a constant expression.
 * @param arrays bytes of an element by type index
 */
export function readConstant(reader: Reader, arrays: ReadonlyMap<number, number>): Made {
  let arrayBytes = 0;
  let objects = false;
  /** The number on top of the stack, where the last instruction put it there. */
  let top: number | undefined;
  for (;;) {
    const { position } = reader;
    const opcode = reader.byte();
    const last: number | undefined = top;
    top = undefined;
    switch (opcode) {
      case CONSTANT_END:
        return { arrayBytes, objects };
      case 0x23: // global.get
      case 0xd2: // ref.func
        reader.u32();
        break;
      case 0x41:
        top = reader.signed(32) >>> 0;
        break;
      case 0x42:
        reader.signed(64);
        break;
      case 0x43:
        reader.skip(4);
        break;
      case 0x44:
        reader.skip(8);
        break;
      case 0x6a: // i32.add, sub, mul; i64.add, sub, mul
      case 0x6b:
      case 0x6c:
      case 0x7c:
      case 0x7d:
      case 0x7e:
        break;
      case 0xd0: // ref.null
        readHeapType(reader);
        break;
      case 0xfd:
        if (reader.u32() !== 12) throw new UnknownInstruction('0xfd', position);
        reader.skip(16);
        break;
      case 0xfb: {
        const made = reader.u32();
        if (made > 8 && made < 26) throw new UnknownInstruction(`0xfb ${made}`, position);
        if (made < 26) {
          objects = true;
          const type = reader.u32();
          if (made === 8) reader.u32();
          if (made === 6 || made === 7) arrayBytes = Math.max(arrayBytes, (last ?? Number.POSITIVE_INFINITY) * (arrays.get(type) ?? 8));
        }
        break;
      }
      default:
        throw new UnknownInstruction(`0x${opcode.toString(16)}`, position);
    }
  }
}
