/**
 * Documentation and stability of a package, which its binary form keeps as JSON in a custom section.
 * https://github.com/bytecodealliance/wasm-tools/blob/main/crates/wit-parser/src/metadata.rs
 */
import { type CustomSection, visible } from '@tenon/component';

const SECTION = 'package-docs';
const NOTHING: readonly string[] = [];

/** What is said of one thing, and of the things in it. What is not as expected counts as not said. */
export class Docs {
  static readonly none = new Docs(undefined);
  private readonly node: unknown;

  constructor(node: unknown) {
    this.node = node;
  }

  /** Reads the section out of a component's custom sections. */
  static read(sections: readonly CustomSection[], bytes: Uint8Array): Docs {
    const section = sections.find(({ name }) => name === SECTION);
    if (section === undefined) return Docs.none;
    // The first byte is the version; what came before 1 has the same fields.
    const text = new TextDecoder().decode(bytes.subarray(section.start + 1, section.end));
    try {
      return new Docs(JSON.parse(text));
    } catch {
      return Docs.none;
    }
  }

  /** The documentation of what `path` leads to. */
  at(...path: readonly string[]): Docs {
    if (this.node === undefined) return this;
    let node: unknown = this.node;
    for (const key of path) node = member(node, key);
    return node === undefined ? Docs.none : new Docs(node);
  }

  /** A declaration with what is said of it before. */
  before(declaration: string[]): string[] {
    return this.node === undefined ? declaration : [...this.lines(), ...declaration];
  }

  get isEmpty(): boolean {
    return this.node === undefined;
  }

  /** The lines that stand before a declaration. */
  lines(): readonly string[] {
    if (this.node === undefined) return NOTHING;
    const docs = typeof this.node === 'string' ? this.node : member(this.node, 'docs');
    return [...comment(docs), ...attributes(member(this.node, 'stability'))];
  }

  /** Import and export declarations of a world are documented in two lists by name. */
  declaration(direction: 'import' | 'export', name: string): readonly string[] {
    if (this.node === undefined) return NOTHING;
    const docs = member(member(this.node, `interface_${direction}_docs`), name);
    const stability = member(member(this.node, `interface_${direction}_stability`), name);
    return [...comment(docs), ...attributes(stability)];
  }
}

function member(node: unknown, key: string): unknown {
  return typeof node === 'object' && node !== null && Object.hasOwn(node, key) ? (node as Record<string, unknown>)[key] : undefined;
}

function comment(docs: unknown): string[] {
  if (typeof docs !== 'string' || docs === '') return [];
  return docs.split(/\r?\n/).map((line) => `/// ${visible(line)}`.trimEnd());
}

/** `@since(version = 0.2.0)`, `@unstable(feature = x)`, `@deprecated(version = 0.2.1)`. */
function attributes(stability: unknown): string[] {
  const [stable, unstable] = [member(stability, 'stable'), member(stability, 'unstable')];
  return [
    ...attribute('since', 'version', member(stable, 'since')),
    ...attribute('unstable', 'feature', member(unstable, 'feature')),
    ...attribute('deprecated', 'version', member(stable, 'deprecated') ?? member(unstable, 'deprecated')),
  ];
}

function attribute(name: string, key: string, value: unknown): string[] {
  return typeof value === 'string' && /^[\w.+-]+$/.test(value) ? [`@${name}(${key} = ${value})`] : [];
}
