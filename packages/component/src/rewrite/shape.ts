/** What a core module consists of, as far as rewriting it needs: its sections, and everything that its index spaces hold but functions' code. */
import {
  endOfNumericFunction,
  readCoreValType,
  readMemoryType,
  readRecType,
  readRefType,
  readTagType,
} from '../binary/decode-core-types.ts';
import { Reader } from '../binary/reader.ts';
import type { CoreLimits } from '../types/types.ts';
import { CONSTANT_END, readConstant } from './constant.ts';
import { Unreadable } from './scan.ts';

export const SECTION = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
  data: 11,
  dataCount: 12,
  tag: 13,
} as const;

export interface Section {
  readonly id: number;
  /** Where its header begins, its contents begin and end. */
  readonly header: number;
  readonly start: number;
  readonly end: number;
  /** Of a custom section; empty for others. */
  readonly name: string;
  /** Where the contents of a custom section begin after its name. */
  readonly body: number;
}

export interface Memory {
  readonly limits: CoreLimits;
  /** Undefined for one that the module defines. */
  readonly imported: readonly [module: string, name: string] | undefined;
}

/** A value type: its bytes, and what it may be. */
export interface Value {
  readonly bytes: Uint8Array;
  /** In the text format. */
  readonly text: string;
}

export interface Table {
  readonly element: Value;
  readonly min: bigint;
  readonly index64: boolean;
  readonly imported: boolean;
}

export interface Global {
  readonly type: Value;
  readonly mutable: boolean;
  readonly imported: boolean;
}

export interface Shape {
  readonly sections: readonly Section[];
  readonly typeCount: number;
  /** By type index; bytes that an element takes. Those of other types are missing. */
  readonly arrays: ReadonlyMap<number, number>;
  /** Types of structures and arrays. */
  readonly objectTypes: ReadonlySet<number>;
  /** Whether objects of its types can be changed once they are made. */
  readonly mutableObjects: boolean;
  readonly importCount: number;
  readonly importModules: ReadonlySet<string>;
  readonly functionCount: number;
  readonly importedFunctions: number;
  readonly memories: readonly Memory[];
  readonly tables: readonly Table[];
  readonly globals: readonly Global[];
  readonly exportNames: readonly string[];
  readonly start: number | undefined;
  /** Bytes of the largest array that a constant expression makes; infinite where only instantiation knows. */
  readonly constantArrayBytes: number;
  /** Whether constant expressions make objects. */
  readonly constantObjects: boolean;
}

const PREAMBLE_BYTES = 8;

/** @throws ComponentError, Unreadable for what is no module */
export function readShape(bytes: Uint8Array): Shape {
  return new ShapeReader(bytes).read();
}

class ShapeReader {
  private readonly bytes: Uint8Array;
  private readonly sections: Section[] = [];
  private typeCount = 0;
  private readonly arrays = new Map<number, number>();
  private readonly objectTypes = new Set<number>();
  private mutableObjects = false;
  private importCount = 0;
  private readonly importModules = new Set<string>();
  private importedFunctions = 0;
  private functionCount = 0;
  private readonly memories: Memory[] = [];
  private readonly tables: Table[] = [];
  private readonly globals: Global[] = [];
  private readonly exportNames: string[] = [];
  private start: number | undefined;
  private constantArrayBytes = 0;
  private constantObjects = false;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  read(): Shape {
    const { bytes } = this;
    const reader = new Reader(bytes, PREAMBLE_BYTES);
    while (reader.left > 0) {
      const header = reader.position;
      const id = reader.byte();
      const size = reader.u32();
      const start = reader.skip(size);
      const end = reader.position;
      const content = new Reader(bytes, start, end);
      const name = id === SECTION.custom ? content.name() : '';
      this.sections.push({ id, header, start, end, name, body: content.position });
      this.readSection(id, content);
    }
    const { sections, typeCount, arrays, objectTypes, mutableObjects, importCount, importModules, functionCount, importedFunctions } = this;
    const { memories, tables, globals, exportNames, constantArrayBytes, constantObjects } = this;
    return {
      ...{
        sections,
        typeCount,
        arrays,
        objectTypes,
        mutableObjects,
        importCount,
        importModules,
        importedFunctions,
        memories,
        tables,
        globals,
      },
      ...{ exportNames, start: this.start, functionCount: importedFunctions + functionCount, constantArrayBytes, constantObjects },
    };
  }

