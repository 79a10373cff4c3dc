/** A validated component: compile once, instantiate often. */

import { isArrayBuffer } from './abi/shapes.ts';
import { decode } from './binary/decode.ts';
import type { ComponentDefinition } from './binary/definitions.ts';
import { limitModule } from './binary/module-limits.ts';
import { unsupportedProposal } from './binary/reader.ts';
import { ComponentError } from './errors.ts';
import { type ByteRange, canBeKept, coreModules, keptKey, readKept, writeKept } from './kept/kept.ts';
import { flatten } from './link/flatten.ts';
import { rememberModuleType } from './link/given-modules.ts';
import type { Plan } from './link/plan.ts';
import { checkOptions } from './options.ts';
import { type CodeCache, compileRewritten, compileRewrittenAsync } from './rewrite/compile.ts';
import { layoutOf } from './rewrite/layout.ts';
import { remakeReasons } from './rewrite/rewrite.ts';
import type { UntypedWorld, WorldTypes } from './typed.ts';
import type { ComponentType, ExternType } from './types/types.ts';
import { validate } from './validate/validate.ts';

/** An import or export of a component. */
export interface ExternDescription {
  readonly name: string;
  readonly type: ExternType;
}

export interface CompileOptions {
  /** Bytes that each linear memory may grow to; beyond, `memory.grow` fails. What the type of the memory says unless given. */
  readonly maxMemoryBytes?: number | undefined;
  /** Elements that all tables of an instance may hold together; 1,000,000 unless given where it is interruptible. */
  readonly maxTableElements?: number | undefined;
  /**
   * Rewrites the core modules so that calls can be interrupted and instances reset. Limits then hold for all memories of an instance together.
   * Costs 1 to 10 % of speed where a guest computes, and most in the tightest loops.
   */
  readonly interruptible?: boolean | undefined;
  /** Where what is worked out about a component is kept, so that a later process need not: its plan, and rewritten core modules of some size. */
  readonly cache?: CodeCache | undefined;
}

const COMPILE_OPTIONS: Record<keyof CompileOptions, true> = {
  maxMemoryBytes: true,
  maxTableElements: true,
  interruptible: true,
  cache: true,
};

/** A compiled component as plain data, to be sent to a worker thread with `postMessage`. Compiled code is shared, not copied. */
export interface SharedComponent {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly modules: ReadonlyMap<number, WebAssembly.Module>;
  readonly plan: Plan | undefined;
  readonly limits: InstanceLimits | undefined;
}

/** What each instance may take, where core modules are rewritten. */
export interface InstanceLimits {
  readonly maxMemoryBytes?: number | undefined;
  readonly maxTableElements?: number | undefined;
}

/** Below this size a module is compiled on the spot: handing it to V8's compiler threads would cost more. */
const COMPILE_INLINE_BYTES = 64 * 1024;

/** @typeParam World what `tenon types` generates for it */
export class Component<World extends WorldTypes = UntypedWorld> {
  /** Only for the compiler. */
  declare readonly world?: World;
  private readonly bytes: Uint8Array<ArrayBuffer>;
  /** Compiled core modules by their byte offset. */
  private readonly modules: ReadonlyMap<number, WebAssembly.Module>;
  private decoded: ComponentDefinition | undefined;
  private described: { readonly imports: readonly ExternDescription[]; readonly exports: readonly ExternDescription[] } | undefined;
  private plan: Plan | undefined;
  /** Undefined where its core modules are as they were. */
  readonly limits: InstanceLimits | undefined;

  private constructor(
    bytes: Uint8Array<ArrayBuffer>,
    modules: ReadonlyMap<number, WebAssembly.Module>,
    limits: InstanceLimits | undefined,
  ) {
    this.bytes = bytes;
    this.modules = modules;
    this.limits = limits;
  }

