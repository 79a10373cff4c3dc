/**
 * Which exports a composition has: those of the socket, and before them the interfaces of plugs whose types they mention, for a type
 * may only be used in an export when it has a name outside.
 */
import type { ExternType } from '@tenon/component';
import type { Leftover } from './leftover.ts';
import type { Space } from './space.ts';
import { isNominal, type Name, nameIn, Walk } from './walk.ts';
import type { Part } from './wiring.ts';

export interface Exported {
  readonly part: Part;
  readonly name: string;
  /** In terms of the composition. */
  readonly type: ExternType;
}

export function findExports(socket: Part, plugs: readonly Part[], imports: readonly Leftover[], space: Space): Exported[] {
  const own: Exported[] = socket.component.exports.map(({ name, type }) => ({ part: socket, name, type: space.translate(socket, type) }));
  const homes = new Map<Name, Exported>();
  for (const part of plugs) {
    for (const { name, type } of part.component.exports) {
      if (type.kind !== 'instance') continue;
      const exported = { part, name, type: space.translate(part, type) };
      for (const found of introducedNames(exported.type)) if (!homes.has(found)) homes.set(found, exported);
    }
  }
  const taken = new Set(own.map((item) => item.name));
  const visible = new Set(imports.flatMap(({ type }) => introducedNames(type)));
  const exported = new Set<Exported>();
  const add = (item: Exported): void => {
    if (exported.has(item)) return;
    const local = new Set(introducedNames(item.type));
    const use = (name: Name): void => {
      if (visible.has(name) || local.has(name) || (name.kind !== 'resource' && !isNominal(name))) return;
      const home = homes.get(name);
      // The socket's own export of that name wins; then the validator says what is missing.
      if (home !== undefined && home !== item && !taken.has(home.name)) add(home);
    };
    new Walk({ handle: use, value: use }).extern(item.type);
    for (const name of local) visible.add(name);
    exported.add(item);
  };
  for (const item of own) add(item);
  return [...exported];
}

/** The types that an import or export makes known. */
export function introducedNames(type: ExternType): Name[] {
  const name = nameIn(type);
  if (name !== undefined) return [name];
  return type.kind === 'instance' ? [...type.type.exports.values()].flatMap(introducedNames) : [];
}
