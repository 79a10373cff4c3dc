/**
 * The type of a core module: what it imports and exports. Code, data and everything else that has no part in it is skipped
 * by the section header, so a large module costs no more than its types. Whether the module is valid is V8's business.
 * https://webassembly.github.io/spec/core/binary/modules.html
 */
import { ComponentError } from '../errors.ts';
import { keepOneOf } from '../keep.ts';
import { type CoreTypeId, CoreTypes, canonicalValType } from '../types/core-types.ts';
import type { CoreExternType, CoreFuncType, CoreModuleType, CoreValType } from '../types/types.ts';
import {
  endOfNumericFunction,
  readCoreExternType,
  readGlobalType,
  readHeapType,
  readMemoryType,
  readNumericFunction,
  readRecType,
  readTableType,
  readTagType,
} from './decode-core-types.ts';
import type { CoreExternTypeExpr } from './definitions.ts';
import { MAX_INDEX_SPACE } from './limits.ts';
import { malformed, Reader } from './reader.ts';

const PREAMBLE_BYTES = 8;
const SORTS = ['func', 'table', 'memory', 'global', 'tag'] as const;
/** The position of each section id in a module; id 0, custom, stands anywhere. */
const ORDER: readonly number[] = [0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 12, 13, 11, 6];

/**
 * Reads the type of the core module in `bytes[start, end)`, whose preamble is known to be right.
 * @param types where its types get their identity; share it to compare modules with each other.
 * @throws ComponentError `TENON_MALFORMED` or `TENON_CORE_INVALID`, with the byte offset.
 */
export function readCoreModuleType(bytes: Uint8Array, start: number, end: number, types: CoreTypes): CoreModuleType {
  const module = new CoreModuleReader(new Reader(bytes, start + PREAMBLE_BYTES, end), types);
  module.read();
  return { imports: module.imports, exports: module.exports };
}

class CoreModuleReader {
  readonly imports: { readonly module: string; readonly name: string; readonly type: CoreExternType }[] = [];
  readonly exports = new Map<string, CoreExternType>();
  private readonly reader: Reader;
  private readonly store: CoreTypes;
  /** Function types of numbers are skipped, and read when an import or export has one: most never do. Until then it is their offset, negated. */
  private readonly types: CoreTypeId[] = [];
  /** How many types at the front are read. */
  private identified = 0;
  /** Type indices, for functions resolved only when one is exported. */
  private readonly funcs: number[] = [];
  private readonly tables: CoreExternType[] = [];
  private readonly memories: CoreExternType[] = [];
  private readonly globals: CoreExternType[] = [];
  private readonly tags: CoreExternType[] = [];

  constructor(reader: Reader, store: CoreTypes) {
    this.reader = reader;
    this.store = store;
  }

  read(): void {
    const { reader } = this;
    const { end } = reader;
    let last = 0;
    while (reader.left > 0) {
      const offset = reader.position;
      const id = reader.byte();
      const order = ORDER[id];
      if (order === undefined) throw malformed(`malformed section id: ${id}`, offset);
      const size = reader.u32();
      const start = reader.skip(size);
      if (id === 0) continue;
      if (order <= last) throw malformed('section out of order', offset);
      last = order;
      const sectionEnd = reader.position;
      reader.position = start;
      reader.end = sectionEnd;
      if (this.readSection(id) && reader.position !== sectionEnd) {
        throw malformed('section size mismatch: unexpected data at the end of the section', reader.position);
      }
      reader.position = sectionEnd;
      reader.end = end;
    }
  }

  /** Returns whether it read the section. */
  private readSection(id: number): boolean {
    const { reader } = this;
    switch (id) {
      case 1:
        this.each(() => this.readTypes());
        return true;
      case 2:
        this.each(() => this.readImport());
        return true;
      case 3:
        this.readFunctions();
        return true;
      case 4:
        this.each(() => this.readTable());
        return true;
      case 5:
        this.each(() => this.memories.push(readMemoryType(reader)));
        return true;
      case 6:
        this.each(() => {
          this.globals.push(this.resolve(readGlobalType(reader)));
          this.skipConstantExpression();
        });
        return true;
      case 7:
        this.each(() => this.readExport());
        return true;
      case 13:
        this.each(() => this.tags.push(this.resolve({ kind: 'tag', type: readTagType(reader) })));
        return true;
      default:
        return false;
    }
  }

  private each(read: () => void): void {
    const count = this.reader.count(MAX_INDEX_SPACE, 'section item');
    for (let i = 0; i < count; i++) read();
  }

  private readTypes(): void {
    const { reader, store, types } = this;
    const { position } = reader;
    const end = endOfNumericFunction(reader.bytes, position, reader.end);
    if (end !== undefined) {
      types.push(-position);
      reader.position = end;
      return;
    }
    store.addGroup(this.identities(), readRecType(reader), this.problem);
  }

  /** The type index space, for those that refer to it. */
  private identities(): CoreTypeId[] {
    const { types } = this;
    for (; this.identified < types.length; this.identified++) this.identify(this.identified);
    return types;
  }

  private identify(index: number): CoreTypeId | undefined {
    const type = this.types[index];
    if (type === undefined || type >= 0) return type;
    const id = this.store.idOf(readNumericFunction(this.reader.bytes, -type));
    this.types[index] = id;
    return id;
  }

