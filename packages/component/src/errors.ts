import { backtrace } from './backtrace/backtrace.ts';
import { type Message, messageText } from './visible.ts';

export { BACKTRACE_FRAMES } from './backtrace/backtrace.ts';
export { type Message, visible, visibleData, visibleJson } from './visible.ts';

/** What each engine error code means for the person who reads it. Kept in step with `docs/errors.md` by a test. */
export const ENGINE_ERRORS = {
  TENON_NOT_WASM: 'The bytes are not WebAssembly: give the path of a component (.wasm).',
  TENON_CORE_MODULE: 'The bytes are a core module: make it a component, for example with `jco new module.wasm -o component.wasm`.',
  TENON_MALFORMED: 'The bytes do not follow the component binary format: build or download the file again.',
  TENON_INVALID: 'The component breaks a validation rule: rebuild it with a current toolchain.',
  TENON_CORE_INVALID: 'A core module inside the component is invalid: rebuild it with a current toolchain.',
  TENON_UNSUPPORTED: 'The component needs a feature that is not on in this engine.',
  TENON_IMPORT_MISSING: 'Nothing provides these imports: define them in the Linker, grant them, or compose a component that exports them.',
  TENON_IMPORT_TYPE: 'A definition does not fit the type of the import: change the definition or the component.',
  TENON_DEFINITION:
    'A definition defines nothing, is given twice for one import, or is probably meant for an import that something else serves: give each import one definition, with `override` where one counts before others.',
  TENON_OPTION: 'An option is not known, or is not an object of options: the message says which there are.',
  TENON_EXPORT_MISSING: 'The component has no such export: see `tenon inspect`.',
  TENON_INSTANCE_BUSY: 'The instance is in the middle of another call: wait for it, or use one instance for each concurrent call.',
  TENON_INSTANCE_ENDED: 'The instance was ended by the embedder, or has exited by itself; `cause` says why: make a new one.',
  TENON_INSTANCE_POISONED: 'The instance trapped earlier and cannot be used any more: make a new one.',
  TENON_VALUE_TYPE: 'A JavaScript value does not fit the type of the parameter or result: pass a value of the named type.',
  TENON_RESULT: 'The function returned the error case of its result; `payload` holds the error.',
  TENON_RESOURCE: 'A resource handle is dropped, moved, lent or of another type: use a live handle of the right type.',
  TENON_MEMORY_LIMIT: 'A core module needs more memory from the start than it may have: raise the limit.',
  TENON_TABLE_LIMIT: 'A core module needs more table elements from the start than it may have: raise the limit.',
  TENON_NOT_INTERRUPTIBLE: 'Only a component that was compiled with `interruptible` can be called under limits or reset.',
  TENON_HOST_MEMORY:
    'The host cannot map another linear memory: drop instances, keep a pool, or start Node with `--disable-wasm-trap-handler`.',
  TENON_TRAP: 'The guest trapped; the instance is poisoned.',
  TENON_DEADLINE: 'The call did not return in the time that it had; the instance is poisoned.',
  TENON_CPU_TIME: 'The call computed for longer than it may; the instance is poisoned.',
  TENON_CANCELLED: 'The call was cancelled; the instance is poisoned.',
} as const;

/** A stable error code. */
export type ErrorCode = keyof typeof ENGINE_ERRORS;

/** Details that an error can carry. */
export interface ErrorDetails {
  /** Byte offset into the component binary, where the error is about bytes. */
  readonly offset?: number;
  /** The path of definitions, outermost first: `component[0] > instance "math" > func "add"`. */
  readonly path?: string;
  /** The error value of a function's `result`, already a JavaScript value. */
  readonly payload?: unknown;
  readonly cause?: unknown;
}

/**
 * The base of every error that Tenon throws on purpose.
 * `code` is stable across releases; other packages add codes of their own with the prefix `TENON_`.
 */
export class TenonError extends Error {
  override readonly name: string = 'TenonError';
  readonly code: string;

