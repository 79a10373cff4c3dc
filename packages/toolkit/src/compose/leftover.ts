/**
 * What no plug provides stays an import of the composition: one for each interface and version track, as wide as all parts need
 * together, over shared resources and named types.
 */
import { type ExternType, labelOf, originOf, type ResourceId, versionTrack } from '@tenon/component';
import { ToolkitError } from '../errors.ts';
import { compareVersions } from '../names.ts';
import { type Mismatch, matchExtern, mismatchText } from './match.ts';
import type { Space } from './space.ts';
import { introducedResources, isNominal, type Name, nameIn, Walk } from './walk.ts';
import type { Part, Wire, WiredPart } from './wiring.ts';

/** An import of the composition. */
export interface Leftover {
  /** The highest version that a part asks for. */
  readonly name: string;
  /** In terms of the composition. */
  readonly type: ExternType;
  /** Which imports of which parts it satisfies. */
  readonly members: readonly { readonly part: Part; readonly name: string }[];
}

interface Member {
  readonly part: Part;
  readonly name: string;
  readonly type: ExternType;
  /** Whether it is there for its types only, since a plug provides the import itself. */
  readonly typesOnly?: boolean;
}

type Groups = Map<string, Member[]>;

/**
 * Merges the imports that no plug satisfies.
 * @returns them in an order in which each comes after those whose types it uses.
 * @throws ToolkitError TENON_COMPOSE_IMPORT when the same import has different types in two parts.
 */
export function leftovers(parts: readonly WiredPart[], space: Space): Leftover[] {
  const groups: Groups = new Map();
  for (const { part, wires } of parts) {
    for (const { import: item, source } of wires) if (source === undefined) addMember(groups, { part, name: item.name, type: item.type });
  }
  const needs = new Map<string, Set<string>>();
  for (const wired of parts) findNeeds(wired, groups, needs);
  for (const members of groups.values()) uniteResources(members, space);
  return order(groups, needs).map((members) => merge(members, space));
}

function addMember(groups: Groups, member: Member): void {
  const track = versionTrack(member.name);
  const group = groups.get(track);
  if (group === undefined) groups.set(track, [member]);
  else group.push(member);
}

/** Resources of equal names in one interface are one resource. */
function uniteResources(members: readonly Member[], space: Space): void {
  const byPath = new Map<string, ResourceId>();
  for (const member of members) {
    for (const { path, name } of introducedResources('', member.type)) {
      const actual = space.of(member.part, name.resource);
      const key = path.join('\n');
      const other = byPath.get(key);
      if (other === undefined) byPath.set(key, actual);
      else space.unite(other, actual);
    }
  }
}

/** Where a part gets a named type from: the import that introduces it. */
interface Home {
  readonly wire: Wire;
  readonly type: ExternType;
}

/**
 * Which imports use types of which others, as each part sees it. A value type of an import that a plug provides is imported as well:
 * it is plain data, and what is imported may only speak of what is imported. A resource is not, since it would be another one.
 */
function findNeeds({ part, wires }: WiredPart, groups: Groups, needs: Map<string, Set<string>>): void {
  const homes = new Map<Name, Home>();
  for (const wire of wires) noteHomes(wire, wire.import.type, homes);
  const typesOnly = new Map<Wire, Set<Name>>();
  const visit = (wire: Wire, type: ExternType, asking: Wire): void => {
    const use = (name: Name): void => {
      const home = homes.get(name);
      if (home === undefined) return;
      if (home.wire.source === undefined) {
        addNeed(needs, wire, home.wire);
        return;
      }
      if (name.kind === 'resource') throw new ToolkitError('TENON_COMPOSE_IMPORT', providedMessage(part, asking, name, home.wire));
      if (!isNominal(name)) return;
      addNeed(needs, wire, home.wire);
      const names = typesOnly.get(home.wire) ?? new Set();
      if (names.has(name)) return;
      typesOnly.set(home.wire, names.add(name));
      // What the type is made of has to be known too.
      visit(home.wire, home.type, asking);
    };
    // A new name of a type: of plain data it is a copy, where what it was made from is not imported.
    const introduced = (name: Name): void => {
      for (let at = originOf(name); at !== undefined; at = originOf(at)) {
        const home = homes.get(at);
        if (home === undefined) continue;
        if (home.wire.source === undefined || at.kind === 'resource') use(at);
        return;
      }
    };
    new Walk({ handle: use, value: use, introduced }).extern(type);
  };
  for (const wire of wires) if (wire.source === undefined) visit(wire, wire.import.type, wire);
  for (const [wire, names] of typesOnly) {
    if (wire.import.type.kind !== 'instance') continue;
    const exports = new Map([...wire.import.type.type.exports].filter(([, item]) => names.has(nameIn(item) as Name)));
    addMember(groups, { part, name: wire.import.name, type: { kind: 'instance', type: { exports, resources: [] } }, typesOnly: true });
  }
}

