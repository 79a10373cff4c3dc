/**
 * How names of the Component Model become names in JavaScript.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/Explainer.md#name-uniqueness
 */

const capitalised = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1).toLowerCase();

/** `blocking-read` → `blockingRead`, `get-JSON` → `getJson`. */
export function camelCase(kebab: string): string {
  if (!kebab.includes('-')) return kebab.toLowerCase();
  const [first = '', ...rest] = kebab.split('-');
  return first.toLowerCase() + rest.map(capitalised).join('');
}

/** `input-stream` → `InputStream`. */
export function pascalCase(kebab: string): string {
  return kebab.split('-').map(capitalised).join('');
}

/** `wasi:io/streams@0.2.0` → `streams`, `my-api` → `myApi`. */
export function interfaceName(name: string): string {
  const version = name.indexOf('@');
  const path = version === -1 ? name : name.slice(0, version);
  return camelCase(path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf(':')) + 1));
}

/** Where a function goes in JavaScript: an object, or a class. */
export type FunctionPlace = 'plain' | 'constructor' | 'static' | 'method';

/** Names that an object, a class or a prototype cannot have without meaning something else. An object with a function `then` is a promise to `await`. */
const RESERVED: Readonly<Record<FunctionPlace, ReadonlySet<string>>> = {
  plain: new Set(['then']),
  constructor: new Set(),
  static: new Set(['then', 'prototype']),
  method: new Set(['then', 'constructor']),
};

/** What the name of a function says about it. `name` and `resource` are as in WIT. */
export type FunctionName =
  | { readonly kind: 'plain'; readonly name: string }
  | { readonly kind: 'constructor'; readonly resource: string }
  | { readonly kind: 'method' | 'static'; readonly resource: string; readonly name: string };

/** Reads `[method]input-stream.blocking-read`, `[static]fields.from-list`, `[constructor]fields` and plain names. */
export function parseFunctionName(name: string): FunctionName {
  if (!name.startsWith('[')) return { kind: 'plain', name };
  const match = /^\[(constructor|method|static)\]([^.]*)(?:\.(.*))?$/.exec(name);
  const [, kind, resource = '', member] = match ?? [];
  if (kind === 'constructor') return { kind, resource };
  if ((kind === 'method' || kind === 'static') && member !== undefined) return { kind, resource, name: member };
  return { kind: 'plain', name };
}

/** A function's place and names in JavaScript. */
export interface PlacedFunction {
  readonly place: FunctionPlace;
  /** The name of the class; empty for a plain function. */
  readonly resource: string;
  /** Empty for a constructor. */
  readonly name: string;
}

/**
 * `blocking-read` → `blockingRead`, `[static]fields.from-list` → `fromList` of `Fields`. A name that JavaScript takes for something else gets
 * an underscore, which no name in WIT has. No two functions get one name: names that differ in hyphens or case only are the same to the
 * Component Model.
 */
export function placeFunction(full: string): PlacedFunction {
  const parsed = parseFunctionName(full);
  const place = parsed.kind;
  const name = parsed.kind === 'constructor' ? '' : camelCase(parsed.name);
  const resource = parsed.kind === 'plain' ? '' : pascalCase(parsed.resource);
  return { place, resource, name: RESERVED[place].has(name) ? `${name}_` : name };
}
