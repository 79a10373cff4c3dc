/** Steps through the instructions of a function body and notes what must change in it. */
import { FORM, FORMS, PREFIXED } from './instructions.ts';

/** What stands at a place of a body that changes. */
export const CHANGE = {
  none: -1,
  /** A check of the clock goes in. */
  check: 0,
  /** A call of a helper goes in. */
  call: 1,
  /** A call of a helper takes the place of an instruction. */
  replace: 2,
} as const;

/** What a helper does, asked for by {@link Helpers}; each is a function that is added to the module. */
export interface Helpers {
  memorySize(memory: number): number;
  memoryGrow(memory: number): number;
  tableGrow(table: number): number;
  /** @param opcode 1 for 32 bits, 2 for 64 */
  atomicWait(opcode: number, memory: number, offset: bigint): number;
  /** Of the length of a new array, which is on the stack. @param type its type index */
  arrayLength(type: number): number;
}

/** Facts about all bodies of a module that decide whether its state can be restored. */
export interface Uses {
  readonly tablesChanged: Set<number>;
  readonly dataDropped: Set<number>;
  readonly dataUsed: Set<number>;
  readonly elemDropped: Set<number>;
  readonly elemUsed: Set<number>;
}

/** An instruction that this engine does not know in a module that V8 takes. */
export class UnknownInstruction extends Error {
  override readonly name = 'UnknownInstruction';
  /** Byte offset into the module. */
  readonly offset: number;

  constructor(opcode: string, offset: number) {
    super(opcode);
    this.offset = offset;
  }
}

/** The bytes are no valid module, so there is nothing to rewrite: V8 says why. */
export class Unreadable extends Error {
  override readonly name = 'Unreadable';
}

const hex = (byte: number): string => `0x${byte.toString(16).padStart(2, '0')}`;

export class BodyScanner {
  /** Changes of the body that was scanned last, in order: where, until where, what, and the helper. */
  readonly starts: number[] = [];
  readonly ends: number[] = [];
  readonly kinds: number[] = [];
  readonly helpers: number[] = [];
  private readonly bytes: Uint8Array;
  private readonly made: Helpers;
  private readonly uses: Uses;
  private at = 0;

  constructor(bytes: Uint8Array, made: Helpers, uses: Uses) {
    this.bytes = bytes;
    this.made = made;
    this.uses = uses;
  }

  private add(start: number, end: number, kind: number, helper: number): void {
    this.starts.push(start);
    this.ends.push(end);
    this.kinds.push(kind);
    this.helpers.push(helper);
  }

  /** @throws UnknownInstruction, Unreadable */
  scan(start: number, end: number): void {
    const { bytes } = this;
    this.starts.length = 0;
    this.ends.length = 0;
    this.kinds.length = 0;
    this.helpers.length = 0;
    this.at = start;
    this.skipLocals(end);
    const entry = this.at;
    // Whether it goes in is known at the end.
    this.add(entry, entry, CHANGE.check, 0);
    let calls = false;
    let loops = false;
    let at = entry;
    while (at < end) {
      const opcode = bytes[at] as number;
      const form = FORMS[opcode] as number;
      at++;
      switch (form) {
        case FORM.none:
          break;
        case FORM.index:
          if (opcode >= 0x10 && opcode <= 0x15) calls = true;
          else if (opcode === 0x26) {
            this.at = at;
            this.uses.tablesChanged.add(this.u32());
            at = this.at;
            break;
          } else if (opcode === 0x3f || opcode === 0x40) {
            this.at = at;
            const memory = this.u32();
            const helper = opcode === 0x40 ? this.made.memoryGrow(memory) : this.made.memorySize(memory);
            this.add(at - 1, this.at, CHANGE.replace, helper);
            at = this.at;
            break;
          }
          while ((bytes[at++] as number) >= 0x80);
          break;
        case FORM.leb:
          while ((bytes[at++] as number) >= 0x80);
          break;
        case FORM.twoIndices:
          calls = true;
          while ((bytes[at++] as number) >= 0x80);
          while ((bytes[at++] as number) >= 0x80);
          break;
        case FORM.memory: {
          let flags = bytes[at] as number;
          if (flags >= 0x80) {
            this.at = at;
            flags = this.u32();
            at = this.at;
          } else at++;
          if ((flags & 0x40) !== 0) while ((bytes[at++] as number) >= 0x80);
          while ((bytes[at++] as number) >= 0x80);
          break;
        }
        case FORM.block:
          at = this.afterBlockType(at);
          if (opcode === 0x03) {
            loops = true;
            this.add(at, at, CHANGE.check, 0);
          }
          break;
        case FORM.four:
          at += 4;
          break;
        case FORM.eight:
          at += 8;
          break;
        case FORM.prefix:
          this.at = at;
          this.prefixed(opcode);
          at = this.at;
          break;
        default:
          this.at = at;
          this.rare(opcode, form);
          at = this.at;
      }
    }
    if (at !== end) throw new Unreadable();
    // A function without loops that calls nothing ends by itself, and so does one that only begins with a loop: it checks there.
    if (!calls || (loops && this.starts.length > 1 && this.startsWithLoop(entry))) this.kinds[0] = CHANGE.none;
  }

  /** Whether nothing stands before the first loop, whose check is the first after that of the entry. */
  private startsWithLoop(entry: number): boolean {
    return this.bytes[entry] === 0x03;
  }