  private readSection(id: number, reader: Reader): void {
    switch (id) {
      case SECTION.type:
        this.each(reader, () => this.readTypes(reader));
        break;
      case SECTION.import:
        this.importCount = this.each(reader, () => this.readImport(reader));
        break;
      case SECTION.function:
        this.functionCount = reader.u32();
        break;
      case SECTION.table:
        this.each(reader, () => {
          const initialised = reader.peek() === 0x40;
          if (initialised) reader.skip(2);
          this.readTable(reader, false);
          if (initialised) this.constant(reader);
        });
        break;
      case SECTION.memory:
        this.each(reader, () => this.memories.push({ limits: readMemoryType(reader).limits, imported: undefined }));
        break;
      case SECTION.global:
        this.each(reader, () => {
          this.readGlobal(reader, false);
          this.constant(reader);
        });
        break;
      case SECTION.export:
        this.each(reader, () => {
          this.exportNames.push(reader.name());
          reader.byte();
          reader.u32();
        });
        break;
      case SECTION.start:
        this.start = reader.u32();
        break;
      case SECTION.element:
        // Only those of modules with objects can make any.
        if (this.arrays.size > 0 || this.mutableObjects) this.each(reader, () => this.readElements(reader));
        break;
    }
  }

  private each(reader: Reader, read: () => void): number {
    const count = reader.u32();
    if (count > reader.left) throw new Unreadable();
    for (let i = 0; i < count; i++) read();
    return count;
  }

  private readTypes(reader: Reader): void {
    const end = endOfNumericFunction(reader.bytes, reader.position, reader.end);
    if (end !== undefined) {
      reader.position = end;
      this.typeCount++;
      return;
    }
    for (const { type } of readRecType(reader)) {
      const index = this.typeCount++;
      if (type.kind === 'array') this.arrays.set(index, elementBytes(type.text));
      if (type.kind !== 'array' && type.kind !== 'struct') continue;
      this.objectTypes.add(index);
      if (type.text.includes('(mut')) this.mutableObjects = true;
    }
  }

  private readImport(reader: Reader): void {
    const module = reader.name();
    const name = reader.name();
    this.importModules.add(module);
    switch (reader.byte()) {
      case 0:
        reader.u32();
        this.importedFunctions++;
        break;
      case 1:
        this.readTable(reader, true);
        break;
      case 2:
        this.memories.push({ limits: readMemoryType(reader).limits, imported: [module, name] });
        break;
      case 3:
        this.readGlobal(reader, true);
        break;
      case 4:
        readTagType(reader);
        break;
      default:
        throw new Unreadable();
    }
  }

  private value(reader: Reader, read: (reader: Reader) => string): Value {
    const { position } = reader;
    const text = read(reader);
    return { bytes: reader.bytes.slice(position, reader.position), text };
  }

  private readTable(reader: Reader, imported: boolean): void {
    const element = this.value(reader, readRefType);
    const flags = reader.byte();
    const min = reader.u64();
    if ((flags & 1) !== 0) reader.u64();
    this.tables.push({ element, min, index64: (flags & 4) !== 0, imported });
  }

  private readGlobal(reader: Reader, imported: boolean): void {
    const type = this.value(reader, readCoreValType);
    this.globals.push({ type, mutable: reader.byte() === 1, imported });
  }

  private constant(reader: Reader): void {
    const { arrayBytes, objects } = readConstant(reader, this.arrays);
    this.constantArrayBytes = Math.max(this.constantArrayBytes, arrayBytes);
    this.constantObjects ||= objects;
    if (reader.bytes[reader.position - 1] !== CONSTANT_END) throw new Unreadable();
  }

  private readElements(reader: Reader): void {
    const flags = reader.u32();
    if (flags > 7) throw new Unreadable();
    const passive = (flags & 1) !== 0;
    if (!passive) {
      if ((flags & 2) !== 0) reader.u32();
      this.constant(reader);
    }
    const expressions = (flags & 4) !== 0;
    if ((flags & 3) !== 0) {
      if (expressions) readRefType(reader);
      else reader.byte();
    }
    this.each(reader, () => {
      if (expressions) this.constant(reader);
      else reader.u32();
    });
  }
}

const ELEMENT_BYTES: Readonly<Record<string, number>> = { i8: 1, i16: 2, i32: 4, f32: 4, i64: 8, f64: 8, v128: 16 };

function elementBytes(text: string): number {
  return ELEMENT_BYTES[text.replace(/^\(mut (.*)\)$/, '$1')] ?? 8;
}
