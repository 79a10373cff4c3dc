/**
 * The parts of extern names.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/Explainer.md#import-and-export-definitions
 */

/** The parts of `namespace:package/interface@version`. */
export interface InterfaceName {
  readonly namespace: string;
  readonly package: string;
  readonly interface: string;
  readonly version: string | undefined;
}

const parsedNames = new Map<string, InterfaceName | undefined>();
const MAX_PARSED_NAMES = 1_000;

/** Splits an interface name; undefined for a plain name. The same few names are asked for again and again. */
export function parseInterfaceName(name: string): InterfaceName | undefined {
  const known = parsedNames.get(name);
  if (known !== undefined || parsedNames.has(name)) return known;
  if (parsedNames.size >= MAX_PARSED_NAMES) parsedNames.clear();
  const parsed = splitInterfaceName(name);
  parsedNames.set(name, parsed);
  return parsed;
}

function splitInterfaceName(name: string): InterfaceName | undefined {
  const match = /^([^:/@#]+(?::[^:/@#]+)*):([^:/@#]+)\/([^@#]+)(?:@(.+))?$/.exec(name);
  if (match === null) return undefined;
  const [, namespace = '', pkg = '', iface = '', version] = match;
  return { namespace, package: pkg, interface: iface, version };
}

/** A function of a resource: `[method]stream.read`, `[static]stream.open`, `[constructor]stream`. */
export interface ResourceFunction {
  readonly kind: 'constructor' | 'method' | 'static';
  readonly resource: string;
  /** Empty for a constructor. */
  readonly func: string;
}

export function parseResourceFunction(name: string): ResourceFunction | undefined {
  if (!name.startsWith('[')) return undefined;
  const match = /^(?:\[async\])?\[(?:async )?(constructor|method|static)\]([^.]+)(?:\.(.+))?$/.exec(name);
  if (match === null) return undefined;
  const [, kind, resource = '', func = ''] = match;
  return { kind: kind as ResourceFunction['kind'], resource, func };
}

/** A name without `@version`. */
export function withoutVersion(name: string): string {
  const at = name.indexOf('@');
  return at < 0 ? name : name.slice(0, at);
}

/** Orders two names of one version track by version. */
export function compareVersions(left: string, right: string): number {
  const numbers = (name: string): number[] => (/@(\d+)\.(\d+)\.(\d+)/.exec(name) ?? []).slice(1).map(Number);
  const a = numbers(left);
  const b = numbers(right);
  for (let i = 0; i < 3; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The candidate nearest to a misspelt or cut name, if one is near enough to be meant. */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  const names = [...candidates];
  let best = name.length < 3 ? undefined : names.find((candidate) => candidate.startsWith(name));
  if (best !== undefined) return best;
  let bestDistance = Math.max(2, Math.ceil(name.length / 2)) + 1;
  for (const candidate of names) {
    const distance = editDistance(name, candidate);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function editDistance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, i) => i);
  for (let i = 1; i <= left.length; i++) {
    const next = [i];
    for (let j = 1; j <= right.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (left[i - 1] === right[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[right.length] ?? 0;
}
