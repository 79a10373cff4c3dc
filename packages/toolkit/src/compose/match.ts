/**
 * Whether what a plug exports fits what another part imports, and if not, where they differ.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/Subtyping.md
 */
import type { DefinedType, ExternType, FuncType, ResourceId, ValType } from '@tenon/component';
import { fullText, typeText } from '../wit/type-text.ts';

/** Where an import and an export differ. */
export interface Mismatch {
  /** Names from the interface inwards: `math`, `add`, `param a`. */
  readonly path: readonly string[];
  readonly expected: string;
  readonly found: string;
}

/** Resources of the importing part, as bound so far to the resources of the composition. */
export type Bindings = Map<ResourceId, ResourceId>;

/**
 * Checks an export against an import and binds the resources that the import introduces.
 * @param expected the import, over the importing part's own resources
 * @param found the export, over the resources of the composition
 */
export function matchExtern(expected: ExternType, found: ExternType, bindings: Bindings, path: readonly string[]): Mismatch | undefined {
  if (expected.kind !== found.kind) return differ(path, expected.kind, found.kind);
  switch (expected.kind) {
    case 'func':
      return matchFunc(expected.type, (found as typeof expected).type, bindings, path);
    case 'value':
      return matchValue(expected.type, (found as typeof expected).type, bindings, path);
    case 'type':
      return matchDefined(expected.type, (found as typeof expected).type, bindings, path);
    case 'instance':
      return matchExports(expected.type.exports, (found as typeof expected).type.exports, bindings, path);
    default:
      // Modules and components are compared when the result is validated.
      return undefined;
  }
}

function differ(path: readonly string[], expected: string, found: string): Mismatch {
  return { path, expected, found };
}

function matchExports(
  expected: ReadonlyMap<string, ExternType>,
  found: ReadonlyMap<string, ExternType>,
  bindings: Bindings,
  path: readonly string[],
): Mismatch | undefined {
  for (const [name, type] of expected) {
    const item = found.get(name);
    if (item === undefined) return differ([...path, name], type.kind === 'type' ? `a ${type.type.kind} type` : `a ${type.kind}`, 'nothing');
    const mismatch = matchExtern(type, item, bindings, [...path, name]);
    if (mismatch !== undefined) return mismatch;
  }
  return undefined;
}

function matchDefined(expected: DefinedType, found: DefinedType, bindings: Bindings, path: readonly string[]): Mismatch | undefined {
  if (expected.kind !== found.kind) return differ(path, `a ${expected.kind} type`, `a ${found.kind} type`);
  switch (expected.kind) {
    case 'value':
      return matchValue(expected.type, (found as typeof expected).type, bindings, path);
    case 'func':
      return matchFunc(expected.type, (found as typeof expected).type, bindings, path);
    case 'resource': {
      const actual = (found as typeof expected).resource;
      const bound = bindings.get(expected.resource);
      if (bound === undefined) bindings.set(expected.resource, actual);
      else if (bound !== actual) return differ(path, 'the resource that another import already provides', 'a resource of its own');
      return undefined;
    }
    case 'instance':
      return matchExports(expected.type.exports, (found as typeof expected).type.exports, bindings, path);
    default:
      return undefined;
  }
}

function funcText(type: FuncType): string {
  const params = type.params.map((param) => `${param.name}: ${typeText(param.type)}`).join(', ');
  return `${type.async ? 'async ' : ''}func(${params})${type.result === undefined ? '' : ` -> ${typeText(type.result)}`}`;
}

function matchFunc(expected: FuncType, found: FuncType, bindings: Bindings, path: readonly string[]): Mismatch | undefined {
  const names = (type: FuncType): string => type.params.map((param) => param.name).join();
  const shapes = (type: FuncType): string => `${names(type)};${type.result === undefined};${type.async}`;
  if (shapes(expected) !== shapes(found)) return differ(path, funcText(expected), funcText(found));
  for (const [i, param] of expected.params.entries()) {
    const other = found.params[i];
    if (other === undefined) continue;
    const mismatch = matchValue(param.type, other.type, bindings, [...path, `param ${param.name}`]);
    if (mismatch !== undefined) return mismatch;
  }
  return matchOptional(expected.result, found.result, bindings, [...path, 'result']);
}

