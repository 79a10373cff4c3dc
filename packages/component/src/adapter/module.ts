/** The module that all adapters of a plan share: its imports, made when first used, and its helper functions, made once each. */
import type { CoreFuncType, ResourceId, ValType } from '../types/types.ts';
import type { AdapterImport, AdapterSide } from './requests.ts';
import type { Code, Func } from './wasm-code.ts';
import { ModuleWriter } from './wasm-writer.ts';

const I32_TO_I32: CoreFuncType = { params: ['i32'], results: ['i32'] };
const REALLOC: CoreFuncType = { params: ['i32', 'i32', 'i32', 'i32'], results: ['i32'] };
const NOTHING: CoreFuncType = { params: [], results: [] };

/** One direction of a call: values move from the one side to the other. */
export interface Passage {
  readonly from: AdapterSide;
  readonly to: AdapterSide;
  /** Equal for passages for which equal code is emitted. */
  readonly key: string;
}

export function passage(from: AdapterSide, to: AdapterSide): Passage {
  const sides = [from, to].map((side) => `${side.instance} ${side.encoding} ${side.memory} ${side.realloc}`);
  return { from, to, key: sides.join(' > ') };
}

export class SharedModule {
  readonly writer: ModuleWriter;
  readonly imports: AdapterImport[] = [];
  private readonly memories = new Map<number, number>();
  private readonly flagsAddresses = new Map<number, number>();
  private flags: number | undefined;
  private readonly funcs = new Map<string, Func>();
  private readonly typeNumbers = new Map<ValType, number>();

  constructor(spend: (bytes: number) => void) {
    this.writer = new ModuleWriter(spend);
  }

  memory(memory: number): number {
    return once(this.memories, memory, () => {
      this.imports.push({ module: 'memory', name: String(memory), kind: 'memory', memory });
      return this.writer.importMemory('memory', String(memory));
    });
  }

  flagsMemory(): number {
    if (this.flags === undefined) {
      this.imports.push({ module: 'flags', name: 'memory', kind: 'flags memory' });
      this.flags = this.writer.importMemory('flags', 'memory');
    }
    return this.flags;
  }

  flagsAddress(instance: number): number {
    return once(this.flagsAddresses, instance, () => {
      this.imports.push({ module: 'flags', name: String(instance), kind: 'flags address', instance });
      return this.writer.importConstant('flags', String(instance));
    });
  }

  func(func: number, type: CoreFuncType): Func {
    return this.importFunc({ module: 'func', name: String(func), kind: 'func', func, type }, type);
  }

  realloc(realloc: number): Func {
    return this.importFunc({ module: 'realloc', name: String(realloc), kind: 'realloc', realloc }, REALLOC);
  }

  postReturn(postReturn: number, type: CoreFuncType): Func {
    return this.importFunc({ module: 'post-return', name: String(postReturn), kind: 'post-return', postReturn, type }, type);
  }

  transfer(kind: 'own' | 'borrow', resource: ResourceId, from: number, to: number): Func {
    const name = `${resource} ${from} ${to}`;
    return this.importFunc({ module: `transfer ${kind}`, name, kind: `transfer ${kind}`, resource, from, to }, I32_TO_I32);
  }

  enterCall(callee: number): Func {
    return this.importFunc({ module: 'enter call', name: String(callee), kind: 'enter call', callee }, NOTHING);
  }

  exitCall(): Func {
    return this.importFunc({ module: 'call', name: 'exit', kind: 'exit call' }, NOTHING);
  }

  /** A number for a type object, for the keys of helpers. */
  typeNumber(type: ValType): number {
    return once(this.typeNumbers, type, () => this.typeNumbers.size);
  }

  /** A function that is emitted when first asked for by this key. Its name is for backtraces. */
  helper(name: string, type: CoreFuncType, body: (code: Code) => void, key: string = name): Func {
    let func = this.funcs.get(key);
    if (func === undefined) {
      func = this.writer.func(name, type, (code, self) => {
        this.funcs.set(key, self);
        body(code);
      });
    }
    return func;
  }

  finish(): Uint8Array<ArrayBuffer> {
    return this.writer.finish(this.importFunc({ module: 'adapter', name: 'trap', kind: 'trap' }, { params: ['i32'], results: [] }));
  }

  private importFunc(entry: AdapterImport, type: CoreFuncType): Func {
    const key = `import ${entry.module} ${entry.name}`;
    let func = this.funcs.get(key);
    if (func === undefined) {
      func = this.writer.importFunc(entry.module, entry.name, type);
      this.imports.push(entry);
      this.funcs.set(key, func);
    }
    return func;
  }
}

function once<K>(known: Map<K, number>, key: K, make: () => number): number {
  let value = known.get(key);
  if (value === undefined) {
    value = make();
    known.set(key, value);
  }
  return value;
}
