/**
 * Writes a component binary of imports, nested components, instances and exports.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md
 */
import type { ExternType } from '@tenon/component';
import { ByteWriter } from './bytes.ts';
import { TypeScope } from './encode-types.ts';
import { Walk } from './walk.ts';

const PREAMBLE = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00];
const SORTS = { module: [0x00, 0x11], func: [0x01], value: [0x02], type: [0x03], component: [0x04], instance: [0x05] } as const;

/** Something in an index space of the component that is being written. */
export interface Item {
  readonly kind: ExternType['kind'];
  readonly index: number;
}

export class ComponentWriter {
  private readonly out = new ByteWriter().byte(...PREAMBLE);
  private readonly scope: TypeScope;
  private readonly counts = { module: 0, func: 0, value: 0, component: 0 };
  /** Types that were exported by themselves. */
  private readonly exportedTypes = new Set<object>();
  private readonly componentNames: { readonly index: number; readonly name: string }[] = [];

  constructor() {
    this.scope = new TypeScope(undefined, {
      type: (body) => this.section(0x07, body),
      coreType: (body) => this.section(0x03, body),
      alias: (body) => this.section(0x06, body),
    });
  }

  /** A section with one item. Sections of one kind may repeat, so definitions stay in the order in which they are needed. */
  private section(id: number, body: ByteWriter): void {
    this.out.section(id, new ByteWriter().u32(1).append(body));
  }

  private next(kind: Item['kind']): Item {
    if (kind === 'type') return { kind, index: this.scope.addType() };
    if (kind === 'instance') return { kind, index: this.scope.addInstance() };
    return { kind, index: this.counts[kind]++ };
  }

  private sortIndex(body: ByteWriter, item: Item): ByteWriter {
    return body.byte(...SORTS[item.kind]).u32(item.index);
  }

  import(name: string, type: ExternType): Item {
    let index = -1;
    this.scope.declareExtern(name, type, (body) => {
      this.section(0x0a, body);
      // The scope counts types and instances itself, right after this.
      if (type.kind === 'type') index = this.scope.typeCount;
      else if (type.kind === 'instance') index = this.scope.instanceCount;
    });
    return index >= 0 ? { kind: type.kind, index } : this.next(type.kind);
  }

  /** Embeds a whole component. */
  component(bytes: Uint8Array, name: string): Item {
    this.out.byte(0x04).u32(bytes.length).bytes(bytes);
    const item = this.next('component');
    this.componentNames.push({ index: item.index, name });
    return item;
  }

  instantiate(component: Item, args: readonly { readonly name: string; readonly item: Item }[]): Item {
    const body = new ByteWriter().byte(0x00).u32(component.index);
    body.vec(args, ({ name, item }) => this.sortIndex(body.name(name), item));
    this.section(0x05, body);
    return this.next('instance');
  }

  aliasExport(instance: Item, name: string, kind: Item['kind']): Item {
    const body = new ByteWriter().byte(...SORTS[kind]).byte(0x00);
    this.section(0x06, body.u32(instance.index).name(name));
    return this.next(kind);
  }

  /** @param type what the item is, in terms of the composition */
  export(name: string, item: Item, type: ExternType): Item {
    const body = this.sortIndex(new ByteWriter().byte(0x00).name(name), item);
    // An export of a type makes a new one, so what was made with the old one has to be said to be of the new one.
    const ascribed = type.kind !== 'type' && this.mentionsExported(type) ? this.scope.externType(type) : undefined;
    this.section(0x0b, ascribed === undefined ? body.byte(0x00) : body.byte(0x01).append(ascribed));
    const exported = this.next(item.kind);
    if (type.kind === 'type') this.exportedTypes.add(this.scope.introduce(type.type, exported.index));
    return exported;
  }

  private mentionsExported(type: ExternType): boolean {
    if (this.exportedTypes.size === 0) return false;
    let found = false;
    const look = (name: object): void => {
      if (this.exportedTypes.has(name)) found = true;
    };
    new Walk({ handle: look, value: look }).extern(type);
    return found;
  }

  /** Adds the names of the nested components and who wrote the file. */
  finish(): Uint8Array<ArrayBuffer> {
    const names = new ByteWriter().byte(...SORTS.component);
    names.vec(this.componentNames, ({ index, name }) => names.u32(index).name(name));
    this.out.section(0x00, new ByteWriter().name('component-name').section(0x01, names));
    const producers = new ByteWriter().name('producers').u32(1).name('processed-by').u32(1).name('tenon').name('0.1.0');
    this.out.section(0x00, producers);
    return this.out.finish();
  }
}
