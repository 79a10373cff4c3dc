/**
 * The plan: what is left of a component once it is flattened. A short list of steps over numbered slots, plain data that
 * is made once, shared by all instances and can be sent to a worker thread.
 */
import type { AdapterModule } from '../adapter/requests.ts';
import type { CancelCopyBuiltin, CopyBuiltin, PlainBuiltin, StringEncoding, SuspendBuiltin, TypedBuiltin } from '../binary/definitions.ts';
import type { FuncType, ResourceId, ValType } from '../types/types.ts';

/** Index into the slots of an instance: a core instance's exports, or one core function, memory, table, global or tag. */
export type Slot = number;

export interface Plan {
  readonly modules: readonly PlanModule[];
  readonly adapters: readonly AdapterModule[];
  readonly instances: readonly PlanInstance[];
  readonly resources: readonly PlanResource[];
  /** Types of the host that must be the class of a resource, where the host has them. */
  readonly sameTypes: readonly { readonly path: HostPath; readonly resource: ResourceId }[];
  /** Instances that the host provides. */
  readonly hostInstances: readonly PlanHostInstance[];
  readonly hostFunctions: readonly PlanHostFunction[];
  readonly steps: readonly Step[];
  readonly slots: number;
  /** Whether some component in it can have to do with more than one task at a time. */
  readonly concurrent: boolean;
  readonly exports: PlanExports;
}

/** Where a core module comes from: a byte range of a component, or the embedder. */
export type PlanModule =
  | { readonly kind: 'embedded'; readonly source: number; readonly start: number }
  | { readonly kind: 'host'; readonly path: HostPath };

/** A component instance. Index 0 is the root. */
export interface PlanInstance {
  readonly parent: number | undefined;
  readonly path: string;
  /** Instances and host functions that its core code can call: what decides whether a call may suspend. */
  readonly callsInstances: readonly number[];
  readonly callsHost: readonly number[];
  readonly usesContext: boolean;
  /** Whether its calls are tasks with threads: it has to do with concurrency, and built-ins may ask which task runs. */
  readonly tasks: boolean;
  /** Whether it has a built-in, or calls a function, that waits. */
  readonly waits: boolean;
  /** Whether nothing that it calls can call back into it, so that nobody reads or keeps its MAY_ENTER. */
  readonly closed: boolean;
}

/** The names that lead from the root's imports to a host item: import name, then export names. */
export type HostPath = readonly [string, ...string[]];

export type PlanResource =
  | { readonly kind: 'guest'; readonly name: string; readonly implementer: number; readonly hasDestructor: boolean }
  | { readonly kind: 'host'; readonly name: string; readonly path: HostPath };

export interface PlanHostInstance {
  readonly path: HostPath;
  /** Whether nothing is in it that a definition could be asked for. */
  readonly empty: boolean;
}

export interface PlanHostFunction {
  readonly path: HostPath;
  readonly type: FuncType;
}

export interface CanonSlots {
  readonly encoding: StringEncoding;
  readonly memory: Slot | undefined;
  readonly realloc: Slot | undefined;
}

/** The built-ins that the engine makes for core code. */
export type PlanBuiltin =
  | { readonly kind: 'resource.new' | 'resource.rep' | 'resource.drop'; readonly resource: ResourceId }
  | { readonly kind: 'context.get' | 'context.set'; readonly type: 'i32' | 'i64'; readonly index: number }
  | { readonly kind: PlainBuiltin }
  | { readonly kind: Exclude<TypedBuiltin, `resource.${string}`>; readonly element: ValType | undefined }
  | { readonly kind: CopyBuiltin; readonly element: ValType | undefined; readonly options: CanonSlots; readonly async: boolean }
  | { readonly kind: CancelCopyBuiltin; readonly element: ValType | undefined; readonly async: boolean }
  | { readonly kind: SuspendBuiltin; readonly cancellable: boolean }
  | { readonly kind: 'subtask.cancel'; readonly async: boolean }
  | { readonly kind: 'task.return'; readonly result: ValType | undefined; readonly options: CanonSlots }
  | { readonly kind: 'error-context.new' | 'error-context.debug-message'; readonly options: CanonSlots }
  | { readonly kind: 'waitable-set.wait' | 'waitable-set.poll'; readonly cancellable: boolean; readonly memory: Slot }
  | { readonly kind: 'thread.new-indirect'; readonly table: Slot };

export type StepImports = readonly (readonly [module: string, items: Slot | readonly (readonly [name: string, item: Slot])[]])[];

export type Step =
  /** Instantiates a core module; the slot holds its exports object. */
  | { readonly op: 'instantiate'; readonly module: number; readonly imports: StepImports; readonly instance: number; readonly to: Slot }
  | { readonly op: 'read export'; readonly from: Slot; readonly name: string; readonly to: Slot }
  | { readonly op: 'define resource'; readonly resource: ResourceId; readonly destructor: Slot | undefined }
  | { readonly op: 'lower host'; readonly func: number; readonly options: CanonSlots; readonly instance: number; readonly to: Slot }
  /** Lowers a function that is called as a subtask. */
  | {
      readonly op: 'lower';
      readonly type: FuncType;
      readonly callee: PlanCallee;
      readonly async: boolean;
      readonly options: CanonSlots;
      readonly instance: number;
      readonly name: string;
      readonly to: Slot;
    }
  | { readonly op: 'make builtin'; readonly builtin: PlanBuiltin; readonly instance: number; readonly to: Slot }
  /** Instantiates an adapter module. Keys in its imports are slots (memory, func, realloc, post-return) and plan indices. */
  | { readonly op: 'adapt'; readonly adapter: number; readonly to: readonly Slot[] };

/** A lifted function. */
export interface PlanLift {
  readonly kind: 'lift';
  readonly type: FuncType;
  readonly core: Slot;
  readonly options: CanonSlots;
  readonly postReturn: Slot | undefined;
  readonly instance: number;
  readonly async: boolean;
  readonly callback: Slot | undefined;
}

/** What a lowered function calls as a subtask. */
export type PlanCallee = PlanLift | { readonly kind: 'host function'; readonly func: number };

export type PlanExport =
  | PlanLift
  | { readonly kind: 'host function'; readonly func: number }
  | { readonly kind: 'resource'; readonly resource: ResourceId }
  | { readonly kind: 'instance'; readonly exports: PlanExports }
  | { readonly kind: 'module'; readonly module: number };

/** In order of definition. Exports that have no value at run time (plain types, components) are left out. */
export type PlanExports = readonly (readonly [name: string, value: PlanExport])[];
