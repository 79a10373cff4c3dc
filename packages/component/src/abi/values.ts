/**
 * Parameters and results of functions: flat while there are few of them, otherwise in memory.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#lifting-and-lowering-values
 */
import { alignment, elemSize, flatten, flattenParams, MAX_FLAT_PARAMS, MAX_FLAT_RESULTS } from '../types/layout.ts';
import type { FuncType, TupleType, ValType } from '../types/types.ts';
import type { Context } from './context.ts';
import { type Flat, flatLifter, type LiftFlat } from './lift-flat.ts';
import { keptBorrows, loaderOf, viewBytes } from './load.ts';
import { flatLowerer } from './lower-flat.ts';
import { explain } from './misfit.ts';
import { camelCase } from './names.ts';
import { lowerScalar, NONE } from './scalars.ts';
import { partsOf } from './shapes.ts';
import { passesOwn } from './signature.ts';
import { storerOf } from './store.ts';

export type LowerParams = (cx: Context, args: readonly unknown[], flat: unknown[]) => void;
export type LiftResult = (cx: Context, core: unknown) => unknown;
export type LiftParams = (cx: Context, flat: Flat) => unknown[];
/** Returns the core result, or stores it where the last flat parameter says. */
export type LowerResult = (cx: Context, value: unknown, flat: Flat) => unknown;

/** How arguments are lowered into a component; `flatCount` core values come of it. */
export function paramsLowerer(type: FuncType): { readonly lowerParams: LowerParams; readonly flatCount: number } {
  const { length } = flattenParams(type);
  return length > MAX_FLAT_PARAMS ? { lowerParams: lowerSpilled(type), flatCount: 1 } : { lowerParams: lowerFlat(type), flatCount: length };
}

/**
 * How arguments are lifted out of a component.
 * @param most flat parameters
 * @param inPlace whether lists of bytes are lifted where they lie, and lists of borrows into the array of the last call
 */
export function paramsLifter(type: FuncType, most: number = MAX_FLAT_PARAMS, inPlace = false): LiftParams {
  return flattenParams(type).length > most ? liftSpilled(type) : liftFlat(type, inPlace);
}

export const subject = (func: string, param: string): string => `\`${func}\`: parameter \`${camelCase(param)}\``;

function lowerFlat(type: FuncType): LowerParams {
  const want = flattenParams(type);
  let at = 0;
  const params = type.params.map(({ name, type: t }) => {
    const lower = flatLowerer(t, want, at);
    at += flatten(t).length;
    return { name, lower };
  });
  return (cx, args, flat) => {
    for (let i = 0; i < params.length; i++) {
      const param = params[i] as (typeof params)[number];
      try {
        param.lower(cx, args[i], flat);
      } catch (error) {
        throw explain(error, subject(cx.name, param.name));
      }
    }
  };
}

/** More than `MAX_FLAT_PARAMS`: all are stored as one tuple, in memory that `realloc` gives. */
function lowerSpilled(type: FuncType): LowerParams {
  const tuple: TupleType = { kind: 'tuple', types: type.params.map((param) => param.type) };
  const size = elemSize(tuple);
  const align = alignment(tuple);
  const params = partsOf(tuple).map((part, i) => ({
    name: type.params[i]?.name ?? part.key,
    offset: part.offset,
    store: storerOf(part.type),
  }));
  return (cx, args, flat) => {
    const address = cx.realloc(0, 0, align, size);
    flat[0] = address;
    for (let i = 0; i < params.length; i++) {
      const param = params[i] as (typeof params)[number];
      try {
        param.store(cx, args[i], address + param.offset);
      } catch (error) {
        throw explain(error, subject(cx.name, param.name));
      }
    }
  };
}

/** How the result of a synchronously lifted function is lifted. */
export function resultLifter(type: ValType | undefined): LiftResult {
  if (type === undefined) return () => undefined;
  const flat = flatten(type);
  if (flat.length <= MAX_FLAT_RESULTS) {
    const lift = flatLifter(type, flat, 0);
    return (cx, core) => lift(cx, [core]);
  }
  const size = elemSize(type);
  const align = alignment(type);
  const load = loaderOf(type);
  return (cx, core) => {
    const address = (core as number) >>> 0;
    cx.check(address, size, align, 'return');
    return load(cx, address);
  };
}

function liftFlat(type: FuncType, inPlace: boolean): LiftParams {
  const have = flattenParams(type);
  const gives = passesOwn(type);
  let at = 0;
  const lifts = type.params.map((param) => {
    const lift = (inPlace ? lifterInPlace(param.type, at, gives) : undefined) ?? flatLifter(param.type, have, at);
    at += flatten(param.type).length;
    return lift;
  });
  return (cx, flat) => {
    const args = new Array<unknown>(lifts.length);
    for (let i = 0; i < lifts.length; i++) args[i] = lifts[i]?.(cx, flat);
    return args;
  };
}

/** Undefined for what is never lifted in place. @param gives whether the call also gives handles away: then what is borrowed must be marked as lent */
function lifterInPlace(type: ValType, at: number, gives: boolean): LiftFlat | undefined {
  if (type.kind !== 'list' || type.length !== undefined) return undefined;
  const { element } = type;
  if (element.kind === 'u8') return (cx, flat) => viewBytes(cx, (flat[at] as number) >>> 0, (flat[at + 1] as number) >>> 0);
  if (element.kind !== 'borrow' || gives) return undefined;
  return (cx, flat) => keptBorrows(cx, (flat[at] as number) >>> 0, (flat[at + 1] as number) >>> 0, element, at);
}

function liftSpilled(type: FuncType): LiftParams {
  const tuple: TupleType = { kind: 'tuple', types: type.params.map((param) => param.type) };
  const size = elemSize(tuple);
  const align = alignment(tuple);
  const load = loaderOf(tuple);
  return (cx, flat) => {
    const address = (flat[0] as number) >>> 0;
    cx.check(address, size, align, 'parameter');
    return load(cx, address) as unknown[];
  };
}

/**
 * How a result is lowered into the caller.
 * @param outParam which flat parameter points to where it is stored if there are more than `most` flat results
 */
export function resultLowerer(type: ValType | undefined, outParam: number, most: number = MAX_FLAT_RESULTS): LowerResult {
  if (type === undefined) return (_cx, value) => lowerScalar(NONE, value);
  const want = flatten(type);
  if (want.length <= most) {
    const lower = flatLowerer(type, want, 0);
    return (cx, value) => {
      const flat: unknown[] = [0];
      lower(cx, value, flat);
      return flat[0];
    };
  }
  const size = elemSize(type);
  const align = alignment(type);
  const store = storerOf(type);
  return (cx, value, flat) => {
    const address = (flat[outParam] as number) >>> 0;
    cx.check(address, size, align, 'return');
    store(cx, value, address);
    return undefined;
  };
}
