/** Random types and values, and what is known of a type without asking the engine: its text, its flat form, its values. */
import { camelCase, type ValType } from '@tenon/component';
import fc from 'fast-check';

export type CoreType = 'i32' | 'i64' | 'f32' | 'f64';

const INTEGERS = { u8: 8, u16: 16, u32: 32, s8: 8, s16: 16, s32: 32 } as const;
const SCALARS = ['bool', 'u8', 's8', 'u16', 's16', 'u32', 's32', 'u64', 's64', 'f32', 'f64', 'char', 'string'] as const;
const KEYS = ['bool', 'u8', 's8', 'u16', 's16', 'u32', 's32', 'u64', 's64', 'char', 'string'] as const;
/** Names that mean something to JavaScript among them. */
const NAMES = [
  'a',
  'b',
  'cd',
  'e-f',
  'g1-h',
  'tag',
  'val',
  'constructor',
  'to-string',
  'value-of',
  'then',
  'prototype',
  'default',
  'length',
  'X-Y',
];

const scalar: fc.Arbitrary<ValType> = fc.constantFrom(...SCALARS).map((kind) => ({ kind }));
/** Names that differ also after the mapping to JavaScript, and in upper and lower case. */
const names = (max: number): fc.Arbitrary<string[]> => fc.uniqueArray(fc.constantFrom(...NAMES), { minLength: 1, maxLength: max });
const manyNames = (max: number): fc.Arbitrary<string[]> =>
  fc.oneof(
    { weight: 4, arbitrary: names(8) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max }).map((n) => Array.from({ length: n }, (_, i) => `n${i}`)) },
  );

export interface TypeOptions {
  /** Whether maps and fixed-length lists may occur: other implementations do not all have them. */
  readonly recent: boolean;
  /** Whether handles of a resource of the host may occur: owned ones anywhere, borrowed ones as parameters. */
  readonly handles: boolean;
}

/** The one resource there is, which the host implements. */
export class Thing {
  private static made = 0;
  /** So that no two are equal. */
  readonly id: number = Thing.made++;
}

const OWN: ValType = { kind: 'own', resource: 0 };
export const BORROW: ValType = { kind: 'borrow', resource: 0 };

/** A value type. @param depth how deep it may be nested */
export function valType(depth: number, options: TypeOptions): fc.Arbitrary<ValType> {
  const leaf = options.handles ? fc.oneof({ weight: 6, arbitrary: scalar }, fc.constant(OWN)) : scalar;
  if (depth <= 0) return leaf;
  const inner = valType(depth - 1, options);
  const maybe = fc.option(inner, { nil: undefined });
  const list = inner.map((element): ValType => ({ kind: 'list', element, length: undefined }));
  const common: fc.Arbitrary<ValType>[] = [
    leaf,
    list,
    names(6).chain((found) =>
      fc.tuple(...found.map((name) => inner.map((type) => ({ name, type })))).map((fields) => ({ kind: 'record' as const, fields })),
    ),
    names(6).chain((found) =>
      fc.tuple(...found.map((name) => maybe.map((type) => ({ name, type })))).map((cases) => ({ kind: 'variant' as const, cases })),
    ),
    fc.array(inner, { minLength: 1, maxLength: 5 }).map((types) => ({ kind: 'tuple' as const, types })),
    manyNames(32).map((found) => ({ kind: 'flags' as const, names: found })),
    manyNames(300).map((found) => ({ kind: 'enum' as const, names: found })),
    inner.map((type) => ({ kind: 'option' as const, type })),
    fc.tuple(maybe, maybe).map(([ok, err]) => ({ kind: 'result' as const, ok, err })),
  ];
  const recent: fc.Arbitrary<ValType>[] = [
    fc.tuple(inner, fc.integer({ min: 1, max: 5 })).map(([element, length]) => ({ kind: 'list' as const, element, length })),
    fc.tuple(fc.constantFrom(...KEYS), inner).map(([kind, value]) => ({ kind: 'map' as const, key: { kind }, value })),
  ];
  return fc.oneof(...common, ...(options.recent ? recent : []));
}

/** A well-formed string: ASCII, Latin-1, and beyond the basic plane. */
const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary-ascii', maxLength: 60 }),
  fc.string({ unit: 'grapheme' }),
  latin1(),
  fc.string({ unit: 'binary' }),
);
function latin1(): fc.Arbitrary<string> {
  return fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 80 }).map((codes) => String.fromCharCode(...codes));
}
const TYPED_ARRAYS: Partial<Record<ValType['kind'], { from(items: Iterable<never>): unknown }>> = {
  ...{ u8: Uint8Array, s8: Int8Array, u16: Uint16Array, s16: Int16Array, u32: Uint32Array, s32: Int32Array },
  ...{ u64: BigUint64Array, s64: BigInt64Array, f32: Float32Array, f64: Float64Array },
};