  private u32(): number {
    const { bytes } = this;
    let result = 0;
    for (let scale = 1, left = 5; left > 0; left--, scale *= 128) {
      const byte = bytes[this.at++];
      if (byte === undefined) throw new Unreadable();
      result += (byte & 0x7f) * scale;
      if (byte < 0x80) return result;
    }
    throw new Unreadable();
  }

  private leb(): void {
    const { bytes } = this;
    while ((bytes[this.at++] as number) >= 0x80);
  }

  private skipLocals(end: number): void {
    const groups = this.u32();
    if (groups > end - this.at) throw new Unreadable();
    for (let i = 0; i < groups; i++) {
      this.leb();
      this.at = this.afterValueType(this.at);
    }
  }

  private afterValueType(at: number): number {
    const { bytes } = this;
    const byte = bytes[at++] as number;
    if (byte === 0x63 || byte === 0x64) while ((bytes[at++] as number) >= 0x80);
    return at;
  }

  private afterBlockType(at: number): number {
    const { bytes } = this;
    const byte = bytes[at] as number;
    if (byte === 0x63 || byte === 0x64) return this.afterValueType(at);
    while ((bytes[at++] as number) >= 0x80);
    return at;
  }

  /** Instructions that few functions have. */
  private rare(opcode: number, form: number): void {
    const { bytes } = this;
    switch (form) {
      case FORM.branchTable:
        this.indices(this.u32() + 1);
        break;
      case FORM.valueTypes:
        for (let left = this.u32(); left > 0; left--) {
          if (this.at >= bytes.length) throw new Unreadable();
          this.at = this.afterValueType(this.at);
        }
        break;
      case FORM.heapType:
        this.leb();
        break;
      case FORM.tryTable:
        this.at = this.afterBlockType(this.at);
        for (let left = this.u32(); left > 0; left--) {
          const kind = bytes[this.at++];
          if (kind === undefined) throw new Unreadable();
          this.indices(kind < 2 ? 2 : 1);
        }
        break;
      default:
        throw new UnknownInstruction(hex(opcode), this.at - 1);
    }
  }

  private indices(count: number): void {
    for (let left = count; left > 0; left--) {
      if (this.at >= this.bytes.length) throw new Unreadable();
      this.leb();
    }
  }

  private prefixed(prefix: number): void {
    const start = this.at - 1;
    const opcode = this.u32();
    const form = PREFIXED[prefix - 0xfb]?.[opcode];
    const arguments_ = this.at;
    switch (form) {
      case FORM.none:
        break;
      case FORM.index:
      case FORM.heapType:
        this.leb();
        break;
      case FORM.twoIndices:
        this.indices(2);
        break;
      case FORM.memory:
        this.memory();
        break;
      case FORM.memoryLane:
        this.memory();
        this.at++;
        break;
      case FORM.sixteen:
        this.at += 16;
        break;
      case FORM.lane:
        this.at++;
        break;
      case FORM.castBranch:
        this.at++;
        this.indices(3);
        break;
      default:
        throw new UnknownInstruction(`${hex(prefix)} ${hex(opcode)}`, start);
    }
    if (prefix === 0xfd) return;
    const end = this.at;
    this.at = arguments_;
    this.note(prefix, opcode, start, end);
    this.at = end;
  }

  private memory(): void {
    const flags = this.u32();
    this.indices((flags & 0x40) !== 0 ? 2 : 1);
  }

  /** What instructions with a prefix change, beside memory and locals. */
  private note(prefix: number, opcode: number, start: number, end: number): void {
    const { made, uses } = this;
    if (prefix === 0xfc) {
      switch (opcode) {
        case 8:
          uses.dataUsed.add(this.u32());
          break;
        case 9:
          uses.dataDropped.add(this.u32());
          break;
        case 12:
          uses.elemUsed.add(this.u32());
          uses.tablesChanged.add(this.u32());
          break;
        case 13:
          uses.elemDropped.add(this.u32());
          break;
        case 14:
          uses.tablesChanged.add(this.u32());
          break;
        case 15: {
          const table = this.u32();
          uses.tablesChanged.add(table);
          this.add(start, end, CHANGE.replace, made.tableGrow(table));
          break;
        }
        case 17:
          uses.tablesChanged.add(this.u32());
          break;
      }
    } else if (prefix === 0xfb) {
      const type = opcode >= 6 && opcode <= 19 ? this.u32() : 0;
      switch (opcode) {
        case 6:
        case 7:
          this.add(start, start, CHANGE.call, made.arrayLength(type));
          break;
        case 9:
        case 18:
          uses.dataUsed.add(this.u32());
          if (opcode === 9) this.add(start, start, CHANGE.call, made.arrayLength(type));
          break;
        case 10:
        case 19:
          uses.elemUsed.add(this.u32());
          if (opcode === 10) this.add(start, start, CHANGE.call, made.arrayLength(type));
          break;
      }
    } else if (prefix === 0xfe && (opcode === 1 || opcode === 2)) {
      const flags = this.u32();
      const memory = (flags & 0x40) !== 0 ? this.u32() : 0;
      this.add(start, end, CHANGE.replace, made.atomicWait(opcode, memory, this.u64()));
    }
  }

  private u64(): bigint {
    let result = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) throw new Unreadable();
      result |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return result;
    }
    throw new Unreadable();
  }
}
