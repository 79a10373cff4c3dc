/**
 * The index spaces of one component, component type or instance type while it is validated.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/Explainer.md#index-spaces
 */
import type { Declaration, Definition } from '../binary/definitions.ts';
import type { CoreTypeId } from '../types/core-types.ts';
import type { ResourceName } from '../types/identity.ts';
import type {
  ComponentType,
  CoreExternType,
  CoreFuncType,
  CoreModuleType,
  CoreValType,
  DefinedType,
  ExternType,
  FuncType,
  InstanceType,
  ResourceId,
} from '../types/types.ts';
import { brief } from './names.ts';

export type CoreInstanceType = ReadonlyMap<string, CoreExternType>;
type CoreTypeOf<K extends CoreExternType['kind']> = Extract<CoreExternType, { kind: K }>;

/** Imports or exports of a scope, with what their names are checked against. */
export class Externs {
  readonly direction: 'import' | 'export';
  readonly items = new Map<string, ExternType>();
  /** Names by {@link uniquenessKey}. */
  readonly names = new Map<string, string>();
  private visibleMade: Set<object> | undefined;
  /** Types found to consist of visible ones; only ever grows, like `visible`. */
  readonly knownVisible = new Set<object>();
  private resourceNamesMade: Map<ResourceName, string> | undefined;
  private resourceLabelsMade: Set<string> | undefined;

  constructor(direction: 'import' | 'export') {
    this.direction = direction;
  }

  // Made on demand: most instances have none of what is in them.

  /** Types (by object identity) that have an externally visible name and may be used in further items. */
  get visible(): Set<object> {
    this.visibleMade ??= new Set();
    return this.visibleMade;
  }

  isVisible(type: object): boolean {
    return this.visibleMade?.has(type) ?? false;
  }

  /** The top-level name of each resource, for `[method]` and friends. */
  get resourceNames(): Map<ResourceName, string> {
    this.resourceNamesMade ??= new Map();
    return this.resourceNamesMade;
  }

  get resourceLabels(): Set<string> {
    this.resourceLabelsMade ??= new Set();
    return this.resourceLabelsMade;
  }
}

export class Scope {
  readonly kind: 'component' | 'component type' | 'instance type';
  readonly parent: Scope | undefined;
  /** What is being validated, for offsets and paths of errors. */
  current: Definition | Declaration | undefined = undefined;

  /** Recursive types; `undefined` where the index is a module type. */
  readonly coreTypes: (CoreTypeId | undefined)[] = [];
  readonly coreModuleTypes = new Map<number, CoreModuleType>();
  readonly coreFuncs: CoreFuncType[] = [];
  readonly coreTables: CoreTypeOf<'table'>[] = [];
  readonly coreMemories: CoreTypeOf<'memory'>[] = [];
  readonly coreGlobals: CoreTypeOf<'global'>[] = [];
  readonly coreTags: CoreTypeOf<'tag'>[] = [];
  readonly coreModules: CoreModuleType[] = [];
  readonly coreInstances: CoreInstanceType[] = [];
  readonly types: DefinedType[] = [];
  readonly funcs: FuncType[] = [];
  readonly components: ComponentType[] = [];
  readonly instances: InstanceType[] = [];

  private importsMade: Externs | undefined;
  readonly exports = new Externs('export');
  readonly importedResources: ResourceId[] = [];
  /** Resources that come into being here, with their representation where it is known, which is where they are defined. */
  readonly definedResources = new Map<ResourceId, CoreValType | undefined>();
  /** Resources that are exported by name, here or in an exported instance. */
  readonly explicitResources = new Set<ResourceId>();

  constructor(kind: Scope['kind'], parent: Scope | undefined) {
    this.kind = kind;
    this.parent = parent;
  }

  /** Made on demand: instance types, of which there are many, have none. */
  get imports(): Externs {
    this.importsMade ??= new Externs('import');
    return this.importsMade;
  }
}

/** The definition that a scope is at, as a person would name it: `func[3]`, `export "run"`. */
export function describeCurrent(scope: Scope): string | undefined {
  const { current } = scope;
  switch (current?.kind) {
    case undefined:
      return undefined;
    case 'import':
    case 'export':
      return `${current.kind} ${JSON.stringify(brief(current.name.name))}`;
    case 'core module':
      return `core module[${scope.coreModules.length}]`;
    case 'core instance':
      return `core instance[${scope.coreInstances.length}]`;
    case 'core type':
      return `core type[${scope.coreTypes.length}]`;
    case 'component':
      return `component[${scope.components.length}]`;
    case 'instance':
      return `instance[${scope.instances.length}]`;
    case 'type':
      return `type[${scope.types.length}]`;
    case 'alias':
      return current.alias.kind === 'outer' ? 'alias outer' : `alias ${JSON.stringify(brief(current.alias.name))}`;
    case 'canon':
      return current.canon.kind === 'lift' ? `func[${scope.funcs.length}]` : `core func[${scope.coreFuncs.length}] (${current.canon.kind})`;
    case 'start':
    case 'value':
      return current.kind;
  }
}