  /**
   * Decodes and validates a component and compiles its core modules.
   * @param bytes the component binary; it must not be changed while the component is in use
   * @throws ComponentError TENON_NOT_WASM, TENON_CORE_MODULE, TENON_MALFORMED, TENON_INVALID or TENON_CORE_INVALID, with the byte offset;
   *   TENON_MEMORY_LIMIT
   * @example const component = await Component.compile(await readFile('calculator.wasm'));
   */
  static async compile<World extends WorldTypes = UntypedWorld>(
    bytes: Uint8Array | ArrayBuffer,
    options: CompileOptions = {},
  ): Promise<Component<World>> {
    checkOptions(options, COMPILE_OPTIONS, 'Component.compile');
    const { cache, interruptible, maxMemoryBytes, maxTableElements } = options;
    const input = asBytes(bytes);
    const key = cache === undefined ? '' : await keptKey(input, cache);
    const kept = cache === undefined ? undefined : await readKept(cache, key, input);
    const definition = kept === undefined ? decode(input) : undefined;
    const modules = new Map<number, WebAssembly.Module>();
    const compiling: Promise<void>[] = [];
    const limited = (start: number, end: number): Uint8Array<ArrayBuffer> => {
      const module = input.subarray(start, end);
      const bounded = limitModule(module, { maxMemoryBytes, maxTableElements }, start);
      // Rewritten code asks, so that what is kept of it fits any limit.
      return interruptible === true ? module : bounded;
    };
    const inBackground = (start: number, end: number): Promise<WebAssembly.Module> =>
      interruptible === true ? compileRewrittenAsync(limited(start, end), start, cache, key) : WebAssembly.compile(limited(start, end));
    const ranges = kept?.modules ?? (definition === undefined ? [] : coreModules(definition));
    for (const { start, end } of ranges) {
      if (end - start <= COMPILE_INLINE_BYTES) continue;
      compiling.push(
        inBackground(start, end).then(
          (compiled) => void modules.set(start, compiled),
          (error: unknown) => {
            throw coreInvalid(error, start);
          },
        ),
      );
    }
    // Validation runs while V8 compiles; a failure of either must not leave the other unobserved.
    const compiled = compiling.length === 0 ? undefined : Promise.all(compiling);
    compiled?.catch(() => {});
    const validated = definition === undefined ? undefined : validate(definition, input);
    for (const { start, end } of ranges) {
      if (end - start > COMPILE_INLINE_BYTES) continue;
      modules.set(start, compileInline(limited(start, end), start, interruptible));
    }
    if (compiled !== undefined) await compiled;
    for (const [start, module] of modules) rememberModuleType(module, validated?.modules.get(start));
    const component = new Component<World>(input, modules, interruptible === true ? { maxMemoryBytes, maxTableElements } : undefined);
    component.decoded = definition;
    component.plan = kept?.plan;
    component.described = kept ?? (validated && describe(validated.type));
    if (cache !== undefined && kept === undefined) await component.keep(cache, key, ranges);
    return component;
  }

  private async keep(cache: CodeCache, key: string, modules: readonly ByteRange[]): Promise<void> {
    // What is given for a component import shapes the plan.
    if (this.imports.some(({ type }) => type.kind === 'component')) return;
    let plan: Plan;
    try {
      plan = this.ownPlan();
    } catch {
      // Whoever links it hears why.
      return;
    }
    if (canBeKept(plan)) await writeKept(cache, key, { modules, plan, imports: this.imports, exports: this.exports });
  }

  /**
   * Checks a component without keeping it, core modules included.
   * @throws ComponentError as {@link Component.compile}
   */
  static validate(bytes: Uint8Array | ArrayBuffer): void {
    const input = asBytes(bytes);
    const definition = decode(input);
    validate(definition, input);
    for (const { start, end } of coreModules(definition)) compileInline(input.subarray(start, end), start);
  }

  /** Takes over a component that another thread shared. It was validated there. */
  static fromShared<World extends WorldTypes = UntypedWorld>(shared: SharedComponent): Component<World> {
    const component = new Component<World>(shared.bytes, shared.modules, shared.limits);
    component.plan = shared.plan;
    return component;
  }

