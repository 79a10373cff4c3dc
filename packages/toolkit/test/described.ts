/** Imports and exports as plain data: each type by its interface and name, so that two components can be compared without their text. */
import { type ExternDescription, type ExternType, type FuncType, originOf, resourceNameOf, type ValType } from '@tenon/component';
import { nameIn } from '../src/compose/walk.ts';

export function describeExterns(component: {
  readonly imports: readonly ExternDescription[];
  readonly exports: readonly ExternDescription[];
}): unknown {
  const describer = new Describer();
  return {
    imports: describer.externs(component.imports, 'import'),
    exports: describer.externs(component.exports, 'export'),
  };
}

class Describer {
  private readonly paths = new Map<object, string>();

  externs(items: readonly ExternDescription[], side: string): Record<string, unknown> {
    return Object.fromEntries(items.map(({ name, type }) => [name, this.extern(`${side} ${name}`, type)]));
  }

  private extern(path: string, type: ExternType): unknown {
    switch (type.kind) {
      case 'instance':
        return Object.fromEntries([...type.type.exports].map(([name, item]) => [name, this.extern(`${path}#${name}`, item)]));
      case 'func':
        return this.func(type.type);
      case 'type':
        return this.named(path, type);
      default:
        return type.kind;
    }
  }

  private named(path: string, type: ExternType): unknown {
    const name = nameIn(type);
    if (name === undefined) return 'other';
    const same = this.paths.get(name);
    if (same !== undefined) return `= ${same}`;
    this.paths.set(name, path);
    for (let at = originOf(name); at !== undefined; at = originOf(at)) {
      const origin = this.paths.get(at);
      if (origin !== undefined) return `= ${origin}`;
    }
    return name.kind === 'resource' ? 'resource' : this.structure(name);
  }

  private func(type: FuncType): unknown {
    return {
      async: type.async,
      params: type.params.map((param) => [param.name, this.reference(param.type)]),
      result: this.reference(type.result),
    };
  }

  private reference(type: ValType | undefined): unknown {
    if (type === undefined) return null;
    return this.paths.get(type) ?? this.structure(type);
  }

  private structure(type: ValType): unknown {
    const to = (inner: ValType | undefined): unknown => this.reference(inner);
    switch (type.kind) {
      case 'record':
        return { record: type.fields.map((field) => [field.name, to(field.type)]) };
      case 'variant':
        return { variant: type.cases.map((c) => [c.name, to(c.type)]) };
      case 'flags':
      case 'enum':
        return { [type.kind]: type.names };
      case 'list':
        return { list: [to(type.element), type.length ?? null] };
      case 'map':
        return { map: [to(type.key), to(type.value)] };
      case 'tuple':
        return { tuple: type.types.map(to) };
      case 'option':
        return { option: to(type.type) };
      case 'result':
        return { result: [to(type.ok), to(type.err)] };
      case 'stream':
      case 'future':
        return { [type.kind]: to(type.element) };
      case 'own':
      case 'borrow':
        return { [type.kind]: this.paths.get(resourceNameOf(type)) ?? 'unknown' };
      default:
        return type.kind;
    }
  }
}
