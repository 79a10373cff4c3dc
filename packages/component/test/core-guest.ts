/** A core guest for tests of the host boundary: a memory, a `realloc`, and whatever else the test writes in WAT. */
import { parse } from '@bytecodealliance/jco';
import type { Binding, CoreFunction } from '../src/abi/contract.ts';
import { carriedBy } from '../src/abi/traps.ts';
import { ComponentInstance, type RuntimeResource, Store } from '../src/instance/state.ts';
import type { Field, FuncType, ValType } from '../src/types/types.ts';

const BASE = `
  (memory (export "memory") 1)
  (global $next (mut i32) (i32.const 64))
  (global $reallocs (export "reallocs") (mut i32) (i32.const 0))
  (func $realloc (export "realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32)
    (global.set $reallocs (i32.add (global.get $reallocs) (i32.const 1)))
    (local.set $at (i32.and
      (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
      (i32.sub (i32.const 0) (local.get $align))))
    (global.set $next (i32.add (local.get $at) (local.get $size)))
    (block $fits
      (loop $grow
        (br_if $fits (i32.le_u (global.get $next) (i32.mul (memory.size) (i32.const 65536))))
        (br_if $grow (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))
        unreachable))
    (memory.copy (local.get $at) (local.get $old)
      (select (local.get $size) (local.get $old-size) (i32.lt_u (local.get $size) (local.get $old-size))))
    (local.get $at))`;

export interface CoreGuest {
  readonly instance: ComponentInstance;
  readonly memory: WebAssembly.Memory;
  readonly reallocs: WebAssembly.Global<'i32'>;
  /** A core function that it exports. */
  func(name: string): CoreFunction;
  binding(name: string, resources?: readonly RuntimeResource[]): Binding;
}

/** Compiles WAT; memory and `realloc` are there already. Imports come first. */
export async function compileGuest(imports = '', body = ''): Promise<WebAssembly.Module> {
  return WebAssembly.compile((await parse(`(module ${imports} ${BASE} ${body})`)) as Uint8Array<ArrayBuffer>);
}

export function startGuest(module: WebAssembly.Module, imports: Record<string, CoreFunction> = {}, instance = newInstance()): CoreGuest {
  const { exports } = new WebAssembly.Instance(module, { host: imports as Record<string, WebAssembly.ExportValue> });
  const memory = exports.memory as WebAssembly.Memory;
  return {
    instance,
    memory,
    reallocs: exports.reallocs as WebAssembly.Global<'i32'>,
    func(name) {
      return exports[name] as CoreFunction;
    },
    binding(name, resources = []) {
      return { instance, memory, realloc: exports.realloc as CoreFunction, resources, name };
    },
  };
}

export function newInstance(parent?: ComponentInstance): ComponentInstance {
  return new ComponentInstance(parent?.store ?? new Store(), parent, parent === undefined ? 'root' : `${parent.path}.child`);
}

/** A function type; parameters are named `a`, `b`, … */
export function func(params: readonly ValType[], result?: ValType): FuncType {
  const fields: Field[] = params.map((type, i) => ({ name: String.fromCharCode(97 + i), type }));
  return { params: fields, result, async: false };
}

export const bool: ValType = { kind: 'bool' };
export const u8: ValType = { kind: 'u8' };
export const u32: ValType = { kind: 'u32' };
export const s32: ValType = { kind: 's32' };
export const u64: ValType = { kind: 'u64' };
export const s64: ValType = { kind: 's64' };
export const f32: ValType = { kind: 'f32' };
export const f64: ValType = { kind: 'f64' };
export const char: ValType = { kind: 'char' };
export const string: ValType = { kind: 'string' };
export const list = (element: ValType, length?: number): ValType => ({ kind: 'list', element, length });
export const option = (type: ValType): ValType => ({ kind: 'option', type });
export const tuple = (...types: ValType[]): ValType => ({ kind: 'tuple', types });
export const result = (ok?: ValType, err?: ValType): ValType => ({ kind: 'result', ok, err });
export const record = (fields: Record<string, ValType>): ValType => ({
  kind: 'record',
  fields: Object.entries(fields).map(([name, type]) => ({ name, type })),
});
export const variant = (cases: Record<string, ValType | undefined>): ValType => ({
  kind: 'variant',
  cases: Object.entries(cases).map(([name, type]) => ({ name, type })),
});
export const own = (resource: number): ValType => ({ kind: 'own', resource });
export const borrow = (resource: number): ValType => ({ kind: 'borrow', resource });

/** Runs what only core code calls, and throws what its trap carries to the embedder. */
export function fromCore(call: () => unknown): () => unknown {
  return () => {
    try {
      return call();
    } catch (error) {
      throw carriedBy(error);
    }
  };
}
