/**
 * Calls a guest's destructor from core code. A destructor that may suspend must not have a JavaScript frame below it, so it is called by a
 * small core module that asks JavaScript only what to do before and after.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#canon-resourcedrop
 */
import type { CoreFunction } from './contract.ts';

/*
 * (module
 *   (import "" "begin" (func $begin (param i32) (result f64)))
 *   (import "" "destructor" (func $destructor (param i32)))
 *   (import "" "end" (func $end))
 *   (import "" "threw" (func $threw))
 *   (func (export "drop") (param i32) (local f64)
 *     (block $caught
 *       (try_table (catch_all $caught)
 *         (if (f64.ge (local.tee 1 (call $begin (local.get 0))) (f64.const 0))
 *           (then (call $destructor (i32.trunc_f64_u (local.get 1))) (call $end)))
 *         (return)))
 *     (call $threw)))
 */
const text = (name: string): number[] => [name.length, ...[...name].map((c) => c.charCodeAt(0))];
const section = (id: number, content: readonly number[]): number[] => [id, content.length, ...content];
const imported = (name: string, type: number): number[] => [0, ...text(name), 0, type];
const BODY = [
  ...[1, 1, 0x7c, 0x02, 0x40, 0x1f, 0x40, 1, 2, 0],
  ...[0x20, 0, 0x10, 0, 0x22, 1, 0x44, 0, 0, 0, 0, 0, 0, 0, 0, 0x66, 0x04, 0x40, 0x20, 1, 0xab, 0x10, 1, 0x10, 2, 0x0b],
  ...[0x0f, 0x0b, 0x0b, 0x10, 3, 0x0b],
];
const MODULE = new Uint8Array([
  ...[0, 97, 115, 109, 1, 0, 0, 0],
  ...section(1, [3, 0x60, 1, 0x7f, 1, 0x7c, 0x60, 1, 0x7f, 0, 0x60, 0, 0]),
  ...section(2, [4, ...imported('begin', 0), ...imported('destructor', 1), ...imported('end', 2), ...imported('threw', 2)]),
  ...section(3, [1, 1]),
  ...section(7, [1, ...text('drop'), 0, 4]),
  ...section(10, [1, BODY.length, ...BODY]),
]);

let compiled: WebAssembly.Module | undefined;

/**
 * @param begin takes the handle; returns the representation to destroy, or -1 when there is nothing to call
 * @param destructor a core function
 * @param end runs when the destructor has returned
 * @param threw runs when it has thrown a core exception; it throws
 */
export function coreDrop(
  begin: (handle: number) => number,
  destructor: CoreFunction,
  end: () => void,
  threw: () => never,
): (handle: number) => void {
  compiled ??= new WebAssembly.Module(MODULE);
  const imports = { '': { begin, destructor: destructor as WebAssembly.ExportValue, end, threw } };
  return new WebAssembly.Instance(compiled, imports).exports.drop as (handle: number) => void;
}

// (module
//   (import "" "destructor" (func $destructor (param i32)))
//   (import "" "end" (func $end))
//   (func (export "drop") (param i32) (call $destructor (local.get 0)) (call $end)))
const THEN_END = new Uint8Array([
  ...[0, 97, 115, 109, 1, 0, 0, 0],
  ...section(1, [2, 0x60, 1, 0x7f, 0, 0x60, 0, 0]),
  ...section(2, [2, ...imported('destructor', 0), ...imported('end', 1)]),
  ...section(3, [1, 0]),
  ...section(7, [1, ...text('drop'), 0, 2]),
  ...section(10, [1, 8, 0, 0x20, 0, 0x10, 0, 0x10, 1, 0x0b]),
]);

let thenEnd: WebAssembly.Module | undefined;

/** A core function that calls a destructor and then, with no turn of the event loop in between unless the destructor suspends, `end`. */
export function destructorThenEnd(destructor: CoreFunction, end: () => void): CoreFunction {
  thenEnd ??= new WebAssembly.Module(THEN_END);
  const imports = { '': { destructor: destructor as WebAssembly.ExportValue, end } };
  return new WebAssembly.Instance(thenEnd, imports).exports.drop as CoreFunction;
}
