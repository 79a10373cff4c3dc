/**
 * Types → binary. A scope is one type index space: the component's own, or that of an instance or component type. A type that has a name
 * is written by that name, wherever it was introduced: types are told apart by identity, as they were decoded.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md#type-definitions
 */
import type {
  CoreExternType,
  CoreModuleType,
  DefinedType,
  ExternType,
  FuncType,
  PrimitiveKind,
  ResourceId,
  ValType,
} from '@tenon/component';
import { originOf, type ResourceName, resourceNameOf } from '@tenon/component';
import { ToolkitError } from '../errors.ts';
import { ByteWriter } from './bytes.ts';
import { type Name, nameIn } from './walk.ts';

const PRIMITIVES: Readonly<Record<PrimitiveKind, number>> = {
  bool: 0x7f,
  s8: 0x7e,
  u8: 0x7d,
  s16: 0x7c,
  u16: 0x7b,
  s32: 0x7a,
  u32: 0x79,
  s64: 0x78,
  u64: 0x77,
  f32: 0x76,
  f64: 0x75,
  char: 0x74,
  string: 0x73,
  'error-context': 0x64,
};

const CORE_VALUE_TYPES: Readonly<Record<string, number>> = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b,
  '(ref null func)': 0x70,
  '(ref null extern)': 0x6f,
};

/** How a scope writes what it defines: as sections of a component, or as declarators of a type. */
export interface ScopeOutput {
  type(body: ByteWriter): void;
  coreType(body: ByteWriter): void;
  alias(body: ByteWriter): void;
}

export class TypeScope {
  readonly parent: TypeScope | undefined;
  private readonly output: ScopeOutput;
  private types = 0;
  private coreTypes = 0;
  private instances = 0;
  /** Indices of value types, function types and resource names. */
  private readonly known = new Map<object, number>();
  /** The first name of each resource. */
  private readonly resources = new Map<ResourceId, ResourceName>();
  /** Types that an instance of this scope exports: aliased when first used. */
  private readonly exported = new Map<object, { readonly instance: number; readonly path: readonly string[] }>();

  constructor(parent: TypeScope | undefined, output: ScopeOutput) {
    this.parent = parent;
    this.output = output;
  }

  private define(body: ByteWriter): number {
    this.output.type(body);
    return this.types++;
  }

  /** The index that the next import or export of a type, or alias of one, gets. */
  addType(): number {
    return this.types++;
  }

  addInstance(): number {
    return this.instances++;
  }

  get typeCount(): number {
    return this.types;
  }

  get instanceCount(): number {
    return this.instances;
  }

  private isHere(name: Name): boolean {
    return this.known.has(name) || this.exported.has(name);
  }

  /** The type's index in this scope when it, or one around it, knows the type by name; aliases it from where that is. */
  private find(name: Name): number | undefined {
    let index = this.known.get(name);
    if (index !== undefined) return index;
    const exported = this.exported.get(name);
    index = exported === undefined ? this.aliasOuter(name) : this.aliasExport(exported);
    if (index !== undefined) this.known.set(name, index);
    return index;
  }

  private resource(name: ResourceName): number {
    const index = this.find(name) ?? this.otherName(name.resource);
    if (index === undefined) throw new Error('internal error: a resource that nothing introduces');
    return index;
  }

  /** The index of a resource under whatever name it has. */
  private otherName(resource: ResourceId): number | undefined {
    for (let scope: TypeScope | undefined = this; scope !== undefined; scope = scope.parent) {
      const name = scope.resources.get(resource);
      if (name !== undefined) return this.find(name);
    }
    return undefined;
  }

  private aliasExport({ instance, path }: { readonly instance: number; readonly path: readonly string[] }): number {
    let at = instance;
    for (const [i, name] of path.entries()) {
      const isType = i === path.length - 1;
      this.output.alias(
        new ByteWriter()
          .byte(isType ? 0x03 : 0x05, 0x00)
          .u32(at)
          .name(name),
      );
      if (isType) return this.addType();
      at = this.addInstance();
    }
    throw new Error('internal error: an exported resource without a name');
  }

  private aliasOuter(name: Name): number | undefined {
    let scope = this.parent;
    let count = 1;
    while (scope !== undefined && !scope.isHere(name)) {
      scope = scope.parent;
      count++;
    }
    const index = scope?.find(name);
    if (index === undefined) return undefined;
    this.output.alias(new ByteWriter().byte(0x03, 0x02).u32(count).u32(index));
    return this.addType();
  }