  private readImport(): void {
    const module = this.reader.name();
    const name = this.reader.name();
    const expr = readCoreExternType(this.reader);
    const type = this.resolve(expr);
    if (expr.kind === 'func') this.funcs.push(expr.type);
    else this.spaceOf(type.kind).push(type);
    this.imports.push({ module, name, type });
  }

  /** A module has thousands, nearly all with a type index of one byte, so they are read without a call for each. */
  private readFunctions(): void {
    const { funcs, reader } = this;
    const { bytes, end } = reader;
    const count = reader.count(MAX_INDEX_SPACE, 'section item');
    let { position } = reader;
    for (let i = 0; i < count; i++) {
      const byte = position < end ? (bytes[position] as number) : 0x80;
      if (byte < 0x80) {
        funcs.push(byte);
        position++;
      } else {
        reader.position = position;
        funcs.push(reader.u32());
        position = reader.position;
      }
    }
    reader.position = position;
  }

  private readTable(): void {
    const { reader } = this;
    const initialised = reader.peek() === 0x40;
    if (initialised) {
      reader.byte();
      if (reader.byte() !== 0x00) throw malformed('invalid table encoding', reader.position - 1);
    }
    this.tables.push(this.resolve(readTableType(reader)));
    if (initialised) this.skipConstantExpression();
  }

  private readExport(): void {
    const { reader } = this;
    const name = reader.name();
    const sort = reader.byte();
    const index = reader.u32();
    this.exports.set(name, this.exported(sort, index));
  }

  private exported(sort: number, index: number): CoreExternType {
    const kind = SORTS[sort];
    if (kind === undefined) throw malformed(`invalid leading byte (0x${sort.toString(16)}) for external kind`, this.reader.position);
    if (kind === 'func') {
      const type = this.funcs[index];
      if (type !== undefined) return { kind, type: this.funcType(type) };
    } else {
      const type = this.spaceOf(kind)[index];
      if (type !== undefined) return type;
    }
    throw this.invalid(`unknown ${kind === 'func' ? 'function' : kind} ${index}: exported ${kind} index out of bounds`);
  }

  private spaceOf(kind: 'func' | 'table' | 'memory' | 'global' | 'tag'): CoreExternType[] {
    switch (kind) {
      case 'table':
        return this.tables;
      case 'memory':
        return this.memories;
      case 'global':
        return this.globals;
      case 'tag':
        return this.tags;
      case 'func':
        throw new TypeError('internal error: functions are kept as type indices');
    }
  }

  private resolve(type: CoreExternTypeExpr): CoreExternType {
    switch (type.kind) {
      case 'func':
      case 'tag':
        return { kind: type.kind, type: this.funcType(type.type) };
      case 'table':
        return { ...type, element: this.valType(type.element) };
      case 'global':
        return { ...type, type: this.valType(type.type) };
      case 'memory':
        return type;
    }
  }

  private funcType(index: number): CoreFuncType {
    const id = this.identify(index);
    const type = id === undefined ? undefined : this.store.funcOf(id);
    if (type === undefined) throw this.invalid(`unknown type ${index}: type index out of bounds or not a function`);
    return type;
  }

  private valType(type: CoreValType): CoreValType {
    const canonical = type.includes('$') ? canonicalValType(this.identities(), type) : type;
    if (canonical === undefined) throw this.invalid(`unknown type in ${type}: type index out of bounds`);
    return canonical;
  }

  /** Skips the initialiser of a global or table; the opcodes that are constant in WebAssembly 3.0. */
  private skipConstantExpression(): void {
    const { reader } = this;
    for (;;) {
      const opcode = reader.byte();
      switch (opcode) {
        case 0x0b:
          return;
        case 0x23: // global.get
        case 0xd2: // ref.func
          reader.u32();
          break;
        case 0x41:
          reader.signed(32);
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
        case 0x6a: // i32.add, sub, mul
        case 0x6b:
        case 0x6c:
        case 0x7c: // i64.add, sub, mul
        case 0x7d:
        case 0x7e:
          break;
        case 0xd0: // ref.null
          readHeapType(reader);
          break;
        case 0xfb:
          this.skipGcInstruction(reader.u32());
          break;
        case 0xfd:
          if (reader.u32() !== 12) throw this.notConstant(); // v128.const
          reader.skip(16);
          break;
        default:
          throw this.notConstant();
      }
    }
  }

  private skipGcInstruction(opcode: number): void {
    switch (opcode) {
      case 0: // struct.new, struct.new_default, array.new, array.new_default
      case 1:
      case 6:
      case 7:
        this.reader.u32();
        return;
      case 8: // array.new_fixed
        this.reader.u32();
        this.reader.u32();
        return;
      case 26: // any.convert_extern, extern.convert_any, ref.i31
      case 27:
      case 28:
        return;
      default:
        throw this.notConstant();
    }
  }

  private notConstant(): ComponentError {
    return this.invalid('constant expression required: non-constant operator');
  }

  private readonly problem = (message: string): ComponentError => this.invalid(message);

  private invalid(message: string): ComponentError {
    return new ComponentError('TENON_CORE_INVALID', message, { offset: this.reader.position });
  }
}

keepOneOf(new CoreModuleReader(new Reader(new Uint8Array(0)), new CoreTypes()));
