/** Which export satisfies which import, and in what order the parts are instantiated. */
import { type Component, type ExternDescription, originOf, provider } from '@tenon/component';
import { ToolkitError } from '../errors.ts';
import { nearest } from '../names.ts';

/** A component that takes part in a composition. */
export interface Part {
  /** How messages and the composed component name it, such as the file's name. */
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly component: Component;
}

/** An import of a part, and the plug's export that satisfies it; undefined when the composition imports it. */
export interface Wire {
  readonly import: ExternDescription;
  readonly source: Source | undefined;
}

export interface Source {
  readonly part: Part;
  readonly export: string;
  /** The name of a resource within the exported interface: a world's `use iface.{resource}` imports the resource itself. */
  readonly member?: string;
}

export interface WiredPart {
  readonly part: Part;
  readonly wires: readonly Wire[];
}

/**
 * Finds a source for each import: the plug that exports the same name, else one on the same version track.
 * @returns the plugs in the order of instantiation, the socket last.
 * @throws ToolkitError TENON_COMPOSE_AMBIGUOUS, TENON_COMPOSE_NOTHING, TENON_COMPOSE_CYCLE
 */
export function wire(socket: Part, plugs: readonly Part[]): WiredPart[] {
  const wired = new Map<Part, WiredPart>();
  for (const part of [...plugs, socket]) {
    wired.set(part, { part, wires: findWires(part, plugs) });
  }
  for (const plug of plugs) {
    const used = [...wired.values()].some(({ wires }) => wires.some((w) => w.source?.part === plug));
    if (!used) throw new ToolkitError('TENON_COMPOSE_NOTHING', unusedMessage(plug, [...wired.values()]));
  }
  return sort(socket, wired);
}

function findWires(part: Part, plugs: readonly Part[]): Wire[] {
  const wires: Wire[] = [];
  for (const item of part.component.imports) {
    wires.push({ import: item, source: findSource(part, item.name, plugs) ?? usedResource(item, wires) });
  }
  return wires;
}

/** Where a resource is from that the world uses from an interface before: the plug that provides the interface. */
function usedResource({ type }: ExternDescription, before: readonly Wire[]): Source | undefined {
  if (type.kind !== 'type' || type.type.kind !== 'resource') return undefined;
  const origin = originOf(type.type);
  if (origin === undefined) return undefined;
  for (const { import: item, source } of before) {
    if (source === undefined) continue;
    if (item.type.kind === 'type' && item.type.type === origin) return source;
    if (item.type.kind !== 'instance') continue;
    for (const [member, exported] of item.type.type.exports) {
      if (exported.kind === 'type' && exported.type === origin) return { ...source, member };
    }
  }
  return undefined;
}

function findSource(part: Part, name: string, plugs: readonly Part[]): Source | undefined {
  const offers = plugs
    .filter((plug) => plug !== part)
    .flatMap((plug) => {
      const found = provider(
        plug.component.exports.map((item) => item.name),
        name,
      );
      return found === undefined ? [] : [{ part: plug, export: found }];
    });
  const exact = offers.filter((offer) => offer.export === name);
  const [first, second] = exact.length > 0 ? exact : offers;
  if (first !== undefined && second !== undefined) {
    throw new ToolkitError(
      'TENON_COMPOSE_AMBIGUOUS',
      `\`${part.name}\` imports \`${name}\`, and two plugs export it: \`${first.part.name}\` and \`${second.part.name}\`; ` +
        ambiguousHint(name, first.part, second.part),
    );
  }
  return first;
}

/** A plug that exports what it imports is middleware, and only its user knows what it stands in front of. */
function ambiguousHint(name: string, first: Part, second: Part): string {
  const imports = (part: Part): boolean =>
    provider(
      part.component.imports.map((item) => item.name),
      name,
    ) !== undefined;
  if (imports(first) === imports(second)) return 'leave one of them out';
  const [middleware, inner] = imports(first) ? [first, second] : [second, first];
  return (
    `\`${middleware.name}\` imports it too, so compose \`${inner.name}\` into it first ` +
    `(\`tenon compose -o inner.wasm ${middleware.name} --plug ${inner.name}\`) and plug in what that makes`
  );
}

function unusedMessage(plug: Part, wired: readonly WiredPart[]): string[] {
  const list = (names: readonly string[]): string[] => (names.length === 0 ? ['  nothing'] : names.map((name) => `  ${name}`));
  const exports = plug.component.exports.map((item) => item.name);
  const needed = [
    ...new Set(
      wired.flatMap(({ part, wires }) => (part === plug ? [] : wires.filter((w) => w.source === undefined).map((w) => w.import.name))),
    ),
  ];
  const near = exports.map((name) => ({ name, near: nearest(name, needed) })).find((pair) => pair.near !== undefined);
  const hint = near === undefined ? [] : [`\`${near.name}\` is close to \`${near.near}\`: do the names and versions agree?`];
  return [
    `nothing uses \`${plug.name}\`: none of its exports is what another part imports`,
    'it exports',
    ...list(exports),
    'the other parts import',
    ...list(needed),
    ...hint,
  ];
}

/** Depth first: a part comes after all that it uses. */
function sort(socket: Part, wired: ReadonlyMap<Part, WiredPart>): WiredPart[] {
  const done = new Set<Part>();
  const order: WiredPart[] = [];
  const visit = (part: Part, path: readonly Part[]): void => {
    if (done.has(part)) return;
    if (path.includes(part)) {
      const circle = [...path.slice(path.indexOf(part)), part].map((p) => `\`${p.name}\``).join(' needs ');
      throw new ToolkitError('TENON_COMPOSE_CYCLE', `the plugs need each other in a circle: ${circle}`);
    }
    const entry = wired.get(part);
    if (entry === undefined) return;
    for (const { source } of entry.wires) if (source !== undefined) visit(source.part, [...path, part]);
    done.add(part);
    order.push(entry);
  };
  for (const part of wired.keys()) if (part !== socket) visit(part, []);
  visit(socket, []);
  return order;
}
