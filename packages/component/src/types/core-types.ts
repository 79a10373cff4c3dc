/**
 * Canonical core types: equal recursive groups get equal identities, so that types of different modules can be compared.
 * A decoded type refers to others as `$index`; a canonical one as `@identity`.
 * https://webassembly.github.io/spec/core/valid/matching.html
 */
import type { CoreSubType } from '../binary/definitions.ts';
import type { CoreExternType, CoreFuncType, CoreLimits, CoreValType } from './types.ts';

/** Identity of a canonical core type within one {@link CoreTypes}. */
export type CoreTypeId = number;

export interface CoreDefinedType {
  readonly id: CoreTypeId;
  readonly final: boolean;
  readonly supertype: CoreTypeId | undefined;
  /** The length of its chain of supertypes. */
  readonly depth: number;
  readonly type: CoreSubType['type'];
}

/** Makes the error for a group that is not valid. */
export type CoreTypeProblem = (message: string) => Error;

const MAX_SUBTYPING_DEPTH = 63;
const REFERENCE = /\$(\d+)/;
const REFERENCES = /\$(\d+)/g;
const RELATIVE = /%(\d+)/g;

/** The top of each hierarchy of abstract heap types, by member; `none`-like bottoms are below all of theirs. */
const HEAP_PARENT: Readonly<Record<string, string>> = {
  eq: 'any',
  i31: 'eq',
  struct: 'eq',
  array: 'eq',
};
const HEAP_BOTTOM: Readonly<Record<string, string>> = { none: 'any', nofunc: 'func', noextern: 'extern', noexn: 'exn' };

export class CoreTypes {
  private readonly types: CoreDefinedType[] = [];
  private readonly groups = new Map<string, CoreTypeId>();
  private readonly functions = new Map<CoreFuncType, CoreTypeId>();

  get(id: CoreTypeId): CoreDefinedType {
    const type = this.types[id];
    if (type === undefined) throw new RangeError(`internal error: no core type @${id}`);
    return type;
  }

  /** Adds a group to a type index space; makes the error that it throws by `problem`. */
  addGroup(space: (CoreTypeId | undefined)[], group: readonly CoreSubType[], problem: CoreTypeProblem): void {
    const plain = plainFunction(group);
    if (plain !== undefined) {
      space.push(this.idOf(plain));
      return;
    }
    const base = space.length;
    const localise = (index: number): string => {
      if (index < base && space[index] === undefined) throw problem(`type index ${index} is a module type, not a sub type`);
      if (index < base) return `@${space[index]}`;
      if (index < base + group.length) return `%${index - base}`;
      throw problem(`unknown type ${index}: type index out of bounds`);
    };
    const local = group.map((sub, position): CoreSubType => {
      for (const supertype of sub.supertypes) {
        if (supertype >= base + position) throw problem(`unknown type ${supertype}: type index out of bounds`);
      }
      return { ...sub, type: mapReferences(sub.type, REFERENCES, localise) };
    });
    const key = local.map((sub, position) => subTypeKey(sub, group[position]?.supertypes.map(localise) ?? [])).join(';');
    let first = this.groups.get(key);
    if (first === undefined) {
      first = this.types.length;
      for (const [position, sub] of local.entries()) this.define(first, position, sub, base, space, problem);
      for (let id = first; id < this.types.length; id++) this.checkSupertype(id, problem);
      this.groups.set(key, first);
    }
    for (let position = 0; position < group.length; position++) space.push(first + position);
  }

  /** The identity of a {@link plainFunction}. */
  idOf(type: PlainFunction): CoreTypeId {
    const key = functionKey(type);
    let id = this.groups.get(key);
    if (id === undefined) {
      id = this.types.length;
      this.types.push({ id, final: true, supertype: undefined, depth: 0, type });
      this.functions.set(type, id);
      this.groups.set(key, id);
    }
    return id;
  }

  private define(
    first: CoreTypeId,
    position: number,
    sub: CoreSubType,
    base: number,
    space: readonly (CoreTypeId | undefined)[],
    problem: CoreTypeProblem,
  ): void {
    const id = first + position;
    const type = mapReferences(sub.type, RELATIVE, (index) => `@${first + index}`);
    const index = sub.supertypes[0];
    const supertype = index === undefined ? undefined : index < base ? (space[index] as number) : first + index - base;
    const parent = supertype === undefined ? undefined : this.get(supertype);
    const depth = parent === undefined ? 0 : parent.depth + 1;
    if (depth > MAX_SUBTYPING_DEPTH) throw problem(`sub type hierarchy is deeper than ${MAX_SUBTYPING_DEPTH}`);
    this.types.push({ id, final: sub.final, supertype, depth, type });
    if (type.kind === 'func') this.functions.set(type, id);
  }

