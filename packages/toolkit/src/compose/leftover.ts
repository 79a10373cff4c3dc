/**
 * What no plug provides stays an import of the composition: one for each interface and version track, as wide as all parts need
 * together, over shared resources.
 */
import { type ExternType, type ResourceId, versionTrack } from '@tenon/component';
import { ToolkitError } from '../errors.ts';
import { compareVersions } from '../names.ts';
import { type Mismatch, matchExtern, mismatchText } from './match.ts';
import { namedResources, substituteExtern, visitResources } from './resources.ts';
import type { Part, WiredPart } from './wiring.ts';

/** An import of the composition. */
export interface Leftover {
  /** The highest version that a part asks for. */
  readonly name: string;
  /** Over the resources of the composition. */
  readonly type: ExternType;
  /** Which imports of which parts it satisfies. */
  readonly members: readonly { readonly part: Part; readonly name: string }[];
}

/** The resources of the composition, by the part and the part's own number for each. */
export class ResourceSpace {
  private readonly parents: ResourceId[] = [];
  private readonly byPart = new Map<Part, Map<ResourceId, ResourceId>>();

  fresh(): ResourceId {
    return this.parents.push(this.parents.length) - 1;
  }

  find(resource: ResourceId): ResourceId {
    let root = resource;
    for (let parent = this.parents[root]; parent !== undefined && parent !== root; parent = this.parents[root]) root = parent;
    return root;
  }

  unite(left: ResourceId, right: ResourceId): void {
    this.parents[this.find(right)] = this.find(left);
  }

  /** The composition's resource for one of a part; a new one when the part has not named it before. */
  of(part: Part, resource: ResourceId): ResourceId {
    const map = this.bindings(part);
    const known = map.get(resource);
    if (known !== undefined) return this.find(known);
    const made = this.fresh();
    map.set(resource, made);
    return made;
  }

  /** The map from a part's own resources, to be read and extended. */
  bindings(part: Part): Map<ResourceId, ResourceId> {
    let map = this.byPart.get(part);
    if (map === undefined) {
      map = new Map();
      this.byPart.set(part, map);
    }
    for (const [own, resource] of map) map.set(own, this.find(resource));
    return map;
  }
}

interface Member {
  readonly part: Part;
  readonly name: string;
  readonly type: ExternType;
}

/**
 * Merges the imports that no plug satisfies.
 * @returns them in an order in which each comes after those whose resources it uses.
 * @throws ToolkitError TENON_COMPOSE_IMPORT when the same import has different types in two parts.
 */
export function leftovers(parts: readonly WiredPart[], space: ResourceSpace): Leftover[] {
  const groups = new Map<string, Member[]>();
  for (const { part, wires } of parts) {
    for (const { import: item, source } of wires) {
      if (source !== undefined) continue;
      const track = versionTrack(item.name);
      const group = groups.get(track) ?? [];
      groups.set(track, group);
      group.push({ part, name: item.name, type: item.type });
    }
  }
  for (const members of groups.values()) uniteResources(members, space);
  return order(groups, parts).map((members) => merge(members, space));
}

/** Resources of equal names in one interface are one resource. */
function uniteResources(members: readonly Member[], space: ResourceSpace): void {
  const byPath = new Map<string, ResourceId>();
  for (const member of members) {
    for (const { path, resource } of namedResources('', member.type)) {
      const actual = space.of(member.part, resource);
      const key = path.join('\n');
      const other = byPath.get(key);
      if (other === undefined) byPath.set(key, actual);
      else space.unite(other, actual);
    }
  }
}

/** A stable topological order: an import comes after those that introduce the resources it mentions, as seen by each part. */
function order(groups: ReadonlyMap<string, readonly Member[]>, parts: readonly WiredPart[]): (readonly Member[])[] {
  const needs = new Map<string, Set<string>>();
  for (const { part, wires } of parts) {
    const homes = new Map<ResourceId, string>();
    for (const { import: item, source } of wires) {
      const track = versionTrack(item.name);
      const set = needs.get(track) ?? new Set();
      needs.set(track, set);
      visitResources(item.type, (resource) => {
        const home = homes.get(resource);
        if (home === undefined) homes.set(resource, source === undefined ? track : `${source.part.name}\n${item.name}`);
        else if (home === track || source !== undefined) return;
        else if (groups.has(home)) set.add(home);
        else throw new ToolkitError('TENON_COMPOSE_IMPORT', providedResourceMessage(part, item.name, home));
      });
    }
  }
  const done = new Set<string>();
  const sorted: (readonly Member[])[] = [];
  const visit = (track: string, path: readonly string[]): void => {
    if (done.has(track)) return;
    if (path.includes(track)) {
      throw new ToolkitError('TENON_COMPOSE_IMPORT', `the imports \`${path.join('`, `')}\` use each other's resources in a circle`);
    }
    for (const need of needs.get(track) ?? []) visit(need, [...path, track]);
    done.add(track);
    sorted.push(groups.get(track) ?? []);
  };
  for (const track of groups.keys()) visit(track, []);
  return sorted;
}

function providedResourceMessage(part: Part, name: string, home: string): string {
  const [plug, provided] = home.split('\n');
  return (
    `\`${part.name}\` imports \`${name}\`, which uses a resource of \`${provided}\`, which the plug \`${plug}\` provides: ` +
    `a plug has to provide \`${name}\` too`
  );
}

function merge(members: readonly Member[], space: ResourceSpace): Leftover {
  const [first, ...rest] = members.map((member) => ({
    ...member,
    type: substituteExtern(member.type, (resource) => space.of(member.part, resource)),
  }));
  if (first === undefined) throw new Error('internal error: an import that no part has');
  let { name, type } = first;
  for (const next of rest) {
    if (compareVersions(next.name, name) > 0) name = next.name;
    const merged = mergeExtern(type, next.type, [next.name]);
    if ('expected' in merged) {
      throw new ToolkitError(
        'TENON_COMPOSE_IMPORT',
        `\`${first.part.name}\` and \`${next.part.name}\` import \`${name}\` with different types: ${mismatchText(merged)}`,
      );
    }
    type = merged;
  }
  return { name, type, members: members.map((member) => ({ part: member.part, name: member.name })) };
}

/** A type that serves both: an instance with the exports of both, otherwise the types have to be equal. */
function mergeExtern(left: ExternType, right: ExternType, path: readonly string[]): ExternType | Mismatch {
  if (left.kind !== 'instance' || right.kind !== 'instance') return matchExtern(left, right, identity(left), path) ?? left;
  const exports = new Map(left.type.exports);
  for (const [name, item] of right.type.exports) {
    const other = exports.get(name);
    const merged = other === undefined ? item : mergeExtern(other, item, [...path, name]);
    if ('expected' in merged) return merged;
    exports.set(name, merged);
  }
  return { kind: 'instance', type: { exports, resources: [...new Set([...left.type.resources, ...right.type.resources])] } };
}

/** Both sides are over the composition's resources already. */
function identity(type: ExternType): Map<ResourceId, ResourceId> {
  const map = new Map<ResourceId, ResourceId>();
  visitResources(type, (resource) => void map.set(resource, resource));
  return map;
}
