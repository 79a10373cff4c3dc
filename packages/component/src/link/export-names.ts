/** The names that exports have in JavaScript: found once for a plan, used by each of its instances. */
import { camelCase, interfaceName, parseFunctionName, pascalCase } from '../abi/names.ts';
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
  | {
      readonly kind: 'function';
      /** Where it goes: the object of exports, or the class of its resource. */
      readonly place: 'plain' | 'constructor' | 'static' | 'method';
      /** The name of the class; empty for a plain function. */
      readonly resource: string;
      /** Empty for a constructor. */
      readonly name: string;
      /** The full name, for messages. */
      readonly label: string;
      readonly item: Extract<PlanExport, { kind: 'lift' | 'host function' }>;
    };

/** @param owner the name of the interface that has the exports; empty for the component itself */
export function nameExports(exports: PlanExports, owner = ''): readonly NamedExport[] {
  const named = exports.map(([name, item]) => nameExport(name, item, owner));
  const taken = new Set(named.map((each) => each.name));
  return named.map((each) => {
    if (each.kind !== 'instance' || each.short === undefined) return each;
    if (taken.has(each.short)) return { ...each, short: undefined };
    taken.add(each.short);
    return each;
  });
}

function nameExport(name: string, item: PlanExport, owner: string): NamedExport {
  switch (item.kind) {
    case 'instance':
      return { kind: 'instance', name, short: interfaceName(name), exports: nameExports(item.exports, name) };
    case 'resource':
      return { kind: 'resource', name: pascalCase(name), item };
    case 'module':
      return { kind: 'module', name, item };
    case 'lift':
    case 'host function': {
      const parsed = parseFunctionName(name);
      return {
        kind: 'function',
        place: parsed.kind,
        resource: parsed.kind === 'plain' ? '' : pascalCase(parsed.resource),
        name: parsed.kind === 'constructor' ? '' : camelCase(parsed.name),
        label: owner === '' ? name : `${owner}#${name}`,
        item,
      };
    }
  }
}
