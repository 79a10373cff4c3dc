/**
 * Which name of its resource a handle type was written with. Two names of one resource make equal types, but only a name
 * that is visible outside may appear in an import or export.
 */
import type { BorrowType, OwnType } from '../types/types.ts';
import type { ResourceName } from './scope.ts';

const names = new WeakMap<OwnType | BorrowType, ResourceName>();

const handles = { own: new WeakMap<ResourceName, OwnType | BorrowType>(), borrow: new WeakMap<ResourceName, OwnType | BorrowType>() };

/** The one handle type of that kind for a name of a resource. */
export function makeHandle(kind: 'own' | 'borrow', name: ResourceName): OwnType | BorrowType {
  const known = handles[kind].get(name);
  if (known !== undefined) return known;
  const handle: OwnType | BorrowType = { kind, resource: name.resource };
  names.set(handle, name);
  handles[kind].set(name, handle);
  return handle;
}

export function resourceNameOf(handle: OwnType | BorrowType): ResourceName {
  const name = names.get(handle);
  if (name === undefined) throw new TypeError('internal error: a handle type without the name of its resource');
  return name;
}

/** A type with an identity of its own that equals `type`: what an import, export or alias of a type introduces. */
export function renamed<T extends OwnType | BorrowType | object>(type: T): T {
  const copy = { ...type };
  const name = names.get(type as OwnType);
  if (name !== undefined) names.set(copy as OwnType, name);
  return copy;
}
