/** Reads the custom sections that tools leave in binaries. What does not parse is left out: custom sections have no effect on meaning. */

/** A reader over a byte range; past the end it reads zeros and is `exhausted`. */
class Cursor {
  private readonly bytes: Uint8Array;
  position: number;
  readonly end: number;
  exhausted = false;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.bytes = bytes;
    this.position = start;
    this.end = Math.min(end, bytes.length);
  }

  get more(): boolean {
    return !this.exhausted && this.position < this.end;
  }

  byte(): number {
    if (this.position >= this.end) {
      this.exhausted = true;
      return 0;
    }
    return this.bytes[this.position++] ?? 0;
  }

  u32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    this.exhausted = true;
    return 0;
  }

  name(): string {
    const length = this.u32();
    if (length > this.end - this.position) {
      this.exhausted = true;
      return '';
    }
    this.position += length;
    return new TextDecoder().decode(this.bytes.subarray(this.position - length, this.position));
  }

  /** A cursor over the next `length` bytes, which this one skips. */
  take(length: number): Cursor {
    const start = this.position;
    if (length > this.end - start) this.exhausted = true;
    this.position = Math.min(start + length, this.end);
    return new Cursor(this.bytes, start, this.position);
  }
}

/** The custom sections of a core module, by name. */
export function coreCustomSections(
  bytes: Uint8Array,
  start: number,
  end: number,
): ReadonlyMap<string, { readonly start: number; readonly end: number }> {
  const found = new Map<string, { start: number; end: number }>();
  const module = new Cursor(bytes, start + 8, end);
  while (module.more) {
    const id = module.byte();
    const body = module.take(module.u32());
    if (id !== 0) continue;
    const name = body.name();
    if (!body.exhausted && !found.has(name)) found.set(name, { start: body.position, end: body.end });
  }
  return found;
}

/** The module's own name, in subsection 0 of its `name` section. */
export function readModuleName(bytes: Uint8Array, start: number, end: number): string | undefined {
  const section = new Cursor(bytes, start, end);
  while (section.more) {
    const id = section.byte();
    const body = section.take(section.u32());
    if (id !== 0) continue;
    const name = body.name();
    return body.exhausted || name === '' ? undefined : name;
  }
  return undefined;
}

/** The names that a `component-name` section gives. */
export interface ComponentNames {
  readonly self: string | undefined;
  readonly components: ReadonlyMap<number, string>;
  readonly modules: ReadonlyMap<number, string>;
}

export function readComponentNames(bytes: Uint8Array, start: number, end: number): ComponentNames {
  let self: string | undefined;
  const components = new Map<number, string>();
  const modules = new Map<number, string>();
  const section = new Cursor(bytes, start, end);
  while (section.more) {
    const id = section.byte();
    const body = section.take(section.u32());
    if (id === 0) self = body.name();
    if (id !== 1) continue;
    const sort = body.byte();
    const core = sort === 0 ? body.byte() : undefined;
    const names = sort === 4 ? components : core === 0x11 ? modules : undefined;
    for (let count = body.u32(); count > 0 && body.more; count--) {
      const index = body.u32();
      const name = body.name();
      if (!body.exhausted) names?.set(index, name);
    }
  }
  return { self, components, modules };
}

/** A tool that took part in making a component: `language: Rust`, `processed-by: wit-component 0.240.0`. */
export interface Producer {
  readonly field: string;
  readonly name: string;
  readonly version: string;
}

export function readProducers(bytes: Uint8Array, start: number, end: number): Producer[] {
  const producers: Producer[] = [];
  const section = new Cursor(bytes, start, end);
  for (let fields = section.u32(); fields > 0 && section.more; fields--) {
    const field = section.name();
    for (let values = section.u32(); values > 0 && section.more; values--) {
      const name = section.name();
      const version = section.name();
      if (!section.exhausted) producers.push({ field, name, version });
    }
  }
  return producers;
}
