/** Which workload a request is for, of those that share an address. */

/** What requests a workload takes; what is left out takes them all. */
export interface Match {
  /** The host that clients ask for: `shop.example.com`, `*.example.com`. */
  readonly host?: string | undefined;
  /**
   * `/exact`, or `/prefix/*`, which takes `/prefix` and all below it; a segment `:name` is any one segment. What is exact wins over a
   * parameter, and that over a wildcard, segment by segment.
   */
  readonly path?: string | undefined;
  /** `GET`, …; any unless given. */
  readonly methods?: readonly string[] | undefined;
}

/** Targets of one path: by method, or for any. */
interface Leaf<T> {
  any: T | undefined;
  readonly byMethod: Map<string, T>;
}

/** A segment of paths. The way down is exact before a parameter before a wildcard. */
interface Node<T> {
  readonly exact: Map<string, Node<T>>;
  parameter: Node<T> | undefined;
  /** Requests that end here. */
  readonly here: Leaf<T>;
  /** Requests that end here or further down. */
  readonly below: Leaf<T>;
}

const newLeaf = <T>(): Leaf<T> => ({ any: undefined, byMethod: new Map() });
const newNode = <T>(): Node<T> => ({ exact: new Map(), parameter: undefined, here: newLeaf(), below: newLeaf() });

interface Route<T> {
  readonly match: Match;
  target: T;
}

/** Routes by host, path and method. A route costs the same among ten and among thousands. */
export class Router<T> {
  #routes: Route<T>[] = [];
  #byHost = new Map<string, Node<T>>();
  /** The target of all requests, where there is only one route and it takes everything. */
  #only: T | undefined;

  get empty(): boolean {
    return this.#routes.length === 0;
  }

  /** Adds a route. Returns who has the very same one, and adds nothing then. */
  add(match: Match, target: T): T | undefined {
    const taken = this.#insert(match, target);
    if (taken !== undefined) return taken;
    this.#routes.push({ match, target });
    this.#look();
    return undefined;
  }

  /** Gives another target all routes of one, and the routes of `matches` in their place: at once, so that no request falls in between. */
  replace(old: T, matches: readonly Match[], target: T): T | undefined {
    const before = this.#routes;
    this.#routes = before.filter((route) => route.target !== old);
    this.#rebuild();
    for (const match of matches) {
      const taken = this.add(match, target);
      if (taken === undefined) continue;
      this.#routes = before;
      this.#rebuild();
      return taken;
    }
    return undefined;
  }

  /** The routes of a target. */
  of(target: T): readonly Match[] {
    return this.#routes.filter((route) => route.target === target).map(({ match }) => match);
  }

  remove(target: T): void {
    this.#routes = this.#routes.filter((route) => route.target !== target);
    this.#rebuild();
  }

  /** @param authority host and maybe port, as clients send it; @param url path and query */
  find(authority: string | undefined, url: string, method = 'GET'): T | undefined {
    if (this.#only !== undefined) return this.#only;
    const host = (authority ?? '').toLowerCase().replace(/:\d*$/, '').replace(/\.$/, '');
    const query = url.indexOf('?');
    const segments = segmentsOf(query < 0 ? url : url.slice(0, query));
    for (const pattern of patterns(host)) {
      const root = this.#byHost.get(pattern);
      const found = root && walk(root, segments, 0, method);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #rebuild(): void {
    this.#byHost = new Map();
    for (const { match, target } of this.#routes) this.#insert(match, target);
    this.#look();
  }

  #look(): void {
    const [first, second] = this.#routes;
    const all = first !== undefined && second === undefined && isForAll(first.match);
    this.#only = all ? first.target : undefined;
  }

  #insert({ host = '*', path = '/*', methods }: Match, target: T): T | undefined {
    const wild = path.endsWith('/*');
    const segments = segmentsOf(wild ? path.slice(0, -2) : path);
    const key = host.toLowerCase();
    let node = this.#byHost.get(key) ?? newNode<T>();
    this.#byHost.set(key, node);
    for (const segment of segments) {
      let next = segment.startsWith(':') ? node.parameter : node.exact.get(segment);
      if (next === undefined) {
        next = newNode<T>();
        if (segment.startsWith(':')) node.parameter = next;
        else node.exact.set(segment, next);
      }
      node = next;
    }
    const leaf = wild ? node.below : node.here;
    const names = methods?.map((name) => name.toUpperCase());
    const taken = names === undefined ? leaf.any : names.map((name) => leaf.byMethod.get(name)).find((each) => each !== undefined);
    if (taken !== undefined) return taken;
    if (names === undefined) leaf.any = target;
    else for (const name of names) leaf.byMethod.set(name, target);
    return undefined;
  }
}

const isForAll = ({ host = '*', path = '/*', methods }: Match): boolean => host === '*' && path === '/*' && methods === undefined;

/** Empty segments at the end do not count: `/a/` is `/a`. */
function segmentsOf(path: string): readonly string[] {
  const segments = path.split('/').slice(1);
  while (segments.at(-1) === '') segments.pop();
  return segments;
}

/** The most specific target below a node, trying what is exact first at each segment. */
function walk<T>(node: Node<T>, segments: readonly string[], at: number, method: string): T | undefined {
  const segment = segments[at];
  if (segment === undefined) return pick(node.here, method) ?? pick(node.below, method);
  const exact = node.exact.get(segment);
  const found = exact && walk(exact, segments, at + 1, method);
  if (found !== undefined) return found;
  const parameter = node.parameter && walk(node.parameter, segments, at + 1, method);
  return parameter ?? pick(node.below, method);
}

const pick = <T>(leaf: Leaf<T>, method: string): T | undefined => leaf.byMethod.get(method) ?? leaf.any;

/** The host itself, its wildcards from the narrowest to the widest, and any host. */
function* patterns(host: string): Iterable<string> {
  yield host;
  for (let dot = host.indexOf('.'); dot !== -1; dot = host.indexOf('.', dot + 1)) yield `*${host.slice(dot)}`;
  yield '*';
}
