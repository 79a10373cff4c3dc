/**
 * What the name of an import or export must be, given its type and the names before it.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md#import-and-export-definitions
 */
import type { ExternName } from '../binary/definitions.ts';
import type { ResourceName } from '../types/identity.ts';
import { resourceNameOf } from '../types/identity.ts';
import type { ExternType, FuncType, ValType } from '../types/types.ts';
import { NameProblem, type ParsedName, parseExternName, parseSemver, uniquenessKey } from './names.ts';
import type { Externs } from './scope.ts';
import type { Validation } from './validation.ts';

const EXPORTABLE: ReadonlySet<ParsedName['kind']> = new Set(['label', 'constructor', 'method', 'static', 'interface']);

/** Checks a name and enters it and its item in the scope's imports or exports. */
export function checkName(
  v: Validation,
  externs: Externs,
  { name, implements: implemented, versionSuffix }: ExternName,
  type: ExternType,
): void {
  const { direction } = externs;
  const parsed = parse(v, name, `${direction} name \`${name}\` is not a valid extern name`);
  if (direction === 'export' && !EXPORTABLE.has(parsed.kind)) throw v.error(`name \`${name}\` is not a valid export name`);
  if (implemented !== undefined) {
    if (parsed.kind !== 'label') throw v.error(`name \`${name}\` is not valid with \`implements\``);
    if (type.kind !== 'instance') throw v.error('only instances can have an `implements`');
    const problem = `\`${implemented}\` is not a valid name`;
    const target = parse(v, implemented, problem);
    if (target.kind !== 'interface') throw v.error(`name \`${implemented}\` must be an interface`);
    if (target.version !== undefined) checkVersion(v, target.version, problem);
  }
  if (versionSuffix !== undefined) checkVersionSuffix(v, name, parsed, versionSuffix, type);
  checkNameAgainstType(v, externs, name, parsed, versionSuffix, type);
  const key = uniquenessKey(name);
  const previous = externs.names.get(key);
  if (previous !== undefined) throw v.error(`${direction} name \`${name}\` conflicts with previous name \`${previous}\``);
  externs.names.set(key, name);
  externs.items.set(name, type);
}

function parse(v: Validation, name: string, problem: string): ParsedName {
  try {
    return parseExternName(name);
  } catch (error) {
    if (error instanceof NameProblem) throw v.error(`${problem}: ${error.message}`);
    throw error;
  }
}

function checkVersion(v: Validation, version: string, problem: string): void {
  try {
    parseSemver(version);
  } catch (error) {
    if (error instanceof NameProblem) throw v.error(`${problem}: invalid interface version: ${error.message}`);
    throw error;
  }
}

const CANONICAL_VERSION = /^(?:[1-9][0-9]*|0\.[1-9][0-9]*|0\.0\.[1-9][0-9]*|0\.0\.0)$/;

function checkVersionSuffix(v: Validation, name: string, parsed: ParsedName, suffix: string, type: ExternType): void {
  if (type.kind !== 'instance') throw v.error('only instances can have an `versionsuffix`');
  if (parsed.version === undefined || !CANONICAL_VERSION.test(parsed.version)) {
    throw v.error(`name \`${name}\` with the versionsuffix \`${suffix}\` must end in a canonical version`);
  }
}

function checkNameAgainstType(
  v: Validation,
  externs: Externs,
  name: string,
  parsed: ParsedName,
  versionSuffix: string | undefined,
  type: ExternType,
): void {
  const problem = `${externs.direction} name \`${name}\` is not valid`;
  if (parsed.version !== undefined) checkVersion(v, parsed.version + (versionSuffix ?? ''), problem);
  if (parsed.resource === undefined) return;
  if (type.kind !== 'func') throw v.error(`${problem}: item is not a func`);
  const mismatch = annotationMismatch(externs, parsed.kind, parsed.resource, type.type);
  if (mismatch !== undefined) throw v.error(`${problem}: ${mismatch}`);
}

function annotationMismatch(externs: Externs, kind: ParsedName['kind'], resource: string, func: FuncType): string | undefined {
  switch (kind) {
    case 'constructor': {
      if (func.async) return 'constructor function cannot be async';
      if (func.result === undefined) return 'function should return one value';
      const made = constructed(func.result);
      if (made === undefined) return 'function should return `(own $T)` or `(result (own $T))`';
      return resourceMismatch(externs, made, resource);
    }
    case 'method': {
      const self = func.params[0];
      if (self === undefined) return 'function should have at least one argument';
      if (self.name !== 'self') return 'function should have a first argument called `self`';
      if (self.type.kind !== 'borrow') return 'function should take a first argument of `(borrow $T)`';
      return resourceMismatch(externs, resourceNameOf(self.type), resource);
    }
    default:
      return externs.resourceLabels.has(resource) ? undefined : 'static resource name is not known in this context';
  }
}

function constructed(result: ValType): ResourceName | undefined {
  if (result.kind === 'own') return resourceNameOf(result);
  return result.kind === 'result' && result.ok?.kind === 'own' ? resourceNameOf(result.ok) : undefined;
}

function resourceMismatch(externs: Externs, used: ResourceName, resource: string): string | undefined {
  const name = externs.resourceNames.get(used);
  if (name === undefined) return 'resource used in function does not have a name in this context';
  return name === resource ? undefined : `function does not match expected resource name \`${name}\``;
}
