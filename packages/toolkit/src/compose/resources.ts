/** Resource identities in types: finding, substituting, and which resources a type introduces. */
import type { ComponentType, ExternType, FuncType, InstanceType, ResourceId, ValType } from '@tenon/component';

export type Substitution = (resource: ResourceId) => ResourceId;

/** The same type over other resource identities. */
export function substituteExtern(type: ExternType, to: Substitution): ExternType {
  switch (type.kind) {
    case 'func':
      return { kind: 'func', type: substituteFunc(type.type, to) };
    case 'value':
      return { kind: 'value', type: substituteValue(type.type, to) };
    case 'instance':
      return { kind: 'instance', type: substituteInstance(type.type, to) };
    case 'component':
      return { kind: 'component', type: substituteComponent(type.type, to) };
    case 'module':
      return type;
    case 'type': {
      const defined = type.type;
      if (defined.kind === 'resource') return { kind: 'type', type: { kind: 'resource', resource: to(defined.resource) } };
      if (defined.kind === 'value') return { kind: 'type', type: { kind: 'value', type: substituteValue(defined.type, to) } };
      if (defined.kind === 'func') return { kind: 'type', type: { kind: 'func', type: substituteFunc(defined.type, to) } };
      if (defined.kind === 'instance') return { kind: 'type', type: { kind: 'instance', type: substituteInstance(defined.type, to) } };
      return { kind: 'type', type: { kind: 'component', type: substituteComponent(defined.type, to) } };
    }
  }
}

function substituteInstance(type: InstanceType, to: Substitution): InstanceType {
  return { exports: substituteMap(type.exports, to), resources: type.resources.map(to) };
}

function substituteComponent(type: ComponentType, to: Substitution): ComponentType {
  return {
    imports: substituteMap(type.imports, to),
    exports: substituteMap(type.exports, to),
    importedResources: type.importedResources.map(to),
    definedResources: type.definedResources.map(to),
  };
}

function substituteMap(map: ReadonlyMap<string, ExternType>, to: Substitution): ReadonlyMap<string, ExternType> {
  return new Map([...map].map(([name, item]) => [name, substituteExtern(item, to)]));
}

function substituteFunc(type: FuncType, to: Substitution): FuncType {
  return {
    ...type,
    params: type.params.map((param) => ({ name: param.name, type: substituteValue(param.type, to) })),
    result: type.result === undefined ? undefined : substituteValue(type.result, to),
  };
}

function substituteValue(type: ValType, to: Substitution): ValType {
  const optional = (inner: ValType | undefined): ValType | undefined => (inner === undefined ? undefined : substituteValue(inner, to));
  switch (type.kind) {
    case 'record':
      return { kind: 'record', fields: type.fields.map((field) => ({ name: field.name, type: substituteValue(field.type, to) })) };
    case 'variant':
      return { kind: 'variant', cases: type.cases.map((c) => ({ name: c.name, type: optional(c.type) })) };
    case 'list':
      return { ...type, element: substituteValue(type.element, to) };
    case 'map':
      return { kind: 'map', key: substituteValue(type.key, to), value: substituteValue(type.value, to) };
    case 'tuple':
      return { kind: 'tuple', types: type.types.map((item) => substituteValue(item, to)) };
    case 'option':
      return { kind: 'option', type: substituteValue(type.type, to) };
    case 'result':
      return { kind: 'result', ok: optional(type.ok), err: optional(type.err) };
    case 'own':
    case 'borrow':
      return { kind: type.kind, resource: to(type.resource) };
    case 'stream':
    case 'future':
      return { kind: type.kind, element: optional(type.element) };
    default:
      return type;
  }
}

/** Calls `visit` for each resource that a type mentions, also within types that it exports. */
export function visitResources(type: ExternType, visit: (resource: ResourceId) => void): void {
  substituteExtern(type, (resource) => {
    visit(resource);
    return resource;
  });
}

/** The resources that an import or export makes known by name, with the path of names: `['wasi:io/streams', 'output-stream']`. */
export function namedResources(name: string, type: ExternType): { readonly path: readonly string[]; readonly resource: ResourceId }[] {
  if (type.kind === 'type' && type.type.kind === 'resource') return [{ path: [name], resource: type.type.resource }];
  if (type.kind !== 'instance') return [];
  return [...type.type.exports].flatMap(([item, itemType]) =>
    namedResources(item, itemType).map(({ path, resource }) => ({ path: [name, ...path], resource })),
  );
}
