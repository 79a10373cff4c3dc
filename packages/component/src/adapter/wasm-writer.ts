/**
 * A core module under construction.
 * https://webassembly.github.io/spec/core/binary/modules.html
 */
import type { CoreFuncType, CoreValType } from '../types/types.ts';
import { Bytes, patch } from './bytes.ts';
import { Code, type Func, op, valueTypeCode } from './wasm-code.ts';

const SECTION = { custom: 0, type: 1, import: 2, function: 3, export: 7, code: 10 } as const;
const EXTERN = { func: 0, memory: 2, global: 3 } as const;

interface Definition {
  readonly name: string;
  readonly type: number;
  readonly code: Code;
  body: Uint8Array;
}

export class ModuleWriter {
  private readonly types = new Map<string, number>();
  private readonly typeBytes = new Bytes();
  private readonly importBytes = new Bytes();
  private readonly exportBytes = new Bytes();
  private readonly definitions: Definition[] = [];
  private readonly exportedFuncs: { readonly name: string; readonly func: Func }[] = [];
  private readonly importedFuncNames: string[] = [];
  private readonly spend: (bytes: number) => void;
  private imports = 0;
  private exports = 0;
  private importedMemories = 0;
  private importedGlobals = 0;

  /** @param spend called with the bytes of each function; throws when that is too much */
  constructor(spend: (bytes: number) => void) {
    this.spend = spend;
  }

  importFunc(module: string, field: string, type: CoreFuncType): Func {
    this.import(module, field, EXTERN.func);
    this.importBytes.unsigned(this.type(type));
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
    const definition: Definition = { name: funcName, type: this.type(type), code, body: new Uint8Array(0) };
    this.definitions.push(definition);
    body(code, func);
    definition.body = code.bytes.finish();
    this.spend(definition.body.length);
    return func;
  }

  exportFunc(exportName: string, func: Func): void {
    this.exportedFuncs.push({ name: exportName, func });
  }

  /** @param trap `(code: i32) -> ()`, what functions call that used `Code.trapIf`. */
  finish(trap: Func | undefined): Uint8Array<ArrayBuffer> {
    for (const { name: exportName, func } of this.exportedFuncs) this.export(exportName, EXTERN.func, this.indexOf(func));
    const functionBytes = new Bytes();
    const codeBytes = new Bytes();
    for (const definition of this.definitions) {
      functionBytes.unsigned(definition.type);
      this.body(codeBytes, definition, trap);
    }
    const bytes = new Bytes();
    bytes.push(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00);
    section(bytes, SECTION.type, this.types.size, this.typeBytes);
    section(bytes, SECTION.import, this.imports, this.importBytes);
    section(bytes, SECTION.function, this.definitions.length, functionBytes);
    section(bytes, SECTION.export, this.exports, this.exportBytes);
    section(bytes, SECTION.code, this.definitions.length, codeBytes);
    this.names(bytes);
    return bytes.finish();
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
        this.typeBytes.unsigned(list.length);
        for (const type of list) this.typeBytes.push(valueTypeCode(type));
      }
    }
    return index;
  }

  private import(module: string, field: string, kind: number): void {
    this.imports++;
    this.importBytes.name(module);
    this.importBytes.name(field);
    this.importBytes.push(kind);
  }

  private export(exportName: string, kind: number, index: number): void {
    this.exports++;
    this.exportBytes.name(exportName);
    this.exportBytes.push(kind);
    this.exportBytes.unsigned(index);
  }

  private body(out: Bytes, { code, body }: Definition, trap: Func | undefined): void {
    const bytes = new Bytes();
    const runs: [number, CoreValType][] = [];
    for (const type of code.localTypes) {
      const last = runs.at(-1);
      if (last !== undefined && last[1] === type) last[0]++;
      else runs.push([1, type]);
    }
    bytes.unsigned(runs.length);
    for (const [count, type] of runs) {
      bytes.unsigned(count);
      bytes.push(valueTypeCode(type));
    }
    if (code.traps) bytes.push(0x02, valueTypeCode('i32'));
    for (const call of code.calls) patch(body, call.at, this.indexOf(call.func));
    bytes.append(body);
    if (code.traps) {
      if (trap === undefined) throw new TypeError('a function that traps needs the trap import');
      bytes.push(op.return, 0x0b, 0x10);
      bytes.unsigned(this.indexOf(trap));
      bytes.push(op.unreachable);
    }
    bytes.push(0x0b);
    out.sized(bytes);
  }

  /** The name section, for backtraces. */
  private names(bytes: Bytes): void {
    const map = new Bytes();
    map.unsigned(this.definitions.length);
    this.definitions.forEach((definition, index) => {
      map.unsigned(this.importedFuncNames.length + index);
      map.name(definition.name);
    });
    const content = new Bytes();
    content.name('name');
    content.push(1);
    content.sized(map);
    bytes.push(SECTION.custom);
    bytes.sized(content);
  }
}

function section(bytes: Bytes, id: number, count: number, items: Bytes): void {
  if (count === 0) return;
  const content = new Bytes();
  content.unsigned(count);
  content.append(items.finish());
  bytes.push(id);
  bytes.sized(content);
}
