/** Evaluates type definitions in an environment, so that handles name resources of the plan. */
import type { TypeExpr, ValTypeExpr } from '../binary/definitions.ts';
import type { Field, FuncType, PrimitiveKind, PrimitiveType, ResourceId, ValType } from '../types/types.ts';
import { children } from '../validate/type-info.ts';
import { at, type Environment, type TypeValue } from './environment.ts';

const primitives = new Map<PrimitiveKind, PrimitiveType>();

function primitive(kind: PrimitiveKind): PrimitiveType {
  let type = primitives.get(kind);
  if (type === undefined) {
    type = { kind };
    primitives.set(kind, type);
  }
  return type;
}

export function valType(env: Environment, expr: ValTypeExpr): ValType {
  if (typeof expr === 'string') return primitive(expr);
  const type = at(env.types, expr, 'type');
  if (type.kind !== 'value') throw new Error(`internal error: type ${expr} is no value type after validation`);
  return type.type;
}

const optional = (env: Environment, expr: ValTypeExpr | undefined): ValType | undefined =>
  expr === undefined ? undefined : valType(env, expr);

function resource(env: Environment, index: number): ResourceId {
  const type = at(env.types, index, 'type');
  if (type.kind !== 'resource') throw new Error(`internal error: type ${index} is no resource after validation`);
  return type.resource;
}

const fields = (env: Environment, list: readonly { readonly name: string; readonly type: ValTypeExpr }[]): Field[] =>
  list.map((field) => ({ name: field.name, type: valType(env, field.type) }));

/** The effort of evaluating a type definition, as for `PlanBuilder.effort`. */
export function typeEffort(expr: TypeExpr): number {
  switch (expr.kind) {
    case 'record':
      return 2 + expr.fields.length;
    case 'variant':
      return 2 + expr.cases.length;
    case 'tuple':
      return 2 + expr.types.length;
    case 'func':
      return 2 + expr.params.length;
    default:
      return 2;
  }
}

/** Evaluates every type definition but resources, which the linker gives an identity. */
export function typeValue(env: Environment, expr: Exclude<TypeExpr, { kind: 'resource' }>): TypeValue {
  switch (expr.kind) {
    case 'func': {
      const type: FuncType = { params: fields(env, expr.params), result: optional(env, expr.result), async: expr.async };
      return { kind: 'func', type };
    }
    case 'component':
    case 'instance':
      return { kind: expr.kind, declarations: expr.declarations, scope: env };
    default:
      return { kind: 'value', type: defValType(env, expr) };
  }
}

function defValType(env: Environment, expr: Exclude<TypeExpr, { kind: 'resource' | 'func' | 'component' | 'instance' }>): ValType {
  switch (expr.kind) {
    case 'primitive':
      return primitive(expr.type);
    case 'record':
      return { kind: 'record', fields: fields(env, expr.fields) };
    case 'variant':
      return { kind: 'variant', cases: expr.cases.map((c) => ({ name: c.name, type: optional(env, c.type) })) };
    case 'list':
      return { kind: 'list', element: valType(env, expr.element), length: expr.length };
    case 'map':
      return { kind: 'map', key: valType(env, expr.key), value: valType(env, expr.value) };
    case 'tuple':
      return { kind: 'tuple', types: expr.types.map((type) => valType(env, type)) };
    case 'flags':
    case 'enum':
      return { kind: expr.kind, names: expr.names };
    case 'option':
      return { kind: 'option', type: valType(env, expr.type) };
    case 'result':
      return { kind: 'result', ok: optional(env, expr.ok), err: optional(env, expr.err) };
    case 'own':
    case 'borrow':
      return { kind: expr.kind, resource: resource(env, expr.resource) };
    case 'stream':
    case 'future':
      return { kind: expr.kind, element: optional(env, expr.element) };
  }
}

const ASYNC_KINDS: ReadonlySet<string> = new Set(['stream', 'future', 'error-context']);

const asyncValues = new WeakMap<FuncType, string | null>();

/** The first value type in a signature that only the asynchronous Canonical ABI can pass, if any. */
export function asyncValueIn(type: FuncType): string | undefined {
  // Found out once: thousands of functions may have the same large type.
  let value = asyncValues.get(type);
  if (value === undefined) {
    value = findAsyncValue(type) ?? null;
    asyncValues.set(type, value);
  }
  return value ?? undefined;
}

function findAsyncValue(type: FuncType): string | undefined {
  const seen = new Set<ValType>();
  const visit = (t: ValType): string | undefined => {
    if (ASYNC_KINDS.has(t.kind)) return t.kind;
    const parts = children(t);
    if (parts.length === 0 || seen.has(t)) return undefined;
    seen.add(t);
    for (const part of parts) {
      const found = visit(part);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  for (const { type: t } of type.params) {
    const found = visit(t);
    if (found !== undefined) return found;
  }
  return type.result === undefined ? undefined : visit(type.result);
}
