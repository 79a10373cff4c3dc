/**
 * The contract between `abi/` (values to and from JavaScript) and `link/` + `instance/`.
 * A *prepared* function is made once for each signature and is immutable; *binding* it to an instance is cheap.
 */
import type { ComponentInstance, RuntimeResource } from '../instance/state.ts';

// biome-ignore lint/complexity/noBannedTypes: core functions have any signature
export type CoreFunction = Function;
export type HostFunction = (...args: never[]) => unknown;

/** What a lifted or lowered function needs of one instance. */
export interface Binding {
  readonly instance: ComponentInstance;
  readonly memory: WebAssembly.Memory | undefined;
  readonly realloc: CoreFunction | undefined;
  /** Run-time resources by the plan's resource index. */
  readonly resources: readonly RuntimeResource[];
  /** Name of the function for messages: `wasi:io/streams#[method]input-stream.read`. */
  readonly name: string;
}

/** Host → component. */
export interface PreparedLift {
  /**
   * @param core the core function; when `suspends`, still the plain export: the binding wraps it in `WebAssembly.promising`.
   * @returns a function of JavaScript values; it returns a Promise exactly when `suspends`.
   */
  bind(binding: Binding, core: CoreFunction, postReturn: CoreFunction | undefined, suspends: boolean): (...args: unknown[]) => unknown;
}

/** Component → host. */
export interface PreparedLower {
  /** @returns the function to import into core wasm: plain, or a `WebAssembly.Suspending` when `suspends`. */
  bind(binding: Binding, host: HostFunction, suspends: boolean): CoreFunction;
}
