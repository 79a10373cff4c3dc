/** Visits every type that an import or export mentions, each once however often it is mentioned. */
import {
  type ComponentType,
  children,
  type DefinedType,
  type ExternType,
  type FuncType,
  type ResourceName,
  resourceNameOf,
  type ValType,
} from '@tenon/component';

/** What a type that has to have a name is known by. */
export type Name = ValType | ResourceName;

const NOMINAL: ReadonlySet<ValType['kind']> = new Set(['record', 'variant', 'enum', 'flags']);

/** Whether a type has to have a name to be used in an import or export. */
export function isNominal(type: ValType): boolean {
  return NOMINAL.has(type.kind);
}

export interface Visitor {
  /** A resource that a handle names. */
  readonly handle?: (name: ResourceName) => void;
  /** A type that is exported by name, before what it is made of. */
  readonly introduced?: (name: Name) => void;
  /** A value type that something is made of. */
  readonly value?: (type: ValType) => void;
}

export class Walk {
  private readonly visitor: Visitor;
  private readonly seen = new Set<object>();

  constructor(visitor: Visitor) {
    this.visitor = visitor;
  }

  extern(type: ExternType): void {
    switch (type.kind) {
      case 'func':
        this.func(type.type);
        break;
      case 'value':
        this.value(type.type);
        break;
      case 'type':
        this.introduced(type.type);
        break;
      case 'instance':
        this.externs(type.type.exports);
        break;
      case 'component':
        this.component(type.type);
        break;
      case 'module':
        break;
    }
  }

  private component(type: ComponentType): void {
    this.externs(type.imports);
    this.externs(type.exports);
  }

  externs(items: ReadonlyMap<string, ExternType>): void {
    for (const item of items.values()) this.extern(item);
  }

  private introduced(type: DefinedType): void {
    switch (type.kind) {
      case 'resource':
        this.visitor.introduced?.(type);
        break;
      case 'value':
        this.visitor.introduced?.(type.type);
        this.parts(type.type);
        break;
      case 'func':
        this.func(type.type);
        break;
      case 'instance':
        this.externs(type.type.exports);
        break;
      case 'component':
        this.component(type.type);
        break;
    }
  }

  func(type: FuncType): void {
    if (this.isKnown(type)) return;
    for (const param of type.params) this.value(param.type);
    if (type.result !== undefined) this.value(type.result);
  }

  private value(type: ValType): void {
    if (this.isKnown(type)) return;
    this.visitor.value?.(type);
    this.parts(type);
  }

  private parts(type: ValType): void {
    if (type.kind === 'own' || type.kind === 'borrow') this.visitor.handle?.(resourceNameOf(type));
    else for (const part of children(type)) this.value(part);
  }

  private isKnown(type: object): boolean {
    if (this.seen.has(type)) return true;
    this.seen.add(type);
    return false;
  }
}

/** A resource that an import or export makes known by name. */
export interface IntroducedResource {
  /** The names that lead to it: `['wasi:io/streams', 'output-stream']`. */
  readonly path: readonly string[];
  readonly name: ResourceName;
}

export function introducedResources(name: string, type: ExternType): IntroducedResource[] {
  if (type.kind === 'type' && type.type.kind === 'resource') return [{ path: [name], name: type.type }];
  if (type.kind !== 'instance') return [];
  return [...type.type.exports].flatMap(([item, itemType]) =>
    introducedResources(item, itemType).map(({ path, name: found }) => ({ path: [name, ...path], name: found })),
  );
}

/** The identity of a type that an extern introduces by name, if it is a value or a resource type. */
export function nameIn(type: ExternType): Name | undefined {
  if (type.kind !== 'type') return undefined;
  if (type.type.kind === 'value') return type.type.type;
  return type.type.kind === 'resource' ? type.type : undefined;
}
