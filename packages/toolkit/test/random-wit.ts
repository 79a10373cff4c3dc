/** WIT of made-up packages: interfaces that use, rename and alias each other's types, and worlds of them. The same seed gives the same text. */

const PRIMITIVES = ['bool', 'u8', 's16', 'u32', 's64', 'u64', 'f32', 'f64', 'char', 'string'];

interface Named {
  readonly name: string;
  readonly resource: boolean;
}

interface Iface {
  readonly package: string;
  readonly name: string;
  readonly types: Named[];
}

export function randomWit(seed: number): string {
  return new Maker(seed).document();
}

/** Siblings in a package are used by their name alone. */
function pathFrom({ package: pkg, name }: Iface, home: string): string {
  const [base, version] = pkg.split('@');
  return pkg === home ? name : `${base}/${name}${version === undefined ? '' : `@${version}`}`;
}

class Maker {
  private state: number;
  private next = 0;
  private readonly interfaces: Iface[] = [];

  constructor(seed: number) {
    this.state = seed * 2654435761 + 1;
  }

  private below(n: number): number {
    this.state = (Math.imul(this.state, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.state / 2 ** 32) * n);
  }

  private pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  private fresh(prefix: string): string {
    return `${prefix}-${this.next++}`;
  }

  document(): string {
    const packages = ['a:types', 'b:more@1.2.0'].map((name) => {
      const bodies = Array.from({ length: 1 + this.below(3) }, () => this.iface(name));
      return `package ${name} {\n${bodies.join('\n')}\n}`;
    });
    return `package root:component;\n${this.world()}\n${packages.join('\n')}\n`;
  }

  private iface(pkg: string): string {
    const name = this.fresh('iface');
    const self: Iface = { package: pkg, name, types: [] };
    const body = this.body(self.types, this.interfaces, pkg);
    this.interfaces.push(self);
    return `  interface ${name} {\n${body.map((line) => `    ${line}`).join('\n')}\n  }`;
  }

  /**
   * Declarations that fill `types`.
   * @param home the package that they stand in
   */
  private body(types: Named[], others: readonly Iface[], home = ''): string[] {
    const lines: string[] = [];
    for (let n = this.below(4); n > 0 && others.length > 0; n--) {
      const from = this.pick(others);
      if (from.types.length === 0) continue;
      const used = this.pick(from.types);
      const name = this.below(2) === 0 ? this.fresh('used') : used.name;
      if (types.some((type) => type.name === name)) continue;
      types.push({ name, resource: used.resource });
      lines.push(`use ${pathFrom(from, home)}.{${used.name}${name === used.name ? '' : ` as ${name}`}};`);
    }
    for (let n = 1 + this.below(6); n > 0; n--) lines.push(this.define(types));
    for (let n = 1 + this.below(3); n > 0; n--) lines.push(`${this.fresh('func-of')}: ${this.func(types)};`);
    return lines;
  }

  private define(types: Named[]): string {
    const name = this.fresh('made');
    const some = (make: () => string): string => Array.from({ length: 1 + this.below(3) }, make).join(', ');
    const text = [
      () => `record ${name} { ${some(() => `${this.fresh('field')}: ${this.type(types)}`)} }`,
      () => `variant ${name} { ${some(() => `${this.fresh('case')}(${this.type(types)})`)}, none }`,
      () => `enum ${name} { ${some(() => this.fresh('case'))} }`,
      () => `flags ${name} { ${some(() => this.fresh('flag'))} }`,
      () => `type ${name} = ${this.type(types)};`,
      () => `resource ${name} { m: ${this.func(types)}; make: static func() -> ${name}; }`,
    ];
    const kind = this.below(text.length);
    const definition = (text[kind] as () => string)();
    types.push({ name, resource: kind === 5 });
    return definition;
  }

  private type(types: readonly Named[], depth = 0): string {
    const inner = (): string => this.type(types, depth + 1);
    switch (depth > 2 ? this.below(4) : this.below(9)) {
      case 4:
        return `list<${inner()}>`;
      case 5:
        return `option<${inner()}>`;
      case 6:
        return `tuple<${inner()}, ${inner()}>`;
      case 7:
        return `result<${inner()}, ${inner()}>`;
      case 0:
        return this.pick(PRIMITIVES);
      default:
        return types.length === 0 ? this.pick(PRIMITIVES) : this.pick(types).name;
    }
  }

  private func(types: readonly Named[]): string {
    const params = Array.from({ length: this.below(3) }, () => `${this.fresh('param')}: ${this.type(types)}`);
    const resources = types.filter((type) => type.resource);
    if (resources.length > 0 && this.below(2) === 0) params.push(`${this.fresh('handle')}: borrow<${this.pick(resources).name}>`);
    return `func(${params.join(', ')})${this.below(2) === 0 ? '' : ` -> ${this.type(types)}`}`;
  }

  /** The world of all interfaces, imported, exported or both. */
  private world(): string {
    const lines: string[] = [];
    for (const iface of this.interfaces) {
      const path = pathFrom(iface, '');
      const side = this.below(4);
      if (side !== 1) lines.push(`import ${path};`);
      if (side !== 0) lines.push(`export ${path};`);
    }
    for (const direction of ['import', 'export']) {
      lines.push(`${direction} ${this.fresh('inline')}: interface { ${this.body([], this.interfaces).join(' ')} }`);
    }
    const types: Named[] = [];
    if (this.interfaces.length > 0) lines.push(...this.body(types, this.interfaces).filter((line) => !line.startsWith('func-of')));
    lines.push(`import ${this.fresh('func-of')}: ${this.func(types)};`, `export ${this.fresh('func-of')}: ${this.func(types)};`);
    return `world root {\n${lines.map((line) => `  ${line}`).join('\n')}\n}`;
  }
}
