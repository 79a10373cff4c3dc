/**
 * Through which rewritten code calls the engine. It is core code, so that a guest that may suspend can: what asks is JavaScript, but what
 * waits is called from here, with no JavaScript frame in between. Where V8 cannot suspend all the same, the guest just goes on.
 */
import type { CoreFunction } from '../abi/contract.ts';
import { suspendingImport } from '../abi/jspi.ts';

/** What the functions get first: the object that the instance was given. */
export interface GateHandlers<State> {
  /** @returns 1 when the guest shall yield to the event loop */
  check(state: State): number;
  yield(state: State): Promise<void>;
  service(state: State, what: number, which: number, value: number): number;
}

export interface Gate {
  readonly interrupt: CoreFunction;
  readonly service: CoreFunction;
}

/*
 * (module
 *   (import "" "check" (func $check (param externref) (result i32)))
 *   (import "" "yield" (func $yield (param externref)))
 *   (import "" "service" (func $service (param externref i32 i32 f64) (result f64)))
 *   (func (export "interrupt") (param externref)
 *     (if (call $check (local.get 0))
 *       (then
 *         (block $went-on (try_table (catch_all $went-on) (call $yield (local.get 0))))
 *         (drop (call $check (local.get 0))))))
 *   (export "service" (func $service)))
 */
const text = (name: string): number[] => [name.length, ...[...name].map((c) => c.charCodeAt(0))];
const section = (id: number, content: readonly number[]): number[] => [id, content.length, ...content];
const imported = (name: string, type: number): number[] => [0, ...text(name), 0, type];
const BODY = [
  ...[0, 0x20, 0, 0x10, 0, 0x04, 0x40],
  ...[0x02, 0x40, 0x1f, 0x40, 1, 2, 0, 0x20, 0, 0x10, 1, 0x0b, 0x0b],
  ...[0x20, 0, 0x10, 0, 0x1a, 0x0b, 0x0b],
];
const MODULE = new Uint8Array([
  ...[0, 97, 115, 109, 1, 0, 0, 0],
  ...section(1, [3, 0x60, 1, 0x6f, 1, 0x7f, 0x60, 1, 0x6f, 0, 0x60, 4, 0x6f, 0x7f, 0x7f, 0x7c, 1, 0x7c]),
  ...section(2, [3, ...imported('check', 0), ...imported('yield', 1), ...imported('service', 2)]),
  ...section(3, [1, 1]),
  ...section(7, [2, ...text('interrupt'), 0, 3, ...text('service'), 0, 2]),
  ...section(10, [1, BODY.length, ...BODY]),
]);

/** Without JSPI nothing ever yields. */
function yielding(yields: (...args: unknown[]) => unknown): CoreFunction {
  try {
    return suspendingImport(yields);
  } catch {
    return () => {};
  }
}

export function makeGate<State>(handlers: GateHandlers<State>): Gate {
  const imports = {
    check: (state: State) => handlers.check(state),
    yield: yielding((state) => handlers.yield(state as State)) as WebAssembly.ExportValue,
    service: (state: State, what: number, which: number, value: number) => handlers.service(state, what, which, value),
  };
  const { interrupt, service } = new WebAssembly.Instance(new WebAssembly.Module(MODULE), { '': imports }).exports;
  return { interrupt: interrupt as CoreFunction, service: service as CoreFunction };
}
