/** Which export satisfies which import, and in what order the parts are instantiated. */
import { type Component, type ExternDescription, provider } from '@tenon/component';
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
  readonly source: { readonly part: Part; readonly export: string } | undefined;
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
    wired.set(part, { part, wires: part.component.imports.map((item) => ({ import: item, source: findSource(part, item.name, plugs) })) });
  }
  for (const plug of plugs) {
    const used = [...wired.values()].some(({ wires }) => wires.some((w) => w.source?.part === plug));
    if (!used) throw new ToolkitError('TENON_COMPOSE_NOTHING', unusedMessage(plug, [...wired.values()]));
  }
  return sort(socket, wired);
}

function findSource(part: Part, name: string, plugs: readonly Part[]): Wire['source'] {
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
      `\`${part.name}\` imports \`${name}\`, and two plugs export it: \`${first.part.name}\` and \`${second.part.name}\`; leave one of them out`,
    );
  }
  return first;
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