  /** Writes a reference to a value type, defining it first where it is new. */
  private value(writer: ByteWriter, type: ValType): void {
    const primitive = PRIMITIVES[type.kind as PrimitiveKind];
    const name = primitive === undefined ? this.valueIndex(type) : this.find(type);
    if (name === undefined) writer.byte(primitive);
    else writer.s33(name);
  }

  private optional(writer: ByteWriter, type: ValType | undefined): void {
    if (type === undefined) writer.byte(0x00);
    else this.value(writer.byte(0x01), type);
  }

  private valueIndex(type: ValType): number {
    let index = this.find(type);
    if (index === undefined) {
      index = this.define(this.valueBody(type));
      this.known.set(type, index);
    }
    return index;
  }

  private valueBody(type: ValType): ByteWriter {
    const body = new ByteWriter();
    switch (type.kind) {
      case 'record':
        return body.byte(0x72).vec(type.fields, (field) => this.value(body.name(field.name), field.type));
      case 'variant':
        return body.byte(0x71).vec(type.cases, (c) => {
          this.optional(body.name(c.name), c.type);
          body.byte(0x00);
        });
      case 'list':
        this.value(body.byte(type.length === undefined ? 0x70 : 0x67), type.element);
        return type.length === undefined ? body : body.u32(type.length);
      case 'map':
        this.value(body.byte(0x63), type.key);
        this.value(body, type.value);
        return body;
      case 'tuple':
        return body.byte(0x6f).vec(type.types, (item) => this.value(body, item));
      case 'flags':
        return body.byte(0x6e).vec(type.names, (name) => body.name(name));
      case 'enum':
        return body.byte(0x6d).vec(type.names, (name) => body.name(name));
      case 'option':
        this.value(body.byte(0x6b), type.type);
        return body;
      case 'result':
        this.optional(body.byte(0x6a), type.ok);
        this.optional(body, type.err);
        return body;
      case 'own':
      case 'borrow':
        return body.byte(type.kind === 'own' ? 0x69 : 0x68).u32(this.resource(resourceNameOf(type)));
      case 'stream':
      case 'future':
        this.optional(body.byte(type.kind === 'stream' ? 0x66 : 0x65), type.element);
        return body;
      default:
        return body.byte(PRIMITIVES[type.kind]);
    }
  }

  private func(type: FuncType): number {
    let index = this.known.get(type);
    if (index === undefined) {
      const body = new ByteWriter().byte(type.async ? 0x43 : 0x40);
      body.vec(type.params, (param) => this.value(body.name(param.name), param.type));
      if (type.result === undefined) body.byte(0x01, 0x00);
      else this.value(body.byte(0x00), type.result);
      index = this.define(body);
      this.known.set(type, index);
    }
    return index;
  }

  private nested(opcode: 0x41 | 0x42, imports: ReadonlyMap<string, ExternType>, exports: ReadonlyMap<string, ExternType>): number {
    const declarations: ByteWriter[] = [];
    const declare = (kind: number, body: ByteWriter): void => void declarations.push(new ByteWriter().byte(kind).append(body));
    const scope = new TypeScope(this, {
      coreType: (body) => declare(0x00, body),
      type: (body) => declare(0x01, body),
      alias: (body) => declare(0x02, body),
    });
    for (const [name, type] of imports) scope.declareExtern(name, type, (body) => declare(0x03, body));
    for (const [name, type] of exports) scope.declareExtern(name, type, (body) => declare(0x04, body));
    const body = new ByteWriter().byte(opcode);
    return this.define(body.vec(declarations, (declaration) => body.append(declaration)));
  }

  /** The index of what a new name is made from; undefined for a resource that comes into being by it. */
  private originIndex(type: DefinedType): number | undefined {
    switch (type.kind) {
      case 'value':
        return this.find(type.type) ?? this.originOfValue(type.type);
      case 'resource': {
        for (let name: ResourceName | undefined = type; name !== undefined; name = originOf(name)) {
          const index = this.find(name);
          if (index !== undefined) return index;
        }
        return this.otherName(type.resource);
      }
      case 'func':
        return this.func(type.type);
      case 'instance':
        return this.nested(0x42, new Map(), type.type.exports);
      case 'component':
        return this.nested(0x41, type.type.imports, type.type.exports);
    }
  }

  private originOfValue(type: ValType): number {
    for (let name = originOf(type); name !== undefined; name = originOf(name)) {
      const index = this.find(name);
      if (index !== undefined) return index;
    }
    return this.define(this.valueBody(type));
  }

