/**
 * The identity of types. Subtyping compares structure; a name is an object. An import or export of a type makes a new object that equals
 * the one it was made from, and what uses the type under that name refers to that very object. So two types of equal structure stay two,
 * and an alias stays one. For handles it is the resource that has names: only one that is visible outside may appear in an import or export.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/Explainer.md#external-visibility-of-types
 */
import type { BorrowType, DefinedType, OwnType, ValType } from './types.ts';

/** A name for a resource: the object is the identity, since an import or export of a resource type names it anew. */
export type ResourceName = Extract<DefinedType, { kind: 'resource' }>;

/** What can have a name that others refer to. */
export type NamedType = ValType | ResourceName;

interface Identity {
  /** What it is a name of: a type that may be a name itself. */
  readonly origin: object | undefined;
  label: string | undefined;
}

const identities = new WeakMap<object, Identity>();
const resources = new WeakMap<OwnType | BorrowType, ResourceName>();
const handles = { own: new WeakMap<ResourceName, OwnType | BorrowType>(), borrow: new WeakMap<ResourceName, OwnType | BorrowType>() };

/** The one handle type of that kind for a name of a resource. */
export function makeHandle(kind: 'own' | 'borrow', name: ResourceName): OwnType | BorrowType {
  const known = handles[kind].get(name);
  if (known !== undefined) return known;
  const handle: OwnType | BorrowType = { kind, resource: name.resource };
  resources.set(handle, name);
  handles[kind].set(name, handle);
  return handle;
}

/** The name of its resource that a handle type was written with. */
export function resourceNameOf(handle: OwnType | BorrowType): ResourceName {
  const name = resources.get(handle);
  if (name === undefined) throw new TypeError('internal error: a handle type without the name of its resource');
  return name;
}

/** A type with an identity of its own that equals `type`: what an import or export of a type introduces. */
export function renamed<T extends object>(type: T): T {
  const copy = copied(type);
  identities.set(copy, { origin: type, label: undefined });
  return copy;
}

/** The type that a name was made from; undefined for what is no name, or names what nothing else has defined. */
export function originOf<T extends NamedType>(type: T): T | undefined {
  return identities.get(type)?.origin as T | undefined;
}

/** Whether a type is a name, and not only a structure. */
export function isName(type: object): boolean {
  return identities.has(type);
}

/** Takes note of the label under which a type is imported or exported. */
export function setLabel(type: object, label: string): void {
  const identity = identities.get(type);
  if (identity === undefined) identities.set(type, { origin: undefined, label });
  else identity.label = label;
}

/** The label of the import or export that made the type. */
export function labelOf(type: NamedType): string | undefined {
  return identities.get(type)?.label;
}

/** The label of the resource that a handle type names, if it has one. */
export function resourceLabel(handle: OwnType | BorrowType): string | undefined {
  const name = resources.get(handle);
  return name === undefined ? undefined : labelOf(name);
}

/** A copy that is the same name in another place, over another origin. */
export function sameName<T extends object>(type: T, origin: object | undefined, changed: T = type): T {
  // Handle types are shared by all who write them down.
  const shared = changed === type || handlesOf(changed) === changed;
  const copy = shared ? copied(changed) : changed;
  identities.set(copy, { origin, label: identities.get(type)?.label });
  return copy;
}

function handlesOf(type: object): object | undefined {
  const name = resources.get(type as OwnType);
  return name === undefined ? undefined : handles[(type as OwnType).kind].get(name);
}

function copied<T extends object>(type: T): T {
  const copy = { ...type };
  const name = resources.get(type as OwnType);
  if (name !== undefined) resources.set(copy as OwnType, name);
  return copy;
}
