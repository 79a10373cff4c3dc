/** The names that exports have in JavaScript: found once for a plan, used by each of its instances. */
import { interfaceName, type PlacedFunction, pascalCase, placeFunction } from '../abi/names.ts';
import type { PlanExport, PlanExports } from './plan.ts';

export type NamedExport =
  | {
      readonly kind: 'instance';
      readonly name: string;
      /** The name without namespace, package and version, where nothing else has it. */
      readonly short: string | undefined;
      readonly exports: readonly NamedExport[];
    }
  | { readonly kind: 'resource'; readonly name: string; readonly item: Extract<PlanExport, { kind: 'resource' }> }
  | { readonly kind: 'module'; readonly name: string; readonly item: Extract<PlanExport, { kind: 'module' }> }
  | (PlacedFunction & {
      readonly kind: 'function';
      /** The full name, for messages. */
      readonly label: string;
      readonly item: Extract<PlanExport, { kind: 'lift' | 'host function' }>;
    });

/** @param owner the name of the interface that has the exports; empty for the component itself */
export function nameExports(exports: PlanExports, owner = ''): readonly NamedExport[] {
  const short = shortNames(exports.map(([name, { kind }]) => ({ name, isInstance: kind === 'instance' })));
  const named = (name: string, item: PlanExport): NamedExport => {
    switch (item.kind) {
      case 'instance':
        return { kind: 'instance', name, short: short.get(name), exports: nameExports(item.exports, name) };
      case 'resource':
        return { kind: 'resource', name: pascalCase(name), item };
      case 'module':
        return { kind: 'module', name, item };
      case 'lift':
      case 'host function':
        return { kind: 'function', ...placeFunction(name), label: owner === '' ? name : `${owner}#${name}`, item };
    }
  };
  return exports.map(([name, item]) => named(name, item));
}

/**
 * The short names of instances: `math` for `example:calculator/math`. One that two of them would have, or that something else has, is
 * nobody's: which of two versions it means could only be guessed.
 */
export function shortNames(exports: readonly { readonly name: string; readonly isInstance: boolean }[]): ReadonlyMap<string, string> {
  const shorts = exports.filter(({ isInstance }) => isInstance).map(({ name }) => ({ name, short: interfaceName(name) }));
  const taken = new Map<string, number>();
  const take = (name: string): void => void taken.set(name, (taken.get(name) ?? 0) + 1);
  for (const { name, short } of shorts) {
    take(short);
    if (name !== short) take(name);
  }
  for (const { name, isInstance } of exports) if (!isInstance) take(placeFunction(name).name);
  return new Map(shorts.filter(({ short }) => taken.get(short) === 1).map(({ name, short }) => [name, short]));
}