function noteHomes(wire: Wire, type: ExternType, homes: Map<Name, Home>): void {
  const name = nameIn(type);
  if (name !== undefined) homes.set(name, { wire, type });
  else if (type.kind === 'instance') for (const item of type.type.exports.values()) noteHomes(wire, item, homes);
}

function addNeed(needs: Map<string, Set<string>>, user: Wire, home: Wire): void {
  const [from, to] = [versionTrack(user.import.name), versionTrack(home.import.name)];
  if (from === to) return;
  const set = needs.get(from) ?? new Set();
  needs.set(from, set.add(to));
}

function providedMessage(part: Part, user: Wire, name: Name, home: Wire): string {
  const resource = labelOf(name);
  return (
    `\`${part.name}\` imports \`${user.import.name}\`, which uses the resource${resource === undefined ? '' : ` \`${resource}\``} of ` +
    `\`${home.import.name}\`, which the plug \`${home.source?.part.name}\` provides: a plug has to provide \`${user.import.name}\` too`
  );
}

/** A stable topological order: an import comes after those that introduce the types it mentions. */
function order(groups: Groups, needs: ReadonlyMap<string, ReadonlySet<string>>): (readonly Member[])[] {
  const done = new Set<string>();
  const sorted: (readonly Member[])[] = [];
  const visit = (track: string, path: readonly string[]): void => {
    const group = groups.get(track);
    if (done.has(track) || group === undefined) return;
    if (path.includes(track)) {
      throw new ToolkitError('TENON_COMPOSE_IMPORT', `the imports \`${path.join('`, `')}\` use each other's types in a circle`);
    }
    for (const need of needs.get(track) ?? []) visit(need, [...path, track]);
    done.add(track);
    sorted.push(group);
  };
  for (const track of groups.keys()) visit(track, []);
  return sorted;
}

function merge(members: readonly Member[], space: Space): Leftover {
  const [first, ...rest] = members;
  if (first === undefined) throw new Error('internal error: an import that no part has');
  let { name } = first;
  let type = translate(first, first.type, space);
  for (const next of rest) {
    if (compareVersions(next.name, name) > 0) name = next.name;
    const merged = mergeExtern(type, next, next.type, space, [next.name]);
    if ('expected' in merged) {
      throw new ToolkitError('TENON_COMPOSE_IMPORT', [
        `\`${first.part.name}\` and \`${next.part.name}\` import \`${name}\` with different types`,
        `  ${mismatchText(merged)}`,
      ]);
    }
    type = merged;
  }
  return {
    name,
    type,
    members: members.filter((member) => member.typesOnly !== true).map((member) => ({ part: member.part, name: member.name })),
  };
}

/** The same in terms of the composition. */
function translate(member: Member, type: ExternType, space: Space): ExternType {
  const translated = space.translate(member.part, type);
  // So that another one of the same part, which has the types only, means the same.
  space.identify(member.part, type, translated);
  return translated;
}

/** A type that serves both: an instance with the exports of both, otherwise the types have to be equal. */
function mergeExtern(left: ExternType, member: Member, right: ExternType, space: Space, path: readonly string[]): ExternType | Mismatch {
  if (left.kind !== 'instance' || right.kind !== 'instance') {
    const translated = space.translate(member.part, right);
    const mismatch = matchExtern(left, translated, identity(left), path);
    if (mismatch !== undefined) return mismatch;
    space.identify(member.part, right, left);
    return left;
  }
  const exports = new Map(left.type.exports);
  for (const [name, item] of right.type.exports) {
    const other = exports.get(name);
    const merged = other === undefined ? translate(member, item, space) : mergeExtern(other, member, item, space, [...path, name]);
    if ('expected' in merged) return merged;
    exports.set(name, merged);
  }
  return { kind: 'instance', type: { exports, resources: [] } };
}

/** Both sides are over the composition's resources already. */
function identity(type: ExternType): Map<ResourceId, ResourceId> {
  const map = new Map<ResourceId, ResourceId>();
  new Walk({
    handle: ({ resource }) => void map.set(resource, resource),
    introduced: (name) => {
      if (name.kind === 'resource') map.set(name.resource, name.resource);
    },
  }).extern(type);
  return map;
}
