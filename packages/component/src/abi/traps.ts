/**
 * How a call fails for good: every exception that leaves core wasm is a trap, and a trap ends the life of its store.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#canon-lift
 */
import { Ended, Trap } from '../errors.ts';
import { flagWords, MAY_LEAVE } from '../instance/flags.ts';
import type { ComponentInstance } from '../instance/state.ts';
import { inWords } from './misfit.ts';

/** The brand of errors that pass through the guest unchanged to the outermost caller, such as the exit of a command. */
export const UNWIND: unique symbol = Symbol.for('tenon.unwind') as never;

export function isUnwind(error: unknown): boolean {
  return typeof error === 'object' && error !== null && UNWIND in error;
}

/**
 * Poisons the store of `instance` with what was thrown in it. Returns what to throw to the embedder: a Trap, or the same branded error.
 */
export function failed(thrownError: unknown, instance: ComponentInstance, func: string): unknown {
  const error = carriedBy(thrownError);
  const ending = instance.store.trap;
  // Whatever comes of it.
  if (ending instanceof Ended) return ending.error;
  if (isUnwind(error)) {
    instance.store.end(new Trap('the guest has ended', error, { component: instance.path, func }));
    return error;
  }
  // Once, where the error comes out of core code.
  if (instance.store.trap === undefined) instance.store.guard?.place(error);
  const trap = error instanceof Trap ? error : new Trap(isSuspendError(error) ? suspendMessage(instance) : trapMessage(error), error);
  trap.component ??= instance.path;
  trap.func ??= func;
  instance.store.end(trap);
  return trap;
}

/** V8's error for a call that may wait where no stack can be put aside: in a start function, `realloc` or `post-return`. */
const isSuspendError = (error: unknown): boolean => error instanceof Error && error.name === 'SuspendError';

function suspendMessage(instance: ComponentInstance): string {
  return ((flagWords[instance.flagsWord] ?? 0) & MAY_LEAVE) === 0
    ? 'wasm trap: cannot leave component instance'
    : 'wasm trap: cannot block a synchronous task before returning: core start functions cannot wait';
}

/** What to throw when core code returned although its store was poisoned meanwhile. */
export function swallowed(trap: Trap): unknown {
  if (trap instanceof Ended) return trap.error;
  return isUnwind(trap.cause) ? trap.cause : trap;
}

/** Poisons the store and throws, from a function that core code called. */
export function raise(instance: ComponentInstance, func: string, error: unknown): never {
  throw uncatchable(failed(error, instance, func));
}

// (module (func (export "trap") unreachable))
const TRAP_MODULE = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 7, 8, 1, 4, 116, 114, 97, 112, 0, 0, 10, 5, 1, 3, 0, 0, 11,
];

let trap: (() => void) | undefined;
const carried = new WeakMap<object, unknown>();

/**
 * A guest can catch a JavaScript exception with `catch_all`, but not a trap of core wasm. So what must not be caught travels through core
 * code on such a trap.
 */
export function uncatchable(error: unknown): unknown {
  trap ??= new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(TRAP_MODULE))).exports.trap as () => void;
  try {
    trap();
  } catch (carrier) {
    // Else the stack is exhausted, and what V8 throws then cannot be caught either.
    if (carrier instanceof WebAssembly.RuntimeError) carried.set(carrier, error);
    return carrier;
  }
  return error;
}

/** What travels on a trap that {@link uncatchable} made. */
export function carriedBy(error: unknown): unknown {
  return (typeof error === 'object' && error !== null ? carried.get(error) : undefined) ?? error;
}

// Left: V8's words. Right: the words of the core specification's tests and of Wasmtime, which people search for.
const CORE_TRAPS: readonly (readonly [RegExp, string])[] = [
  [/^unreachable$/, 'wasm `unreachable` instruction executed'],
  [/^memory access out of bounds$/, 'out of bounds memory access'],
  [/^table index is out of bounds$/, 'undefined element: out of bounds table access'],
  [/^table access out of bounds$/, 'undefined element: out of bounds table access'],
  [/^null function or function signature mismatch$/, 'indirect call type mismatch'],
  [/^divide by zero$|^remainder by zero$/, 'integer divide by zero'],
  [/^divide result unrepresentable$/, 'integer overflow'],
  [/^float unrepresentable in integer range$/, 'invalid conversion to integer'],
  [/^operation does not support unaligned accesses$/, 'unaligned atomic'],
  [/^dereferencing a null pointer$/, 'null reference'],
  [/^array element access out of bounds$/, 'out of bounds array access'],
  [/^illegal cast$/, 'cast failure'],
  [/^Maximum call stack size exceeded$/, 'call stack exhausted'],
];

export const CORE_EXCEPTION = 'wasm trap: a core exception reached the boundary of the component';

/** A trap of core wasm in words that people search for. */
export function trapMessage(error: unknown): string {
  if (error instanceof WebAssembly.RuntimeError || error instanceof RangeError) {
    const known = CORE_TRAPS.find(([pattern]) => pattern.test(error.message));
    return known === undefined ? `wasm trap: ${error.message}` : `wasm trap: ${known[1]} (${error.message})`;
  }
  if (error instanceof WebAssembly.Exception) return CORE_EXCEPTION;
  return thrown(error);
}

/** `TypeError: x is not a function`, for anything that can be thrown. */
export function thrown(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : inWords(error);
}