function matchOptional(
  expected: ValType | undefined,
  found: ValType | undefined,
  bindings: Bindings,
  path: readonly string[],
): Mismatch | undefined {
  if (expected !== undefined && found !== undefined) return matchValue(expected, found, bindings, path);
  if (expected === found) return undefined;
  return differ(path, expected === undefined ? 'nothing' : fullText(expected), found === undefined ? 'nothing' : fullText(found));
}

function matchNames(expected: readonly string[], found: readonly string[], path: readonly string[]): Mismatch | undefined {
  if (expected.join() === found.join()) return undefined;
  return differ(path, `{ ${expected.join(', ')} }`, `{ ${found.join(', ')} }`);
}

/** What is known to fit, so that types in types in types are not compared exponentially often. */
const fitting = new WeakMap<Bindings, WeakMap<ValType, WeakSet<ValType>>>();

function matchValue(expected: ValType, found: ValType, bindings: Bindings, path: readonly string[]): Mismatch | undefined {
  const pairs = fitting.get(bindings) ?? new WeakMap<ValType, WeakSet<ValType>>();
  fitting.set(bindings, pairs);
  const known = pairs.get(expected) ?? new WeakSet();
  pairs.set(expected, known);
  if (known.has(found)) return undefined;
  const mismatch = compareValues(expected, found, bindings, path);
  if (mismatch === undefined) known.add(found);
  return mismatch;
}

function compareValues(expected: ValType, found: ValType, bindings: Bindings, path: readonly string[]): Mismatch | undefined {
  if (expected.kind !== found.kind) return differ(path, fullText(expected), fullText(found));
  switch (expected.kind) {
    case 'record': {
      const other = (found as typeof expected).fields;
      const names = matchNames(
        expected.fields.map((field) => field.name),
        other.map((field) => field.name),
        path,
      );
      if (names !== undefined) return names;
      return firstOf(expected.fields, (field, i) => matchOptional(field.type, other[i]?.type, bindings, [...path, `field ${field.name}`]));
    }
    case 'variant': {
      const other = (found as typeof expected).cases;
      const names = matchNames(
        expected.cases.map((c) => c.name),
        other.map((c) => c.name),
        path,
      );
      if (names !== undefined) return names;
      return firstOf(expected.cases, (c, i) => matchOptional(c.type, other[i]?.type, bindings, [...path, `case ${c.name}`]));
    }
    case 'flags':
    case 'enum':
      return matchNames(expected.names, (found as typeof expected).names, path);
    case 'list': {
      const other = found as typeof expected;
      if (expected.length !== other.length) return differ(path, fullText(expected), fullText(found));
      return matchValue(expected.element, other.element, bindings, [...path, 'element']);
    }
    case 'map': {
      const other = found as typeof expected;
      return (
        matchValue(expected.key, other.key, bindings, [...path, 'key']) ??
        matchValue(expected.value, other.value, bindings, [...path, 'value'])
      );
    }
    case 'tuple': {
      const other = (found as typeof expected).types;
      if (expected.types.length !== other.length) return differ(path, fullText(expected), fullText(found));
      return firstOf(expected.types, (type, i) => matchOptional(type, other[i], bindings, [...path, `element ${i}`]));
    }
    case 'option':
      return matchValue(expected.type, (found as typeof expected).type, bindings, [...path, 'some']);
    case 'result': {
      const other = found as typeof expected;
      return (
        matchOptional(expected.ok, other.ok, bindings, [...path, 'ok']) ??
        matchOptional(expected.err, other.err, bindings, [...path, 'err'])
      );
    }
    case 'own':
    case 'borrow': {
      const bound = bindings.get(expected.resource);
      const actual = (found as typeof expected).resource;
      if (bound === actual) return undefined;
      return differ(path, `${typeText(expected)} of the import`, `${typeText(found)}, another resource`);
    }
    case 'stream':
    case 'future':
      return matchOptional(expected.element, (found as typeof expected).element, bindings, [...path, 'element']);
    default:
      return undefined;
  }
}

function firstOf<T>(items: readonly T[], match: (item: T, index: number) => Mismatch | undefined): Mismatch | undefined {
  for (const [i, item] of items.entries()) {
    const mismatch = match(item, i);
    if (mismatch !== undefined) return mismatch;
  }
  return undefined;
}

/** One line: `add > param a: expected s32, found u32`. */
export function mismatchText({ path, expected, found }: Mismatch): string {
  return `${path.join(' > ')}: expected ${expected}, found ${found}`;
}