  /**
   * Writes an import or export with its type and takes note of what it introduces into this scope.
   * @param write receives `nameattributes externtype`
   */
  declareExtern(name: string, type: ExternType, write: (body: ByteWriter) => void): void {
    write(new ByteWriter().byte(0x00).name(name).append(this.externType(type)));
    if (type.kind === 'instance') this.noteInstance(this.addInstance(), type.type.exports);
    else if (type.kind === 'type') this.introduce(type.type, this.addType());
  }

  /** `externtype`. */
  externType(type: ExternType): ByteWriter {
    const body = new ByteWriter();
    switch (type.kind) {
      case 'module':
        return body.byte(0x00, 0x11).u32(this.coreModule(type.type));
      case 'func':
        return body.byte(0x01).u32(this.func(type.type));
      case 'value':
        this.value(body.byte(0x02, 0x01), type.type);
        return body;
      case 'component':
        return body.byte(0x04).u32(this.nested(0x41, type.type.imports, type.type.exports));
      case 'instance':
        return body.byte(0x05).u32(this.nested(0x42, new Map(), type.type.exports));
      case 'type': {
        const origin = this.originIndex(type.type);
        return origin === undefined ? body.byte(0x03, 0x01) : body.byte(0x03, 0x00).u32(origin);
      }
    }
  }

  /** From here on a type is used by the name that an import or export has given it. Returns the identity of the name. */
  introduce(type: DefinedType, index: number): object {
    const name = type.kind === 'value' ? type.type : type;
    this.known.set(name, index);
    if (type.kind === 'resource') this.noteResource(type);
    return name;
  }

  private noteResource(name: ResourceName): void {
    if (!this.resources.has(name.resource)) this.resources.set(name.resource, name);
  }

  /** Takes note of the types that an instance of this scope makes known. */
  noteInstance(instance: number, exports: ReadonlyMap<string, ExternType>, prefix: readonly string[] = []): void {
    for (const [name, item] of exports) {
      const path = [...prefix, name];
      if (item.kind === 'instance') this.noteInstance(instance, item.type.exports, path);
      const introduced = nameIn(item);
      if (introduced === undefined || this.isHere(introduced)) continue;
      this.exported.set(introduced, { instance, path });
      if (introduced.kind === 'resource') this.noteResource(introduced);
    }
  }

  private coreModule(type: CoreModuleType): number {
    const declarations: ByteWriter[] = [];
    let functions = 0;
    const external = (writer: ByteWriter, item: CoreExternType): ByteWriter => {
      if (item.kind !== 'func' && item.kind !== 'tag') return coreExtern(writer, item);
      const signature = new ByteWriter().byte(0x01, 0x60);
      signature.vec(item.type.params, (param) => coreValue(signature, param));
      signature.vec(item.type.results, (result) => coreValue(signature, result));
      declarations.push(signature);
      return (item.kind === 'func' ? writer.byte(0x00) : writer.byte(0x04, 0x00)).u32(functions++);
    };
    for (const item of type.imports) {
      const declaration = external(new ByteWriter().byte(0x00).name(item.module).name(item.name), item.type);
      declarations.push(declaration);
    }
    for (const [name, item] of type.exports) {
      const declaration = external(new ByteWriter().byte(0x03).name(name), item);
      declarations.push(declaration);
    }
    const body = new ByteWriter().byte(0x50);
    this.output.coreType(body.vec(declarations, (declaration) => body.append(declaration)));
    return this.coreTypes++;
  }
}

function coreValue(writer: ByteWriter, type: string): void {
  const code = CORE_VALUE_TYPES[type];
  if (code === undefined) {
    throw new ToolkitError('TENON_COMPOSE_IMPORT', `an imported core module uses the type ${type}, which a composition cannot pass on`);
  }
  writer.byte(code);
}

function coreExtern(writer: ByteWriter, item: Exclude<CoreExternType, { kind: 'func' | 'tag' }>): ByteWriter {
  if (item.kind === 'global') {
    coreValue(writer.byte(0x03), item.type);
    return writer.byte(item.mutable ? 1 : 0);
  }
  if (item.kind === 'table') coreValue(writer.byte(0x01), item.element);
  else writer.byte(0x02);
  const { min, max, shared, index64, pageSizeLog2 } = item.limits;
  writer.byte((max === undefined ? 0 : 1) | (shared ? 2 : 0) | (index64 ? 4 : 0) | (pageSizeLog2 === undefined ? 0 : 8)).u64(min);
  if (max !== undefined) writer.u64(max);
  return pageSizeLog2 === undefined ? writer : writer.u32(pageSizeLog2);
}