  /** What to send to a worker thread; see {@link Component.fromShared}. */
  share(): SharedComponent {
    return { bytes: this.bytes, modules: this.modules, plan: this.plan, limits: this.limits };
  }

  /** The decoded tree of definitions, for tools. */
  get definition(): ComponentDefinition {
    this.decoded ??= decode(this.bytes);
    return this.decoded;
  }

  /** Imports in order, with their types. */
  get imports(): readonly ExternDescription[] {
    return this.description.imports;
  }

  /** Exports in order, with their types. */
  get exports(): readonly ExternDescription[] {
    return this.description.exports;
  }

  /** Its type, to compare with the type of a component import. */
  type(): ComponentType {
    return validate(this.definition, this.bytes).type;
  }

  /** Why instances could not be made as new by `reset`, were they interruptible: what some core module keeps where nothing can put it back. */
  remakeReasons(): readonly string[] {
    return coreModules(this.definition).flatMap(({ start, end }) => {
      const compiled = this.modules.get(start);
      const layout = compiled === undefined ? undefined : layoutOf(compiled);
      const reasons = layout?.remake ?? remakeReasons(this.bytes.subarray(start, end));
      return reasons.map((reason) => `core module at offset ${start}: ${reason}`);
    });
  }

  private get description(): NonNullable<Component['described']> {
    this.described ??= describe(validate(this.definition, this.bytes).type);
    return this.described;
  }

  /** Whether the plan is there: a component that another thread shared has one, and maybe no bytes. */
  get isPlanned(): boolean {
    return this.plan !== undefined;
  }

  /** The plan of a component whose imports are functions, types and instances only: it depends on nothing else, so it is made once. */
  ownPlan(): Plan {
    this.plan ??= flatten(this.definition, { component: () => undefined });
    return this.plan;
  }

  /** The compiled core module at a byte offset. */
  coreModule(start: number): WebAssembly.Module {
    const module = this.modules.get(start);
    if (module === undefined) throw new Error(`internal error: no core module at ${start}`);
    return module;
  }
}

function asBytes(bytes: ArrayBufferView | ArrayBuffer): Uint8Array<ArrayBuffer> {
  if (bytes instanceof Uint8Array) return bytes as Uint8Array<ArrayBuffer>;
  // Those of other realms, too.
  if (ArrayBuffer.isView(bytes)) return new Uint8Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength);
  if (isArrayBuffer(bytes)) return new Uint8Array(bytes);
  throw new ComponentError('TENON_NOT_WASM', 'a component is given as Uint8Array or ArrayBuffer');
}

function describe(type: { readonly imports: ReadonlyMap<string, ExternType>; readonly exports: ReadonlyMap<string, ExternType> }): {
  readonly imports: readonly ExternDescription[];
  readonly exports: readonly ExternDescription[];
} {
  const list = (map: ReadonlyMap<string, ExternType>): ExternDescription[] => [...map].map(([name, t]) => ({ name, type: t }));
  return { imports: list(type.imports), exports: list(type.exports) };
}

function compileInline(bytes: Uint8Array<ArrayBuffer>, start: number, interruptible = false): WebAssembly.Module {
  try {
    return interruptible ? compileRewritten(bytes, start) : new WebAssembly.Module(bytes);
  } catch (error) {
    throw coreInvalid(error, start);
  }
}

function coreInvalid(error: unknown, start: number): ComponentError {
  if (error instanceof ComponentError) return error;
  const message = error instanceof Error ? error.message : String(error);
  // Bit 3 of the flags of a memory says that its pages have a size of their own.
  if (/invalid memory limits flags 0x[89a-f]/.test(message)) return unsupportedProposal('custom page sizes', start);
  return new ComponentError('TENON_CORE_INVALID', `core module at offset ${start}: ${message}`, { offset: start, cause: error });
}
