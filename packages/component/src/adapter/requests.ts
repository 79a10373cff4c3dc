/**
 * What the linker asks of the adapter emitter, and what it gets: the contract between `link/` and `adapter/`.
 * Everything here is plain data, so that a plan can be sent to a worker thread.
 */
import type { StringEncoding } from '../binary/definitions.ts';
import type { CoreFuncType, FuncType, ResourceId } from '../types/types.ts';

/** One side of a call. Numbers are keys that the linker chose: equal keys mean the same memory, function or instance. */
export interface AdapterSide {
  /** The component instance. */
  readonly instance: number;
  readonly encoding: StringEncoding;
  readonly memory: number | undefined;
  readonly realloc: number | undefined;
  /** Whether it uses `context.get` or `context.set`, so that each new thread in it needs storage of its own. */
  readonly usesContext: boolean;
  /** Whether an exception of core code can leave its functions. */
  readonly mayThrow: boolean;
}

/** A synchronous lowered function whose callee is a synchronous lifted function of another component. */
export interface AdapterRequest {
  readonly type: FuncType;
  readonly caller: AdapterSide;
  readonly callee: AdapterSide & { readonly func: number; readonly postReturn: number | undefined };
  /**
   * The instances that the call enters (`entering_set` of the spec: callee and its ancestors less the caller's), less those that
   * nobody could enter again in the meantime; their MAY_ENTER is checked, cleared, and set again on return.
   * Empty for a call from a child to its ancestor.
   */
  readonly enters: readonly number[];
  /** Name for messages. */
  readonly name: string;
}

/** An import of the emitted module, in order. The linker provides a value for each. */
export type AdapterImport = { readonly module: string; readonly name: string } & (
  | { readonly kind: 'memory'; readonly memory: number }
  | { readonly kind: 'flags memory' }
  /** An immutable i32 global: the byte address of the instance's flags. */
  | { readonly kind: 'flags address'; readonly instance: number }
  | { readonly kind: 'func'; readonly func: number; readonly type: CoreFuncType }
  | { readonly kind: 'realloc'; readonly realloc: number }
  | { readonly kind: 'post-return'; readonly postReturn: number; readonly type: CoreFuncType }
  /** `(code: i32) -> ()`, throws a Trap with the message `ADAPTER_TRAPS[code]`; never returns. */
  | { readonly kind: 'trap' }
  /** `(handle: i32) -> i32`: lift_own from the caller's table, lower_own into the callee's (or back, for results). */
  | { readonly kind: 'transfer own'; readonly resource: ResourceId; readonly from: number; readonly to: number }
  /** `(handle: i32) -> i32`: lift_borrow, lower_borrow in the scope of the current call; the representation if `to` implements it. */
  | { readonly kind: 'transfer borrow'; readonly resource: ResourceId; readonly from: number; readonly to: number }
  /** `() -> ()`: makes the Task that borrows of this call belong to. Only for signatures with borrows. */
  | { readonly kind: 'enter call'; readonly callee: number }
  /** `() -> ()`: traps when borrows are left, releases lenders, restores the caller's task. */
  | { readonly kind: 'exit call' }
);

export interface AdapterModule {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly imports: readonly AdapterImport[];
  /** Export name of each request's adapter, in order of the requests. */
  readonly exports: readonly string[];
}
