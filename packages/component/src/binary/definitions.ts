/**
 * A decoded component: every definition of the binary in order, with its byte offset, nothing resolved.
 * Indices are as written. Byte ranges are offsets into the whole input, so core modules are never copied.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md
 */
import type { CoreExternType, CoreValType, PrimitiveKind } from '../types/types.ts';

export type CoreSort = 'func' | 'table' | 'memory' | 'global' | 'tag' | 'type' | 'module' | 'instance';
export type Sort = 'func' | 'value' | 'type' | 'component' | 'instance' | `core ${CoreSort}`;

export interface SortIndex {
  readonly sort: Sort;
  readonly index: number;
}

export interface CustomSection {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

export interface ComponentDefinition {
  /** Byte range of the component, preamble included, in the whole input. */
  readonly start: number;
  readonly end: number;
  readonly definitions: readonly Definition[];
  readonly customSections: readonly CustomSection[];
}

/** A core module, by where its bytes are. */
export interface CoreModule {
  readonly kind: 'core module';
  readonly start: number;
  readonly end: number;
  /** Whether it defines exception tags, without which none of its code can throw. */
  readonly hasTags: boolean;
}

export type Definition = { readonly offset: number } & (
  | CoreModule
  | { readonly kind: 'core instance'; readonly expr: CoreInstanceExpr }
  | { readonly kind: 'core type'; readonly type: CoreTypeExpr }
  | { readonly kind: 'component'; readonly component: ComponentDefinition }
  | { readonly kind: 'instance'; readonly expr: InstanceExpr }
  | { readonly kind: 'alias'; readonly alias: Alias }
  | { readonly kind: 'type'; readonly type: TypeExpr }
  | { readonly kind: 'canon'; readonly canon: Canon }
  | { readonly kind: 'start'; readonly func: number; readonly args: readonly number[]; readonly results: number }
  | { readonly kind: 'import'; readonly name: ExternName; readonly type: ExternTypeExpr }
  | { readonly kind: 'export'; readonly name: ExternName; readonly target: SortIndex; readonly type: ExternTypeExpr | undefined }
  | { readonly kind: 'value'; readonly type: ValTypeExpr; readonly start: number; readonly end: number }
);

/** `nameattributes`: the extern name and its attributes. */
export interface ExternName {
  readonly name: string;
  readonly implements?: string;
  readonly versionSuffix?: string;
  readonly externalId?: string;
}

export type CoreInstanceExpr =
  | {
      readonly kind: 'instantiate';
      readonly module: number;
      readonly args: readonly { readonly name: string; readonly instance: number }[];
    }
  | { readonly kind: 'exports'; readonly exports: readonly { readonly name: string; readonly sort: CoreSort; readonly index: number }[] };

export type InstanceExpr =
  | {
      readonly kind: 'instantiate';
      readonly component: number;
      readonly args: readonly { readonly name: string; readonly target: SortIndex }[];
    }
  | { readonly kind: 'exports'; readonly exports: readonly { readonly name: ExternName; readonly target: SortIndex }[] };

export type Alias =
  | { readonly kind: 'export'; readonly sort: Sort; readonly instance: number; readonly name: string }
  | { readonly kind: 'core export'; readonly sort: CoreSort; readonly instance: number; readonly name: string }
  | { readonly kind: 'outer'; readonly sort: Sort; readonly count: number; readonly index: number };

/** A reference to a value type: a primitive or an index into the type index space. */
export type ValTypeExpr = PrimitiveKind | number;

export type DefValTypeExpr =
  | { readonly kind: 'primitive'; readonly type: PrimitiveKind }
  | { readonly kind: 'record'; readonly fields: readonly { readonly name: string; readonly type: ValTypeExpr }[] }
  | { readonly kind: 'variant'; readonly cases: readonly { readonly name: string; readonly type: ValTypeExpr | undefined }[] }
  | { readonly kind: 'list'; readonly element: ValTypeExpr; readonly length: number | undefined }
  | { readonly kind: 'map'; readonly key: ValTypeExpr; readonly value: ValTypeExpr }
  | { readonly kind: 'tuple'; readonly types: readonly ValTypeExpr[] }
  | { readonly kind: 'flags'; readonly names: readonly string[] }
  | { readonly kind: 'enum'; readonly names: readonly string[] }
  | { readonly kind: 'option'; readonly type: ValTypeExpr }
  | { readonly kind: 'result'; readonly ok: ValTypeExpr | undefined; readonly err: ValTypeExpr | undefined }
  | { readonly kind: 'own'; readonly resource: number }
  | { readonly kind: 'borrow'; readonly resource: number }
  | { readonly kind: 'stream'; readonly element: ValTypeExpr | undefined }
  | { readonly kind: 'future'; readonly element: ValTypeExpr | undefined };

export type TypeExpr =
  | DefValTypeExpr
  | {
      readonly kind: 'func';
      readonly params: readonly { readonly name: string; readonly type: ValTypeExpr }[];
      readonly result: ValTypeExpr | undefined;
      readonly async: boolean;
    }
  | { readonly kind: 'component'; readonly declarations: readonly Declaration[] }
  | { readonly kind: 'instance'; readonly declarations: readonly Declaration[] }
  | { readonly kind: 'resource'; readonly rep: CoreValType; readonly destructor: number | undefined };

/** A declaration inside a component or instance type (`import` only in component types). */
export type Declaration = { readonly offset: number } & (
  | { readonly kind: 'core type'; readonly type: CoreTypeExpr }
  | { readonly kind: 'type'; readonly type: TypeExpr }
  | { readonly kind: 'alias'; readonly alias: Alias }
  | { readonly kind: 'import'; readonly name: ExternName; readonly type: ExternTypeExpr }
  | { readonly kind: 'export'; readonly name: ExternName; readonly type: ExternTypeExpr }
);

export type ExternTypeExpr =
  | { readonly kind: 'module'; readonly type: number }
  | { readonly kind: 'func'; readonly type: number }
  | { readonly kind: 'value eq'; readonly value: number }
  | { readonly kind: 'value'; readonly type: ValTypeExpr }
  | { readonly kind: 'type eq'; readonly type: number }
  | { readonly kind: 'resource' }
  | { readonly kind: 'component'; readonly type: number }
  | { readonly kind: 'instance'; readonly type: number };

/** A core type: a recursive group (possibly of one), or a module type. */
export type CoreTypeExpr =
  | { readonly kind: 'rec'; readonly types: readonly CoreSubType[] }
  | { readonly kind: 'module'; readonly declarations: readonly CoreModuleDeclaration[] };

export interface CoreSubType {
  readonly final: boolean;
  readonly supertypes: readonly number[];
  readonly type:
    | { readonly kind: 'func'; readonly params: readonly CoreValType[]; readonly results: readonly CoreValType[] }
    | { readonly kind: 'struct' | 'array' | 'cont'; readonly text: string };
}

export type CoreModuleDeclaration = { readonly offset: number } & (
  | { readonly kind: 'import'; readonly module: string; readonly name: string; readonly type: CoreExternTypeExpr }
  | { readonly kind: 'type'; readonly type: CoreTypeExpr }
  | { readonly kind: 'outer alias'; readonly count: number; readonly index: number }
  | { readonly kind: 'export'; readonly name: string; readonly type: CoreExternTypeExpr }
);

/** As {@link CoreExternType}, with function and tag types still type indices. */
export type CoreExternTypeExpr =
  | { readonly kind: 'func'; readonly type: number }
  | { readonly kind: 'tag'; readonly type: number }
  | Exclude<CoreExternType, { kind: 'func' } | { kind: 'tag' }>;

export type StringEncoding = 'utf8' | 'utf16' | 'latin1+utf16';

/** `canonopt*` in order of appearance; the validator rejects duplicates and conflicts. */
export type CanonOption =
  | { readonly kind: 'string-encoding'; readonly encoding: StringEncoding }
  | { readonly kind: 'memory'; readonly memory: number }
  | { readonly kind: 'realloc'; readonly func: number }
  | { readonly kind: 'post-return'; readonly func: number }
  | { readonly kind: 'async' }
  | { readonly kind: 'callback'; readonly func: number };

/** Built-ins with no immediates. */
export type PlainBuiltin =
  | 'backpressure.inc'
  | 'backpressure.dec'
  | 'task.cancel'
  | 'subtask.drop'
  | 'error-context.drop'
  | 'waitable-set.new'
  | 'waitable-set.drop'
  | 'waitable.join'
  | 'thread.index'
  | 'thread.resume-later';
/** Built-ins on a stream or future type with no other immediate. */
export type TypedBuiltin =
  | 'resource.new'
  | 'resource.drop'
  | 'resource.rep'
  | 'stream.new'
  | 'stream.drop-readable'
  | 'stream.drop-writable'
  | 'future.new'
  | 'future.drop-readable'
  | 'future.drop-writable';
export type CopyBuiltin = 'stream.read' | 'stream.write' | 'future.read' | 'future.write';
export type CancelCopyBuiltin = 'stream.cancel-read' | 'stream.cancel-write' | 'future.cancel-read' | 'future.cancel-write';
/** Built-ins that suspend the thread and may be cancelled. */
export type SuspendBuiltin =
  | 'thread.yield'
  | 'thread.suspend'
  | 'thread.suspend-then-resume'
  | 'thread.yield-then-resume'
  | 'thread.suspend-then-promote'
  | 'thread.yield-then-promote';

export type Canon =
  | { readonly kind: 'lift'; readonly func: number; readonly options: readonly CanonOption[]; readonly type: number }
  | { readonly kind: 'lower'; readonly func: number; readonly options: readonly CanonOption[] }
  | { readonly kind: PlainBuiltin }
  | { readonly kind: TypedBuiltin; readonly type: number }
  | { readonly kind: CopyBuiltin; readonly type: number; readonly options: readonly CanonOption[] }
  | { readonly kind: CancelCopyBuiltin; readonly type: number; readonly async: boolean }
  | { readonly kind: SuspendBuiltin; readonly cancellable: boolean }
  | { readonly kind: 'subtask.cancel'; readonly async: boolean }
  | { readonly kind: 'task.return'; readonly result: ValTypeExpr | undefined; readonly options: readonly CanonOption[] }
  | { readonly kind: 'context.get' | 'context.set'; readonly type: CoreValType; readonly index: number }
  | { readonly kind: 'error-context.new' | 'error-context.debug-message'; readonly options: readonly CanonOption[] }
  | { readonly kind: 'waitable-set.wait' | 'waitable-set.poll'; readonly cancellable: boolean; readonly memory: number }
  | { readonly kind: 'thread.new-indirect'; readonly type: number; readonly table: number }
  | { readonly kind: 'thread.spawn-ref'; readonly shared: boolean; readonly type: number }
  | { readonly kind: 'thread.spawn-indirect'; readonly shared: boolean; readonly type: number; readonly table: number }
  | { readonly kind: 'thread.available-parallelism'; readonly shared: boolean };
