import { type ComponentDefinition, decode, pascalCase, placeFunction, shortNames, validate } from '@tenon/component';

/**
 * The names that an instance of a component exports to JavaScript: interfaces by full and by short name, functions in camel case, resources
 * as classes.
 */
export function exportNames(bytes: Uint8Array): string[] {
  const definition = decode(bytes);
  const names = new Set<string>();
  const exported: { name: string; isInstance: boolean }[] = [];
  const types: string[] = [];
  for (const item of definition.definitions) {
    if (item.kind !== 'export') continue;
    const { name } = item.name;
    const { sort } = item.target;
    exported.push({ name, isInstance: sort === 'instance' });
    if (sort === 'instance' || sort === 'core module') names.add(name);
    else if (sort === 'type') types.push(name);
    else if (sort === 'func') {
      const { name: func, place } = placeFunction(name);
      // All others are found at the class of their resource.
      if (place === 'plain') names.add(func);
    }
  }
  for (const name of resources(definition, bytes, types)) names.add(pascalCase(name));
  for (const short of shortNames(exported).values()) names.add(short);
  return [...names];
}

function resources(definition: ComponentDefinition, bytes: Uint8Array, names: readonly string[]): readonly string[] {
  if (names.length === 0) return [];
  const { exports } = validate(definition, bytes).type;
  return names.filter((name) => {
    const type = exports.get(name);
    return type?.kind === 'type' && type.type.kind === 'resource';
  });
}
