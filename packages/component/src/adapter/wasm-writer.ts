/**
 * A core module under construction.
 * https://webassembly.github.io/spec/core/binary/modules.html
 */
import type { CoreFuncType, CoreValType } from '../types/types.ts';
import { Code, type Func, op, unsigned, valueTypeCode } from './wasm-code.ts';

const SECTION = { custom: 0, type: 1, import: 2, function: 3, export: 7, code: 10 } as const;
const EXTERN = { func: 0, memory: 2, global: 3 } as const;

interface Definition {
  readonly name: string;
  readonly type: number;
  readonly code: Code;
}

const utf8 = new TextEncoder();

function name(bytes: number[], text: string): void {
  const encoded = utf8.encode(text);
  unsigned(bytes, encoded.length);
  append(bytes, encoded);
}

function append(bytes: number[], more: ArrayLike<number>): void {
  for (let i = 0; i < more.length; i++) bytes.push(more[i] ?? 0);
}

export class ModuleWriter {
  private readonly types = new Map<string, number>();
  private readonly typeBytes: number[] = [];
  private readonly importBytes: number[] = [];
  private readonly exportBytes: number[] = [];
  private readonly definitions: Definition[] = [];
  private readonly exportedFuncs: { readonly name: string; readonly func: Func }[] = [];
  private readonly importedFuncNames: string[] = [];
  private imports = 0;
  private exports = 0;
  private importedMemories = 0;
  private importedGlobals = 0;

  importFunc(module: string, field: string, type: CoreFuncType): Func {
    this.import(module, field, EXTERN.func);
    unsigned(this.importBytes, this.type(type));
    this.importedFuncNames.push(`${module} ${field}`);
    return { imported: true, index: this.importedFuncNames.length - 1 };
  }

  /** A memory of any size. */
  importMemory(module: string, field: string): number {
    this.import(module, field, EXTERN.memory);
    this.importBytes.push(0, 0);
    return this.importedMemories++;
  }

  /** An immutable i32. */
  importConstant(module: string, field: string): number {
    this.import(module, field, EXTERN.global);
    this.importBytes.push(valueTypeCode('i32'), 0);
    return this.importedGlobals++;
  }

  /** Defines a function: `body` leaves the results on the stack. It may be called (by `Func`) before its body is complete. */
  func(funcName: string, type: CoreFuncType, body: (code: Code, self: Func) => void): Func {
    const code = new Code(type.params);
    const func: Func = { imported: false, index: this.definitions.length };
    this.definitions.push({ name: funcName, type: this.type(type), code });
    body(code, func);
    return func;
  }

  exportFunc(exportName: string, func: Func): void {
    this.exportedFuncs.push({ name: exportName, func });
  }

  /** @param trap `(code: i32) -> ()`, what functions call that used `Code.trapIf`. */
  finish(trap: Func | undefined): Uint8Array<ArrayBuffer> {
    for (const { name: exportName, func } of this.exportedFuncs) this.export(exportName, EXTERN.func, this.indexOf(func));
    const functionBytes: number[] = [];
    const codeBytes: number[] = [];
    for (const definition of this.definitions) {
      unsigned(functionBytes, definition.type);
      this.body(codeBytes, definition, trap);
    }
    const bytes: number[] = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
    section(bytes, SECTION.type, this.types.size, this.typeBytes);
    section(bytes, SECTION.import, this.imports, this.importBytes);
    section(bytes, SECTION.function, this.definitions.length, functionBytes);
    section(bytes, SECTION.export, this.exports, this.exportBytes);
    section(bytes, SECTION.code, this.definitions.length, codeBytes);
    this.names(bytes);
    return Uint8Array.from(bytes);
  }

  private indexOf(func: Func): number {
    return func.imported ? func.index : this.importedFuncNames.length + func.index;
  }

  private type({ params, results }: CoreFuncType): number {
    const key = `${params.join()}:${results.join()}`;
    let index = this.types.get(key);
    if (index === undefined) {
      index = this.types.size;
      this.types.set(key, index);
      this.typeBytes.push(0x60);
      for (const list of [params, results]) {
        unsigned(this.typeBytes, list.length);
        for (const type of list) this.typeBytes.push(valueTypeCode(type));
      }
    }
    return index;
  }

  private import(module: string, field: string, kind: number): void {
    this.imports++;
    name(this.importBytes, module);
    name(this.importBytes, field);
    this.importBytes.push(kind);
  }

  private export(exportName: string, kind: number, index: number): void {
    this.exports++;
    name(this.exportBytes, exportName);
    this.exportBytes.push(kind);
    unsigned(this.exportBytes, index);
  }

  private body(out: number[], { code }: Definition, trap: Func | undefined): void {
    const bytes: number[] = [];
    const runs: [number, CoreValType][] = [];
    for (const type of code.localTypes) {
      const last = runs.at(-1);
      if (last !== undefined && last[1] === type) last[0]++;
      else runs.push([1, type]);
    }
    unsigned(bytes, runs.length);
    for (const [count, type] of runs) {
      unsigned(bytes, count);
      bytes.push(valueTypeCode(type));
    }
    if (code.traps) bytes.push(0x02, valueTypeCode('i32'));
    const start = bytes.length;
    append(bytes, code.bytes);
    for (const call of code.calls) {
      const index = this.indexOf(call.func);
      for (let i = 0; i < 5; i++) bytes[start + call.at + i] = ((index >>> (7 * i)) & 0x7f) | (i < 4 ? 0x80 : 0);
    }
    if (code.traps) {
      if (trap === undefined) throw new TypeError('a function that traps needs the trap import');
      bytes.push(op.return, 0x0b, 0x10);
      unsigned(bytes, this.indexOf(trap));
      bytes.push(op.unreachable);
    }
    bytes.push(0x0b);
    unsigned(out, bytes.length);
    append(out, bytes);
  }

  /** The name section, for backtraces. */
  private names(bytes: number[]): void {
    const map: number[] = [];
    unsigned(map, this.definitions.length);
    this.definitions.forEach((definition, index) => {
      unsigned(map, this.importedFuncNames.length + index);
      name(map, definition.name);
    });
    const content: number[] = [];
    name(content, 'name');
    content.push(1);
    unsigned(content, map.length);
    append(content, map);
    bytes.push(SECTION.custom);
    unsigned(bytes, content.length);
    append(bytes, content);
  }
}

function section(bytes: number[], id: number, count: number, content: readonly number[]): void {
  if (count === 0) return;
  const counted: number[] = [];
  unsigned(counted, count);
  bytes.push(id);
  unsigned(bytes, counted.length + content.length);
  append(bytes, counted);
  append(bytes, content);
}
