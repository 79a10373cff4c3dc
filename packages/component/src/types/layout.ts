/**
 * Sizes, alignments and flat types of value types. Each is computed once per type object.
 * `pointer` is the index type of the memory: `i32` everywhere but in components with 64-bit memories.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#alignment
 */
import type {
  Case,
  CoreFuncType,
  CoreValType,
  EnumType,
  Field,
  FuncType,
  OptionType,
  RecordType,
  ResultType,
  TupleType,
  ValType,
  VariantType,
} from './types.ts';

/** A function with more flat parameters takes one pointer to all of them; also the limit for `task.return`. */
export const MAX_FLAT_PARAMS = 16;
/** The limit for the parameters of an `async` lowered function. */
export const MAX_FLAT_ASYNC_PARAMS = 4;
/** A function with more flat results returns (lifted) or takes (lowered) one pointer to all of them. */
export const MAX_FLAT_RESULTS = 1;

/** Types with a discriminant. */
export type VariantTypeLike = VariantType | EnumType | OptionType | ResultType;

export type PointerType = 'i32' | 'i64';

interface Layout {
  readonly alignment: number;
  readonly size: number;
  readonly flat: readonly CoreValType[];
}

const layouts: Readonly<Record<PointerType, WeakMap<ValType, Layout>>> = { i32: new WeakMap(), i64: new WeakMap() };

function layout(type: ValType, pointer: PointerType): Layout {
  let known = layouts[pointer].get(type);
  if (known === undefined) {
    known = computeLayout(type, pointer);
    layouts[pointer].set(type, known);
  }
  return known;
}

/** The alignment of a type in linear memory, in bytes. */
export function alignment(type: ValType, pointer: PointerType = 'i32'): number {
  return layout(type, pointer).alignment;
}

/** The size of a type in linear memory, in bytes. */
export function elemSize(type: ValType, pointer: PointerType = 'i32'): number {
  return layout(type, pointer).size;
}

/**
 * The core types that a type is passed as when it is passed flat.
 * At most `MAX_FLAT_PARAMS + 1` of them are returned: a type with more is never passed flat, however many there are.
 */
export function flatten(type: ValType, pointer: PointerType = 'i32'): readonly CoreValType[] {
  return layout(type, pointer).flat;
}

/** The size in bytes of the discriminant of a type with that many cases: 1, 2 or 4. */
export function discriminantSize(caseCount: number): 1 | 2 | 4 {
  return caseCount <= 1 << 8 ? 1 : caseCount <= 1 << 16 ? 2 : 4;
}

/** Rounds an address or size up to a multiple of a power of two. */
export function alignTo(address: number, align: number): number {
  return Math.ceil(address / align) * align;
}

const fields = new WeakMap<TupleType, readonly Field[]>();

/** The fields of a record, or of a tuple as the record that it specialises: `0`, `1`, … */
export function fieldsOf(type: RecordType | TupleType): readonly Field[] {
  if (type.kind === 'record') return type.fields;
  let known = fields.get(type);
  if (known === undefined) {
    known = type.types.map((t, index) => ({ name: String(index), type: t }));
    fields.set(type, known);
  }
  return known;
}

const cases = new WeakMap<VariantTypeLike, readonly Case[]>();

/** The cases of a variant, or of an enum, option or result as the variant that it specialises. */
export function casesOf(type: VariantTypeLike): readonly Case[] {
  if (type.kind === 'variant') return type.cases;
  let known = cases.get(type);
  if (known === undefined) {
    known = computeCases(type);
    cases.set(type, known);
  }
  return known;
}

function computeCases(type: Exclude<VariantTypeLike, { kind: 'variant' }>): readonly Case[] {
  switch (type.kind) {
    case 'enum':
      return type.names.map((name) => ({ name, type: undefined }));
    case 'option':
      return [
        { name: 'none', type: undefined },
        { name: 'some', type: type.type },
      ];
    case 'result':
      return [
        { name: 'ok', type: type.ok },
        { name: 'error', type: type.err },
      ];
  }
}