  /** @param message one line, or a list of lines; what cannot be seen is escaped, so that no name in it can begin a line or steer a terminal */
  constructor(code: string, message: Message, cause?: unknown) {
    super(messageText(message), cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/**
 * A component, or the use that is made of it, is wrong: bytes, types, linking or values.
 * When `code` is `TENON_RESULT`, the guest or host returned the error case of a `result` and `payload` is that error.
 * A host function throws `new ComponentError('TENON_RESULT', …, { payload })` (or uses {@link resultError}) to return an error.
 */
export class ComponentError extends TenonError {
  override readonly name = 'ComponentError';
  declare readonly code: ErrorCode;
  declare readonly offset: number | undefined;
  declare readonly path: string | undefined;
  declare readonly payload: unknown;

  constructor(code: ErrorCode, message: Message, details: ErrorDetails = {}) {
    super(code, message, details.cause);
    // Only what it has: all is printed.
    if (details.offset !== undefined) this.offset = details.offset;
    if (details.path !== undefined) this.path = details.path;
    if ('payload' in details) this.payload = details.payload;
  }
}

/**
 * Runs what may throw errors that are answers and no faults: the end of a stream, a file that is not there. To record where they were thrown costs a
 * hundred times as much as all else about them, so they have no stack.
 */
export function withoutStacks<T>(operation: () => T): T {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return operation();
  } finally {
    Error.stackTraceLimit = limit;
  }
}

/** Makes the error that a host function throws to return the error case of its `result`. It has no stack. */
export function resultError(payload: unknown, message = 'the function returned an error'): ComponentError {
  return withoutStacks(() => new ComponentError('TENON_RESULT', message, { payload }));
}

/** The codes of a {@link Trap}: the guest's own, and those of a guest that was ended. */
export type TrapCode = 'TENON_TRAP' | 'TENON_INSTANCE_ENDED' | 'TENON_DEADLINE' | 'TENON_CPU_TIME' | 'TENON_CANCELLED';

/** Where a trap happened, in the component's own terms. */
export interface TrapSite {
  /** TENON_TRAP unless given. */
  readonly code?: TrapCode;
  /** The component instance: `root`, or the path of nested instances. */
  readonly component?: string;
  /** The function that was called, as the component exports or imports it. */
  readonly func?: string;
}

/**
 * The guest broke a rule of the Canonical ABI or of core WebAssembly. The instance it happened in is poisoned.
 * `cause` is V8's `WebAssembly.RuntimeError` with the wasm backtrace where there is one.
 */
export class Trap extends TenonError {
  override readonly name = 'Trap';
  declare readonly code: TrapCode;
  declare component?: string | undefined;
  declare func?: string | undefined;

  /**
   * Where the guest was, a line for each of its functions by the name that it has in its source, innermost first; empty where the guest was not
   * running. V8 records ten frames unless `Error.stackTraceLimit` was raised, see {@link BACKTRACE_FRAMES}.
   */
  get backtrace(): readonly string[] {
    return backtrace(this);
  }

  constructor(message: string, cause?: unknown, site: TrapSite = {}) {
    super(site.code ?? 'TENON_TRAP', message, cause);
    if (site.component !== undefined) this.component = site.component;
    if (site.func !== undefined) this.func = site.func;
  }
}

/** What an instance that the embedder ended is marked with, where others have the trap that ended them. Nobody sees it: `error` is thrown. */
export class Ended extends Trap {
  readonly error: ComponentError;

  constructor(reason: unknown) {
    const why = reason instanceof Error ? reason.message : String(reason);
    super(`the instance was ended: ${why}`, reason, { code: 'TENON_INSTANCE_ENDED' });
    this.error = new ComponentError('TENON_INSTANCE_ENDED', `the instance was ended: ${why}`, { cause: reason });
  }
}

/** A host function would have to wait where the guest cannot be suspended. */
export class WouldWait extends Trap {}
