/** What a built-in needs of the instance that it is made for, and how it ends a guest that breaks a rule. */
import type { Binding, CoreFunction } from '../../abi/contract.ts';
import { checkMayLeave } from '../../abi/resources.ts';
import { raise } from '../../abi/traps.ts';
import type { ComponentInstance, RuntimeResource } from '../../instance/state.ts';
import type { CanonSlots, PlanBuiltin, Slot } from '../../link/plan.ts';

export interface BuiltinEnvironment {
  readonly instance: ComponentInstance;
  /** Whether what waits may be called where a stack can be put aside. */
  readonly suspends: boolean;
  memory(slot: Slot): WebAssembly.Memory;
  table(slot: Slot): WebAssembly.Table;
  resource(index: number): RuntimeResource;
  binding(options: CanonSlots, name: string): Binding;
}

/** One type for each kind, where several are written as one. */
type Split<T extends { readonly kind: string }> = T extends unknown ? { [K in T['kind']]: T & { readonly kind: K } }[T['kind']] : never;

export type BuiltinOf<K extends PlanBuiltin['kind']> = Extract<Split<PlanBuiltin>, { readonly kind: K }>;

/** Makes the core function of a built-in. */
export type Maker<K extends PlanBuiltin['kind']> = (env: BuiltinEnvironment, builtin: BuiltinOf<K>) => CoreFunction;

/** A built-in that may not be called during `realloc` and `post-return`, and whose errors are traps. */
export function guarded<A extends unknown[], R>(instance: ComponentInstance, name: string, run: (...args: A) => R): (...args: A) => R {
  return (...args) => {
    try {
      checkMayLeave(instance);
      return run(...args);
    } catch (error) {
      return raise(instance, name, error);
    }
  };
}
