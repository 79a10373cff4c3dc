/** Which workload a request is for, of those that share an address. */

/** What requests a workload takes; what is left out takes them all. */
export interface Match {
  /** The host that clients ask for: `shop.example.com`, `*.example.com`. */
  readonly host?: string;
  /** The beginning of the path, whole segments: `/api` takes `/api` and `/api/users`. */
  readonly path?: string;
}

interface Route<T> {
  readonly host: string;
  readonly path: string;
  readonly target: T;
}

/** Routes by host and path. The most specific wins: a host before its wildcard before any, then the longest path. */
export class Router<T> {
  private readonly byHost = new Map<string, Route<T>[]>();

  get empty(): boolean {
    return this.byHost.size === 0;
  }

  /** Adds a route. Returns who has the very same one, and adds nothing then. */
  add({ host = '*', path = '/' }: Match, target: T): T | undefined {
    const route = { host: host.toLowerCase(), path: path.replace(/\/+$/, ''), target };
    const routes = this.byHost.get(route.host) ?? [];
    const taken = routes.find((other) => other.path === route.path);
    if (taken !== undefined) return taken.target;
    routes.push(route);
    routes.sort((a, b) => b.path.length - a.path.length);
    this.byHost.set(route.host, routes);
    return undefined;
  }

  remove(target: T): void {
    for (const [host, routes] of this.byHost) {
      const kept = routes.filter((route) => route.target !== target);
      if (kept.length === 0) this.byHost.delete(host);
      else this.byHost.set(host, kept);
    }
  }

  /** @param authority host and maybe port, as clients send it; @param target path and query */
  find(authority: string | undefined, target: string): T | undefined {
    const any = this.byHost.get('*');
    // Most addresses have one workload.
    if (any !== undefined && this.byHost.size === 1 && any.length === 1 && any[0]?.path === '') return any[0].target;
    const host = (authority ?? '').toLowerCase().replace(/:\d*$/, '');
    const path = target.replace(/\?.*$/s, '');
    for (const pattern of patterns(host)) {
      for (const route of this.byHost.get(pattern) ?? []) {
        if (route.path === '' || path === route.path || path.startsWith(`${route.path}/`)) return route.target;
      }
    }
    return undefined;
  }
}

/** The host itself, its wildcards from the narrowest to the widest, and any host. */
function* patterns(host: string): Iterable<string> {
  yield host;
  for (let dot = host.indexOf('.'); dot !== -1; dot = host.indexOf('.', dot + 1)) yield `*${host.slice(dot)}`;
  yield '*';
}
