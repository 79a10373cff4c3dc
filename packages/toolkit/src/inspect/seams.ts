/** How the parts of a component are wired: a graph of instances, derived from its definitions without running anything. */
import type { ComponentDefinition, CoreSort, Definition, Sort } from '@tenon/component';
import type { PartInfo } from './parts.ts';

/** An instance of a part, an import or an export. */
export interface SeamNode {
  readonly id: number;
  readonly kind: 'import' | 'component' | 'core module' | 'export';
  readonly label: string;
  readonly size: number | undefined;
}

/** `to` uses `names` of `from`. */
export interface SeamEdge {
  readonly from: number;
  readonly to: number;
  readonly names: readonly string[];
}

export interface SeamGraph {
  readonly nodes: readonly SeamNode[];
  readonly edges: readonly SeamEdge[];
}

/** The nodes that something in an index space comes from. */
type Sources = ReadonlySet<number>;
const NOTHING: Sources = new Set();

export function seamGraph(definition: ComponentDefinition, tree: PartInfo): SeamGraph {
  return new Wiring(tree).run(definition);
}

class Wiring {
  private readonly nodes: SeamNode[] = [];
  private readonly edges = new Map<string, { from: number; to: number; names: Set<string> }>();
  private readonly spaces = new Map<Sort, Sources[]>();
  /** What instance and module indices are called; an alias or import of one has no part of its own. */
  private readonly parts = new Map<'component' | 'core module', (PartInfo | undefined)[]>([
    ['component', []],
    ['core module', []],
  ]);
  private readonly tree: PartInfo;

  constructor(tree: PartInfo) {
    this.tree = tree;
  }

  run(definition: ComponentDefinition): SeamGraph {
    const embedded = { component: 0, 'core module': 0 };
    for (const item of definition.definitions) this.step(item, embedded);
    return {
      nodes: this.nodes,
      edges: [...this.edges.values()].map(({ from, to, names }) => ({ from, to, names: [...names] })),
    };
  }

  private node(kind: SeamNode['kind'], label: string, size?: number): number {
    const id = this.nodes.length;
    this.nodes.push({ id, kind, label, size });
    return id;
  }

  private connect(sources: Sources, to: number, name: string): void {
    for (const from of sources) {
      if (from === to) continue;
      const key = `${from} ${to}`;
      const edge = this.edges.get(key) ?? { from, to, names: new Set() };
      this.edges.set(key, edge);
      edge.names.add(name);
    }
  }

  private push(sort: Sort, sources: Sources): void {
    const space = this.spaces.get(sort) ?? [];
    this.spaces.set(sort, space);
    space.push(sources);
  }

  private sources(sort: Sort, index: number): Sources {
    return this.spaces.get(sort)?.[index] ?? NOTHING;
  }

  private addPart(kind: 'component' | 'core module', part: PartInfo | undefined): void {
    this.parts.get(kind)?.push(part);
    this.push(kind, NOTHING);
  }

  private step(item: Definition, embedded: Record<'component' | 'core module', number>): void {
    switch (item.kind) {
      case 'component':
      case 'core module':
        this.addPart(item.kind, this.tree.parts.filter((part) => part.kind === item.kind)[embedded[item.kind]++]);
        return;
      case 'import': {
        const { kind } = item.type;
        // Imported types carry no calls.
        const source = kind === 'type eq' || kind === 'resource' ? NOTHING : new Set([this.node('import', item.name.name)]);
        if (kind === 'component') this.addPart('component', undefined);
        else if (kind === 'module') this.addPart('core module', undefined);
        else this.push(kind === 'type eq' || kind === 'resource' ? 'type' : kind === 'value eq' ? 'value' : kind, source);
        return;
      }
      case 'instance':
        if (item.expr.kind === 'instantiate') {
          const to = this.instantiated('component', item.expr.component);
          for (const arg of item.expr.args) this.connect(this.sources(arg.target.sort, arg.target.index), to, arg.name);
          this.push('instance', new Set([to]));
        } else {
          this.push('instance', union(item.expr.exports.map((e) => this.sources(e.target.sort, e.target.index))));
        }
        return;
      case 'core instance':
        if (item.expr.kind === 'instantiate') {
          const to = this.instantiated('core module', item.expr.module);
          for (const arg of item.expr.args) this.connect(this.sources('core instance', arg.instance), to, arg.name);
          this.push('core instance', new Set([to]));
        } else {
          this.push('core instance', union(item.expr.exports.map((e) => this.sources(coreSort(e.sort), e.index))));
        }
        return;
      case 'alias':
        this.alias(item.alias);
        return;
      case 'canon':
        if (item.canon.kind === 'lift') this.push('func', this.sources('core func', item.canon.func));
        else this.push('core func', item.canon.kind === 'lower' ? this.sources('func', item.canon.func) : NOTHING);
        return;
      case 'export': {
        const { sort, index } = item.target;
        const sources = this.sources(sort, index);
        if (sort !== 'type') this.connect(sources, this.node('export', item.name.name), item.name.name);
        if (sort === 'component' || sort === 'core module') this.addPart(sort, this.parts.get(sort)?.[index]);
        else this.push(sort, sources);
        return;
      }
      case 'type':
        this.push('type', NOTHING);
        return;
      case 'core type':
        this.push('core type', NOTHING);
        return;
      case 'value':
        this.push('value', NOTHING);
        return;
      case 'start':
        for (let i = 0; i < item.results; i++) this.push('value', this.sources('func', item.func));
    }
  }

  private alias(alias: (Definition & { kind: 'alias' })['alias']): void {
    if (alias.sort === 'component' || alias.sort === 'core module') this.addPart(alias.sort, undefined);
    else if (alias.kind === 'export') this.push(alias.sort, this.sources('instance', alias.instance));
    else if (alias.kind === 'core export') this.push(coreSort(alias.sort), this.sources('core instance', alias.instance));
    else this.push(alias.sort, NOTHING);
  }

  private instantiated(kind: 'component' | 'core module', index: number): number {
    const part = this.parts.get(kind)?.[index];
    return this.node(kind, part?.name ?? `${kind} ${index}`, part?.size);
  }
}

function coreSort(sort: CoreSort): Sort {
  return `core ${sort}`;
}

function union(sets: readonly Sources[]): Sources {
  return new Set(sets.flatMap((set) => [...set]));
}