function computeLayout(type: ValType, pointer: PointerType): Layout {
  switch (type.kind) {
    case 'bool':
    case 's8':
    case 'u8':
      return { alignment: 1, size: 1, flat: ['i32'] };
    case 's16':
    case 'u16':
      return { alignment: 2, size: 2, flat: ['i32'] };
    case 's32':
    case 'u32':
    case 'char':
    case 'error-context':
    case 'own':
    case 'borrow':
    case 'stream':
    case 'future':
      return { alignment: 4, size: 4, flat: ['i32'] };
    case 's64':
    case 'u64':
      return { alignment: 8, size: 8, flat: ['i64'] };
    case 'f32':
      return { alignment: 4, size: 4, flat: ['f32'] };
    case 'f64':
      return { alignment: 8, size: 8, flat: ['f64'] };
    case 'list':
      if (type.length !== undefined) return repeated(layout(type.element, pointer), type.length);
      return pair(pointer);
    case 'string':
    case 'map':
      return pair(pointer);
    case 'flags': {
      const size = type.names.length <= 8 ? 1 : type.names.length <= 16 ? 2 : 4;
      return { alignment: size, size, flat: ['i32'] };
    }
    case 'record':
      return sequence(
        type.fields.map((field) => field.type),
        pointer,
      );
    case 'tuple':
      return sequence(type.types, pointer);
    case 'enum': {
      const size = discriminantSize(type.names.length);
      return { alignment: size, size, flat: ['i32'] };
    }
    case 'variant':
    case 'option':
    case 'result':
      return choice(casesOf(type), pointer);
  }
}

/** A pointer and a length. */
function pair(pointer: PointerType): Layout {
  const bytes = pointer === 'i32' ? 4 : 8;
  return { alignment: bytes, size: 2 * bytes, flat: [pointer, pointer] };
}

function append(flat: CoreValType[], more: readonly CoreValType[]): void {
  for (const type of more) {
    if (flat.length > MAX_FLAT_PARAMS) return;
    flat.push(type);
  }
}

function repeated(element: Layout, length: number): Layout {
  const flat: CoreValType[] = [];
  for (let i = 0; i < length && flat.length <= MAX_FLAT_PARAMS; i++) append(flat, element.flat);
  return { alignment: element.alignment, size: element.size * length, flat };
}

function sequence(types: readonly ValType[], pointer: PointerType): Layout {
  let align = 1;
  let size = 0;
  const flat: CoreValType[] = [];
  for (const type of types) {
    const field = layout(type, pointer);
    align = Math.max(align, field.alignment);
    size = alignTo(size, field.alignment) + field.size;
    append(flat, field.flat);
  }
  return { alignment: align, size: alignTo(size, align), flat };
}

function choice(list: readonly Case[], pointer: PointerType): Layout {
  const discriminant = discriminantSize(list.length);
  let payloadAlign = 1;
  let payloadSize = 0;
  const flat: CoreValType[] = ['i32'];
  for (const { type } of list) {
    if (type === undefined) continue;
    const payload = layout(type, pointer);
    payloadAlign = Math.max(payloadAlign, payload.alignment);
    payloadSize = Math.max(payloadSize, payload.size);
    payload.flat.forEach((core, index) => {
      const before = flat[index + 1];
      if (before !== undefined) flat[index + 1] = join(before, core);
      else if (flat.length <= MAX_FLAT_PARAMS) flat.push(core);
    });
  }
  const align = Math.max(discriminant, payloadAlign);
  return { alignment: align, size: alignTo(alignTo(discriminant, payloadAlign) + payloadSize, align), flat };
}

function join(a: CoreValType, b: CoreValType): CoreValType {
  if (a === b) return a;
  if ((a === 'i32' && b === 'f32') || (a === 'f32' && b === 'i32')) return 'i32';
  return 'i64';
}

/** The flat parameters of a function, at most `MAX_FLAT_PARAMS + 1` of them. */
export function flattenParams(type: FuncType, pointer: PointerType = 'i32'): readonly CoreValType[] {
  const flat: CoreValType[] = [];
  for (const param of type.params) append(flat, flatten(param.type, pointer));
  return flat;
}

/** What of the canonical options decides the core signature. */
export interface FlattenOptions {
  readonly async?: boolean;
  readonly callback?: boolean;
  readonly pointer?: PointerType;
}

/** The core function type that a function is lifted from or lowered to: `flatten_functype` of the spec. */
export function flattenFunc(type: FuncType, context: 'lift' | 'lower', options: FlattenOptions = {}): CoreFuncType {
  const pointer = options.pointer ?? 'i32';
  let params = flattenParams(type, pointer);
  const results = type.result === undefined ? [] : flatten(type.result, pointer);
  if (options.async !== true) {
    if (params.length > MAX_FLAT_PARAMS) params = [pointer];
    if (results.length <= MAX_FLAT_RESULTS) return { params, results };
    return context === 'lift' ? { params, results: [pointer] } : { params: [...params, pointer], results: [] };
  }
  if (context === 'lift') {
    return { params: params.length > MAX_FLAT_PARAMS ? [pointer] : params, results: options.callback === true ? ['i32'] : [] };
  }
  if (params.length > MAX_FLAT_ASYNC_PARAMS) params = [pointer];
  return { params: results.length > 0 ? [...params, pointer] : params, results: ['i32'] };
}