  private checkSupertype(id: CoreTypeId, problem: CoreTypeProblem): void {
    const { supertype, type } = this.get(id);
    if (supertype === undefined) return;
    const parent = this.get(supertype);
    if (parent.final || !this.declaredMatches(type, parent.type)) throw problem('sub type must match super type');
  }

  /** The canonical function type of a group of its own. */
  func(params: readonly CoreValType[], results: readonly CoreValType[]): CoreFuncType {
    const space: (CoreTypeId | undefined)[] = [];
    this.addGroup(space, [{ final: true, supertypes: [], type: { kind: 'func', params, results } }], (message) => new RangeError(message));
    return this.funcOf(space[0] as number) as CoreFuncType;
  }

  /** The function type with that identity, if it is one. */
  funcOf(id: CoreTypeId): CoreFuncType | undefined {
    const { type } = this.get(id);
    return type.kind === 'func' ? type : undefined;
  }

  private declaredMatches(a: CoreSubType['type'], b: CoreSubType['type']): boolean {
    if (a.kind === 'func' || b.kind === 'func') {
      if (a.kind !== 'func' || b.kind !== 'func') return false;
      return (
        a.params.length === b.params.length &&
        a.results.length === b.results.length &&
        a.params.every((type, i) => this.matchesVal(b.params[i] as CoreValType, type)) &&
        a.results.every((type, i) => this.matchesVal(type, b.results[i] as CoreValType))
      );
    }
    if (a.kind !== b.kind) return false;
    const fields = splitFields(b.text);
    const own = splitFields(a.text);
    return own.length >= fields.length && fields.every((field, i) => this.matchesField(own[i] as string, field));
  }

  private matchesField(a: string, b: string): boolean {
    if (a === b) return true;
    if (a.startsWith('(mut') || b.startsWith('(mut')) return false;
    return a !== 'i8' && a !== 'i16' && this.matchesVal(a, b);
  }

  /** Whether core value type `a` matches `b`. */
  matchesVal(a: CoreValType, b: CoreValType): boolean {
    if (a === b) return true;
    if (!a.startsWith('(ref ') || !b.startsWith('(ref ')) return false;
    const nullable = a.startsWith('(ref null ');
    if (nullable && !b.startsWith('(ref null ')) return false;
    return this.matchesHeap(heapOf(a), heapOf(b));
  }

  private matchesHeap(a: string, b: string): boolean {
    if (a === b) return true;
    const bottom = HEAP_BOTTOM[a];
    if (bottom !== undefined) return this.topOf(b) === bottom;
    if (a.startsWith('@')) {
      const type = this.get(Number(a.slice(1)));
      if (b.startsWith('@')) return this.matchesId(type.id, Number(b.slice(1)));
      return this.matchesHeap(type.type.kind, b);
    }
    const parent = HEAP_PARENT[a];
    return parent !== undefined && this.matchesHeap(parent, b);
  }

  private topOf(heap: string): string {
    if (heap.startsWith('@')) return this.topOf(this.get(Number(heap.slice(1))).type.kind);
    const parent = HEAP_PARENT[heap];
    return parent === undefined ? (HEAP_BOTTOM[heap] ?? heap) : this.topOf(parent);
  }

  private matchesId(a: CoreTypeId, b: CoreTypeId): boolean {
    for (let id: CoreTypeId | undefined = a; id !== undefined; id = this.get(id).supertype) if (id === b) return true;
    return false;
  }

  /** Whether function type `a` can stand where `b` is wanted: by identity where both are canonical, else by structure. */
  matchesFunc(a: CoreFuncType, b: CoreFuncType): boolean {
    if (a === b) return true;
    const idA = this.functions.get(a);
    const idB = this.functions.get(b);
    if (idA !== undefined && idB !== undefined) return this.matchesId(idA, idB);
    return sameFunc(a, b);
  }

  /** Why `a` does not match `b`, or undefined when it does. */
  mismatch(a: CoreExternType, b: CoreExternType): string | undefined {
    switch (b.kind) {
      case 'func':
        if (a.kind !== 'func') break;
        if (this.matchesFunc(a.type, b.type)) return undefined;
        return `expected: ${describeFunc(b.type)}, found: ${describeFunc(a.type)}`;
      case 'tag':
        if (a.kind !== 'tag') break;
        if (this.matchesFunc(a.type, b.type) && this.matchesFunc(b.type, a.type)) return undefined;
        return `expected: ${describeFunc(b.type)}, found: ${describeFunc(a.type)}`;
      case 'global':
        if (a.kind !== 'global') break;
        if (a.mutable !== b.mutable) return 'global types differ in mutability';
        if (this.matchesVal(a.type, b.type) && (!b.mutable || this.matchesVal(b.type, a.type))) return undefined;
        return `expected global type ${describeVal(b.type)}, found ${describeVal(a.type)}`;
      case 'table':
        if (a.kind !== 'table') break;
        if (!this.matchesVal(a.element, b.element) || !this.matchesVal(b.element, a.element)) {
          return `expected table element type ${describeVal(b.element)}, found ${describeVal(a.element)}`;
        }
        return limitsMismatch(a.limits, b.limits, 'table');
      case 'memory':
        if (a.kind !== 'memory') break;
        if ((a.limits.pageSizeLog2 ?? 16) !== (b.limits.pageSizeLog2 ?? 16)) return 'mismatch in custom page sizes for memories';
        return limitsMismatch(a.limits, b.limits, 'memory');
    }
    return `expected ${b.kind}, found ${a.kind}`;
  }
}

