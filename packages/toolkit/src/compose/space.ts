/**
 * The resources and names of a composition. Each part has numbers for its resources and objects for its types of its own; what a plug
 * provides, or what two parts import by one name, is one and the same here.
 */
import { Effort, type ExternType, type ResourceId, Substitution } from '@tenon/component';
import { ToolkitError } from '../errors.ts';
import { nameIn, Walk } from './walk.ts';
import type { Part } from './wiring.ts';

/** Far more than real parts take: their types are as many as their bytes at most. */
const EFFORT = 10_000_000;

export class Space {
  private readonly parents: ResourceId[] = [];
  private readonly byPart = new Map<Part, Map<ResourceId, ResourceId>>();
  private readonly translations = new Map<Part, Substitution>();
  private readonly effort = new Effort(
    0,
    () => new ToolkitError('TENON_COMPOSE_TYPE', 'the types of the parts are too complex to compose'),
    EFFORT,
  );

  private fresh(): ResourceId {
    return this.parents.push(this.parents.length) - 1;
  }

  private find(resource: ResourceId): ResourceId {
    let root = resource;
    for (let parent = this.parents[root]; parent !== undefined && parent !== root; parent = this.parents[root]) root = parent;
    return root;
  }

  unite(left: ResourceId, right: ResourceId): void {
    this.parents[this.find(right)] = this.find(left);
  }

  /** The composition's resource for one of a part; a new one when the part has not named it before. */
  of(part: Part, resource: ResourceId): ResourceId {
    const map = this.mapOf(part);
    const known = map.get(resource);
    if (known !== undefined) return this.find(known);
    const made = this.fresh();
    map.set(resource, made);
    return made;
  }

  /** The map from a part's own resources, to be read and extended. */
  bindings(part: Part): Map<ResourceId, ResourceId> {
    const map = this.mapOf(part);
    for (const [own, resource] of map) map.set(own, this.find(resource));
    return map;
  }

  private mapOf(part: Part): Map<ResourceId, ResourceId> {
    let map = this.byPart.get(part);
    if (map === undefined) {
      map = new Map();
      this.byPart.set(part, map);
    }
    return map;
  }

  /** A part's type in terms of the composition. Only when all imports are united. */
  translate(part: Part, type: ExternType): ExternType {
    const { resources } = this.translation(part);
    const note = (resource: ResourceId): void => void resources.set(resource, this.of(part, resource));
    new Walk({
      handle: ({ resource }) => note(resource),
      introduced: (name) => {
        if (name.kind === 'resource') note(name.resource);
      },
    }).extern(type);
    return this.translation(part).extern(type);
  }

  /** From now on the names that `own` introduces in a part stand for those that `actual` introduces in the composition. */
  identify(part: Part, own: ExternType, actual: ExternType): void {
    if (own.kind === 'instance' && actual.kind === 'instance') {
      for (const [name, item] of own.type.exports) {
        const other = actual.type.exports.get(name);
        if (other !== undefined) this.identify(part, item, other);
      }
      return;
    }
    const [from, to] = [nameIn(own), nameIn(actual)];
    if (from === undefined || to === undefined) return;
    this.translation(part).rename(from, to);
  }

  private translation(part: Part): Substitution {
    let translation = this.translations.get(part);
    if (translation === undefined) {
      translation = new Substitution(this.effort);
      this.translations.set(part, translation);
    }
    return translation;
  }
}