/** The JavaScript values of a type, as the engine returns them. */
export function value(type: ValType): fc.Arbitrary<unknown> {
  switch (type.kind) {
    case 'bool':
      return fc.boolean();
    case 'u8':
    case 'u16':
    case 'u32':
      return fc.integer({ min: 0, max: 2 ** INTEGERS[type.kind] - 1 });
    case 's8':
    case 's16':
    case 's32':
      return fc.integer({ min: -(2 ** (INTEGERS[type.kind] - 1)), max: 2 ** (INTEGERS[type.kind] - 1) - 1 });
    case 'u64':
      return fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    case 's64':
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    case 'f32':
      return fc.float();
    case 'f64':
      return fc.double();
    case 'char':
      return fc.string({ unit: 'binary', minLength: 1, maxLength: 1 });
    case 'string':
      return text;
    case 'list': {
      const size = type.length === undefined ? { maxLength: 6 } : { minLength: type.length, maxLength: type.length };
      const items = fc.array(value(type.element), size);
      const typed = TYPED_ARRAYS[type.element.kind];
      return typed === undefined ? items : items.map((array) => typed.from(array as never[]));
    }
    case 'map':
      return fc.array(fc.tuple(value(type.key), value(type.value)), { maxLength: 4 }).map((entries) => new Map(entries));
    case 'record':
      return fc
        .tuple(...type.fields.map((field) => value(field.type)))
        .map((values) => Object.fromEntries(type.fields.map((field, i) => [camelCase(field.name), values[i]])));
    case 'tuple':
      return fc.tuple(...type.types.map(value));
    case 'variant':
      return fc.oneof(...type.cases.map(({ name, type: payload }) => tagged(name, payload)));
    case 'enum':
      return fc.constantFrom(...type.names);
    case 'flags':
      return fc
        .tuple(...type.names.map(() => fc.boolean()))
        .map((bits) => Object.fromEntries(type.names.map((name, i) => [camelCase(name), bits[i]])));
    case 'option':
      if (!isNullable(type.type)) return fc.option(value(type.type), { nil: undefined });
      return fc.oneof(tagged('none', undefined), tagged('some', type.type));
    case 'result':
      return fc.oneof(tagged('ok', type.ok), tagged('err', type.err));
    case 'own':
    case 'borrow':
      return fc.constant(undefined).map(() => new Thing());
    default:
      throw new TypeError(`no values of ${type.kind}`);
  }
}

/** Whether `undefined` is a value of the type, so that an option of it needs tags. */
const isNullable = (type: ValType): boolean => type.kind === 'option' && !isNullable(type.type);

function tagged(tag: string, payload: ValType | undefined): fc.Arbitrary<unknown> {
  return payload === undefined ? fc.constant({ tag }) : value(payload).map((val) => ({ tag, val }));
}

/** The flat core types: https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#flattening */
export function flat(type: ValType): readonly CoreType[] {
  switch (type.kind) {
    case 'u64':
    case 's64':
      return ['i64'];
    case 'f32':
    case 'f64':
      return [type.kind];
    case 'string':
    case 'map':
      return ['i32', 'i32'];
    case 'list':
      return type.length === undefined ? ['i32', 'i32'] : Array.from({ length: type.length }, () => flat(type.element)).flat();
    case 'record':
      return type.fields.flatMap((field) => flat(field.type));
    case 'tuple':
      return type.types.flatMap(flat);
    case 'variant':
      return variant(type.cases.map((c) => c.type));
    case 'option':
      return variant([undefined, type.type]);
    case 'result':
      return variant([type.ok, type.err]);
    default:
      return ['i32'];
  }
}

function variant(cases: readonly (ValType | undefined)[]): readonly CoreType[] {
  const joined: CoreType[] = [];
  for (const payload of cases) {
    for (const [i, core] of (payload === undefined ? [] : flat(payload)).entries())
      joined[i] = joined[i] === undefined ? core : join(joined[i], core);
  }
  return ['i32', ...joined];
}

function join(a: CoreType, b: CoreType): CoreType {
  if (a === b) return a;
  return (a === 'i32' && b === 'f32') || (a === 'f32' && b === 'i32') ? 'i32' : 'i64';
}

/** Types in the text format; those that must have a name get one. */
export class TypeText {
  /** `(type $dN (record …))` and the rest, in the order of use. */
  readonly named: string[] = [];
  private readonly known = new Map<ValType, string>();

  of(type: ValType): string {
    return this.known.get(type) ?? this.write(type);
  }

  private write(type: ValType): string {
    switch (type.kind) {
      case 'list':
        return `(list ${this.of(type.element)}${type.length === undefined ? '' : ` ${type.length}`})`;
      case 'map':
        return `(map ${this.of(type.key)} ${this.of(type.value)})`;
      case 'tuple':
        return `(tuple ${type.types.map((t) => this.of(t)).join(' ')})`;
      case 'option':
        return `(option ${this.of(type.type)})`;
      case 'result':
        return `(result ${type.ok === undefined ? '' : this.of(type.ok)} ${type.err === undefined ? '' : `(error ${this.of(type.err)})`})`;
      case 'record':
        return this.name(type, `(record ${type.fields.map((f) => `(field "${f.name}" ${this.of(f.type)})`).join(' ')})`);
      case 'variant':
        return this.name(
          type,
          `(variant ${type.cases.map((c) => `(case "${c.name}"${c.type === undefined ? '' : ` ${this.of(c.type)}`})`).join(' ')})`,
        );
      case 'enum':
      case 'flags':
        return this.name(type, `(${type.kind} ${type.names.map((name) => `"${name}"`).join(' ')})`);
      case 'own':
      case 'borrow':
        return `(${type.kind} $r)`;
      default:
        return type.kind;
    }
  }

  private name(type: ValType, definition: string): string {
    const name = `$t${this.named.push(definition) - 1}`;
    this.known.set(type, name);
    return name;
  }
}