function limitsMismatch(a: CoreLimits, b: CoreLimits, what: string): string | undefined {
  if (a.shared !== b.shared) return `mismatch in the shared flag for ${plural(what)}`;
  if (a.index64 !== b.index64) return `mismatch in index type used for ${plural(what)}`;
  const fits = a.min >= b.min && (b.max === undefined || (a.max !== undefined && a.max <= b.max));
  return fits ? undefined : `mismatch in ${what} limits`;
}

const plural = (what: string): string => (what === 'memory' ? 'memories' : `${what}s`);

/** Structural equality of function types. */
export function sameFunc(a: CoreFuncType, b: CoreFuncType): boolean {
  return sameTypes(a.params, b.params) && sameTypes(a.results, b.results);
}

export function sameTypes(a: readonly CoreValType[], b: readonly CoreValType[]): boolean {
  return a.length === b.length && a.every((type, i) => type === b[i]);
}

/** `(func (param i32 i32) (result i32))`. */
export function describeFunc(type: CoreFuncType): string {
  const part = (what: string, types: readonly CoreValType[]): string =>
    types.length === 0 ? '' : ` (${what} ${types.map(describeVal).join(' ')})`;
  return `(func${part('param', type.params)}${part('result', type.results)})`;
}

/** References in their short form where they have one: `funcref`. */
export function describeVal(type: CoreValType): string {
  return type.replace(/^\(ref null (func|extern|any|eq|i31|struct|array|exn)\)$/, '$1ref');
}

/** Replaces the `$index` references of a value type, or returns undefined when one is out of bounds. */
export function canonicalValType(space: readonly (CoreTypeId | undefined)[], type: CoreValType): CoreValType | undefined {
  const match = REFERENCE.exec(type);
  if (match === null) return type;
  const id = space[Number(match[1])];
  return id === undefined ? undefined : type.replace(REFERENCE, `@${id}`);
}

function mapReferences(type: CoreSubType['type'], pattern: RegExp, to: (index: number) => string): CoreSubType['type'] {
  const map = (text: string): string => (text.includes('(') ? text.replace(pattern, (_, index: string) => to(Number(index))) : text);
  if (type.kind === 'func') return { kind: 'func', params: type.params.map(map), results: type.results.map(map) };
  return { kind: type.kind, text: map(type.text) };
}

export type PlainFunction = Extract<CoreSubType['type'], { kind: 'func' }>;

/** The type of a group of one function type that refers to no other type, which is what nearly all groups are. */
function plainFunction(group: readonly CoreSubType[]): PlainFunction | undefined {
  const [only] = group;
  if (only === undefined || group.length > 1 || !only.final || only.supertypes.length > 0 || only.type.kind !== 'func') return undefined;
  return only.type.params.every(isNumeric) && only.type.results.every(isNumeric) ? only.type : undefined;
}

const isNumeric = (type: CoreValType): boolean => !type.startsWith('(');

const functionKey = (type: CoreFuncType): string => `(func ${type.params.join(',')}>${type.results.join(',')})`;

function subTypeKey(sub: CoreSubType, supertypes: readonly string[]): string {
  const { type } = sub;
  const body = type.kind === 'func' ? functionKey(type) : `(${type.kind} ${type.text})`;
  return sub.final && supertypes.length === 0 ? body : `${sub.final ? 'final' : 'open'} ${supertypes.join()} ${body}`;
}

/** The fields of a struct's text: values, references and `(mut …)` of either. */
function splitFields(text: string): string[] {
  const fields: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i <= text.length; i++) {
    const c = text[i];
    if (c === '(') depth++;
    else if (c === ')') depth--;
    else if ((c === ' ' && depth === 0) || c === undefined) {
      if (i > start) fields.push(text.slice(start, i));
      start = i + 1;
    }
  }
  return fields;
}

function heapOf(type: CoreValType): string {
  return type.slice(type.startsWith('(ref null ') ? '(ref null '.length : '(ref '.length, -1);
}
