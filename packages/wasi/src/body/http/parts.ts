/** Parts of requests as `wasi:http/types` has them. */
export interface Variant {
  readonly tag: string;
  readonly val?: string;
}

const METHODS = ['get', 'head', 'post', 'put', 'delete', 'connect', 'options', 'trace', 'patch'] as const;
export const METHOD: ReadonlyMap<string, Variant> = new Map(METHODS.map((tag) => [tag.toUpperCase(), { tag }]));

export const HTTP: Variant = { tag: 'HTTP' };
export const HTTPS: Variant = { tag: 'HTTPS' };

// RFC 3986, section 3.1, and a request target (RFC 9112, section 3.2) with no space, control or fragment; its path may be empty.
export const SCHEME: RegExp = /^[A-Za-z][A-Za-z0-9+.-]*$/;
export const TARGET: RegExp = /^(?:[/?][!"$-~]*|\*)?$/;

/** An empty path is sent as a slash (RFC 9112, section 3.2.1). */
export function targetOf(path = ''): string {
  return path === '' || path.startsWith('?') ? `/${path}` : path;
}

/** A duration in nanoseconds as setters take it, and what it is in the milliseconds of timers. */
export type Duration = bigint | undefined;

export function milliseconds(duration: Duration, otherwise: number): number {
  // Longer than timers can wait: three weeks.
  return duration === undefined ? otherwise : Math.min(Math.ceil(Number(duration) / 1e6), 2 ** 31 - 1);
}
