/**
 * The Component Model's types as plain, immutable data. Validation and linking share them.
 * A resource is identified by a number: what the number means belongs to the stage that made it
 * (an abstract, generative identity while validating; an index into the plan's resources after linking).
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/Explainer.md#type-definitions
 */

/** Value types that carry nothing but their kind. */
export type PrimitiveKind =
  | 'bool'
  | 's8'
  | 'u8'
  | 's16'
  | 'u16'
  | 's32'
  | 'u32'
  | 's64'
  | 'u64'
  | 'f32'
  | 'f64'
  | 'char'
  | 'string'
  | 'error-context';

export interface PrimitiveType {
  readonly kind: PrimitiveKind;
}
export interface Field {
  readonly name: string;
  readonly type: ValType;
}
export interface Case {
  readonly name: string;
  readonly type: ValType | undefined;
}
export interface RecordType {
  readonly kind: 'record';
  readonly fields: readonly Field[];
}
export interface VariantType {
  readonly kind: 'variant';
  readonly cases: readonly Case[];
}
/** `length` is set for fixed-length lists. */
export interface ListType {
  readonly kind: 'list';
  readonly element: ValType;
  readonly length: number | undefined;
}
export interface MapType {
  readonly kind: 'map';
  readonly key: ValType;
  readonly value: ValType;
}
export interface TupleType {
  readonly kind: 'tuple';
  readonly types: readonly ValType[];
}
export interface FlagsType {
  readonly kind: 'flags';
  readonly names: readonly string[];
}
export interface EnumType {
  readonly kind: 'enum';
  readonly names: readonly string[];
}
export interface OptionType {
  readonly kind: 'option';
  readonly type: ValType;
}
export interface ResultType {
  readonly kind: 'result';
  readonly ok: ValType | undefined;
  readonly err: ValType | undefined;
}
export interface OwnType {
  readonly kind: 'own';
  readonly resource: ResourceId;
}
export interface BorrowType {
  readonly kind: 'borrow';
  readonly resource: ResourceId;
}
export interface StreamType {
  readonly kind: 'stream';
  readonly element: ValType | undefined;
}
export interface FutureType {
  readonly kind: 'future';
  readonly element: ValType | undefined;
}

export type ValType =
  | PrimitiveType
  | RecordType
  | VariantType
  | ListType
  | MapType
  | TupleType
  | FlagsType
  | EnumType
  | OptionType
  | ResultType
  | OwnType
  | BorrowType
  | StreamType
  | FutureType;

export type ResourceId = number;

export interface FuncType {
  readonly params: readonly Field[];
  readonly result: ValType | undefined;
  readonly async: boolean;
}

/** Core WebAssembly value types that can appear in core function signatures. Reference types are kept as text. */
export type CoreValType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128' | (string & {});
export interface CoreFuncType {
  readonly params: readonly CoreValType[];
  readonly results: readonly CoreValType[];
}
export interface CoreLimits {
  readonly min: bigint;
  readonly max: bigint | undefined;
  readonly shared: boolean;
  readonly index64: boolean;
  readonly pageSizeLog2?: number;
}
export type CoreExternType =
  | { readonly kind: 'func'; readonly type: CoreFuncType }
  | { readonly kind: 'table'; readonly element: CoreValType; readonly limits: CoreLimits }
  | { readonly kind: 'memory'; readonly limits: CoreLimits }
  | { readonly kind: 'global'; readonly type: CoreValType; readonly mutable: boolean }
  | { readonly kind: 'tag'; readonly type: CoreFuncType };

export interface CoreModuleType {
  readonly imports: readonly { readonly module: string; readonly name: string; readonly type: CoreExternType }[];
  readonly exports: ReadonlyMap<string, CoreExternType>;
}

/** The type of an import or export. `type` externs name a resource or an alias of a value/func/component/instance type. */
export type ExternType =
  | { readonly kind: 'module'; readonly type: CoreModuleType }
  | { readonly kind: 'func'; readonly type: FuncType }
  | { readonly kind: 'value'; readonly type: ValType }
  | { readonly kind: 'type'; readonly type: DefinedType }
  | { readonly kind: 'component'; readonly type: ComponentType }
  | { readonly kind: 'instance'; readonly type: InstanceType };

/** What an entry of the type index space can be. */
export type DefinedType =
  | { readonly kind: 'value'; readonly type: ValType }
  | { readonly kind: 'func'; readonly type: FuncType }
  | { readonly kind: 'component'; readonly type: ComponentType }
  | { readonly kind: 'instance'; readonly type: InstanceType }
  | { readonly kind: 'resource'; readonly resource: ResourceId };

export interface InstanceType {
  readonly exports: ReadonlyMap<string, ExternType>;
  /** Resources that this instance type introduces (abstract, generative); the validator substitutes them on use. */
  readonly resources: readonly ResourceId[];
}

export interface ComponentType {
  readonly imports: ReadonlyMap<string, ExternType>;
  readonly exports: ReadonlyMap<string, ExternType>;
  /** Resources that its imports introduce. */
  readonly importedResources: readonly ResourceId[];
  /** Resources that each instantiation makes anew. */
  readonly definedResources: readonly ResourceId[];
}
